# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registries that fail, stall and lie: one bad tag, one clear sentence."""
import json

import content
from harness import (configuration, endpoint, free_port, has, holds, path, run,
                     run_program, same)
from hostile import Hostile

QUICK = {"stall": "2s", "timeout": "2s", "attempts": 2}


def pair():
    """A good source of two tags, and an empty target."""
    source, target = Hostile(), Hostile()
    source.add("app", "bad", content.image("bad"))
    source.add("app", "good", content.image("good"))
    return source, target


def config(source, target, **policy):
    policy = {**QUICK, **policy}
    return configuration(
        [endpoint("s", "oci", url=source.url, policy=policy),
         endpoint("t", "oci", url=target.url, policy=policy)],
        [{"name": "st", "source": "s", "target": "t"}])


def blob_of(source, tag):
    """The digest of a layer of a tag."""
    _, manifest = source.manifests["app", tag]
    return json.loads(manifest)["layers"][0]["digest"]


def copy(source, target, code, **policy):
    return run_program("once", config=config(source, target, **policy),
                       code=code)


def only_good_came(source, target, result):
    """One bad tag never stops the others."""
    same(target.tags("app"), ["good"], "tags on the target")
    same(target.manifests["app", "good"], source.manifests["app", "good"])
    holds("failed 1" in result.out, result.out)


def case_bytes_that_do_not_match_their_digest_are_not_published():
    source, target = pair()
    blob = blob_of(source, "bad")
    source.rule("GET", blob, corrupt=True)
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, blob[:19], "do not match")
    holds(("app", blob) not in target.blobs, "the blob was published")


def case_bytes_beyond_the_size_are_not_published():
    source, target = pair()
    blob = blob_of(source, "bad")
    source.rule("GET", blob, extra=50000)
    only_good_came(source, target, copy(source, target, 1))
    holds(("app", blob) not in target.blobs, "the blob was published")


def case_a_blob_that_is_shorter_than_announced_is_not_published():
    source, target = pair()
    blob = blob_of(source, "bad")
    source.blobs["app", blob] = source.blobs["app", blob][:-1]
    only_good_came(source, target, copy(source, target, 1))


def case_a_manifest_that_does_not_match_its_digest_is_refused():
    source, target = pair()
    _, manifest = source.manifests["app", "bad"]
    source.rule("GET", content.digest(manifest), corrupt=True)
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, "digest")


def case_a_manifest_over_4_mib_is_refused():
    source, target = pair()
    _, manifest = source.manifests["app", "bad"]
    source.rule("GET", content.digest(manifest), body=b"{" * (5 << 20))
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, "larger than 4.0 MiB")


def replace_manifest(source, data):
    source.manifests["app", "bad"] = (content.MANIFEST, data)
    source.manifests["app", content.digest(data)] = (content.MANIFEST, data)


def case_malformed_json_is_refused():
    source, target = pair()
    replace_manifest(source, b'{"schemaVersion": 2, ')
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, "malformed JSON at line 1")


def case_json_that_is_too_deep_is_refused():
    source, target = pair()
    replace_manifest(source, b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}")
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, "64 deep")


def case_an_index_that_contains_itself_is_refused():
    source, target = pair()
    # No index can hold its own digest, but a liar may serve one as its child.
    child = content.image("child")
    index = content.encode({
        "schemaVersion": 2, "mediaType": content.INDEX,
        "manifests": [child.descriptor]})
    for reference in ("bad", content.digest(index), child.digest):
        source.manifests["app", reference] = (content.INDEX, index)
    result = copy(source, target, 1)
    only_good_came(source, target, result)


def case_indexes_nested_too_deep_are_refused():
    source, target = pair()
    inner = content.image("leaf")
    source.add("app", "leaf", inner)
    for _ in range(6):
        data = content.encode({"schemaVersion": 2,
                               "mediaType": content.INDEX,
                               "manifests": [inner.descriptor]})
        inner = content.Artifact([(content.INDEX, data)], {})
        source.manifests["app", inner.digest] = (content.INDEX, data)
    source.manifests["app", "bad"] = inner.manifests[0]
    del source.manifests["app", "leaf"]
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, "nested")


