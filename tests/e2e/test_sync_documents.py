# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a registry holds beside content, from one directory to another."""
import json
import os
import random
import shutil
import signal
import subprocess
import time

import content
import layouts
from harness import (PROGRAM, configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile

KINDS = ["project", "member", "robot", "label", "quota"]


def fresh(name):
    directory = path(name)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    return directory


def file_of(directory, kind, key):
    parts = [part.replace(":", "%3A") or "%" for part in key.split("/")]
    return os.path.join(directory, ".configuration", kind,
                        *parts) + ".json"


def put(directory, kind, key, document):
    name = file_of(directory, kind, key)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "w") as file:
        json.dump({"document": document, "key": key, "kind": kind}, file)


def get(directory, kind, key):
    try:
        with open(file_of(directory, kind, key)) as file:
            return json.load(file)["document"]
    except FileNotFoundError:
        return None


def remove(directory, kind, key):
    os.unlink(file_of(directory, kind, key))


def permission(*actions, namespace="library"):
    return {"kind": "project", "namespace": namespace,
            "access": [{"action": action, "resource": "repository"}
                       for action in actions]}


def fill(directory):
    put(directory, "project", "library", {"public": True})
    put(directory, "project", "secret", {})
    put(directory, "quota", "library", {"storage": 1000})
    put(directory, "member", "library/oidc/devs", {"role": "developer"})
    put(directory, "robot", "library/ci",
        {"duration": 30, "permissions": [permission("pull", "push")]})
    put(directory, "label", "/urgent", {"color": "#FF0000"})


def config(source, target, **more):
    more.setdefault("kinds", KINDS)
    if more["kinds"] is None:
        del more["kinds"]
    return configuration([endpoint("s", "layout", path=source),
                          endpoint("t", "layout", path=target)],
                         [{"name": "st", "source": "s", "target": "t",
                           **more}])


def tree(directory):
    """Every document: its bytes and when they were written."""
    found = {}
    for place, _, names in os.walk(os.path.join(directory, ".configuration")):
        for name in names:
            if name.endswith(".json"):
                full = os.path.join(place, name)
                with open(full) as file:
                    found[os.path.relpath(full, directory)] = (
                        file.read(), os.stat(full).st_mtime_ns)
    return found


def changes_of(result):
    plan = result.json()["plans"][0]
    return {(c["kind"], c["key"]): c for c in plan["changes"]}


def case_documents_are_created_and_then_unchanged():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    result = run_program("once", config=config(source, target), code=0)
    has(result.out, "create  project library", "create  robot library/ci",
        "st: label 1 changed; project 2 changed; quota 1 changed",
        "checked 6, changed 6", "failed 0")
    same(get(target, "robot", "library/ci"), get(source, "robot", "library/ci"))
    same(get(target, "label", "/urgent"), {"color": "#FF0000"})
    before = tree(target)
    result = run_program("once", config=config(source, target), code=0)
    has(result.out, "checked 6, changed 0")
    same(tree(target), before, "an unchanged pass wrote")
    result = run_program("verify", config=config(source, target), code=0)
    has(result.out, "equal: checked 6, equal 6")


def case_without_kinds_all_are_brought_but_those_that_must_be_named():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(source, "schedule", "gc", {"type": "Daily", "cron": "0 0 0 * * *"})
    put(source, "user", "jo", {"email": "jo@example.org"})
    run_program("once", config=config(source, target, kinds=None), code=0)
    same(get(target, "schedule", "gc"), get(source, "schedule", "gc"))
    same(get(target, "user", "jo"), None)
    run_program("once", config=config(source, target, kinds=["user"]), code=0)
    same(get(target, "user", "jo"), {"email": "jo@example.org"})


def case_a_plan_tells_field_by_field_and_what_widens():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    fill(target)
    put(target, "member", "library/oidc/devs", {"role": "guest"})
    put(target, "robot", "library/ci",
        {"duration": 7, "permissions": [permission("pull")]})
    before = tree(target)
    result = run_program("plan", config=config(source, target), code=0)
    has(result.out,
        "update  member library/oidc/devs  role: guest -> developer  "
        "(widens: +role developer)",
        "update  robot library/ci  (widens: +project library "
        "push:repository)",
        "          /duration: 7 -> 30", "plan st: member 1 to update; robot 1",
        "          /permissions/0/access: +push:repository")
    same(tree(target), before, "a plan wrote")
    run_program("plan", "--exit-code", config=config(source, target), code=5)


