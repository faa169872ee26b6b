# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents of registries that hide, lack, refuse, change or make things up."""
import json

from harness import has, holds, path, run, same
from shelves import Shelf, config, replicate

DENIED = 8  # HR_AUTH_DENIED
SECRET = "Tops3cretTops3cret"


def pair(source=None, target=None):
    return Shelf("source", **(source or {})), Shelf("target", **(target or {}))


def case_a_gap_at_the_source_makes_nothing_extra():
    source, target = pair({"gaps": {"member": ["hidden"]}})
    target.put("member", "hidden/user/a", {"role": "guest"})
    target.put("member", "hiddenish/user/a", {"role": "guest"})
    result = replicate("plan", config=config(source, target), code=1)
    has(result.out, "failed  member hidden ", "may not look there",
        "extra   member hiddenish/user/a")
    holds("hidden/user/a" not in result.out, result.out)


def case_a_gap_at_the_target_creates_nothing_below_it():
    source, target = pair(target={"gaps": {"member": ["hidden"]}})
    source.put("member", "hidden/user/a", {"role": "guest"})
    source.put("member", "hidden/user/b", {"role": "guest"})
    source.put("member", "open/user/a", {"role": "guest"})
    target.put("member", "hidden/user/b", {"role": "developer"})
    result = replicate("once", config=config(source, target), code=1)
    has(result.out, "failed  member hidden", "create  member open/user/a",
        "update  member hidden/user/b", "failed 1")
    same(target.get("member", "hidden/user/a"), None)
    result = replicate("verify", config=config(source, target), code=1)
    has(result.out, "unknown   member hidden")


def case_what_cannot_be_seen_and_is_not_selected_is_no_problem():
    kind = "artifact-label"
    source, target = pair({"gaps": {kind: ["p/other", "q"]}})
    options = config(source, target, kinds=[kind], select={
        "projects": {"allow": ["p"]}, "repositories": {"allow": ["p/app"]}})
    replicate("once", config=options, code=0)
    options = config(source, target, kinds=[kind], select={
        "projects": {"allow": ["p"]}, "repositories": {"deny": ["p/app"]}})
    result = replicate("once", config=options, code=1)
    has(result.out, "failed  artifact-label p/other", "failed 1")


def case_a_project_that_cannot_be_seen_is_asked_what_is_in_it():
    one, all_of_them = ({"gaps": {"project": [scope]}}
                        for scope in ("hidden", ""))
    for behaviour in ([one], [None, one], [all_of_them], [None, all_of_them]):
        source, target = pair(*behaviour)
        for shelf in (source, target):
            shelf.put("project", "open", {})
            if "gaps" not in shelf.state:
                shelf.put("project", "hidden", {})
            shelf.put("member", "hidden/user/a", {"role": "guest"})
        options = config(source, target,
                         select={"projects": {"allow": ["open", "hid.*"]}})
        result = replicate("plan", config=options, code=1)
        has(result.out, "may not look there", "to create 0", "unchanged 2")
        holds("extra" not in result.out, result.out)


def case_what_the_target_cannot_hold_is_told_and_no_difference():
    source, target = pair(target={"lacks": {"robot": {
        "duration": "Shelf 1 knows no duration"}}})
    source.put("robot", "a", {"duration": 7, "disabled": True})
    result = replicate("once", config=config(source, target), code=0)
    has(result.out, "note    robot a  (cannot be held: /duration: Shelf 1")
    same(target.get("robot", "a"), {"disabled": True})
    target.state = json.load(open(target.path))
    result = replicate("once", config=config(source, target), code=0)
    has(result.out, "changed 0", "cannot be held: /duration")
    result = replicate("verify", config=config(source, target), code=0)
    has(result.out, "kept      robot a", "equal 1")


def case_what_the_target_cannot_hold_at_all_is_left_out():
    source, target = pair(target={"never": {"robot": {
        "a": "names begin with b here"}}})
    source.put("robot", "a", {}).put("robot", "b", {})
    result = replicate("once", config=config(source, target), code=0)
    has(result.out, "note    robot a  (cannot be held: t: names begin with b",
        "create  robot b", "failed 0")
    same(target.get("robot", "a"), None)


def case_a_registry_need_not_say_who_is_asking():
    source, target = pair({"logins": {"a": SECRET}})
    source.put("robot", "a", {})
    options = config(source, target, robot_secrets={
        "from": "derive", "key": "env:MASTER"})
    env = {"NAMELESS": "yes", "MASTER": "m" * 32}
    replicate("once", config=options, code=0, env=env)
    result = replicate("robots", "check", config=options, code=5, env=env)
    has(result.out, "different a", "another secret at s")


def case_protected_documents_are_never_written():
    source, target = pair()
    source.put("robot", "a", {"disabled": True})
    source.put("robot", "login", {}, protected="it is our own account")
    target.put("robot", "a", {}, protected="it belongs to the system")
    target.put("robot", "internal", {}, protected="it belongs to the system")
    result = replicate("once", config=config(source, target), code=0)
    has(result.out, "skipped robot a",
        "protected on the target: it belongs to the system",
        "skipped robot login",
        "protected on the source: it is our own account")
    holds("internal" not in result.out, "it is nobody's to miss")
    same(target.writes(), [])