def case_a_tag_that_vanishes_after_the_list_is_skipped():
    source, target = pair()
    source.rule("HEAD", "/manifests/bad", status=404)
    result = copy(source, target, 0)
    same(target.tags("app"), ["good"])
    has(result.out, "skipped 1, failed 0")
    has(result.err, "vanished")


def case_a_manifest_that_vanishes_before_the_copy_is_skipped():
    source, target = pair()
    _, manifest = source.manifests["app", "bad"]
    source.rule("GET", content.digest(manifest), status=404)
    result = copy(source, target, 0)
    same(target.tags("app"), ["good"])
    has(result.out, "skipped 1, failed 0", "vanished")


def case_a_source_that_closes_in_mid_body_is_asked_again():
    source, target = pair()
    blob = blob_of(source, "bad")
    source.rule("GET", blob, times=1, truncate=700)
    copy(source, target, 0)
    same(target.tags("app"), ["bad", "good"])
    same(source.count("GET", blob), 2)


def case_a_source_that_always_closes_in_mid_body_fails_the_tag():
    source, target = pair()
    source.no_range = True
    blob = blob_of(source, "bad")
    source.rule("GET", blob, truncate=700)
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, "700 of 2000 bytes")


def case_a_source_that_closes_again_and_again_sends_each_byte_once():
    source, target = pair()
    blob = blob_of(source, "bad")
    copy(source, target, 0)
    whole = source.sent_bytes
    target = Hostile()
    source.rule("GET", blob, truncate=700)
    copy(source, target, 0, attempts=4)
    same(target.tags("app"), ["bad", "good"])
    same(source.count("GET", blob), 1 + 3, "reads")
    same(source.sent_bytes, 2 * whole, "bytes")


def case_an_upload_that_is_refused_half_way_fails_the_tag():
    source, target = Hostile(), Hostile()
    source.add("app", "bad", content.image("bad", size=3000000, layers=1))
    source.add("app", "good", content.image("good"))
    blob = blob_of(source, "bad")
    target.rule("PUT", blob, refuse_after=100000, status=413)
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, "413")


def case_a_server_that_never_answers_is_given_up():
    source, target = pair()
    blob = blob_of(source, "bad")
    source.rule("GET", blob, hang=True)
    result = copy(source, target, 1)
    only_good_came(source, target, result)


def case_a_server_that_stalls_in_mid_body_is_given_up():
    source, target = pair()
    blob = blob_of(source, "bad")
    source.rule("GET", blob, truncate=700, hang=True)
    result = copy(source, target, 1)
    only_good_came(source, target, result)


def case_passing_failures_are_tried_again():
    source, target = pair()
    source.rule("HEAD", "/manifests/", times=2, status=503)
    source.rule("GET", "/manifests/", times=1, status=500)
    target.rule("HEAD", "/blobs/", times=1, status=429,
                headers={"Retry-After": "1"})
    target.rule("PUT", "/manifests/", times=1, drop=True)
    result = copy(source, target, 0, attempts=4)
    same(target.tags("app"), ["bad", "good"])
    holds("retried 0" not in result.out, result.out)


def case_what_is_refused_for_good_is_not_tried_again():
    source, target = pair()
    target.rule("PUT", "/manifests/bad", status=400, body=json.dumps(
        {"errors": [{"code": "MANIFEST_INVALID",
                     "message": "no such shape"}]}).encode())
    result = copy(source, target, 1, attempts=4)
    only_good_came(source, target, result)
    same(target.count("PUT", "/manifests/bad"), 1)
    has(result.out, "MANIFEST_INVALID: no such shape")


def case_an_unreachable_host_is_named():
    source, target = pair()
    text = config(source, target).replace(str(target.port),
                                          str(free_port()))
    result = run_program("once", config=text, code=2)
    has(result.err, "target t", "connect")
    same(source.count("GET", "/blobs/"), 0)


def case_something_that_is_no_registry_is_named():
    source, target = pair()
    target.rule("GET", "^/v2/$", status=404)
    has(copy(source, target, 2).err, "not look like a registry")


