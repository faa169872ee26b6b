# SPDX-License-Identifier: LGPL-2.1-or-later
"""What hangs on an image comes along: by lists of referrers, by fallback tags,
by tags of cosign."""
import hashlib
import json

import content
from content import fallback, fallback_tag
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from servers import Registry

SIGNATURE = "application/vnd.example.signature"


class Tree:
    """An index of three platforms: an SBOM of each, a signature of the index
    and one of the first SBOM."""

    def __init__(self, seed):
        self.index = content.index(seed)
        children = self.index.manifests[:-1]
        self.sboms = [content.referrer(f"{seed}/sbom{i}", child)
                      for i, child in enumerate(children)]
        self.signature = content.referrer(f"{seed}/signature", self.index,
                                          SIGNATURE)
        self.deep = content.referrer(f"{seed}/deep", self.sboms[0], SIGNATURE)
        self.referrers = [*self.sboms, self.signature, self.deep]
        subjects = [content.digest(data) for _, data in children]
        self.lists = dict(zip(
            [*subjects, self.index.digest, self.sboms[0].digest],
            self.referrers))

    def fallbacks(self):
        """The tags that a registry without lists has of it."""
        return {fallback_tag(subject): fallback(referrer)
                for subject, referrer in self.lists.items()}

    def put(self, push, repository, tag, lists=False):
        push(repository, tag, self.index)
        for referrer in self.referrers:
            push(repository, None, referrer)
        if not lists:
            for name, index in self.fallbacks().items():
                push(repository, name, index)


def pair(source, target, **sync):
    return configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t", **sync}])


def once(config, *wanted, code=0):
    result = run_program("once", config=config, code=code)
    has(result.out, *wanted)
    return result


def verified(config):
    run_program("verify", config=config, code=0)


A = B = None


def registries():
    """Two docker-registries, empty."""
    global A, B
    if A is None:
        A, B = Registry("a"), Registry("b")
    else:
        A.wipe()
        B.wipe()
    return A, B


def writes(registry):
    return [(m, t) for m, t in registry.requests()
            if m not in ("GET", "HEAD")]


def manifest_gets(requests):
    return [t for m, t, *_ in requests if m == "GET" and "/manifests/" in t]


def heads(requests):
    return [t for m, t, *_ in requests if m == "HEAD"]


def case_between_registries_without_lists_fallback_tags_are_kept():
    a, b = registries()
    tree = Tree("kept")
    tree.put(a.client().push, "lib/app", "1.0")
    config = pair(a, b)
    result = once(config, "checked 6, changed 6", "failed 0")
    for referrer in tree.referrers:
        has(result.out, f"lib/app@{referrer.digest}")
    client = b.client()
    same(client.tags("lib/app"), a.client().tags("lib/app"), "tags")
    for name, index in tree.fallbacks().items():
        same(client.manifest("lib/app", name)[1], index.bytes, name)
    for referrer in tree.referrers:
        same(client.manifest("lib/app", referrer.digest)[1], referrer.bytes)
        for blob in referrer.blobs:
            holds(client.has_blob("lib/app", blob), f"no blob {blob}")
    verified(config)
    a.forget()
    b.forget()
    once(config, "checked 6, changed 0", "0 B in 0 writes")
    same(writes(b), [], "writes")
    same(len(heads(a.requests())), 6, "HEADs at the source")
    same(len(heads(b.requests())), 6, "HEADs at the target")
    same(manifest_gets(a.requests()), [], "manifests read")
    same(manifest_gets(b.requests()), [], "manifests read")
    same([t for _, t in a.requests() if "/referrers/" in t][1:], [],
         "questions for lists after the first")
    same([t for _, t in b.requests() if "/referrers/" in t], [],
         "questions for lists")


