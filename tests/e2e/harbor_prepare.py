# SPDX-License-Identifier: LGPL-2.1-or-later
"""What recorded scenarios rely on that no recorded request does.

    @before("robots-system", 109)
    def end_the_term(replay):
        replay.harbor("A").table("robot")...
"""
import threading
import time

from harbor import robots

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


# Robots whose state no request can make.

@before("robots-system", 109)
def ten_days_later(replay):
    """The term of the robot of five days has ended."""
    harbor = replay.harbor("A")
    row = harbor.table("robot").find(name="short")
    row["creation_ms"] -= 10 * 86400 * 1000
    row["expires_at"] -= 10 * 86400
    row["update_ms"] = harbor.now_ms()


@before("robots-project", 77)
def a_robot_of_harbor_1(replay):
    """Such a robot has no secret in the database."""
    harbor = replay.harbor("A")
    row = harbor.table("robot").find(name="team+scan")
    row["secret"] = None
    row["update_ms"] = harbor.now_ms()


@before("errors", 71)
def job_service_stops(replay):
    replay.harbor("A").down.add("jobservice")


# Bursts of requests that are not listed one by one.

@before("concurrency", 8)
def robots_of_the_first_burst(replay):
    """63 beside the listed one, whose numbers depend on who was first."""
    table = replay.harbor("A").table("robot")
    one = table.find(name="canon2")
    numbers = {0: 2, 12: 10, 16: 17}
    free = [number for number in range(2, 65)
            if number not in numbers.values()]
    for name in range(64):
        if name != 2:
            table.insert(**{**one, "name": f"canon{name}",
                            "id": numbers.get(name) or free.pop()})
    table.last_id = 118
    meet_backwards(replay)


def meet_backwards(replay):
    """Another writer has the last row of the step, and wants its first once
    the step waits for that."""
    body = replay.step["request"]["body"]
    rows = robots.policy_rows(robots.read_permissions(body))
    locks = replay.harbor("A").row_locks
    locks.after_s = 1.0
    has_last = threading.Event()

    def backwards():
        yield rows[-1]
        has_last.set()
        while not locks.waits:
            time.sleep(0.01)
        yield rows[0]

    def write():
        with locks.hold(backwards()):
            pass

    threading.Thread(target=write, daemon=True).start()
    has_last.wait()


@before("concurrency", 14)
def meet_backwards_again(replay):
    meet_backwards(replay)


@before("concurrency", 22)
def the_groups_of_the_third_burst(replay):
    """Four equal requests at once: one was stored, three used up ids."""
    table = replay.harbor("A").table("usergroup")
    table.insert(name="racer", type=3, dn="")
    table.last_id = 4


@before("concurrency", 24)
def the_member_of_the_fourth_burst(replay):
    table = replay.harbor("A").table("member")
    table.last_id = 9
    table.insert(project_id=2, entity_id=5, entity_type="g", role=2)


@before("concurrency", 29)
def the_project_after_the_last_burst(replay):
    row = replay.harbor("A").table("project").find(name="proj0")
    row["metadata"].update(auto_scan="true", public="true", severity="low")