def case_a_partial_list_is_never_taken_for_the_whole():
    source, target = pair()
    for number in range(25):
        source.add("app", f"t{number:02}", content.image(f"t{number}"))
    source.page = 10
    source.rule("GET", "last=", status=500)
    result = copy(source, target, 1)
    same(target.tags("app"), [])
    has(result.out, "failed 1", "app")


def case_lists_of_many_pages_are_followed():
    source, target = Hostile(), Hostile()
    for number in range(25):
        source.add(f"repo{number:02}", "x", content.image("same"))
        source.add("many", f"t{number:02}", content.image(f"t{number}"))
    source.page = 10
    result = copy(source, target, 0)
    has(result.out, "checked 50, changed 50")
    same(len(target.tags("many")), 25)


def case_a_page_that_links_elsewhere_is_not_followed():
    source, target = pair()
    other = Hostile()
    source.rule("GET", "/tags/list", header={
        "Link": f'<{other.url}/v2/app/tags/list?n=1>; rel="next"'})
    result = copy(source, target, 1)
    has(result.out, "another host")
    same(other.requests, [])


def case_a_page_that_links_to_itself_ends():
    source, target = pair()
    source.rule("GET", "/tags/list", header={
        "Link": '</v2/app/tags/list?n=1000>; rel="next"'})
    has(copy(source, target, 1).out, "the list does not end")


def case_a_bad_name_in_a_list_is_refused():
    source, target = pair()
    source.rule("GET", "_catalog",
                body=b'{"repositories": ["app", "../../etc"]}')
    has(copy(source, target, 2).err, "../../etc", "no valid repository name")


def case_an_upload_elsewhere_gets_nothing():
    source, target = pair()
    other = Hostile()
    target.rule("POST", "/uploads/", header={
        "Location": f"{other.url}/v2/app/blobs/uploads/1"})
    result = copy(source, target, 1)
    has(result.out, "another host")
    same(other.requests, [])


def case_credentials_do_not_follow_a_redirect_to_another_host():
    source, target = pair()
    other = Hostile()
    other.add("app", "bad", content.image("bad"))
    blob = blob_of(source, "bad")
    source.rule("GET", blob, redirect=f"{other.url}/v2/app/blobs/{blob}")
    text = config(source, target).replace(
        f'url = "{source.url}";',
        f'url = "{source.url}"; username = "u"; password = "env:TEST_P";')
    run_program("once", config=text, env={"TEST_P": "canary"}, code=0)
    same(target.tags("app"), ["bad", "good"])
    same(len(other.requests), 1)
    holds("Authorization" not in other.requests[0][2], other.requests)
    holds(any("Authorization" in headers
              for _, _, headers in source.requests), "no login at all")


def case_a_registry_without_digest_headers_is_understood():
    source, target = pair()
    source.rule("HEAD", "/manifests/", header={"Docker-Content-Digest": None})
    copy(source, target, 0)
    same(target.tags("app"), ["bad", "good"])


def case_a_registry_without_head_is_understood():
    source, target = pair()
    source.rule("HEAD", "/manifests/", status=405)
    copy(source, target, 0)
    same(target.tags("app"), ["bad", "good"])


def case_a_failed_subject_blocks_its_referrer_and_nothing_else():
    source, target = pair()
    subject = content.Artifact([source.manifests["app", "bad"]], {})
    source.add("app", "sbom", content.referrer("sbom", subject))
    source.rule("GET", blob_of(source, "bad"), status=400)
    result = copy(source, target, 1)
    same(target.tags("app"), ["good"])
    has(result.out, "blocked", "failed 2")


def case_limits_hold_at_the_server():
    source, target = Hostile(), Hostile()
    for number in range(40):
        source.add("app", f"t{number}", content.image(f"t{number}"))
    copy(source, target, 0, requests=3, transfers=2)
    # Four tiny blobs take the place of one.
    most = 3 + 2 * 4
    holds(source.most_running <= most, source.most_running)
    holds(target.most_running <= most, target.most_running)
    same(len(target.tags("app")), 40)


def case_an_empty_blob_is_copied():
    source, target = Hostile(), Hostile()
    source.add("app", "empty", content.image("e", size=0, layers=1))
    copy(source, target, 0)
    same(target.tags("app"), ["empty"])


if __name__ == "__main__":
    run(globals())
