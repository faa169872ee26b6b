# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the double of Harbor does beyond single exchanges: writers at the same
time, faults, versions, prefixes, and what a test can ask of it."""
import base64
import http.client
import json
import threading
import time
import urllib.parse

import harbor_filling
import harness
from harbor import Harbor
from harbor.swagger import check_conformance, undocumented
from harness import holds, same

API = "/api/v2.0"
ACCESSES = [{"resource": resource, "action": action}
            for resource, actions in (
                ("artifact", "create delete list read"),
                ("repository", "delete list pull push read"),
                ("tag", "create delete list"))
            for action in actions.split()]


class Caller:
    """Asks one Harbor as somebody, on one connection."""

    def __init__(self, harbor, name="admin", password=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", harbor.port)
        word = f"{name}:{password or harbor.admin_password}"
        self.headers = {"Authorization": "Basic " + base64.b64encode(
            word.encode()).decode(), "Content-Type": "application/json"}

    def ask(self, method, path, body=None, **headers):
        text = None if body is None else json.dumps(body)
        self.connection.request(method, API + path, text,
                                {**self.headers, **headers})
        self.answer = self.connection.getresponse()
        data = self.answer.read()
        self.body = json.loads(data) if data else None
        return self.answer.status

    def get(self, path):
        same(self.ask("GET", path), 200, path)
        return self.body

    def make_robot(self, name, permissions, level="system", **more):
        return self.ask("POST", "/robots", {
            "name": name, "level": level, "duration": -1,
            "permissions": permissions, **more})


def permission(namespace="library", accesses=ACCESSES, kind="project"):
    return {"kind": kind, "namespace": namespace, "access": accesses}


def rotated(number):
    return ACCESSES[number % 12:] + ACCESSES[:number % 12]


def at_once(harbor, workers, jobs):
    """The statuses of `jobs`, functions of a Caller, by that many workers."""
    statuses = []
    queue = list(jobs)
    lock = threading.Lock()

    def work():
        caller = Caller(harbor)
        while True:
            with lock:
                if not queue:
                    return
                job = queue.pop(0)
            status = job(caller)
            with lock:
                statuses.append(status)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def maker(number, accesses):
    return lambda caller: caller.make_robot(f"r{number}",
                                            [permission(accesses=accesses)])


# Writers at the same time.

def case_robots_with_accesses_in_the_same_order_never_deadlock():
    with Harbor() as harbor:
        statuses = at_once(harbor, 16, [maker(number, ACCESSES)
                                        for number in range(64)])
        same(statuses, [201] * 64, "statuses")
        same(harbor.crashes, [], "crashes")


def case_robots_with_accesses_in_different_order_deadlock():
    with Harbor(deadlock_after_s=0.01) as harbor:
        statuses = at_once(harbor, 8, [maker(number, rotated(number * 5))
                                       for number in range(64)])
        holds(500 in statuses and 201 in statuses, f"{statuses}")
        same(set(statuses), {201, 500}, "statuses")
        same(len(harbor.table("robot")), statuses.count(201), "robots")
        same(harbor.table("robot").last_id, 64, "ids used up")


def case_changes_of_robots_deadlock_by_their_order_only():
    with Harbor(deadlock_after_s=0.01) as harbor:
        at_once(harbor, 4, [maker(number, ACCESSES) for number in range(32)])

        def changer(row, accesses):
            return lambda caller: caller.ask(
                "PUT", f"/robots/{row['id']}", {
                    "name": "robot$" + row["name"], "level": "system",
                    "duration": -1,
                    "permissions": [permission(accesses=accesses)]})

        rows = list(harbor.table("robot"))
        statuses = at_once(harbor, 8, [changer(row, ACCESSES)
                                       for row in rows])
        same(statuses, [200] * 32, "same order")
        statuses = at_once(harbor, 8, [changer(row, rotated(row["id"] * 5))
                                       for row in rows])
        holds(500 in statuses, f"different order: {statuses}")


def case_one_of_equal_writers_wins_and_the_others_are_told():
    with Harbor() as harbor:
        statuses = at_once(harbor, 8, [
            lambda caller: caller.ask("POST", "/projects",
                                      {"project_name": "racer"})] * 8)
        same(sorted(statuses), [201] + [409] * 7, "statuses")


def case_equal_changes_of_one_project_at_once_can_fail():
    with Harbor() as harbor:
        def change(caller):
            return caller.ask("PUT", "/projects/library", {
                "metadata": {"auto_scan": "true", "severity": "low"}})

        statuses = at_once(harbor, 8, [change] * 8)
        same(set(statuses) | {500}, {200, 500}, "statuses")
        holds(200 in statuses, "none was stored")
        same(at_once(harbor, 8, [change] * 8), [200] * 8, "once it is set")
        same(harbor.table("project").get(1)["metadata"]["severity"], "low",
             "severity")


# Faults and what a test can ask.

def case_requests_that_match_are_answered_as_told_and_not_executed():
    with Harbor() as harbor:
        harbor.rule("POST", "/robots$", times=2, after=1, status=500)
        caller = Caller(harbor)
        statuses = [caller.make_robot(f"r{number}", [permission()])
                    for number in range(4)]
        same(statuses, [201, 500, 500, 201], "statuses")
        same([row["name"] for row in harbor.table("robot")], ["r0", "r3"],
             "robots")


def case_an_answer_can_be_lost_after_the_request_was_executed():
    with Harbor() as harbor:
        harbor.rule("POST", "/usergroups", times=1, lose=True)
        caller = Caller(harbor)
        try:
            caller.ask("POST", "/usergroups",
                       {"group_name": "devs", "group_type": 3})
            raise AssertionError("an answer came")
        except (http.client.HTTPException, OSError):
            pass
        same(harbor.table("usergroup").find(name="devs")["type"], 3, "type")


def case_a_second_writer_comes_before_the_request_that_is_told():
    with Harbor() as harbor:
        for name in ("a", "b", "c"):
            harbor.table("usergroup").insert(name=name, type=3, dn="")
        harbor.rule("GET", "/usergroups", times=1, after=1, before=lambda: (
            harbor.table("usergroup").update(
                harbor.table("usergroup").find(name="a"), name="z")))
        caller = Caller(harbor)
        pages = [caller.get(f"/usergroups?page_size=2&page={number}")
                 for number in (1, 2)]
        names = [row["group_name"] for page in pages for row in page]
        same(names, ["a", "b", "z"], "a is seen twice, c is missed")


def case_requests_are_counted_and_hold_no_secrets():
    with Harbor() as harbor:
        caller = Caller(harbor)
        caller.get("/projects")
        caller.ask("PUT", "/projects/library", {"metadata": {}})
        same((len(harbor.reads()), len(harbor.writes())), (1, 1), "counts")
        same(harbor.count("GET", "/projects"), 1, "lists")
        entry = harbor.requests()[0]
        same((entry.status, entry.caller), (200, "admin"), "the first")
        holds("authorization" not in entry.headers, "headers are in the log")
        harbor.forget()
        same(harbor.requests(), [], "after forgetting")


def case_wrong_passwords_cost_time_and_lock_the_name():
    with Harbor() as harbor:
        started = time.monotonic()
        wrong = threading.Thread(target=lambda: Caller(
            harbor, password="wrong").ask("GET", "/users/current"))
        wrong.start()
        while not harbor.locks.has("admin"):
            time.sleep(0.01)
        same(Caller(harbor).ask("GET", "/users/current"), 401, "locked")
        wrong.join()
        holds(time.monotonic() - started >= 1.5, "the answer came at once")
        same(Caller(harbor).ask("GET", "/users/current"), 200, "after that")


# Lists.

def case_permissions_come_in_another_order_each_time():
    with Harbor() as harbor:
        caller = Caller(harbor)
        for name in "abcde":
            caller.ask("POST", "/projects", {"project_name": name})
        caller.make_robot("r", [permission(name) for name in "abcde"])
        orders = {tuple(entry["namespace"] for entry in
                        caller.get("/robots/1")["permissions"])
                  for _ in range(30)}
        holds(len(orders) > 1, "always the same order")
        same({tuple(sorted(order)) for order in orders}, {tuple("abcde")},
             "namespaces")


def case_many_robots_are_the_same_in_one_page_and_in_many():
    with Harbor() as harbor:
        caller = Caller(harbor)
        for number in range(450):
            same(caller.make_robot(f"r{number:03}", [permission()]), 201)
        every = caller.get("/robots?page_size=0")
        same(caller.answer.headers["X-Total-Count"], "450", "total")
        pages = []
        path = "/robots?page_size=100&sort=id"
        while path:
            pages += caller.get(path)
            link = caller.answer.headers["Link"] or ""
            path = next((part.split(">")[0].strip(" <")[len(API):]
                         for part in link.split(",") if "next" in part), None)
        same(sorted(row["id"] for row in pages),
             sorted(row["id"] for row in every), "ids")


# Versions.

def case_from_2_10_on_accesses_must_be_in_the_catalogue():
    for version, status in (("2.9.0", 201), ("2.10", 400), ("2.16", 400)):
        with Harbor(version=version) as harbor:
            caller = Caller(harbor)
            update = [{"resource": "robot", "action": "update"}]
            same(caller.make_robot("r", [permission(
                "/", update, "system")]), status, version)
    same(caller.body["errors"][0]["message"],
         "bad request permission: robot:update", "message")


def case_permissions_are_listed_from_2_10_on():
    for version, status in (("2.9.0", 404), ("2.10", 200), ("2.16", 200)):
        with Harbor(version=version) as harbor:
            caller = Caller(harbor)
            same(caller.ask("GET", "/permissions"), status, version)
    pairs = {(entry["resource"], entry["action"])
             for entry in caller.body["system"]}
    holds(("robot", "create") in pairs, "robots cannot be made")
    holds(("robot", "update") not in pairs, "robots can be changed")


def case_a_term_of_no_days_is_refused_from_2_11_on():
    for version, status in (("2.10", 201), ("2.11", 400)):
        with Harbor(version=version) as harbor:
            same(Caller(harbor).make_robot("r", [permission(accesses=[
                {"resource": "repository", "action": "pull"}])], duration=0),
                status, version)


def case_robots_make_robots_with_rights_of_their_own_from_2_12_on():
    with Harbor(version="2.12") as harbor:
        admin = Caller(harbor)
        own = [{"resource": "robot", "action": "create"},
               {"resource": "project", "action": "list"}]
        admin.make_robot("maker", [permission("/", own, "system")])
        robot = Caller(harbor, "robot$maker", admin.body["secret"])
        same(robot.make_robot("less", [permission("/", own[:1], "system")]),
             201, "a part of its own")
        made = admin.get("/robots/2")
        same((made["creator_type"], made["creator_ref"]), ("robot", 1),
             "creator")
        same(robot.make_robot("more", [permission("/", own + [
            {"resource": "registry", "action": "list"}], "system")]), 403,
            "more than its own")
        same(robot.body["errors"][0]["code"], "DENIED", "code")
        same(robot.ask("PATCH", "/robots/2", {"secret": "Abcdef12345"}), 403,
             "changing one")


def case_the_level_of_a_list_of_robots_counts_from_2_13_on():
    for version, count in (("2.9.0", 2), ("2.12", 2), ("2.13", 1)):
        with Harbor(version=version) as harbor:
            caller = Caller(harbor)
            accesses = [{"resource": "repository", "action": "pull"}]
            for level in ("system", "project"):
                same(caller.make_robot("r", [permission(accesses=accesses)],
                                       level), 201, level)
            listed = caller.get("/robots?q=" + urllib.parse.quote(
                "Level=system"))
            same(len(listed), count, version)


def case_the_older_path_of_robots_is_gone_in_2_13():
    for version, status in (("2.12", 200), ("2.13", 404)):
        with Harbor(version=version) as harbor:
            same(Caller(harbor).ask("GET", "/projects/library/robots"),
                 status, version)


def case_rights_of_both_kinds_count_from_2_10_on():
    for version, status in (("2.9.0", 403), ("2.10", 200)):
        with Harbor(version=version) as harbor:
            admin = Caller(harbor)
            admin.ask("POST", "/projects", {"project_name": "team"})
            admin.make_robot("both", [
                permission("/", [{"resource": "project", "action": "list"}],
                           "system"),
                permission("*", [{"resource": "project", "action": "read"}])])
            robot = Caller(harbor, "robot$both", admin.body["secret"])
            same(robot.ask("GET", "/projects/team"), status, version)


def case_metadata_is_what_the_version_knows():
    for version, known in (("2.9.0", False), ("2.11", True)):
        with Harbor(version=version) as harbor:
            caller = Caller(harbor)
            caller.ask("PUT", "/projects/library",
                       {"metadata": {"auto_sbom_generation": "true"}})
            same("auto_sbom_generation" in caller.get(
                "/projects/library")["metadata"], known, version)


def use_every_kind(caller):
    """One request of each sort that the modules of accounts answer."""
    make = [("/projects", {"project_name": "team"}),
            ("/usergroups", {"group_name": "devs", "group_type": 3}),
            ("/labels", {"name": "l", "scope": "g", "color": "#FF0000"}),
            ("/users", {"username": "u", "email": "u@example.com",
                        "realname": "U", "password": "Abcdef12345"}),
            ("/projects/team/members", {"role_id": 2,
                                        "member_group": {"id": 1}})]
    for path, body in make:
        same(caller.ask("POST", path, body), 201, path)
    pull = [permission("team", [{"resource": "repository",
                                 "action": "pull"}])]
    same(caller.make_robot("ci", pull, "project"), 201, "robot")
    full = caller.body["name"]
    for path in ("/systeminfo", "/health", "/statistics", "/search?q=t",
                 "/users/current", "/users", "/projects", "/projects/team",
                 "/projects/team/summary", "/projects/team/_deletable",
                 "/projects/team/metadatas/", "/projects/team/members",
                 "/projects/team/members/3", "/robots", "/robots/1",
                 "/usergroups", "/usergroups/1", "/labels?scope=g",
                 "/labels/1", "/quotas", "/quotas/1"):
        caller.get(path)
    change = [("PUT", "/projects/team", {"metadata": {"public": "true"}}),
              ("PUT", "/projects/team/members/3", {"role_id": 3}),
              ("PATCH", "/robots/1", {"secret": "Abcdef12345"}),
              ("PUT", "/robots/1", {"name": full, "level": "project",
                                    "duration": 7, "permissions": pull}),
              ("PUT", "/usergroups/1", {"group_name": "ops"}),
              ("PUT", "/labels/1", {"name": "m"}),
              ("PUT", "/quotas/2", {"hard": {"storage": 1000}}),
              ("DELETE", "/robots/1", None), ("DELETE", "/labels/1", None),
              ("DELETE", "/projects/team/members/3", None),
              ("DELETE", "/usergroups/1", None),
              ("DELETE", "/projects/team", None)]
    for method, path, body in change:
        same(caller.ask(method, path, body), 200, f"{method} {path}")


def case_answers_are_as_the_descriptions_say():
    for version in ("2.9.0", "2.12", "2.14", "2.16"):
        with Harbor(version=version) as harbor:
            use_every_kind(Caller(harbor))
            log = harbor_filling.exchanges(harbor)
            same(check_conformance(log, version), [], version)
            same([one for one in undocumented(log, version)], [], version)


def case_two_harbors_have_prefixes_and_states_of_their_own():
    with Harbor() as one, Harbor(robot_prefix="bot-") as other:
        for harbor, name in ((one, "robot$ci"), (other, "bot-ci")):
            caller = Caller(harbor)
            same(caller.make_robot("ci", [permission()]), 201, name)
            same(caller.body["name"], name, "full name")
            robot = Caller(harbor, name, caller.body["secret"])
            same(robot.ask("GET", "/users/current"), 412, "the robot itself")
        one.table("robot").delete(one.table("robot").find(name="ci"))
        same(len(other.table("robot")), 1, "robots of the other one")


if __name__ == "__main__":
    harness.run(globals())
