# SPDX-License-Identifier: LGPL-2.1-or-later
"""Content of every shape and size, between real registries where they take
it.  With HR_E2E_LARGE set also what takes long."""
import json
import os

import content
from harness import (Skip, configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from layouts import check
from servers import Registry

A = B = None


def setup():
    """Two registries, the target empty."""
    global A, B
    if A is None:
        A, B = Registry("a"), Registry("b")
    B.wipe()


def config(**sync):
    return configuration(
        [endpoint("a", "oci", url=A.url), endpoint("b", "oci", url=B.url)],
        [{"name": "ab", "source": "a", "target": "b", **sync}])


def only(*names, **tags):
    return {"select": {"repositories": {"names": list(names)},
                       **({"tags": tags} if tags else {})}}


def same_tree(repository, reference):
    """The manifest and all below it are there, byte for byte."""
    source, target = A.client(), B.client()
    found = target.manifest(repository, reference)
    same(found, source.manifest(repository, reference),
         f"{repository}:{reference}")
    holds(found is not None, f"{repository}:{reference} is nowhere")
    value = json.loads(found[1])
    for child in value.get("manifests", []):
        same_tree(repository, child["digest"])
    blobs = value.get("layers", [])
    if "config" in value:
        blobs = blobs + [value["config"]]
    for blob in blobs:
        holds(target.has_blob(repository, blob["digest"]),
              f"{repository} lacks {blob}")


def case_platforms_with_an_sbom_each_and_signatures():
    setup()
    client = A.client()
    root = content.index("signed")
    client.push("kinds/signed", "1.0", root)
    children = [content.Artifact([manifest], {})
                for manifest in root.manifests[:-1]]
    tags = ["1.0"]
    for number, child in enumerate(children):
        sbom = content.referrer(f"sbom{number}", child)
        listed = content.fallback(sbom)
        tags.append(content.fallback_tag(child.digest))
        client.push("kinds/signed", tags[-1], content.Artifact(
            sbom.manifests + listed.manifests, sbom.blobs))
    for subject in [root, *children]:
        tags.append(content.fallback_tag(subject.digest) + ".sig")
        client.push("kinds/signed", tags[-1], content.signature(subject))
    run_program("once", config=config(**only("kinds/signed")), code=0)
    same(B.client().tags("kinds/signed"), sorted(tags))
    for tag in tags:
        same_tree("kinds/signed", tag)
    result = run_program("once", config=config(**only("kinds/signed")),
                         code=0)
    has(result.out, "changed 0")


def case_what_is_no_image():
    setup()
    client = A.client()
    client.push("kinds/chart", "1.0.0", content.chart("chart"))
    client.push("kinds/thing", "1", content.empty_artifact("thing"))
    client.push("kinds/docker", "1", content.image("docker", docker=True))
    client.push("kinds/docker", "list", content.index("list", docker=True))
    client.push("kinds/nothing", "1", content.image("nothing", layers=0))
    client.push("kinds/zero", "1", content.image("zero", size=0, layers=1))
    names = ["chart", "thing", "docker", "nothing", "zero"]
    run_program("once", config=config(
        **only(*["kinds/" + name for name in names])), code=0)
    for name, tag in (("chart", "1.0.0"), ("thing", "1"), ("docker", "1"),
                      ("docker", "list"), ("nothing", "1"), ("zero", "1")):
        same_tree("kinds/" + name, tag)
    same(B.client().manifest("kinds/docker", "list")[0],
         content.DOCKER_LIST)
    run_program("verify", "--deep", config=config(
        **only(*["kinds/" + name for name in names])), code=0)


def case_64_layers_arrive_each_once():
    setup()
    A.seed("kinds/many", {"64": content.image("many", layers=64)})
    B.forget()
    run_program("once", config=config(**only("kinds/many")), code=0)
    same_tree("kinds/many", "64")
    puts = [target for method, target in B.requests()
            if method == "PUT" and "digest=" in target]
    same(len(puts), 65, "uploads")


def case_indexes_up_to_four_deep():
    setup()
    A.seed("kinds/deep", {f"d{depth}": content.nested("deep", depth)
                          for depth in range(1, 6)})
    result = run_program("once", config=config(**only("kinds/deep")), code=1)
    has(result.out, "failed 1", "nested more than 4 deep")
    same(B.client().tags("kinds/deep"), ["d1", "d2", "d3", "d4"])
    same_tree("kinds/deep", "d4")


def case_digests_of_another_algorithm():
    source, target = Hostile(), Hostile()
    layer = content.make_blob("long", 3000)
    settings = content.encode({"architecture": "amd64", "os": "linux"})
    parts = [content.descriptor(settings, content.CONFIG, "sha512"),
             content.descriptor(layer, content.LAYER, "sha512")]
    child = content.encode({"schemaVersion": 2,
                            "mediaType": content.MANIFEST,
                            "config": parts[0], "layers": parts[1:]})
    name = content.digest(child, "sha512")
    root = content.encode({
        "schemaVersion": 2, "mediaType": content.INDEX, "manifests": [
            content.descriptor(child, content.MANIFEST, "sha512")]})
    source.add("app", "1", content.Artifact([(content.INDEX, root)], {}))
    source.manifests["app", name] = (content.MANIFEST, child)
    for part, data in zip(parts, (settings, layer)):
        source.blobs["app", part["digest"]] = data
    target.insists = True
    text = configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t"}])
    run_program("once", config=text, code=0)
    same(target.manifests["app", name], (content.MANIFEST, child))
    same(target.manifests["app", "1"], (content.INDEX, root))
    same(target.blobs, source.blobs)
    has(run_program("once", config=text, code=0).out, "changed 0")
    # And one that lies about it.
    source.blobs["app", parts[1]["digest"]] = layer[:-1] + b"x"
    target.blobs.clear()
    target.manifests.clear()
    run_program("once", config=text, code=1)
    same(target.tags("app"), [])


LONGEST = "a" * 127 + "/" + "b" * 127
NAMES = [LONGEST, "a", "0/1", "a.b/c_d/e__f/g-h/i---j", "x/" * 126 + "yyy"]
TAGS = ["a" * 128, "_", "A.b-C_d", "0"]


def case_names_at_the_limits_of_the_grammar():
    setup()
    artifact = content.image("name")
    for name in NAMES:
        A.seed(name, {tag: artifact for tag in TAGS})
    names = only(*NAMES)
    run_program("once", config=config(**names), code=0)
    for name in NAMES:
        same(B.client().tags(name), sorted(TAGS), name)
        same_tree(name, TAGS[0])
    has(run_program("once", config=config(**names), code=0).out,
        "changed 0")
    text = configuration(
        [endpoint("a", "oci", url=A.url),
         endpoint("l", "layout", path=path("names"))],
        [{"name": "al", "source": "a", "target": "l", **names}])
    run_program("once", config=text, code=0)
    for name in NAMES:
        same(check(path("names", name)), sorted(TAGS), name)
    for name in (LONGEST + "c", "a//b", "A", "-a", "a.-b"):
        result = run_program("once", code=3, config=config(**only(name)))
        has(result.err, name[:100])


def case_requests_are_few_at_the_server():
    setup()
    shared = content.digest(content.make_blob("few", 2000))
    few = {"select": {"repositories": {"allow": ["few/.*"]}}}
    # So many tags that the target is asked for its list first: a repository
    # that it does not have needs no more questions.
    images = [content.image(f"few{number}", shared=["few"])
              for number in range(32)]
    for number, image in enumerate(images):
        A.client().push("few/" + "ab"[number % 2], str(number), image)

    def count(requests, name):
        return sorted(method for method, target in requests
                      if name in target)

    def pass_over():
        A.forget()
        B.forget()
        run_program("once", config=config(**few), code=0)
        return A.requests(), B.requests()

    at_a, at_b = pass_over()
    new = [blob for image in images for blob in image.blobs if blob != shared]
    for blob in new:
        same(count(at_a, blob), ["GET"], "new blob, at the source")
        same(count(at_b, blob), ["PUT"], "new blob, at the target")
    same(sum(method == "POST" for method, _ in at_b), len(new) + 2,
         "POSTs: one for each new blob, and one for a mount")
    same(count(at_a, shared), ["GET"], "shared blob, at the source")
    same(count(at_b, shared), ["POST", "PUT"],
         "shared blob, at the target: an upload and a mount")
    # A repository that has other things is asked for a blob first.
    more = content.image("more", shared=["few"])
    A.client().push("few/a", "more", more)
    at_a, at_b = pass_over()
    for blob in set(more.blobs) - {shared}:
        same(count(at_a, blob), ["GET"], "another blob, at the source")
        same(count(at_b, blob), ["HEAD", "PUT"],
             "another blob, at the target")
    same(count(at_b, shared), ["HEAD"], "a blob that is there")
    same(count(at_a, shared), [])
    for requests in pass_over():
        heads = [target for method, target in requests if method == "HEAD"]
        same((len(heads), len(set(heads))), (33, 33),
             "HEADs of an unchanged pass")
        holds(all(method in ("HEAD", "GET") for method, _ in requests),
              requests)


def made_up(**options):
    """Passes between plugins that make everything up: all of it is new, then
    nothing is."""
    for more, changed in (({"empty": True}, True), ({}, False)):
        result = run_program("once", "-o", "json", code=0,
                             config=configuration(
            [endpoint("a", "null", **options),
             endpoint("b", "null", **options, **more)],
            [{"name": "ab", "source": "a", "target": "b"}]))
        sync = result.json()["syncs"][0]
        same((sync["checked"], sync["changed"], sync["failed"]),
             (10000, 10000 if changed else 0, 0))


def case_ten_thousand_tags_in_one_repository():
    source, target = Hostile(), Hostile()
    source.add("huge", "v1.0.0", content.image("tags"))
    for number in range(10000):
        source.manifests["huge", f"v1.{number}.0"] = source.manifests[
            "huge", "v1.0.0"]
    run_program("once", code=0, config=configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t",
          **only("huge", semver=">=1.9990.0", latest=5)}]))
    same(target.tags("huge"),
         [f"v1.{number}.0" for number in range(9995, 10000)])
    same(source.count("HEAD"), 5)
    same(source.count("GET", "/tags/list"), 10)
    made_up(tags=10000)


