# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blobs of a repository, and uploads of them: /v2/NAME/blobs/...

    POST -> 202 Location(state 1) -> PATCH -> Location(state 2) -> PUT digest

Only the newest Location is known, Content-Range is not looked at, and a PUT
of the wrong digest leaves the upload as it is: so does the registry of Harbor.
"""
import re
import secrets
import uuid

from . import images
from .manifests import digest_of
from .state import installs
from .v2_access import VERSION, registry_error, serves
from .wire import Refusal, Response

OCTETS = "application/octet-stream"
DIGEST = re.compile("sha256:[0-9a-f]{64}")


class Upload:
    def __init__(self, repository_name):
        self.repository_name = repository_name
        self.data = bytearray()
        self.states = [secrets.token_urlsafe(180)]

    @property
    def range(self):
        return f"0-{max(len(self.data) - 1, 0)}"


@installs(0)
def make_uploads(harbor):
    harbor.uploads = {}  # by name; one that is over is None


def project_of(harbor, name):
    return harbor.table("project").find(name=name.partition("/")[0])


def refuse_proxy(harbor, name):
    project = project_of(harbor, name)
    if project["registry_id"]:
        raise Refusal(403, "denied: can not push artifact to a proxy "
                           f"project: {project['name']}", "DENIED")


def location(request, path):
    return f"http://{request.headers.get('host', '')}{path}"


# Reading.

def blob_headers(digest):
    return {**VERSION, "Cache-Control": "max-age=31536000",
            "Docker-Content-Digest": digest, "Etag": f'"{digest}"'}


def unknown_blob(digest):
    return registry_error(404, "BLOB_UNKNOWN", "blob unknown to registry",
                          digest)


@serves("blobs", "GET")
def get_blob(request, target):
    harbor = request.harbor
    digest = target.reference
    if not DIGEST.fullmatch(digest):
        return registry_error(400, "DIGEST_INVALID", "provided digest did "
                              "not match uploaded content", {})
    if (target.name, digest) not in harbor.links:
        return unknown_blob(digest)
    headers = blob_headers(digest)
    if request.headers.get("if-none-match") == headers["Etag"]:
        return Response(304, None, headers)
    data = harbor.blobs[digest]
    wanted = read_range(request.headers.get("range"), len(data))
    if wanted is None:
        return Response(200, data, {"Accept-Ranges": "bytes", **headers},
                        OCTETS, chunked=False)
    return cut(data, headers, *wanted)


def read_range(text, size):
    """(first, end) of one range of bytes; None if none is asked for."""
    found = re.fullmatch("bytes=([0-9]*)-([0-9]*)", text or "")
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(size - int(found[2]), 0), size
    return int(found[1]), min(int(found[2] or size - 1), size - 1) + 1


def cut(data, headers, first, end):
    if first >= end:
        # The length is that of the whole blob, which never comes.
        return Response(416, b"invalid range: failed to overlap\n",
                        {**headers, "Content-Range": f"bytes */{len(data)}",
                         "X-Content-Type-Options": "nosniff"},
                        "text/plain; charset=utf-8", length=len(data))
    return Response(206, data[first:end], {
        "Accept-Ranges": "bytes", **headers,
        "Content-Range": f"bytes {first}-{end - 1}/{len(data)}"},
        OCTETS, chunked=False)


@serves("blobs", "HEAD")
def head_blob(request, target):
    """A blob that no repository has is Harbor's own 404."""
    if DIGEST.fullmatch(target.reference) and (
            target.reference not in request.harbor.blobs):
        raise Refusal(404, f"blob {target.reference} not found")
    return get_blob(request, target)


@serves("blobs", "DELETE")
def delete_blob(request, target):
    links = request.harbor.links
    one = (target.name, target.reference)
    if one not in links:
        return unknown_blob(target.reference)
    links.discard(one)
    return Response(202, b"", VERSION)


# Uploads.

def shown(request, target, name, upload, status):
    path = f"/v2/{target.name}/blobs/uploads/{name}"
    state = upload.states[-1]
    return Response(status, None if status == 204 else b"", {
        **VERSION, "Docker-Upload-Uuid": name, "Range": upload.range,
        "Location": location(request, f"{path}?_state={state}")})


def stored(request, target, digest):
    return Response(201, b"", {
        **VERSION, "Docker-Content-Digest": digest,
        "Location": location(request,
                             f"/v2/{target.name}/blobs/{digest}")})


@serves("uploads", "POST")
def begin_upload(request, target):
    """Content that comes with it is not looked at."""
    harbor = request.harbor
    refuse_proxy(harbor, target.name)
    project = project_of(harbor, target.name)
    mounted = request.query.get("mount")
    if mounted not in harbor.blobs:
        mounted = None
    if mounted is None:
        images.request_storage(harbor, project["id"], 0)
    elif not images.is_held(harbor, project["id"], mounted):
        images.request_storage(harbor, project["id"],
                               len(harbor.blobs[mounted]))
    if (request.query.get("from"), mounted) in harbor.links:
        images.link_blob(harbor, target.name, harbor.blobs[mounted], mounted)
        return stored(request, target, mounted)
    name = str(uuid.uuid4())
    harbor.uploads[name] = Upload(target.name)
    return shown(request, target, name, harbor.uploads[name], 202)


def find_upload(request, target):
    """(upload, None) or (None, the answer that says why not)."""
    upload = request.harbor.uploads.get(target.reference)
    state = request.query.get("_state")
    if state is None:
        return None, registry_error(404, "BLOB_UPLOAD_INVALID",
                                    "blob upload invalid", {})
    if upload is None:
        return None, registry_error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload "
                                    "unknown to registry", {})
    if upload.repository_name != target.name or state not in upload.states:
        return None, registry_error(404, "BLOB_UPLOAD_INVALID",
                                    "blob upload invalid", {})
    if state != upload.states[-1]:
        return None, registry_error(404, "BLOB_UPLOAD_INVALID",
                                    "blob upload invalid")
    return upload, None


@serves("uploads", "GET", "HEAD")
def show_upload(request, target):
    upload, error = find_upload(request, target)
    return error or shown(request, target, target.reference, upload, 204)


@serves("uploads", "PATCH")
def continue_upload(request, target):
    upload, error = find_upload(request, target)
    if error:
        return error
    upload.data += request.body
    upload.states.append(secrets.token_urlsafe(180))
    return shown(request, target, target.reference, upload, 202)


@serves("uploads", "DELETE")
def cancel_upload(request, target):
    upload, error = find_upload(request, target)
    if error:
        return error
    request.harbor.uploads[target.reference] = None
    return Response(204, None, {**VERSION,
                                "Docker-Upload-Uuid": target.reference})


@serves("uploads", "PUT")
def end_upload(request, target):
    harbor = request.harbor
    digest = request.query.get("digest")
    if not digest:
        raise Refusal(400, "exist blob require digest")
    upload, error = find_upload(request, target)
    if error:
        return error
    project = project_of(harbor, target.name)
    if not images.is_held(harbor, project["id"], digest):
        size = len(request.body) or len(upload.data)
        if size:
            images.request_storage(harbor, project["id"], size)
    data = bytes(upload.data + request.body)
    if digest_of(data) != digest:
        return registry_error(400, "DIGEST_INVALID", "provided digest did "
                              "not match uploaded content",
                              {"Digest": digest, "Reason": {}})
    images.link_blob(harbor, target.name, data, digest)
    harbor.uploads[target.reference] = None
    return stored(request, target, digest)
