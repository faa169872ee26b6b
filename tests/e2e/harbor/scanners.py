# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scanners of vulnerabilities: /scanners, /projects/{p}/scanner.

Their adapters are asked what they can when one is registered, and when they
are shown; without the lock, since that takes its time.
"""
import base64
import re
import uuid

from . import addresses
from .models import Model
from .paging import Column, paged
from .rights import require_project, require_system
from .routes import API, invalid, route
from .state import format_time, installs
from .tables import Clash
from .wire import Refusal, Response, nothing

AUTHS = ("Basic", "Bearer", "X-ScannerAdapter-API-Key")
IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
REPORTS = ("application/vnd.scanner.adapter.vuln.report.harbor+json; "
           "version=1.0",
           "application/vnd.security.vulnerability.report; version=1.1")
URI = re.compile("[A-Za-z][A-Za-z0-9+.-]*:|/")

REGISTRATION = Model(
    "ScannerRegistrationReq", name=str, description=str, url=str, auth=str,
    access_credential=str, skip_certVerify=bool, use_internal_addr=bool,
    disabled=bool)
SETTINGS = Model("ScannerRegistrationSettings", name=str, url=str, auth=str,
                 access_credential=str)
DEFAULT = Model("IsDefault", is_default=bool)
OF_PROJECT = Model("ProjectScanner", uuid=str)
PATH = API + "scanners"
ONE = PATH + "/{registration_id}"
PROJECT = API + "projects/{project_name_or_id}/scanner"
COLUMNS = {"uuid": Column(str, "uuid"), "name": Column(str, "name"),
           "url": Column(str, "url"), "auth": Column(str, "auth"),
           "description": Column(str, "description"),
           "is_default": Column(bool, "is_default"),
           "disabled": Column(bool, "disabled"),
           "create_time": Column("time", "creation_ms"),
           "update_time": Column("time", "update_ms")}


@installs(0)
def make_tables(harbor):
    harbor.make_table("scanner", unique=[("name",), ("url",)], key="uuid")


def hides_credentials(harbor):
    """From 2.14.4 and 2.15.1 on what is written is not shown, and what is
    not written stays."""
    return harbor.since("2.14.4") and not (
        harbor.since("2.15.0") and not harbor.since("2.15.1"))


def columns_of(wanted):
    columns = {name: wanted.get(name, "") for name in (
        "name", "description", "url", "auth", "access_credential")}
    columns.update({name: wanted.get(name, False) for name in (
        "skip_certVerify", "use_internal_addr", "disabled")})
    return columns


def check_form(wanted):
    """What is refused before anybody looks at what it means."""
    found = [f"{name} in body is required" for name in ("name", "url")
             if name not in wanted]
    if "url" in wanted and not URI.match(wanted["url"]):
        found.append("url in body must be of type uri: "
                     f"\"{wanted['url']}\"")
    if found:
        raise invalid("validation failure list:", *found)


def check(columns):
    if not columns["name"]:
        raise Refusal(400, "missing registration name")
    columns["url"] = addresses.normalized(columns["url"])
    auth = columns["auth"]
    if auth and auth not in AUTHS:
        raise Refusal(400, f"auth type {auth} is not supported")
    if auth and not columns["access_credential"]:
        raise Refusal(400, "access_credential is required for auth type "
                           f"{auth}")


def credential(columns):
    """The header that an adapter is shown."""
    text = columns["access_credential"]
    if columns["auth"] == "Basic":
        text = "Basic " + base64.b64encode(text.encode()).decode()
    elif columns["auth"] == "Bearer":
        text = "Bearer " + text
    elif columns["auth"]:
        return {columns["auth"]: text}
    return {"Authorization": text} if text else {}


def read_metadata(harbor, columns):
    """What an adapter says of itself; refuses with 500 what is none."""
    try:
        answer = addresses.ask(harbor, "GET",
                               columns["url"] + "/api/v1/metadata",
                               credential(columns))
        found = answer.json() if answer.status == 200 else {}
    except (OSError, ValueError, addresses.BadUrl):
        raise Refusal(500) from None
    scanner = found.get("scanner") or {}
    if not all(scanner.get(name) for name in ("name", "vendor", "version")):
        raise Refusal(500)
    if not found.get("capabilities") or not all(
            IMAGE in one["consumes_mime_types"] and
            any(kind in REPORTS for kind in one["produces_mime_types"])
            for one in found["capabilities"]):
        raise Refusal(500)
    return found


def capabilities(found):
    kinds = [one.get("type") for one in found["capabilities"]]
    return {"support_sbom": "sbom" in kinds,
            "support_vulnerability":
                "vulnerability" in kinds or not any(kinds)}


def show(harbor, row):
    shown = {name: row[name] for name in (
        "auth", "description", "disabled", "is_default", "name",
        "skip_certVerify", "url", "use_internal_addr", "uuid")}
    shown["access_credential"] = (
        "" if hides_credentials(harbor) else row["access_credential"])
    shown["create_time"] = format_time(row["creation_ms"])
    shown["update_time"] = format_time(row["update_ms"])
    if harbor.since("2.11"):
        try:
            shown["capabilities"] = capabilities(read_metadata(harbor, row))
        except Refusal:
            pass
    return dict(sorted(shown.items()))


def find(request):
    number = request.params["registration_id"]
    row = request.harbor.table("scanner").get(number)
    if row is None:
        raise Refusal(404, f"scanner {number} not found")
    return row


def list_rows(request):
    rows = request.harbor.table("scanner")
    for name in ("name", "description", "url"):
        text = request.query.get(name, "")
        rows = [row for row in rows if text in row[name]]
        text = request.query.get("ex_" + name, "")
        rows = [row for row in rows if text in ("", row[name])]
    return paged(request, rows, lambda row: show(request.harbor, row),
                 COLUMNS, "-is_default,-create_time")


@route("GET", PATH, lock=False)
def list_scanners(request):
    require_system(request, "list", "scanner")
    return list_rows(request)


@route("POST", PATH, body=REGISTRATION, body_name="registration", lock=False)
def create(request):
    """The first one is the default."""
    check_form(request.content)
    require_system(request, "create", "scanner")
    harbor = request.harbor
    columns = columns_of(request.content)
    check(columns)
    if columns["name"] == "Trivy":
        raise Refusal(400, "name \"Trivy\" is reserved, please try a "
                           "different name")
    read_metadata(harbor, columns)
    with harbor.lock:
        scanners = harbor.table("scanner")
        at = harbor.now_ms()
        try:
            row = scanners.insert(uuid=str(uuid.uuid1()),
                                  is_default=not len(scanners),
                                  creation_ms=at, update_ms=at, **columns)
        except Clash:
            raise Refusal(409, "dao: create registration: registration name "
                               "or url already exists", "UNKNOWN") from None
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{row['uuid']}"})


@route("POST", PATH + "/ping", body=SETTINGS, body_name="settings",
       lock=False)
def ping(request):
    check_form(request.content)
    require_system(request, "read", "scanner")
    columns = columns_of(request.content)
    check(columns)
    read_metadata(request.harbor, columns)
    return Response(200)


@route("GET", ONE, lock=False)
def get(request):
    require_system(request, "read", "scanner")
    return Response(200, show(request.harbor, find(request)))


@route("GET", ONE + "/metadata", lock=False)
def get_metadata(request):
    require_system(request, "read", "scanner")
    number = request.params["registration_id"]
    row = request.harbor.table("scanner").get(number)
    if row is None:
        raise Refusal(404, f"registration {number} not found")
    return Response(200, read_metadata(request.harbor, row))


@route("PUT", ONE, body=REGISTRATION, body_name="registration")
def update(request):
    """Replaces everything, and asks no adapter."""
    check_form(request.content)
    require_system(request, "update", "scanner")
    harbor = request.harbor
    row = find(request)
    columns = columns_of(request.content)
    if hides_credentials(harbor) and columns["auth"] in AUTHS:
        columns["access_credential"] = (columns["access_credential"] or
                                        row["access_credential"])
    check(columns)
    if row["is_default"] and columns["disabled"]:
        raise Refusal(500)
    try:
        harbor.table("scanner").update(row, update_ms=harbor.now_ms(),
                                       **columns)
    except Clash:
        raise Refusal(500) from None
    return Response(200)


@route("PATCH", ONE, body=DEFAULT, body_name="payload")
def set_default(request):
    require_system(request, "update", "scanner")
    scanners = request.harbor.table("scanner")
    number = request.params["registration_id"]
    chosen = scanners.get(number)
    if not request.content.get("is_default"):
        return Response(200)
    if chosen is None or chosen["disabled"]:
        raise Refusal(404, f"registration {number} not found")
    for row in scanners:
        if row["is_default"] != (row is chosen):
            scanners.update(row, is_default=row is chosen)
    return Response(200)


@route("DELETE", ONE)
def delete(request):
    require_system(request, "delete", "scanner")
    row = find(request)
    shown = show(request.harbor, row)
    shown.pop("capabilities", None)
    request.harbor.table("scanner").delete(row)
    return Response(200, shown)


def project_of(request, action):
    return require_project(request, request.params["project_name_or_id"],
                           action, "scanner")


@route("GET", PROJECT, lock=False)
def get_of_project(request):
    """The project's own one, else the default; and how it is just now."""
    harbor = request.harbor
    project = project_of(request, "read")
    scanners = harbor.table("scanner")
    row = (scanners.get(project.get("scanner")) or
           scanners.find(is_default=True))
    if row is None:
        return nothing()
    shown = show(harbor, row)
    try:
        scanner = read_metadata(harbor, row)["scanner"]
        shown.update(adapter=scanner["name"], vendor=scanner["vendor"],
                     version=scanner["version"], health="healthy")
    except Refusal:
        shown["health"] = "unhealthy"
    return Response(200, dict(sorted(shown.items())))


@route("GET", PROJECT + "/candidates", lock=False)
def list_candidates(request):
    project_of(request, "create")
    return list_rows(request)


@route("PUT", PROJECT, body=OF_PROJECT, body_name="payload")
def set_of_project(request):
    project = project_of(request, "create")
    number = request.content.get("uuid")
    if not number:
        raise invalid("validation failure list:",
                      "uuid in body is required")
    request.harbor.table("project").update(project, scanner=number)
    return Response(200)