def case_five_thousand_repositories():
    source, target = Hostile(), Hostile()
    artifact = content.image("repositories")
    for number in range(5000):
        source.add(f"many/r{number:04}", "1", artifact)
    run_program("once", code=0, config=configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t",
          "select": {"repositories": {"allow": ["many/r123[0-9]"]}}}]))
    same(sorted({name for name, _ in target.manifests}),
         [f"many/r123{number}" for number in range(10)])
    same(source.count("GET", "_catalog"), 5)
    same(source.count("GET", "/tags/list"), 10)
    made_up(repositories=5000, tags=2)


def gigabyte():
    """A tag of an image with a layer of 1 GiB, sparse at the source."""
    size = 1 << 30
    name = ("sha256:49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc1"
            "9fe68a14")
    seed = content.image("gigabyte", layers=0)
    value = json.loads(seed.bytes)
    value["layers"] = [{"mediaType": content.LAYER, "digest": name,
                        "size": size}]
    data = content.encode(value)
    A.seed("huge/blob", {"1": content.Artifact([(content.MANIFEST, data)],
                                               seed.blobs)})
    A.seed_sparse("huge/blob", name, size)
    return name


def case_a_blob_of_1_gib():
    setup()
    name = gigabyte()
    result = run_program(
        "once", "-o", "json", code=0, config=configuration(
            [endpoint("a", "oci", url=A.url),
             endpoint("n", "null", empty=True)],
            [{"name": "an", "source": "a", "target": "n",
              **only("huge/blob")}]))
    same(result.json()["syncs"][0]["changed"], 1)
    if not os.environ.get("HR_E2E_LARGE"):
        return
    run_program("once", config=config(**only("huge/blob")), code=0)
    same_tree("huge/blob", "1")
    same(B.client().ask("HEAD", f"/v2/huge/blob/blobs/{name}")[0].headers[
        "Content-Length"], str(1 << 30))


def case_ten_thousand_tags_over_the_wire():
    if not os.environ.get("HR_E2E_LARGE"):
        raise Skip("takes long: set HR_E2E_LARGE")
    setup()
    artifact = content.image("tags")
    A.seed("huge/tags", {f"v1.{number}.0": artifact
                         for number in range(10000)})
    has(run_program("once", config=config(**only("huge/tags")), code=0).out,
        "checked 10000, changed 10000, skipped 0, failed 0")
    B.forget()
    has(run_program("once", config=config(**only("huge/tags")), code=0).out,
        "checked 10000, changed 0")
    same(sum(1 for method, _ in B.requests() if method == "HEAD"), 10000)


if __name__ == "__main__":
    run(globals())
