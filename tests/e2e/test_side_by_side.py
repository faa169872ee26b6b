# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several syncs at once: none waits for another, each is told for itself."""
import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading
import time

import content
from harness import (PATIENCE, PROGRAM, configuration, endpoint, has, holds, path, run, run_program, same)
from hostile import Hostile
from servers import Registry


class Gated(Hostile):
    """Answers what matches only when `ready()` holds; never, if it takes too
    long: a test that waits for nothing fails."""

    def __init__(self, method, pattern, ready, **quirks):
        self.gate = (method, re.compile(pattern), ready)
        self.held = 0
        super().__init__(**quirks)

    def find_rule(self, method, target):
        wanted, pattern, ready = self.gate
        if method == wanted and pattern.search(target):
            self.held += 1
            until = time.monotonic() + PATIENCE / 12
            while not ready():
                if time.monotonic() > until:
                    return {"status": 500}
                time.sleep(0.002)
        return super().find_rule(method, target)


PATIENT = {"timeout": "60s", "stall": "60s", "attempts": 1}


def syncs_of(pairs, more="", **policy):
    """A configuration of syncs named by number; servers are known by
    identity."""
    names = {}
    blocks = []
    for pair in pairs:
        for server in pair[:2]:
            names.setdefault(id(server), (f"e{len(names)}", server))
    for number, pair in enumerate(pairs):
        extra = pair[2] if len(pair) > 2 else {}
        blocks.append({"name": f"s{number}", "source": names[id(pair[0])][0],
                       "target": names[id(pair[1])][0], **extra})
    return configuration(
        [endpoint(name, "oci", url=server.url,
                  policy={**PATIENT, **policy})
         for name, server in names.values()], blocks, more)


def filled(tags=3, name="x", **image):
    server = Hostile()
    for number in range(tags):
        server.add("app", f"{number}",
                   content.image(f"{name}{number}", **image))
    return server


def spans(servers):
    return [(min(server.times), max(server.times)) for server in servers]


def case_syncs_run_at_the_same_time():
    """Each source answers only once all of them are being asked."""
    servers = []
    for _ in range(4):
        servers.append(Gated("GET", "/tags/list",
                             lambda: all(s.held for s in servers)))
    for number, server in enumerate(servers):
        server.add("app", "1", content.image(f"at once {number}"))
    targets = [Hostile() for _ in servers]
    result = run_program("once", code=0,
                         config=syncs_of(list(zip(servers, targets))))
    for target in targets:
        same(target.tags("app"), ["1"])
    same(re.findall(r"^(s\d): checked", result.out, re.M),
         ["s0", "s1", "s2", "s3"])


def case_plan_and_verify_run_at_the_same_time_too():
    servers, asked = [], []
    for _ in range(3):
        servers.append(Gated(
            "GET", "/tags/list",
            lambda: len({id(s) for s in servers if s.held > asked[-1]}) == 3))
    for server in servers:
        server.add("app", "1", content.image("same"))
    pairs = [(server, Hostile()) for server in servers]
    for turn, command in enumerate(("plan", "once", "verify")):
        asked.append(turn)
        result = run_program(command, config=syncs_of(pairs), code=0)
        found = re.findall(r"^(?:plan )?(s\d): (?:checked|equal)", result.out,
                           re.M)
        same(found, ["s0", "s1", "s2"], command)
        for server in servers:
            server.held = turn + 1


def case_no_more_at_once_than_parallel_syncs():
    sources = [filled(name=f"turn {i}") for i in range(5)]
    pairs = [(source, Hostile()) for source in sources]
    run_program("once", config=syncs_of(pairs, "parallel_syncs = 1;"), code=0)
    found = spans(sources)
    for one, next in zip(found, found[1:]):
        holds(one[1] < next[0], f"two at once: {found}")


def case_one_that_fails_does_not_stop_the_others():
    good, target = filled(), Hostile()
    dead = Hostile()
    dead.server.shutdown()
    dead.server.server_close()
    refused = filled()
    refused.rule("GET", "/blobs/", status=403)
    result = run_program("once", code=1, config=syncs_of(
        [(dead, Hostile()), (refused, Hostile()), (good, target)]))
    same(target.tags("app"), ["0", "1", "2"])
    has(result.out, "s0: nothing could be done", "s1: checked 3, changed 0",
        "s2: checked 3, changed 3")
    holds(result.out.index("s0:") < result.out.index("s1:") <
          result.out.index("s2:"), "not in the order of the configuration")


