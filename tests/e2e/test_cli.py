# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person types, and what the program says to it."""
import json
import os
import pty
import signal
import subprocess
import time

import content
from harness import (BUILD, PROGRAM, SOURCE, configuration, endpoint, has,
                     holds, path, run, run_program, same)
from hostile import Hostile

COMMANDS = ["once", "plan", "apply", "verify", "copy", "plugins", "config",
            "version"]
SAMPLE = os.path.join(SOURCE, "conf", "sample", "registry")


def layouts(name, **sync):
    return configuration(
        [endpoint("s", "layout", path=SAMPLE),
         endpoint("t", "layout", path=path(name))],
        [{"name": "st", "source": "s", "target": "t", **sync}])


def case_every_command_explains_itself():
    has(run_program("--help", code=0).out, *COMMANDS)
    for command in COMMANDS:
        result = run_program(command, "--help", code=0)
        has(result.out, "Usage:", command)
        same(result.err, "")


def case_wrong_usage_is_told_with_exit_code_3():
    for arguments in (["nonsense"], ["--nonsense", "once"],
                      ["once", "--nonsense"], ["once", "-o", "yaml"],
                      ["copy", "docker://one"], ["apply"], ["config"],
                      ["copy", "nowhere", "oci:x:y"],
                      ["--log-format", "xml", "once"], []):
        result = run_program(*arguments, code=3)
        same(result.out, "")
        holds(result.err != "", arguments)


def case_version_tells_the_abi():
    has(run_program("version", code=0).out, "harbor-replicator", "ABI 1.")
    same(run_program("version", "-o", "json", code=0).json()["abi_major"], 1)
    run_program("--version", code=0)


def case_plugins_lists_what_is_there():
    result = run_program("plugins", "-o", "json", code=0).json()
    found = {f"{p['kind']}-{p['name']}" for plugin in result["plugins"]
             for p in plugin["providers"]}
    holds({"registry-harbor", "registry-layout", "registry-oci",
           "registry-null",
           "strategy-source-wins", "strategy-target-wins", "strategy-fail",
           "sink-jsonl", "sink-prometheus"} <= found, found)
    for plugin in result["plugins"]:
        for key in ("plugin_version", "licence", "abi_major", "file"):
            holds(key in plugin, plugin)
    has(run_program("plugins", code=0).out, "threads", "licence" and "ABI")


def case_plugins_check_looks_at_any_file():
    good = os.path.join(BUILD, ".libs", "registry-null.so")
    has(run_program("plugins", "check", good, code=0).out, "registry-null",
        "would be loaded")
    result = run_program("plugins", "check", PROGRAM, "-o", "json", code=1)
    same(result.json()["acceptable"], False)
    text = os.path.join(SOURCE, "README")
    has(run_program("plugins", "check", text, code=1).out, "no ELF")
    run_program("plugins", "check", path("nothing.so"), code=2)


def case_mistakes_in_the_configuration_come_all_at_once():
    text = """endpoints = (
  { name = "a"; type = "layout"; path = "x"; },
  { name = "a"; type = "layout"; path = "y"; },
  { name = "b"; type = "layuot"; },
  { name = "c"; type = "oci"; urll = "https://x"; url = "${UNSET_VARIABLE}";
    policy = { requests = "many"; timeout = 10; transfers = 1000; }; }
);
syncs = ( { name = "s"; source = "a"; target = "cc";
            select = { tags = { allow = [ "(" ]; }; }; } );
"""
    result = run_program("config", "check", config=text, code=3)
    same(result.out, "")
    lines = result.err.splitlines()
    for line, parts in {
            3: ["already", "test.cfg:2"], 4: ["layuot", "layout"],
            5: ["urll", "'url'"], 8: ["cc"]}.items():
        holds(any(f"test.cfg:{line}:" in text and
                  all(part in text for part in parts) for text in lines),
              (line, parts))
    has(result.err, "UNSET_VARIABLE is not set", "must be a whole number",
        "10s", "1 to 64", "no regular expression")
    holds(len(lines) >= 8, lines)


def case_a_missing_configuration_is_said():
    has(run_program("-c", path("none.cfg"), "once", code=3).err, "none.cfg")


