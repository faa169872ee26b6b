# SPDX-License-Identifier: LGPL-2.1-or-later
"""The log of who did what: /audit-logs, from 2.13 on /auditlog-exts.

Up to 2.12 only projects and content are in it.  Later also members, users,
the configuration, and robots when they come and go; but never groups, labels,
policies, registries, nor a robot that is changed.

    record(request, "create", "project", "team", project_id)
"""
from . import members, projects, robots, users
from .login import full_name
from .paging import Column, paged
from .rights import can_project, can_system, find_project, require_project
from .routes import API, route, watches
from .state import format_time, installs
from .wire import Refusal, Response

EVENTS = ("create_artifact", "delete_artifact", "pull_artifact",
          "create_project", "delete_project", "delete_repository",
          "login_user", "logout_user", "create_user", "delete_user",
          "update_user", "create_robot", "delete_robot",
          "update_configuration", "create_member", "delete_member",
          "update_member", "update_project")
COLUMNS = {"id": Column(int, "id"), "operation": Column(str, "operation"),
           "resource": Column(str, "resource"),
           "resource_type": Column(str, "resource_type"),
           "username": Column(str, "username"),
           "op_time": Column("time", "at_ms"),
           "project_id": Column(int, "project_id")}
LATEST = "-op_time"


@installs(0)
def make_tables(harbor):
    harbor.make_table("audit_log")      # up to 2.12
    harbor.make_table("audit_log_ext")  # from 2.13 on


def is_recorded(harbor, operation, kind):
    disabled = harbor.config.get("disabled_audit_log_event_types", "")
    return not harbor.config["skip_audit_log_database"] and (
        f"{operation}_{kind}" not in disabled.replace(" ", "").split(","))


def record(request, *what, **more):
    """By the caller of a request."""
    write(request.harbor, request.caller.name, *what, **more)


def write(harbor, username, operation, kind, resource, project_id=0,
          at_ms=None, description=None):
    """What somebody did, at a time that may be that of something else."""
    if not is_recorded(harbor, operation, kind):
        return
    table = harbor.table("audit_log_ext" if harbor.since("2.13") else
                         "audit_log")
    with harbor.lock:
        table.insert(operation=operation, resource_type=kind,
                     resource=resource, username=username,
                     project_id=project_id, at_ms=at_ms or harbor.now_ms(),
                     description=description or
                     f"{operation} {kind} with name: {resource}")


# What is recorded of projects, and from 2.13 on of others.

@watches("POST", API + "projects")
def note_new_project(request):
    def note(_response):
        row = find_project(request, request.content["project_name"], True)
        record(request, "create", "project", row["name"], row["id"],
               description=f"create project: {row['name']}")
    return note


@watches("DELETE", projects.PLACE)
def note_deleted_project(request):
    row = find_project(request, request.params["project"])
    return lambda _response: record(
        request, "delete", "project", row["name"], row["id"],
        description=f"delete project: {row['name']}")


def later(request):
    return request.harbor.since("2.13")


@watches("PUT", projects.PLACE)
@watches("POST", projects.PLACE + "/metadatas")
@watches("PUT", projects.PLACE + "/metadatas/{key}")
@watches("DELETE", projects.PLACE + "/metadatas/{key}")
def note_changed_project(request):
    row = find_project(request, request.params["project"])
    if not later(request):
        return None
    return lambda _response: record(
        request, "update", "project", row["name"], row["id"],
        description=f"update project: {row['name']}")


def member_name(harbor, row):
    if row["entity_type"] == "u":
        return "user:" + harbor.table("user").get(row["entity_id"])["username"]
    return "group:" + harbor.table("usergroup").get(row["entity_id"])["name"]


@watches("POST", members.PLACE)
def note_new_member(request):
    def note(response):
        number = int(response.headers["Location"].split("/")[-1])
        row = request.harbor.table("member").get(number)
        record(request, "create", "member", member_name(request.harbor, row),
               row["project_id"])
    return note if later(request) else None


