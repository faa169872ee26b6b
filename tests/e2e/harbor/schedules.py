# SPDX-License-Identifier: LGPL-2.1-or-later
"""Schedules of the system: garbage collection, purge of the audit log, scan
of everything; /system/gc, /system/purgeaudit, /system/scanAll, /schedules.

Nothing is run at its time.  Who asks for a run at once, by type Manual, gets
an execution that has ended and did nothing.
"""
import json

from . import jobs
from .login import require_known
from .models import Any, Map, Model
from .paging import paged
from .rights import require_system
from .routes import API, invalid, route
from .state import format_time
from .wire import Refusal, Response, nothing

GC, PURGE, SCAN = "GARBAGE_COLLECTION", "PURGE_AUDIT_LOG", "SCAN_ALL"
TYPES = ("Hourly", "Daily", "Weekly", "Custom", "Manual", "None", "Schedule")
ON_TIME = ("Hourly", "Daily", "Weekly", "Custom")
LONGEST_HOURS = 240000

WHEN = Model("ScheduleObj", type=str, cron=str, next_scheduled_time=str)
SCHEDULE = Model("Schedule", id=int, status=str, creation_time=str,
                 update_time=str, schedule=WHEN, parameters=Map(Any))
BODY = {"body": SCHEDULE, "body_name": "schedule"}
GC_PATH = API + "system/gc"
PURGE_PATH = API + "system/purgeaudit"
SCAN_PATH = API + "system/scanAll/schedule"


def check_form(wanted):
    kind = wanted.get("schedule", {}).get("type", "Daily")
    if kind not in TYPES:
        raise invalid("validation failure list:", "validation failure list:",
                      f"type in body should be one of [{' '.join(TYPES)}]")


def when(wanted):
    """(type, cron) of a body."""
    found = wanted.get("schedule", {})
    return found.get("type", ""), found.get("cron", "")


def the_schedule(harbor, vendor):
    return next(iter(jobs.schedules_of(harbor, vendor)), None)


def replace(harbor, vendor, kind, text, extra, of_what):
    jobs.check_cron(text, of_what)
    jobs.remove_schedules(harbor, vendor)
    jobs.add_schedule(harbor, vendor, -1, text, kind, extra)


def show_when(harbor, kind, text):
    shown = {"next_scheduled_time": jobs.next_time(harbor, text)}
    for name, value in (("cron", text), ("type", kind)):
        if value:
            shown[name] = value
    return dict(sorted(shown.items()))


def show_schedule(harbor, row):
    return {"creation_time": format_time(row["creation_ms"]), "id": row["id"],
            "job_kind": row["cron"],
            "job_parameters": json.dumps(row["extra"], sort_keys=True,
                                         separators=(",", ":")),
            "job_status": "Running",
            "schedule": show_when(harbor, row["kind"], row["cron"]),
            "update_time": format_time(row["update_ms"])}


def show_run(harbor, name, row):
    return {"creation_time": format_time(row["start_ms"]), "id": row["id"],
            "job_kind": row["trigger"], "job_name": name,
            "job_parameters": json.dumps(row["extra"], sort_keys=True,
                                         separators=(",", ":")),
            "job_status": row["status"],
            "schedule": show_when(harbor, row["trigger"].title(), ""),
            "update_time": format_time(row["update_ms"])}


def get_schedule(request, resource, vendor):
    require_system(request, "read", resource)
    row = the_schedule(request.harbor, vendor)
    if row is None:
        return nothing()
    return Response(200, show_schedule(request.harbor, row))


def list_runs(request, resource, vendor):
    require_system(request, "list", resource)
    harbor = request.harbor
    return paged(request, jobs.executions_of(harbor, vendor),
                 lambda row: show_run(harbor, vendor, row))


def get_run(request, resource, vendor, what):
    require_system(request, "read", resource)
    row = jobs.find_execution(request.harbor, vendor, request.params["id"])
    if row is None:
        raise Refusal(404, f"{what} {request.params['id']} not found")
    return Response(200, show_run(request.harbor, vendor, row))


