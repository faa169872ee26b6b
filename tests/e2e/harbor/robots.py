# SPDX-License-Identifier: LGPL-2.1-or-later
"""Robot accounts: /robots.

    row  id, name (as stored: SHORT, or PROJECT+SHORT), project_id (0 for the
         system level), description, secret (None for one of Harbor 1.x),
         disable, duration, expires_at, permissions, creator_type,
         creator_ref, creation_ms, update_ms

Permissions come in another order each time.  Storing them takes row locks in
the order in which they are listed; see rowlocks.py.
"""
import random
import re
import secrets
import string

from . import catalogue, projects, rights
from .login import full_name, require_known
from .models import Model
from .paging import Column, page_of, paged, read_q
from .routes import API, route
from .rowlocks import Deadlock
from .state import format_time, installs
from .tables import Clash
from .wire import Refusal, Response

ACCESS = Model("Access", resource=str, action=str, effect=str)
PERMISSION = Model("RobotPermission", kind=str, namespace=str,
                   access=[ACCESS])
CREATE = Model("RobotCreate", name=str, description=str, secret=str,
               level=str, disable=bool, duration=int,
               permissions=[PERMISSION])
ROBOT = Model("Robot", id=int, name=str, description=str, secret=str,
              level=str, duration=int, editable=bool, disable=bool,
              expires_at=int, permissions=[PERMISSION])
SECRET = Model("RobotSec", secret=str)
PLACE = API + "robots/{robot_id:int}"
NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*$")
WEAK = ("the secret must be 8-128, inclusively, characters long with at "
        "least 1 uppercase letter, 1 lowercase letter and 1 number")
DAY_S = 86400
COLUMNS = {"id": Column(int, "id"), "name": Column(str, "name"),
           "project_id": Column(int, "project_id"),
           "description": Column(str, "description"),
           "disabled": Column(bool, "disable"),
           "duration": Column(int, "duration"),
           "expires_at": Column(int, "expires_at"),
           "expiresat": Column(int, "expires_at"),
           "creation_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms")}
COLUMNS.update(Name=COLUMNS["name"], ID=COLUMNS["id"])


@installs(0)
def make_tables(harbor):
    harbor.make_table("robot", unique=[("name",)])


@projects.deleted
def forget_project(harbor, project):
    """Its robots go with it; others lose what they may in it."""
    table = harbor.table("robot")
    for row in table.select(project_id=project["id"]):
        table.delete(row)
    for row in table:
        kept = [entry for entry in row["permissions"]
                if entry["kind"] != "project" or
                entry["namespace"] != project["name"]]
        if len(kept) < len(row["permissions"]):
            harbor.journal.note(row.__setitem__, "permissions",
                                row["permissions"])
            row["permissions"] = kept


# Showing.

def level_of(row):
    return "project" if row["project_id"] else "system"


def shuffled(values):
    return random.sample(values, len(values))


def show_access(access):
    shown = {"action": access["action"], "resource": access["resource"]}
    if access["effect"]:
        shown["effect"] = access["effect"]
    return shown


def shown_name(harbor, row):
    """One that Harbor 1.x left has no prefix until it gets a secret."""
    return full_name(harbor, row) if row["secret"] else row["name"]


def show_robot(harbor, row):
    shown = {"creation_time": format_time(row["creation_ms"]),
             "disable": row["disable"], "duration": row["duration"],
             "editable": row["secret"] is not None,
             "expires_at": row["expires_at"], "id": row["id"],
             "level": level_of(row), "name": shown_name(harbor, row),
             "permissions": [
                 {"access": [show_access(one)
                             for one in shuffled(entry["access"])],
                  "kind": entry["kind"], "namespace": entry["namespace"]}
                 for entry in shuffled(row["permissions"])],
             "update_time": format_time(row["update_ms"])}
    if row["description"]:
        shown["description"] = row["description"]
    if harbor.since("2.12"):
        shown["creator_type"] = row["creator_type"]
        shown["creator_ref"] = row["creator_ref"]
    return shown


