# SPDX-License-Identifier: LGPL-2.1-or-later
"""What well-known registries do differently, each as source or as target."""
import json

import content
from harness import (configuration, endpoint, has, holds, run, run_program,
                     same)
from hostile import Hostile
from hostile_access import ObjectStore

# Several layers, some of them shared, and a tag of every shape.
IMAGES = {("team/app", "1"): content.image("app1", shared=["base"]),
          ("team/app", "2"): content.image("app2", shared=["base"]),
          ("team/tool", "1"): content.image("tool", shared=["base"]),
          ("team/multi", "1"): content.index("multi"),
          ("old", "1"): content.image("old", docker=True)}


def fill(registry):
    for (repository, tag), artifact in IMAGES.items():
        registry.add(repository, tag, artifact)
    return registry


def config(source, target, **policy):
    policy = {"stall": "2s", "timeout": "5s", "attempts": 4, **policy}
    return configuration(
        [endpoint("s", "oci", url=source.url, policy=policy),
         endpoint("t", "oci", url=target.url, policy=policy)],
        [{"name": "st", "source": "s", "target": "t"}])


def copy(source, target, code=0, **policy):
    return run_program("once", config=config(source, target, **policy),
                       code=code)


def is_whole(target):
    """Every artifact is there, byte for byte, with all that it needs."""
    for (repository, tag), artifact in IMAGES.items():
        same(target.manifests.get((repository, tag)), artifact.manifests[-1],
             f"{repository}:{tag}")
        for kind, data in artifact.manifests:
            same(target.manifests.get((repository, content.digest(data))),
                 (kind, data))
        for name, data in artifact.blobs.items():
            same(target.blobs.get((repository, name)), data,
                 f"blob of {repository}")


def is_unchanged(source, target, fetches=False):
    """Another pass writes nothing, and fetches no manifest of the target
    unless it has to."""
    seen = len(target.requests)
    has(copy(source, target).out, "changed 0", "failed 0")
    for method, place, _ in target.requests[seen:]:
        holds(method == "HEAD" or method == "GET" and
              (fetches or "/manifests/" not in place), (method, place))


def case_without_quirks_everything_comes():
    source, target = fill(Hostile()), Hostile(insists=True)
    copy(source, target)
    is_whole(target)
    is_unchanged(source, target)


# ---- Harbor


def case_a_tag_that_a_policy_blocks_fails_alone():
    source, target = fill(Hostile()), Hostile()
    source.rule("HEAD", "/team/app/manifests/1", status=412)
    source.rule("GET", "/team/app/manifests/1", status=412, body=json.dumps(
        {"errors": [{"code": "PROJECTPOLICYVIOLATION",
                     "message": "current image with 9 vulnerabilities"}]}
    ).encode())
    result = copy(source, target, 1)
    has(result.out, "team/app:1", "failed 1", "changed 4")
    same(target.tags("team/app"), ["2"])


def case_rights_that_are_quietly_reduced_are_told():
    source = fill(Hostile())
    target = Hostile(wants_tokens=True, withholds=("push",))
    result = copy(source, target, 1)
    has(result.out, "HTTP 401", "failed 5")
    same(target.sessions, {})
    asked = [place for method, place, _ in target.requests
             if method == "POST"]
    blobs = sum(len(artifact.blobs) for artifact in IMAGES.values())
    holds(len(asked) <= 2 * blobs, f"{len(asked)} tries for {blobs} blobs")


# ---- distribution


def case_upload_addresses_may_be_absolute():
    source, target = fill(Hostile()), Hostile()
    target.absolute_locations = True
    copy(source, target)
    is_whole(target)


# ---- Amazon ECR