def case_rules_for_tags_leave_nothing_behind_that_belongs_to_a_tag():
    a, b = registries()
    tree, other = Tree("wanted"), Tree("unwanted")
    tree.put(a.client().push, "lib/app", "1.0")
    other.put(a.client().push, "lib/app", "2.0")
    config = pair(a, b, select={"tags": {"allow": ["1\\..*"]}})
    once(config, "checked 6, changed 6", "failed 0")
    same(b.client().tags("lib/app"), sorted(["1.0", *tree.fallbacks()]))
    holds(b.client().manifest("lib/app", tree.deep.digest),
          "the signature of the SBOM")
    verified(config)
    b.forget()
    a.forget()
    once(config, "checked 6, changed 0", "0 B in 0 writes")
    same(len(heads(a.requests())), 6, "HEADs at the source")
    same(len(heads(b.requests())), 6, "HEADs at the target")
    same(manifest_gets(b.requests()), [], "manifests of the target read")
    shown = run_program("plan", "--explain", config=config, code=0).out
    for name in tree.fallbacks():
        line, = [one for one in shown.splitlines() if name in one]
        has(line, "  in ", "belongs to lib/app")
    for name in other.fallbacks():
        line, = [one for one in shown.splitlines() if name in one]
        has(line, "  out ")


def case_what_the_target_lists_of_its_own_survives():
    a, b = registries()
    image = content.image("own")
    theirs = content.referrer("theirs", image)
    own = content.referrer("own", image, "application/vnd.example.scan",
                           annotations={"kept": "yes"})
    a.client().push("app", "1", image)
    a.client().push("app", None, theirs)
    a.client().push("app", fallback_tag(image.digest), fallback(theirs))
    b.client().push("app", "1", image)
    b.client().push("app", None, own)
    b.client().push("app", fallback_tag(image.digest), fallback(own))
    config = pair(a, b)
    once(config, "changed 1", "failed 0", f"app@{theirs.digest}")

    def listed():
        return json.loads(b.client().manifest(
            "app", fallback_tag(image.digest))[1])["manifests"]

    entries = {entry["digest"]: entry for entry in listed()}
    same(sorted(entries), sorted([own.digest, theirs.digest]))
    same(entries[own.digest], json.loads(fallback(own).bytes)["manifests"][0])
    same(entries[theirs.digest]["artifactType"],
         "application/vnd.example.sbom")
    verified(config)
    b.forget()
    once(config, "changed 0", "0 B in 0 writes")
    same(writes(b), [], "writes")
    later = content.referrer("later", image)
    a.client().push("app", None, later)
    a.client().push("app", fallback_tag(image.digest),
                    fallback(theirs, later))
    once(config, "changed 1", "failed 0", f"app@{later.digest}")
    same(sorted(entry["digest"] for entry in listed()),
         sorted([own.digest, theirs.digest, later.digest]))


def second_writer(target, image, mine, times, **quirks):
    """Has somebody list one more each time before we write."""
    name = fallback_tag(image.digest)
    more = [content.referrer(f"more{i}", image) for i in range(times)]
    left = list(more)

    def interfere():
        if not left:
            return
        one = left.pop()
        target.add("app", None, one)
        value = json.loads(target.manifests.get(
            ("app", name), (None, fallback().bytes))[1])
        value["manifests"] += json.loads(fallback(one).bytes)["manifests"]
        target.add("app", name, content.Artifact(
            [(content.INDEX, content.encode(value))], {}))

    return more, interfere


def listed_by(target, image):
    kind, data = target.manifests["app", fallback_tag(image.digest)]
    same(kind, content.INDEX)
    return sorted(entry["digest"] for entry in json.loads(data)["manifests"])


def signed_source(seed):
    source = Hostile()
    image = content.image(seed)
    signature = content.referrer(seed, image, SIGNATURE)
    source.add("app", "1", image)
    source.add("app", None, signature)
    source.add("app", fallback_tag(image.digest), fallback(signature))
    return source, image, signature


