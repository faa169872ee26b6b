# SPDX-License-Identifier: LGPL-2.1-or-later
"""Webhook policies: /projects/{p}/webhook/...

Nothing is ever sent.  A PUT replaces everything, zeroes creation_time and
leaves update_time alone.
"""
from . import addresses
from .models import Model
from .paging import Column, ordered, paged
from .rights import require_project
from .routes import API, invalid, route
from .state import format_time, installs
from .tables import Clash
from .wire import Refusal, Response

EVENTS = ("PUSH_ARTIFACT", "PULL_ARTIFACT", "DELETE_ARTIFACT", "QUOTA_EXCEED",
          "QUOTA_WARNING", "SCANNING_FAILED", "SCANNING_STOPPED",
          "SCANNING_COMPLETED", "REPLICATION", "TAG_RETENTION")
TYPES = ("http", "slack")
FORMATS = ("Default", "CloudEvents")

TARGET = Model("WebhookTargetObject", type=str, address=str, auth_header=str,
               skip_cert_verify=bool, payload_format=str)
POLICY = Model("WebhookPolicy", id=int, name=str, description=str,
               project_id=int, targets=[TARGET], event_types=[str],
               creator=str, creation_time=str, update_time=str, enabled=bool)
HOOKS = API + "projects/{project_name_or_id}/webhook"
POLICIES = HOOKS + "/policies"
ONE_POLICY = POLICIES + "/{webhook_policy_id:int}"
COLUMNS = {"id": Column(int, "id"), "name": Column(str, "name"),
           "enabled": Column(bool, "enabled"),
           "creation_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms")}


@installs(0)
def make_tables(harbor):
    harbor.make_table("webhook", unique=[("project_id", "name")])


def project_of(request, action):
    return require_project(request, request.params["project_name_or_id"],
                           action, "notification-policy")


def check_target(policy, target):
    kind = target.get("type", "")
    shape = target.get("payload_format", "")
    addresses.check_endpoint(target.get("address", ""))
    if kind not in TYPES:
        raise Refusal(400, f"unsupported target type {kind} with policy "
                           f"{policy.get('name', '')}")
    if shape and kind == "slack":
        raise Refusal(400, "set payload format is not allowed for slack")
    if shape and shape not in FORMATS:
        raise Refusal(400, f"unsupported payload format type: {shape}")


def check_policy(policy):
    if not policy.get("event_types"):
        raise Refusal(400, "empty event type")
    for event in policy["event_types"]:
        if event not in EVENTS:
            raise Refusal(400, f"unsupported event type {event}")
    if not policy.get("targets"):
        raise Refusal(400, "empty notification target with policy "
                           f"{policy.get('name', '')}")
    for target in policy["targets"]:
        check_target(policy, target)


def kept_target(target):
    kept = dict(target)
    if kept["type"] == "http" and not kept.get("payload_format"):
        kept["payload_format"] = "Default"
    return kept


def columns_of(policy):
    return {"name": policy.get("name", ""),
            "description": policy.get("description", ""),
            "enabled": policy.get("enabled", False),
            "event_types": policy["event_types"],
            "targets": [kept_target(one) for one in policy["targets"]]}


def store(change, *arguments, **values):
    try:
        return change(*arguments, **values)
    except Clash:
        raise Refusal(409, f"notification policy named {values['name']} "
                           "already exists") from None


def show_policy(row):
    shown = {name: row[name] for name in (
        "description", "event_types", "id", "name", "project_id")}
    shown["targets"] = [{name: value for name, value in sorted(one.items())
                         if value} for one in row["targets"]]
    shown = {name: value for name, value in shown.items() if value}
    shown.update(creation_time=format_time(row["creation_ms"]),
                 update_time=format_time(row["update_ms"]),
                 enabled=row["enabled"])
    return dict(sorted(shown.items()))


def policies_of(harbor, project):
    return harbor.table("webhook").select(project_id=project["id"])


@route("GET", HOOKS + "/events")
def list_events(request):
    project_of(request, "read")
    return Response(200, {
        "event_type": list(EVENTS), "notify_type": list(TYPES),
        "payload_formats": [{"formats": list(FORMATS),
                             "notify_type": "http"}]})


@route("GET", HOOKS + "/lasttrigger")
def last_triggers(request):
    rows = ordered(policies_of(request.harbor, project_of(request, "read")),
                   ["-creation_time"], COLUMNS)
    shown = []
    for row in rows:
        for event in row["event_types"]:
            one = {"creation_time": format_time(row["creation_ms"]),
                   "enabled": row["enabled"], "event_type": event,
                   "last_trigger_time": format_time(None),
                   "policy_name": row["name"]}
            shown.append({name: value for name, value in one.items()
                          if value})
    return Response(200, shown)


@route("GET", HOOKS + "/jobs")
def list_jobs(request):
    if not request.query.get("policy_id"):
        raise invalid("policy_id in query is required")
    project_of(request, "read")
    return paged(request, [], dict)


@route("GET", POLICIES)
def list_policies(request):
    project = project_of(request, "list")
    return paged(request, policies_of(request.harbor, project), show_policy,
                 COLUMNS, "-creation_time")


@route("POST", POLICIES, body=POLICY, body_name="policy")
def create(request):
    project = project_of(request, "create")
    check_policy(request.content)
    at = request.harbor.now_ms()
    row = store(request.harbor.table("webhook").insert,
                project_id=project["id"], creation_ms=at, update_ms=at,
                **columns_of(request.content))
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{row['id']}"})


def find_policy(request, project):
    number = request.params["webhook_policy_id"]
    row = request.harbor.table("webhook").get(number)
    if row is None:
        raise Refusal(404, f"notificationPolicy {number} not found")
    if row["project_id"] != project["id"]:
        raise Refusal(404, f"resource not found: project id:{project['id']}, "
                           f"webhook policy id: {number} not found")
    return row


@route("GET", ONE_POLICY)
def get(request):
    project = project_of(request, "read")
    return Response(200, show_policy(find_policy(request, project)))


@route("PUT", ONE_POLICY, body=POLICY, body_name="policy")
def update(request):
    row = find_policy(request, project_of(request, "update"))
    check_policy(request.content)
    store(request.harbor.table("webhook").update, row, creation_ms=None,
          **columns_of(request.content))
    return Response(200)


@route("DELETE", ONE_POLICY)
def delete(request):
    row = find_policy(request, project_of(request, "delete"))
    request.harbor.table("webhook").delete(row)
    return Response(200)


@route("GET", ONE_POLICY + "/executions")
def list_executions(request):
    find_policy(request, project_of(request, "read"))
    return paged(request, [], dict)