def case_small_things_come_first():
    """Eight tags with a big layer before as many small ones, in the order of
    names; big layers are taken when all small tags are there."""
    source = Hostile()
    for number in range(8):
        source.add("app", f"a{number}", content.image(f"a{number}", layers=1,
                                                      size=17 << 20))
        source.add("app", f"b{number}", content.image(f"b{number}", layers=1))
    big = [name.split(":")[1] for (_, name), data in source.blobs.items()
           if len(data) == 17 << 20]
    target = Gated("PUT", "|".join(big),
                   lambda: len([t for t in target.tags("app")
                                if t[0] == "b"]) == 8)
    run_program("once", code=0,
                config=syncs_of([(source, target)], "workers = 4;"))
    same(len(target.tags("app")), 16)
    holds(target.held > 0, "nothing was big")


def case_uploads_of_one_artifact_begin_together():
    """The first POST is answered when the last one is there."""
    source = filled(1, layers=6)
    target = Gated("POST", "/blobs/uploads/", lambda: target.held >= 7)
    run_program("once", config=syncs_of([(source, target)]))
    same(target.manifests[("app", "0")], source.manifests[("app", "0")])
    same(target.held, 7)


def case_a_signal_finds_uploads_that_are_only_begun():
    source = filled(1, layers=6)
    target = Gated("POST", "/blobs/uploads/", lambda: interrupted.is_set())
    interrupted = threading.Event()
    with open(path("begun.cfg"), "w") as file:
        file.write(syncs_of([(source, target)]))
    program = subprocess.Popen([PROGRAM, "-c", path("begun.cfg"), "once"],
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while target.held < 7:
        time.sleep(0.01)
    program.send_signal(signal.SIGINT)
    same(program.wait(PATIENCE), 130)
    interrupted.set()
    same(target.tags("app"), [])


def case_big_blobs_move_at_once_up_to_the_limit():
    source = Hostile()
    for number in range(5):
        source.add("app", f"{number}", content.image(
            f"big {number}", layers=1, size=17 << 20))
    big = [name.split(":")[1] for (_, name), data in source.blobs.items()
           if len(data) == 17 << 20]
    moved = lambda: target.count("PUT", "|".join(big))
    target = Gated("PUT", "|".join(big), lambda: moved() >= 3)
    run_program("once", code=0, config=syncs_of(
        [(source, target)], "workers = 8;"))
    same(len(target.tags("app")), 5)


def case_a_slow_target_does_not_hold_up_another():
    """The slow one takes what it is sent when the fast one has everything.
    Both are written to from the same source, by more jobs than there are
    workers: blobs that have left the source at once, and such that have
    not."""
    for tags, size in ((24, 300), (5, 20 << 20)):
        source = filled(tags=tags, layers=1, size=size)
        fast = Hostile()
        layers = [name.split(":")[1] for (_, name), data in
                  source.blobs.items() if len(data) == size]
        slow = Gated("PUT", "|".join(layers),
                     lambda: len(fast.tags("app")) == tags)
        result = run_program("once", code=0, config=syncs_of(
            [(source, slow), (source, fast)], "workers = 4;", requests=32))
        holds(slow.held > 0, "it was not slow")
        same(slow.tags("app"), fast.tags("app"))
        has(result.out, f"s0: checked {tags}, changed {tags}",
            f"s1: checked {tags}, changed {tags}")


def layer_writes(registry):
    return sum(1 for method, target in registry.requests()
               if method == "PUT" and "/blobs/uploads/" in target)


def case_a_blob_that_two_syncs_bring_is_uploaded_once():
    """Two sources with the same layers, one target; the second asks for
    layers while the first moves them."""
    pushed = {}
    sources = []
    for number in range(2):
        source = Gated("GET", "/blobs/",
                       lambda: all(s.count("GET", "/manifests/") >= 6
                                   for s in sources))
        for tag in range(6):
            image = content.image(f"own {number} {tag}", layers=1,
                                  shared=["one", "two", f"three {tag}"])
            source.add(f"app{number}", str(tag), image)
            pushed.update(image.blobs)
        sources.append(source)
    target = Registry("shared")
    target.forget()
    result = run_program("once", "-o", "json", code=0, config=syncs_of(
        [(source, target) for source in sources])).json()
    same(layer_writes(target), len(pushed), "uploads")
    same(sum(s["blobs_copied"] for s in result["syncs"]), len(pushed))
    same(sum(s.count("GET", "/blobs/") for s in sources), len(pushed),
         "blobs read")
    run_program("verify", "--deep", code=0, config=syncs_of(
        [(source, target) for source in sources]))


def many_things():
    """A source of tags with indexes, shared layers and two names for one."""
    source = Hostile()
    for number in range(6):
        source.add("app", f"{number}", content.image(
            f"one {number}", shared=["base", f"half {number % 2}"]))
        source.add("app", f"i{number}", content.index(f"many {number}"))
    source.add("app", "latest", content.image(
        "one 5", shared=["base", "half 1"]))
    return source


def read_once(source, pattern):
    """What was read from the source, each once."""
    found = [t for m, t, _ in source.requests
             if m == "GET" and re.search(pattern, t)]
    same(sorted(found), sorted(set(found)), "reads")
    return len(found)


def is_like(target, source):
    same(target.tags("app"), source.tags("app"))
    same(target.manifests, source.manifests)
    same({name for _, name in target.blobs},
         {name for _, name in source.blobs})


def case_three_targets_of_one_source_read_it_once():
    """Also blobs larger than what is kept in memory."""
    source = many_things()
    source.add("app", "large", content.image("large", size=20 << 20))
    targets = [Hostile() for _ in range(3)]
    result = run_program("once", "-o", "json", code=0, config=syncs_of(
        [(source, target) for target in targets])).json()
    same(read_once(source, "/manifests/"),
         len({name for _, name in source.manifests if ":" in name}))
    same(read_once(source, "/blobs/"), len(source.blobs))
    for target in targets:
        is_like(target, source)
    same([sync["bytes"] for sync in result["syncs"]],
         [result["syncs"][0]["bytes"]] * 3)
    run_program("verify", "--deep", code=0, config=syncs_of(
        [(source, target) for target in targets]))


def case_a_target_that_has_some_blobs_keeps_nobody_waiting():
    source = many_things()
    targets = [Hostile() for _ in range(3)]
    for (repository, name), data in list(source.blobs.items())[::2]:
        targets[1].blobs[repository, name] = data
    run_program("once", code=0, config=syncs_of(
        [(source, target) for target in targets]))
    same(read_once(source, "/blobs/"), len(source.blobs))
    for target in targets:
        is_like(target, source)
    same(targets[1].count("PUT", "/blobs/"),
         len(source.blobs) - (len(source.blobs) + 1) // 2)


def case_a_directory_is_written_beside_a_registry():
    source, target = many_things(), Hostile()
    directory = path("beside")
    config = configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url),
         endpoint("d", "layout", path=directory)],
        [{"name": "st", "source": "s", "target": "t"},
         {"name": "sd", "source": "s", "target": "d"}])
    run_program("once", config=config, code=0)
    same(read_once(source, "/blobs/"), len(source.blobs))
    is_like(target, source)
    run_program("verify", "--deep", config=config, code=0)


