# SPDX-License-Identifier: LGPL-2.1-or-later
"""Robot accounts of Harbor: documents, and how they are written."""
import json

from documents import failure
from harbor_api import (Harbor, api, make_projects, make_robot, open_harbor,
                        permission)
from harness import holds, run, same

SECRET = "Secret-of-42-robots"
PULL = permission("team", "repository:pull")


def document(*permissions, duration=-1, **more):
    return {"duration": duration, "permissions": list(permissions), **more}


def steps(harbor):
    """Writes to robots, shortly."""
    return [f"{entry.method} {entry.status}"
            for entry in harbor.writes("/robots")]


def bodies(harbor, method):
    return [json.loads(entry.body)
            for entry in harbor.requests(method, "/robots")]


def log_in(harbor, name, secret, status):
    api(harbor, "GET", "/users/current", user=name, password=secret,
        status=status)


def fill(harbor):
    make_projects(harbor, "team", "other", "12345")
    make_robot(harbor, "sync", permission("team", "tag:list", "repository:pull",
                                          "repository:push"),
               permission("other", "repository:pull:allow"), duration=30,
               description="first")
    make_robot(harbor, "all", permission("*", "repository:pull"))
    make_robot(harbor, "ci", PULL, level="project")
    make_robot(harbor, "ci", permission("12345", "tag:list"), level="project")


def case_two_harbors_that_mean_the_same_give_equal_documents():
    texts = []
    for version, prefix in (("2.9.0", "robot$"), ("2.12.0", "bot-"),
                            ("2.16.0", "")):
        with Harbor(version=version, robot_prefix=prefix) as harbor:
            # Numbers differ, too.
            for _ in range(int(version.split(".")[1])):
                make_robot(harbor, "gone", permission("library",
                                                      "repository:pull"))
                last = harbor.table("robot").find(name="gone")["id"]
                api(harbor, "DELETE", f"/robots/{last}")
            fill(harbor)
            with open_harbor(harbor) as here:
                listed = here.list("robot")
        texts.append({key: one["text"] for key, one in listed.items()})
    same(sorted(texts[0]), ["12345/ci", "all", "sync", "team/ci"], "keys")
    same(texts[1], texts[0], "documents of 2.12")
    same(texts[2], texts[0], "documents of 2.16")


def case_a_list_is_one_request_a_project_and_one_more():
    with Harbor(version="2.10.0") as harbor:
        fill(harbor)
        with open_harbor(harbor) as here:
            harbor.forget()
            here.list("robot")
            same(harbor.count("GET", "/robots"), 5, "lists")
            same(harbor.count(), 5, "requests")


def case_a_robot_gets_its_secret_before_it_is_finished():
    with Harbor(version="2.12.0", robot_prefix="bot-") as harbor:
        make_projects(harbor, "team")
        wanted = document(PULL, description="d")
        with open_harbor(harbor) as here:
            harbor.forget()
            here.write("robot", "team/ci", wanted,
                       secrets={"/secret": SECRET})
            same(steps(harbor), ["POST 201", "PATCH 200", "PUT 200"], "steps")
            same(here.read("robot", "team/ci")["document"], wanted, "read")
            here.check("robot", "team/ci", {"/secret": SECRET})
        log_in(harbor, "bot-team+ci", SECRET, 412)


def case_a_robot_without_a_secret_is_one_request():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        with open_harbor(harbor) as here:
            harbor.forget()
            here.write("robot", "sync", document(PULL, duration=30))
            same(steps(harbor), ["POST 201"], "steps")
            same(here.read("robot", "sync")["document"],
                 document(PULL, duration=30), "read")


def case_a_robot_that_is_to_be_disabled_is_so_before_it_has_a_secret():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        wanted = document(PULL, disabled=True)
        with open_harbor(harbor) as here:
            harbor.forget()
            here.write("robot", "sync", wanted, secrets={"/secret": SECRET})
            same(steps(harbor),
                 ["POST 201", "PUT 200", "PATCH 200", "PUT 200"], "steps")
            same(bodies(harbor, "PUT")[0]["disable"], True, "disabled")
            same(here.read("robot", "sync")["document"], wanted, "read")


def case_bodies_are_sorted():
    mixed = document(
        permission("team", "tag:list", "repository:push", "repository:pull"),
        permission("/", "project:list", kind="system"),
        permission("team", "artifact:read", "repository:pull:allow"))
    in_order = [
        permission("team", "artifact:read", "repository:pull",
                   "repository:push", "tag:list"),
        permission("/", "project:list", kind="system")]
    with Harbor(version="2.12.0") as harbor:
        make_projects(harbor, "team")
        with open_harbor(harbor) as here:
            here.write("robot", "sync", mixed, secrets={"/secret": SECRET})
            sent = bodies(harbor, "POST")[-1:] + bodies(harbor, "PUT")
            same([body["permissions"] for body in sent], [in_order] * 2,
                 "permissions")