# Garbage collection.

def most_workers(harbor):
    return 10 if harbor.since("2.13") else 5


def gc_parameters(harbor, given):
    """What is kept of the parameters of a body."""
    extra = {"delete_untagged": given.get("delete_untagged") is True,
             "workers": 0}
    if harbor.since("2.15"):
        extra["delete_tag"] = given.get("delete_tag") is True
    workers = given.get("workers")
    if isinstance(workers, (int, float)) and not isinstance(workers, bool):
        if int(workers) != workers:
            raise Refusal(400, "bad request: workers should be integer "
                               "format")
        most = most_workers(harbor)
        if not 0 < workers <= most:
            raise Refusal(400, f"Error: Invalid number of workers:{workers}. "
                               "Workers must be greater than 0 and less than "
                               f"or equal to {most}.")
        extra["workers"] = workers
    return extra


def kick_gc(request):
    """The id of what was started at once, 0 if nothing was."""
    harbor = request.harbor
    wanted = request.content
    if "schedule" not in wanted:
        raise Refusal(500, empty=True)
    kind, text = when(wanted)
    given = wanted.get("parameters", {})
    if kind == "Manual":
        extra = gc_parameters(harbor, given)
        extra["dry_run"] = given.get("dry_run") is True
        return jobs.add_execution(harbor, GC, -1, "MANUAL", **extra)["id"]
    if kind == "None":
        jobs.remove_schedules(harbor, GC)
    elif kind in ON_TIME:
        extra = gc_parameters(harbor, given)
        replace(harbor, GC, kind, text, extra, "gc")
    return 0


@route("GET", GC_PATH + "/schedule")
def get_gc_schedule(request):
    return get_schedule(request, "garbage-collection", GC)


@route("POST", GC_PATH + "/schedule", **BODY)
def create_gc_schedule(request):
    check_form(request.content)
    require_system(request, "create", "garbage-collection")
    return Response(201, headers={"Location":
                                  f"{GC_PATH}/{kick_gc(request)}"})


@route("PUT", GC_PATH + "/schedule", **BODY)
def update_gc_schedule(request):
    check_form(request.content)
    require_system(request, "update", "garbage-collection")
    kick_gc(request)
    return Response(200)


@route("GET", GC_PATH)
def list_gc(request):
    return list_runs(request, "garbage-collection", GC)


@route("GET", GC_PATH + "/{id:int}")
def get_gc(request):
    return get_run(request, "garbage-collection", GC,
                   "garbage collection execution")


# Purge of the audit log.

def check_purge(harbor, wanted):
    given = wanted.get("parameters", {})
    if "schedule" not in wanted:
        raise Refusal(400, "bad request: schedule cann't be empty")
    if not given:
        raise Refusal(400, "bad request: schedule parameter cann't be empty")
    kinds = ("include_event_types" if harbor.since("2.13") else
             "include_operations")
    for name in ("audit_retention_hour", kinds):
        if name not in given:
            raise Refusal(400, f"bad request: {name} should provide")
        hours = given["audit_retention_hour"]
        if isinstance(hours, float):
            raise Refusal(400, "bad request: audit_retention_hour should be "
                               "integer format")
        if isinstance(hours, int) and hours > LONGEST_HOURS:
            raise Refusal(400, "bad request: audit_retention_hour should be "
                               f"less than {LONGEST_HOURS}")


def kick_purge(request):
    harbor = request.harbor
    wanted = request.content
    check_purge(harbor, wanted)
    kind, text = when(wanted)
    extra = wanted["parameters"]
    if kind == "Manual":
        return jobs.add_execution(harbor, PURGE, -1, "MANUAL", **extra)["id"]
    if kind == "None":
        jobs.remove_schedules(harbor, PURGE)
    elif kind in ON_TIME:
        replace(harbor, PURGE, kind, text, extra, "log rotation purge")
    return 0


@route("GET", PURGE_PATH + "/schedule")
def get_purge_schedule(request):
    return get_schedule(request, "purge-audit", PURGE)


