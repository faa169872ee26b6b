# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures a pass beside skopeo, on this machine, in the same run.

Two docker-registry instances on loopback.  Prints one table of medians:
ours, the peer's, their ratio, and the goal.  BENCH_RUNS sets the number of
runs (3), BENCH_ONLY a word that the names of the rows must contain.
"""
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "e2e"))
import content  # noqa: E402
from harness import (PROGRAM, configuration, endpoint, need,  # noqa: E402
                     path)
from servers import Registry  # noqa: E402
import guardcost  # noqa: E402

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
ONLY = os.environ.get("BENCH_ONLY", "")
ROWS = []


def high_water(pid):
    """Peak memory so far in KiB.  Not ru_maxrss, which a child inherits from
    the process that started it."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def measure(arguments):
    """Wall seconds, CPU seconds and peak memory in KiB of one command."""
    peak = 0
    with open(path("output"), "wb") as output:
        start = time.monotonic()
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output)
        while True:
            peak = max(peak, high_water(process.pid))
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid != 0:
                break
            time.sleep(0.002)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        with open(path("output"), errors="replace") as file:
            sys.exit(f"{arguments}: {file.read()[-3000:]}")
    return wall, usage.ru_utime + usage.ru_stime, peak


def medians(command, before):
    runs = []
    for _ in range(RUNS):
        before()
        runs.append(measure(command))
    return [statistics.median(column) for column in zip(*runs)]


def row(name, unit, ours, peer, goal):
    """`goal` is the largest ratio, or None where there is no peer."""
    ratio = ours / peer if peer else None
    verdict = "" if goal is None else "ok" if ratio <= goal else "MISSED"
    ROWS.append((name, f"{ours:.2f} {unit}",
                 "-" if peer is None else f"{peer:.2f} {unit}",
                 "-" if ratio is None else f"{ratio:.3f}",
                 "-" if goal is None else f"{goal:.3f}", verdict))


def limit(name, kib, most_mib):
    mib = kib / 1024
    ROWS.append((name, f"{mib:.1f} MiB", "-", "-", f"{most_mib} MiB",
                 "ok" if mib <= most_mib else "MISSED"))


def write_config(name, source, target):
    with open(path(name), "w") as file:
        file.write(configuration([source, target], [
            {"name": "s", "source": "a", "target": "b"}]))
    return [PROGRAM, "-q", "-c", path(name), "once"]


def skopeo_sync(source, target, repository):
    """The form that copies all tags of one repository."""
    return [need("skopeo"), "sync", "--src", "docker", "--dest", "docker",
            "--src-tls-verify=false", "--dest-tls-verify=false", "--all",
            f"127.0.0.1:{source.port}/{repository}",
            f"127.0.0.1:{target.port}/"]


def compare(name, ours, peer, goals, before=None):
    """`before` runs before each run, with the command to come."""
    if ONLY not in name:
        return
    mine = medians(ours, lambda: before(ours))
    theirs = medians(peer, lambda: before(peer))
    row(name + ", wall", "s", mine[0], theirs[0], goals[0])
    row(name + ", CPU", "s", mine[1], theirs[1], goals[1])
    limit(name + ", memory", mine[2], 32)


def bench_layers(source, target, what, gzip, goals):
    """Small tags, and one large image.  Layers that are not compressed are
    compressed by the peer on their way; ours are passed on as they are."""
    source.wipe()
    client = source.client()
    for number in range(500):
        client.push("small", f"t{number}",
                    content.image(f"t{number}", gzip=gzip))
    ours = write_config("r.cfg", endpoint("a", "oci", url=source.url),
                        endpoint("b", "oci", url=target.url))
    peer = skopeo_sync(source, target, "small")
    filled_by = []

    def empty(_):
        target.wipe()
        filled_by.clear()

    def fill(command):
        """Each finds unchanged what it copied itself."""
        if filled_by != [command]:
            target.wipe()
            measure(command)
            filled_by[:] = [command]

    compare(f"500 small tags ({what}) copied first", ours, peer, goals[0],
            empty)
    compare(f"500 small tags ({what}) unchanged", ours, peer, goals[1], fill)
    source.wipe()
    big = content.image("big", layers=16, size=64 << 20, gzip=gzip)
    source.client().push("big", "one", big)
    del big
    compare(f"1 GiB in 16 blobs ({what})", ours,
            skopeo_sync(source, target, "big"), goals[2], empty)


def bench_registries():
    source, target = Registry("a"), Registry("b")
    none = (None, None)
    bench_layers(source, target, "plain", False,
                 ((1 / 3, 1 / 3), (1 / 8, 1 / 8), (1.0, 1 / 3)))
    bench_layers(source, target, "gzip", True, (none, none, none))


def bench_guards():
    """Their share of the instructions of a pass that copies, and of one that
    finds everything unchanged."""
    if ONLY not in "instructions of the guards":
        return
    source, target = Registry("ga"), Registry("gb")
    client = source.client()
    for number in range(200):
        client.push("small", f"t{number}", content.image(f"t{number}"))
    program = write_config("g.cfg", endpoint("a", "oci", url=source.url),
                           endpoint("b", "oci", url=target.url))
    counts = path("callgrind.out")
    for what in ("copied first", "unchanged"):
        measure([need("valgrind"), "--tool=callgrind", "-q",
                 f"--callgrind-out-file={counts}"] + program)
        row(f"instructions of the guards, 200 small tags {what}", "%",
            100 * guardcost.share(counts), 100, 0.02)


def through_null(tags, blobs):
    return measure(write_config(
        "n.cfg", endpoint("a", "null", tags=tags, blobs=blobs),
        endpoint("b", "null", empty=True)))[2]


def bench_null():
    if ONLY not in "memory through null":
        return
    small = through_null(25, 4)
    large = through_null(2500, 4)
    many = through_null(10000, 1)
    limit("memory through null, 25 tags x 4 blobs", small, 32)
    row("memory through null, 2500 x 4 against 25 x 4", "MiB", large / 1024,
        small / 1024, 1.1)
    row("memory through null, 10000 x 1 against 25 x 4", "MiB", many / 1024,
        small / 1024, 1.1)


def main():
    bench_null()
    bench_guards()
    bench_registries()
    widths = [max(len(line[i]) for line in ROWS) for i in range(6)]
    head = ("what", "ours", "skopeo", "ratio", "goal", "")
    widths = [max(w, len(h)) for w, h in zip(widths, head)]
    for line in [head] + ROWS:
        print("  ".join(cell.ljust(w) for cell, w in zip(line, widths))
              .rstrip())


if __name__ == "__main__":
    main()
