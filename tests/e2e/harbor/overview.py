# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is counted and found over all projects: /statistics and /search."""
from . import projects, rights
from .login import require_known
from .paging import like
from .routes import API, invalid, route
from .state import UNSET_TIME
from .wire import Response


def count(harbor, rows):
    return len(rows), sum(projects.count_repositories(harbor, row)
                          for row in rows)


def used_bytes(harbor):
    return sum(row["used"]["storage"] for row in harbor.table("quota"))


@route("GET", API + "statistics")
def statistics(request):
    """Totals are for administrators only."""
    require_known(request)
    harbor = request.harbor
    seen = projects.visible_projects(request)
    public = [row for row in seen if rights.is_public(row)]
    private = [row for row in seen if not rights.is_public(row)]
    shown = {"total_project_count": 0, "total_repo_count": 0,
             "total_storage_consumption": 0}
    shown["public_project_count"], shown["public_repo_count"] = count(
        harbor, public)
    shown["private_project_count"], shown["private_repo_count"] = count(
        harbor, private)
    if request.caller.is_admin:
        shown["total_project_count"], shown["total_repo_count"] = count(
            harbor, seen)
        shown["total_storage_consumption"] = used_bytes(harbor)
    return Response(200, dict(sorted(shown.items())))


SEARCHED = []  # functions (request, word, projects seen): repositories


def show_found(request, project):
    shown = projects.show_project(request, project, as_admin=False)
    shown.pop("owner_name", None)
    shown["cve_allowlist"] = {"creation_time": UNSET_TIME, "items": None,
                              "update_time": UNSET_TIME}
    return shown


@route("GET", API + "search")
def search(request):
    word = request.query.get("q")
    if word is None:
        raise invalid("q in query is required")
    seen = projects.visible_projects(request)
    found = sorted((row for row in seen if like(word, row["name"])),
                   key=lambda row: row["name"])
    repositories = [one for function in SEARCHED
                    for one in function(request, word, seen)]
    return Response(200, {"project": [show_found(request, row)
                                      for row in found],
                          "repository": repositories})
