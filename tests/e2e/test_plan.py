# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans, several syncs, selections, and what happens to the output."""
import json
import os
import signal
import subprocess
import time

import content
from harness import (PROGRAM, configuration, endpoint, free_port, has, holds,
                     path, run, run_program, same)
from hostile import Hostile

QUICK = {"stall": "2s", "timeout": "5s", "attempts": 2}


def side(name, registry):
    return endpoint(name, "oci", url=registry.url, policy=QUICK)


def pair(tags=3):
    source, target = Hostile(), Hostile()
    for number in range(tags):
        source.add("app", f"t{number}", content.image(f"t{number}"))
    return source, target


def config(source, target, **more):
    return configuration([side("s", source), side("t", target)],
                         [{"name": "st", "source": "s", "target": "t",
                           **more}])


def writes(registry):
    return [(m, t) for m, t, _ in registry.requests
            if m not in ("GET", "HEAD")]


def case_a_plan_tells_what_why_and_what_was_there():
    source, target = pair()
    target.add("app", "t0", source_image := content.image("t0"))
    target.add("app", "t1", content.image("old"))
    name = path("told.json")
    result = run_program("plan", "-o", "json", "--out", name, code=0,
                         config=config(source, target))
    plan = result.json()["plans"][0]
    same((plan["sync"], plan["source"], plan["target"]), ("st", "s", "t"))
    same(plan["checked"], 3)
    changes = {change["key"]: change for change in plan["changes"]}
    same({key: c["action"] for key, c in changes.items()},
         {"app:t1": "update", "app:t2": "create"})
    wanted = content.image("t1")
    same(changes["app:t1"]["source"]["digest"], wanted.digest)
    same(changes["app:t1"]["source"]["size"], len(wanted.bytes))
    same(changes["app:t1"]["target"]["digest"], content.image("old").digest)
    same(changes["app:t2"].get("target"), None)
    holds(all(c["reason"] and c["kind"] == "tag" for c in changes.values()),
          changes)
    same(writes(target), [], "a plan wrote")
    same(target.manifests["app", "t0"][1], source_image.bytes)


def case_apply_does_what_the_plan_says_and_nothing_else():
    source, target = pair()
    name = path("exact.json")
    text = config(source, target)
    run_program("plan", "--out", name, config=text, code=0)
    source.add("app", "later", content.image("later"))
    result = run_program("apply", name, "-o", "json", config=text, code=0)
    same(result.json()["version"], 1)
    same(target.tags("app"), ["t0", "t1", "t2"])


def case_a_plan_is_stale_if_either_side_has_moved():
    for moved in ("source", "target"):
        source, target = pair()
        name = path("stale.json")
        text = config(source, target)
        run_program("plan", "--out", name, config=text, code=0)
        registry = source if moved == "source" else target
        registry.add("app", "t1", content.image("moved"))
        result = run_program("apply", name, config=text, code=6)
        has(result.err, "app:t1")
        same(writes(target), [], moved)


def case_a_plan_of_another_sync_or_no_plan_is_refused():
    source, target = pair()
    name = path("other.json")
    text = config(source, target)
    run_program("plan", "--out", name, config=text, code=0)
    result = run_program("apply", name, code=3,
                         config=text.replace('"st"', '"renamed"'))
    has(result.err, "'st'")
    for data in (b"", b"{}", b"[1]", b"\0\1\2", b'{"version": 99}',
                 b'{"version": 1, "sync": "st"}', b"[" * 1000):
        with open(name, "wb") as file:
            file.write(data)
        result = run_program("apply", name, config=text)
        holds(result.code in (2, 3, 6), (data, result.code))
        has(result.err, "other.json")
    run_program("apply", path("none.json"), config=text)
    same(writes(target), [])


def case_one_sync_that_cannot_start_does_not_stop_the_others():
    source, target = pair()
    text = configuration(
        [side("s", source), side("t", target),
         endpoint("dead", "oci", url=f"http://127.0.0.1:{free_port()}",
                  policy=QUICK)],
        [{"name": "first", "source": "dead", "target": "t"},
         {"name": "second", "source": "s", "target": "t"}])
    result = run_program("once", "-o", "json", config=text, code=1).json()
    same([sync["status"] for sync in result["syncs"]], ["failed", "done"])
    same(target.tags("app"), ["t0", "t1", "t2"])
    run_program("once", "first", config=text, code=2)
    run_program("once", "second", config=text, code=0)


def case_one_sync_that_cannot_be_verified_does_not_stop_the_others():
    source, target = pair()
    text = configuration(
        [side("s", source), side("t", target),
         endpoint("dead", "oci", url=f"http://127.0.0.1:{free_port()}",
                  policy=QUICK)],
        [{"name": "first", "source": "dead", "target": "t"},
         {"name": "second", "source": "s", "target": "t"}])
    result = run_program("verify", "-o", "json", config=text)
    holds(result.code in (1, 2), result.code)
    has(result.err, "first")
    same([(sync["name"], sync["equal"]) for sync in result.json()["syncs"]
          if sync["name"] == "second"], [("second", False)])


def case_the_same_place_on_both_sides_is_copied_to_itself_harmlessly():
    source, _ = pair()
    result = run_program("once", config=config(source, source), code=0)
    has(result.out, "checked 3, changed 0")
    same(writes(source), [])


def case_names_that_are_not_there_are_told():
    source, target = pair()
    result = run_program("once", code=1, config=config(
        source, target,
        select={"repositories": {"names": ["app", "nowhere"]},
                "tags": {"names": ["t0", "t9"]}}))
    has(result.out, "app:t9", "nowhere")
    same(target.tags("app"), ["t0"])