def case_rights_that_grow_can_be_refused():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(target, "project", "library", {})
    put(target, "quota", "library", {"storage": 5})
    options = config(source, target, escalation="refuse")
    result = run_program("once", config=options, code=1)
    # The project becomes public, and a member comes to what was there.
    has(result.out, "failed  project library", "failed  member library",
        "escalation is")
    same(get(target, "project", "library"), {})
    same(get(target, "member", "library/oidc/devs"), None)
    # Nobody held the robot account; the quota is no right.
    holds(get(target, "robot", "library/ci"), "the robot is missing")
    same(get(target, "quota", "library"), {"storage": 1000})
    silent = config(source, target, escalation="allow")
    result = run_program("once", config=silent, code=0)
    holds("widens" not in result.out, result.out)
    same(get(target, "member", "library/oidc/devs"), {"role": "developer"})


def case_a_member_of_a_new_project_widens_nothing():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    options = config(source, target, escalation="refuse")
    result = run_program("once", config=options, code=0)
    holds("widens" not in result.out, result.out)


def case_what_only_the_target_has_is_told_and_left():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    fill(target)
    put(target, "robot", "library/old", {"permissions": []})
    result = run_program("once", config=config(source, target), code=0)
    has(result.out, "extra   robot library/old  (only on the target)",
        "st: robot 1 extra", "changed 0", "skipped 0")
    holds(get(target, "robot", "library/old") is not None, "it was removed")
    result = run_program("plan", "--exit-code", "-o", "json",
                         config=config(source, target), code=0)
    same(changes_of(result)["robot", "library/old"]["action"], "extra")
    result = run_program("verify", config=config(source, target), code=5)
    has(result.out, "extra     robot library/old")


def case_projects_can_be_selected():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(source, "robot", "secret/ci", {"permissions": []})
    select = {"projects": {"deny": ["sec.*"]}}
    run_program("once", config=config(source, target, select=select), code=0)
    same(get(target, "project", "secret"), None)
    same(get(target, "robot", "secret/ci"), None)
    holds(get(target, "robot", "library/ci"), "the robot is missing")
    holds(get(target, "label", "/urgent"), "it belongs to no project")
    named = {"projects": {"names": ["secret"]}}
    run_program("once", config=config(source, target, select=named), code=0)
    same(get(target, "robot", "secret/ci"), {"permissions": []})


def case_it_is_explained_which_projects_are_in():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    options = config(source, target,
                     select={"projects": {"allow": ["lib.*"]}})
    lines = [line.split() for line in run_program(
        "plan", "--explain", config=options, code=0).out.splitlines()]
    same([line[:3] for line in lines if line[1:2] == ["project"]
          and line[0] in ("in", "out")],
         [["in", "project", "library"], ["out", "project", "secret"]])


def case_projects_select_content_too():
    source, target = fresh("doc-a"), fresh("doc-b")
    layouts.write(os.path.join(source, "library", "app"),
                  {"1": content.image("1")})
    layouts.write(os.path.join(source, "secret", "app"),
                  {"1": content.image("1")})
    select = {"projects": {"allow": ["library"]}}
    run_program("once", config=config(source, target, kinds=["tag"],
                                      select=select), code=0)
    same(layouts.check(os.path.join(target, "library", "app")), ["1"])
    holds(not os.path.exists(os.path.join(target, "secret")),
          "it was not selected")


def case_what_is_said_of_content_that_is_not_selected_is_not_missing():
    source, target = fresh("doc-a"), fresh("doc-b")
    images = {tag: content.image(tag) for tag in ("1", "2")}
    layouts.write(os.path.join(source, "library", "first"),
                  {"1": images["1"]})
    put(source, "repository", "library/first", {"description": "first"})
    for name in ("app", "old"):
        layouts.write(os.path.join(source, "library", name), images)
        put(source, "repository", f"library/{name}", {"description": name})
    for image in images.values():
        put(source, "artifact-label", f"library/app@{image.digest}",
            {"labels": ["/urgent"]})
    kinds = ["tag", "repository", "artifact-label"]
    chosen = config(source, target, kinds=kinds, select={
        "tags": {"deny": ["1"]}, "repositories": {"deny": ["library/old"]}})
    result = run_program("once", config=chosen, code=0)
    has(result.out, f"artifact-label library/app@{images['2'].digest}",
        "repository library/app")
    holds(images["1"].digest not in result.out, result.out)
    holds("library/old" not in result.out, result.out)
    holds("library/first" not in result.out, result.out)
    has(run_program("once", config=chosen, code=0).out, "changed 0")
    run_program("verify", config=chosen, code=0)
    # A label that is missing where its image is, is.
    remove(target, "artifact-label", f"library/app@{images['2'].digest}")
    has(run_program("verify", config=chosen, code=5).out,
        "missing   artifact-label")
    every = config(source, target, kinds=kinds)
    run_program("once", config=every, code=0)
    run_program("verify", config=every, code=0)
    same(len(tree(target)), 5)