@watches("PUT", members.PLACE + "/{id:int}")
@watches("DELETE", members.PLACE + "/{id:int}")
def note_changed_member(request):
    row = request.harbor.table("member").get(request.params["id"])
    if row is None or not later(request):
        return None
    name = member_name(request.harbor, row)
    operation = "delete" if request.method == "DELETE" else "update"
    return lambda _response: record(request, operation, "member", name,
                                    row["project_id"])


@watches("POST", API + "users")
def note_new_user(request):
    if not later(request):
        return None
    return lambda _response: record(request, "create", "user",
                                    request.content["username"])


@watches("PUT", users.PLACE)
@watches("PUT", users.PLACE + "/sysadmin")
@watches("PUT", users.PLACE + "/password")
@watches("DELETE", users.PLACE)
def note_changed_user(request):
    row = request.harbor.table("user").get(request.params["user_id"])
    if row is None or not later(request):
        return None
    name = row["username"]
    operation = "delete" if request.method == "DELETE" else "update"
    return lambda _response: record(request, operation, "user", name)


def note_robot(request, operation, row):
    name = full_name(request.harbor, row)
    record(request, operation, "robot", name, row["project_id"],
           description=f"{operation} robot: {name}")


@watches("POST", API + "robots")
def note_new_robot(request):
    def note(response):
        number = int(response.headers["Location"].split("/")[-1])
        note_robot(request, "create",
                   request.harbor.table("robot").get(number))
    return note if later(request) else None


@watches("DELETE", robots.PLACE)
def note_deleted_robot(request):
    row = request.harbor.table("robot").get(request.params["robot_id"])
    if row is None or not later(request):
        return None
    return lambda _response: note_robot(request, "delete", row)


@watches("PUT", API + "configurations")
def note_configuration(request):
    if not later(request):
        return None
    return lambda _response: record(
        request, "update", "configuration", "configuration",
        description="update configuration")


# Reading it.

def show(row):
    shown = {"id": row["id"], "op_time": format_time(row["at_ms"]),
             "operation": row["operation"], "resource": row["resource"],
             "resource_type": row["resource_type"],
             "username": row["username"]}
    return {name: value for name, value in shown.items() if value}


def show_ext(row):
    return dict(sorted({**show(row), "operation_result": True,
                        "operation_description":
                            row["description"]}.items()))


def visible(request, rows):
    """Who may not see all of it sees that of their projects."""
    if not request.caller.is_known:
        raise Refusal(401, "")
    if can_system(request, "list", "audit-log"):
        return rows
    allowed = {project["id"] for project in request.harbor.table("project")
               if request.caller.is_user and
               can_project(request, project, "list", "log")}
    return [row for row in rows if row["project_id"] in allowed]


def list_log(request, rows, render):
    return paged(request, rows, render, COLUMNS, LATEST)


@route("GET", API + "audit-logs")
def list_logs(request):
    rows = visible(request, request.harbor.table("audit_log"))
    return list_log(request, rows, show)


@route("GET", API + "auditlog-exts", since="2.13")
def list_ext(request):
    rows = visible(request, request.harbor.table("audit_log_ext"))
    return list_log(request, rows, show_ext)


@route("GET", API + "auditlog-exts/events", since="2.13")
def list_event_types(request):
    if not request.caller.is_known:
        raise Refusal(401, "unauthorized")
    if not can_system(request, "list", "audit-log"):
        raise Refusal(403, request.caller.name)
    return Response(200, [{"event_type": name} for name in EVENTS])


def list_of_project(request, table, render):
    project = require_project(request, request.params["project_name"],
                              "list", "log", by_name=True)
    return list_log(request, request.harbor.table(table).select(
        project_id=project["id"]), render)


@route("GET", API + "projects/{project_name}/logs")
def list_project_logs(request):
    return list_of_project(request, "audit_log", show)


@route("GET", API + "projects/{project_name}/auditlog-exts", since="2.13")
def list_project_ext(request):
    return list_of_project(request, "audit_log_ext", show_ext)
