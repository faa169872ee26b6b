# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blobs that break off on their way, in either direction, go on from there.

With HR_E2E_LARGE set, the blob is 1 GiB and the links are cut every 50 MiB.
"""
import os
import re

import content
from cutlink import CutLink
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile

MIB = 1 << 20
SIZE, EVERY = ((1024 * MIB, 50 * MIB) if os.environ.get("HR_E2E_LARGE")
               else (96 * MIB, 25 * MIB))
# A passing fault at each of many cuts is nothing to wait long for.
POLICY = {"base": "1ms", "throttled_base": "1ms", "cap": "20ms",
          "patience": "10s"}


def big_image():
    part = content.make_blob(1, MIB - 1)
    layer = b"".join(part + bytes([n % 256]) for n in range(SIZE // MIB))
    return content.image("big", layers=0, given=[layer])


def image_of(size):
    return content.image(f"of {size} bytes", layers=0,
                         given=[content.make_blob(2, size)])


def layer_of(image):
    return max(image.blobs, key=lambda name: len(image.blobs[name]))


def setup(image=None, **quirks):
    """A source that has the image, and an empty target."""
    source, target = Hostile(), Hostile(**quirks)
    source.add("app", "1", image or IMAGE)
    return source, target


def copy(source_url, target_url, code=0, output="text", **options):
    config = configuration(
        [endpoint("a", "oci", url=source_url, policy=POLICY),
         endpoint("b", "oci", url=target_url, policy=POLICY, **options)],
        [{"name": "s", "source": "a", "target": "b"}])
    return run_program("-v", "once", "-o", output, config=config, code=code)


def arrived(target, image=None):
    image = image or IMAGE
    for name, data in image.blobs.items():
        holds(target.blobs.get(("app", name)) == data, name)
    same(target.manifests["app", "1"], image.manifests[-1])


def at_most_twice(moved, share, what):
    holds(moved <= SIZE * (1 + share),
          f"{what}: {moved / SIZE:.4f} of the blob moved")
    print(f"# {what}: {moved / SIZE:.4f} of the blob", flush=True)


def case_an_upload_goes_on_where_it_broke_off():
    source, target = setup()
    link = CutLink(target.port, EVERY)
    copy(source.url, link.url)
    arrived(target)
    holds(link.cuts >= SIZE // EVERY - 1, link.cuts)
    at_most_twice(link.moved, 0.05, "target")
    same(sum(s.end == "stored" for s in target.sessions.values()), 2)


def case_a_download_goes_on_where_it_broke_off():
    source, target = setup()
    link = CutLink(source.port, EVERY, back=True)
    copy(link.url, target.url)
    arrived(target)
    holds(link.cuts >= SIZE // EVERY - 1, link.cuts)
    at_most_twice(link.moved, 0.05, "source")
    same(target.count("POST"), 2)


def case_both_directions_break_off():
    source, target = setup()
    there = CutLink(source.port, EVERY, back=True)
    here = CutLink(target.port, EVERY)
    copy(there.url, here.url)
    arrived(target)
    holds(there.cuts > 1 and here.cuts > 1, (there.cuts, here.cuts))
    # Twice as many breaks, each with what lay in a socket: on a busy machine
    # that was once a little over what one link's breaks may cost.
    at_most_twice(here.moved, 0.08, "target")


def case_an_upload_from_a_layout_goes_on():
    source, target = setup()
    layout = path("layout")
    run_program("once", code=0, config=configuration(
        [endpoint("a", "oci", url=source.url),
         endpoint("b", "layout", path=layout)],
        [{"name": "s", "source": "a", "target": "b"}]))
    link = CutLink(target.port, EVERY)
    run_program("once", code=0, config=configuration(
        [endpoint("a", "layout", path=layout),
         endpoint("b", "oci", url=link.url, policy=POLICY)],
        [{"name": "s", "source": "a", "target": "b"}]))
    arrived(target)
    holds(link.cuts > 1, link.cuts)
    at_most_twice(link.moved, 0.05, "target")


def case_chunks_go_on_too():
    source, target = setup()
    link = CutLink(target.port, EVERY)
    copy(source.url, link.url, upload="chunked", chunk_size="5MiB")
    arrived(target)
    at_most_twice(link.moved, 0.05, "target")
    holds(target.count("PATCH") >= SIZE // (5 * MIB), target.count("PATCH"))


def case_a_part_of_which_the_answer_was_lost_is_asked_for():
    source, target = setup()
    target.rule("PATCH", "", times=1, store_and_drop=True)
    copy(source.url, target.url, upload="chunked", chunk_size="10MiB")
    arrived(target)
    at_most_twice(target.received_bytes, 0.01, "target")
    same(target.count("GET", "/uploads/"), 1)


def case_an_end_of_which_the_answer_was_lost_is_looked_for():
    source, target = setup()
    target.rule("PUT", "/uploads/", times=2, store_and_drop=True)
    copy(source.url, target.url)
    arrived(target)
    at_most_twice(target.received_bytes, 0.01, "target")


def case_what_a_registry_forgets_is_sent_anew_and_not_for_ever():
    source, target = setup(forgets_broken=True)
    link = CutLink(target.port, EVERY, times=2)
    copy(source.url, link.url)
    arrived(target)
    # It was asked after the first upload and after the first chunks, then
    # never again; once more if it was asked before it had noticed.
    holds(target.count("GET", "/uploads/") in (2, 3), target.requests)
    source, target = setup(forgets_broken=True)
    link = CutLink(target.port, EVERY)
    result = copy(source.url, link.url, code=1)
    has(result.out + result.err, "app:1", "closed the connection")
    holds(link.moved < 12 * EVERY, link.moved)


def case_bytes_that_were_wrong_are_not_gone_on_with():
    image = image_of(8 * MIB)
    for options in ({}, {"upload": "chunked", "chunk_size": "2MiB"}):
        source, target = setup(image)
        source.rule("GET", layer_of(image), times=1, corrupt=True)
        copy(source.url, target.url, **options)
        arrived(target, image)


def case_one_that_is_begun_anew_makes_its_way_again():
    image = image_of(40 * MIB)
    source, target = setup(image)
    source.rule("GET", layer_of(image), times=1, corrupt=True)
    link = CutLink(target.port, 5 * MIB)
    copy(source.url, link.url)
    arrived(target, image)


def case_an_upload_that_gets_nowhere_is_given_up():
    image = image_of(8 * MIB)
    source, target = setup(image)
    # Whatever is sent, it has no more than the first of it.
    for method in "PUT", "PATCH":
        target.rule(method, "/uploads/", cut_after=4 * MIB, keeps=2 * MIB)
    copy(source.url, target.url, code=1)
    # Five times without getting further; how far it got is known by what left
    # us, so that what lies in a socket may look like progress a few times.
    holds(target.received_bytes <= 4 * 5 * 4 * MIB, target.received_bytes)


def case_what_arrived_without_an_answer_was_copied():
    image = image_of(8 * MIB)
    source, target = setup(image)
    target.rule("PUT", "/uploads/", times=2, store_and_drop=True)
    result = copy(source.url, target.url, output="json")
    report = result.json()["syncs"][0]
    same((report["blobs_copied"], report["blobs_present"]), (2, 0))


def case_what_is_too_large_in_one_is_sent_once():
    image = image_of(8 * MIB)
    source, target = setup(image, body_limit=MIB)
    result = copy(source.url, target.url, code=1, upload="single")
    has(result.out + result.err, "413", "upload = \"auto\"")
    same(target.count("PUT", f"digest={layer_of(image)}"), 1)


def case_chunks_are_smaller_than_what_was_too_large():
    image = image_of(3 * MIB)
    source, target = setup(image, body_limit=2 * MIB)
    copy(source.url, target.url)
    arrived(target, image)
    same(target.count("PUT", f"digest={layer_of(image)}"), 2)


def case_the_rest_goes_with_the_token_for_all():
    image = image_of(8 * MIB)
    source, target = setup(image, wants_tokens=True, odd_locations=True)
    target.rule("PUT", layer_of(image), times=1, cut_after=4 * MIB)
    result = copy(source.url, target.url)
    arrived(target, image)
    holds(target.count("PATCH", "^/up/") > 0, target.requests)
    holds(not re.search(r" http\S+/up/\S+ 401", result.err), result.err)


IMAGE = big_image()

if __name__ == "__main__":
    run(globals())