def case_patterns_are_anchored_and_deny_wins():
    source, target = Hostile(), Hostile()
    for tag in ("1.0", "1.0-rc1", "v1.0", "1.0.1", "latest"):
        source.add("app", tag, content.image(tag))
    source.add("app2", "1.0", content.image("2"))
    run_program("once", code=0, config=config(
        source, target, select={
            "repositories": {"allow": ["app"]},
            "tags": {"allow": ["1\\..*", "lat"], "deny": [".*-rc[0-9]+"]}}))
    same(target.tags("app"), ["1.0", "1.0.1"])
    same(target.tags("app2"), [])


def case_made_up_content_goes_through_the_whole_program():
    text = configuration(
        [endpoint("s", "null", repositories=3, tags=40, blobs=2),
         endpoint("hole", "null", empty=True),
         endpoint("same", "null", repositories=3, tags=40, blobs=2),
         endpoint("d", "layout", path=path("made-up"))],
        [{"name": "swallow", "source": "s", "target": "hole"},
         {"name": "equal", "source": "s", "target": "same"},
         {"name": "keep", "source": "s", "target": "d"},
         {"name": "back", "source": "d", "target": "hole"}])
    for sync, changed in (("swallow", 120), ("equal", 0), ("keep", 120),
                          ("keep", 0), ("back", 120)):
        result = run_program("once", sync, config=text, code=0)
        has(result.out, f"{sync}: checked 120, changed {changed},")
    run_program("verify", "--deep", "keep", config=text, code=0)


def case_output_that_cannot_be_written_is_an_error():
    source, target = pair()
    text = config(source, target)
    for command in (["version"], ["once", "-o", "json"], ["plan"]):
        with open("/dev/full", "w") as full, open(path("f.cfg"), "w") as file:
            file.write(text)
            file.flush()
            done = subprocess.run(
                [PROGRAM, "-c", path("f.cfg"), *command], stdout=full,
                stderr=subprocess.PIPE, timeout=120, check=False)
        holds(done.returncode != 0, f"{command}: lost without a word")


def case_a_reader_that_goes_away_kills_nobody():
    source, target = pair()
    with open(path("p.cfg"), "w") as file:
        file.write(config(source, target))
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([PROGRAM, "-c", path("p.cfg"), "once"],
                          stdout=write_end, stderr=subprocess.PIPE,
                          timeout=120, check=False)
    os.close(write_end)
    holds(done.returncode >= 0, done.returncode)
    same(target.tags("app"), ["t0", "t1", "t2"])


def case_the_configuration_may_be_named_by_the_environment():
    source, target = pair()
    name = path("environment.cfg")
    with open(name, "w") as file:
        file.write(config(source, target))
    run_program("once", env={"HARBOR_REPLICATOR_CONFIG": name}, code=0)
    same(target.tags("app"), ["t0", "t1", "t2"])


def case_a_second_signal_ends_at_once():
    source, target = pair()
    source.rule("GET", "/blobs/", hang=True)
    name = path("second.cfg")
    with open(name, "w") as file:
        file.write(config(source, target).replace("2s", "60s"))
    process = subprocess.Popen([PROGRAM, "-c", name, "once"],
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    while not source.count("GET", "/blobs/"):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    holds(process.returncode in (130, 143), process.returncode)


def case_one_signal_does_not_wait_for_a_server_that_hangs():
    source, target = pair()
    source.rule("GET", "/blobs/", hang=True)
    name = path("one.cfg")
    with open(name, "w") as file:
        file.write(config(source, target).replace("2s", "600s"))
    process = subprocess.Popen([PROGRAM, "-c", name, "once", "-o", "json"],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    while not source.count("GET", "/blobs/"):
        time.sleep(0.01)
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    same(process.returncode, 143)
    # The double lets go after 30 s, and so would everybody then.
    holds(time.monotonic() - start < 25, "waited for the server")
    same(target.tags("app"), [])


def case_the_report_of_a_pass_that_was_interrupted_names_its_exit_code():
    source, target = pair()
    source.rule("GET", "/blobs/", hang=True)
    name = path("told.cfg")
    with open(name, "w") as file:
        file.write(config(source, target))
    process = subprocess.Popen([PROGRAM, "-c", name, "once", "-o", "json"],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    while not source.count("GET", "/blobs/"):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    same(json.loads(out)["exit_code"], process.returncode)


def case_a_sink_that_fails_does_not_fail_the_pass():
    source, target = pair()
    text = config(source, target) + (
        f'sinks = ( {{ type = "prometheus"; '
        f'path = "{path("no", "such", "m.prom")}"; }} );')
    result = run_program("once", config=text)
    holds(result.code in (0, 2, 3), result.code)
    has(result.err, "m.prom")
    if result.code == 0:
        same(target.tags("app"), ["t0", "t1", "t2"])


def case_the_last_line_is_the_summary():
    source, target = pair()
    result = run_program("once", config=config(source, target), code=0)
    last = result.out.splitlines()[-1]
    holds(last.startswith("st: "), last)
    has(last, "checked", "changed", "skipped", "failed", "requests", "time",
        "B in")
    report = run_program("once", "-o", "json", code=0,
                         config=config(source, target)).json()
    same(report["exit_code"], 0)
    for key in ("name", "source", "target", "status", "checked", "changed",
                "skipped", "failed", "bytes", "blobs_copied", "blobs_mounted",
                "requests", "duration_us", "items"):
        holds(key in report["syncs"][0], key)
    seen = len(source.requests) + len(target.requests)
    source.requests.clear()
    target.requests.clear()
    report = run_program("once", "-o", "json", code=0,
                         config=config(source, target)).json()
    same(report["syncs"][0]["requests"],
         len(source.requests) + len(target.requests), seen)


if __name__ == "__main__":
    run(globals())
