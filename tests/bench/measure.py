# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures commands, and prints a line for each comparison.

    ours = medians(command, before)
    compared("500 tags, wall", "s", ours.wall, peers.wall, "skopeo", 1 / 15)
    limited("500 tags, memory", ours.peak_kib, 24)

BENCH_RUNS is the number of runs that medians are of (3), BENCH_ONLY a word
that the names of lines must contain.
"""
import collections
import os
import statistics
import subprocess
import sys
import time

from harness import path

# Whatever disturbs a run is short beside one that takes longer than this.
LONG_S = 60

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
ONLY = os.environ.get("BENCH_ONLY", "")

Usage = collections.namedtuple("Usage", "wall cpu peak_kib")


def wanted(name):
    return ONLY in name


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
    """One run: wall and CPU seconds with all its children, its own memory."""
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
            time.sleep(0.005)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        with open(path("output"), errors="replace") as file:
            sys.exit(f"{arguments}: {file.read()[-3000:]}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, peak)


def medians(command, before):
    """`before` runs before each run.  Long runs are not repeated."""
    runs = []
    while len(runs) < RUNS:
        before()
        runs.append(measure(command))
        if runs[-1].wall > LONG_S:
            break
    return Usage(*(statistics.median(column) for column in zip(*runs)))


def line(what, ours, peer, ratio, goal, verdict):
    print(f"{what:<62}  {ours:>11}  {peer:>18}  {ratio:>6}  {goal:>7}  "
          f"{verdict}".rstrip(), flush=True)


def heading():
    line("what", "ours", "beside", "ratio", "at most", "")


def compared(what, unit, ours, peers, peer, goal):
    """`goal` is the largest ratio, or None where none is set."""
    ratio = ours / peers
    line(what, f"{ours:.2f} {unit}", f"{peers:.2f} {unit} {peer}",
         f"{ratio:.3f}", "-" if goal is None else f"{goal:.3f}",
         "" if goal is None else "ok" if ratio <= goal else "MISSED")


def limited(what, kib, most_mib):
    mib = kib / 1024
    line(what, f"{mib:.1f} MiB", "-", "-", f"{most_mib} MiB",
         "ok" if mib <= most_mib else "MISSED")


def recorded(what, count, before):
    """Beside what the record says; nothing depends on it."""
    line(what, f"{count:,}", f"{before:,} recorded" if before else "-",
         f"{count / before:.3f}" if before else "-", "-", "")
