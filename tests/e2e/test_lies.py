# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registries that say one thing and mean another, and how much of it we
believe."""
import json

import content
from harness import (configuration, endpoint, has, holds, run, run_program,
                     same)
from hostile import Hostile


def pair():
    source, target = Hostile(), Hostile()
    source.add("app", "bad", content.image("bad"))
    source.add("app", "good", content.image("good"))
    return source, target


def config(source, target, select=None, **policy):
    policy = {"stall": "2s", "timeout": "5s", "attempts": 2, **policy}
    more = {"select": select} if select else {}
    return configuration(
        [endpoint("s", "oci", url=source.url, policy=policy),
         endpoint("t", "oci", url=target.url, policy=policy)],
        [{"name": "st", "source": "s", "target": "t", **more}])


def copy(source, target, code, **settings):
    return run_program("once", config=config(source, target, **settings),
                       code=code)


def layers_of(source, tag):
    _, manifest = source.manifests["app", tag]
    return [layer["digest"] for layer in json.loads(manifest)["layers"]]


def only_good_came(source, target, result):
    same(target.tags("app"), ["good"], "tags on the target")
    same(target.manifests["app", "good"], source.manifests["app", "good"])
    has(result.out, "failed 1")


def replace_manifest(source, value, media_type=content.MANIFEST):
    data = value if isinstance(value, bytes) else content.encode(value)
    source.manifests["app", "bad"] = (media_type, data)
    source.manifests["app", content.digest(data)] = (media_type, data)


def case_a_head_that_names_another_digest_is_found_out():
    source, target = pair()
    other = "sha256:" + "0" * 64
    source.rule("HEAD", "/manifests/bad",
                header={"Docker-Content-Digest": other})
    _, manifest = source.manifests["app", "bad"]
    source.manifests["app", other] = (content.MANIFEST, manifest)
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, content.digest(manifest))


def case_a_target_that_stored_something_else_is_found_out():
    source, target = pair()
    target.rule("PUT", "/manifests/bad", header={
        "Docker-Content-Digest": "sha256:" + "0" * 64})
    result = copy(source, target, 1)
    has(result.out, "app:bad", "failed 1")


def case_a_content_length_that_is_too_long_is_found_out():
    source, target = pair()
    blob = layers_of(source, "bad")[0]
    source.rule("GET", blob, length=5000, truncate=2000)
    only_good_came(source, target, copy(source, target, 1))
    holds(("app", blob) not in target.blobs, "the blob was published")


def case_a_content_length_that_is_too_short_is_found_out():
    source, target = pair()
    blob = layers_of(source, "bad")[0]
    source.rule("GET", blob, length=1000)
    only_good_came(source, target, copy(source, target, 1))
    holds(("app", blob) not in target.blobs, "the blob was published")


def case_words_of_a_registry_cannot_drive_a_terminal():
    source, target = pair()
    target.rule("PUT", "/manifests/bad", status=400, body=json.dumps(
        {"errors": [{"code": "\033[31mRED", "message":
                     "\033]0;title\007 line\nst: checked 9\r"}]}).encode())
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    for character in ("\033", "\007", "\r"):
        holds(character not in result.out + result.err, repr(character))
    holds(not any(line.startswith("st: checked 9")
                  for line in result.out.splitlines()), "a forged line")


def case_a_page_of_html_is_no_answer():
    source, target = pair()
    page = b"<html><body>Please log in to the hotel</body></html>"
    source.rule("GET", "/tags/list", body=page,
                header={"Content-Type": "text/html"})
    result = copy(source, target, 1)
    has(result.out, "app", "JSON", "failed 1")


def case_an_endless_error_page_is_cut():
    source, target = pair()
    target.rule("PUT", "/manifests/bad", status=500, body=b"x" * (32 << 20))
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    holds(len(result.out + result.err) < 20000, "all of it was printed")


def case_an_answer_of_other_shape_is_refused():
    for body in (b"[]", b'{"tags": "1.0"}', b'{"tags": [1, 2]}', b"null",
                 b'{"tags": ["bad", {"x": 1}]}', b""):
        source, target = pair()
        source.rule("GET", "/tags/list", body=body)
        result = copy(source, target, 1)
        same(target.tags("app"), [], body)
        has(result.out, "list tags of app")


def case_a_list_that_is_null_is_empty():
    source, target = pair()
    source.rule("GET", "/tags/list", body=b'{"name": "app", "tags": null}')
    has(copy(source, target, 0).out, "checked 0", "failed 0")


def case_names_that_are_no_tags_are_refused():
    for name in ("../../../etc/passwd", "a/b", "", "x" * 129, "a b", "-a",
                 "a?b=c", "a\u0000b", "\u00fc"):
        source, target = pair()
        source.rule("GET", "/tags/list",
                    body=json.dumps({"tags": ["good", name]}).encode())
        copy(source, target, 1)
        holds(all("etc" not in t and " " not in t
                  for _, t, _ in source.requests), source.requests)


def case_a_tag_that_is_listed_twice_is_copied_once():
    source, target = pair()
    source.rule("GET", "/tags/list", body=b'{"tags": ["good", "good"]}')
    has(copy(source, target, 0).out, "changed 1")
    same(target.count("PUT", "/manifests/"), 1)


def case_descriptors_are_read_with_suspicion():
    good = json.loads(content.image("bad").bytes)
    for change in ({"digest": "sha256:../../../../etc/passwd"},
                   {"digest": "md5:d41d8cd98f00b204e9800998ecf8427e"},
                   {"digest": None}, {"size": -1}, {"size": "12"},
                   {"size": 2 ** 63}, {"size": 1.5}, {"mediaType": 7}):
        source, target = pair()
        replace_manifest(source, {
            **good, "layers": [{**good["layers"][0], **change}]})
        result = copy(source, target, 1)
        only_good_came(source, target, result)
        holds("layers[0]" in result.out or "too big integer" in result.out,
              result.out)


def case_schema_1_is_refused_with_advice():
    source, target = pair()
    replace_manifest(
        source, {"schemaVersion": 1, "name": "app", "fsLayers": []},
        "application/vnd.docker.distribution.manifest.v1+prettyjws")
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    has(result.out, "schema 1")


def case_a_type_that_is_not_what_it_says_is_refused():
    source, target = pair()
    replace_manifest(source, source.manifests["app", "bad"][1], content.INDEX)
    only_good_came(source, target, copy(source, target, 1))


def case_a_registry_without_a_catalog_needs_names():
    for status in (401, 403, 404, 405):
        source, target = pair()
        source.rule("GET", "_catalog", status=status, body=b"{}")
        result = run_program("once", config=config(source, target))
        holds(result.code in (2, 4), (status, result.code))
        if status in (404, 405):
            has(result.err, "select.repositories.names")
        copy(source, target, 0,
             select={"repositories": {"names": ["app"]}})
        same(target.tags("app"), ["bad", "good"])


def case_redirects_end():
    source, target = pair()
    blob = layers_of(source, "bad")[0]
    source.rule("GET", blob, redirect=f"{source.url}/v2/app/blobs/{blob}")
    result = copy(source, target, 1)
    only_good_came(source, target, result)
    holds(source.count("GET", blob) <= 25, source.count("GET", blob))
    has(result.out, "redirect")


def case_redirects_lead_to_http_servers_only():
    for place in ("file:///etc/passwd", "gopher://127.0.0.1:9/x",
                  "http://user:pass@127.0.0.1:9/", "//", "http://"):
        source, target = pair()
        blob = layers_of(source, "bad")[0]
        source.rule("GET", blob, redirect=place)
        result = copy(source, target, 1)
        only_good_came(source, target, result)
        holds(("app", blob) not in target.blobs, place)


def case_attempts_are_counted_and_bounded():
    source, target = pair()
    source.rule("HEAD", "/manifests/bad", status=503)
    result = copy(source, target, 1, attempts=3)
    only_good_came(source, target, result)
    same(source.count("HEAD", "/manifests/bad"), 3)
    has(result.out, "503", "3 attempts")


def case_a_server_that_says_when_to_come_back_is_heard():
    source, target = pair()
    source.rule("HEAD", "/manifests/bad", times=1, status=429,
                headers={"Retry-After": "2"})
    copy(source, target, 0, attempts=3)
    times = [when for when, (method, path_, _) in zip(source.times,
                                                      source.requests)
             if method == "HEAD" and path_.endswith("/bad")]
    same(len(times), 2)
    holds(times[1] - times[0] >= 1.9, times[1] - times[0])


def case_a_server_that_wants_ages_is_not_waited_for():
    source, target = pair()
    source.rule("HEAD", "/manifests/bad", status=429,
                headers={"Retry-After": "86400"})
    result = run_program("once", config=config(source, target), code=1,
                         patience=60)
    only_good_came(source, target, result)
    has(result.out, "429")


def case_a_slow_blob_that_moves_is_not_given_up():
    source, target = Hostile(), Hostile()
    source.add("app", "slow", content.image("slow", size=60000, layers=1))
    source.rule("GET", layers_of(source, "slow")[0], drip=5)
    copy(source, target, 0)
    same(target.tags("app"), ["slow"])


def case_an_upload_whose_answer_is_lost_is_not_lost():
    source, target = pair()
    blob = layers_of(source, "bad")[0]
    target.rule("PUT", blob, times=1, store_and_drop=True)
    copy(source, target, 0, attempts=4)
    same(target.tags("app"), ["bad", "good"])


def case_an_upload_that_fails_once_is_done_again():
    source, target = pair()
    blob = layers_of(source, "bad")[0]
    target.rule("PUT", blob, times=1, refuse_after=500, status=503)
    copy(source, target, 0, attempts=4)
    same(target.tags("app"), ["bad", "good"])
    same(target.blobs["app", blob], source.blobs["app", blob])


def case_an_upload_address_keeps_its_query():
    source, target = pair()
    copy(source, target, 0)
    puts = [path_ for method, path_, _ in target.requests
            if method == "PUT" and "/uploads/" in path_]
    holds(puts and all("_state=a%2Fb" in p and "&digest=sha256:" in
                       p.replace("%3A", ":").replace("%3a", ":")
                       for p in puts), puts)


def case_a_mount_that_is_refused_becomes_an_upload_in_the_same_session():
    source, target = Hostile(), Hostile(no_mount=True)
    for repository in ("one", "two"):
        source.add(repository, "1", content.image("same"))
    copy(source, target, 0)
    blobs = len(source.blobs) // 2
    same(target.count("POST", "mount="), blobs, "mounts tried")
    same(target.count("POST", "/uploads/"), 2 * blobs, "sessions")
    same(sorted(target.blobs), sorted(source.blobs))


def case_connections_that_are_closed_between_requests_are_opened_anew():
    source, target = pair()
    source.rule("GET", "", header={"Connection": "close"})
    target.rule("HEAD", "", times=3, drop=True)
    copy(source, target, 0, attempts=4)
    same(target.tags("app"), ["bad", "good"])


def case_many_bad_tags_are_all_told_and_stop_nothing():
    source, target = Hostile(), Hostile()
    for number in range(60):
        source.add("app", f"t{number:02}", content.image(f"t{number}"))
    source.rule("HEAD", "/manifests/t[0-9][05]$", status=500, body=b"{}")
    result = run_program("once", "-o", "json", code=1,
                         config=config(source, target, attempts=1))
    sync = result.json()["syncs"][0]
    same((sync["checked"], sync["changed"], sync["failed"]), (60, 48, 12))
    failed = [item["key"] for item in sync["items"]
              if item["result"] == "failed"]
    same(sorted(failed), [f"app:t{n:02}" for n in range(0, 60, 5)])
    same(len(target.tags("app")), 48)


if __name__ == "__main__":
    run(globals())
