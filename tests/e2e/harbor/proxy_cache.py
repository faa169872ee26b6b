# SPDX-License-Identifier: LGPL-2.1-or-later
"""Projects that show what another registry has, and keep what was pulled.

    client -> GET tag -> upstream -> client     the first time, as it comes
                            `-> repository      then served like any other

The first answers are not those of a registry: the digest of a manifest is
missing when it was asked for by tag, and the type of a blob is guessed.
"""
from . import images
from .addresses import ask
from .manifests import read_manifest
from .remotes import basic
from .v2_access import serves
from .v2_blobs import get_blob, project_of
from .wire import Refusal, Response

ACCEPT = ("application/vnd.oci.image.manifest.v1+json, "
          "application/vnd.oci.image.index.v1+json, "
          "application/vnd.docker.distribution.manifest.v2+json, "
          "application/vnd.docker.distribution.manifest.list.v2+json")


class Upstream:
    """The registry behind a proxy cache project."""

    def __init__(self, harbor, project):
        self.harbor = harbor
        row = harbor.table("registry").get(project["registry_id"])
        self.url = row["url"]
        self.headers = {"Accept": ACCEPT, **basic(row)}

    def ask(self, method, name, kind, reference):
        """The answer, None if it is not there or nobody answers.  Others go
        on meanwhile: it may be another proxy that asks this one."""
        self.harbor.lock.release()
        try:
            answer = ask(self.harbor, method,
                         f"{self.url}/v2/{name}/{kind}/{reference}",
                         self.headers)
        except OSError:
            return None
        finally:
            self.harbor.lock.acquire()
        return answer if answer.status == 200 else None


def remote(request, target):
    project = project_of(request.harbor, target.name)
    return Upstream(request.harbor, project), target.name.partition("/")[2]


def is_cached(harbor, target):
    try:
        return images.find_artifact(harbor, target.name, target.reference)
    except Refusal:
        return None


def get_manifest(request, target, serve):
    """A tag that is kept is asked for upstream whether it has moved."""
    harbor = request.harbor
    upstream, name = remote(request, target)
    cached = is_cached(harbor, target)
    by_digest = images.is_digest(target.reference)
    if cached and by_digest:
        return serve(request, target)
    answer = upstream.ask("HEAD", name, "manifests", target.reference)
    if answer is None and cached:
        return serve(request, target)
    if answer is None:
        kind = "digest" if by_digest else "tag"
        raise Refusal(404, f"resource not found: repo {target.name}, {kind} "
                           f"{target.reference} not found")
    digest = answer.headers["Docker-Content-Digest"]
    if cached and cached["digest"] == digest:
        return serve(request, target)
    media_type = answer.headers["Content-Type"]
    if request.method == "HEAD":
        return Response(200, b"", {"Docker-Content-Digest": digest,
                                   "Etag": digest}, media_type,
                        length=int(answer.headers["Content-Length"]))
    answer = upstream.ask("GET", name, "manifests", target.reference)
    keep_manifest(harbor, upstream, name, target, media_type, answer.body)
    shown = digest if by_digest else ""
    return Response(200, answer.body, {"Docker-Content-Digest": shown,
                                       "Etag": shown}, media_type,
                    chunked=False)


def keep_manifest(harbor, upstream, name, target, media_type, data):
    """Harbor does so behind the scenes; what it needs comes along.  The pull
    that brought it counts."""
    manifest = read_manifest(media_type, data)
    repository = images.ensure_repository(harbor, target.name)
    for digest in manifest.needs:
        if manifest.is_index:
            continue
        answer = upstream.ask("GET", name, "blobs", digest)
        if answer is not None:
            images.link_blob(harbor, target.name, answer.body, digest)
    images.link_blob(harbor, target.name, data, manifest.digest)
    row = harbor.table("artifact").find(repository_id=repository["id"],
                                        digest=manifest.digest)
    if row is None:
        row = harbor.table("artifact").insert(
            push_ms=harbor.now_ms(), pull_ms=None,
            **manifest.columns(harbor, repository))
    if not images.is_digest(target.reference):
        images.put_tag(harbor, row, target.reference)
    images.note_pull(harbor, row, target.reference)


@serves("blobs", "GET")
def get_any_blob(request, target):
    harbor = request.harbor
    if not project_of(harbor, target.name)["registry_id"]:
        return get_blob(request, target)
    upstream, name = remote(request, target)
    answer = upstream.ask("GET", name, "blobs", target.reference)
    if answer is None:
        return get_blob(request, target)
    return Response(200, answer.body, content_type=sniff(answer.body),
                    chunked=False)


def sniff(data):
    """The type as Go guesses it from the first bytes."""
    if data.startswith(b"\x1f\x8b\x08"):
        return "application/x-gzip"
    text = data[:512]
    if any(one < 9 or 13 < one < 27 or 27 < one < 32 for one in text):
        return "application/octet-stream"
    return "text/plain; charset=utf-8"
