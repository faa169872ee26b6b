# SPDX-License-Identifier: LGPL-2.1-or-later
"""Labels, global and of projects: /labels.  They outlive their project.

    row  id, name, description, color, scope (g or p), project_id, times
"""
from . import rights
from .models import Model
from .paging import Column, integer, like, page_of, paged
from .routes import API, route
from .state import format_time, installs
from .tables import Clash
from .wire import Refusal, Response

LABEL = Model("Label", id=int, name=str, description=str, color=str,
              scope=str, project_id=int)
PLACE = API + "labels/{id:int}"
LONGEST = {"name": 128, "color": 16}
COLUMNS = {"id": Column(int, "id"), "name": Column(str, "name"),
           "scope": Column(str, "scope"),
           "project_id": Column(int, "project_id"),
           "creation_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms")}


@installs(0)
def make_tables(harbor):
    harbor.make_table("label", unique=[("name", "scope", "project_id")])


def show_label(row):
    shown = {"creation_time": format_time(row["creation_ms"]),
             "id": row["id"], "scope": row["scope"],
             "update_time": format_time(row["update_ms"])}
    for key in ("color", "description", "name", "project_id"):
        if row[key]:
            shown[key] = row[key]
    return dict(sorted(shown.items()))


def require_label(request, action, scope, project_id):
    """Global ones are for administrators, later for robots, too; those of a
    project for its roles, and an administrator may for one that is not
    there."""
    if request.caller.is_admin:
        return
    if scope == "g":
        rights.require_late(request, action, "label")
        return
    project = request.harbor.table("project").get(project_id)
    if project is None or not rights.can_project(request, project, action,
                                                 "label"):
        raise rights.refuse(request, "forbidden")


@route("GET", API + "labels")
def list_labels(request):
    page_of(request)
    scope = request.query.get("scope", "")
    project_id = integer(request, "project_id", 0)
    if scope not in ("g", "p"):
        raise Refusal(400, f"invalid scope: {scope}")
    if scope == "p":
        if project_id <= 0:
            raise Refusal(400, "must with project ID when to query project "
                               "labels")
        require_label(request, "list", scope, project_id)
    rows = request.harbor.table("label").select(
        scope=scope, project_id=project_id if scope == "p" else 0)
    name = request.query.get("name", "")
    if name:
        rows = [row for row in rows if like(name, row["name"])]
    return paged(request, rows, show_label, COLUMNS)


def find_label(request):
    number = request.params["id"]
    row = request.harbor.table("label").get(number)
    if row is None:
        raise Refusal(404, f"label {number} not found")
    return row


def too_long(content):
    return any(len(content.get(key, "")) > longest
               for key, longest in LONGEST.items())


@route("POST", API + "labels", body=LABEL, body_name="label")
def create_label(request):
    harbor, content = request.harbor, request.content
    scope = content.get("scope", "")
    name = content.get("name", "")
    if scope not in ("g", "p"):
        raise Refusal(400, "unsupported label scope")
    project_id = content.get("project_id", 0) if scope == "p" else 0
    require_label(request, "create", scope, project_id)
    table = harbor.table("label")
    if too_long(content):
        table.next_id()
        raise Refusal(500)
    at = harbor.now_ms()
    try:
        row = table.insert(
            name=name, description=content.get("description", ""),
            color=content.get("color", ""), scope=scope,
            project_id=project_id, creation_ms=at, update_ms=at)
    except Clash:
        raise Refusal(409, f"label {name} already exists") from None
    return Response(201, headers={"Location": f"{request.path}/{row['id']}"})


@route("GET", PLACE)
def get_label(request):
    row = find_label(request)
    if row["scope"] == "p":
        require_label(request, "read", "p", row["project_id"])
    return Response(200, show_label(row))


@route("PUT", PLACE, body=LABEL, body_name="label")
def update_label(request):
    harbor, content = request.harbor, request.content
    row = find_label(request)
    require_label(request, "update", row["scope"], row["project_id"])
    name = content.get("name", "")
    if not name:
        raise Refusal(400, "cannot be empty")
    if too_long(content):
        raise Refusal(500)
    try:
        harbor.table("label").update(
            row, name=name, description=content.get("description", ""),
            color=content.get("color", ""), update_ms=harbor.now_ms())
    except Clash:
        raise Refusal(409, f"label {name} already exists") from None
    return Response(200)


LABEL_DELETED = []  # functions (harbor, row), of what carries labels


@route("DELETE", PLACE)
def delete_label(request):
    row = find_label(request)
    require_label(request, "delete", row["scope"], row["project_id"])
    for function in LABEL_DELETED:
        function(request.harbor, row)
    request.harbor.table("label").delete(row)
    return Response(200)