def case_a_second_writer_loses_nothing_and_takes_nothing():
    # Before the look that comes before writing, and before the write where
    # the registry compares.
    for method, quirks in (("HEAD", {}), ("PUT", {"compares": True})):
        source, image, signature = signed_source("second" + method)
        target = Hostile(**quirks)
        more, interfere = second_writer(target, image, signature, 2)
        target.rule(method, fallback_tag(image.digest) + "$",
                    before=interfere)
        config = pair(source, target)
        once(config, "changed 2", "failed 0")
        same(listed_by(target, image),
             sorted(one.digest for one in [signature, *more]))
        verified(config)


def case_what_a_second_writer_took_out_is_put_back():
    source, image, signature = signed_source("back")
    target = Hostile()
    name = fallback_tag(image.digest)
    other = content.referrer("other", image)
    puts = []

    def overwrite():
        # After our write, before we look whether it is there.
        if target.count("PUT", name) == 1 and not puts:
            puts.append(1)
            target.add("app", None, other)
            target.add("app", name, fallback(other))

    target.rule("HEAD", name + "$", before=overwrite)
    once(pair(source, target), "changed 2", "failed 0")
    same(puts, [1])
    same(listed_by(target, image), sorted([signature.digest, other.digest]))
    same(target.count("PUT", name), 2, "writes of the tag")


def case_a_tag_that_never_holds_still_is_a_failure_and_the_next_pass_mends_it():
    source, image, signature = signed_source("restless")
    target = Hostile()
    more, interfere = second_writer(target, image, signature, 1000)
    name = fallback_tag(image.digest)
    target.rule("HEAD", name + "$", before=interfere)
    config = pair(source, target)
    result = once(config, "changed 1", "failed 1", code=1)
    has(result.out, f"app@{signature.digest}", name, "somebody else")
    same(target.count("PUT", name), 0, "writes of the tag")
    result = run_program("verify", config=config, code=5)
    has(result.out, f"app@{signature.digest}", "not listed")
    target.rules.clear()
    result = once(config, "changed 1", "failed 0")
    has(result.out, "update", f"app@{signature.digest}")
    holds(signature.digest in listed_by(target, image), "not listed")
    verified(config)


def case_a_listing_that_failed_is_made_up_for_by_the_next_pass():
    source, image, signature = signed_source("failed")
    target = Hostile()
    target.rule("PUT", fallback_tag(image.digest), status=403)
    config = pair(source, target)
    once(config, "failed 1", code=1)
    target.rules.clear()
    shown = run_program("plan", config=config, code=0).out
    has(shown, "update", f"app@{signature.digest}", "not listed",
        "refers to app:1 (" + SIGNATURE + ")")
    once(config, "changed 1", "failed 0")
    same(listed_by(target, image), [signature.digest])
    once(config, "changed 0", "0 B in 0 writes")


def case_two_syncs_at_once_lose_nothing_of_each_other():
    image = content.image("shared")
    sources, syncs, ends = [], [], []
    signatures = [content.referrer(f"by{i}", image, SIGNATURE)
                  for i in range(6)]
    for number, signature in enumerate(signatures):
        source = Hostile()
        source.add("app", "1", image)
        source.add("app", None, signature)
        source.add("app", fallback_tag(image.digest), fallback(signature))
        sources.append(source)
        ends.append(endpoint(f"s{number}", "oci", url=source.url))
        syncs.append({"name": f"n{number}", "source": f"s{number}",
                      "target": f"t{number % 2}"})
    target = Hostile()
    # One registry, two accounts.
    for number in range(2):
        ends.append(endpoint(f"t{number}", "oci", url=target.url))
    run_program("once", code=0, config=configuration(ends, syncs))
    same(listed_by(target, image), sorted(one.digest for one in signatures))


