# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole passes from one Harbor to another: content and all that is around
it."""
import contextlib

import content
import harbor_filling
from harbor import Harbor
from harness import configuration, endpoint, has, path, run, run_program, same


def fill(harbor):
    admin = harbor_filling.Client(harbor)

    def make(where, body):
        same(admin.api("POST", where, body)[0], 201, where)
    make("/projects", {"project_name": "web", "metadata": {"public": "true"},
                       "storage_limit": 100000000})
    make("/projects/web/webhook/policies", {
        "name": "hook", "enabled": True, "event_types": ["PUSH_ARTIFACT"],
        "targets": [{"type": "http", "address": "https://hook.example",
                     "auth_header": "Basic Sesame"}]})
    make("/projects/web/immutabletagrules", {
        "disabled": False, "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches",
                           "pattern": "v*"}],
        "scope_selectors": {"repository": [
            {"kind": "doublestar", "decoration": "repoMatches",
             "pattern": "**"}]}})
    for tag in ("v1", "v2"):
        harbor_filling.fill(harbor, "web/app", tag, content.image(tag))


@contextlib.contextmanager
def pair(source="2.9.0", target="2.9.0", **more):
    with Harbor(version=source) as first, Harbor(version=target) as second:
        fill(first)
        sides = [endpoint(name, "harbor", url=harbor.url, username="admin",
                          password=f"env:{name.upper()}")
                 for name, harbor in (("a", first), ("b", second))]
        config = configuration(sides, [{"name": "ab", "source": "a",
                                        "target": "b", **more}])
        env = {"A": first.admin_password, "B": second.admin_password}

        def go(*arguments, code=0):
            return run_program(*arguments, config=config, env=env, code=code)
        yield first, second, go


def case_one_pass_brings_a_project_and_what_is_in_it():
    for target in ("2.9.0", "2.13", "2.16"):
        with pair(target=target) as (source, second, go):
            has(go("once").out, "create  project web", "create  web/app:v1",
                "create  webhook web/hook", "failed 0")
            same(harbor_filling.held(second), harbor_filling.held(source),
                 "images")
            before = len(second.writes())
            has(go("once").out, "changed 0", "skipped 0", "failed 0")
            same(len(second.writes()), before, "writes")
            go("verify")
            same(len(source.writes()), 3, "writes at the source")


def case_what_comes_with_a_project_is_no_conflict():
    with pair(conflict={"default": "fail"}) as (_, second, go):
        has(go("once").out, "update  quota web  storage: -1 -> 100000000")
        go("verify")


def case_a_saved_plan_brings_a_project_and_what_is_in_it():
    with pair() as (source, second, go):
        plan = path("harbor-plan.json")
        go("plan", "--out", plan)
        same(second.writes(), [], "a plan wrote")
        has(go("apply", plan).out, "create  web/app:v2", "failed 0")
        has(go("apply", plan, code=6).err, "stale", "project web")
        go("verify")


def case_content_of_a_project_that_cannot_be_created_is_not_sent():
    with pair() as (_, second, go):
        second.rule("POST", "/projects", times=99, status=403)
        has(go("once", code=1).out, "failed  project web",
            "blocked web/app:v1", "it needs project web")
        same([line for line in second.writes() if "/v2/" in str(line)], [],
             "content")


if __name__ == "__main__":
    run(globals())
