# SPDX-License-Identifier: LGPL-2.1-or-later
"""Projects: /projects, but for their metadata one by one.

    row  id, name, owner_id, creation_ms, update_ms, metadata, registry_id

Other kinds that live and die with a project say so: made(function) and
deleted(function), called with (harbor, row) inside of the request; what a
summary shows more, with summed_up(function), which returns a dict.
"""
import re

from . import allowlists, rights
from .login import require_known
from .metadata import MODEL as METADATA
from .metadata import check_new, known_keys, merge, show
from .models import Model
from .paging import Column, boolean, like, page_of, paged
from .routes import API, invalid, route
from .state import UNSET_TIME, format_time, installs
from .tables import Clash
from .wire import Refusal, Response

MADE = []
DELETED = []
SUMMED_UP = []
NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*$")
LARGEST_LIMIT = 1 << 50
# Types of registries that a project may be a cache of.
PROXIED = ("docker-hub", "harbor", "azure-acr", "aws-ecr", "google-gcr",
           "quay", "docker-registry", "github-ghcr", "jfrog-artifactory")

PROJECT = Model("ProjectReq", project_name=str, public=bool,
                metadata=METADATA, cve_allowlist=allowlists.ALLOWLIST,
                storage_limit=int, registry_id=int)
COLUMNS = {"name": Column(str, "name"), "project_id": Column(int, "id"),
           "owner_id": Column(int, "owner_id"),
           "creation_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms"),
           "registry_id": Column(int, "registry_id")}
COLUMNS.update(Name=COLUMNS["name"], ProjectID=COLUMNS["project_id"],
               OwnerID=COLUMNS["owner_id"])


def made(function):
    MADE.append(function)
    return function


def deleted(function):
    DELETED.append(function)
    return function


def summed_up(function):
    SUMMED_UP.append(function)
    return function


@installs(0)
def make_tables(harbor):
    harbor.make_table("project", unique=[("name",)])


@installs(2)
def make_library(harbor):
    """The project that every installation begins with."""
    at = harbor.table("user").get(1)["creation_ms"]
    insert_project(harbor, "library", 1, {"public": "true"}, None,
                   {"storage": -1}, at)


def insert_project(harbor, name, owner_id, metadata, registry_id, hard,
                   at=None):
    at = at or harbor.now_ms()
    row = harbor.table("project").insert(
        name=name, owner_id=owner_id, creation_ms=at, update_ms=at,
        metadata=metadata, registry_id=registry_id, hard=hard)
    allowlists.set_list(harbor, row["id"], {})
    for function in MADE:
        function(harbor, row)
    return row


def count_repositories(harbor, project):
    table = harbor.tables.get("repository")
    return len(table.select(project_id=project["id"])) if table else 0


# Showing.

def show_allowlist(harbor, project):
    row = harbor.table("allowlist").find(project_id=project["id"])
    shown = {"creation_time": UNSET_TIME, "id": row["id"],
             "items": allowlists.show_items(row),
             "project_id": project["id"], "update_time": UNSET_TIME}
    if row["expires_at"] is not None:
        shown["expires_at"] = row["expires_at"]
    return dict(sorted(shown.items()))


def current_roles(request, project, as_admin=True):
    if not request.caller.is_user:
        return []
    roles = rights.roles_in(request.harbor, request.caller.row, project)
    if request.caller.is_admin and as_admin and not roles:
        return [1]
    return roles


def show_project(request, project, detail=True, as_admin=True):
    """`detail` False is what a list shows when it is not to look further."""
    harbor = request.harbor
    shown = {"creation_time": format_time(project["creation_ms"]),
             "name": project["name"], "owner_id": project["owner_id"],
             "project_id": project["id"],
             "repo_count": count_repositories(harbor, project),
             "update_time": format_time(project["update_ms"])}
    roles = current_roles(request, project, as_admin)
    shown["current_user_role_ids"] = roles or None
    if roles:
        shown["current_user_role_id"] = roles[0]
    if project["registry_id"]:
        shown["registry_id"] = project["registry_id"]
    if detail:
        owner = harbor.table("user").get(project["owner_id"])
        shown.update(metadata=show(project["metadata"]),
                     cve_allowlist=show_allowlist(harbor, project))
        if owner:
            shown["owner_name"] = owner["username"]
    else:
        shown["cve_allowlist"] = {"creation_time": UNSET_TIME, "items": None,
                                  "update_time": UNSET_TIME}
    return dict(sorted(shown.items()))


