# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manifests of a repository: /v2/NAME/manifests/REFERENCE.

A GET is a pull, which counts and moves times; a HEAD is none.
"""
import re

from . import images, immutability, proxy_cache
from .manifests import COSIGN_ICON, IMAGE, INDEX, read_manifest
from .v2_access import VERSION, registry_error, registry_errors, serves
from .v2_blobs import location, project_of, refuse_proxy
from .wire import Refusal, Response

# Whoever calls itself so is Harbor's own replication: no pull.
REPLICATION_AGENT = "harbor-registry-client"
SIGNATURE_TAG = re.compile(r"sha256-([0-9a-f]{64})\.sig")
NAMES = {IMAGE: "OCI manifest", INDEX: "OCI index"}


# Reading.

@serves("manifests", "GET", "HEAD")
def get_manifest(request, target):
    harbor = request.harbor
    if project_of(harbor, target.name)["registry_id"]:
        return proxy_cache.get_manifest(request, target, serve_manifest)
    return serve_manifest(request, target)


def serve_manifest(request, target):
    harbor = request.harbor
    artifact = images.find_artifact(harbor, target.name, target.reference)
    etag = f'"{artifact["digest"]}"'
    if request.headers.get("if-none-match") in (etag, etag.strip('"')):
        return Response(304)
    kind = artifact["manifest_media_type"]
    if kind in NAMES and kind not in accepted(request):
        return registry_error(404, "MANIFEST_UNKNOWN", f"{NAMES[kind]} "
                              "found, but accept header does not support "
                              f"{NAMES[kind]}s".replace("indexs", "indexes"))
    if request.method == "GET" and (
            request.headers.get("user-agent") != REPLICATION_AGENT):
        images.note_pull(harbor, artifact, target.reference)
    return Response(200, harbor.blobs[artifact["digest"]], {
        **VERSION, "Docker-Content-Digest": artifact["digest"],
        "Etag": etag}, kind, chunked=False)


def accepted(request):
    text = request.headers.get("accept", "")
    return {part.partition(";")[0].strip() for part in text.split(",")}


# Writing.

@serves("manifests", "PUT")
def put_manifest(request, target):
    harbor = request.harbor
    refuse_proxy(harbor, target.name)
    immutability.refuse_push(harbor, target.name, target.reference)
    manifest = read_manifest(request.headers.get("content-type", ""),
                             request.body)
    request_storage(harbor, target.name, manifest)
    repository = images.ensure_repository(harbor, target.name)
    by_digest = target.reference.startswith("sha256:")
    if by_digest and target.reference != manifest.digest:
        return registry_error(400, "DIGEST_INVALID", "provided digest did "
                              "not match uploaded content")
    missing = manifest.missing(harbor, target.name)
    if missing:
        return registry_errors(400, [
            {"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown to "
             "registry", "detail": digest} for digest in missing])
    images.link_blob(harbor, target.name, request.body, manifest.digest)
    artifact = ensure_artifact(harbor, repository, manifest)
    if not by_digest:
        images.put_tag(harbor, artifact, target.reference)
    headers = note_subject(harbor, artifact, manifest, target.reference)
    return Response(201, b"", {
        **VERSION, **headers, "Docker-Content-Digest": manifest.digest,
        "Location": location(request, f"/v2/{target.name}/manifests/"
                                      f"{manifest.digest}")})


def request_storage(harbor, name, manifest):
    """The project pays for what it does not hold yet."""
    project = project_of(harbor, name)
    parts = {manifest.digest: len(manifest.data)}
    for part in [] if manifest.is_index else [manifest.config,
                                              *manifest.layers]:
        parts[part["digest"]] = part["size"]
    more = sum(size for digest, size in parts.items()
               if not images.is_held(harbor, project["id"], digest))
    if more:
        images.request_storage(harbor, project["id"], more)


def ensure_artifact(harbor, repository, manifest):
    table = harbor.table("artifact")
    found = table.find(repository_id=repository["id"],
                       digest=manifest.digest)
    if found is not None:
        return found
    return table.insert(push_ms=harbor.now_ms(), pull_ms=None,
                        **manifest.columns(harbor, repository))


def note_subject(harbor, artifact, manifest, reference):
    """An artifact that refers to another is its accessory, also before the
    other comes; so is a signature of cosign, by its tag."""
    signed = SIGNATURE_TAG.fullmatch(reference)
    if signed and manifest.is_cosign:
        make_accessory(harbor, artifact, f"sha256:{signed[1]}",
                       "signature.cosign", COSIGN_ICON)
    if not manifest.subject:
        return {}
    make_accessory(harbor, artifact, manifest.subject,
                   manifest.accessory_type)
    if not harbor.since("2.11") and harbor.table("artifact").find(
            repository_id=artifact["repository_id"],
            digest=manifest.subject) is None:
        return {}
    return {"Oci-Subject": manifest.subject}


def make_accessory(harbor, artifact, subject, kind, icon=""):
    table = harbor.table("accessory")
    if table.find(artifact_id=artifact["id"], subject_digest=subject):
        return
    table.insert(artifact_id=artifact["id"], subject_digest=subject,
                 repository_id=artifact["repository_id"],
                 digest=artifact["digest"], size=artifact["size"], type=kind,
                 icon=icon, creation_ms=harbor.now_ms())


# Deleting.

@serves("manifests", "DELETE")
def delete_manifest(request, target):
    if not target.reference.startswith("sha256:"):
        raise Refusal(400, f"unsupported digest {target.reference}: invalid "
                           "checksum digest format", "UNSUPPORTED")
    artifact = images.find_artifact(request.harbor, target.name,
                                    target.reference)
    delete_artifact(request.harbor, artifact)
    return Response(202, b"")


def delete_artifact(harbor, artifact):
    """With its accessories, and with what only its index held."""
    if is_referenced(harbor, artifact):
        raise Refusal(412, "the deleting artifact is referenced by others",
                      "VIOLATE_FOREIGN_KEY_CONSTRAINT")
    for tag in images.tags_of(harbor, artifact):
        immutability.refuse_delete(harbor, artifact, tag)
        harbor.table("tag").delete(tag)
    for row in harbor.table("accessory").select(artifact_id=artifact["id"]):
        harbor.table("accessory").delete(row)
    accessories = images.accessories_of(harbor, artifact)
    forget_artifact(harbor, artifact)
    for row in accessories:
        delete_artifact(harbor, harbor.table("artifact").get(
            row["artifact_id"]))
    for child in artifact["children"]:
        row = harbor.table("artifact").find(
            repository_id=artifact["repository_id"], digest=child["digest"])
        if row and not images.tags_of(harbor, row) and (
                not is_referenced(harbor, row)):
            delete_artifact(harbor, row)


def is_referenced(harbor, artifact):
    return any(child["digest"] == artifact["digest"]
               for row in harbor.table("artifact").select(
                   repository_id=artifact["repository_id"])
               for child in row["children"])


def forget_artifact(harbor, artifact):
    for row in harbor.table("artifact_label").select(
            artifact_id=artifact["id"]):
        harbor.table("artifact_label").delete(row)
    harbor.table("artifact").delete(artifact)
    images.drop_unused(harbor, artifact["project_id"],
                       artifact["blobs"] | {artifact["digest"]})