def break_off(harbor, rule, **what):
    """Creates a robot while something goes wrong."""
    make_projects(harbor, "team")
    wanted = document(PULL, description="d")
    with open_harbor(harbor) as here:
        harbor.rule(*rule, **what)
        failed = failure(here.write, "robot", "team/ci", wanted,
                         secrets={"/secret": SECRET})
        harbor.forget()
        # It is no robot yet, for nobody.
        same(failure(here.read, "robot", "team/ci").kind, "not-found", "read")
        same(here.list("robot"), {}, "listed")
        here.write("robot", "team/ci", wanted, secrets={"/secret": SECRET})
        same(here.read("robot", "team/ci")["document"], wanted, "read")
    same(len(list(harbor.table("robot"))), 1, "robots")
    log_in(harbor, "robot$team+ci", SECRET, 412)
    return failed


def case_a_creation_that_broke_off_before_the_secret_is_completed():
    with Harbor() as harbor:
        break_off(harbor, ("PATCH", "/robots"), status=500)
        same(steps(harbor), ["POST 409", "PATCH 200", "PUT 200"], "steps")


def case_a_creation_that_broke_off_after_the_secret_is_completed():
    with Harbor() as harbor:
        failed = break_off(harbor, ("PUT", "/robots"), status=500)
        holds("change robot team/ci" in failed.text, failed.text)


def case_an_answer_that_is_lost_makes_no_second_robot():
    wanted = document(PULL, description="d")
    for secrets in (None, {"/secret": SECRET}):
        with Harbor() as harbor:
            make_projects(harbor, "team")
            with open_harbor(harbor) as here:
                harbor.rule("POST", "/robots", times=1, lose=True)
                here.write("robot", "team/ci", wanted, secrets=secrets)
                same(here.read("robot", "team/ci")["document"], wanted,
                     "read")
            same(len(list(harbor.table("robot"))), 1, "robots")
            if secrets:
                log_in(harbor, "robot$team+ci", SECRET, 412)


def case_a_robot_of_somebody_else_is_a_conflict():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        make_robot(harbor, "ci", permission("team", "tag:list"),
                   level="project")
        with open_harbor(harbor) as here:
            harbor.forget()
            for secrets in (None, {"/secret": SECRET}):
                same(failure(here.write, "robot", "team/ci", document(PULL),
                             secrets=secrets).kind, "conflict", "class")
            same(steps(harbor), ["POST 409", "POST 409"], "steps")


def case_a_change_is_one_put_and_a_secret_one_patch():
    with Harbor(version="2.12.0", robot_prefix="bot-") as harbor:
        fill(harbor)
        before = document(PULL)
        after = document(permission("team", "repository:pull", "tag:list"),
                         duration=7, description="new", disabled=True)
        with open_harbor(harbor) as here:
            same(here.read("robot", "team/ci")["document"], before, "before")
            harbor.forget()
            here.write("robot", "team/ci", after, found=before)
            same(steps(harbor), ["PUT 200"], "steps")
            same(bodies(harbor, "PUT")[0]["name"], "bot-team+ci", "name")
            same(here.read("robot", "team/ci")["document"], after, "after")
            harbor.forget()
            here.write("robot", "team/ci", after, found=after,
                       secrets={"/secret": SECRET})
            same(steps(harbor), ["PATCH 200"], "steps")


def case_a_weak_secret_is_refused_and_not_shown():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        make_robot(harbor, "ci", PULL, level="project")
        with open_harbor(harbor) as here:
            failed = failure(here.write, "robot", "team/ci", document(PULL),
                             found=document(PULL),
                             secrets={"/secret": "tooweak"})
            same(failed.kind, "invalid", "class")
            holds("8-128" in failed.text and "tooweak" not in failed.text,
                  failed.text)


def case_a_500_is_tried_three_times_and_no_more():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        with open_harbor(harbor) as here:
            harbor.rule("POST", "/robots", times=2, status=500)
            here.write("robot", "sync", document(PULL))
            harbor.forget()
            harbor.rule("POST", "/robots", status=500)
            same(failure(here.write, "robot", "other", document(PULL)).kind,
                 "unknown", "class")
            same(harbor.count("POST", "/robots"), 3, "attempts")