def case_the_effective_configuration_is_shown_and_loads_again():
    text = configuration(
        [endpoint("s", "oci", url="https://r.example", username="u",
                  password="env:SOME_SECRET"),
         endpoint("t", "layout", path=path("shown"))],
        [{"name": "st", "source": "s", "target": "t",
          "select": {"tags": {"deny": [".*-rc[0-9]+$"]}}}])
    shown = run_program("config", "show", config=text, code=0).out
    has(shown, "env:SOME_SECRET", 'stall = "30s"', "requests = 16")
    again = run_program("config", "show", config=shown, code=0).out
    same(again, shown)
    result = run_program("config", "show", "-o", "json", config=text,
                         code=0).json()
    same(result["version"], 1)
    keys = run_program("config", "schema", "-o", "json", code=0).json()
    holds(any(k["path"] == "endpoints[].policy.stall"
              for k in keys["keys"]), keys)


def case_a_sample_configuration_is_good():
    name = os.path.join(SOURCE, "conf", "harbor-replicator.cfg")
    run_program("-c", name, "config", "check", code=0)


def case_results_go_to_stdout_and_the_log_to_stderr():
    result = run_program("--log-format", "json", "once", "-o", "json",
                         config=layouts("streams"), code=0)
    report = result.json()
    same(report["version"], 1)
    same(report["exit_code"], 0)
    sync = report["syncs"][0]
    same((sync["checked"], sync["changed"], sync["failed"]), (8, 8, 0))
    same({item["result"] for item in sync["items"]}, {"done"})
    for line in result.err.splitlines():
        json.loads(line)
    quiet = run_program("-q", "once", config=layouts("streams"), code=0)
    same(quiet.err, "")
    same(len(quiet.out.splitlines()), 1)


def case_a_dry_run_writes_nothing():
    has(run_program("once", "--dry-run", config=layouts("dry"), code=0).out,
        "to create 8")
    holds(not os.path.exists(path("dry")), "something was written")


def case_an_unknown_sync_is_named():
    has(run_program("once", "sst", config=layouts("x"), code=3).err,
        "no sync 'sst'", "'st'")


def case_a_source_directory_that_is_not_there_is_an_error():
    text = layouts("y").replace(SAMPLE, path("mistyped"))
    has(run_program("once", config=text, code=2).err, "mistyped")


def on_terminal(arguments, env):
    """What the program writes to a terminal."""
    main, terminal = pty.openpty()
    process = subprocess.Popen([PROGRAM, *arguments], stdin=terminal,
                               stdout=terminal, stderr=terminal,
                               env=dict(os.environ, TERM="xterm", **env))
    os.close(terminal)
    text = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(main)
    process.wait()
    return text.decode(errors="replace")


def slow_pair():
    source, target = Hostile(), Hostile()
    for number in range(12):
        source.add("app", f"t{number}", content.image(f"t{number}"))
    serve = source.find_rule

    def slowly(method, target_name):
        time.sleep(0.05)
        return serve(method, target_name)

    source.find_rule = slowly
    name = path("slow.cfg")
    with open(name, "w") as file:
        file.write(configuration(
            [endpoint("s", "oci", url=source.url),
             endpoint("t", "oci", url=target.url)],
            [{"name": "st", "source": "s", "target": "t"}]))
    return name, target


def case_a_terminal_gets_a_bar_and_a_pipe_does_not():
    name, _ = slow_pair()
    text = on_terminal(["-c", name, "once"], {})
    has(text, "\r\033[K", "/12", "\033[32m")
    name, _ = slow_pair()
    text = on_terminal(["-c", name, "once"], {"NO_COLOR": "1"})
    has(text, "/12")
    holds("\033[3" not in text, "colours in spite of NO_COLOR")
    name, _ = slow_pair()
    result = run_program("-c", name, "once", code=0)
    holds("\033" not in result.out + result.err, "a bar in a pipe")


def interrupted(number):
    name, target = slow_pair()
    process = subprocess.Popen([PROGRAM, "-c", name, "once"],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    while not target.requests:
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode(), target


def case_signals_end_the_pass_in_good_order():
    for number, wanted in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        code, _, err, target = interrupted(number)
        same(code, wanted, "exit code")
        has(err, "interrupted")
        for (_, reference), (_, data) in target.manifests.items():
            for layer in json.loads(data)["layers"]:
                holds(("app", layer["digest"]) in target.blobs,
                      f"{reference} lacks a layer")


if __name__ == "__main__":
    run(globals())
