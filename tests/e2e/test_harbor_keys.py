# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys of documents are names: whatever somebody writes into them, no part of
Harbor's API is reached that their kind is not about; and what they name is
what is called so now."""
import copy

import content
from documents import failure
from harbor_api import (Harbor, api, make_projects, make_robot, open_harbor,
                        permission)
from harbor_filling import fill
from harness import has, holds, run, same

RULE = {"action": "retain", "template": "always", "params": {},
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches",
                           "pattern": "**"}],
        "scope_selectors": {"repository": [
            {"kind": "doublestar", "decoration": "repoMatches",
             "pattern": "**"}]}}
RETENTION = {"algorithm": "or", "rules": [RULE]}
HOOK = {"event_types": ["PUSH_ARTIFACT"],
        "targets": [{"type": "http", "address": "http://127.0.0.1/"}]}
SAID = {"description": "said"}
LABELS = {"labels": ["/good"]}

# (kind, key, document): none of them is of a project that there is.
KEYS = [
    ("retention", "team?x=", RETENTION),
    ("retention", "team#", RETENTION),
    ("retention", "other/../team", RETENTION),
    ("retention", "..", RETENTION),
    ("quota", "team?x=", {"storage": 5}),
    ("webhook", "team?x=/tell", HOOK),
    ("webhook", "../tell", HOOK),
    ("webhook", "/tell", HOOK),
    ("webhook", "tell", HOOK),
    ("repository", "team#/app", SAID),
    ("repository", "../app", SAID),
    ("repository", "app", SAID),
    ("repository", "team/", SAID),
    ("retention", "team/x", RETENTION),
    ("artifact-label", "team?/app@sha256:00", LABELS),
    ("artifact-label", "../app@sha256:00", LABELS),
    ("member", "team?x=/user/eva", {"role": "guest"}),
    ("immutable", "team?x=/rule", {}),
    ("preheat-policy", "team?x=/warm", {"provider": "p"}),
]

# Those whose project there is, and whose rest leads away from it.
WAYS = [
    ("webhook", "x/../team/tell", HOOK),
    ("repository", "team/..", SAID),
    ("repository", "team/.", SAID),
    ("artifact-label", "team/app@../../../..", LABELS),
    ("artifact-label", "team/app@sha256:0?x=", LABELS),
    ("artifact-label", "team/..@sha256:00", LABELS),
]


def prepare(harbor):
    make_projects(harbor, "team", "other")
    api(harbor, "POST", "/labels", {"name": "good", "scope": "g"})
    fill(harbor, "team/app", "v1", content.image("one"))
    harbor.forget()


def rows(harbor):
    return {name: copy.deepcopy(list(harbor.table(name)))
            for name in ("project", "label", "repository")}


def case_a_key_without_a_project_is_refused_in_the_plan():
    with Harbor() as harbor:
        prepare(harbor)
        with open_harbor(harbor) as here:
            for kind, key, document in KEYS:
                failed = failure(here.fit, kind, key, document)
                has(failed.text, "its key is not made of the name of a project")


def case_a_key_that_is_no_name_changes_nothing():
    with Harbor() as harbor:
        prepare(harbor)
        before = rows(harbor)
        with open_harbor(harbor) as here:
            for kind, key, document in KEYS + WAYS:
                for found in (None, {}):
                    failure(here.write, kind, key, document, found=found)
        same(rows(harbor), before, "rows")
        same([entry.target for entry in harbor.writes()],
             ["/api/v2.0/projects/x/webhook/policies"], "writes")


def case_there_is_no_other_schedule():
    with Harbor() as harbor, open_harbor(harbor) as here:
        has(failure(here.write, "schedule", "x", {"type": "Daily"}).text,
            "there is no schedule x")


def case_a_label_that_was_made_anew_is_put_on():
    with Harbor() as harbor:
        prepare(harbor)
        key = f"team/app@{content.image('one').digest}"
        with open_harbor(harbor) as here:
            here.list("label")
            number = harbor.table("label").find(name="good")["id"]
            api(harbor, "DELETE", f"/labels/{number}")
            api(harbor, "POST", "/labels", {"name": "good", "scope": "g"})
            failure(here.write, "artifact-label", key, LABELS)
            here.write("artifact-label", key, LABELS)
            same(here.read("artifact-label", key)["document"], LABELS)


def case_what_is_gone_is_not_changed_under_another_number():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        harbor.forget()
        with open_harbor(harbor) as here:
            for kind, key, document in (
                    ("registry", "gone", {"type": "harbor", "url": "http://a"}),
                    ("scanner", "gone", {"url": "http://a"}),
                    ("webhook", "team/gone", HOOK),
                    ("immutable", "team/gone", {}),
                    ("replication", "gone", {})):
                has(failure(here.write, kind, key, document,
                            found={"description": "other"}).text,
                    f"there is no {kind} {key} any more")
        same(harbor.writes(), [], "writes")


def case_a_robot_with_rights_of_2_9_changes_no_robots_since_2_10():
    with Harbor(version="2.12") as harbor:
        made = make_robot(harbor, "old",
                          permission("/", "robot:list", "robot:read",
                                     kind="system"),
                          permission("*", "robot:list", "robot:read"))
        # As it was stored by 2.9, which gave any right.
        for entry in harbor.table("robot").get(made["id"])["permissions"]:
            entry["access"] += [dict(entry["access"][0], action=action)
                                for action in ("create", "update")]
        with open_harbor(harbor, made["name"], made["secret"]) as here:
            here.knows("robot")
            for access in ("write", "both"):
                has(failure(here.knows, "robot", access).text,
                    "changes no robot accounts")


def case_a_robot_without_a_number_gets_no_secret():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        harbor.rule("POST", "/robots", status=201, body={"name": "robot$a"})
        with open_harbor(harbor) as here:
            has(failure(here.write, "robot", "a", {
                "duration": -1, "permissions": [permission(
                    "team", "repository:pull")]},
                secrets={"/secret": "Canary12345"}).text,
                "does not say which robot")
        same(harbor.requests("PATCH"), [], "secrets")
        harbor.log.clear()


def case_of_rules_for_the_same_the_one_that_keeps_more_is_told():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        place = "/projects/team/immutabletagrules"
        rule = {"tag_selectors": RULE["tag_selectors"],
                "scope_selectors": RULE["scope_selectors"]}
        with open_harbor(harbor) as here:
            for priority in (1, 2, 3):
                api(harbor, "POST", place, {**rule, "priority": priority})
            first, *_ = sorted(api(harbor, "GET", place),
                               key=lambda row: row["id"])
            listed, = here.list("immutable").values()
            same(listed["document"]["priority"], 1, "the first of them")
            api(harbor, "PUT", f"{place}/{first['id']}",
                {**first, "disabled": True})
            listed, = here.list("immutable").values()
            same(listed["document"]["priority"], 2, "that is not disabled")


def case_retentions_are_not_asked_for_with_a_password_that_is_refused():
    names = [f"p{place}" for place in range(30)]
    with Harbor() as harbor:
        make_projects(harbor, *names)
        for name in names:
            number = harbor.table("project").find(name=name)["id"]
            api(harbor, "POST", "/retentions", {
                **RETENTION, "scope": {"level": "project", "ref": number},
                "trigger": {"kind": "Schedule", "settings": {"cron": ""},
                            "references": {}}})
        with open_harbor(harbor) as here:
            same(len(here.list("retention")), 30)
            harbor.forget()
            harbor.rule("GET", "/retentions/", status=401, body={"errors": [
                {"code": "UNAUTHORIZED", "message": "unauthorized"}]})
            has(failure(here.list_all, "retention").text, "HTTP 401")
        asked = harbor.count("GET", "/retentions/")
        holds(asked < 30, f"asked {asked} times")


def case_a_cache_is_made_of_a_registry_of_any_name():
    with Harbor() as harbor, Harbor() as hub:
        name = "a, b=~c {d}"
        api(harbor, "POST", "/registries", {"name": name, "type": "harbor",
                                            "url": hub.url})
        with open_harbor(harbor) as here:
            here.write("project", "cache", {"proxy_registry": name})
            same(here.read("project", "cache")["document"]["proxy_registry"],
                 name)


def case_a_registry_that_was_renamed_is_called_by_its_name():
    with Harbor() as harbor, Harbor() as hub:
        api(harbor, "POST", "/registries", {"name": "hub", "type": "harbor",
                                            "url": hub.url})
        number = harbor.table("registry").find(name="hub")["id"]
        api(harbor, "POST", "/projects", {"project_name": "cache",
                                          "registry_id": number})
        with open_harbor(harbor) as here:
            for name in ("hub", "mirror"):
                api(harbor, "PUT", f"/registries/{number}", {"name": name})
                for found in (here.read("project", "cache"),
                              here.list("project")["cache"]):
                    same(found["document"]["proxy_registry"], name)


def case_a_name_that_cannot_be_shown_hides_no_other():
    with Harbor() as harbor:
        make_projects(harbor, "team", "other")
        for project, name in (("team", "a\nb"), ("team", "tell"),
                              ("other", "tell")):
            api(harbor, "POST", f"/projects/{project}/webhook/policies",
                {"name": name, "enabled": True, **HOOK})
        with open_harbor(harbor) as here:
            listed = here.list_all("webhook")
            same(sorted(one["key"] for one in listed["documents"]),
                 ["other/tell", "team/tell"])
            has(str(listed["gaps"]), "team", "no plain text")
            same(here.read("webhook", "team/tell")["key"], "team/tell")


if __name__ == "__main__":
    run(globals())
