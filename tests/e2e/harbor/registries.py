# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registry endpoints: /registries, /replication/adapters.

Whoever makes or changes one is refused unless it is well just then.  What
that asks of another Harbor is asked without the lock: it may be this one.
"""
import ssl

from . import addresses, remotes
from .models import Model
from .paging import Column, paged
from .projects import summed_up
from .rights import require_system
from .routes import API, route
from .state import format_time, installs
from .tables import Clash
from .wire import Refusal, Response

LONGEST_NAME = 64
CREDENTIAL = Model("RegistryCredential", type=str, access_key=str,
                   access_secret=str)
REGISTRY = Model("Registry", id=int, url=str, name=str, credential=CREDENTIAL,
                 type=str, insecure=bool, description=str, status=str,
                 creation_time=str, update_time=str, ca_certificate=str)
UPDATE = Model("RegistryUpdate", name=str, description=str, url=str,
               credential_type=str, access_key=str, access_secret=str,
               insecure=bool, ca_certificate=str)
PING = Model("RegistryPing", id=int, type=str, url=str, credential_type=str,
             access_key=str, access_secret=str, insecure=bool,
             ca_certificate=str)
PATH = API + "registries"
COLUMNS = {"id": Column(int, "id"), "name": Column(str, "name"),
           "type": Column(str, "type"), "url": Column(str, "url"),
           "description": Column(str, "description"),
           "creation_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms")}


@installs(0)
def make_tables(harbor):
    harbor.make_table("registry", unique=[("name",)])
    # From 2.14 on the installation names those that it allows: none.
    harbor.replication_adapters = (
        [] if harbor.since("2.14") else list(remotes.ADAPTERS))


def local(harbor):
    """The registry that this Harbor is itself."""
    return {"id": 0, "name": "Local", "url": harbor.external_url,
            "type": remotes.HARBOR, "description": "", "insecure": True,
            "status": "healthy", "credential_type": "secret",
            "access_key": "", "access_secret": "known to the installation",
            "ca_certificate": "", "creation_ms": None, "update_ms": None}


def find(harbor, number):
    """The columns of a registry, to be changed freely; 404 without one."""
    if number == 0:
        return local(harbor)
    row = harbor.table("registry").get(number)
    if row is None:
        raise Refusal(404, f"registry {number} not found")
    return dict(row)


def show(harbor, row):
    credential = {"type": row["credential_type"],
                  "access_key": row["access_key"],
                  "access_secret": "*****" if row["access_secret"] else ""}
    shown = {name: row[name] for name in (
        "description", "insecure", "name", "status", "type", "url")}
    if harbor.since("2.15"):
        shown["ca_certificate"] = row["ca_certificate"]
    shown = {name: value for name, value in shown.items() if value}
    shown.update(
        creation_time=format_time(row["creation_ms"]), id=row["id"],
        update_time=format_time(row["update_ms"]),
        credential={name: value for name, value in credential.items()
                    if value})
    return dict(sorted(shown.items()))


@summed_up
def sum_up(harbor, project):
    """A summary of a proxy cache shows what is behind it."""
    row = harbor.table("registry").get(project["registry_id"])
    if row is None:
        return {}
    shown = show(harbor, row)
    del shown["credential"]
    return {"registry": shown}


def check_certificate(harbor, columns, wanted):
    if "ca_certificate" not in wanted or not harbor.since("2.15"):
        return
    text = wanted["ca_certificate"]
    try:
        if text.strip():
            ssl.PEM_cert_to_DER_cert(text.strip())
    except ValueError:
        raise Refusal(400, "invalid CA certificate: no valid certificates "
                           "found in PEM data") from None
    columns["ca_certificate"] = text


def check(harbor, columns):
    """Refuses what cannot be kept; the address becomes as it is kept."""
    if not columns["name"]:
        raise Refusal(400, "name cannot be empty")
    if len(columns["name"].encode()) > LONGEST_NAME:
        raise Refusal(400, "the max length of name is 64")
    columns["url"] = addresses.normalized(columns["url"])
    check_health(harbor, columns)
    columns["status"] = "healthy"
    if not columns["access_key"]:
        columns.update(credential_type="", access_secret="")
    elif not columns["credential_type"]:
        columns["credential_type"] = "basic"


def check_health(harbor, columns):
    if not remotes.is_healthy(harbor, columns):
        raise Refusal(400, "the registry is unhealthy")


def store(change, *arguments, **columns):
    try:
        return change(*arguments, **columns)
    except Clash:
        raise Refusal(409, f"registry {columns['name']} already "
                           "exists") from None


@route("GET", API + "replication/adapters")
def list_adapters(request):
    require_system(request, "list", "replication-adapter")
    return Response(200, sorted(request.harbor.replication_adapters))


@route("GET", PATH)
def list_registries(request):
    require_system(request, "list", "registry")
    harbor = request.harbor
    rows = [row for row in harbor.table("registry")
            if request.query.get("name", "") in row["name"]]
    return paged(request, rows, lambda row: show(harbor, row), COLUMNS)


@route("POST", PATH, body=REGISTRY, body_name="registry", lock=False)
def create(request):
    require_system(request, "create", "registry")
    harbor = request.harbor
    wanted = request.content
    credential = wanted.get("credential", {})
    columns = {name: wanted.get(name, "")
               for name in ("name", "description", "type", "url")}
    columns.update(insecure=wanted.get("insecure", False), ca_certificate="",
                   credential_type=credential.get("type", ""),
                   access_key=credential.get("access_key", ""),
                   access_secret=credential.get("access_secret", ""))
    check_certificate(harbor, columns, wanted)
    check(harbor, columns)
    with harbor.lock:
        at = harbor.now_ms()
        row = store(harbor.table("registry").insert, creation_ms=at,
                    update_ms=at, **columns)
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{row['id']}"})


@route("GET", PATH + "/{id:int}")
def get(request):
    require_system(request, "read", "registry")
    harbor = request.harbor
    return Response(200, show(harbor, find(harbor, request.params["id"])))


@route("PUT", PATH + "/{id:int}", body=UPDATE, body_name="registry",
       lock=False)
def update(request):
    """Merges.  The last versions forget the secret when only the address
    changes."""
    require_system(request, "update", "registry")
    harbor = request.harbor
    number = request.params["id"]
    if number == 0:
        raise Refusal(404, "registry 0 not found")
    columns = find(harbor, number)
    wanted = dict(request.content)
    check_certificate(harbor, columns, wanted)
    wanted.pop("ca_certificate", None)
    if harbor.since("2.16") and "access_secret" not in wanted and (
            addresses.normalized(wanted.get("url", columns["url"])) !=
            columns["url"]):
        wanted["access_secret"] = ""
    columns.update(wanted)
    check(harbor, columns)
    with harbor.lock:
        row = harbor.table("registry").get(number)
        if row is None:
            raise Refusal(404, f"registry {number} not found")
        columns["update_ms"] = harbor.now_ms()
        store(harbor.table("registry").update, row, **columns)
    return Response(200)


def check_unused(harbor, number):
    used = [row for row in harbor.table("replication")
            if number in (row["src_id"], row["dest_id"])]
    if used:
        raise Refusal(412, f"the registry {number} is referenced by "
                           "replication policies, cannot delete it")
    if any(row["registry_id"] == number for row in harbor.table("project")):
        raise Refusal(412, f"the registry {number} is referenced by proxy "
                           "cache project, cannot delete it")


@route("DELETE", PATH + "/{id:int}")
def delete(request):
    require_system(request, "delete", "registry")
    harbor = request.harbor
    number = request.params["id"]
    check_unused(harbor, number)
    row = harbor.table("registry").get(number)
    if row is None:
        raise Refusal(404, f"registry {number} not found")
    harbor.table("registry").delete(row)
    return Response(200)


@route("GET", PATH + "/{id:int}/info", lock=False)
def get_info(request):
    require_system(request, "read", "registry")
    harbor = request.harbor
    return Response(200, dict(sorted(remotes.info(
        harbor, find(harbor, request.params["id"])).items())))


@route("POST", PATH + "/ping", body=PING, body_name="registry", lock=False)
def ping(request):
    """An address that comes with an id is not looked at by the last
    versions."""
    require_system(request, "read", "registry")
    harbor = request.harbor
    wanted = request.content
    columns = {"type": "", "url": "", "access_key": "", "access_secret": "",
               "credential_type": "", "insecure": False}
    if "id" in wanted:
        columns = find(harbor, wanted["id"])
    if "url" in wanted and not ("id" in wanted and harbor.since("2.16")):
        columns["url"] = addresses.normalized(wanted["url"])
    for name in ("type", "credential_type", "access_key", "access_secret"):
        columns[name] = wanted.get(name, columns[name])
    if not columns["type"] or not columns["url"]:
        raise Refusal(400, "type or url cannot be empty")
    check_health(harbor, columns)
    return Response(200)
