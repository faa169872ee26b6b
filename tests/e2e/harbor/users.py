# SPDX-License-Identifier: LGPL-2.1-or-later
"""Local accounts: /users."""
import re

from . import rights
from .login import require_known
from .models import Model
from .paging import Column, page_of, paged
from .robots import is_strong
from .routes import API, invalid, route
from .state import format_time, installs
from .tables import Clash
from .usergroups import best_first
from .wire import Refusal, Response

CREATION = Model("UserCreationReq", username=str, email=str, realname=str,
                 comment=str, password=str)
PROFILE = Model("UserProfile", email=str, realname=str, comment=str)
SYSADMIN = Model("UserSysAdminFlag", sysadmin_flag=bool)
PASSWORD = Model("PasswordReq", old_password=str, new_password=str)
SECRET = Model("OIDCCliSecretReq", secret=str)
PLACE = API + "users/{user_id:int}"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+$")
WEAK = ("the password or secret must be 8-128, inclusively, characters long "
        "with at least 1 uppercase letter, 1 lowercase letter and 1 number")
COLUMNS = {"user_id": Column(int, "id"), "username": Column(str, "username"),
           "email": Column(str, "email"),
           "creation_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms")}


@installs(0)
def make_tables(harbor):
    harbor.make_table("user", unique=[("username",), ("email",)])


@installs(1)
def make_first_users(harbor):
    """admin and anonymous, as an installation makes them."""
    users = harbor.table("user")
    at = harbor.now_ms()
    common = {"deleted": False, "email": None, "creation_ms": at}
    users.insert(username="admin", realname="system admin",
                 comment="admin user", password=harbor.admin_password,
                 sysadmin=True, update_ms=harbor.now_ms(), **common)
    users.insert(username="anonymous", realname="anonymous user",
                 comment="anonymous user", password=None, sysadmin=False,
                 update_ms=harbor.now_ms(), deleted=True,
                 **{key: common[key] for key in ("email", "creation_ms")})


def show_user(row):
    shown = {"admin_role_in_auth": False,
             "creation_time": format_time(row["creation_ms"]),
             "realname": row["realname"], "user_id": row["id"],
             "sysadmin_flag": row["sysadmin"],
             "update_time": format_time(row["update_ms"]),
             "username": row["username"]}
    for key in ("comment", "email"):
        if row[key]:
            shown[key] = row[key]
    return dict(sorted(shown.items()))


def alive(harbor):
    """Local accounts but admin and anonymous."""
    return [row for row in harbor.table("user")
            if row["id"] > 2 and not row["deleted"]]


@route("GET", API + "users/current")
def current_user(request):
    require_known(request)
    if request.caller.is_robot:
        raise Refusal(412, "get current user not available for security "
                           "context: robot")
    return Response(200, show_user(request.caller.row))


@route("GET", API + "users/current/permissions")
def current_permissions(request):
    """What the caller may do in the project of the scope."""
    require_known(request)
    scope = request.query.get("scope", "")
    number = re.match(r"/project/(\d+)$", scope)
    project = number and request.harbor.table("project").get(int(number[1]))
    if not project:
        return Response(200, [])
    if request.caller.is_admin:
        pairs = request.harbor.roles[1]
    else:
        pairs = [pair for role in rights.roles_in(
            request.harbor, request.caller.row, project)
            for pair in request.harbor.roles[role]]
    own = request.query.get("relative") == "true"
    return Response(200, [
        {"action": action, "resource": resource if own else
         scope if resource == "." else f"{scope}/{resource}"}
        for action, resource in dict.fromkeys(pairs)])


@route("GET", API + "users")
def list_users(request):
    rights.require_late(request, "list", "user")
    return paged(request, alive(request.harbor),
                 show_user, COLUMNS, "username")


@route("GET", API + "users/search")
def search_users(request):
    page_of(request)
    word = request.query.get("username")
    if word is None:
        raise invalid("username in query is required")
    require_known(request)
    rows = [row for row in alive(request.harbor)
            if word.lower() in row["username"].lower()]
    return paged(request, rows, lambda row: {"user_id": row["id"],
                                             "username": row["username"]},
                 searches=False, arrange=lambda found: best_first(
                     found, "username", word))


def check_profile(content):
    email = content.get("email", "")
    if not email:
        raise Refusal(400, "email can't be empty")
    if not EMAIL.match(email):
        raise Refusal(400, "email with illegal format")
    for key, least, most in (("realname", 1, 255), ("comment", 0, 30)):
        if not least <= len(content.get(key, "")) <= most:
            raise Refusal(400, f"{key} with illegal length")


