# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage limits of projects: /quotas.

    row  id, project_id, hard, used, creation_ms, update_ms

`used` counts what is pushed; the content side changes it.  A new limit does
not move update_time.
"""
from . import projects, rights
from .models import Map, Model
from .paging import Column, integer, paged
from .routes import API, route
from .state import UNSET_TIME, format_time, installs
from .wire import Refusal, Response

UPDATE = Model("QuotaUpdateReq", hard=Map(int))
COLUMNS = {"creation_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms"),
           "hard.storage": Column(int, lambda row: row["hard"]["storage"]),
           "used.storage": Column(int, lambda row: row["used"]["storage"])}
PLACE = API + "quotas/{id:int}"


@installs(0)
def make_tables(harbor):
    harbor.make_table("quota", unique=[("project_id",)])


@projects.made
def make_quota(harbor, project):
    hard = project.pop("hard")
    if hard is not None:
        at = harbor.now_ms()
        harbor.table("quota").insert(
            project_id=project["id"], hard=hard, used={"storage": 0},
            creation_ms=at, update_ms=at)


@projects.deleted
def delete_quota(harbor, project):
    row = harbor.table("quota").find(project_id=project["id"])
    if row:
        harbor.table("quota").delete(row)


@projects.summed_up
def sum_up(harbor, project):
    row = harbor.table("quota").find(project_id=project["id"])
    if row is None or not harbor.config["quota_per_project_enable"]:
        return {}
    return {"quota": {"hard": row["hard"], "used": row["used"]}}


def show_quota(harbor, row, with_update=True):
    project = harbor.table("project").get(row["project_id"])
    return {"creation_time": format_time(row["creation_ms"]),
            "hard": row["hard"], "id": row["id"],
            "ref": {"id": project["id"], "name": project["name"],
                    "owner_name": ""},
            "update_time": (format_time(row["update_ms"]) if with_update
                            else UNSET_TIME),
            "used": row["used"]}


@route("GET", API + "quotas")
def list_quotas(request):
    rights.require_system(request, "list", "quota")
    harbor = request.harbor
    rows = list(harbor.table("quota"))
    if request.query.get("reference", "project") not in ("", "project"):
        rows = []
    number = request.query.get("reference_id", "")
    if number:
        rows = [row for row in rows if str(row["project_id"]) == number]
    if not harbor.since("2.10"):
        request.query.pop("sort", None)  # has no effect
    integer(request, "page", 1)
    return paged(request, rows, lambda row: show_quota(harbor, row), COLUMNS,
                 "-creation_time")


def find_quota(request):
    row = request.harbor.table("quota").get(request.params["id"])
    if row is None:
        raise Refusal(404, f"quota {request.params['id']} not found")
    return row


@route("GET", PLACE)
def get_quota(request):
    rights.require_system(request, "read", "quota")
    return Response(200, show_quota(request.harbor, find_quota(request),
                                    False))


@route("PUT", PLACE, body=UPDATE, body_name="hard")
def update_quota(request):
    rights.require_system(request, "update", "quota")
    row = find_quota(request)
    hard = request.content.get("hard")
    if not hard:
        raise Refusal(400, "hard required in body")
    for resource in hard:
        if resource != "storage":
            raise Refusal(400, f"resource {resource} not support")
    projects.check_limit(hard["storage"])
    request.harbor.table("quota").update(row, hard=hard)
    return Response(200)