# Lists.

def is_visible(request, project):
    caller = request.caller
    if caller.is_admin or rights.is_public(project):
        return True
    if caller.is_user:
        return bool(rights.roles_in(request.harbor, caller.row, project))
    if caller.is_robot:
        return rights.can_system(request, "list", "project") or any(
            namespace in ("*", project["name"]) for namespace, _ in
            rights.robot_accesses(request.harbor, caller.row, "project"))
    return False


def visible_projects(request):
    return [project for project in request.harbor.table("project")
            if is_visible(request, project)]


@route("GET", API + "projects")
def list_projects(request):
    page_of(request)
    public = boolean(request, "public")
    name = request.query.get("name", "")
    owner = request.query.get("owner", "")
    detail = boolean(request, "with_detail") is not False
    rows = visible_projects(request)
    if public is not None:
        rows = [row for row in rows if rights.is_public(row) == public]
    if name:
        rows = [row for row in rows if like(name, row["name"])]
    if owner:
        user = request.harbor.table("user").find(username=owner)
        rows = [row for row in rows if user and row["owner_id"] == user["id"]]
    return paged(request, rows,
                 lambda row: show_project(request, row, detail),
                 COLUMNS, "name")


@route("HEAD", API + "projects")
def head_project(request):
    require_known(request)
    name = request.query.get("project_name")
    if name is None:
        raise invalid("project_name in query is required")
    if request.harbor.table("project").find(name=name) is None:
        raise Refusal(404, f"project {name} not found")
    return Response(200)


# Making one.

def check_creator(request):
    """The id of who will own it, if the caller may make one."""
    require_known(request)
    caller, harbor = request.caller, request.harbor
    if harbor.config["project_creation_restriction"] == "adminonly" and (
            not rights.can_system(request, "create", "project")):
        raise Refusal(403, "Only system admin can create project")
    if not caller.is_robot:
        return caller.row["id"]
    if caller.row["project_id"] != 0:
        raise Refusal(403, "Only system level robot can create project")
    return min(row["id"] for row in harbor.table("user")
               if row["sysadmin"] and not row["deleted"])


def check_limit(value):
    """Refuses what no storage limit can be."""
    if value <= 0 and value != -1:
        raise Refusal(400, "invalid non-positive value for quota limit, "
                           f"value={value}")
    if value > LARGEST_LIMIT:
        raise Refusal(400, f"exceeded 1024TB, which is {LARGEST_LIMIT} "
                           f"Bytes, value={value}")


def new_limit(request, content):
    """The quota of a new project, None while there are none.  Only who may
    make projects by a right of the system is asked for one."""
    harbor = request.harbor
    if not harbor.config["quota_per_project_enable"]:
        return None
    value = harbor.config["storage_per_project"]
    if rights.can_system(request, "create", "project"):
        value = content.get("storage_limit") or value
    try:
        check_limit(value)
    except Refusal as refusal:
        raise Refusal(400, f"bad request: {refusal.message}") from None
    return {"storage": value}


def check_name(name):
    if not name or len(name) > 255:
        raise Refusal(400, f"Project name {name} is illegal in length. "
                           "(greater than 255 or less than 1)")
    if not NAME.match(name):
        raise Refusal(400, "project name is not in lower case or contains "
                           "illegal characters")


def check_registry(request, content):
    """Refuses an upstream that is not there."""
    number = content.get("registry_id")
    if number is None:
        return None
    if number <= 0:
        raise Refusal(400, f"bad request: {number} is invalid value of "
                           "registry_id, it should be geater than 0")
    row = request.harbor.table("registry").get(number)
    if row is None:
        raise Refusal(500)
    if row["type"] not in PROXIED:
        raise Refusal(400, "bad request: unsupported registry type "
                           f"{row['type']}")
    return number


