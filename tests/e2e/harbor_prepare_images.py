# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that recorded scenarios rely on and that no recorded request pushes.

Of some nothing but what Harbor shows is known: they have a row and no bytes.
"""
import base64
import json
import os

from harbor import (audits, images, manifests, replication_runs,
                    v2_manifests)
from harbor_prepare import before

IMAGE_BYTES = 401 + 345 + 110
PUSHED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "harbor",
                      "recordings", "registry-v2.jsonl")
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def push(harbor, name, tag, config, layer):
    """An image as the recordings make them, of these bytes."""
    def describe(data, kind):
        images.link_blob(harbor, name, data, manifests.digest_of(data))
        return {"mediaType": kind, "digest": manifests.digest_of(data),
                "size": len(data)}
    value = {"schemaVersion": 2, "mediaType": manifests.IMAGE,
             "config": describe(config, manifests.CONFIGS[0]),
             "layers": [describe(layer, LAYER)]}
    data = json.dumps(value, separators=(",", ":")).encode()
    manifest = manifests.read_manifest(manifests.IMAGE, data)
    images.link_blob(harbor, name, data, manifest.digest)
    row = v2_manifests.ensure_artifact(
        harbor, images.ensure_repository(harbor, name), manifest)
    images.put_tag(harbor, row, tag)


def push_first(harbor, name, tag):
    """The image that the scenario of the registry pushes."""
    with open(PUSHED, encoding="utf-8") as file:
        bodies = [json.loads(line)["request"]["body"] for line in file]
    push(harbor, name, tag, bodies[38]["text"].encode(),
         base64.b64decode(bodies[35]["base64"]))


def show(harbor, name, tag, digest, seed):
    """An image that is only looked at."""
    repository = images.ensure_repository(harbor, name)
    row = harbor.table("artifact").insert(
        project_id=repository["project_id"], repository_id=repository["id"],
        digest=digest, type="IMAGE", media_type=manifests.CONFIGS[0],
        manifest_media_type=manifests.IMAGE,
        artifact_type=manifests.CONFIGS[0], icon=manifests.ICONS["IMAGE"],
        size=IMAGE_BYTES, annotations=None, children=[], blobs=frozenset(),
        push_ms=harbor.now_ms(), pull_ms=None, extra={
            "architecture": "amd64", "author": "nobody",
            "config": {"Cmd": ["/hello"], "Env": ["A=1"],
                       "Labels": {"seed": seed}},
            "created": "2026-01-02T03:04:05Z", "os": "linux"})
    images.put_tag(harbor, row, tag)


@before("artifacts", 94)
def pulls_are_counted_later(replay):
    replay.harbor("A").holds_pulls = True


@before("artifacts", 120)
def pulls_are_counted_now(replay):
    replay.harbor("A").holds_pulls = False
    images.count_pulls(replay.harbor("A"))


@before("artifacts", 130)
def an_image_that_is_immutable(replay):
    harbor = replay.harbor("A")
    harbor.table("tag").last_id = 16
    show(harbor, "team/app", "v7", "sha256:aad26f14b4c49c586edc9214bc61a3a6"
                                   "119001dd4c668b08055e75a66bb53061", "7")


@before("artifacts", 165)
def an_image_upstream(replay):
    """Its parts are what the later steps show."""
    shown = {step["step"]: step["response"]["body"]
             for step in replay.steps if step["step"] in (167, 168)}
    push(replay.harbor("B"), "src/app", "v1", shown[167]["text"].encode(),
         base64.b64decode(shown[168]["base64"]))


@before("registry-v2", 88)
@before("registry-v2", 89)
def an_old_location(replay):
    name, upload = next(iter(reversed(replay.harbor("A").uploads.items())))
    replay.states = {name: upload.states[1]}


@before("registry-v2", 90)
def the_newest_location(replay):
    name, upload = next(iter(reversed(replay.harbor("A").uploads.items())))
    replay.states = {name: upload.states[-1]}


@before("registry-v2", 151)
def another_image(replay):
    show(replay.harbor("A"), "open/a/b/c", "v9",
         "sha256:8bab154a8670e298115a424dd6f19e62"
         "28a5f5d76b70723470f66e76f92c0e59", "9")


@before("projects", 120)
def a_repository_in_the_way(replay):
    push_first(replay.harbor("A"), "p1/app", "v1")


@before("read-only", 4)
def an_image_of_before(replay):
    push_first(replay.harbor("A"), "team/app", "v1")


@before("audit-log", 10)
def an_image_that_is_logged(replay):
    harbor = replay.harbor("A")
    push_first(harbor, "team/app", "v1")
    audits.write(harbor, "admin", "create", "artifact", "team/app:v1", 2)


@before("replication-policies", 36)
def images_to_replicate(replay):
    """Policies that waited for events ran before; they are not shown."""
    harbor = replay.harbor("A")
    for name, tag in (("team/a/b", "v1"), ("team/app", "v1"),
                      ("team/app", "x1")):
        push_first(harbor, name, tag)
    for name in ("execution", "task"):
        harbor.table(name).last_id = 5


@before("replication-policies", 37)
def runs_begin_later(replay):
    replay.harbor("A").jobs_go.clear()


@before("replication-policies", 39)
def the_run_has_ended(replay):
    replication_runs.wait_for_jobs(replay.harbor("A"))
