# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registries that tell with a list what their tags lead to (registry-listed.c)
are not asked about each of them."""
import json
import os

import content
from harness import configuration, endpoint, has, path, run, run_program, same
from shelves import PLUGINS

UNSUPPORTED, DENIED, INVALID = 16, 8, 12


def digest(seed):
    return content.digest(seed.encode())


class Listed:
    def __init__(self, name, tags, **more):
        self.path = path(name + ".listed")
        with open(self.path, "w") as file:
            json.dump({"tags": tags, **more}, file)
        self.forget()

    def forget(self):
        if os.path.exists(self.path + ".log"):
            os.unlink(self.path + ".log")

    def asked(self):
        try:
            with open(self.path + ".log") as file:
                return sorted(file.read().splitlines())
        except FileNotFoundError:
            return []


def plan(source, target, *wanted, code=0, arguments=(), **sync):
    config = configuration(
        [endpoint("s", "listed", path=source.path),
         endpoint("t", "listed", path=target.path)],
        [{"name": "st", "source": "s", "target": "t", **sync}])
    result = run_program("plan", *arguments, config=config, code=code,
                         env=PLUGINS)
    has(result.out, *wanted)
    return result


def many(count=150, repository="app", seed=""):
    return {repository: {f"v{place}": digest(f"{seed}{place}")
                         for place in range(count)}}


def case_one_list_of_each_side_tells_everything():
    source, target = Listed("s", many()), Listed("t", many())
    plan(source, target, "unchanged 150")
    same(source.asked(), ["list app"], "asked of the source")
    same(target.asked(), ["list app"], "asked of the target")


def case_what_differs_or_is_missing_is_found():
    tags = many(20)
    moved = dict(tags["app"], v3=digest("moved"))
    del moved["v5"]
    source, target = Listed("s", tags), Listed("t", {"app": moved})
    plan(source, target, "app:v3 ", "app:v5 ", "unchanged 18")
    same(source.asked() + target.asked(), ["list app", "list app"], "asked")


def case_a_repository_that_the_target_has_not_is_created_whole():
    source, target = Listed("s", many(3)), Listed("t", {"other": {}})
    plan(source, target, "app:v0 ", "app:v1 ", "app:v2 ")
    same(target.asked(), ["list app"], "asked of the target")


def case_without_lists_names_and_questions_do():
    source = Listed("s", many(3), lists=UNSUPPORTED)
    target = Listed("t", many(3), lists=UNSUPPORTED)
    plan(source, target, "unchanged 3")
    same(source.asked(), ["list app", "names app"] +
         [f"resolve app:v{place}" for place in range(3)], "asked")


def case_a_list_of_the_target_that_fails_is_done_without():
    source, target = Listed("s", many(3)), Listed("t", many(3), lists=INVALID)
    plan(source, target, "unchanged 3")
    same([one for one in target.asked() if one.startswith("resolve")],
         [f"resolve app:v{place}" for place in range(3)], "asked")


def case_a_list_of_the_source_that_fails_is_told():
    source, target = Listed("s", many(3), lists=DENIED), Listed("t", many(3))
    result = plan(source, target, code=1)
    has(result.out + result.err, "as told")


def case_a_list_with_a_digest_that_is_none_is_refused():
    source = Listed("s", {"app": {"v1": "sha256:12"}})
    result = plan(source, Listed("t", {}), code=1)
    has(result.out + result.err, "lists v1 with a digest that is none")


def case_tags_that_are_named_are_asked_about():
    source, target = Listed("s", many()), Listed("t", many())
    plan(source, target, "unchanged 1", select={"tags": {"names": ["v7"]}})
    same(source.asked(), ["resolve app:v7"], "asked of the source")


if __name__ == "__main__":
    run(globals())