@route("POST", API + "projects", body=PROJECT, body_name="project")
def create_project(request):
    content, harbor = request.content, request.harbor
    name = content.get("project_name", "")
    if len(name) > 255:
        raise invalid("validation failure list:\nproject_name in body should "
                      "be at most 255 chars long")
    owner_id = check_creator(request)
    if "registry_id" in content and not rights.can_system(
            request, "create", "project"):
        raise Refusal(403, "Only system admin can create proxy cache project")
    hard = new_limit(request, content)
    registry_id = check_registry(request, content)
    metadata = check_new(harbor, content, registry_id)
    check_name(name)
    try:
        row = insert_project(harbor, name, owner_id, metadata, registry_id,
                             hard)
    except Clash:
        raise Refusal(409, f"The project named {name} already exists"
                      ) from None
    place = row["id"]
    if rights.is_true(request.headers.get("x-resource-name-in-location")):
        place = name
    return Response(201, headers={"Location": f"{request.path}/{place}"})


# One of them.

PLACE = API + "projects/{project}"


@route("GET", PLACE)
def get_project(request):
    project = rights.require_project(request, request.params["project"],
                                     "read", rights.OWN)
    return Response(200, show_project(request, project))


def replace_allowlist(harbor, project, content):
    given = content.get("project_id", 0)
    if given not in (0, project["id"]):
        raise Refusal(400, "project_id in cve_allowlist must be "
                           f"{project['id']} but it's {given}")
    allowlists.set_list(harbor, project["id"], content)


def prepare_update(request):
    """(project, the metadata that is to be merged)"""
    harbor = request.harbor
    project = rights.require_project(request, request.params["project"],
                                     "update", rights.OWN)
    given = request.content.get("metadata", {})
    if given.get("retention_id") and (
            given["retention_id"] != project["metadata"].get("retention_id")):
        raise Refusal(400, "bad request: the retention_id in the request's "
                           "payload when updating a project should be "
                           "omitted, alternatively passing the one that has "
                           "already been associated to this project")
    known = known_keys(harbor, project["registry_id"])
    return project, {key: value for key, value in given.items()
                     if key in known}


@route("PUT", PLACE, body=PROJECT, body_name="project", lock=False)
def update_project(request):
    """Of two at once that set the same key for the first time, one fails."""
    harbor, content = request.harbor, request.content
    with harbor.lock:
        project, changes = prepare_update(request)
        new = [key for key in sorted(changes)
               if key not in project["metadata"]]
    with harbor.row_locks.hold([(project["id"], key) for key in new]), (
            harbor.lock):
        if any(key in project["metadata"] for key in new):
            raise Refusal(500)
        if "cve_allowlist" in content:
            replace_allowlist(harbor, project, content["cve_allowlist"])
        merge(harbor, project, changes)
    return Response(200)


def refuse_reason(harbor, project):
    """Why it cannot be deleted, None if it can."""
    if count_repositories(harbor, project):
        return "the project contains repositories, can not be deleted"
    return None


@route("DELETE", PLACE)
def delete_project(request):
    harbor = request.harbor
    project = rights.require_project(request, request.params["project"],
                                     "delete", rights.OWN)
    reason = refuse_reason(harbor, project)
    if reason:
        raise Refusal(412, f"precondition failed: {reason}")
    for function in DELETED:
        function(harbor, project)
    lists = harbor.table("allowlist")
    lists.delete(lists.find(project_id=project["id"]))
    harbor.table("project").delete(project)
    return Response(200)


@route("GET", PLACE + "/_deletable")
def is_deletable(request):
    project = rights.require_project(request, request.params["project"],
                                     "delete", rights.OWN)
    reason = refuse_reason(request.harbor, project)
    return Response(200, {"message": reason} if reason else
                    {"deletable": True})


@route("GET", PLACE + "/summary")
def summarize_project(request):
    harbor = request.harbor
    project = rights.require_project(request, request.params["project"],
                                     "read", rights.OWN)
    shown = {"repo_count": count_repositories(harbor, project)}
    for function in SUMMED_UP:
        shown.update(function(harbor, project))
    return Response(200, dict(sorted(shown.items())))
