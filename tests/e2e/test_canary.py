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

from harbor_api import (Harbor, api, make_projects, make_robot, permission)
from harness import (WORK, configuration, endpoint, holds, path, run,
                     run_program, same)
from safes import KEY, PLUGINS, Safe, derived

ROBOTS = ("ci", "library/ci", "library/deploy")
KEPT = "Kept12345Canary"
TOLD = "Told12345Canary"
FOREIGN = "Foreign12345Canary"
ADMIN = "Admin12345Canary"
HOOK = "Hook12345Canary"

# Where secrets belong: the registries, the files and the program that know
# them.
HOMES = ("paris", "rome", "kept")

CANARIES = [KEY, KEPT, TOLD, FOREIGN, ADMIN, HOOK] + [
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


SURROUNDINGS = {**PLUGINS, "ADMIN": ADMIN, "ROBOT_CI": KEPT, "ROBOT_LIBRARY_CI": KEPT,
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


def fill_harbor(harbor):
    make_projects(harbor, "library2")
    for project in ("library", "library2"):
        for name in ("ci", "deploy"):
            make_robot(harbor, name, permission(project, "repository:pull"),
                       level="project")
        api(harbor, "POST", f"/projects/{project}/webhook/policies", {
            "name": "tell", "enabled": True,
            "event_types": ["PUSH_ARTIFACT"],
            "targets": [{"type": "http", "address": "https://hook.example/x",
                         "auth_header": "Bearer " + HOOK}]})
    made = make_robot(harbor, "ci", permission("library", "tag:list"))
    api(harbor, "PATCH", f"/robots/{made['id']}", {"secret": FOREIGN})


def search_requests(harbor):
    """Secrets are in bodies and in the header that is for them only."""
    for entry in harbor.requests():
        if "harbor-replicator" in entry.headers.get("user-agent", ""):
            head = {name: value for name, value in entry.headers.items()
                    if name != "authorization"}
            search(f"{entry.target} {head}".encode(), "a request")


def harbor_flow(form, paris, rome):
    make_homes()
    secrets = {"from": "derive", "key": "file:" + path("kept", "master")}
    text = configuration(
        [*(endpoint(name, "harbor", url=harbor.url, username="admin",
                    password="env:ADMIN")
           for name, harbor in (("north", paris), ("south", rome))),
         endpoint("vault", "layout", path=path("vault"))],
        [{"name": "live", "source": "north", "target": "south",
          "robot_secrets": secrets},
         {"name": "backup", "source": "north", "target": "vault"},
         {"name": "restore", "source": "vault", "target": "south",
          "robot_secrets": secrets}],
        'sinks = ( { type = "jsonl"; path = "' + path("events") + '"; } );')
    for arguments in (
            ("plan", "--out", path("plan.json"), "live"),
            ("apply", path("plan.json")), ("plan", "live"),
            ("once", "live"), ("once", "backup"), ("once", "restore"),
            ("verify", "live"), ("robots", "check", "live"),
            ("robots", "adopt", "live"), ("once", "--complete", "live"),
            ("robots", "rotate", "--to", "2", "live"),
            ("endpoint", "probe", "north")):
        say(form, text, *arguments)
    rome.rule("PATCH", "/robots", status=500)
    say(form, text, "robots", "rotate", "--from", "2", "--to", "3", "live")
    rome.forget()
    return say(form, text, "robots", "rotate", "--from", "2", "--to", "3",
               "live")


def case_harbors_tell_no_secret():
    for form in ("text", "json"):
        with Harbor(admin_password=ADMIN, login_pause_s=0.05) as paris, \
                Harbor(admin_password=ADMIN, login_pause_s=0.05,
                       robot_prefix="bot-") as rome:
            fill_harbor(paris)
            said = harbor_flow(form, paris, rome)
            same(said.code, 0, "exit code")
            search_files()
            for harbor in (paris, rome):
                search_requests(harbor)
                same(harbor.table("robot").find(name="library+ci")["secret"],
                     derived(3, "library/ci"), "secret")


def case_a_program_that_tells_secrets_is_not_given_any():
    with open(path("arguments"), "rb") as file:
        said = file.read()
    holds(b"robots\0adopt" in said, "the caller's arguments were not seen")
    search(said, "arguments")


run(globals())