def case_two_names_on_one_target_do_not_wait_for_each_other():
    """Nor does another target for both of them: blobs are read once."""
    source, target, other = many_things(), Hostile(), Hostile()
    run_program("once", code=0, config=syncs_of(
        [(source, target), (source, other),
         (source, target, {"rename": {"prefix": "copy/"}})]))
    same(read_once(source, "/blobs/"), len(source.blobs))
    is_like(other, source)
    for repository in ("app", "copy/app"):
        same(target.tags(repository), source.tags("app"))


def case_a_source_that_breaks_off_goes_on_for_all():
    source = Hostile()
    source.add("app", "1", content.image("broken", layers=1, size=6 << 20))
    layer = next(name for (_, name), data in source.blobs.items()
                 if len(data) > 1000000)
    source.rule("GET", layer, times=1, truncate=3 << 20)
    targets = [Hostile() for _ in range(3)]
    run_program("once", code=0, config=syncs_of(
        [(source, target) for target in targets], attempts=3))
    same(source.count("GET", layer), 2)
    holds(source.sent_bytes < 10 << 20, source.sent_bytes)
    for target in targets:
        is_like(target, source)


def case_bytes_that_are_wrong_reach_nobody():
    source = Hostile()
    source.add("app", "1", content.image("wrong", layers=1, size=3 << 20))
    layer = next(name for (_, name), data in source.blobs.items()
                 if len(data) > 1000000)
    source.rule("GET", layer, corrupt=True)
    targets = [Hostile() for _ in range(3)]
    result = run_program("once", code=1, config=syncs_of(
        [(source, target) for target in targets]))
    same(result.out.count("do not match"), 3)
    for target in targets:
        same(target.tags("app"), [])
        holds(("app", layer) not in target.blobs, "it was stored")


def case_a_target_that_refuses_keeps_nothing_from_the_others():
    source = Hostile()
    source.add("app", "1", content.image("refused", layers=2, size=4 << 20))
    targets = [Hostile() for _ in range(3)]
    targets[0].rule("PUT", "/blobs/", refuse_after=1 << 20, status=403)
    targets[0].rule("PATCH", "/blobs/", refuse_after=1 << 20, status=403)
    run_program("once", code=1, config=syncs_of(
        [(source, target) for target in targets]))
    same(targets[0].tags("app"), [])
    for target in targets[1:]:
        is_like(target, source)
    same(source.count("GET", "/blobs/"), len(source.blobs))