def check_mode(harbor):
    mode = harbor.config["auth_mode"]
    if mode != "db_auth":
        raise Refusal(403, "creating local user is not allowed under auth "
                           f"mode: {mode}")


@route("POST", API + "users", body=CREATION, body_name="userReq")
def create_user(request):
    harbor, content = request.harbor, request.content
    check_mode(harbor)
    if not rights.can_late(request, "create", "user"):
        if harbor.config["self_registration"]:
            raise Refusal(403, "self-registration cannot be triggered via "
                               "API")
        raise rights.refuse(request, request.caller.name)
    name = content.get("username", "")
    if not 1 <= len(name) <= 255:
        raise Refusal(400, "username with illegal length")
    check_profile(content)
    if not is_strong(content.get("password", "")):
        raise Refusal(400, WEAK)
    at = harbor.now_ms()
    try:
        row = harbor.table("user").insert(
            username=name, email=content["email"],
            realname=content["realname"], comment=content.get("comment", ""),
            password=content["password"], sysadmin=False, deleted=False,
            creation_ms=at, update_ms=at)
    except Clash:
        raise Refusal(409, f"user {name} or email {content['email']} already "
                           "exists") from None
    return Response(201, headers={"Location": f"{request.path}/{row['id']}"})


def find_user(request):
    number = request.params["user_id"]
    row = request.harbor.table("user").get(number)
    if row is None or row["deleted"]:
        raise Refusal(404, f"user {number} not found")
    return row


def is_self(request):
    caller = request.caller
    return caller.is_user and caller.row["id"] == request.params["user_id"]


def require_self(request, action="update"):
    """Administrators, and everybody for himself."""
    if not is_self(request) and not rights.can_late(request, action, "user"):
        raise rights.refuse(request, request.caller.name)


def require_change(request):
    """Where accounts are somebody else's, nothing but the first
    administrator's can be changed."""
    require_self(request)
    if request.params["user_id"] != 1 and (
            request.harbor.config["auth_mode"] != "db_auth"):
        raise Refusal(403, f"User with ID {request.params['user_id']} can't "
                           "be updated")


@route("GET", PLACE)
def get_user(request):
    require_self(request, "read")
    return Response(200, show_user(find_user(request)))


def change(request, row, **changes):
    harbor = request.harbor
    harbor.table("user").update(row, update_ms=harbor.now_ms(), **changes)
    return Response(200)


@route("PUT", PLACE, body=PROFILE, body_name="profile")
def update_user(request):
    require_change(request)
    row = find_user(request)
    content = request.content
    check_profile(content)
    try:
        return change(request, row, email=content["email"],
                      realname=content["realname"],
                      comment=content.get("comment", ""))
    except Clash:
        raise Refusal(409, f"email {content['email']} already exists"
                      ) from None


@route("PUT", PLACE + "/sysadmin", body=SYSADMIN, body_name="sysadminFlag")
def set_sysadmin(request):
    rights.require_late(request, "update", "user")
    return change(request, find_user(request), sysadmin=request.content.get(
        "sysadmin_flag", False))


@route("PUT", PLACE + "/password", body=PASSWORD, body_name="password")
def set_password(request):
    require_change(request)
    row = find_user(request)
    new = request.content.get("new_password", "")
    old = request.content.get("old_password")
    if is_self(request) and old != row["password"]:
        raise Refusal(403, "Current password is incorrect")
    if not is_strong(new):
        raise Refusal(400, WEAK)
    if new == row["password"]:
        raise Refusal(400, "New password is identical to old password")
    return change(request, row, password=new)


@route("PUT", PLACE + "/cli_secret", body=SECRET, body_name="secret")
def set_cli_secret(request):
    require_self(request)
    mode = request.harbor.config["auth_mode"]
    raise Refusal(412, "unable to update CLI secret under authmode: "
                       f"{mode}")


@route("DELETE", PLACE)
def delete_user(request):
    """The row stays under another name, so that its own is free."""
    rights.require_late(request, "delete", "user")
    number = request.params["user_id"]
    if number == 1 or is_self(request):
        raise Refusal(403, f"User with ID {number} cannot be deleted")
    row = find_user(request)
    harbor = request.harbor
    for member in harbor.table("member").select(entity_id=number,
                                                entity_type="u"):
        harbor.table("member").delete(member)
    return change(request, row, deleted=True,
                  username=f"{row['username']}#{number}",
                  email=f"{row['email']}#{number}")
