# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures passes beside skopeo and curl, on this machine, in the same run.

Two docker-registry instances on loopback.  README says what each line means;
measure.py, how many runs there are and how to choose lines.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "e2e"))
import content  # noqa: E402
from harness import (BUILD, PROGRAM, configuration, endpoint,  # noqa: E402
                     free_port, need, path, start)
from instructions import count  # noqa: E402
from measure import (compared, heading, limited, measure,  # noqa: E402
                     medians, recorded, wanted)
from servers import Nginx, Registry  # noqa: E402

RECORD = os.path.join(HERE, "instructions.txt")
DELAY_PROXY = os.path.join(BUILD, "tests", "bench", "delay-proxy")

USER, PASSWORD = "bench", "between-us"

TAGS = 500
MEMORY_MIB = 24

# As many blobs at once as the program moves if it is not told otherwise.
TRANSFERS = 4


def ours(name, source, target, **more):
    """A pass from one place to another; `more` are keys of both endpoints."""
    with open(path(name), "w") as file:
        file.write(configuration(
            [endpoint(side, "oci", url=place.url, **place.keys, **more)
             for side, place in (("a", source), ("b", target))],
            [{"name": "s", "source": "a", "target": "b"}]))
    return [PROGRAM, "-q", "-c", path(name), "once"]


def skopeo(source, target, repository):
    """The form that copies all tags of one repository."""
    command = [need("skopeo"), "sync", "--src", "docker", "--dest", "docker",
               "--src-tls-verify=false", "--dest-tls-verify=false", "--all"]
    for side, place in (("src", source), ("dest", target)):
        if place.keys:
            command += [f"--{side}-creds={USER}:{PASSWORD}"]
    return command + [f"127.0.0.1:{source.port}/{repository}",
                      f"127.0.0.1:{target.port}/"]


# For one blob, whose digest is the argument: begin an upload, then pipe.
CURL_COPY = """
place=$(curl -sSf -d '' -D - -o /dev/null "$target/blobs/uploads/" |
        tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
curl -sSf "$source/blobs/$0" |
curl -sSf -o /dev/null -H Expect: -H 'Content-Type: application/octet-stream' \
     -T - "$place&digest=$0"
"""


def curl(source, target, repository, artifact, at_once):
    """The same blobs by hand, nothing checked on the way."""
    with open(path("digests"), "w") as file:
        file.write("\n".join(artifact.blobs))
    return ["env", f"source={source.url}/v2/{repository}",
            f"target={target.url}/v2/{repository}",
            "xargs", "-a", path("digests"), "-P", str(at_once), "-n", "1",
            "sh", "-c", CURL_COPY]


class Place:
    """An address that a pass is told, and the keys that go with it."""

    def __init__(self, port, scheme="http", keys=None):
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.keys = keys or {}


def near(registry):
    return Place(registry.port)


def far(place, name):
    """The same place behind 20 ms of round trip."""
    port = free_port()
    start([DELAY_PROXY, str(port), str(place.port), "10000"], port,
          path(name + ".log"))
    return Place(port, place.url.partition(":")[0], place.keys)


def secure(registry, name):
    """The same registry behind nginx, with TLS and HTTP/2."""
    nginx = Nginx(name, registry, USER, PASSWORD)
    os.environ["BENCH_PASSWORD"] = PASSWORD
    return Place(nginx.port, "https",
                 {"username": USER, "password": "env:BENCH_PASSWORD",
                  "tls": {"ca": nginx.ca}})


def beside_skopeo(name, mine, peers, goals, before):
    """`before` gets the command that comes next."""
    own = medians(mine, lambda: before(mine))
    peer = medians(peers, lambda: before(peers))
    compared(name + ": wall", "s", own.wall, peer.wall, "skopeo", goals[0])
    compared(name + ": CPU", "s", own.cpu, peer.cpu, "skopeo", goals[1])
    limited(name + ": memory", own.peak_kib, MEMORY_MIB)


class SmallTags:
    """A repository of small images, and a copy that each tool made itself."""

    def __init__(self, source, target, gzip):
        self.source = near(source)
        self.target = near(target)
        self.registry = target
        self.filled_by = None
        source.wipe()
        client = source.client()
        for number in range(TAGS):
            client.push("small", f"t{number}",
                        content.image(f"t{number}", gzip=gzip))
        self.ours = ours("near.cfg", self.source, self.target)
        self.skopeo = skopeo(self.source, self.target, "small")

    def empty(self, _):
        self.registry.wipe()
        self.filled_by = None

    def fill(self, command):
        """What skopeo has copied may be something else than what we have."""
        tool = self.ours if command[0] == PROGRAM else self.skopeo
        if self.filled_by != tool:
            self.registry.wipe()
            measure(tool)
            self.filled_by = tool


def bench_small_tags(source, target, what, gzip):
    first = f"{TAGS} tags, {what} layers, copied first"
    again = f"{TAGS} tags, {what} layers, unchanged"
    if not wanted(first) and not wanted(again):
        return
    tags = SmallTags(source, target, gzip)
    if wanted(first):
        beside_skopeo(first, tags.ours, tags.skopeo, (1 / 4, 1 / 4),
                      tags.empty)
    if wanted(again):
        beside_skopeo(again, tags.ours, tags.skopeo, (1 / 15, 1 / 15),
                      tags.fill)


