# SPDX-License-Identifier: LGPL-2.1-or-later
"""Settings of a project: as part of it, and /projects/{p}/metadatas.

A whole project takes any value of a known key, but for `public` of a new one.
One by one they are checked; PUT of a key that is not set stores nothing, and
only DELETE unsets one.
"""
from . import rights
from .models import Map, Model
from .routes import API, route
from .wire import Refusal, Response

BOOLEANS = ("public", "enable_content_trust", "enable_content_trust_cosign",
            "prevent_vul", "auto_scan", "reuse_sys_cve_allowlist",
            "auto_sbom_generation", "proxy_cache_local_on_not_found",
            "proxy_referrer_api")
# Key and the version that brought it.
KEYS = {"public": "2.0", "enable_content_trust": "2.0",
        "enable_content_trust_cosign": "2.5", "prevent_vul": "2.0",
        "severity": "2.0", "auto_scan": "2.0",
        "reuse_sys_cve_allowlist": "2.0", "retention_id": "2.0",
        "auto_sbom_generation": "2.11"}
PROXY_KEYS = {"proxy_speed_kb": "2.12", "max_upstream_conn": "2.14.1",
              "proxy_cache_local_on_not_found": "2.15.2",
              "proxy_referrer_api": "2.16",
              "proxy_cache_filter_pattern": "2.16",
              "proxy_cache_filter_kind": "2.16"}
TRUST = ("enable_content_trust", "enable_content_trust_cosign")
MODEL = Model("ProjectMetadata", **{key: str for key in (*KEYS, *PROXY_KEYS)})
LONGEST_VALUE = 255
SEVERITIES = ("unknown", "none", "negligible", "low", "medium", "high",
              "critical")
PLACE = API + "projects/{project}/metadatas"


def known_keys(harbor, registry_id):
    """What a project may hold; a proxy cache has no content trust, and
    another has none of its settings."""
    known = {key for key, since in KEYS.items() if harbor.since(since)}
    if not registry_id:
        return known
    return (known - set(TRUST)) | {key for key, since in PROXY_KEYS.items()
                                   if harbor.since(since)}


def show(metadata):
    shown = dict(sorted(metadata.items()))
    if "severity" in shown:
        level = shown["severity"].lower()
        shown["severity"] = level if level in SEVERITIES else "unknown"
    return shown


def check_new(harbor, content, registry_id):
    """The metadata of a project that is to be made."""
    given = content.get("metadata", {})
    if given.get("retention_id"):
        raise Refusal(400, "bad request: the retention_id in the request's "
                           "payload when creating a project should be "
                           "omitted, alternatively passing an empty string")
    known = known_keys(harbor, registry_id)
    kept = {key: value for key, value in given.items()
            if key in known and key != "retention_id"}
    public = kept.get("public")
    if public is None:
        kept["public"] = "true" if content.get("public") else "false"
    elif public not in ("true", "false"):
        raise Refusal(400, "metadata.public should only be 'true' or "
                           f"'false', but got: '{public}'")
    return kept


def merge(harbor, project, changes):
    """The project's own row, and its times, stay as they are."""
    if any(len(value) > LONGEST_VALUE for value in changes.values()):
        raise Refusal(500)
    replace(harbor, project, {**project["metadata"], **changes})


def unset(harbor, project, key):
    replace(harbor, project, {name: value for name, value in
                              project["metadata"].items() if name != key})


def replace(harbor, project, metadata):
    harbor.journal.note(project.__setitem__, "metadata", project["metadata"])
    project["metadata"] = metadata


def check_value(harbor, project, key, value):
    """The value as it is stored; only settings of the project itself can be
    set one by one."""
    if key not in known_keys(harbor, project["registry_id"]) or (
            key == "retention_id"):
        raise Refusal(400, f"invalid key: {key}")
    if key in BOOLEANS:
        if value.lower() not in ("1", "t", "true", "0", "f", "false"):
            raise Refusal(400, f"invalid value: {value}")
        return "true" if value.lower() in ("1", "t", "true") else "false"
    if key == "severity":
        if value.lower() not in SEVERITIES[1:]:
            raise Refusal(400, f"invalid value: {value}")
        return value.lower()
    return value


def the_only_pair(request):
    if len(request.content) != 1:
        raise Refusal(400, "only allow one key/value pair")
    return next(iter(request.content.items()))


def the_project(request, action):
    return rights.require_project(request, request.params["project"], action,
                                  "metadata")


@route("GET", PLACE)
def list_metadata(request):
    return Response(200, show(the_project(request, "read")["metadata"]))


@route("GET", PLACE + "/{key}")
def get_metadata(request):
    key = request.params["key"]
    shown = show(the_project(request, "read")["metadata"])
    return Response(200, {key: shown[key]} if key in shown else {})


@route("POST", PLACE, body=Map(str), body_name="metadata")
def add_metadata(request):
    project = the_project(request, "create")
    key, value = the_only_pair(request)
    value = check_value(request.harbor, project, key, value)
    if key in project["metadata"]:
        raise Refusal(409, f"metadata {key} already exists for project "
                           f"{project['id']}")
    merge(request.harbor, project, {key: value})
    return Response(200)


@route("PUT", PLACE + "/{key}", body=Map(str), body_name="metadata")
def update_metadata(request):
    project = the_project(request, "update")
    key = request.params["key"]
    value = check_value(request.harbor, project, key,
                        request.content.get(key, ""))
    if key in project["metadata"]:
        merge(request.harbor, project, {key: value})
    return Response(200)


@route("DELETE", PLACE + "/{key}")
def delete_metadata(request):
    project = the_project(request, "delete")
    unset(request.harbor, project, request.params["key"])
    return Response(200)
