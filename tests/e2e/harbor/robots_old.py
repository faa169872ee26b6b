# SPDX-License-Identifier: LGPL-2.1-or-later
"""The older way to the robots of a project, gone in 2.13."""
import re

from . import rights, robots
from .login import full_name
from .models import Model
from .paging import page_of, paged
from .routes import API, route
from .state import format_time
from .wire import Refusal, Response

CREATE = Model("RobotCreateV1", name=str, description=str, expires_at=int,
               access=[robots.ACCESS])
PLACE = API + "projects/{project}/robots"


def the_project(request, action):
    return rights.require_project(request, request.params["project"], action,
                                  "robot")


def find_robot(request, project):
    row = request.harbor.table("robot").get(request.params["robot_id"])
    if row is None or row["project_id"] != project["id"]:
        raise Refusal(404, "resource not found: cannot find robot with "
                           f"project id: {project['id']} and id: "
                           f"{request.params['robot_id']}")
    return row


@route("GET", PLACE, until="2.13")
def list_robots(request):
    page_of(request)
    harbor = request.harbor
    project = the_project(request, "list")
    rows = harbor.table("robot").select(project_id=project["id"])
    return paged(request, rows, lambda row: robots.show_robot(harbor, row),
                 robots.COLUMNS, "name")


@route("POST", PLACE, body=CREATE, body_name="robot", until="2.13")
def create_robot(request):
    harbor, content = request.harbor, request.content
    project = the_project(request, "create")
    name = content.get("name", "")
    if not robots.NAME.match(name):
        raise Refusal(400, "robot name is not in lower case or contains "
                           "illegal characters")
    accesses = [{"resource": re.sub(r"^/project/\d+/", "",
                                    access.get("resource", "")),
                 "action": access.get("action", ""),
                 "effect": access.get("effect", "")}
                for access in content.get("access", ())]
    if not accesses:
        raise Refusal(400, "bad request empty access")
    permissions = [{"kind": "project", "namespace": project["name"],
                    "access": accesses}]
    number = harbor.table("robot").next_id()
    row = robots.insert_robot(request, number, project, name, permissions, 0)
    shown = {"creation_time": format_time(row["creation_ms"]),
             "id": row["id"], "name": full_name(harbor, row),
             "secret": row["secret"]}
    return Response(201, shown, {"Location": f"{request.path}/{row['id']}"})


@route("GET", PLACE + "/{robot_id:int}", until="2.13")
def get_robot(request):
    row = find_robot(request, the_project(request, "read"))
    return Response(200, robots.show_robot(request.harbor, row))


@route("PUT", PLACE + "/{robot_id:int}", body=robots.ROBOT,
       body_name="robot", until="2.13")
def disable_robot(request):
    row = find_robot(request, the_project(request, "update"))
    harbor = request.harbor
    harbor.table("robot").update(
        row, disable=request.content.get("disable", False),
        update_ms=harbor.now_ms())
    return Response(200)


@route("DELETE", PLACE + "/{robot_id:int}", until="2.13")
def delete_robot(request):
    row = find_robot(request, the_project(request, "delete"))
    request.harbor.table("robot").delete(row)
    return Response(200)