def case_the_fast_ones_are_done_before_the_slow_one():
    """One takes its blobs at a fiftieth of their pace; it gets all of it, and
    the others have everything long before."""
    source = Hostile()
    for number in range(3):
        source.add("app", f"{number}", content.image(
            f"paced {number}", layers=1, size=12 << 20))
    done = {}

    class Slow(Hostile):
        def find_rule(self, method, target):
            if method == "PUT" and "/manifests/" in target:
                done.setdefault(self, []).append(time.monotonic())
            return super().find_rule(method, target)

    fast = [Slow(), Slow()]
    slow = Slow()
    slow.pace = 1 << 20
    slow.server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    run_program("once", code=0, config=syncs_of(
        [(source, target) for target in (slow, *fast)]))
    for target in fast:
        is_like(target, source)
        holds(max(done[target]) < min(done[slow]), done)
    is_like(slow, source)


def case_requests_are_counted_for_the_sync_that_made_them():
    """Those to a target are its sync's; one to the source is that of whoever
    asked."""
    source = filled(tags=5)
    targets = [Hostile() for _ in range(3)]
    result = run_program("once", "-o", "json", code=0, config=syncs_of(
        [(source, target) for target in targets])).json()
    counts = [s["requests"] for s in result["syncs"]]
    same(sum(counts), len(source.requests) +
         sum(len(target.requests) for target in targets))
    for count, target in zip(counts, targets):
        holds(count > len(target.requests), counts)


def read_all(fd):
    text = b""
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError:
            part = b""
        if not part:
            return text.decode(errors="replace")
        text += part


def case_progress_tells_of_each_sync_how_much_is_left():
    """Of 3 MiB and of 2 MiB: what is there already, and what is only mounted,
    is none of it."""
    pairs = []
    for number, size in enumerate((3, 2)):
        source, target = Hostile(), Hostile()
        there = content.image(f"there {number}", layers=1, size=5 << 20)
        here, apart = there.blobs
        moved = content.image(f"moved {number}", layers=1, size=size << 20,
                              shared=[])
        image = content.image(f"all {number}", layers=0)
        manifest = json.loads(image.bytes)
        manifest["layers"] = [
            content.descriptor(data, content.LAYER)
            for data in (there.blobs[here], moved.blobs[list(moved.blobs)[0]])]
        image = content.Artifact(
            [(content.MANIFEST, content.encode(manifest))],
            {**image.blobs, **there.blobs, **moved.blobs})
        source.add("app", "1", image)
        target.blobs["app", here] = there.blobs[here]
        source.rule("GET", "/blobs/" + list(moved.blobs)[0], drip=2)
        pairs.append((source, target))
    name = path("progress.cfg")
    with open(name, "w") as file:
        file.write(syncs_of(pairs))
    ours, theirs = pty.openpty()
    process = subprocess.Popen([PROGRAM, "-c", name, "once"], stderr=theirs,
                               stdout=subprocess.PIPE,
                               env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    shown = read_all(ours)
    process.communicate(timeout=60)
    same(process.returncode, 0, shown)
    for number, size in enumerate((3, 2)):
        found = set(re.findall(rf"s{number} \S*\[[#.]*\]\S* 0/1 tags, "
                               r"[0-9.]+ \S+ of ([0-9.]+ \S+),", shown))
        same(found, {f"{size}.0 MiB"}, shown)


def start_once():
    sources = [filled(), filled()]
    for source in sources:
        source.rule("GET", "/blobs/", hang=True)
    name = path("interrupted.cfg")
    with open(name, "w") as file:
        file.write(syncs_of([(source, Hostile()) for source in sources]))
    process = subprocess.Popen([PROGRAM, "-c", name, "once"],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    while not all(source.count("GET", "/blobs/") for source in sources):
        time.sleep(0.01)
    return process


def case_a_signal_ends_all_of_them_in_good_order():
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = start_once()
        process.send_signal(number)
        out, err = process.communicate(timeout=25)
        same(process.returncode, code, "exit code")
        same(err.decode().count("interrupted: ending"), 1, "warnings")
        has(out.decode(), "s0: checked 3, changed 0", "s1: checked 3, changed")


def case_a_sync_that_is_named_twice_runs_once():
    source, target = filled(), Hostile()
    result = run_program("once", "s0", "s0", code=0,
                         config=syncs_of([(source, target)]))
    same(result.out.count("s0: checked"), 1)


if __name__ == "__main__":
    run(globals())
