# SPDX-License-Identifier: LGPL-2.1-or-later
"""Local accounts: /users."""
from .login import require_known
from .routes import API, route
from .state import format_time, installs
from .wire import Refusal, Response


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


def show_user(row, **more):
    shown = {"creation_time": format_time(row["creation_ms"]),
             "realname": row["realname"], "user_id": row["id"],
             "sysadmin_flag": row["sysadmin"],
             "update_time": format_time(row["update_ms"]),
             "username": row["username"], **more}
    for key in ("comment", "email"):
        if row[key]:
            shown[key] = row[key]
    return dict(sorted(shown.items()))


@route("GET", API + "users/current")
def current_user(request):
    require_known(request)
    if request.caller.is_robot:
        raise Refusal(412, "get current user not available for security "
                           "context: robot")
    return Response(200, show_user(request.caller.row,
                                   admin_role_in_auth=False))