# Rights.

def require_level(request, level, project, action):
    """`project` is a row of the robot's project, or a name."""
    if level == "system":
        rights.require_system(request, action, "robot")
        return None
    if isinstance(project, dict):
        if not rights.can_project(request, project, action, "robot"):
            raise rights.refuse(request, "forbidden")
        return project
    return rights.require_project(request, project, action, "robot",
                                  by_name=True)


def require_robot(request, action):
    """The row that the path means, if the caller may do that with it."""
    require_known(request)
    row = request.harbor.table("robot").get(request.params["robot_id"])
    if row is None:
        raise Refusal(404, f"robot {request.params['robot_id']} not found")
    project = request.harbor.table("project").get(row["project_id"])
    require_level(request, level_of(row), project, action)
    return row


# Checking and storing.

def check_duration(harbor, duration):
    if -1 <= duration < 2 ** 31 - 1 and (duration or
                                         not harbor.since("2.11")):
        return
    more = ""
    if harbor.since("2.11"):
        more = ", duration must be either -1(Never) or a positive integer"
    raise Refusal(400, f"bad request error duration input: {duration}{more}")


def check_content(harbor, content, duration):
    """What is told before anybody asks who the caller is."""
    check_duration(harbor, duration)
    level = content.get("level", "")
    if level not in ("system", "project"):
        raise Refusal(400, f"bad request error level input: {level}")
    entries = content.get("permissions", ())
    if not entries:
        raise Refusal(400, "bad request empty permission")
    for entry in entries:
        if entry is None and not harbor.since("2.16"):
            raise Refusal(500, empty=True)
        if entry is None:
            raise Refusal(400, "bad request empty permission")
        if not entry.get("access") or (
                None in entry["access"] and harbor.since("2.16")):
            raise Refusal(400, "bad request empty access")
    if level == "project" and len(entries) > 1:
        raise Refusal(400, "bad request permission")


def read_permissions(content):
    """Entries of the same scope are one; an access counts once."""
    scopes = {}
    for entry in content["permissions"]:
        key = entry.get("kind", ""), entry.get("namespace", "")
        for access in entry["access"]:
            if access is None:
                raise Refusal(500, empty=True)
            one = {name: access.get(name, "")
                   for name in ("resource", "action", "effect")}
            if one not in scopes.setdefault(key, []):
                scopes[key].append(one)
    return [{"kind": kind, "namespace": namespace, "access": accesses}
            for (kind, namespace), accesses in scopes.items()]


def check_scopes(harbor, permissions):
    for entry in permissions:
        if entry["kind"] not in ("system", "project"):
            raise Refusal(400, "unknown robot kind")
        namespace = entry["namespace"]
        if entry["kind"] == "system" and namespace != "/":
            raise Refusal(400, "unknown namespace")
        if entry["kind"] == "project" and namespace != "*" and (
                harbor.table("project").find(name=namespace) is None):
            raise Refusal(404, f"project {namespace} not found")


def policy_rows(permissions):
    """The database rows that storing these touches, in that order."""
    return [(entry["kind"], entry["namespace"], access["resource"],
             access["action"], access["effect"])
            for entry in permissions for access in entry["access"]]


def end_of(harbor, duration, creation_ms):
    """(duration, expires_at) of a term that is counted from creation."""
    if duration == 0:
        duration = harbor.config["robot_token_duration"]
    if duration == -1:
        return -1, -1
    return duration, creation_ms // 1000 + duration * DAY_S


def new_secret():
    letters = string.ascii_letters + string.digits
    while True:
        text = "".join(secrets.choice(letters) for _ in range(32))
        if is_strong(text):
            return text


def is_strong(text):
    return 8 <= len(text) <= 128 and all(
        re.search(letters, text) for letters in ("[a-z]", "[A-Z]", "[0-9]"))