def case_a_plan_of_what_is_protected_by_now_is_stale():
    for side in ("source", "target"):
        source, target = pair()
        source.put("robot", "a", {"disabled": True})
        target.put("robot", "a", {})
        options = config(source, target)
        replicate("plan", "--out", path("shelf.json"), config=options, code=0)
        shelf = source if side == "source" else target
        shelf.put("robot", "a", {"disabled": True} if side == "source" else {},
                  protected="it is our own account")
        shelf.save()
        result = replicate("apply", path("shelf.json"), config=options, code=6)
        has(result.err, "stale", "robot a (protected on the %s: it is our own "
            "account)" % side)
        same(target.writes(), [])


def case_what_differs_after_the_write_has_failed():
    source, target = pair(target={"distorts": {"robot": {"duration": 30}}})
    source.put("robot", "a", {"duration": 7})
    result = replicate("once", config=config(source, target), code=1)
    has(result.out, "failed  robot a",
        "differs after the write: duration: 30 -> 7")
    same(len(target.writes()), 1, "writes")


def case_what_fails_blocks_what_needs_it_and_no_more():
    source, target = pair(target={"fails": {
        "project": {"a": DENIED}, "robot": {"b/x": DENIED}}})
    source.put("project", "a", {}).put("project", "b", {})
    source.put("member", "a/user/jo", {"role": "guest"})
    source.put("member", "b/user/jo", {"role": "guest"})
    source.put("robot", "both", {"permissions": [
        {"kind": "project", "namespace": "a", "access": []}]})
    source.put("robot", "b/x", {}).put("robot", "b/y", {})
    result = replicate("once", config=config(source, target), code=1)
    has(result.out, "failed  project a", "blocked member a/user/jo",
        "blocked robot both", "it needs project a", "failed  robot b/x",
        "create  robot b/y", "create  member b/user/jo", "changed 3")


def case_an_update_that_fails_blocks_nothing():
    source, target = pair(target={"fails": {"project": {"a": DENIED}}})
    source.put("project", "a", {"public": True})
    source.put("member", "a/user/jo", {"role": "guest"})
    target.put("project", "a", {})
    result = replicate("once", config=config(source, target), code=1)
    has(result.out, "failed  project a", "create  member a/user/jo")


def case_a_second_writer_is_noticed_before_the_write():
    for strategy, code, wanted in (("source-wins", 0, {"disabled": True}),
                                   ("target-wins", 0, {"duration": 9}),
                                   ("fail", 1, {"duration": 9})):
        source, target = pair(target={"overtakes": {"robot": {
            "a": {"duration": 9}}}})
        source.put("robot", "a", {"disabled": True})
        target.put("robot", "b", {})
        result = replicate("once", code=code, config=config(
            source, target, conflict={"default": strategy}))
        if strategy == "source-wins":
            same(target.get("robot", "a"), wanted)
            same([w.split()[0] for w in target.writes()], ["update"])
        else:
            same(target.writes(), [], strategy)
            has(result.out, "failed  robot a" if code else "skipped robot a")


def case_what_came_into_being_with_something_else_is_not_written_again():
    source, target = pair(target={"overtakes": {"quota": {
        "a": {"storage": -1}, "b": {"storage": -1}}}})
    source.put("quota", "a", {"storage": -1}).put("quota", "b", {"storage": 5})
    target.put("quota", "c", {})
    result = replicate("once", config=config(source, target), code=0)
    has(result.out, "skipped quota a", "is there by now", "update  quota b",
        "changed 1, skipped 1")
    same(target.writes(), ['update quota b {"storage":5} -'])


def case_a_saved_plan_is_not_made_to_fit():
    source, target = pair()
    source.put("robot", "a", {"disabled": True})
    target.put("robot", "b", {})
    plan = path("shelf-plan.json")
    replicate("plan", "--out", plan, config=config(source, target), code=0)
    target.state["overtakes"] = {"robot": {"a": {"duration": 9}}}
    result = replicate("apply", plan, config=config(source, target), code=1)
    has(result.out, "failed  robot a", "stale", "plan again")
    same(target.writes(), [])


def case_secrets_reach_the_target_and_nothing_else():
    source, target = pair()
    source.put("webhook", "a/hook", {"targets": [{"address": "https://x"}]},
               secrets={"/targets/0/auth_header": SECRET})
    kinds = ["webhook"]
    options = config(source, target, kinds=kinds) + (
        'sinks = ( { type = "jsonl"; path = "' + path("secret.jsonl") +
        '"; } );\n')
    plan = path("secret-plan.json")
    told = []
    result = replicate("plan", "--out", plan, config=options, code=0)
    told.append(result.out + result.err + open(plan).read())
    result = replicate("apply", plan, "-o", "json", config=options, code=0)
    told.append(result.out + result.err)
    told.append(open(path("secret.jsonl")).read())
    has(target.writes()[0], SECRET)
    holds(SECRET not in "".join(told), "a secret was told")
    # One that both sides tell, and that differs, is a difference.
    target.state = json.load(open(target.path))
    source.put("webhook", "a/hook", {"targets": [{"address": "https://x"}]},
               secrets={"/targets/0/auth_header": SECRET + "2"})
    options = config(source, target, kinds=kinds)
    result = replicate("once", config=options, code=0)
    has(result.out, "update  webhook a/hook", "changed 1")
    holds(SECRET not in result.out + result.err, "a secret was told")
    has(target.writes()[-1], SECRET + "2")
    replicate("verify", config=options, code=0)


