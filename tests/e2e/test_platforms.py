# SPDX-License-Identifier: LGPL-2.1-or-later
"""Some platforms of an index, and registries that insist on all."""
import content
from content import INDEX, MANIFEST
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from servers import Registry


def platform(text):
    parts = text.split("/")
    return dict(zip(("os", "architecture", "variant"), parts))


class Tree:
    """An index with what BuildKit puts into one, and one inside."""

    def __init__(self):
        self.images = {name: content.image(name) for name in
                       ("linux/amd64", "linux/arm64/v8", "windows/amd64")}
        self.plain = content.image("of no platform")
        self.attests = {
            name: content.image("about " + name) for name in self.images}
        self.inner_images = {
            name: content.image("inner " + name) for name in
            ("linux/amd64", "linux/s390x")}
        self.inner = index([entry(image, platform(name)) for name, image
                            in self.inner_images.items()],
                           *self.inner_images.values())
        entries = [entry(image, platform(name))
                   for name, image in self.images.items()]
        entries += [entry(about, platform("unknown/unknown"), {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": self.images[name].digest})
                    for name, about in self.attests.items()]
        entries += [entry(self.plain), entry(self.inner)]
        self.root = index(entries, *self.images.values(),
                          *self.attests.values(), self.plain, self.inner)

    def wanted(self, *names):
        """Digests of what is moved for these platforms."""
        found = [self.root, self.inner, self.plain]
        for name in names:
            found += [group[name] for group in
                      (self.images, self.attests, self.inner_images)
                      if name in group]
        return sorted(one.digest for one in found)


def entry(artifact, its_platform=None, annotations=None):
    more = {"platform": its_platform} if its_platform else {}
    if annotations:
        more["annotations"] = annotations
    return dict(artifact.descriptor, **more)


def index(entries, *children):
    root = content.encode({"schemaVersion": 2, "mediaType": INDEX,
                           "manifests": entries})
    blobs = {}
    for child in children:
        blobs.update(child.blobs)
    return content.Artifact([m for c in children for m in c.manifests] +
                            [(INDEX, root)], blobs)


def config(source, target, **select):
    return configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t",
          **({"select": select} if select else {})}])


def stored(registry, repository="app"):
    return sorted(ref for repo, ref in registry.manifests
                  if repo == repository and ":" in ref)


def case_only_wanted_platforms_of_an_index_are_moved():
    tree, source, target = Tree(), Hostile(), Hostile()
    source.add("app", "1", tree.root)
    source.add("app", "plain", content.image("windows only"))
    text = config(source, target, platforms=["linux/amd64"])
    run_program("once", config=text, code=0)
    same(target.manifests["app", "1"], source.manifests["app", "1"])
    same(stored(target), sorted(tree.wanted("linux/amd64") +
                                [content.image("windows only").digest]))
    unwanted = tree.images["windows/amd64"].manifests[0][1]
    holds(source.count("GET", content.digest(unwanted)) == 0, "was read")
    for name in tree.images["linux/arm64/v8"].blobs:
        holds(("app", name) not in target.blobs, "a blob was moved")
    run_program("verify", "--deep", config=text, code=0)
    has(run_program("once", config=text, code=0).out, "changed 0")


def case_what_was_left_out_comes_when_it_is_asked_for():
    tree, source, target = Tree(), Hostile(), Hostile()
    source.add("app", "1", tree.root)
    run_program("once", config=config(source, target,
                                      platforms=["linux/amd64"]), code=0)
    more = config(source, target, platforms=["linux/amd64", "linux/arm64"])
    # An unchanged pass does not look below a tag; verify does.
    has(run_program("once", config=more, code=0).out, "changed 0")
    has(run_program("verify", config=more, code=5).out,
        "damaged", "once --complete", "is missing")
    has(run_program("plan", "--complete", config=more, code=0).out,
        "update", "the target lacks parts of it")
    has(run_program("once", "--complete", config=more, code=0).out,
        "changed 1")
    same(stored(target), tree.wanted("linux/amd64", "linux/arm64/v8"))
    run_program("verify", config=more, code=0)
    has(run_program("once", "--complete", config=more, code=0).out,
        "changed 0", "0 B in 0 writes")
    # And all of it, also what is in an index that was there.
    everything = config(source, target, tags={"immutable": [".*"]})
    has(run_program("once", config=everything, code=0).out, "changed 0")
    has(run_program("once", "--complete", config=everything, code=0).out,
        "changed 1")
    same(stored(target), stored(source))
    run_program("verify", "--deep", config=everything, code=0)


