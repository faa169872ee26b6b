# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tokens: a real registry, and a token server of ours; logins that others
saved, and certificates."""
import base64
import json
import os
import shutil

import content
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from servers import Nginx, Registry, make_certificate
from tokens import TokenServer

SECRET = "c4nary-in-a-mine"
ENV = {"TEST_PASSWORD": SECRET}
A = B = TOKENS = None


def setup():
    """A source for everybody, and a target that wants tokens."""
    global A, B, TOKENS
    if A is None:
        A = Registry("a")
        for repository in ("small/app", "small/other"):
            for tag in ("1", "2"):
                A.client().push(repository, tag,
                                content.image(repository + tag))
        TOKENS = TokenServer({"joe": SECRET})
        B = Registry("b", tokens=TOKENS)
    B.wipe()
    B.forget()
    TOKENS.log.clear()
    TOKENS.life = 300
    TOKENS.methods = {"GET", "POST"}
    TOKENS.users = {"joe": SECRET}
    TOKENS.grants = lambda user, name, action: user is not None


def config(**settings):
    account = {"url": B.url, "username": "joe",
               "password": "env:TEST_PASSWORD"}
    account.update(settings)
    return configuration(
        [endpoint("a", "oci", url=A.url),
         endpoint("b", "oci",
                  **{k: v for k, v in account.items() if v is not None})],
        [{"name": "ab", "source": "a", "target": "b"}])


def case_a_pass_gets_one_token_for_each_need():
    setup()
    result = run_program("once", config=config(), env=ENV, code=0)
    has(result.out, "changed 4", "failed 0")
    holds(SECRET not in result.out + result.err, "the password")
    scopes = [scopes for _, user, scopes in TOKENS.log if user == "joe"]
    same(len(scopes), len(TOKENS.log), "nobody else asked")
    same(sorted(map(tuple, scopes)), sorted(set(map(tuple, scopes))),
         "each once")
    holds(["repository:small/app:pull,push"] in scopes, scopes)
    run_program("verify", config=config(), env=ENV, code=0)


def case_an_unchanged_pass_only_pulls():
    setup()
    run_program("once", config=config(), env=ENV, code=0)
    TOKENS.log.clear()
    result = run_program("once", config=config(), env=ENV, code=0)
    has(result.out, "changed 0", "0 B in 0 writes")
    for _, _, scopes in TOKENS.log:
        holds(all(s.endswith(":pull") or "catalog" in s for s in scopes),
              scopes)


def case_tokens_that_run_out_are_renewed():
    setup()
    source = Hostile()
    for number in range(60):
        source.add("many", f"t{number}", content.image(f"m{number}"))
    TOKENS.life = 1
    text = configuration(
        [endpoint("a", "oci", url=source.url),
         endpoint("b", "oci", url=B.url, username="joe",
                  password="env:TEST_PASSWORD", policy={"rate": 60})],
        [{"name": "ab", "source": "a", "target": "b"}])
    result = run_program("once", config=text, env=ENV, code=0)
    has(result.out, "failed 0")
    asked = [s for _, _, s in TOKENS.log if "repository:many:pull,push" in s]
    holds(len(asked) > 1, TOKENS.log)


def case_a_token_server_that_wants_post_is_obeyed():
    setup()
    TOKENS.methods = {"POST"}
    run_program("once", config=config(), env=ENV, code=0)
    holds(any(m == "POST" and u == "joe" for m, u, _ in TOKENS.log),
          TOKENS.log)


def case_wrong_credentials_end_with_4():
    setup()
    TOKENS.users = {"joe": "another"}
    result = run_program("once", config=config(), env=ENV, code=4)
    has(result.err, "no token from", "credentials refused")
    same(len(TOKENS.log), 1, "asked once")


def case_no_credentials_are_told_to_be_needed():
    setup()
    result = run_program("once", config=config(username=None, password=None),
                         code=1)
    has(result.out + result.err, "credentials are needed")


def case_anonymous_pulls_need_no_account():
    setup()
    run_program("once", config=config(), env=ENV, code=0)
    TOKENS.grants = lambda user, name, action: (
        user is not None or action in ("pull", "*"))
    target = path("layout")
    result = run_program("once", code=0, config=configuration(
        [endpoint("b", "oci", url=B.url),
         endpoint("t", "layout", path=target)],
        [{"name": "bt", "source": "b", "target": "t"}]))
    has(result.out, "changed 4")


def case_rights_that_are_missing_fail_the_tag_alone():
    setup()
    TOKENS.grants = lambda user, name, action: (
        name != "small/other" or action == "pull")
    result = run_program("once", config=config(), env=ENV, code=1)
    has(result.out, "changed 2", "failed 2", "small/other:1")


def auth_file(name, content_of):
    with open(path(name), "w") as file:
        json.dump(content_of, file)
    os.chmod(path(name), 0o600)
    return path(name)


def basic(user, password=SECRET):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def case_saved_logins_are_used_and_the_longest_path_wins():
    setup()
    TOKENS.users = {"joe": SECRET, "ann": SECRET}
    host = f"127.0.0.1:{B.port}"
    file = auth_file("auth.json", {"auths": {
        host: basic("joe"), host + "/small/other": basic("ann")}})
    text = config(username=None, password=None)
    result = run_program("--authfile", file, "once", config=text, code=0)
    has(result.out, "changed 4")
    asked = {(user, scope.split(":")[1]) for _, user, scopes in TOKENS.log
             for scope in scopes if scope.endswith("pull,push")}
    same(asked, {("joe", "small/app"), ("ann", "small/other")})
    same(run_program("once", config=text, code=0,
                     env={"REGISTRY_AUTH_FILE": file}).code, 0)


def case_identity_tokens_are_posted():
    setup()
    TOKENS.identities = {"id-of-joe": "joe"}
    file = auth_file("identity.json", {"auths": {
        f"127.0.0.1:{B.port}": {"identitytoken": "id-of-joe"}}})
    run_program("--authfile", file, "once", code=0,
                config=config(username=None, password=None))
    same({(m, u) for m, u, _ in TOKENS.log}, {("POST", "joe")})


def case_key_rings_are_asked():
    setup()
    folder = path("helpers")
    os.makedirs(folder, exist_ok=True)
    helper = os.path.join(folder, "docker-credential-ours")
    with open(helper, "w") as file:
        file.write(f"""#!/bin/sh