def case_secrets_are_checked_with_one_attempt():
    with Harbor(version="2.12.0", robot_prefix="bot-",
                login_pause_s=0.1) as harbor:
        fill(harbor)
        right = make_robot(harbor, "x", PULL, level="project")["secret"]
        with open_harbor(harbor) as here:
            harbor.forget()
            here.check("robot", "team/x", {"/secret": right})
            same(harbor.count(), 1, "requests")
            harbor.forget()
            failed = failure(here.check, "robot", "team/x",
                             {"/secret": SECRET})
            same(failed.kind, "auth-denied", "class")
            holds(SECRET not in failed.text, "the secret")
            same(harbor.count("GET", "/users/current"), 1, "attempts")
            # Nor has that harmed our own login.
            here.list("robot")


def case_of_a_disabled_robot_nobody_can_tell():
    with Harbor(login_pause_s=0.1) as harbor:
        make_projects(harbor, "team")
        right = make_robot(harbor, "x", PULL)["secret"]
        row = harbor.table("robot").find(name="x")
        with open_harbor(harbor) as here:
            harbor.table("robot").update(row, disable=True)
            same(failure(here.check, "robot", "x", {"/secret": right}).kind,
                 "unsupported", "disabled")
            harbor.table("robot").update(row, disable=False, duration=1,
                                         expires_at=1000)
            same(failure(here.check, "robot", "x", {"/secret": right}).kind,
                 "unsupported", "expired")


def case_robots_of_harbor_1_are_protected():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        make_robot(harbor, "old", PULL, level="project")
        row = harbor.table("robot").find(name="team+old")
        harbor.table("robot").update(row, secret=None)
        with open_harbor(harbor) as here:
            one = here.list("robot")["team/old"]
            holds("Harbor 1.x" in one.get("protected", ""), one)
            one = here.read("robot", "team/old")
            holds("Harbor 1.x" in one.get("protected", ""), one)


def case_a_robot_whose_project_is_gone_cannot_be_made_elsewhere():
    with Harbor() as harbor:
        make_projects(harbor, "gone")
        make_robot(harbor, "orphan", permission("gone", "repository:pull"))
        api(harbor, "DELETE", "/projects/gone")
        with open_harbor(harbor) as here:
            listed = here.list("robot")
            same(listed["orphan"]["document"], document(), "document")
            same(failure(here.fit, "robot", "orphan2", document()).kind,
                 "unsupported", "fit")
            here.fit("robot", "orphan", document(), found=document())


def case_rights_that_a_version_does_not_know_are_left_out_and_said():
    wanted = document(permission("team", "repository:fly", "repository:pull"))
    with Harbor(version="2.12.0") as harbor:
        make_projects(harbor, "team")
        with open_harbor(harbor) as here:
            here.list("robot")
            fit = here.fit("robot", "sync", wanted)
            same(fit["document"], document(PULL), "document")
            same(list(fit["lacks"]), ["/permissions/0/access/0"], "lacks")
            holds("Harbor 2.12.0" in str(fit["lacks"]), fit["lacks"])
            here.write("robot", "sync", fit["document"])
    with Harbor(version="2.9.0") as harbor:
        make_projects(harbor, "team")
        with open_harbor(harbor) as here:
            here.list("robot")
            same(here.fit("robot", "sync", wanted)["lacks"], {}, "lacks")
            here.write("robot", "sync", wanted)


def case_a_project_that_is_not_there_is_named():
    with Harbor() as harbor:
        with open_harbor(harbor) as here:
            for key in ("nope/ci", "sync"):
                failed = failure(here.write, "robot", key,
                                 document(permission("nope",
                                                     "repository:pull")))
                same(failed.kind, "not-found", "class")
                holds("nope" in failed.text, failed.text)


def case_a_robot_that_logs_in_does_not_touch_itself():
    with Harbor(version="2.9.0") as harbor:
        make_projects(harbor, "team")
        rights = access_to_robots()
        secret = make_robot(harbor, "me", *rights)["secret"]
        with open_harbor(harbor, "robot$me", secret) as here:
            one = here.list_all("robot")["documents"]
            holds([entry["key"] for entry in one] == ["me"], one)
            holds("logs in" in one[0].get("protected", ""), one)
    with Harbor(version="2.12.0") as harbor:
        secret = make_robot(harbor, "me", permission(
            "/", "robot:list", "robot:create", kind="system"),
            permission("*", "robot:list", "robot:create"))["secret"]
        with open_harbor(harbor, "robot$me", secret) as here:
            same(failure(here.knows, "robot", "write").kind, "auth-denied",
                 "class")


def access_to_robots():
    actions = ["robot:" + action
               for action in ("list", "read", "create", "update")]
    return [permission("/", *actions, kind="system")]


if __name__ == "__main__":
    run(globals())
