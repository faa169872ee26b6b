# SPDX-License-Identifier: LGPL-2.1-or-later
"""Retention policies: /retentions, one for each project at most.

The project refers to its policy by `retention_id` in its metadata.  Up to
2.13 that stays when the policy is deleted, and no other one can be made.
"""
import json

from . import jobs
from .metadata import merge, unset
from .models import Any, Map, Model
from .paging import paged
from .projects import deleted, made
from .rights import can_project, require_system
from .routes import API, route
from .state import installs
from .wire import Refusal, Response

VENDOR = "RETENTION"
RULES_AT_MOST = 15

SELECTOR = Model("RetentionSelector", kind=str, decoration=str, pattern=str,
                 extras=str)
RULE = Model("RetentionRule", id=int, priority=int, disabled=bool, action=str,
             template=str, params=Map(Any), tag_selectors=[SELECTOR],
             scope_selectors=Map([SELECTOR]))
TRIGGER = Model("RetentionRuleTrigger", kind=str, settings=Any,
                references=Any)
SCOPE = Model("RetentionPolicyScope", level=str, ref=int)
POLICY = Model("RetentionPolicy", id=int, algorithm=str, rules=[RULE],
               trigger=TRIGGER, scope=SCOPE)
RUN = Model("TriggerRetentionExecutionBody", dry_run=bool)
STOP = Model("OperateRetentionExecutionBody", action=str)


def template(name, text, unit=None):
    params = [{"required": True, "type": "int", "unit": unit}] if unit else []
    return {"action": "retain", "display_text": text, "params": params,
            "rule_template": name}


METADATA = {
    "scope_selectors": [{"decorations": ["repoMatches", "repoExcludes"],
                         "display_text": "Repositories",
                         "kind": "doublestar"}],
    "tag_selectors": [{"decorations": ["matches", "excludes"],
                       "display_text": "Tags", "kind": "doublestar"}],
    "templates": [
        template("latestPushedK", "the most recently pushed # artifacts",
                 "COUNT"),
        template("latestPulledN", "the most recently pulled # artifacts",
                 "COUNT"),
        template("nDaysSinceLastPush", "pushed within the last # days",
                 "DAYS"),
        template("nDaysSinceLastPull", "pulled within the last # days",
                 "DAYS"),
        template("always", "always")]}


@installs(0)
def make_tables(harbor):
    harbor.make_table("retention")


def require_access(request, scope, action):
    """The project row that a scope means, if the caller may do that there.
    An administrator may ask for one that does not exist: None."""
    if scope.get("level") != "project":
        require_system(request, action, "tag-retention")
        return None
    project = request.harbor.table("project").get(scope.get("ref", 0))
    if project is not None and can_project(request, project, action,
                                           "tag-retention"):
        return project
    if not request.caller.is_known:
        raise Refusal(401, "unauthorized")
    if not request.caller.is_admin:
        raise Refusal(403, "forbidden")
    return None


def find_policy(request, status):
    """The row of the path's id; if there is none a refusal of `status`."""
    row = request.harbor.table("retention").get(request.params["id"])
    if row is not None:
        return row
    if not request.caller.is_known:
        raise Refusal(401, "unauthorized")
    if status == 500:
        raise Refusal(500)
    raise Refusal(status, "bad request: no such Retention policy with id "
                          f"{request.params['id']}")


def check_policy(policy):
    rules = policy.get("rules", [])
    if len(rules) > RULES_AT_MOST:
        raise Refusal(400, "bad request: only 15 rules are allowed at most")
    seen = {}
    for number, rule in enumerate(rules):
        text = json.dumps({**rule, "id": 0}, sort_keys=True)
        if text in seen:
            raise Refusal(409, f"resource conflict: rule {number} is conflict "
                               f"with rule {seen[text]}")
        seen[text] = number
    if "scope" not in policy:
        raise Refusal(500, empty=True)


def cron_of(policy):
    """The cron string that a policy is scheduled by, "" if it is not."""
    if policy["trigger"].get("kind") != "Schedule":
        return ""
    return (policy["trigger"].get("settings") or {}).get("cron") or ""


def check_trigger(policy):
    if "trigger" not in policy:
        raise Refusal(500, empty=True)
    if cron_of(policy):
        jobs.check_cron(cron_of(policy), "tag retention")


def add_policy(harbor, project, policy):
    """Makes the policy of a project that has none."""
    row = harbor.table("retention").insert(policy=policy)
    if cron_of(policy):
        jobs.add_schedule(harbor, VENDOR, row["id"], cron_of(policy))
    merge(harbor, project, {"retention_id": str(row["id"])})
    return row


@made
def add_proxy_policy(harbor, project):
    """A proxy cache keeps what was asked for in the last seven days."""
    if project["registry_id"]:
        every = {"kind": "doublestar", "pattern": "**"}
        add_policy(harbor, project, {
            "algorithm": "or", "scope": {"level": "project",
                                         "ref": project["id"]},
            "trigger": {"kind": "Schedule",
                        "settings": {"cron": "0 0 0 * * *"}},
            "rules": [{
                "id": 1, "priority": 1, "action": "retain",
                "template": "nDaysSinceLastPull",
                "params": {"nDaysSinceLastPull": 7},
                "tag_selectors": [{**every, "decoration": "matches"}],
                "scope_selectors": {"repository": [
                    {**every, "decoration": "repoMatches"}]}}]})


@deleted
def remove_policy(harbor, project):
    number = int(project["metadata"].get("retention_id") or 0)
    row = harbor.table("retention").get(number)
    if row is not None:
        jobs.remove_schedules(harbor, VENDOR, number)
        jobs.remove_executions(harbor, VENDOR, number)
        harbor.table("retention").delete(row)


