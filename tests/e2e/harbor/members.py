# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who belongs to a project, and in which role: /projects/{p}/members.

    row  id, project_id, entity_id, entity_type (u or g), role

A row whose role is none is not shown, but counted; a new one takes its place.
"""
from . import projects, rights, usergroups
from .models import Model
from .paging import page_of, paged
from .roles import NAMES
from .routes import API, route
from .state import installs
from .wire import Refusal, Response

USER = Model("UserEntity", user_id=int, username=str)
MEMBER = Model("ProjectMember", role_id=int, member_user=USER,
               member_group=usergroups.GROUP)
ROLE = Model("RoleRequest", role_id=int)
PLACE = API + "projects/{project}/members"
EXISTS = "The project member specified already exist"
COUNTED = {1: "project_admin_count", 2: "developer_count", 3: "guest_count",
           4: "maintainer_count", 5: "limited_guest_count"}


@installs(0)
def make_tables(harbor):
    harbor.make_table("member", unique=[
        ("project_id", "entity_id", "entity_type")])


@projects.made
def make_owner(harbor, project):
    harbor.table("member").insert(
        project_id=project["id"], entity_id=project["owner_id"],
        entity_type="u", role=1)


@projects.deleted
def delete_members(harbor, project):
    for row in harbor.table("member").select(project_id=project["id"]):
        harbor.table("member").delete(row)


@projects.summed_up
def sum_up(harbor, project):
    shown = {}
    for row in harbor.table("member").select(project_id=project["id"]):
        if row["role"] in COUNTED:
            key = COUNTED[row["role"]]
            shown[key] = shown.get(key, 0) + 1
    return shown


def entity_name(harbor, row):
    if row["entity_type"] == "u":
        return harbor.table("user").get(row["entity_id"])["username"]
    return harbor.table("usergroup").get(row["entity_id"])["name"]


def show_member(harbor, row):
    return {"entity_id": row["entity_id"],
            "entity_name": entity_name(harbor, row),
            "entity_type": row["entity_type"], "id": row["id"],
            "project_id": row["project_id"], "role_id": row["role"],
            "role_name": NAMES[row["role"]]}


def the_project(request, action):
    return rights.require_project(request, request.params["project"], action,
                                  "member")


@route("GET", PLACE)
def list_members(request):
    page_of(request)
    harbor = request.harbor
    project = the_project(request, "list")
    every = harbor.table("member").select(project_id=project["id"])
    rows = [row for row in every if row["role"] in NAMES]
    wanted = request.query.get("entityname", "")
    if wanted:
        rows = [row for row in rows if entity_name(harbor, row) == wanted]
    rows.sort(key=lambda row: entity_name(harbor, row))
    return paged(request, rows, lambda row: show_member(harbor, row),
                 total=len(every), searches=False)


def find_user(harbor, content):
    """The id of the user that a body means."""
    users = harbor.table("user")
    number, name = content.get("user_id", 0), content.get("username", "")
    if number > 0:
        row = users.get(number)
        if row is None or row["deleted"]:
            raise Refusal(400, f"Failed to get user {number}: user {number} "
                               "not found")
        return row["id"]
    row = users.find(username=name)
    if row is None or row["deleted"]:
        raise Refusal(404, f"user {name} is not found")
    return row["id"]


def find_group(harbor, content):
    """The id of the group; one of the login's own kind that is not known
    yet is made."""
    number = content.get("id", 0)
    name = content.get("group_name", "")
    kind = content.get("group_type", 0)
    dn = content.get("ldap_group_dn", "").strip().lower()
    if number > 0:
        if harbor.table("usergroup").get(number) is None:
            raise Refusal(400, f"Group {number} not found")
        return number
    if not name and not dn:
        raise Refusal(500)
    row = usergroups.find_same(harbor, name, kind, dn)
    if row is not None:
        return row["id"]
    if harbor.config["auth_mode"] in ("oidc_auth", "http_auth") and name:
        return usergroups.store(harbor, name, kind, dn)["id"]
    if kind == usergroups.LDAP and usergroups.is_in_directory(harbor, dn):
        taken = harbor.table("usergroup").find(name=name)
        return usergroups.store(harbor, dn if taken or not name else name,
                                kind, dn)["id"]
    raise Refusal(404, f"{name or dn} not found: not supported")


def find_entity(harbor, content):
    """(entity_type, entity_id)"""
    if "member_user" in content:
        return "u", find_user(harbor, content["member_user"])
    if "member_group" in content:
        return "g", find_group(harbor, content["member_group"])
    raise Refusal(500)


@route("POST", PLACE, body=MEMBER, body_name="projectMember")
def add_member(request):
    harbor, content = request.harbor, request.content
    project = the_project(request, "create")
    kind, number = find_entity(harbor, content)
    table = harbor.table("member")
    row = table.find(project_id=project["id"], entity_id=number,
                     entity_type=kind)
    if row is not None and row["role"] in NAMES:
        raise Refusal(409, EXISTS)
    role = content.get("role_id", 0)
    if role not in NAMES:
        raise Refusal(400, "Failed to update project member, role is not in "
                           "1,2,3")
    if row is not None:
        table.delete(row)
    row = table.insert(project_id=project["id"], entity_id=number,
                       entity_type=kind, role=role)
    return Response(201, headers={"Location": f"{request.path}/{row['id']}"})


def find_member(request, project):
    row = request.harbor.table("member").get(request.params["id"])
    if row is None or row["project_id"] != project["id"]:
        return None
    return row


@route("GET", PLACE + "/{id:int}")
def get_member(request):
    project = the_project(request, "read")
    row = find_member(request, project)
    if row is None or row["role"] not in NAMES:
        raise Refusal(404, "the project member is not found, project id "
                           f"{project['id']}, member id "
                           f"{request.params['id']}")
    return Response(200, show_member(request.harbor, row))


@route("PUT", PLACE + "/{id:int}", body=ROLE, body_name="role",
       body_needed=False)
def update_member(request):
    project = the_project(request, "update")
    if request.content is None:
        raise Refusal(400, "role can not be empty!")
    if request.params["id"] == 0:
        raise Refusal(400, "member id can not be empty!")
    row = find_member(request, project)
    if row is not None:
        request.harbor.table("member").update(
            row, role=request.content.get("role_id", 0))
    return Response(200)


@route("DELETE", PLACE + "/{id:int}")
def delete_member(request):
    project = the_project(request, "delete")
    row = find_member(request, project)
    if row is not None:
        request.harbor.table("member").delete(row)
    return Response(200)
