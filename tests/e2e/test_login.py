# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tokens: a real registry, and a token server of ours."""
import content
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from servers import Registry
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
    account = {"username": "joe", "password": "env:TEST_PASSWORD"}
    account.update(settings)
    return configuration(
        [endpoint("a", "oci", url=A.url),
         endpoint("b", "oci", url=B.url,
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
