# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replication policies: /replication/policies.

A PUT replaces everything.  One side is a registry, the other one is this
Harbor, which shows itself as registry 0.  Policies that wait for events or
times are kept, but only a request makes one run (replication_runs.py).
"""
import re

from . import cron, jobs, registries
from .models import Any, Int32, Model
from .paging import Column, paged
from .rights import require_system
from .routes import API, route
from .state import format_time, installs
from .tables import Clash
from .wire import Refusal, Response

VENDOR = "REPLICATION"
SETTINGS = Model("ReplicationTriggerSettings", cron=str)
TRIGGER = Model("ReplicationTrigger", type=str, trigger_settings=SETTINGS)
FILTER = Model("ReplicationFilter", type=str, value=Any, decoration=str)
POLICY = Model(
    "ReplicationPolicy", id=int, name=str, description=str,
    src_registry=registries.REGISTRY, dest_registry=registries.REGISTRY,
    dest_namespace=str, dest_namespace_replace_count=int, trigger=TRIGGER,
    filters=[FILTER], replicate_deletion=bool, deletion=bool, override=bool,
    enabled=bool, creation_time=str, update_time=str, speed=Int32,
    copy_by_chunk=bool, single_active_replication=bool)
PATH = API + "replication/policies"
NAMESPACE = re.compile("[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
                       "(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*")
ONE_SIDE = ("either src_registry or dest_registry should be empty and the "
            "other one shouldn't be empty")
COLUMNS = {"id": Column(int, "id"), "name": Column(str, "name"),
           "enabled": Column(bool, "enabled"),
           "src_registry_id": Column(int, "src_id"),
           "dest_registry_id": Column(int, "dest_id"),
           "creation_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms")}


@installs(0)
def make_tables(harbor):
    harbor.make_table("replication", unique=[("name",)])


def check_filter(one):
    kind = one.get("type", "")
    value = one.get("value")
    if kind in ("resource", "name", "tag"):
        if not isinstance(value, str):
            raise Refusal(400, "the type of filter value isn't string")
        if kind == "resource" and value not in ("artifact", "image"):
            raise Refusal(400, f"invalid resource filter: {value}")
        if kind != "tag" and one.get("decoration"):
            raise Refusal(400, "only tag and label filter support decoration")
    elif kind == "label":
        if not isinstance(value, list) or not all(
                isinstance(label, str) for label in value):
            raise Refusal(400, "the type of label filter value isn't string "
                               "slice")
    else:
        raise Refusal(400, "invalid filter type")
    if one.get("decoration", "") not in ("", "matches", "excludes"):
        raise Refusal(400, "invalid filter decoration, :"
                           f"{one['decoration']}")


def check_trigger(trigger):
    kind = trigger.get("type", "")
    if kind in ("manual", "event_based"):
        return
    if kind != "scheduled":
        raise Refusal(400, "invalid trigger type")
    text = trigger.get("trigger_settings", {}).get("cron", "")
    if not text:
        raise Refusal(400, "the cron string cannot be empty when the trigger "
                           "type is scheduled")
    try:
        cron.Cron(text)
    except cron.BadCron:
        raise Refusal(400, "invalid cron string for scheduled trigger: "
                           f"{text}") from None
    seconds, minutes = text.split(" ")[:2]
    if seconds != "0":
        raise Refusal(400, "the 1st field (indicating Seconds of time) of the "
                           "cron setting must be 0")
    if minutes == "*":
        raise Refusal(400, "* is not allowed for the Minutes field of the "
                           "cron setting of replication policy")


def side(policy, name):
    """The id of the registry on that side, None without one."""
    return policy[name].get("id", 0) if name in policy else None


def check_policy(harbor, policy):
    sides = [side(policy, "src_registry"), side(policy, "dest_registry")]
    if not policy.get("name"):
        raise Refusal(400, "empty name")
    if bool(sides[0]) == bool(sides[1]):
        raise Refusal(400, ONE_SIDE)
    for one in policy.get("filters", []):
        check_filter(one)
    namespace = policy.get("dest_namespace", "")
    if namespace and not NAMESPACE.fullmatch(namespace):
        raise Refusal(400, f"invalid destination namespace: {namespace}")
    if "trigger" in policy:
        check_trigger(policy["trigger"])
    for number in sides:
        if number is not None:
            registries.find(harbor, number)


def check_single(harbor, policy):
    if harbor.since("2.14") and policy.get("single_active_replication") and (
            policy.get("trigger", {}).get("type") == "event_based"):
        raise Refusal(500)


def columns_of(harbor, policy):
    single = (harbor.since("2.14") and
              policy.get("single_active_replication", False))
    return {
        "name": policy["name"],
        "description": policy.get("description", ""),
        "src_id": side(policy, "src_registry") or None,
        "dest_id": side(policy, "dest_registry") or None,
        "dest_namespace": policy.get("dest_namespace", ""),
        "replace_count": policy.get("dest_namespace_replace_count", -1),
        "filters": policy.get("filters", []),
        "trigger": policy.get("trigger"),
        "deletion": policy.get("deletion", False),
        "override": policy.get("override", False),
        "enabled": policy.get("enabled", False),
        "speed": max(policy.get("speed", 0), 0),
        "copy_by_chunk": policy.get("copy_by_chunk", False),
        "single_active_replication": single}


def set_schedule(harbor, row):
    jobs.remove_schedules(harbor, VENDOR, row["id"])
    trigger = row["trigger"] or {}
    if row["enabled"] and trigger.get("type") == "scheduled":
        jobs.add_schedule(harbor, VENDOR, row["id"],
                          trigger["trigger_settings"]["cron"])


def store(change, *arguments, **columns):
    try:
        return change(*arguments, **columns)
    except Clash:
        raise Refusal(409, f"replication policy {columns['name']} already "
                           "exists") from None


def show_policy(harbor, row):
    shown = {"id": row["id"], "name": row["name"],
             "replicate_deletion": row["deletion"]}
    for name in ("deletion", "description", "dest_namespace", "enabled",
                 "override", "trigger"):
        shown[name] = row[name]
    shown = {name: value for name, value in shown.items() if value}
    names = ["copy_by_chunk", "speed"]
    if harbor.since("2.14"):
        names.append("single_active_replication")
    shown.update({name: row[name] for name in names})
    shown.update(
        creation_time=format_time(row["creation_ms"]),
        dest_namespace_replace_count=row["replace_count"],
        filters=[dict(sorted(one.items())) for one in row["filters"]] or None,
        update_time=format_time(row["update_ms"]))
    for name, number in (("src_registry", row["src_id"]),
                         ("dest_registry", row["dest_id"])):
        shown[name] = registries.show(
            harbor, registries.find(harbor, number or 0))
    return dict(sorted(shown.items()))


def find(harbor, number):
    row = harbor.table("replication").get(number)
    if row is None:
        raise Refusal(404, f"replication policy {number} not found")
    return row


@route("GET", PATH)
def list_policies(request):
    require_system(request, "list", "replication-policy")
    harbor = request.harbor
    rows = [row for row in harbor.table("replication")
            if request.query.get("name", "") in row["name"]]
    return paged(request, rows, lambda row: show_policy(harbor, row), COLUMNS,
                 "-creation_time")


@route("POST", PATH, body=POLICY, body_name="policy")
def create(request):
    require_system(request, "create", "replication-policy")
    harbor = request.harbor
    policy = request.content
    check_single(harbor, policy)
    check_policy(harbor, policy)
    at = harbor.now_ms()
    row = store(harbor.table("replication").insert, creation_ms=at,
                update_ms=at, **columns_of(harbor, policy))
    set_schedule(harbor, row)
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{row['id']}"})


@route("GET", PATH + "/{id:int}")
def get(request):
    require_system(request, "read", "replication-policy")
    harbor = request.harbor
    return Response(200, show_policy(harbor, find(harbor,
                                                  request.params["id"])))


@route("PUT", PATH + "/{id:int}", body=POLICY, body_name="policy")
def update(request):
    require_system(request, "update", "replication-policy")
    harbor = request.harbor
    policy = request.content
    check_single(harbor, policy)
    check_policy(harbor, policy)
    row = find(harbor, request.params["id"])
    store(harbor.table("replication").update, row,
          update_ms=harbor.now_ms(), **columns_of(harbor, policy))
    set_schedule(harbor, row)
    return Response(200)


@route("DELETE", PATH + "/{id:int}")
def delete(request):
    require_system(request, "delete", "replication-policy")
    harbor = request.harbor
    row = find(harbor, request.params["id"])
    jobs.remove_executions(harbor, VENDOR, row["id"])
    jobs.remove_schedules(harbor, VENDOR, row["id"])
    harbor.table("replication").delete(row)
    return Response(200)
