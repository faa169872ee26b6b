# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a pass costs, and the guards' part of it: instructions counted by
callgrind.

    guards, total = count("callgrind.out")

Theirs is what is executed in core/guard, in what shows their state, and in
libraries on their behalf.
"""
import re

OURS = re.compile(r"core/guard/|core/net/guard-metrics[.]c")
PROGRAM = re.compile(r"/core/|/plugins/")
NAME = re.compile(r"\((\d+)\)(?: (.*))?")


class Names:
    """callgrind writes a name once, and its number from then on."""

    def __init__(self):
        self.known = {}

    def read(self, text):
        number, name = NAME.match(text).groups()
        if name is not None:
            self.known[number] = name
        return self.known[number]


def count(path):
    files = Names()
    functions = Names()
    own = total = 0
    place = home = callee = ""
    is_call = False
    with open(path) as lines:
        for line in lines:
            key, _, value = line.strip().partition("=")
            if key == "fl":
                place = home = files.read(value)
            elif key in ("fi", "fe"):
                place = files.read(value)
            elif key == "fn":
                functions.read(value)
                callee = place = home
            elif key in ("cfi", "cfl"):
                callee = files.read(value)
            elif key == "cfn":
                functions.read(value)
            elif key == "calls":
                is_call = True
            elif line.startswith("totals:"):
                assert total == int(line.split()[1]), path
            elif line[0] in "0123456789+-*":
                cost = int(line.split()[1])
                # A call's line holds what the callee costs with all it calls.
                if is_call:
                    if OURS.search(home) and not PROGRAM.search(callee):
                        own += cost
                else:
                    total += cost
                    if OURS.search(place):
                        own += cost
                is_call = False
                callee = home
    return own, total