def case_lists_are_followed_page_by_page_to_a_target_with_lists():
    source = Hostile(referrers=True, page=2)
    target = Hostile(referrers=True)
    tree = Tree("lists")
    tree.put(source.add, "app", "1.0", lists=True)
    more = [content.referrer(f"more{i}", tree.index) for i in range(7)]
    for one in more:
        source.add("app", None, one)
    config = pair(source, target)
    once(config, "changed 13", "failed 0")
    same(target.tags("app"), ["1.0"], "no fallback tag")
    for one in [*tree.referrers, *more]:
        same(target.manifests["app", one.digest][1], one.bytes)
    verified(config)
    source.requests.clear()
    target.requests.clear()
    once(config, "changed 0", "0 B in 0 writes")
    same(len(heads(source.requests)), 1, "HEADs at the source")
    same(len(heads(target.requests)), 13, "HEADs at the target")
    same(manifest_gets(target.requests), [], "manifests of the target read")
    # The index is read to know what is below it.
    same(len(manifest_gets(source.requests)), 1)
    same(target.count("GET", "/referrers/"), 1, "learned once")
    same(source.count("GET", "/referrers/"), 4 + 3 + 12, "lists, and pages")


def case_where_nothing_hangs_on_anything_the_target_is_asked_nothing_more():
    source, target = Hostile(referrers=True), Hostile()
    for number in range(5):
        source.add("app", f"v{number}", content.image(f"plain{number}"))
    config = pair(source, target)
    once(config, "changed 5")
    source.requests.clear()
    target.requests.clear()
    once(config, "changed 0")
    same(len(heads(target.requests)), 5)
    same(len(heads(source.requests)), 5)
    same(source.count("GET", "/referrers/"), 5)
    same(target.count("GET", "/referrers/"), 0)


def case_from_lists_to_fallback_tags_and_back():
    source, middle = Hostile(referrers=True), Hostile(insists=True)
    tree = Tree("there")
    tree.put(source.add, "app", "1.0", lists=True)
    config = pair(source, middle)
    once(config, "changed 6", "failed 0")
    same(middle.tags("app"), sorted(["1.0", *tree.fallbacks()]))
    verified(config)
    middle.requests.clear()
    once(config, "changed 0", "0 B in 0 writes")
    same(manifest_gets(middle.requests), [], "manifests of the target read")
    same(len(heads(middle.requests)), 1 + 5 + 5,
         "HEADs: the tag, what refers, what lists it")
    same(middle.count("GET", "/referrers/"), 1, "learned once")

    back = Hostile(referrers=True)
    config = pair(middle, back)
    once(config, "changed 6", "failed 0")
    same(back.tags("app"), ["1.0"])
    for one in tree.referrers:
        same(back.manifests["app", one.digest][1], one.bytes)
    verified(config)
    back.requests.clear()
    once(config, "changed 0", "0 B in 0 writes")
    same(manifest_gets(back.requests), [])


def case_layouts_carry_what_hangs_on_images():
    a, b = registries()
    tree = Tree("carried")
    tree.put(a.client().push, "lib/app", "1.0")
    layout = endpoint("l", "layout", path=path("carried"))
    into = configuration([endpoint("a", "oci", url=a.url), layout],
                         [{"name": "in", "source": "a", "target": "l"}])
    out = configuration([layout, endpoint("b", "oci", url=b.url)],
                        [{"name": "out", "source": "l", "target": "b"}])
    for config in (into, out):
        once(config, "changed 6", "failed 0")
        verified(config)
        once(config, "changed 0", "0 B in 0 writes")
    with open(path("carried", "lib", "app", "index.json")) as file:
        entries = json.load(file)["manifests"]
    same(sorted(entry["digest"] for entry in entries),
         sorted(one.digest for one in [tree.index, *tree.referrers]))
    same(b.client().tags("lib/app"), sorted(["1.0", *tree.fallbacks()]))
    for one in tree.referrers:
        same(b.client().manifest("lib/app", one.digest)[1], one.bytes)


def cosign_tags(image):
    name = fallback_tag(image.digest)
    return [name + ending for ending in (".att", ".sbom", ".sig")]


