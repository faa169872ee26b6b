# SPDX-License-Identifier: LGPL-2.1-or-later
"""CVEs that do not count: /system/CVEAllowlist, and the list of a project.

One table for both; project_id 0 is the system's.  Setting a list uses up an
id, also where there was one.
"""
from .login import require_known
from .models import Model
from .rights import require_system
from .routes import API, route
from .state import format_time, installs
from .wire import Refusal, Response

ITEM = Model("CVEAllowlistItem", cve_id=str)
ALLOWLIST = Model("CVEAllowlist", id=int, project_id=int, expires_at=int,
                  items=[ITEM], creation_time=str, update_time=str)
PATH = API + "system/CVEAllowlist"


@installs(0)
def make_tables(harbor):
    harbor.make_table("allowlist", unique=[("project_id",)])


def set_list(harbor, project_id, content):
    """Replaces a list by what a body says; twice the same entry is a 500."""
    items = [item.get("cve_id", "") for item in content.get("items", [])]
    if len(set(items)) < len(items):
        raise Refusal(500)
    lists = harbor.table("allowlist")
    at = harbor.now_ms()
    columns = {"items": items, "expires_at": content.get("expires_at"),
               "creation_ms": at, "update_ms": at}
    row = lists.find(project_id=project_id)
    if row is None:
        lists.insert(project_id=project_id, **columns)
    else:
        lists.next_id()
        lists.update(row, **columns)


def show_items(row):
    return [{"cve_id": item} if item else {} for item in row["items"]]


@route("GET", PATH)
def get(request):
    require_known(request)
    row = request.harbor.table("allowlist").find(project_id=0)
    if row is None:
        return Response(200, {"creation_time": format_time(None), "items": [],
                              "update_time": format_time(None)})
    shown = {"creation_time": format_time(row["creation_ms"]),
             "id": row["id"], "items": show_items(row),
             "update_time": format_time(row["update_ms"])}
    if row["expires_at"] is not None:
        shown["expires_at"] = row["expires_at"]
    return Response(200, dict(sorted(shown.items())))


@route("PUT", PATH, body=ALLOWLIST, body_name="allowlist")
def put(request):
    require_system(request, "update", "configuration")
    set_list(request.harbor, 0, request.content)
    return Response(200)
