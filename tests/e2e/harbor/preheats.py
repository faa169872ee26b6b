# SPDX-License-Identifier: LGPL-2.1-or-later
"""Preheating: /p2p/preheat/... and /projects/{p}/preheat/...

An instance is taken as it is; only a ping, or a policy that is run, asks it.
Filters and triggers of policies are JSON in strings.
"""
import datetime
import json
import re

from . import addresses, jobs
from .models import Map, Model
from .paging import Column, paged
from .projects import deleted
from .rights import require_project, require_system
from .routes import API, route
from .scanners import hides_credentials
from .state import EPOCH, format_time, installs
from .tables import Clash
from .wire import Refusal, Response

VENDOR = "P2P_PREHEAT"
NAME = re.compile("[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
HEALTH = {"dragonfly": "/_ping", "kraken": "/health"}
PROVIDERS = [
    {"icon": "https://raw.githubusercontent.com/alibaba/Dragonfly/master/"
             "docs/images/logo.png",
     "id": "dragonfly",
     "maintainers": ["Jin Zhang/taiyun.zj@alibaba-inc.com"],
     "name": "Dragonfly", "source": "https://github.com/alibaba/Dragonfly",
     "version": "0.10.1"},
    {"icon": "https://github.com/uber/kraken/blob/master/assets/"
             "kraken-logo-color.svg",
     "id": "kraken",
     "maintainers": ["mmpei/peimingming@corp.netease.com"],
     "name": "Kraken", "source": "https://github.com/uber/kraken",
     "version": "0.1.3"}]

INSTANCE = Model(
    "Instance", id=int, name=str, description=str, vendor=str, endpoint=str,
    auth_mode=str, auth_info=Map(str), status=str, enabled=bool, default=bool,
    insecure=bool, setup_timestamp=int)
POLICY = Model(
    "PreheatPolicy", id=int, name=str, description=str, project_id=int,
    provider_id=int, provider_name=str, filters=str, trigger=str,
    enabled=bool, creation_time=str, update_time=str, extra_attrs=str,
    scope=str)
INSTANCES = API + "p2p/preheat/instances"
ONE_INSTANCE = INSTANCES + "/{preheat_instance_name}"
PROJECT = API + "projects/{project_name}/preheat"
POLICIES = PROJECT + "/policies"
ONE_POLICY = POLICIES + "/{preheat_policy_name}"
COLUMNS = {"id": Column(int, "id"), "name": Column(str, "name"),
           "vendor": Column(str, "vendor"),
           "endpoint": Column(str, "endpoint"),
           "enabled": Column(bool, "enabled")}
POLICY_COLUMNS = {"id": Column(int, "id"), "name": Column(str, "name"),
                  "provider_id": Column(int, "provider_id"),
                  "enabled": Column(bool, "enabled"),
                  "creation_time": Column("time", "creation_ms"),
                  "update_time": Column("time", "update_ms")}


@installs(0)
def make_tables(harbor):
    harbor.make_table("preheat_instance", unique=[("name",), ("endpoint",)])
    harbor.make_table("preheat_policy", unique=[("project_id", "name")])


def check_name(wanted):
    if not NAME.fullmatch(wanted.get("name", "")):
        raise Refusal(500)


# Instances.

def instance_columns(wanted):
    columns = {name: wanted.get(name, "") for name in (
        "name", "description", "vendor", "endpoint", "auth_mode")}
    columns.update({name: wanted.get(name, False)
                    for name in ("enabled", "default", "insecure")})
    columns["auth_info"] = wanted.get("auth_info", {})
    columns["setup_timestamp"] = wanted.get("setup_timestamp", 0)
    return columns


def show_instance(harbor, row):
    shown = {name: row[name] for name in (
        "auth_info", "auth_mode", "description", "endpoint", "id", "name",
        "setup_timestamp", "vendor")}
    if hides_credentials(harbor):
        del shown["auth_info"]
    shown = {name: value for name, value in shown.items() if value}
    shown.update({name: row[name]
                  for name in ("default", "enabled", "insecure")})
    shown["status"] = "Unknown"
    return dict(sorted(shown.items()))


def find_instance(harbor, name):
    row = harbor.table("preheat_instance").find(name=name)
    if row is None:
        raise Refusal(404, f"instance {name} not found")
    return row


def instance_by_id(harbor, number):
    row = harbor.table("preheat_instance").get(number)
    if row is None:
        raise Refusal(404, f"instance {number} not found")
    return row


def check_health(harbor, columns):
    path = HEALTH.get(columns["vendor"])
    try:
        if path is None or addresses.ask(
                harbor, "GET",
                columns["endpoint"].rstrip("/") + path).status != 200:
            raise Refusal(500)
    except (OSError, addresses.BadUrl):
        raise Refusal(500) from None


@route("GET", API + "p2p/preheat/providers")
def list_providers(request):
    require_system(request, "list", "preheat-instance")
    return Response(200, PROVIDERS)


@route("GET", INSTANCES)
def list_instances(request):
    require_system(request, "list", "preheat-instance")
    harbor = request.harbor
    return paged(request, harbor.table("preheat_instance"),
                 lambda row: show_instance(harbor, row), COLUMNS)


@route("POST", INSTANCES, body=INSTANCE, body_name="instance")
def create_instance(request):
    require_system(request, "create", "preheat-instance")
    harbor = request.harbor
    wanted = request.content
    check_name(wanted)
    instances = harbor.table("preheat_instance")
    if instances.find(endpoint=wanted.get("endpoint", "")):
        raise Refusal(500)
    columns = instance_columns(wanted)
    columns["setup_timestamp"] = harbor.now_ms() // 1000
    try:
        instances.insert(**columns)
    except Clash:
        raise Refusal(409, f"instance {wanted['name']} already "
                           "exists") from None
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{wanted['name']}"})


@route("GET", ONE_INSTANCE)
def get_instance(request):
    require_system(request, "read", "preheat-instance")
    row = find_instance(request.harbor,
                        request.params["preheat_instance_name"])
    return Response(200, show_instance(request.harbor, row))


def policies_with(harbor, row):
    return harbor.table("preheat_policy").select(provider_id=row["id"])


@route("PUT", ONE_INSTANCE, body=INSTANCE, body_name="instance")
def update_instance(request):
    """The id of the body decides which one, not the path."""
    require_system(request, "update", "preheat-instance")
    harbor = request.harbor
    wanted = request.content
    columns = instance_columns(wanted)
    if hides_credentials(harbor):
        named = find_instance(harbor, request.params["preheat_instance_name"])
        if not columns["auth_info"] and "NONE" != (
                columns["auth_mode"] or named["auth_mode"]):
            columns["auth_info"] = named["auth_info"]
    check_name(wanted)
    row = instance_by_id(harbor, wanted.get("id", 0))
    if not columns["enabled"] and policies_with(harbor, row):
        raise Refusal(412, f"Provider [{row['name']}] cannot be disabled as "
                           "some preheat policies are using it")
    if row["vendor"] != columns["vendor"]:
        raise Refusal(500)
    instances = harbor.table("preheat_instance")
    if columns["default"]:
        for other in instances.select(default=True):
            instances.update(other, default=False)
    try:
        instances.update(row, **columns)
    except Clash:
        raise Refusal(500) from None
    return Response(200)


@route("DELETE", ONE_INSTANCE)
def delete_instance(request):
    require_system(request, "delete", "preheat-instance")
    harbor = request.harbor
    row = find_instance(harbor, request.params["preheat_instance_name"])
    if policies_with(harbor, row):
        raise Refusal(412, f"Provider [{row['name']}] cannot be deleted as "
                           "some preheat policies are using it")
    harbor.table("preheat_instance").delete(row)
    return Response(200)


@route("POST", INSTANCES + "/ping", body=INSTANCE, body_name="instance",
       lock=False)
def ping_instance(request):
    require_system(request, "read", "preheat-instance")
    harbor = request.harbor
    wanted = request.content
    if wanted.get("id", 0) > 0:
        columns = harbor.table("preheat_instance").get(wanted["id"])
        if columns is None:
            raise Refusal(404, empty=True)
    else:
        columns = instance_columns(wanted)
        if not columns["endpoint"]:
            raise Refusal(400, empty=True)
        check_name(wanted)
    check_health(harbor, columns)
    return Response(200)


# Policies.

def project_of(request, action):
    return require_project(request, request.params["project_name"], action,
                           "preheat-policy", by_name=True)


def policy_columns(harbor, wanted):
    columns = {name: wanted.get(name, "")
               for name in ("name", "description", "filters", "trigger")}
    columns.update(provider_id=wanted.get("provider_id", 0),
                   enabled=wanted.get("enabled", False), scope="",
                   extra_attrs="")
    if harbor.since("2.12"):
        name = "extra_attrs" if harbor.since("2.13") else "scope"
        columns[name] = wanted.get(name, "")
    return columns


def read_trigger(columns):
    """(type, cron) of the trigger; refuses what Harbor cannot read."""
    try:
        json.loads(columns["filters"])
        trigger = json.loads(columns["trigger"])
        found = (trigger.get("type", ""),
                 trigger.get("trigger_setting", {}).get("cron", ""))
    except (ValueError, AttributeError):
        raise Refusal(500) from None
    if found[0] == "scheduled" and found[1]:
        jobs.check_cron(found[1], "preheat")
    return found


def set_schedule(harbor, row, trigger):
    jobs.remove_schedules(harbor, VENDOR, row["id"])
    if trigger[0] == "scheduled" and trigger[1]:
        jobs.add_schedule(harbor, VENDOR, row["id"], trigger[1])


def show_policy(harbor, row):
    shown = {name: row[name] for name in (
        "description", "extra_attrs", "filters", "id", "name", "project_id",
        "provider_id", "scope", "trigger")}
    shown["provider_name"] = instance_by_id(harbor, row["provider_id"])["name"]
    shown = {name: value for name, value in shown.items() if value}
    shown.update(creation_time=format_time(row["creation_ms"]),
                 enabled=row["enabled"],
                 update_time=format_time(row["update_ms"]))
    return dict(sorted(shown.items()))


@deleted
def remove_policies(harbor, project):
    for row in harbor.table("preheat_policy").select(
            project_id=project["id"]):
        jobs.remove_schedules(harbor, VENDOR, row["id"])
        harbor.table("preheat_policy").delete(row)


def find_policy(request, project):
    name = request.params["preheat_policy_name"]
    row = request.harbor.table("preheat_policy").find(
        project_id=project["id"], name=name)
    if row is None:
        raise Refusal(404, f"policy {name} not found")
    return row


@route("GET", PROJECT + "/providers")
def list_project_providers(request):
    project_of(request, "list")
    return Response(200, [
        {"default": row["default"], "enabled": row["enabled"],
         "id": row["id"],
         "provider": f"{row['vendor']} {row['name']}-{row['endpoint']}"}
        for row in request.harbor.table("preheat_instance")])


@route("GET", POLICIES)
def list_policies(request):
    project = project_of(request, "list")
    harbor = request.harbor
    rows = harbor.table("preheat_policy").select(project_id=project["id"])
    return paged(request, rows, lambda row: show_policy(harbor, row),
                 POLICY_COLUMNS, "update_time,-id")


@route("POST", POLICIES, body=POLICY, body_name="policy")
def create_policy(request):
    project = project_of(request, "create")
    harbor = request.harbor
    check_name(request.content)
    columns = policy_columns(harbor, request.content)
    instance_by_id(harbor, columns["provider_id"])
    trigger = read_trigger(columns)
    at = harbor.now_ms()
    try:
        row = harbor.table("preheat_policy").insert(
            project_id=project["id"], creation_ms=at, update_ms=at, **columns)
    except Clash:
        raise Refusal(409, f"policy {columns['name']} already "
                           "exists") from None
    set_schedule(harbor, row, trigger)
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{row['name']}"})


@route("GET", ONE_POLICY)
def get_policy(request):
    row = find_policy(request, project_of(request, "read"))
    return Response(200, show_policy(request.harbor, row))


def read_time(text):
    """Milliseconds of a time as the API shows it, None if it is unset."""
    try:
        when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return None
    at_ms = int((when - EPOCH).total_seconds() * 1000)
    return at_ms if when.year > 1 else None


@route("PUT", ONE_POLICY, body=POLICY, body_name="policy")
def update_policy(request):
    """Replaces everything, when it was created too; the id of the body
    decides which one."""
    project = project_of(request, "update")
    harbor = request.harbor
    wanted = request.content
    check_name(wanted)
    policies = harbor.table("preheat_policy")
    row = policies.get(wanted.get("id", 0))
    if row is not None and row["project_id"] != project["id"]:
        raise Refusal(404, f"resource not found: project id {project['id']} "
                           "does not match")
    columns = policy_columns(harbor, wanted)
    instance_by_id(harbor, columns["provider_id"])
    if row is None:
        raise Refusal(404, f"policy {wanted.get('id', 0)} not found")
    trigger = read_trigger(columns)
    try:
        policies.update(row, update_ms=harbor.now_ms(),
                        creation_ms=read_time(wanted.get("creation_time", "")),
                        **columns)
    except Clash:
        raise Refusal(500) from None
    set_schedule(harbor, row, trigger)
    return Response(200)


@route("DELETE", ONE_POLICY)
def delete_policy(request):
    harbor = request.harbor
    row = find_policy(request, project_of(request, "delete"))
    jobs.remove_schedules(harbor, VENDOR, row["id"])
    jobs.remove_executions(harbor, VENDOR, row["id"])
    harbor.table("preheat_policy").delete(row)
    return Response(200)


@route("GET", ONE_POLICY + "/executions")
def list_executions(request):
    """Always none: no policy is run."""
    find_policy(request, project_of(request, "list"))
    return paged(request, [], dict)