@route("POST", PURGE_PATH + "/schedule", **BODY)
def create_purge_schedule(request):
    check_form(request.content)
    require_system(request, "create", "purge-audit")
    return Response(201, headers={"Location":
                                  f"{PURGE_PATH}/{kick_purge(request)}"})


@route("PUT", PURGE_PATH + "/schedule", **BODY)
def update_purge_schedule(request):
    check_form(request.content)
    require_system(request, "update", "purge-audit")
    kick_purge(request)
    return Response(200)


@route("GET", PURGE_PATH)
def list_purges(request):
    return list_runs(request, "purge-audit", PURGE)


@route("GET", PURGE_PATH + "/{id:int}")
def get_purge(request):
    return get_run(request, "purge-audit", PURGE, "execution")


# Scan of everything.

def require_scan(request, action):
    require_system(request, action, "scan-all")
    if request.harbor.table("scanner").find(is_default=True) is None:
        raise Refusal(412, "no scanner is configured, it's not possible to "
                           "scan")


@route("GET", SCAN_PATH)
def get_scan_schedule(request):
    """The next time is never told."""
    require_scan(request, "read")
    row = the_schedule(request.harbor, SCAN)
    if row is None:
        return nothing()
    return Response(200, {
        "creation_time": format_time(row["creation_ms"]), "id": row["id"],
        "schedule": {"cron": row["cron"],
                     "next_scheduled_time": format_time(None),
                     "type": row["kind"]},
        "status": "Running", "update_time": format_time(row["update_ms"])})


@route("POST", SCAN_PATH, **BODY)
def create_scan_schedule(request):
    check_form(request.content)
    require_scan(request, "create")
    harbor = request.harbor
    if "schedule" not in request.content:
        raise Refusal(500, empty=True)
    kind, text = when(request.content)
    if kind == "Manual":
        jobs.add_execution(harbor, SCAN, 0, "MANUAL")
    elif kind != "None":
        if the_schedule(harbor, SCAN):
            raise Refusal(412, "fail to set schedule for scan all as always "
                               "had one, please delete it firstly then to "
                               "re-schedule")
        replace(harbor, SCAN, kind, text, None, "scan all")
    return Response(201)


@route("PUT", SCAN_PATH, **BODY)
def update_scan_schedule(request):
    """What is equal already is left alone."""
    check_form(request.content)
    require_scan(request, "update")
    harbor = request.harbor
    if "schedule" not in request.content:
        raise Refusal(500, empty=True)
    kind, text = when(request.content)
    row = the_schedule(harbor, SCAN)
    if kind == "Manual":
        raise Refusal(400, "fail to update scan all schedule as wrong "
                           "schedule type: Manual")
    if kind == "None":
        jobs.remove_schedules(harbor, SCAN)
    elif row is None or (row["kind"], row["cron"]) != (kind, text):
        replace(harbor, SCAN, kind, text, None, "scan all")
    return Response(200)


@route("GET", API + "scans/all/metrics")
def scan_metrics(request):
    require_scan(request, "read")
    last = next(iter(jobs.executions_of(request.harbor, SCAN)), None)
    shown = {"completed": 0, "ongoing": False, "total": 0}
    if last:
        shown["trigger"] = last["trigger"].title()
    return Response(200, shown)


# All of them.

def show_any(row):
    shown = {"cron": row["cron"], "id": row["id"],
             "update_time": format_time(row["update_ms"]),
             "vendor_id": row["vendor_id"], "vendor_type": row["vendor"]}
    return {name: value for name, value in shown.items() if value}


@route("GET", API + "schedules")
def list_schedules(request):
    require_system(request, "list", "jobservice-monitor")
    return paged(request, request.harbor.table("schedule"), show_any)


@route("GET", API + "schedules/{job_type}/paused")
def are_paused(request):
    require_known(request)
    if request.params["job_type"].lower() != "all":
        raise Refusal(400, "job_type can only be 'all'")
    return Response(200, {"paused": False})