def case_without_the_kind_tag_no_content_is_brought():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    layouts.write(os.path.join(source, "library", "app"),
                  {"1": content.image("1")})
    run_program("once", config=config(source, target), code=0)
    holds(not os.path.exists(os.path.join(target, "library")), "it was")
    run_program("once", config=config(source, target, kinds=["tag"]), code=0)
    same(layouts.check(os.path.join(target, "library", "app")), ["1"])


def case_strategies_decide_about_documents():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(target, "quota", "library", {"storage": 5})
    keep = config(source, target, conflict={"default": "target-wins"})
    result = run_program("once", config=keep, code=0)
    same(get(target, "quota", "library"), {"storage": 5})
    has(result.out, "skipped quota library")
    fail = config(source, target, conflict={"default": "fail"})
    result = run_program("once", config=fail, code=1)
    has(result.out, "failed  quota library")
    has(result.err, "quota library: refused")


def case_a_saved_plan_is_applied_as_it_is_or_not_at_all():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(target, "member", "library/oidc/devs", {"role": "guest"})
    plan = path("documents.json")
    options = config(source, target)
    run_program("plan", "--out", plan, config=options, code=0)
    result = run_program("apply", plan, config=options, code=0)
    has(result.out, "update  member library/oidc/devs", "changed 6")
    same(get(target, "member", "library/oidc/devs"), {"role": "developer"})
    put(target, "member", "library/oidc/devs", {"role": "guest"})
    run_program("plan", "--out", plan, config=options, code=0)
    put(target, "member", "library/oidc/devs", {"role": "maintainer"})
    result = run_program("apply", plan, config=options, code=6)
    has(result.err, "stale", "member library/oidc/devs (target)")
    put(target, "member", "library/oidc/devs", {"role": "guest"})
    put(source, "member", "library/oidc/devs", {"role": "limited-guest"})
    result = run_program("apply", plan, config=options, code=6)
    has(result.err, "member library/oidc/devs (source)")
    same(get(target, "member", "library/oidc/devs"), {"role": "guest"})


def case_rights_that_grow_are_refused_to_a_saved_plan_too():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(target, "project", "library", {"public": True})
    plan = path("documents.json")
    run_program("plan", "--out", plan, config=config(source, target), code=0)
    result = run_program("apply", plan, code=1, config=config(
        source, target, escalation="refuse"))
    has(result.out, "failed  member library/oidc/devs", "escalation is")
    same(get(target, "member", "library/oidc/devs"), None)
    same(get(target, "quota", "library"), {"storage": 1000})


def case_a_plan_that_was_edited_is_refused():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    fill(target)
    put(target, "member", "library/oidc/devs", {"role": "guest"})
    plan = path("documents.json")
    run_program("plan", "--out", plan, config=config(source, target), code=0)
    with open(plan) as file:
        text = file.read()
    with open(plan, "w") as file:
        file.write(text.replace('"developer"', '"project-admin"'))
    result = run_program("apply", plan, config=config(source, target))
    has(result.err, "changed after it was written")
    same(get(target, "member", "library/oidc/devs"), {"role": "guest"})


def case_a_kind_that_cannot_be_read_is_told_and_the_others_run():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    with open(file_of(source, "robot", "library/ci"), "w") as file:
        file.write("{ this is none")
    result = run_program("once", config=config(source, target), code=1)
    has(result.out, "all of kind robot", "failed 1")
    same(get(target, "quota", "library"), {"storage": 1000})
    result = run_program("verify", config=config(source, target), code=1)
    has(result.out, "unknown   all of kind robot")