def case_robots_get_the_secrets_that_are_told():
    source, target = pair()
    source.put("robot", "a/ci", {"duration": 1})
    told = {"robot_secrets": {"from": "env", "prefix": "ROBOT_"}}
    env = {"ROBOT_A_CI": "FromTheEnvironment1"}
    source.state["logins"] = {"a/ci": "FromTheEnvironment1"}
    result = replicate("once", config=config(source, target, **told), code=0,
                       env=env)
    has(target.writes()[0], "create", "FromTheEnvironment1")
    holds("FromTheEnvironment1" not in result.out + result.err, "told")
    replicate("verify", config=config(source, reload(target), **told), code=0,
              env=env)
    # Somebody gives it another one: a complete pass finds out.
    reload(target).state["logins"]["a/ci"] = "SomethingElse1"
    options = config(source, target, **told)
    result = replicate("verify", config=options, code=5, env=env)
    has(result.out, "different robot a/ci", "secret on the target")
    result = replicate("once", config=options, code=0, env=env)
    has(result.out, "changed 0")
    result = replicate("once", "--complete", config=options, code=0, env=env)
    has(result.out, "update  robot a/ci", "changed 1")
    has(target.writes()[-1], "update", "FromTheEnvironment1")
    result = replicate("verify", config=config(source, reload(target), **told),
                       code=0, env=env)


def reload(shelf):
    with open(shelf.path) as file:
        shelf.state = json.load(file)
    return shelf


def case_a_robot_that_changes_keeps_its_secret():
    source, target = pair()
    source.put("robot", "a/ci", {"duration": 1})
    target.put("robot", "a/ci", {"duration": 2})
    told = {"robot_secrets": {"from": "env", "prefix": "ROBOT_"}}
    replicate("once", config=config(source, target, **told), code=0,
              env={"ROBOT_A_CI": "FromTheEnvironment1"})
    same(target.writes(), ['update robot a/ci {"duration":1} -'])


def case_without_robot_secrets_it_is_said_that_nobody_knows_them():
    source, target = pair()
    source.put("robot", "a/ci", {})
    result = replicate("plan", config=config(source, target), code=0)
    has(result.out, "note    robot a/ci", "set robot_secrets")


def case_a_kind_that_the_login_may_not_have_is_told():
    source, target = pair(target={"denied": {"quota": "write"}})
    source.put("quota", "a", {"storage": 1}).put("robot", "x", {})
    result = replicate("once", config=config(source, target), code=1)
    has(result.out, "failed  all of kind quota", "may not", "create  robot x")
    source.state["denied"] = {"scanner": "read"}
    every = config(source, target, kinds=[])
    every = every.replace("kinds = [  ]; ", "")
    result = replicate("plan", config=every, code=0)
    has(result.err, "not synchronised: ", "scanner (s: a librarian may not)",
        "quota (t: a librarian may not)")


def case_a_login_that_is_refused_plans_nothing():
    source, target = pair(target={"identity": {
        "status": DENIED, "message": "the librarian knows nobody"}})
    source.put("quota", "a", {"storage": 1})
    result = replicate("plan", config=config(source, target), code=4)
    has(result.err, "target t: the librarian knows nobody")


def case_a_target_that_is_read_only_gets_no_plan_but_can_be_verified():
    source, target = pair(target={"identity": {"read_only": True}})
    source.put("quota", "a", {"storage": 1})
    result = replicate("once", config=config(source, target), code=6)
    has(result.err, "read-only")
    replicate("verify", config=config(source, target), code=5)


def case_documents_that_are_none_fail_their_kind():
    for raw, word in (({"kind": "robot", "key": "a\nb", "text": "{}"}, "key"),
                      ({"kind": "robot", "key": "", "text": "{}"}, "key"),
                      ({"kind": "robot", "key": "k" * 1025, "text": "{}"},
                       "key"),
                      ({"kind": "label", "key": "a", "text": "{}"}, "kind"),
                      ({"kind": "robot", "key": "a", "text": "[]"}, "object"),
                      ({"kind": "robot", "key": "a", "text": "{"}, "JSON"),
                      ({"kind": "robot", "key": "twice", "text": "{}"},
                       "two documents")):
        source, target = pair({"raw": {"robot": [raw]}})
        source.put("robot", "twice", {}).put("quota", "a", {"storage": 1})
        result = replicate("once", config=config(source, target), code=1)
        has(result.out, "failed  all of kind robot", word, "create  quota a")
        same(target.get("robot", "twice"), None)


if __name__ == "__main__":
    run(globals())