def case_cosign_tags_come_with_their_image():
    a, b = registries()
    client = a.client()
    images = {tag: content.image("cosign" + tag) for tag in ("1.0", "2.0")}
    multi = content.index("cosign multi")
    client.push("app", "1.1", multi)
    child = content.Artifact(multi.manifests[:1], {})
    for tag, image in images.items():
        client.push("app", tag, image)
        for name in cosign_tags(image):
            client.push("app", name, content.image(name))
    client.push("app", cosign_tags(child)[2], content.image("of a child"))
    wanted = ["1.0", "1.1", *cosign_tags(images["1.0"]),
              cosign_tags(child)[2]]
    config = pair(a, b, select={"tags": {"allow": ["1\\..*"]}})
    result = once(config, "changed 6", "failed 0")
    same(b.client().tags("app"), sorted(wanted))
    verified(config)
    a.forget()
    b.forget()
    once(config, "checked 6, changed 0", "0 B in 0 writes")
    same(len(heads(a.requests())), 6, "HEADs at the source")
    same(len(heads(b.requests())), 6, "HEADs at the target")
    plan = run_program("plan", config=pair(a, Hostile(), select={
        "tags": {"allow": ["1\\.0"]}}), code=0)
    has(plan.out, "belongs to app:1.0")


def case_the_newest_tags_are_counted_without_what_hangs_on_them():
    source, target = Hostile(), Hostile()
    images = {f"1.{i}": content.image(f"newest{i}") for i in range(4)}
    for tag, image in images.items():
        source.add("app", tag, image)
        source.add("app", cosign_tags(image)[2], content.image("s" + tag))
    wanted = ["1.2", "1.3", cosign_tags(images["1.2"])[2],
              cosign_tags(images["1.3"])[2]]
    config = pair(source, target, select={"tags": {"latest": 2}})
    once(config, "changed 4", "failed 0")
    same(target.tags("app"), sorted(wanted))
    verified(config)


def case_one_setting_leaves_all_of_it_behind():
    for lists in (False, True):
        source, target = Hostile(referrers=lists), Hostile()
        tree = Tree("behind")
        tree.put(source.add, "app", "1.0", lists=lists)
        source.add("app", cosign_tags(tree.index)[2], content.image("sig"))
        config = pair(source, target, referrers=False,
                      select={"tags": {"allow": ["1\\..*"]}})
        once(config, "checked 1, changed 1", "failed 0")
        same(target.tags("app"), ["1.0"])
        verified(config)
        same(source.count("GET", "/referrers/"), 0)


def case_named_tags_bring_what_there_was_when_they_moved():
    source, target = Hostile(), Hostile()
    image = content.image("named")
    signature = content.referrer("named", image, SIGNATURE)
    source.add("app", "1", image)
    source.add("app", None, signature)
    source.add("app", fallback_tag(image.digest), fallback(signature))
    source.add("app", cosign_tags(image)[0], content.image("attested"))
    config = pair(source, target, select={
        "repositories": {"names": ["app"]}, "tags": {"names": ["1"]}})
    once(config, "changed 3", "failed 0", "skipped 0")
    same(target.tags("app"), sorted(["1", fallback_tag(image.digest),
                                     cosign_tags(image)[0]]))
    same(source.count("GET", "/tags/list"), 0)
    verified(config)
    source.requests.clear()
    target.requests.clear()
    once(config, "checked 1, changed 0")
    same(len(heads(source.requests)), 1)
    same(len(heads(target.requests)), 1)


