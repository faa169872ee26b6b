# SPDX-License-Identifier: LGPL-2.1-or-later
"""What recorded scenarios rely on that no recorded request does.

    @before("robots-system", 109)
    def end_the_term(replay):
        replay.harbor("A").table("robot")...
"""
PREPARATIONS = {}


def before(scenario, step):
    def register(function):
        PREPARATIONS[scenario, step] = function
        return function
    return register


def find(scenario, step):
    return PREPARATIONS.get((scenario, step))


def shows_pause(step):
    """True if the answer came late because a password was wrong."""
    return (step["response"].get("elapsed_s", 0) >= 1.5 and
            step["request"]["headers"].get("authorization", "").startswith(
                "bad"))