def shown_rule(rule):
    shown = {key: value for key, value in rule.items()
             if value not in (0, False, "", {})}
    shown.setdefault("tag_selectors", None)
    return dict(sorted(shown.items()))


def show_policy(harbor, row):
    policy = row["policy"]
    trigger = {"kind": policy["trigger"].get("kind", "")}
    settings = {key: value for key, value in
                (policy["trigger"].get("settings") or {}).items()
                if key != "next_scheduled_time"}
    if cron_of(policy):
        settings["next_scheduled_time"] = jobs.next_time(
            harbor, cron_of(policy))
    trigger["settings"] = settings
    return {"algorithm": policy.get("algorithm", ""), "id": row["id"],
            "rules": [shown_rule(rule) for rule in policy.get("rules", [])],
            "scope": policy["scope"], "trigger": trigger}


@route("GET", API + "retentions/metadatas")
def get_metadata(request):
    if not request.caller.is_known:
        raise Refusal(401, "unauthorized")
    return Response(200, METADATA)


@route("POST", API + "retentions", body=POLICY, body_name="policy")
def create(request):
    harbor = request.harbor
    policy = request.content
    check_policy(policy)
    scope = policy["scope"]
    project = require_access(request, scope, "create")
    if scope.get("level") != "project":
        raise Refusal(400, f"bad request: scope {scope.get('level', '')} is "
                           "not support")
    if project is None:
        raise Refusal(400, f"bad request: invalid Project id "
                           f"{scope.get('ref', 0)}")
    old = project["metadata"].get("retention_id")
    if old:
        raise Refusal(400, f"bad request: project {project['id']} already has "
                           f"retention policy {old}")
    check_trigger(policy)
    row = add_policy(harbor, project, policy)
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{row['id']}"})


@route("GET", API + "retentions/{id:int}")
def get(request):
    row = find_policy(request, 500)
    require_access(request, row["policy"]["scope"], "read")
    return Response(200, show_policy(request.harbor, row))


def require_policy_of_project(project, number):
    if project is None or (
            project["metadata"].get("retention_id") != str(number)):
        raise Refusal(404, "resource not found: the retention policy id "
                           f"{number} does not match")


@route("PUT", API + "retentions/{id:int}", body=POLICY, body_name="policy")
def update(request):
    harbor = request.harbor
    number = request.params["id"]
    policy = request.content
    check_policy(policy)
    project = require_access(request, policy["scope"], "update")
    require_policy_of_project(project, number)
    check_trigger(policy)
    row = harbor.table("retention").get(number)
    if row is None:
        raise Refusal(500)
    before = cron_of(row["policy"])
    harbor.table("retention").update(row, policy=policy)
    if before != cron_of(policy):
        jobs.remove_schedules(harbor, VENDOR, number)
        if cron_of(policy):
            jobs.add_schedule(harbor, VENDOR, number, cron_of(policy))
    return Response(200)


@route("DELETE", API + "retentions/{id:int}")
def delete(request):
    harbor = request.harbor
    row = find_policy(request, 400)
    project = require_access(request, row["policy"]["scope"], "delete")
    jobs.remove_schedules(harbor, VENDOR, row["id"])
    jobs.remove_executions(harbor, VENDOR, row["id"])
    harbor.table("retention").delete(row)
    if project is not None and harbor.since("2.14"):
        unset(harbor, project, "retention_id")
    return Response(200)


@route("POST", API + "retentions/{id:int}/executions", body=RUN,
       body_name="body")
def run(request):
    row = find_policy(request, 400)
    require_access(request, row["policy"]["scope"], "update")
    execution = jobs.add_execution(
        request.harbor, VENDOR, row["id"], "MANUAL",
        dry_run=request.content.get("dry_run", False))
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{execution['id']}"})


def show_execution(execution):
    shown = {"end_time": jobs.exact_time(execution["end_ms"]),
             "id": execution["id"], "policy_id": execution["vendor_id"],
             "start_time": jobs.exact_time(execution["start_ms"]),
             "status": execution["status"], "trigger": execution["trigger"]}
    if execution["extra"]["dry_run"]:
        shown["dry_run"] = True
    return dict(sorted(shown.items()))


@route("GET", API + "retentions/{id:int}/executions")
def list_executions(request):
    row = find_policy(request, 400)
    require_access(request, row["policy"]["scope"], "list")
    return paged(request, jobs.executions_of(request.harbor, VENDOR,
                                             row["id"]), show_execution)


def find_execution(request, row):
    number = request.params["eid"]
    execution = jobs.find_execution(request.harbor, VENDOR, number)
    if execution is None or execution["vendor_id"] != row["id"]:
        raise Refusal(404, f"project: {row['policy']['scope']['ref']}, "
                           f"execution id {number} not found")
    return execution


@route("PATCH", API + "retentions/{id:int}/executions/{eid:int}", body=STOP,
       body_name="body")
def stop(request):
    if request.content.get("action") != "stop":
        raise Refusal(400, "bad request: action should be 'stop'")
    row = find_policy(request, 400)
    project = require_access(request, row["policy"]["scope"], "update")
    require_policy_of_project(project, row["id"])
    find_execution(request, row)
    return Response(200)


@route("GET", API + "retentions/{id:int}/executions/{eid:int}/tasks")
def list_tasks(request):
    """A run here has none: there is nothing that it would remove."""
    row = find_policy(request, 400)
    project = require_access(request, row["policy"]["scope"], "list")
    require_policy_of_project(project, row["id"])
    find_execution(request, row)
    return paged(request, [], dict)