def case_a_plan_names_what_refers_and_can_be_kept():
    source, image, signature = signed_source("plan")
    target = Hostile()
    config = pair(source, target)
    out = path("plan.json")
    shown = run_program("plan", "--out", out, config=config, code=0).out
    has(shown, "create", f"app@{signature.digest}",
        f"refers to app:1 ({SIGNATURE})")
    with open(out) as file:
        changes = {one["key"]: one for one in json.load(file)["changes"]}
    same(changes[f"app@{signature.digest}"]["kind"], "referrer")
    same(changes[f"app@{signature.digest}"]["source"]["subject"],
         image.digest)
    result = run_program("apply", out, "-o", "json", config=config, code=0)
    items = {one["key"]: one for one in result.json()["syncs"][0]["items"]}
    same(items[f"app@{signature.digest}"]["result"], "done")
    same(items[f"app@{signature.digest}"]["kind"], "referrer")
    same(target.manifests["app", fallback_tag(image.digest)][1],
         source.manifests["app", fallback_tag(image.digest)][1])
    verified(config)
    run_program("apply", out, config=config, code=6)


def case_a_failed_image_blocks_what_refers_to_it():
    source, target = Hostile(referrers=True), Hostile()
    tree = Tree("blocked")
    tree.put(source.add, "app", "1.0", lists=True)
    source.add("app", "2.0", content.image("fine"))
    target.rule("PUT", "/manifests/1.0", status=403)
    result = once(pair(source, target), "changed 1", "failed 6", code=1)
    same(result.out.count("blocked"), 5 * 2, "said of each, with the word")
    holds(target.count("PUT", tree.signature.digest) == 0, "it was put")


def case_lists_that_lie_are_found_out():
    source, target = Hostile(referrers=True), Hostile(referrers=True)
    image, other = content.image("lied about"), content.image("other")
    stranger = content.referrer("stranger", other)
    plain = content.image("plain")
    source.add("app", "1", image)
    for one in (stranger, plain):
        source.add("app", None, one)
    lie = {"schemaVersion": 2, "mediaType": content.INDEX, "manifests": [
        dict(stranger.descriptor), dict(plain.descriptor),
        dict(image.descriptor)]}
    source.rule("GET", f"/referrers/{image.digest}",
                body=content.encode(lie))
    result = once(pair(source, target), "changed 1", "failed 3", code=1)
    has(result.out, f"it refers to {other.digest}", "it refers to nothing")
    holds(("app", stranger.digest) not in target.manifests, "it was put")
    holds(("app", plain.digest) not in target.manifests, "it was put")


def case_endless_references_end():
    source, target = Hostile(referrers=True), Hostile(referrers=True)
    one = content.image("deep")
    source.add("app", "1", one)
    chain = []
    for number in range(12):
        one = content.referrer(f"deep{number}", one)
        source.add("app", None, one)
        chain.append(one)
    result = once(pair(source, target), "changed 9", "failed 1", code=1)
    has(result.out, "8 levels", f"app@{chain[8].digest}")
    same([("app", one.digest) in target.manifests for one in chain],
         [True] * 8 + [False] * 4)


def case_a_list_that_is_none_fails_alone():
    for body in (b"<html>", b"{}", b'{"manifests": [{"digest": "x"}]}',
                 b'{"manifests": 3}'):
        source, target = Hostile(referrers=True), Hostile()
        source.add("app", "1", content.image("good"))
        source.rule("GET", "/referrers/", body=body)
        result = once(pair(source, target), "changed 1", "failed 1", code=1)
        same(target.tags("app"), ["1"])


def case_a_list_that_breaks_off_is_no_list():
    source, target = Hostile(referrers=True, page=1), Hostile(referrers=True)
    image = content.image("cut off")
    source.add("app", "1", image)
    for number in range(3):
        source.add("app", None, content.referrer(f"cut{number}", image))
    source.rule("GET", "/referrers/.*first=1", status=404)
    result = once(pair(source, target), "changed 1", "failed 1", code=1)
    has(result.out, image.digest)
    source.rules.clear()
    once(pair(source, target), "changed 3", "failed 0")