def case_named_kinds_that_one_side_has_not_are_problems_others_are_not():
    source = fresh("doc-a")
    fill(source)
    target = Hostile()
    layouts.write(os.path.join(source, "library", "app"),
                  {"1": content.image("1")})

    def to_registry(**more):
        return configuration([endpoint("s", "layout", path=source),
                              endpoint("t", "oci", url=target.url)],
                             [{"name": "st", "source": "s", "target": "t",
                               **more}])
    result = run_program("once", config=to_registry(), code=0)
    has(result.out, "checked 1, changed 1", "failed 0")
    requests = len(target.requests)
    run_program("once", config=to_registry(kinds=["tag"]), code=0)
    unchanged = len(target.requests) - requests
    run_program("once", config=to_registry(), code=0)
    same(len(target.requests) - requests, 2 * unchanged, "requests")
    result = run_program("once", config=to_registry(kinds=["tag", "robot"]),
                         code=1)
    has(result.out, "all of kind robot", "content only")


def case_documents_are_reported_to_programs():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(target, "member", "library/oidc/devs", {"role": "guest"})
    result = run_program("once", "-o", "json", config=config(source, target),
                         code=0)
    report = result.json()["syncs"][0]
    same((report["checked"], report["changed"], report["failed"]), (6, 6, 0))
    same(report["writes"], 6)
    items = {(i["kind"], i["key"]): i for i in report["items"]}
    same(items["member", "library/oidc/devs"]["result"], "done")
    same(items["member", "library/oidc/devs"]["action"], "update")
    same(items["member", "library/oidc/devs"]["fields"],
         "role: guest -> developer")
    same(items["member", "library/oidc/devs"]["widens"], ["role developer"])
    same(report["kinds"]["project"], {"changed": 2})


def case_sinks_hear_of_documents():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(target, "robot", "old", {})
    name = path("documents.jsonl")
    if os.path.exists(name):
        os.unlink(name)
    options = config(source, target) + (
        f'sinks = ( {{ type = "jsonl"; path = "{name}"; }} );\n')
    run_program("once", config=options, code=0)
    with open(name) as file:
        lines = file.read()
    has(lines, "document.written", "document.extra", "library/oidc/devs",
        '"kind":"robot"')


def case_the_order_is_that_of_what_needs_what():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    result = run_program("plan", "-o", "json", config=config(source, target),
                         code=0)
    kinds = [c["kind"] for c in result.json()["plans"][0]["changes"]]
    same(kinds, ["label", "project", "project", "quota", "member", "robot"])
    put(target, "quota", "library", {"storage": -1})
    layouts.write(os.path.join(source, "library", "app"),
                  {"1": content.image("1")})
    result = run_program("plan", "-o", "json",
                         config=config(source, target, kinds=None), code=0)
    kinds = [c["kind"] for c in result.json()["plans"][0]["changes"]]
    same(kinds, ["label", "project", "project", "member", "robot", "tag",
                 "quota"])


def case_what_could_not_be_created_blocks_what_needs_it():
    source, target = fresh("doc-a"), fresh("doc-b")
    fill(source)
    put(source, "robot", "system", {"permissions": []})
    layouts.write(os.path.join(source, "library", "app"),
                  {"1": content.image("1")})
    # There is something in the way that is no document.
    os.makedirs(file_of(target, "project", "library"))
    result = run_program("once", config=config(source, target,
                                               kinds=[*KINDS, "tag"]), code=1)
    has(result.out, "failed  project library", "blocked member library",
        "blocked robot library/ci", "blocked quota library",
        "blocked library/app:1", "it needs project library",
        "create  project secret", "create  robot system")
    holds(not os.path.exists(os.path.join(target, "library")),
          "content came without its project")


def case_killed_at_any_time_the_next_pass_completes_it():
    source, target = fresh("doc-a"), fresh("doc-b")
    for number in range(200):
        put(source, "project", f"p{number}", {"public": number % 2 == 0})
        put(source, "robot", f"p{number}/ci",
            {"permissions": [permission("pull", namespace=f"p{number}")]})
    name = path("killed.cfg")
    with open(name, "w") as file:
        file.write(config(source, target))
    seed = random.randrange(1 << 30)
    print(f"# seed {seed}")
    chance = random.Random(seed)
    for _ in range(8):
        process = subprocess.Popen([PROGRAM, "-c", name, "once"],
                                   stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.02, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for text, _ in tree(target).values():
            json.loads(text)
    run_program("once", config=config(source, target), code=0)
    run_program("verify", config=config(source, target), code=0)
    same(len(tree(target)), 400)


if __name__ == "__main__":
    run(globals())
