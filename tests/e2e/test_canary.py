# SPDX-License-Identifier: LGPL-2.1-or-later
"""No secret is told: not in results, logs, plans, metrics, files, arguments.

Everything that has to do with robots is done at the finest level of log, in
both forms of it, right and wrong; then all that was said and written is
searched for every secret that was about, also in the forms it has on a wire.
"""
import base64
import os
import shutil
import stat

from harness import (WORK, configuration, endpoint, holds, path, run,
                     run_program, same)
from safes import KEY, PLUGINS, Safe, derived

ROBOTS = ("ci", "library/ci", "library/deploy")
KEPT = "Kept12345Canary"
TOLD = "Told12345Canary"
FOREIGN = "Foreign12345Canary"

# Where secrets belong: the registries, the files and the program that know
# them.
HOMES = ("paris", "rome", "kept")

CANARIES = [KEY, KEPT, TOLD, FOREIGN] + [
    derived(version, robot) for version in (1, 2, 3) for robot in ROBOTS]


def forms(secret):
    """What a secret may look like."""
    yield secret
    # Base64 of whatever ends in it, at each of the three offsets.
    for before in range(3):
        text = base64.b64encode(b"x" * before + secret.encode()).decode()
        yield text[4 if before else 0:-4]


NEEDLES = [(secret, form.encode()) for secret in CANARIES
           for form in forms(secret)]


def search(data, where):
    for secret, form in NEEDLES:
        holds(form not in data,
              f"{where} has the secret {secret[:4]}... in it")


def search_files():
    """Everything below the test's directory but the homes of secrets."""
    count = 0
    for top, directories, names in os.walk(WORK):
        if top == WORK:
            directories[:] = [d for d in directories if d not in HOMES]
        for name in names:
            with open(os.path.join(top, name), "rb") as file:
                search(file.read(), os.path.relpath(file.name, WORK))
            count += 1
    return count


def keep(name, text, mode=0o600):
    name = path("kept", name)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(name, mode)
    return name


def make_homes():
    shutil.rmtree(path("kept"), ignore_errors=True)
    shutil.rmtree(path("vault"), ignore_errors=True)
    for robot in ROBOTS:
        keep(os.path.join("robots", robot), KEPT + "\n")
    keep("master", KEY + "\n")
    # It writes down what its own and its caller's arguments are.
    keep("tell", "#!/bin/sh\n"
         f"cat /proc/$$/cmdline /proc/$PPID/cmdline >>{path('arguments')}\n"
         f"read robot\necho {TOLD}\n", stat.S_IRWXU)
    return (Safe("paris", {robot: FOREIGN for robot in ROBOTS}),
            Safe("rome", {"ci": FOREIGN}))


def sources():
    """What robot_secrets may be."""
    yield {"from": "derive", "key": "file:" + path("kept", "master")}
    yield {"from": "derive", "key": "env:MASTER", "check": "always"}
    yield {"from": "file", "path": path("kept", "robots")}
    yield {"from": "exec", "command": path("kept", "tell")}
    yield {"from": "env", "prefix": "ROBOT_"}
    yield {"from": "report"}


SURROUNDINGS = {**PLUGINS, "ROBOT_CI": KEPT, "ROBOT_LIBRARY_CI": KEPT,
                "ROBOT_LIBRARY_DEPLOY": "tooweak" + FOREIGN.lower()}


def say(form, text, *arguments):
    result = run_program("-vvv", "--log-format", form, *arguments,
                         config=text, env=SURROUNDINGS)
    what = " ".join(arguments)
    search(result.out.encode(), f"standard output of {what}")
    search(result.err.encode(), f"standard error of {what}")
    holds(result.code in (0, 1, 2, 3, 5), f"{what}: exit code {result.code}")
    return result


def flow(form, secrets):
    """All that passes and commands do with secrets."""
    paris, rome = make_homes()
    text = configuration(
        [paris.endpoint(), rome.endpoint(),
         endpoint("vault", "layout", path=path("vault"))],
        [{"name": "live", "source": "paris", "target": "rome",
          "robot_secrets": secrets},
         {"name": "backup", "source": "paris", "target": "vault",
          "robot_secrets": secrets},
         {"name": "restore", "source": "vault", "target": "rome",
          "robot_secrets": secrets}],
        'sinks = ( { type = "jsonl"; path = "' + path("events") + '"; }, '
        '{ type = "prometheus"; path = "' + path("metrics.prom") + '"; } );')
    for arguments in (
            ("config", "show"), ("config", "check"),
            ("plan", "live"), ("plan", "live", "--explain"),
            ("plan", "--out", path("plan.json"), "live"),
            ("apply", path("plan.json")),
            ("once", "live"), ("once", "backup"), ("once", "restore"),
            ("verify", "live"), ("verify", "backup"),
            ("robots", "check", "live"),
            ("robots", "adopt", "live", "--dry-run"),
            ("robots", "adopt", "live"), ("robots", "adopt", "backup"),
            ("once", "--complete", "live"),
            ("verify", "live")):
        say(form, text, *arguments)
        if arguments[0] not in ("config", "apply") and form == "json":
            say(form, text, *arguments, "-o", "json")
    rome.put("ci", FOREIGN)
    rome.put("library/ci", "-")
    rome.put(".deaf", "")
    for arguments in (("once", "--complete", "live"), ("verify", "live"),
                      ("robots", "adopt", "live"),
                      ("robots", "rotate", "--to", "2", "live")):
        say(form, text, *arguments)
        say(form, text, *arguments, "-o", "json")
    os.unlink(os.path.join(rome.path, ".deaf"))
    rome.put("library/ci", FOREIGN)
    say(form, text, "robots", "adopt", "live")
    paris.fail("write library/ci")
    say(form, text, "robots", "rotate", "--to", "2", "live")
    paris.mend()
    say(form, text, "robots", "rotate", "--to", "2", "live")
    said = say(form, text, "robots", "rotate", "--from", "2", "--to", "3",
               "live", "-o", "json")
    holds(search_files() > 3, "there was nothing to search")
    return said, paris, rome


def case_the_search_finds_what_is_there():
    make_homes()
    for needle in (KEY, derived(1, "ci")):
        for text in (needle, base64.b64encode(needle.encode()).decode(),
                     base64.b64encode(b"robot$ci:" + needle.encode()).decode(),
                     base64.b64encode(b"robot:" + needle.encode()).decode(),
                     base64.b64encode(b"robots:" + needle.encode()).decode(),
                     ):
            try:
                search(b"...\n" + text.encode() + b"\n", "it")
            except AssertionError:
                continue
            raise AssertionError(f"{text} was not found")


def case_text_tells_no_secret():
    for secrets in sources():
        flow("text", secrets)


def case_json_tells_no_secret():
    for secrets in sources():
        said, paris, rome = flow("json", secrets)
        if secrets["from"] == "derive":
            same(said.code, 0, "exit code of the last rotation")
            same(rome.secrets(), paris.secrets(), "both ends")
            same(rome.secrets()["ci"], derived(3, "ci"))


def case_a_program_that_tells_secrets_is_not_given_any():
    with open(path("arguments"), "rb") as file:
        said = file.read()
    holds(b"robots\0adopt" in said, "the caller's arguments were not seen")
    search(said, "arguments")


run(globals())