def case_lists_of_tags_that_never_move_grow_all_the_same():
    source, image, signature = signed_source("immutable")
    target = Hostile()
    config = pair(source, target, select={"tags": {"immutable": [".*"]}})
    once(config, "changed 2", "failed 0")
    later = content.referrer("later", image)
    source.add("app", None, later)
    source.add("app", fallback_tag(image.digest), fallback(signature, later))
    target.requests.clear()
    once(config, "changed 1", "failed 0")
    same(listed_by(target, image), sorted([signature.digest, later.digest]))
    same(target.count("HEAD", "/manifests/1$"), 0)


def case_a_registry_that_refuses_the_question_is_told_of_once():
    source, target = Hostile(), Hostile()
    for number in range(20):
        source.add("app", f"v{number}", content.image(f"refused{number}"))
    source.rule("GET", "/referrers/", status=403)
    result = once(pair(source, target), "changed 20", "failed 1", code=1)
    has(result.out, 'referrers = "never"')
    ends = [endpoint("s", "oci", url=source.url, referrers="never"),
            endpoint("t", "oci", url=target.url)]
    asked = source.count("GET", "/referrers/")
    once(configuration(ends, [{"name": "st", "source": "s", "target": "t"}]),
         "changed 0", "failed 0")
    same(source.count("GET", "/referrers/"), asked)


def case_what_registries_without_lists_answer_is_understood():
    for answer in ({"status": 404}, {"status": 400}, {"status": 405},
                   {"status": 406}, {"status": 501},
                   {"status": 303, "headers": {"Location": "/docs"}},
                   {"status": 200, "body": b"<html></html>",
                    "headers": {"Content-Type": "text/html"}}):
        source, image, signature = signed_source("answers")
        target = Hostile()
        source.rule("GET", "/referrers/", **answer)
        target.rule("GET", "/referrers/", **answer)
        config = pair(source, target)
        once(config, "changed 2", "failed 0")
        same(listed_by(target, image), [signature.digest], answer)
        verified(config)
        same(source.count("GET", "/referrers/"), 2, "one a run")


def case_an_index_with_such_a_tag_is_still_an_image():
    source, target = Hostile(), Hostile()
    image = content.index("pinned")
    source.add("app", fallback_tag(image.digest), image)
    config = pair(source, target)
    once(config, "checked 1, changed 1")
    same(target.tags("app"), [fallback_tag(image.digest)])
    once(config, "checked 1, changed 0")
    verified(config)


def case_what_hangs_on_an_image_that_is_not_wanted_stays():
    for lists in (False, True):
        source, target = Hostile(referrers=lists), Hostile()
        tree = Tree("some platforms")
        tree.put(source.add, "app", "1.0", lists=lists)
        config = pair(source, target, select={
            "tags": {"names": ["1.0"]}, "platforms": ["linux/arch0"]})
        once(config, "changed 4", "failed 0")
        same([("app", one.digest) in target.manifests
              for one in tree.referrers], [True, False, False, True, True])
        verified(config)


def case_a_list_of_what_was_deleted_brings_the_rest():
    source, target = Hostile(), Hostile(insists=True)
    image = content.image("deleted")
    gone, there = (content.referrer(name, image) for name in ("gone", "there"))
    source.add("app", "1", image)
    source.add("app", None, there)
    source.add("app", fallback_tag(image.digest), fallback(gone, there))
    config = pair(source, target)
    once(config, "changed 2, skipped 0, failed 0")
    same(listed_by(target, image), [there.digest])
    once(config, "changed 0, skipped 0, failed 0", "0 B in 0 writes")
    verified(config)


def case_lists_and_fallback_tags_of_one_registry_go_together():
    source, image, signature = signed_source("both")
    source.referrers = True
    later = content.referrer("only listed by the registry", image)
    source.add("app", None, later)
    for lists in (False, True):
        target = Hostile(referrers=lists)
        config = pair(source, target)
        once(config, "changed 3", "failed 0")
        if lists:
            same(target.tags("app"), ["1"])
        else:
            same(listed_by(target, image),
                 sorted([signature.digest, later.digest]))
        verified(config)
        target.requests.clear()
        once(config, "changed 0", "0 B in 0 writes")
        same(manifest_gets(target.requests), [])


