# SPDX-License-Identifier: LGPL-2.1-or-later
"""The proof that outranks all: one Harbor becomes as another, with everything
that people have in it, under faults, second writers and kill -9."""
import contextlib
import os
import random
import signal
import subprocess
import time

import harbor_estate
from faultproxy import FaultProxy
from harbor import Harbor
from harness import (PROGRAM, WORK, Skip, configuration, endpoint, holds, path,
                     run, run_program, same)

PASSWORD = "HR_TEST_HARBOR_PASSWORD"
ENVIRONMENT = {PASSWORD: "Harbor12345"}
PAUSE = 0.05  # of a failed login: the real one waits 1.5 s

# All that can be had with one list each, whatever is in it.
SYSTEM_LISTS = 40


class Pair:
    """Two Harbors, the first of them filled, and a sync between them."""

    def __init__(self, name, images=200, wrap=None, **estate):
        self.name = name
        self.secrets = path(name + "-secrets")
        self.source = Harbor(login_pause_s=PAUSE)
        self.target = Harbor(login_pause_s=PAUSE, robot_prefix="bot-",
                             version="2.9.0")
        # Numbers differ from the source's, as they do everywhere.
        other = harbor_estate.Api(self.target)
        for number in range(3):
            other.create("/projects", {"project_name": f"local-{number}"})
            other.do("DELETE", f"/projects/local-{number}")
        self.estate = harbor_estate.Estate(
            self.source, images=images, secrets=self.secrets, **estate)
        urls = [self.source.url, self.target.url]
        if wrap is not None:
            urls = [wrap(self.source), wrap(self.target)]
        self.config = configuration(
            [endpoint("one", "harbor", url=urls[0], username="admin",
                      password="env:" + PASSWORD),
             endpoint("two", "harbor", url=urls[1], username="admin",
                      password="env:" + PASSWORD)],
            [{"name": name, "source": "one", "target": "two",
              "robot_secrets": {"from": "file", "path": self.secrets}}])
        self.forget()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.stop()
        self.target.stop()

    def forget(self):
        self.source.forget()
        self.target.forget()

    def run(self, *arguments, code=0):
        return run_program(*arguments, config=self.config, env=ENVIRONMENT,
                           code=code)

    def assert_equal(self):
        """As seen without the program, which has to agree."""
        found = harbor_estate.differences(harbor_estate.describe(self.source),
                                          harbor_estate.describe(self.target))
        holds(not found, "\n".join(found[:20]))
        self.assert_sound()
        self.run("verify")

    def assert_sound(self):
        for harbor in (self.source, self.target):
            holds(not harbor.crashes, "\n".join(harbor.crashes[:2]))

    def assert_logins(self, keys=None):
        for key in keys or self.estate.robots:
            for harbor in (self.source, self.target):
                holds(harbor_estate.robot_logs_in(
                    harbor, key, self.estate.robots[key]),
                    f"{key} cannot log in at {harbor.url}")


def case_an_empty_harbor_becomes_as_the_other():
    with Pair("whole") as pair:
        pair.run("once")
        pair.assert_equal()
        pair.assert_logins()
        same(pair.source.writes("/api/"), [], "writes at the source")

        pair.forget()
        pair.run("once")
        same(pair.source.writes() + pair.target.writes(), [],
             "writes of an unchanged pass")
        projects = len(pair.estate.projects) + 1
        repositories = len({artifact.partition("@")[0] for artifact in
                            harbor_estate.describe(pair.source)["artifact"]})
        for harbor in (pair.source, pair.target):
            count = harbor.count()
            # Of each project: robots, members, labels, rules, webhooks and
            # their events, a retention; of each repository one page.
            bound = 2 * (SYSTEM_LISTS + 8 * projects + repositories)
            holds(count <= bound, f"{count} requests, {bound} at most")


def case_one_role_changed_is_one_put():
    with Pair("role", images=4, system_robots=4, project_robots=6) as pair:
        pair.run("once")
        api = harbor_estate.Api(pair.source)
        project = pair.estate.projects[3]
        members = api.all(f"/projects/{project}/members")
        member = next(m for m in members if m["entity_type"] == "g")
        api.do("PUT", f"/projects/{project}/members/{member['id']}",
               {"role_id": 5 if member["role_id"] != 5 else 3})
        pair.forget()
        pair.run("once")
        writes = pair.target.writes()
        same([entry.method for entry in writes], ["PUT"], "writes")
        holds(f"/projects/{project}/members/" in writes[0].target,
              repr(writes[0]))
        pair.assert_equal()


@contextlib.contextmanager
def proxied(name, arrange, **estate):
    """A pair behind proxies that do as they are told."""
    proxies = []

    def wrap(harbor):
        proxy = FaultProxy(harbor.port, seed=len(proxies) + 1)
        arrange(proxy)
        proxies.append(proxy)
        return proxy.url

    with Pair(name, wrap=wrap, **estate) as pair:
        pair.proxies = proxies
        yield pair


