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


def copy(source, target, code=0, **options):
    policy = {"stall": "2s", "timeout": "5s", "attempts": 4,
              "base": "1ms", "throttled_base": "1ms", "cap": "20ms"}
    return run_program("once", code=code, config=configuration(
        [endpoint("s", "oci", url=source.url, policy=policy),
         endpoint("t", "oci", url=target.url, policy=policy, **options)],
        [{"name": "st", "source": "s", "target": "t"}]))


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


LARGE = content.make_blob("larger", 12 << 20)
LARGE_NAME = content.digest(LARGE)


def copy_large(target, code=0, **options):
    """Two images with a large layer each; what was sent of them."""
    source = Hostile()
    for number in range(2):
        source.add("app", str(number), content.image(
            f"large{number}", given=[LARGE[number:]]))
    copy(source, target, code, **options)
    for name, data in source.blobs.items():
        same(target.blobs.get(name) == data, True, f"{name} is there")
    same(target.tags("app"), ["0", "1"])
    return target.received_bytes / sum(map(len, source.blobs.values()))


def case_chunks_are_appended_where_that_is_known():
    target = Hostile()
    share = copy_large(target, upload="chunked", chunk_size="5MiB")
    holds(share < 1.01, share)
    same(target.count("PATCH"), 6)


def case_no_patch():
    for status in (404, 405):
        # Chunks as configured turn out to be unknown; then one PUT each.
        target = Hostile(no_patch=status)
        copy_large(target, upload="chunked", chunk_size="5MiB")
        # Two at once may find out at the same time.
        holds(1 <= target.count("PATCH") <= 2, target.count("PATCH"))
        # A broken PUT cannot be gone on with, but begun anew.
        target = Hostile(no_patch=status)
        target.rule("PUT", LARGE_NAME, times=1, cut_after=4 << 20)
        copy_large(target)
        same(target.count("PUT", LARGE_NAME), 2)


def case_of_several_patches_the_last_one_wins():
    target = Hostile(single_patch=True)
    copy_large(target, upload="chunked", chunk_size="5MiB")
    # Found out by those that were under way, and never tried again.
    patches = target.count("PATCH")
    holds(3 <= patches <= 6, patches)
    spoilt = [session for session in target.sessions.values()
              if session.end == "refused"]
    holds(1 <= len(spoilt) <= 2, len(spoilt))


def case_a_single_patch_is_not_gone_on_with_after_a_break():
    target = Hostile(single_patch=True)
    target.rule("PATCH", "", times=1, cut_after=4 << 20)
    copy_large(target, upload="chunked", chunk_size="5MiB")


