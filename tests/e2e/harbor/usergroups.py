# SPDX-License-Identifier: LGPL-2.1-or-later
"""Groups of people: /usergroups.  Listed in the order of storage.

    row  id, name, type (1 LDAP, 2 HTTP, 3 OIDC), dn

A group of LDAP has to be in the directory: `harbor.directory`, a set of DNs
in lower case, which is asked in ldap_auth only.
"""
from . import rights
from .login import require_known
from .models import Model
from .paging import like, page_of, paged
from .routes import API, MEDIA, invalid, route
from .state import installs
from .tables import Clash
from .wire import Refusal, Response

LDAP, HTTP = 1, 2
GROUP = Model("UserGroup", id=int, group_name=str, group_type=int,
              ldap_group_dn=str)
PLACE = API + "usergroups/{id:int}"
ONLY_TYPE = {"ldap_auth": LDAP, "http_auth": HTTP}


@installs(0)
def make_tables(harbor):
    harbor.make_table("usergroup", unique=[("name",)])
    harbor.directory = set()


def show_group(row, number=True, with_dn=True):
    shown = {"group_name": row["name"]}
    if row["type"]:
        shown["group_type"] = row["type"]
    if number:
        shown["id"] = row["id"]
    if row["dn"] and with_dn:
        shown["ldap_group_dn"] = row["dn"]
    return shown


def listed(harbor):
    """The groups of the kind that people log in with; all, where they are
    told by no directory."""
    only = ONLY_TYPE.get(harbor.config["auth_mode"])
    return [row for row in harbor.table("usergroup")
            if only in (None, row["type"])]


@route("GET", API + "usergroups")
def list_groups(request):
    rights.require_system(request, "list", "user-group")
    page_of(request)
    rows = listed(request.harbor)
    name = request.query.get("group_name", "")
    dn = request.query.get("ldap_group_dn", "")
    if name:
        rows = [row for row in rows if like(name, row["name"])]
    if dn:
        rows = [row for row in rows if row["dn"] == dn]
    return paged(request, rows, show_group, searches=False)


def best_first(rows, key, word):
    """As a search shows what it found: the same, then the shorter."""
    return sorted(rows, key=lambda row: (row[key] != word, len(row[key]),
                                         row[key]))


@route("GET", API + "usergroups/search")
def search_groups(request):
    page_of(request)
    word = request.query.get("groupname")
    if word is None:
        raise invalid("groupname in query is required")
    require_known(request)
    rows = [row for row in request.harbor.table("usergroup")
            if like(word, row["name"])]
    return paged(request, rows, lambda row: show_group(row, with_dn=False),
                 searches=False, arrange=lambda found: best_first(
                     found, "name", word))


def store(harbor, name, kind, dn):
    """The row of a new group; a name that is there in any type, or one that
    the database cannot hold, is an error of the server."""
    if "\0" in name:
        raise Refusal(500)
    if len(name) > 255:
        harbor.table("usergroup").next_id()
        raise Refusal(500)
    try:
        return harbor.table("usergroup").insert(name=name, type=kind, dn=dn)
    except Clash:
        raise Refusal(500) from None


def find_same(harbor, name, kind, dn):
    if kind == LDAP:
        return next((row for row in harbor.table("usergroup")
                     if row["type"] == LDAP and row["dn"] == dn), None)
    row = harbor.table("usergroup").find(name=name)
    return row if row and row["type"] == kind else None


def is_in_directory(harbor, dn):
    """With OIDC nobody asks; other modes have no directory."""
    mode = harbor.config["auth_mode"]
    return mode == "oidc_auth" or (mode == "ldap_auth" and
                                   dn in harbor.directory)


@route("POST", API + "usergroups", body=GROUP, body_name="usergroup")
def create_group(request):
    rights.require_system(request, "create", "user-group")
    harbor, content = request.harbor, request.content
    name = content.get("group_name", "")
    kind = content.get("group_type", 0)
    dn = content.get("ldap_group_dn", "").strip().lower()
    if not name:
        return Response(400, b"", content_type=MEDIA)
    if kind == LDAP and not is_in_directory(harbor, dn):
        raise Refusal(400, f"LDAP Group DN is not found: DN:{dn}")
    row = harbor.table("usergroup").find(name=name)
    if row and row["type"] == kind:
        raise Refusal(409, f"duplicate user group, group name:{name}, group "
                           f"type: {kind}, ldap group DN: {dn}")
    row = store(harbor, name, kind, dn)
    return Response(201, headers={"Location": f"{request.path}/{row['id']}"})


def check_id(request):
    if request.params["id"] <= 0:
        raise Refusal(400, "the group id should be provided")


def find_group(request):
    number = request.params["id"]
    row = request.harbor.table("usergroup").get(number)
    if row is None:
        raise Refusal(404, f"the user group with id {number} is not found")
    return row


@route("GET", PLACE)
def get_group(request):
    rights.require_system(request, "read", "user-group")
    check_id(request)
    return Response(200, show_group(find_group(request), False))


@route("PUT", PLACE, body=GROUP, body_name="usergroup")
def rename_group(request):
    rights.require_system(request, "update", "user-group")
    name = request.content.get("group_name", "")
    check_id(request)
    if not name:
        return Response(400, b"", content_type=MEDIA)
    row = find_group(request)
    if len(name) > 255 or "\0" in name:
        raise Refusal(500)
    try:
        request.harbor.table("usergroup").update(row, name=name)
    except Clash:
        raise Refusal(500) from None
    return Response(200)


@route("DELETE", PLACE)
def delete_group(request):
    rights.require_system(request, "delete", "user-group")
    check_id(request)
    harbor = request.harbor
    row = harbor.table("usergroup").get(request.params["id"])
    if row is not None:
        for member in harbor.table("member").select(
                entity_id=row["id"], entity_type="g"):
            harbor.table("member").delete(member)
        harbor.table("usergroup").delete(row)
    return Response(200)