def settle(pair, passes=12):
    """Passes until one of them has nothing left to complain of."""
    for _ in range(passes):
        if run_program("once", config=pair.config,
                       env=ENVIRONMENT).code == 0:
            return
    raise AssertionError(f"no pass of {passes} came to a good end")


def case_faults_on_the_way_change_nothing_about_the_end():
    def arrange(proxy):
        proxy.rule(".*", "/api/", chance=0.05, status=503)
        proxy.rule(".*", "/api/", chance=0.03, reset_head=True)
        proxy.rule("POST|PUT|PATCH", "/api/", chance=0.03, lost=True)

    with proxied("faults", arrange, images=20, system_robots=10,
                 project_robots=14) as pair:
        settle(pair)
        for proxy in pair.proxies:
            proxy.heal()
        pair.run("once")
        pair.assert_equal()
        pair.assert_logins()


def case_a_second_writer_does_not_confuse_a_pass():
    with Pair("second", images=10, system_robots=10,
              project_robots=12) as pair:
        other = harbor_estate.Api(pair.target)
        group, robot = pair.estate.groups[0], "system-01"

        def write_before_us():
            """As somebody does who brings the same by hand."""
            status, _, _ = other.ask("POST", "/api/v2.0/usergroups", {
                "group_name": group, "group_type": harbor_estate.OIDC_GROUP})
            holds(status == 201, f"group: {status}")
            status, _, _ = other.ask("POST", "/api/v2.0/robots", {
                "name": robot, "level": "system", "duration": 5,
                "permissions": [{"kind": "system", "namespace": "/",
                                 "access": [{"resource": "project",
                                             "action": "list"}]}]})
            holds(status == 201, f"robot: {status}")

        pair.target.rule("POST", "/usergroups", times=1,
                         before=write_before_us)
        settle(pair)
        # Their robot has a secret of theirs, which is looked at when asked.
        pair.run("once", "--complete")
        pair.assert_equal()
        pair.assert_logins()


def rights_of(harbor):
    """{robot or member: its rights} of a double that may be in the middle of
    something."""
    found = harbor_estate.describe(harbor)
    return {(kind, key): value for kind in ("robot", "member")
            for key, value in found.get(kind, {}).items()}


def assert_nothing_twice_or_wider(pair, wanted):
    """Nobody has more than the source gives, and nobody is there twice."""
    api = harbor_estate.Api(pair.target)
    names = [robot["name"] for robot in api.all("/robots")]
    same(len(names), len(set(names)), "robots of one name")
    groups = [group["group_name"] for group in api.all("/usergroups")]
    same(len(groups), len(set(groups)), "groups of one name")
    for place, value in rights_of(pair.target).items():
        holds(place in wanted, f"{place} is not at the source")
        if place[0] == "robot":
            for kind, namespace, rights in value["rights"]:
                given = [r for k, n, rs in wanted[place]["rights"]
                         for r in rs if (k, n) == (kind, namespace)]
                holds(all(right in given for right in rights),
                      f"{place} got more than it has at the source")


def kill_one(pair, name, chooser):
    """One pass, ended after so many writes and a moment; False if it came to
    its end before."""
    process = subprocess.Popen(
        [PROGRAM, "-c", name, "once"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=WORK,
        env=dict(os.environ, **ENVIRONMENT))
    before = len(pair.target.writes())
    after = chooser.randint(0, 12)
    while process.poll() is None:
        if len(pair.target.writes()) - before >= after:
            time.sleep(chooser.random() * 0.02)
            break
        time.sleep(0.002)
    killed = process.poll() is None
    if killed:
        process.send_signal(signal.SIGKILL)
    process.wait()
    return killed


def kill_until_done(pair, most, chooser):
    """The number of passes that were killed, until one comes to its end."""
    name = path("kill.cfg")
    with open(name, "w") as file:
        file.write(pair.config)
    wanted = rights_of(pair.source)
    for killed in range(most):
        if not kill_one(pair, name, chooser):
            return killed
        assert_nothing_twice_or_wider(pair, wanted)
    return most


def kill_case(name, times, **estate):
    """As many empty targets as it takes for so many kills."""
    chooser = random.Random(name)
    killed = 0
    while killed < times:
        with Pair(f"{name}-{killed}", **estate) as pair:
            killed += kill_until_done(pair, times - killed, chooser)
            settle(pair)
            pair.forget()
            pair.run("once")
            same(pair.target.writes(), [], "writes after it has settled")
            pair.assert_equal()
            pair.assert_logins()
    print(f"# killed {killed} times", flush=True)


def case_killed_at_random_it_ends_the_same():
    kill_case("killed", 15, images=12, system_robots=20, project_robots=24)


def case_killed_200_times_it_ends_the_same():
    if not os.environ.get("HR_E2E_LARGE"):
        raise Skip("takes minutes: set HR_E2E_LARGE=1")
    kill_case("killed-200", 200)


if __name__ == "__main__":
    run(globals())