def case_bodies_that_are_too_large_come_in_smaller_ones():
    limit = 3 << 20
    target = Hostile(body_limit=limit)
    copy_large(target)
    sizes = [int(headers["Content-Length"])
             for method, _, headers in target.requests
             if method in ("PUT", "PATCH") and "Content-Length" in headers]
    # 12 MiB, then chunks of 8, of 4, and of 2: by two at once.
    holds(1 <= sum(size > limit for size in sizes) <= 2 * 3, sizes)
    holds(target.count("PATCH") >= 2 * 12 // 3, sizes)


def case_what_is_left_of_a_broken_upload_is_used():
    target = Hostile(discards_broken_put=True)
    target.rule("PUT", LARGE_NAME, times=1, cut_after=6 << 20)
    target.rule("PATCH", "", times=1, cut_after=1 << 20)
    share = copy_large(target, chunk_size="4MiB")
    holds(share < 1.35, f"{share} of the bytes were sent")
    holds(target.count("PATCH") >= 2, "nothing was sent in chunks")


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
    has(result.out, "team/tool",
        "the repository has to be created there first", "failed 1",
        "changed 4")
    target.create("team/tool")
    copy(source, target)
    is_whole(target)


BASE = content.make_blob("large", 1 << 20)
BASE_NAME = content.digest(BASE)
SHARING = [f"r{number:02}" for number in range(12)]


def fill_sharing(registry):
    """A dozen repositories that share a layer worth waiting for."""
    for name in SHARING:
        registry.add(name, "1", content.image(name, given=[BASE]))
    return registry


def uploads_of(target, name):
    return sum(session.digest == name
               for session in target.sessions.values())


def has_sharing(target, names=None):
    for name in names or SHARING:
        same(target.tags(name), ["1"], name)
        same(target.blobs[name, BASE_NAME], BASE)


def case_mounts_that_want_a_manifest_there():
    source = fill_sharing(Hostile())
    target = Hostile(mount_needs_manifest=True, insists=True)
    copy(source, target, mount="committed")
    has_sharing(target)
    same(uploads_of(target, BASE_NAME), 1, "uploads of the shared layer")
    # Found out by one mount that is refused.
    target = Hostile(mount_needs_manifest=True, insists=True)
    copy(source, target)
    has_sharing(target)
    holds(uploads_of(target, BASE_NAME) <= 2, uploads_of(target, BASE_NAME))


def case_two_layers_that_all_share_may_be_stored_by_two():
    source, target = Hostile(), Hostile(mount_needs_manifest=True)
    other = BASE[::-1]
    for name in SHARING:
        source.add(name, "1", content.image(name, given=[BASE, other]))
    copy(source, target, mount="committed")
    has_sharing(target)
    # One of the two jobs has to upload what the other has stored.
    uploads = [uploads_of(target, name)
               for name in (BASE_NAME, content.digest(other))]
    holds(sum(uploads) <= 3, uploads)


def case_who_waits_for_a_tag_that_fails_goes_on():
    source = fill_sharing(Hostile())
    target = Hostile(mount_needs_manifest=True)
    # The first tag is that of whoever has stored what the others wait for.
    target.rule("PUT", "/manifests/", times=1, status=400, body=b"{}")
    result = copy(source, target, 1, mount="committed")
    has(result.out, "changed 11", "failed 1")
    has_sharing(target, [name for name in SHARING if target.tags(name)])


def case_who_waits_for_a_referrer_goes_on():
    source = fill_sharing(Hostile())
    subject = content.image("subject")
    source.add("q", "subject", subject)
    source.add("q", "sbom", content.image("sbom", given=[BASE],
                                          subject=subject.descriptor))
    # The referrer has stored it before others ask.
    source.rule("GET", "/r[0-9]+/manifests/", drip=1)
    target = Hostile(mount_needs_manifest=True)
    copy(source, target, mount="committed")
    has_sharing(target)
    same(target.tags("q"), ["sbom", "subject"])


def case_mounts_as_configured_and_as_it_turns_out():
    source = fill_sharing(Hostile())
    for quirks, option, uploads in (({}, "auto", 1), ({}, "never", 12),
                                    ({"no_mount": True}, "auto", 12),
                                    ({"no_mount": True}, "committed", 12)):
        target = Hostile(**quirks)
        copy(source, target, mount=option)
        has_sharing(target)
        same(uploads_of(target, BASE_NAME), uploads, f"{quirks} {option}")
        holds(option != "never" or target.count("POST", "mount=") == 0,
              "mounted")


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


def case_a_limit_that_is_announced_is_no_limit_yet():
    source, target = fill(Hostile()), Hostile()
    for method in ("GET", "HEAD"):
        source.rule(method, "/manifests/", header={
            "ratelimit-limit": "100;w=21600",
            "ratelimit-remaining": "76;w=21600",
            "docker-ratelimit-source": "192.0.2.1"})
    copy(source, target)
    is_whole(target)


def case_too_many_requests_are_made_later_and_none_is_lost():
    source, target = Hostile(), Hostile()
    source.add("app", "1", content.image("many"))
    for method, place in (("POST", "/uploads/"), ("PUT", "/manifests/")):
        target.rule(method, place, times=1, status=429,
                    headers={"Retry-After": "1"}, body=json.dumps(
                        {"errors": [{"code": "TOOMANYREQUESTS",
                                     "message": "Rate exceeded"}]}).encode())
    copy(source, target)
    same(target.manifests, source.manifests)
    same(target.blobs, source.blobs)
    # Nothing was asked again before its time.
    came = [when for when, (method, place, _) in zip(
        target.times, target.requests) if "/manifests/1" in place
        and method == "PUT"]
    holds(len(came) == 2 and came[1] - came[0] >= 1, came)


def fill_twins(registry):
    for tag in ("1", "1.0", "1.0.0", "latest"):
        registry.add("lib", tag, content.index("twins"))
    registry.add("other", "1", content.index("twins"))
    return registry


def case_tags_of_one_artifact_cost_no_more_than_the_tag():
    source, target = fill_twins(Hostile()), Hostile()
    copy(source, target)
    same(target.tags("lib"), ["1", "1.0", "1.0.0", "latest"])
    same(target.manifests, source.manifests)
    # An index and its three images, in two repositories.
    same(source.count("GET", "/manifests/"), 2 * 4, "fetches")
    same(target.count("PUT", "/lib/manifests/"), 3 + 4, "writes")
    is_unchanged(source, target)


def case_when_one_of_them_fails_another_brings_the_artifact():
    source, target = fill_twins(Hostile()), Hostile()
    target.rule("PUT", "/lib/manifests/sha256", times=1, status=400,
                body=b"{}")
    result = copy(source, target, 1)
    has(result.out, "changed 4", "failed 1")
    same(len(target.tags("lib")), 3)


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


def case_an_object_store_that_breaks_off_is_asked_for_the_rest():
    store = ObjectStore()
    store.cuts = [5 << 20, 3 << 20]
    source = Hostile(object_store=store, wants_tokens=True)
    image = content.image("stored", layers=0, given=[LARGE])
    source.add("app", "1", image)
    target = Hostile()
    copy(source, target)
    same(target.blobs["app", LARGE_NAME] == LARGE, True, "the blob")
    same(store.refused, 0, "refused by the store")
    same(store.sent_bytes, sum(map(len, image.blobs.values())), "bytes sent")
    ranges = [headers["Range"] for _, place, headers in store.requests
              if "Range" in headers]
    same(len(ranges), 2)


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
