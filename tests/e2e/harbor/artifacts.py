# SPDX-License-Identifier: LGPL-2.1-or-later
"""Artifacts as Harbor's API shows them: /projects/{p}/repositories/{r}/
artifacts.

A name of a repository in a path is encoded twice; once is taken as well.
"""
import json
import urllib.parse

from . import images
from .immutability import is_immutable
from .labels import show_label
from .manifests import ADDITIONS, CONFIGS
from .paging import Column, boolean, paged, read_q
from .rights import require_project
from .routes import API, invalid, route
from .state import format_time
from .v2_manifests import delete_artifact
from .wire import Refusal, Response, to_json

REPOSITORY = API + "projects/{project_name}/repositories/{repository_name}"
ARTIFACTS = REPOSITORY + "/artifacts"
ARTIFACT = ARTIFACTS + "/{reference}"
COLUMNS = {name.lower(): Column(kind, column) for name, kind, column in (
    ("id", int, "id"), ("digest", str, "digest"), ("type", str, "type"),
    ("media_type", str, "media_type"), ("size", int, "size"),
    ("push_time", "time", "push_ms"), ("pull_time", "time", "pull_ms"))}


# Who is asked for.

def repository_name(request):
    return (f"{request.params['project_name']}/"
            f"{urllib.parse.unquote(request.params['repository_name'])}")


def require(request, action, resource="artifact"):
    """An administrator is told nothing of a project that is not there."""
    caller = request.caller
    name = request.params["project_name"]
    if caller.is_admin and request.harbor.table("project").find(
            name=name) is None:
        return None
    return require_project(request, name, action, resource, by_name=True)


def find(request):
    return images.find_artifact(request.harbor, repository_name(request),
                                request.params["reference"])


# What is shown.

class View:
    """What a list was asked to tell of each artifact; looked up once."""

    def __init__(self, request, many):
        harbor = request.harbor
        self.harbor = harbor
        self.with_tag = boolean(request, "with_tag") is not False
        self.with_label = boolean(request, "with_label")
        self.with_accessory = boolean(request, "with_accessory")
        self.with_immutable = boolean(request, "with_immutable_status")
        self.tags = images.tags_by_artifact(harbor) if many else None

    def tags_of(self, artifact):
        if self.tags is None:
            return images.tags_of(self.harbor, artifact)
        return self.tags.get(artifact["id"], [])

    def show(self, artifact):
        harbor = self.harbor
        name = harbor.table("repository").get(
            artifact["repository_id"])["name"]
        shown = {
            "accessories": self.accessories(artifact),
            "digest": artifact["digest"], "icon": artifact["icon"],
            "id": artifact["id"], "labels": self.labels(artifact),
            "manifest_media_type": artifact["manifest_media_type"],
            "media_type": artifact["media_type"],
            "project_id": artifact["project_id"],
            "pull_time": format_time(artifact["pull_ms"]),
            "push_time": format_time(artifact["push_ms"]),
            "references": references(harbor, artifact),
            "repository_id": artifact["repository_id"],
            "size": artifact["size"], "tags": self.shown_tags(artifact, name),
            "type": artifact["type"]}
        shown.update({key: value for key, value in (
            ("addition_links", links(artifact, name)),
            ("annotations", artifact["annotations"]),
            ("extra_attrs", artifact["extra"])) if value})
        if harbor.since("2.12"):
            shown["artifact_type"] = artifact["artifact_type"]
            shown["repository_name"] = name
        return dict(sorted(shown.items()))

    def accessories(self, artifact):
        if not self.with_accessory:
            return None
        return [show_accessory(self.harbor, row) for row in
                images.accessories_of(self.harbor, artifact)] or None

    def labels(self, artifact):
        if not self.with_label:
            return None
        return [show_label(row) for row in
                labels_of(self.harbor, artifact)] or None

    def shown_tags(self, artifact, name):
        if not self.with_tag:
            return None
        return [show_tag(self.harbor, row, name, self.with_immutable)
                for row in self.tags_of(artifact)] or None


def show_tag(harbor, row, name, with_immutable):
    project = name.partition("/")[0]
    project_id = harbor.table("project").find(name=project)["id"]
    return {"artifact_id": row["artifact_id"], "id": row["id"],
            "immutable": bool(with_immutable and is_immutable(
                harbor, project_id, name, row["name"])),
            "name": row["name"], "pull_time": format_time(row["pull_ms"]),
            "push_time": format_time(row["push_ms"]),
            "repository_id": row["repository_id"]}


def show_accessory(harbor, row):
    repository = harbor.table("repository").get(row["repository_id"])
    subject = harbor.table("artifact").find(
        repository_id=row["repository_id"], digest=row["subject_digest"])
    return {"artifact_id": row["artifact_id"],
            "creation_time": format_time(row["creation_ms"]),
            "digest": row["digest"], "icon": row["icon"], "id": row["id"],
            "size": row["size"],
            "subject_artifact_digest": row["subject_digest"],
            "subject_artifact_id": subject["id"] if subject else 0,
            "subject_artifact_repo": repository["name"], "type": row["type"]}