def bench_far_tags(source, target):
    away = f"{TAGS} tags unchanged, 20 ms away"
    http2 = away + ", HTTP/2"
    if not wanted(away) and not wanted(http2):
        return
    tags = SmallTags(source, target, True)
    if wanted(away):
        ends = far(tags.source, "far-a"), far(tags.target, "far-b")
        beside_skopeo(away, ours("far.cfg", *ends),
                      skopeo(*ends, "small"), (1 / 40, None), tags.fill)
    if wanted(http2):
        ends = [far(secure(registry, f"nginx-{name}"), f"far-tls-{name}")
                for name, registry in (("a", source), ("b", target))]
        beside_skopeo(http2, ours("tls.cfg", *ends),
                      skopeo(*ends, "small"), (1 / 40, None), tags.fill)


def bench_big_blobs(source, target, what, gzip):
    beside = f"1 GiB in 16 blobs, {what} layers"
    together = beside + f", {TRANSFERS} at a time"
    single = beside + ", one by one"
    if not any(wanted(name) for name in (beside, together, single)):
        return
    big = content.image("big", layers=16, size=64 << 20, gzip=gzip)
    source.wipe()
    source.client().push("big", "one", big)
    ends = near(source), near(target)

    def empty(_=None):
        target.wipe()

    if wanted(beside):
        beside_skopeo(beside, ours("big.cfg", *ends), skopeo(*ends, "big"),
                      (None, 1 / 4), empty)
    for name, at_once in ((together, TRANSFERS), (single, 1)):
        if not wanted(name):
            continue
        own = medians(ours("big.cfg", *ends, policy={"transfers": at_once}),
                      empty)
        peer = medians(curl(*ends, "big", big, at_once), empty)
        compared(name + ": wall", "s", own.wall, peer.wall, "curl", 1.1)
        compared(name + ": CPU", "s", own.cpu, peer.cpu, "curl", None)
        limited(name + ": memory", own.peak_kib, MEMORY_MIB)


def bench_registries():
    source, target = Registry("a"), Registry("b")
    for what, gzip in (("plain", False), ("gzip", True)):
        bench_small_tags(source, target, what, gzip)
        bench_big_blobs(source, target, what, gzip)
    bench_far_tags(source, target)


def read_record():
    record = {}
    with open(RECORD) as file:
        for text in file:
            if not text.startswith("#"):
                number, _, name = text.strip().partition("  ")
                record[name] = int(number.replace(",", ""))
    return record


def write_record(counts):
    with open(RECORD) as file:
        kept = [text for text in file if text.startswith("#")]
    with open(RECORD, "w") as file:
        file.writelines(kept)
        for name, number in counts.items():
            file.write(f"{number:>12,}  {name}\n")


def bench_instructions():
    """What one tag more costs: passes over two numbers of tags, compared."""
    title = "instructions"
    if not wanted(title):
        return
    source, target = Registry("ia"), Registry("ib")
    client = source.client()
    program = ours("i.cfg", near(source), near(target))
    output = path("callgrind.out")
    runs = {}
    pushed = 0
    for number in (100, 300):
        for tag in range(pushed, number):
            client.push("small", f"t{tag}", content.image(f"t{tag}"))
        pushed = number
        target.wipe()
        for what in ("copied", "unchanged"):
            measure([need("valgrind"), "--tool=callgrind", "-q",
                     f"--callgrind-out-file={output}"] + program)
            runs[number, what] = count(output)
    record = read_record()
    counts = {}
    for what in ("copied", "unchanged"):
        guards, total = runs[300, what]
        counts[f"a tag {what}"] = (total - runs[100, what][1]) // 200
        compared(f"{title} of the guards, 300 tags {what}", "%",
                 100 * guards / total, 100, "pass", 0.02)
    for name, number in counts.items():
        recorded(f"{title}, {name}", number, record.get(name))
    if os.environ.get("BENCH_RECORD"):
        write_record(counts)


def through_null(tags, blobs):
    with open(path("null.cfg"), "w") as file:
        file.write(configuration(
            [endpoint("a", "null", tags=tags, blobs=blobs),
             endpoint("b", "null", empty=True)],
            [{"name": "s", "source": "a", "target": "b"}]))
    return measure([PROGRAM, "-q", "-c", path("null.cfg"),
                    "once"]).peak_kib


def bench_null():
    title = "memory through null"
    if not wanted(title):
        return
    small = through_null(25, 4)
    limited(title + ", 25 tags x 4 blobs", small, MEMORY_MIB)
    for tags, blobs in ((2500, 4), (10000, 1)):
        name = f"{title}, {tags} tags x {blobs}"
        peak = through_null(tags, blobs)
        limited(name + " blobs", peak, MEMORY_MIB)
        compared(name, "MiB", peak / 1024, small / 1024, "25 x 4", 1.1)


def main():
    heading()
    bench_null()
    bench_instructions()
    bench_registries()


if __name__ == "__main__":
    main()
