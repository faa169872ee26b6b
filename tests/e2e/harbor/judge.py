# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds what the program asks of any double, and what it is answered, against
Harbor's API descriptions, while tests do what they are about.

harness.run() asks check() when all cases of a file have been run.  Of requests
that are alike, and of long lists, a part is enough.
"""
import collections
import json
import re
import threading

from . import state
from .swagger import Exchange, check_conformance

ENOUGH = 20        # exchanges of one method, path and status
ENOUGH_ROWS = 50   # of a list
PROGRAM = re.compile("harbor-replicator/|harbor-registry-client")

# What Harbor answers otherwise than its description says.
KNOWN = re.compile(r"GET /system/\w+/schedule: answer: 200: no body|"
                   r"GET /projects/\{project_name_or_id\}/scanner: answer: "
                   r"200: no body|"
                   r"(POST|PUT) /\S+: answer: (400|500): no body")

GUARD = threading.Lock()
COUNTS = collections.Counter()
FINDINGS = set()


def read(data):
    if not data:
        return None
    try:
        value = json.loads(data)
    except ValueError:
        return bytes(data)
    return value[:ENOUGH_ROWS] if isinstance(value, list) else value


def kind_of(entry):
    """Requests that are alike: numbers and names do not count."""
    parts = entry.path.split("/")
    return (entry.method, len(parts), parts[3:4], parts[-1:],
            entry.status)


@state.OBSERVERS.append
def observe(harbor, entry, made_up):
    """`made_up` answers are faults that a test has put in."""
    if not entry.path.startswith("/api/v2.0/") or not PROGRAM.match(
            entry.headers.get("user-agent", "")):
        return
    with GUARD:
        kind = str((harbor.version, *kind_of(entry)))
        COUNTS[kind] += 1
        if COUNTS[kind] > ENOUGH:
            return
    exchange = Exchange(entry.method, entry.target, entry.headers,
                        read(entry.body), None if made_up else entry.status,
                        None if made_up else read(entry.answer))
    version = ".".join(str(part) for part in harbor.version)
    found = {f"{one.place}: {one.part}: {one.text}" for one in
             check_conformance([exchange], version)}
    with GUARD:
        FINDINGS.update(f"{version}: {text}" for text in found
                        if not KNOWN.match(text))


def check():
    """Fails if anything was asked that Harbor does not describe."""
    with GUARD:
        if FINDINGS:
            raise AssertionError("\n".join(sorted(FINDINGS)))
