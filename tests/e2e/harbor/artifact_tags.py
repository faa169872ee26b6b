# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be changed of artifacts: their tags, their labels, copies of them.

A tag made here never moves: one that is there is a conflict, whichever
artifact it shows.
"""
import re
import urllib.parse

from . import images, immutability
from .artifacts import ARTIFACT, ARTIFACTS, find, repository_name, require
from .artifacts import show_tag
from .models import Model
from .paging import Column, boolean, paged
from .routes import API, route
from .tables import Clash
from .v2_manifests import make_accessory
from .wire import Refusal, Response

TAG = Model("Tag", id=int, name=str, repository_id=int, artifact_id=int,
            immutable=bool)
LABEL = Model("Label", id=int, name=str, scope=str, color=str,
              description=str, project_id=int)
TAG_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
TAG_COLUMNS = {"id": Column(int, "id"), "name": Column(str, "name"),
               "push_time": Column("time", "push_ms"),
               "pull_time": Column("time", "pull_ms")}
FROM = re.compile(r"([a-z0-9._/-]+/[a-z0-9._-]+)(?::([A-Za-z0-9_.-]+)|"
                  r"@(sha256:[0-9a-f]{64}))")


# Tags.

@route("GET", ARTIFACT + "/tags")
def list_tags(request):
    require(request, "list", "tag")
    artifact = find(request)
    harbor = request.harbor
    name = repository_name(request)
    shown = boolean(request, "with_immutable_status")
    return paged(request, images.tags_of(harbor, artifact),
                 lambda row: show_tag(harbor, row, name, shown), TAG_COLUMNS,
                 "-push_time")


@route("POST", ARTIFACT + "/tags", body=TAG, body_name="tag")
def create_tag(request):
    project = require(request, "create", "tag")
    if project and project["registry_id"]:
        raise Refusal(405, "the operation isn't supported for a proxy cache "
                           "project")
    harbor = request.harbor
    artifact = find(request)
    name = request.content.get("name", "")
    if not TAG_NAME.fullmatch(name):
        raise Refusal(400, f"bad request: invalid tag name: {name}")
    try:
        harbor.table("tag").insert(
            repository_id=artifact["repository_id"],
            artifact_id=artifact["id"], name=name, push_ms=harbor.now_ms(),
            pull_ms=None)
    except Clash:
        raise Refusal(409, f"tag {name} already exists under the repository "
                           f"{artifact['repository_id']}") from None
    return Response(201)


@route("DELETE", ARTIFACT + "/tags/{tag_name}")
def delete_tag(request):
    require(request, "delete", "tag")
    harbor = request.harbor
    artifact = find(request)
    name = request.params["tag_name"]
    row = harbor.table("tag").find(repository_id=artifact["repository_id"],
                                   name=name)
    if row is None or row["artifact_id"] != artifact["id"]:
        raise Refusal(404, f"tag {name} attached to artifact "
                           f"{artifact['id']} not found")
    immutability.refuse_delete(harbor, artifact, row)
    harbor.table("tag").delete(row)
    return Response(200)


# Labels.

@route("POST", ARTIFACT + "/labels", body=LABEL, body_name="label")
def add_label(request):
    require(request, "create", "artifact-label")
    harbor = request.harbor
    artifact = find(request)
    number = request.content.get("id", 0)
    label = harbor.table("label").get(number)
    if label is None:
        raise Refusal(404, f"label {number} not found")
    if label["scope"] == "p" and (label["project_id"] !=
                                  artifact["project_id"]):
        raise Refusal(404, f"project id {artifact['project_id']}, label "
                           f"{number} not found")
    try:
        harbor.table("artifact_label").insert(artifact_id=artifact["id"],
                                              label_id=number)
    except Clash:
        raise Refusal(409, f"label {number} is already added to the artifact "
                           f"{artifact['id']}") from None
    return Response(200)


@route("DELETE", ARTIFACT + "/labels/{label_id:int}")
def remove_label(request):
    require(request, "delete", "artifact-label")
    artifact = find(request)
    number = request.params["label_id"]
    table = request.harbor.table("artifact_label")
    row = table.find(artifact_id=artifact["id"], label_id=number)
    if row is None:
        raise Refusal(404, f"reference with label {number} and artifact "
                           f"{artifact['id']} not found")
    table.delete(row)
    return Response(200)


# Copies.

@route("POST", ARTIFACTS)
def copy_artifact(request):
    """With all its tags, its accessories and the images of an index."""
    text = request.query.get("from", "")
    source = FROM.fullmatch(text)
    if not source:
        raise Refusal(400, f"invalid input: {text}")
    require(request, "create")
    harbor = request.harbor
    name, tag, digest = source.groups()
    try:
        artifact = images.find_artifact(harbor, name, tag or digest)
    except Refusal as refusal:
        raise Refusal(400, refusal.message) from None
    target = repository_name(request)
    request_copy(harbor, artifact, target)
    repository = images.ensure_repository(harbor, target)
    copy_deeply(harbor, artifact, repository)
    project = request.params["project_name"]
    rest = urllib.parse.quote(urllib.parse.quote(
        target.partition("/")[2], safe=""), safe="")
    return Response(201, headers={
        "Location": f"{API}projects/{project}/repositories/{rest}/artifacts/"
                    f"{tag or digest}"})


def tree_of(harbor, artifact):
    """All rows that go with one: accessories, what is below an index."""
    below = [harbor.table("artifact").get(row["artifact_id"])
             for row in images.accessories_of(harbor, artifact)]
    below += [harbor.table("artifact").find(
        repository_id=artifact["repository_id"], digest=child["digest"])
        for child in artifact["children"]]
    found = [artifact]
    for row in below:
        if row is not None:
            found += tree_of(harbor, row)
    return found


def request_copy(harbor, artifact, target):
    project = harbor.table("project").find(name=target.partition("/")[0])
    digests = set()
    for row in tree_of(harbor, artifact):
        digests |= row["blobs"] | {row["digest"]}
    more = sum(len(harbor.blobs[digest]) for digest in digests
               if not images.is_held(harbor, project["id"], digest))
    if more:
        images.request_storage(harbor, project["id"], more)


def copy_deeply(harbor, artifact, repository):
    """What it needs first; then the row, its tags, and what refers to it."""
    table = harbor.table("artifact")
    for child in artifact["children"]:
        row = table.find(repository_id=artifact["repository_id"],
                         digest=child["digest"])
        if row is not None:
            copy_deeply(harbor, row, repository)
    made = [(row, copy_deeply(harbor, table.get(row["artifact_id"]),
                              repository))
            for row in images.accessories_of(harbor, artifact)]
    found = table.find(repository_id=repository["id"],
                       digest=artifact["digest"])
    if found is None:
        found = copy_row(harbor, artifact, repository)
    at = harbor.now_ms()
    for tag in images.tags_of(harbor, artifact):
        images.put_tag(harbor, found, tag["name"], at)
    for row, copied in made:
        make_accessory(harbor, copied, row["subject_digest"], row["type"],
                       row["icon"])
    return found


def copy_row(harbor, artifact, repository):
    for digest in sorted(artifact["blobs"]) + [artifact["digest"]]:
        images.link_blob(harbor, repository["name"], harbor.blobs[digest],
                         digest)
    columns = {name: value for name, value in artifact.items()
               if name != "id"}
    columns.update(project_id=repository["project_id"],
                   repository_id=repository["id"], push_ms=harbor.now_ms(),
                   pull_ms=None)
    return harbor.table("artifact").insert(**columns)
