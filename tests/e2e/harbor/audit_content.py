# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the audit log says of content: artifacts and tags that come and go,
repositories that go, and every pull.

An artifact is called by its tag when it comes, by its digest when it goes.
"""
from . import audits, v2_access
from .artifacts import ARTIFACT, ARTIFACTS, REPOSITORY, repository_name
from .routes import watches

V2 = "/v2/{rest:rest}"


def artifacts_of(harbor, name):
    """{id: digest} of what is in a repository; nothing if there is none."""
    row = harbor.table("repository").find(name=name)
    if row is None:
        return {}
    return {one["id"]: one["digest"] for one in
            harbor.table("artifact").select(repository_id=row["id"])}


def project_id(request, name):
    return request.harbor.table("project").find(
        name=name.partition("/")[0])["id"]


def note_made(request, name, reference=None):
    """For requests that may add artifacts to a repository: one by the
    reference it was pushed by, others by a tag of theirs."""
    harbor = request.harbor
    before = artifacts_of(harbor, name)

    def note(_response):
        for number, digest in artifacts_of(harbor, name).items():
            if number not in before:
                tag = harbor.table("tag").find(artifact_id=number)
                called = reference or (tag["name"] if tag else digest)
                audits.record(request, "create", "artifact",
                              f"{name}:{called}", project_id(request, name))
    return note


def note_removed(request, name, with_repository=False):
    """For requests that may remove artifacts, all at the same moment."""
    harbor = request.harbor
    before = artifacts_of(harbor, name)

    def note(_response):
        at_ms = harbor.now_ms()
        number = project_id(request, name)
        if with_repository:
            audits.record(request, "delete", "repository", name, number,
                          at_ms)
        after = artifacts_of(harbor, name)
        for artifact, digest in before.items():
            if artifact not in after:
                audits.record(request, "delete", "artifact",
                              f"{name}:{digest}", number, at_ms)
    return note


@watches("DELETE", REPOSITORY)
def note_deleted_repository(request):
    return note_removed(request, repository_name(request), True)


@watches("DELETE", ARTIFACT)
def note_deleted_artifact(request):
    return note_removed(request, repository_name(request))


@watches("POST", ARTIFACTS)
def note_copy(request):
    return note_made(request, repository_name(request))


@watches("POST", ARTIFACT + "/tags")
def note_new_tag(request):
    name = repository_name(request)
    return lambda _response: audits.record(
        request, "create", "tag", f"{name}:{request.content['name']}",
        project_id(request, name))


@watches("DELETE", ARTIFACT + "/tags/{tag_name}")
def note_deleted_tag(request):
    name = repository_name(request)
    return lambda _response: audits.record(
        request, "delete", "tag", f"{name}:{request.params['tag_name']}",
        project_id(request, name))


def manifest_of(request):
    """The target of a request for a manifest, None for another."""
    target = v2_access.read_path(request.path)
    return target if target and target.kind == "manifests" else None


@watches("PUT", V2)
def note_push(request):
    target = manifest_of(request)
    return target and note_made(request, target.name, target.reference)


@watches("DELETE", V2)
def note_deleted_manifest(request):
    target = manifest_of(request)
    return target and note_removed(request, target.name)


@watches("GET", V2)
def note_pull(request):
    target = manifest_of(request)
    return target and (lambda response: response.status == 200 and
                       audits.record(request, "pull", "artifact",
                                     f"{target.name}:{target.reference}",
                                     project_id(request, target.name)))