def case_a_tag_that_is_immutable_but_right_is_no_failure():
    source = fill(Hostile())
    for status in (400, 409, 412):
        target = Hostile(immutable_tags=status)
        target.rule("PUT", "/team/app/manifests/1$", times=1,
                    store_and_drop=True)
        result = copy(source, target)
        has(result.out, "changed 5", "failed 0")
        same(target.count("PUT", "/team/app/manifests/1$"), 2, "PUTs")
        is_whole(target)


def case_a_tag_that_is_immutable_and_another_fails_alone():
    source, target = fill(Hostile()), Hostile(immutable_tags=True)
    target.add("team/app", "1", content.image("another"))
    result = copy(source, target, 1)
    has(result.out, "tag is immutable", "failed 1", "changed 4")
    same(target.manifests["team/app", "1"][1],
         content.image("another").bytes)


def case_repositories_that_have_to_be_created_are_named():
    source, target = fill(Hostile()), Hostile(repository_must_exist=True)
    for name in ("team/app", "team/multi", "old"):
        target.create(name)
    result = copy(source, target, 1)
    has(result.out, "team/tool", "create the repository", "failed 1",
        "changed 4")
    target.create("team/tool")
    copy(source, target)
    is_whole(target)


# ---- Docker Hub


def case_manifests_that_are_counted_are_fetched_once():
    source, target = fill(Hostile()), Hostile()
    copy(source, target)
    manifests = {content.digest(data) for artifact in IMAGES.values()
                 for _, data in artifact.manifests}
    same(source.count("GET", "/manifests/"), len(manifests), "fetches")
    seen = source.count("GET", "/manifests/")
    is_unchanged(source, target)
    same(source.count("GET", "/manifests/"), seen, "fetches when unchanged")


# ---- cgr.dev


def case_tokens_are_never_used_for_another_scope():
    source = fill(Hostile(wants_tokens=True, exact_tokens=True))
    target = Hostile(wants_tokens=True, exact_tokens=True)
    copy(source, target)
    is_whole(target)
    is_unchanged(source, target)


# ---- object stores


def case_an_object_store_gets_nothing_that_is_not_its_own():
    store = ObjectStore()
    source = fill(Hostile(object_store=store, wants_tokens=True))
    target = Hostile()
    copy(source, target)
    is_whole(target)
    same(store.refused, 0, "refused by the store")
    blobs = {name for artifact in IMAGES.values() for name in artifact.blobs}
    same(len(store.requests), len(blobs), "reads")


def case_blobs_that_a_target_keeps_elsewhere_are_found():
    source = fill(Hostile())
    store = ObjectStore()
    target = Hostile(object_store=store)
    copy(source, target)
    target.manifests.clear()
    sessions = len(target.sessions)
    target.created = {repository for repository, _ in IMAGES}
    copy(source, target)
    is_whole(target)
    same(len(target.sessions), sessions, "uploads")


# ---- any


def case_no_digest_in_answers():
    source, target = (fill(Hostile(no_digest_header=True)),
                      Hostile(no_digest_header=True))
    copy(source, target)
    is_whole(target)
    is_unchanged(source, target, fetches=True)


def case_no_head_at_all():
    source, target = fill(Hostile(no_head=True)), Hostile(no_head=True)
    target.add("team/app", "0", content.image("app0", shared=["base"]))
    copy(source, target)
    is_whole(target)
    is_unchanged(source, target, fetches=True)


def case_no_mounts():
    source, target = fill(Hostile()), Hostile(no_mount=True)
    copy(source, target)
    is_whole(target)
    posts = target.count("POST", "/blobs/uploads/")
    same(len(target.sessions), posts, "a session each")
    same(posts, target.count("PUT", "/blobs/uploads/"), "one request more")


def case_parts_of_blobs_that_are_not_to_be_had():
    source, target = fill(Hostile(no_range=True)), Hostile()
    name = content.digest(content.make_blob("base", 2000))
    source.rule("GET", name, times=1, truncate=700)
    copy(source, target)
    is_whole(target)
    same(source.count("GET", name), 2)


if __name__ == "__main__":
    run(globals())