read -r server
test "$server" = 127.0.0.1:{B.port} || {{ echo nothing; exit 1; }}
echo '{{"ServerURL":"x","Username":"joe","Secret":"{SECRET}"}}'
""")
    os.chmod(helper, 0o755)
    file = auth_file("helper.json", {"credsStore": "ours"})
    result = run_program(
        "--authfile", file, "once", code=0,
        config=config(username=None, password=None),
        env={"PATH": folder + ":" + os.environ["PATH"]})
    has(result.out, "changed 4")
    same({u for _, u, _ in TOKENS.log}, {"joe"})
    B.wipe()
    run_program("once", code=0,
                config=config(url=B.url + "/", password="exec:ours"),
                env={"PATH": folder + ":" + os.environ["PATH"]})


def case_a_spoilt_file_is_named():
    setup()
    with open(path("spoilt.json"), "w") as file:
        file.write("{")
    os.chmod(path("spoilt.json"), 0o600)
    result = run_program("--authfile", path("spoilt.json"), "once",
                         config=config(username=None, password=None))
    holds(result.code in (2, 3), result.code)
    has(result.out + result.err, "spoilt.json")


def case_certificates_of_docker_are_used():
    setup()
    target = Registry("c")
    certificate, key = make_certificate("client")
    front = Nginx("certs", target, "joe", SECRET, client_ca=certificate)
    text = configuration(
        [endpoint("a", "oci", url=A.url),
         endpoint("b", "oci", url=front.url, username="joe",
                  password="env:TEST_PASSWORD")],
        [{"name": "ab", "source": "a", "target": "b"}])
    folder = path("certs.d", f"127.0.0.1:{front.port}")
    os.makedirs(folder)
    env = dict(ENV, HARBOR_REPLICATOR_CERTS_D=path("certs.d"))
    run_program("once", config=text, env=env, code=2)
    shutil.copy(front.ca, os.path.join(folder, "ca.crt"))
    run_program("once", config=text, env=env, code=2)
    shutil.copy(certificate, os.path.join(folder, "client.cert"))
    shutil.copy(key, os.path.join(folder, "client.key"))
    result = run_program("once", config=text, env=env, code=0)
    has(result.out, "changed 4")
    named = configuration(
        [endpoint("a", "oci", url=A.url),
         endpoint("b", "oci", url=front.url, username="joe",
                  password="env:TEST_PASSWORD",
                  tls={"ca": front.ca, "cert": certificate, "key": key})],
        [{"name": "ab", "source": "a", "target": "b"}])
    run_program("once", config=named, env=ENV, code=0)


def case_another_host_gets_no_password():
    """The realm is the attacker's: it hears of a token, and of nobody."""
    setup()
    thief = TokenServer({"joe": SECRET})
    source = Hostile()
    source.add("app", "1", content.image("1"))
    source.rule("GET", "^/v2/", status=401, headers={
        "WWW-Authenticate":
            f'Bearer realm="http://localhost:{thief.port}/token",'
            'service="x"'})
    text = configuration(
        [endpoint("s", "oci", url=source.url, username="joe",
                  password="env:TEST_PASSWORD"),
         endpoint("t", "layout", path=path("thief"))],
        [{"name": "st", "source": "s", "target": "t"}])
    result = run_program("once", config=text, env=ENV, code=4)
    has(result.err, "gets no credentials", "token_hosts")
    same({user for _, user, _ in thief.log}, {None})


if __name__ == "__main__":
    run(globals())
