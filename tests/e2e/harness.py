# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cases that print TAP, and the program under test.

A test file defines functions whose names start with `case_` and read as
sentences, then calls run(globals()).  Nothing is left behind: each file has a
directory of its own below the build tree, and every server is stopped.
"""
import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.environ.get("HR_BUILDDIR") or os.getcwd()
SOURCE = os.environ.get("HR_SRCDIR") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(BUILD, "harbor-replicator")

# A hang is a failure; nothing here comes near.  Instrumented builds are slow.
PATIENCE = 240


class Skip(Exception):
    """The case cannot be run here; the text says why."""


def make_directory():
    top = os.environ.get("HR_WORKDIR") or os.path.join(BUILD, "tests", "e2e")
    os.makedirs(top, exist_ok=True)
    directory = tempfile.mkdtemp(prefix="work-", dir=top)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


WORK = make_directory()


def path(*parts):
    return os.path.join(WORK, *parts)


def need(tool):
    """The path of a program, or the end of the case."""
    found = shutil.which(tool, path=os.environ.get("PATH", "") +
                         ":/usr/sbin:/sbin")
    if found is None:
        raise Skip(f"{tool} is not installed")
    return found


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process=None, log=None):
    for _ in range(600):
        if process is not None and process.poll() is not None:
            raise RuntimeError("server ended: " +
                               open(log, errors="replace").read()[-2000:])
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def start(arguments, port, log, **more):
    """A server that is stopped with us, ready to be asked."""
    output = open(log, "ab")
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL,
                               stdout=output, stderr=output, **more)
    output.close()
    atexit.register(stop, process)
    wait_for_port(port, process, log)
    return process


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Result:
    """What a run of the program said and how it ended."""

    def __init__(self, code, out, err, arguments):
        self.code = code
        self.out = out
        self.err = err
        self.arguments = arguments

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return (f"$ {' '.join(self.arguments)}\n-- stdout\n{self.out}"
                f"-- stderr\n{self.err}-- exit code {self.code}")


LAST = None

# With HR_CANARY the program is run at trace level, whatever is tested.
TRACE = ["-vvv"] if os.environ.get("HR_CANARY") else []
SECRETS = set()


def look_for_secrets(result):
    """No run may tell a secret of a double of Harbor, those of the past
    included."""
    doubles = sys.modules.get("harbor.state")
    for harbor in list(doubles.LIVE) if doubles else ():
        SECRETS.update(harbor.secrets())
    for text in SECRETS:
        if text in result.out or text in result.err:
            raise AssertionError("a secret was told")


def run_program(*arguments, config=None, env=None, code=None, within=(),
                patience=PATIENCE, **more):
    """Runs the program; `config` is a text, `code` the exit code wanted,
    `within` a command that runs another."""
    global LAST
    command = [*within, PROGRAM, *TRACE]
    if config is not None:
        name = path("test.cfg")
        with open(name, "w") as file:
            file.write(config)
        command += ["-c", name]
    command += arguments
    surroundings = dict(os.environ, **(env or {}))
    done = subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=surroundings, timeout=patience, cwd=WORK,
                          **more)
    LAST = Result(done.returncode, done.stdout.decode(errors="replace"),
                  done.stderr.decode(errors="replace"), command)
    look_for_secrets(LAST)
    if code is not None:
        same(LAST.code, code, "exit code")
    return LAST


def endpoint(name, kind, **keys):
    """One endpoint of a configuration; nested dicts are groups."""
    return "{ " + members({"name": name, "type": kind, **keys}) + " }"


def members(values):
    text = ""
    for key, value in values.items():
        text += f"{key} = {literal(value)}; "
    return text


def literal(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{ " + members(value) + "}"
    if isinstance(value, list):
        return "[ " + ", ".join(literal(v) for v in value) + " ]"
    return json.dumps(value)


def configuration(endpoints, syncs, more=""):
    """`syncs` are dicts with name, source, target and what else."""
    blocks = ", ".join("{ " + members(sync) + "}" for sync in syncs)
    return (f"endpoints = ( {', '.join(endpoints)} );\n"
            f"syncs = ( {blocks} );\n{more}\n")


def same(found, wanted, what="value"):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def has(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"no {part!r} in:\n{text}")


def run(names):
    """Runs every case of a file; ends the process."""
    global LAST
    cases = [(name, function) for name, function in names.items()
             if name.startswith("case_") and callable(function)]
    judge = sys.modules.get("harbor.judge")
    if judge is not None:
        cases.append(("case_what_was_asked_is_as_harbor_describes_it",
                      judge.check))
    chosen = os.environ.get("HR_CASE")
    failed = 0
    print("TAP version 13", flush=True)
    print(f"1..{len(cases)}", flush=True)
    for number, (name, function) in enumerate(cases, 1):
        title = name[len("case_"):].replace("_", " ")
        LAST = None
        try:
            if chosen and chosen not in name:
                raise Skip("not chosen")
            function()
            print(f"ok {number} - {title}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {title} # SKIP {reason}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {title}", flush=True)
            for line in (traceback.format_exc() + str(LAST)).splitlines():
                print(f"# {line}", flush=True)
    sys.exit(1 if failed else 0)
