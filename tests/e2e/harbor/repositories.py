# SPDX-License-Identifier: LGPL-2.1-or-later
"""Repositories as Harbor's API shows them."""
from . import images, rights
from .artifacts import REPOSITORY, repository_name
from .models import Model
from .overview import SEARCHED
from .paging import Column, like, paged
from .rights import require_project
from .routes import API, route
from .state import format_time
from .v2_manifests import delete_artifact, is_referenced
from .wire import Refusal, Response

BODY = Model("Repository", id=int, name=str, project_id=int, description=str,
             artifact_count=int, pull_count=int)
COLUMNS = {name: Column(kind, column) for name, kind, column in (
    ("name", str, "name"), ("repository_id", int, "id"),
    ("project_id", int, "project_id"), ("pull_count", int, "pull_count"),
    ("creation_time", "time", "creation_ms"),
    ("update_time", "time", "update_ms"))}


def show(harbor, row):
    shown = {"artifact_count": len(images.listed_artifacts(harbor, row)),
             "creation_time": format_time(row["creation_ms"]),
             "id": row["id"], "name": row["name"],
             "project_id": row["project_id"],
             "pull_count": row["pull_count"],
             "update_time": format_time(row["update_ms"])}
    if row["description"]:
        shown["description"] = row["description"]
    return dict(sorted(shown.items()))


def answer_list(request, rows):
    harbor = request.harbor
    return paged(request, rows, lambda row: show(harbor, row), COLUMNS,
                 "-creation_time")


@route("GET", API + "projects/{project_name}/repositories")
def list_repositories(request):
    project = require_project(request, request.params["project_name"],
                              "list", "repository", by_name=True)
    return answer_list(request, images.repositories_of(request.harbor,
                                                       project["id"]))


@route("GET", API + "repositories")
def list_all_repositories(request):
    """Those of the projects that the caller may see."""
    harbor = request.harbor
    seen = {project["id"] for project in harbor.table("project")
            if rights.can_project(request, project, "list", "repository")}
    return answer_list(request, [row for row in harbor.table("repository")
                                 if row["project_id"] in seen])


def find(request, action):
    require_project(request, request.params["project_name"], action,
                    "repository", by_name=True)
    return images.find_repository(request.harbor, repository_name(request))


@route("GET", REPOSITORY)
def get_repository(request):
    return Response(200, show(request.harbor, find(request, "read")))


@route("PUT", REPOSITORY, body=BODY, body_name="repository")
def update_repository(request):
    row = find(request, "update")
    request.harbor.table("repository").update(
        row, description=request.content.get("description", ""),
        update_ms=request.harbor.now_ms())
    return Response(200)


@route("DELETE", REPOSITORY)
def delete_repository(request):
    """With its artifacts, the newest first, an index before its images."""
    harbor = request.harbor
    row = find(request, "delete")
    left = images.listed_artifacts(harbor, row)
    left.sort(key=lambda artifact: -artifact["push_ms"])
    while left:
        artifact = next((one for one in left
                         if not is_referenced(harbor, one)), None)
        if artifact is None:
            raise Refusal(500)
        delete_artifact(harbor, artifact)
        left.remove(artifact)
    for artifact in harbor.table("artifact").select(
            repository_id=row["id"]):
        if harbor.table("artifact").get(artifact["id"]):
            delete_artifact(harbor, artifact)
    harbor.table("repository").delete(row)
    return Response(200)


@SEARCHED.append
def search(request, word, projects):
    harbor = request.harbor
    found = []
    for project in projects:
        for row in images.repositories_of(harbor, project["id"]):
            if like(word, row["name"]):
                found.append({
                    "artifact_count": len(images.listed_artifacts(harbor,
                                                                  row)),
                    "project_id": project["id"],
                    "project_name": project["name"],
                    "project_public": rights.is_public(project),
                    "pull_count": row["pull_count"],
                    "repository_name": row["name"]})
    return sorted(found, key=lambda one: one["repository_name"])