def case_an_index_for_none_of_the_platforms_is_refused():
    source, target = Hostile(), Hostile()
    source.add("app", "1", Tree().root)
    images = {name: content.image(name) for name in
              ("windows/amd64", "linux/s390x")}
    source.add("app", "2", index([entry(i, platform(n))
                                  for n, i in images.items()],
                                 *images.values()))
    source.add("app", "empty", index([]))
    text = config(source, target, platforms=["linux/amd64", "linux/arm/v7"])
    result = run_program("once", config=text, code=1)
    has(result.out, "changed 2", "failed 1", "app:2",
        "none of its images is for linux/amd64 or linux/arm/v7; it has "
        "linux/s390x, windows/amd64")
    same(target.tags("app"), ["1", "empty"])


def case_a_registry_that_insists_gets_all_images():
    tree, source = Tree(), Hostile()
    source.add("app", "1", tree.root)
    target = Hostile(insists=True)
    text = config(source, target, platforms=["linux/amd64"])
    result = run_program("-v", "once", config=text, code=0)
    has(result.out, "changed 1")
    has(result.err, "all images are brought")
    same(stored(target), stored(source))
    # Nothing moved twice.
    puts = [t for m, t, _ in target.requests
            if m == "PUT" and "/uploads/" in t]
    same(len(puts), len(set(t.split("digest=")[1] for t in puts)))
    run_program("verify", config=text, code=0)

    # Once refused, others are brought whole from the start.
    for number in range(2, 8):
        image = content.image(number)
        other = content.image(-number)
        source.add("app", f"{number}", index(
            [entry(image, platform("linux/amd64")),
             entry(other, platform("linux/s390x"))], image, other))
    target.requests.clear()
    run_program("once", config="workers = 1;\n" + text, code=0)
    refused = target.count("PUT", "/manifests/[0-9]$") - 6
    same(refused, 1, "refused indexes")

    strict = Hostile(insists=True)
    result = run_program("once", code=1, config=config(
        source, strict, platforms=["linux/amd64"], sparse_index="fail"))
    has(result.out, "failed 7", 'set sparse_index to "complete"')
    same(strict.tags("app"), [])


def case_debians_registry_insists():
    tree = Tree()
    source, target = Registry("platforms-a"), Registry("platforms-b")
    source.client().push("app", "1", tree.root)
    result = run_program("-v", "once", code=0, config=config(
        source, target, platforms=["linux/arm64"]))
    has(result.err, "all images are brought")
    same(target.client().manifest("app", "1"),
         source.client().manifest("app", "1"))
    run_program("verify", "--deep", code=0, config=config(source, target))
    target.wipe()
    result = run_program("once", code=1, config=config(
        source, target, platforms=["linux/arm64"], sparse_index="fail"))
    has(result.out, 'set sparse_index to "complete"')


def case_a_layout_takes_some_and_gives_what_it_has():
    tree, source, target = Tree(), Hostile(), Hostile()
    source.add("app", "1", tree.root)

    def through(first, second, **select):
        ends = {"s": endpoint("s", "oci", url=source.url),
                "l": endpoint("l", "layout", path=path("some")),
                "t": endpoint("t", "oci", url=target.url)}
        return configuration(
            [ends[first], ends[second]],
            [{"name": "x", "source": first, "target": second,
              "select": select}])

    some = {"platforms": ["linux/amd64"]}
    run_program("once", config=through("s", "l", **some), code=0)
    run_program("verify", "--deep", config=through("s", "l", **some), code=0)
    run_program("once", config=through("l", "t", **some), code=0)
    same(stored(target), tree.wanted("linux/amd64"))
    # All of what is not there cannot be given, and that is no vanished tag.
    target.manifests.clear()
    result = run_program("once", config=through("l", "t"), code=1)
    has(result.out, "failed 1", "is missing")


run(globals())