def is_within(harbor, permissions, own):
    """True if each access is one of a robot's own, to the letter; in a
    project that has none of its own, from 2.12.1 on one for all projects."""
    held = {(entry["kind"], entry["namespace"]): [
        list(access.values()) for access in entry["access"]] for entry in own}
    for entry in permissions:
        found = held.get((entry["kind"], entry["namespace"]))
        if found is None and harbor.since("2.12.1"):
            found = held.get((entry["kind"], "*"))
        if not all(list(access.values()) in (found or ())
                   for access in entry["access"]):
            return False
    return True


def check_creator(request, project):
    """From 2.12 on a robot gives no more than it has.  Until 2.14.0 what it
    has is looked for among the robots of the project of the new one, where a
    robot of the system is not found."""
    caller, harbor = request.caller, request.harbor
    if not caller.is_robot or not harbor.since("2.12"):
        return
    if not harbor.since("2.14.1") and caller.row["project_id"] != (
            project["id"] if project else 0):
        raise Refusal(403, "denied", "DENIED")
    if not is_within(harbor, read_permissions(request.content),
                     caller.row["permissions"]):
        raise Refusal(403, "permission scope is invalid. It must be equal to "
                           "or more restrictive than the creator robot's "
                           f"permissions: {caller.name}", "DENIED")


def prepare(request):
    """(project row or None, name, duration) of a robot that may be made."""
    harbor, content = request.harbor, request.content
    name = content.get("name", "")
    if not NAME.match(name):
        raise Refusal(400, "robot name is not in lower case or contains "
                           "illegal characters")
    duration = content.get("duration", 0)
    check_content(harbor, content, duration)
    if harbor.since("2.10"):
        catalogue.check(harbor, read_permissions(content))
    project = require_level(
        request, content["level"],
        content["permissions"][0].get("namespace", ""), "create")
    if len(name) > 255 or len(content.get("description", "")) > 1024:
        raise Refusal(500)
    return project, name, duration


def refuse_name(project, name):
    number, stored = stored_name(project, name)
    return Refusal(409, f"robot account {number}:{stored} already exists")


def stored_name(project, name):
    """(project id, name) as a row has them."""
    if project is None:
        return 0, name
    return project["id"], f"{project['name']}+{name}"


def insert_robot(request, number, project, name, permissions, duration):
    """The row, with a secret that the server chose."""
    harbor, caller = request.harbor, request.caller
    project_id, stored = stored_name(project, name)
    at = harbor.now_ms()
    duration, expires_at = end_of(harbor, duration, at)
    try:
        return harbor.table("robot").insert(
            id=number, name=stored, project_id=project_id,
            description=request.content.get("description", ""),
            secret=new_secret(), disable=False, duration=duration,
            expires_at=expires_at, permissions=permissions,
            creator_type="robot" if caller.is_robot else "local",
            creator_ref=caller.row["id"], creation_ms=at, update_ms=at)
    except Clash:
        raise refuse_name(project, name) from None


def locked_rows(harbor, permissions):
    return harbor.row_locks.hold(policy_rows(permissions))


@route("POST", API + "robots", body=CREATE, body_name="robot", lock=False)
def create_robot(request):
    """A secret and `disable` in the body are not looked at."""
    harbor = request.harbor
    table = harbor.table("robot")
    with harbor.lock:
        project, name, duration = prepare(request)
        check_creator(request, project)
        number = table.next_id()
        if table.find(name=stored_name(project, name)[1]):
            raise refuse_name(project, name)
        permissions = read_permissions(request.content)
        check_scopes(harbor, permissions)
    try:
        with locked_rows(harbor, permissions), harbor.lock:
            row = insert_robot(request, number, project, name, permissions,
                               duration)
    except Deadlock:
        raise Refusal(500) from None
    shown = {"creation_time": format_time(row["creation_ms"]),
             "expires_at": row["expires_at"], "id": row["id"],
             "name": full_name(harbor, row), "secret": row["secret"]}
    return Response(201, shown, {"Location": f"{request.path}/{row['id']}"})