def labels_of(harbor, artifact):
    rows = [harbor.table("label").get(row["label_id"]) for row in
            harbor.table("artifact_label").select(
                artifact_id=artifact["id"])]
    return [row for row in rows if row is not None]


def references(harbor, artifact):
    found = []
    for child in artifact["children"]:
        row = harbor.table("artifact").find(
            repository_id=artifact["repository_id"], digest=child["digest"])
        shown = {"child_digest": child["digest"],
                 "child_id": row["id"] if row else 0,
                 "parent_id": artifact["id"], "urls": None}
        if child["annotations"]:
            shown["annotations"] = child["annotations"]
        if child["platform"]:
            shown["platform"] = show_platform(child["platform"])
        found.append(dict(sorted(shown.items())))
    return found or None


def show_platform(platform):
    shown = {"OsFeatures": platform.get("os.features")}
    for name, key in (("architecture", "architecture"), ("os", "os"),
                      ("os_version", "os.version"), ("variant", "variant")):
        if platform.get(key):
            shown[name] = platform[key]
    return shown


def links(artifact, name):
    if artifact["children"]:
        return None
    project, _, rest = name.partition("/")
    base = (f"{API}projects/{project}/repositories/"
            f"{urllib.parse.quote(urllib.parse.quote(rest, safe=''), '')}"
            f"/artifacts/{artifact['digest']}/additions/")
    return {one: {"absolute": False, "href": base + one}
            for one in ADDITIONS.get(artifact["type"], ())}


# Lists.

def passes(one, names):
    """Whether a filter of tags takes an artifact with these."""
    if one.how == "fuzzy":
        return any(one.values[0] in name for name in names)
    for value in one.values:
        text = str(value)
        found = (bool(names) if text == "*" else
                 not names if text == "nil" else text in names)
        if found != (one.how == "all"):
            return found
    return one.how == "all"


def filtered(request, rows, view):
    """By tags and labels, which are no columns of an artifact."""
    filters = read_q(request)
    if "tags" in filters:
        rows = [row for row in rows if passes(
            filters["tags"], [tag["name"] for tag in view.tags_of(row)])]
    if "labels" in filters:
        wanted = set(filters["labels"].values)
        rows = [row for row in rows if wanted <= {
            label["id"] for label in labels_of(request.harbor, row)}]
    return rows


@route("GET", ARTIFACTS)
def list_artifacts(request):
    require(request, "list")
    harbor = request.harbor
    view = View(request, many=True)
    repository = harbor.table("repository").find(
        name=repository_name(request))
    rows = images.listed_artifacts(harbor, repository) if repository else []
    return paged(request, filtered(request, rows, view), view.show, COLUMNS,
                 "-push_time")


@route("GET", API + "projects/{project_name}/artifacts", since="2.12")
def list_project_artifacts(request):
    """`latest_in_repository` leaves the newest of each."""
    project = require(request, "list")
    harbor = request.harbor
    view = View(request, many=True)
    rows = []
    for repository in images.repositories_of(
            harbor, project["id"]) if project else ():
        found = sorted(images.listed_artifacts(harbor, repository),
                       key=lambda row: -row["push_ms"])
        rows += found[:1] if boolean(request,
                                     "latest_in_repository") else found
    return paged(request, filtered(request, rows, view), view.show, COLUMNS,
                 "-push_time")


# One of them.

@route("GET", ARTIFACT)
def get_artifact(request):
    require(request, "read")
    return Response(200, View(request, many=False).show(find(request)))


@route("DELETE", ARTIFACT)
def remove_artifact(request):
    require(request, "delete")
    delete_artifact(request.harbor, find(request))
    return Response(200)


@route("GET", ARTIFACT + "/accessories")
def list_accessories(request):
    require(request, "list", "accessory")
    harbor = request.harbor
    return paged(request, images.accessories_of(harbor, find(request)),
                 lambda row: show_accessory(harbor, row))


@route("GET", ARTIFACT + "/additions/vulnerabilities")
def get_vulnerabilities(request):
    project = require(request, "read", "artifact-addition")
    find(request)
    raise Refusal(404, "no scanner registration configured for project: "
                       f"{project['id']}")


@route("POST", ARTIFACT + "/scan")
def scan(request):
    project = require(request, "create", "scan")
    find(request)
    raise Refusal(412, f"no available scanner for project: {project['id']}")


@route("GET", ARTIFACT + "/additions/{addition}")
def get_addition(request):
    known = [one for group in ADDITIONS.values() for one in group]
    addition = request.params["addition"]
    if addition not in known:
        raise invalid("addition in path should be one of "
                      f"[{' '.join(known)}]")
    require(request, "read", "artifact-addition")
    artifact = find(request)
    if addition != "build_history" or artifact["media_type"] not in CONFIGS:
        raise Refusal(400, f"addition {addition} isn't supported for "
                           f"{artifact['type']}")
    manifest = json.loads(request.harbor.blobs[artifact["digest"]])
    config = json.loads(
        request.harbor.blobs[manifest["config"]["digest"]])
    return Response(200, to_json(config.get("history"), newline=False),
                    content_type="application/json; charset=utf-8")
