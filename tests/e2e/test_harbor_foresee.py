# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a Harbor would refuse is known, and said, before the first byte."""
import content
from harbor import Harbor
from harbor_api import make_user
from harbor_filling import Client, fill, held, make_project
from harness import (configuration, endpoint, has, holds, run, run_program,
                     same)

IMAGES = {"kinds": ["tag"]}


def program(verb, source, target, code, user="admin", password="Harbor12345",
            **sync):
    config = configuration(
        [endpoint("one", "harbor", url=source.url, username="admin",
                  password="env:ADMIN"),
         endpoint("other", "harbor", url=target.url, username=user,
                  password="env:LOGIN")],
        [{"name": "both", "source": "one", "target": "other", **IMAGES,
          **sync}])
    return run_program(verb, config=config, code=code,
                       env={"ADMIN": "Harbor12345", "LOGIN": password})


def nothing_was_sent(harbor):
    same(harbor.writes(), [], "writes")


def case_a_project_that_is_missing_refuses_all_that_goes_there():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "v1", content.image("a"))
        has(program("plan", source, target, 0).out, "refuse  team/app:v1",
            "there is no project team")
        program("once", source, target, 1)
        nothing_was_sent(target)


def case_what_is_in_a_project_that_is_missing_is_missing():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "v1", content.image("a"))
        result = program("verify", source, target, 5)
        has(result.out, "missing   team/app:v1")
        holds("credentials" not in result.out, "they are right")


def case_a_project_that_a_login_does_not_see_is_told_as_that():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "v1", content.image("a"))
        make_user(target, "ann")
        target.forget()
        for verb in ("plan", "verify"):
            result = program(verb, source, target, 1, user="ann",
                             password="Abcdef12345")
            has(result.out, "team/app: there is no project team, or ann may "
                "not see it")
            holds("check username" not in result.out, "they are right")
        nothing_was_sent(target)


def case_a_project_that_the_plan_creates_is_not_missing():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "v1", content.image("a"))
        has(program("plan", source, target, 0,
                    kinds=["project", "tag"]).out,
            "create  project team", "create  team/app:v1")
        program("once", source, target, 0, kinds=["project", "tag"])
        same(held(target), held(source), "images")


def case_a_tag_that_may_not_move_is_left_alone():
    with Harbor() as source, Harbor() as target:
        for harbor in (source, target):
            fill(harbor, "team/app", "v1", content.image("a"))
        fill(source, "team/app", "v1", content.image("b"))
        fill(source, "team/app", "w1", content.image("c"))
        rule = {"tag_selectors": [{"kind": "doublestar", "pattern": "v*",
                                   "decoration": "matches"}],
                "scope_selectors": {"repository": [
                    {"kind": "doublestar", "pattern": "**",
                     "decoration": "repoMatches"}]}}
        same(Client(target).api("POST", "/projects/team/immutabletagrules",
                                rule)[0], 201)
        target.forget()
        result = program("once", source, target, 1)
        has(result.out, "failed  team/app:v1", "makes the tag immutable",
            "create  team/app:w1")
        same([entry.path for entry in target.writes("/manifests/[vw]")],
             ["/v2/team/app/manifests/w1"])


def case_what_is_larger_than_the_quota_is_refused():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "big", content.image("a", 2, 5000))
        make_project(target, "team", hard_bytes=4000)
        has(program("plan", source, target, 0).out, "refuse  team/app:big",
            "the quota of team is 4000")
        nothing_was_sent(target)


def case_what_may_be_too_much_is_said_and_tried():
    with Harbor() as source, Harbor() as target:
        for place in range(3):
            fill(source, "team/app", f"v{place}",
                 content.image(f"i{place}", 1, 2000))
        make_project(target, "team", hard_bytes=5000)
        has(program("plan", source, target, 0).out, "create  team/app:v0",
            "5000 bytes are left of the quota of team")


def case_a_cache_of_another_registry_takes_no_images():
    with Harbor() as source, Harbor() as target, Harbor() as third:
        fill(source, "team/app", "v1", content.image("a"))
        api = Client(target).api
        same(api("POST", "/registries", {
            "name": "hub", "type": "harbor", "url": third.url,
            "insecure": True})[0], 201)
        same(api("POST", "/projects", {"project_name": "team",
                                       "registry_id": 1})[0], 201)
        target.forget()
        has(program("plan", source, target, 0).out, "refuse  team/app:v1",
            "project team is a cache of another registry")
        program("once", source, target, 1)
        nothing_was_sent(target)


def case_a_robot_that_may_not_push_is_told_before():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "v1", content.image("a"))
        make_project(target, "team", public=True)
        status, robot = Client(target).api("POST", "/robots", {
            "name": "reader", "level": "system", "duration": -1,
            "permissions": [
                {"kind": "system", "namespace": "/", "access": [
                    {"resource": "robot", "action": "list"},
                    {"resource": "robot", "action": "read"},
                    {"resource": "project", "action": "list"}]},
                {"kind": "project", "namespace": "team", "access": [
                    {"resource": "repository", "action": "pull"},
                    {"resource": "repository", "action": "list"},
                    {"resource": "artifact", "action": "list"}]}]})[:2]
        same(status, 201)
        target.forget()
        result = program("plan", source, target, 0, user=robot["name"],
                         password=robot["secret"])
        has(result.out, "refuse  team/app:v1",
            "robot$reader may not push to project team")


if __name__ == "__main__":
    run(globals())