# Lists.

def listed_level(request, filters):
    """(level, project id or None) that a list is about."""
    level = filters.pop("Level", None)
    number = filters.pop("ProjectID", None)
    if level is None:
        return "system", 0
    level = level.values[0]
    if level not in ("system", "project"):
        raise Refusal(400, "bad request error level input")
    if number is not None:
        number = number.values[0]
    if level == "project":
        if number is None:
            raise Refusal(400, "must with project ID when to query project "
                               "robots")
        if not isinstance(number, int):
            raise Refusal(400, "Project ID must be int type.")
        return level, number
    # Until 2.13 the level, written out, is no filter at all.
    return level, 0 if request.harbor.since("2.13") else number


@route("GET", API + "robots")
def list_robots(request):
    require_known(request)
    harbor = request.harbor
    page_of(request)
    filters = read_q(request)
    level, number = listed_level(request, filters)
    if level == "system":
        rights.require_system(request, "list", "robot")
    elif not request.caller.is_admin:
        project = harbor.table("project").get(number)
        if project is None or not rights.can_project(request, project, "list",
                                                     "robot"):
            raise rights.refuse(request, "forbidden")
    rows = [row for row in harbor.table("robot")
            if number in (None, row["project_id"])]
    return paged(request, rows, lambda row: show_robot(harbor, row), COLUMNS,
                 "name", filters=filters)


# One of them.

@route("GET", PLACE)
def get_robot(request):
    row = require_robot(request, "read")
    return Response(200, show_robot(request.harbor, row))


def prepare_update(request):
    """(row, permissions, changes) of a full replacement."""
    harbor, content = request.harbor, request.content
    row = require_robot(request, "update")
    if row["secret"] is None:
        raise Refusal(403, "editing of legacy robot is not allowed",
                      "DENIED")
    duration = content.get("duration", row["duration"]
                           if harbor.since("2.11") else 0)
    check_content(harbor, content, duration)
    permissions = read_permissions(content)
    catalogue.check(harbor, permissions)
    project = require_level(request, content["level"],
                            permissions[0]["namespace"], "update")
    if (content["level"] != level_of(row) or
            content.get("name", "") != full_name(harbor, row)):
        raise Refusal(400, "cannot update the level or name of robot")
    if project is not None and project["id"] != row["project_id"]:
        raise Refusal(400, "cannot update the project id of robot")
    check_scopes(harbor, permissions)
    if len(content.get("description", "")) > 1024:
        raise Refusal(500)
    changes = {"description": content.get("description", ""),
               "disable": content.get("disable", False)}
    if duration != row["duration"]:
        changes["duration"], changes["expires_at"] = end_of(
            harbor, duration, row["creation_ms"])
    return row, permissions, changes


@route("PUT", PLACE, body=ROBOT, body_name="robot", lock=False)
def update_robot(request):
    harbor = request.harbor
    with harbor.lock:
        row, permissions, changes = prepare_update(request)
    try:
        with locked_rows(harbor, permissions), harbor.lock:
            if harbor.table("robot").get(row["id"]) is None:
                raise Refusal(404, f"robot {row['id']} not found")
            harbor.table("robot").update(
                row, permissions=permissions, update_ms=harbor.now_ms(),
                **changes)
    except Deadlock:
        raise Refusal(500) from None
    return Response(200)


@route("PATCH", PLACE, body=SECRET, body_name="robotSec")
def set_secret(request):
    harbor = request.harbor
    row = require_robot(request, "update")
    given = request.content.get("secret", "")
    if given and not is_strong(given):
        raise Refusal(400, WEAK)
    secret = given or new_secret()
    harbor.table("robot").update(row, secret=secret,
                                 update_ms=harbor.now_ms())
    return Response(200, {} if given else {"secret": secret})


@route("DELETE", PLACE)
def delete_robot(request):
    row = require_robot(request, "delete")
    request.harbor.table("robot").delete(row)
    return Response(200)
