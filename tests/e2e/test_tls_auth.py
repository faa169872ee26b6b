# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates and passwords: refused with a sentence, and never printed."""
import glob
import os
import re
import subprocess

import content
from harness import (PROGRAM, configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from servers import Nginx, Registry

CANARY = "c4nary-in-a-mine"
GOOD = {"TEST_PASSWORD": CANARY}
WRONG = {"TEST_PASSWORD": "wr0ng-c4nary"}
A = B = FRONT = None


def setup():
    """A source, and a target behind TLS and a login."""
    global A, B, FRONT
    if A is not None:
        return
    A = Hostile()
    A.add("app", "1", content.image("1"))
    A.add("app", "multi", content.index("multi"))
    B = Registry("b")
    FRONT = Nginx("front", B, "joe", CANARY)


def front(**more):
    settings = {"url": FRONT.url, "username": "joe",
                "password": "env:TEST_PASSWORD", "tls": {"ca": FRONT.ca}}
    settings.update(more)
    return endpoint("b", "oci",
                    **{k: v for k, v in settings.items() if v is not None})


def config(more="", **settings):
    setup()
    return configuration(
        [endpoint("a", "oci", url=A.url), front(**settings)],
        [{"name": "ab", "source": "a", "target": "b"}], more)


def case_every_command_ends_with_4_if_the_password_is_wrong():
    text = config()
    plan = path("plan.json")
    run_program("plan", "--out", plan, config=text, env=GOOD, code=0)
    for command in (["once"], ["plan"], ["verify"], ["apply", plan],
                    ["once", "-o", "json"]):
        result = run_program(*command, config=text, env=WRONG, code=4)
        has(result.out + result.err, "401")
        holds(WRONG["TEST_PASSWORD"] not in result.out + result.err, command)
    same(B.client().tags("app"), [], "nothing was written")


def case_a_login_that_is_missing_ends_with_4():
    result = run_program("once", config=config(username=None, password=None),
                         code=4)
    has(result.err, "401")


def case_copy_takes_the_password_from_where_it_is_told():
    setup()
    arguments = ["copy", f"docker://127.0.0.1:{A.port}/app:1",
                 f"docker://127.0.0.1:{FRONT.port}/copied/app:1",
                 "--src-tls-verify=false", "--dest-ca", FRONT.ca,
                 "--dest-creds"]
    run_program(*arguments, "joe:env:TEST_PASSWORD", env=GOOD, code=0)
    same(B.client().manifest("copied/app", "1")[1], A.manifests["app", "1"][1])
    result = run_program(*arguments, "joe:env:TEST_PASSWORD", env=WRONG,
                         code=4)
    holds(WRONG["TEST_PASSWORD"] not in result.out + result.err, "leaked")
    result = run_program(*arguments, f"joe:{CANARY}", code=0)
    has(result.err, "password", "command line")
    holds(CANARY not in result.out + result.err, "leaked")


def case_a_password_on_the_command_line_is_not_left_there():
    setup()
    slow = Hostile()
    slow.rule("GET", "", hang=True)
    process = subprocess.Popen(
        [PROGRAM, "copy", f"docker://127.0.0.1:{slow.port}/app:1",
         f"oci:{path('unused')}:1", "--src-tls-verify=false",
         f"--src-creds=joe:{CANARY}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not slow.requests and process.poll() is None:
            pass
        with open(f"/proc/{process.pid}/cmdline", "rb") as file:
            seen = file.read()
    finally:
        process.kill()
        process.wait()
    has(seen.decode(), "--src-creds")
    holds(CANARY.encode() not in seen, seen)


def case_metadata_goes_over_http_2_and_blobs_over_http_1():
    log = path("front", "access.log")

    def versions(wanted):
        with open(log) as file:
            asked = re.findall(r'"([A-Z]+) (/\S*) HTTP/([0-9.]+)"',
                               file.read())
        return {v for m, t, v in asked if wanted(m, t)}

    B.wipe()
    open(log, "w").close()
    run_program("once", config=config(), env=GOOD, code=0)
    same(versions(lambda m, t: m == "PUT" and "/uploads/" in t), {"1.1"},
         "uploads")
    # While blobs move, metadata may find one of their connections idle.
    holds("2.0" in versions(lambda m, t: "/manifests/" in t), "no HTTP/2")
    open(log, "w").close()
    run_program("once", config=config(), env=GOOD, code=0)
    same(versions(lambda m, t: m == "HEAD"), {"2.0"}, "an unchanged pass")


def case_an_unknown_certificate_is_refused_before_any_request():
    log = path("front", "access.log")
    text = config(tls=None)
    open(log, "w").close()
    result = run_program("once", config=text, env=GOOD, code=2)
    has(result.err, "certificate", "tls.ca")
    same(open(log).read(), "", "requests")


def case_a_certificate_of_another_host_is_refused():
    result = run_program("once", env=GOOD, code=2, config=config(
        url=FRONT.url.replace("127.0.0.1", "localhost")))
    has(result.err, "certificate", "localhost")


def case_unverified_certificates_are_warned_about_at_every_run():
    B.wipe()
    text = config(tls={"insecure": True})
    for command in ("once", "once", "plan", "verify"):
        result = run_program(command, config=text, env=GOOD, code=0)
        has(result.err, "warning", "b: certificates are not verified")


def case_a_ca_file_that_is_not_there_is_named():
    result = run_program("once", config=config(tls={"ca": path("no.crt")}),
                         env=GOOD)
    holds(result.code in (2, 3), result.code)
    has(result.err, "no.crt")


def case_http_spoken_to_a_tls_port_is_explained():
    result = run_program("once", env=GOOD, config=config(
        tls=None, url=FRONT.url.replace("https", "http")), code=2)
    has(result.err, "target b")


def case_secret_files_must_be_private():
    name = path("password")
    with open(name, "w") as file:
        file.write(CANARY + "\n")
    os.chmod(name, 0o644)
    text = config(password=f"file:{name}")
    result = run_program("plan", config=text, code=3)
    has(result.err, name, "chmod 600")
    holds(CANARY not in result.err, "leaked")
    os.chmod(name, 0o600)
    run_program("plan", config=text, code=0)


def case_a_secret_that_is_not_set_is_named():
    result = run_program("once", config=config(password="env:NO_SUCH_SECRET"),
                         code=3)
    has(result.err, "NO_SUCH_SECRET")


def case_a_password_in_the_file_is_refused_unless_allowed():
    result = run_program("plan", config=config(password=CANARY), code=3)
    has(result.err, "password", "env:NAME", "allow_inline_secrets")
    holds(CANARY not in result.out + result.err, "leaked")
    text = config("allow_inline_secrets = true;", password=CANARY)
    has(run_program("config", "check", config=text, code=3).err, "chmod 600")
    os.chmod(path("test.cfg"), 0o600)
    for command in (["-vvv", "once"], ["config", "show"],
                    ["config", "show", "-o", "json"]):
        result = run_program(*command, config=text, code=0)
        holds(CANARY not in result.out + result.err, command)


def case_no_secret_is_in_any_file_or_stream():
    B.wipe()
    sinks = f"""
sinks = ( {{ type = "prometheus"; path = "{path('out-m.prom')}"; }},
          {{ type = "jsonl"; path = "{path('out-e.jsonl')}"; }} );"""
    text = config(sinks)
    run_program("plan", "--out", path("out-plan.json"), config=text, env=GOOD,
                code=0)
    seen = ""
    for command in (["-vvv", "once", "-o", "json"], ["config", "show"],
                    ["-vvv", "--log-format", "json", "verify", "--deep"],
                    ["-vvv", "plugins"]):
        result = run_program(*command, config=text, env=GOOD, code=0)
        seen += result.out + result.err
    for name in glob.glob(path("out-*")):
        with open(name) as file:
            seen += file.read()
    encoded = "am9lOmM0bmFyeS1pbi1hLW1pbmU"  # of joe:CANARY
    for secret in (CANARY, encoded):
        holds(secret not in seen, f"{secret} was written")
    has(seen, '"joe"')


def case_a_repository_that_is_forbidden_fails_alone():
    source, target = Hostile(), Hostile()
    source.add("open", "1", content.image("1"))
    source.add("closed", "1", content.image("2"))
    source.rule("GET", "/v2/closed/", status=403,
                body=b'{"errors":[{"code":"DENIED","message":"not you"}]}')
    result = run_program("once", code=1, config=configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t"}]))
    has(result.out, "closed", "403", "DENIED: not you", "failed 1")
    same(target.tags("open"), ["1"])


if __name__ == "__main__":
    run(globals())
