# SPDX-License-Identifier: LGPL-2.1-or-later
"""The double of Harbor answers what the real one answered.

Every recorded exchange is asked of fresh doubles.  What the double cannot is
listed as open, with the reason; a listed step that does what was recorded is
an error, so the list can only shrink.
"""
import harbor_replay
from harness import run

# scenario: {step: reason}, or one reason for all of it.
OPEN = {}


def report(problems):
    lines = []
    for step, found in sorted(problems.items()):
        lines += [f"step {step}: {text}" for text in found]
    return "\n".join(lines)


def check(scenario):
    problems = harbor_replay.Replay(scenario).run()
    known = OPEN.get(scenario, {})
    if isinstance(known, str):
        print(f"# open: {scenario} as a whole: {known} "
              f"({len(problems)} steps differ)", flush=True)
        if not problems:
            raise AssertionError(f"{scenario} is not open any more")
        return
    for step, reason in known.items():
        print(f"# open: {scenario} step {step}: {reason}", flush=True)
        if step not in problems:
            raise AssertionError(f"step {step} is not open any more")
    rest = {step: found for step, found in problems.items()
            if step not in known}
    if rest:
        raise AssertionError("\n" + report(rest))


def make_case(scenario):
    return lambda: check(scenario)


for name in harbor_replay.scenarios():
    globals()["case_recorded_" + name.replace("-", "_")] = make_case(name)

if __name__ == "__main__":
    run(globals())