def case_what_swallows_everything_swallows_this_too():
    source, image, signature = signed_source("swallowed")
    config = configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("hole", "null", empty=True)],
        [{"name": "sh", "source": "s", "target": "hole"}])
    once(config, "changed 2", "failed 0")


def case_longer_digests_have_tags_that_are_cut_off():
    source, target = Hostile(), Hostile()
    image = content.image("longer")
    long = "sha512:" + hashlib.sha512(image.bytes).hexdigest()
    theirs, own = (content.referrer(name, image, refers=dict(
        image.descriptor, digest=long)) for name in ("theirs", "own"))
    tag = fallback_tag(long)
    same(len(tag), len("sha512-") + 64)
    source.add("app", "1", image)
    source.add("app", None, theirs)
    source.add("app", tag, fallback(theirs))
    target.add("app", None, own)
    target.add("app", tag, fallback(own))
    config = pair(source, target)
    once(config, "changed 2", "failed 0")
    same(sorted(entry["digest"] for entry in json.loads(
        target.manifests["app", tag][1])["manifests"]),
        sorted([own.digest, theirs.digest]))
    verified(config)
    once(config, "changed 0", "0 B in 0 writes")


def case_what_refers_to_an_image_may_have_tags_too():
    for lists in (False, True):
        source, target = Hostile(referrers=lists), Hostile(referrers=lists)
        image = content.image("tagged")
        sbom = content.referrer("tagged", image)
        for tag in ("1", "1.0", "latest"):
            source.add("app", tag, image)
        for tag in ("1.sbom", "latest.sbom"):
            source.add("app", tag, sbom)
        if not lists:
            source.add("app", fallback_tag(image.digest), fallback(sbom))
        config = pair(source, target)
        result = once(config, "changed 6", "failed 0")
        has(result.out, f"app@{sbom.digest}")
        same(target.tags("app"), source.tags("app"))
        same(target.manifests, source.manifests)
        verified(config)
        once(config, "changed 0", "0 B in 0 writes")


def case_copy_brings_it_too_unless_told_not_to():
    source, image, signature = signed_source("copied")
    for arguments, wanted in (((), 2), (("--no-referrers",), 1)):
        target = Hostile()
        result = run_program(
            "copy", *arguments, f"docker://127.0.0.1:{source.port}/app:1",
            f"docker://127.0.0.1:{target.port}/other/app:2",
            "--tls-verify=false", code=0)
        has(result.out, f"changed {wanted}", "failed 0")
        same(("other/app", signature.digest) in target.manifests,
             wanted == 2)
        same(("other/app", "2") in target.manifests, True)


def case_other_names_on_the_target_change_nothing():
    source, image, signature = signed_source("renamed")
    target = Hostile()
    config = pair(source, target, rename={"prefix": "mirror/"})
    result = once(config, "changed 2", "failed 0")
    has(result.out, f"mirror/app@{signature.digest}",
        f"from app@{signature.digest}")
    same(target.tags("mirror/app"), sorted(["1",
                                            fallback_tag(image.digest)]))
    once(config, "changed 0", "0 B in 0 writes")
    verified(config)


def case_verify_finds_what_is_missing():
    for lists in (False, True):
        source, target = Hostile(referrers=lists), Hostile(referrers=lists)
        tree = Tree("proof")
        tree.put(source.add, "app", "1.0", lists=lists)
        config = pair(source, target)
        once(config, "changed 6")
        verified(config)
        del target.manifests["app", tree.sboms[1].digest]
        result = run_program("verify", config=config, code=5)
        has(result.out, tree.sboms[1].digest)
        once(config)
        target.add("app", None, tree.sboms[1])
        blob = list(tree.deep.blobs)[1]
        del target.blobs["app", blob]
        result = run_program("verify", config=config, code=5)
        has(result.out, blob)


if __name__ == "__main__":
    run(globals())
