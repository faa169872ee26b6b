# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who we are to a Harbor comes before anything else that is asked of it."""
from harbor import Harbor
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)


def plan(harbor, code=2, given=None, **keys):
    """A pass from it to a directory that only looks."""
    login = {"username": "admin", "password": "env:PASSWORD", **keys}
    config = configuration(
        [endpoint("paris", "harbor", url=harbor.url,
                  **{k: v for k, v in login.items() if v is not None}),
         endpoint("vault", "layout", path=path("vault"))],
        [{"name": "backup", "source": "paris", "target": "vault"}])
    return run_program(
        "plan", config=config, code=code,
        env={"PASSWORD": given or harbor.admin_password})


def asked(harbor):
    return [entry.path for entry in harbor.requests()]


def case_a_wrong_password_is_refused_before_anything_is_listed():
    with Harbor(login_pause_s=0.1) as harbor:
        result = plan(harbor, code=4, given="wrong")
        has(result.err, "paris", "are not taken", "as a stranger")
        same(asked(harbor), ["/api/v2.0/users/current"])


def case_a_stranger_is_refused_without_being_asked():
    with Harbor() as harbor:
        result = plan(harbor, code=4, username=None, password=None)
        has(result.err, "paris", "set username and password")
        same(asked(harbor), [])


def case_what_is_too_old_or_no_harbor_is_told():
    with Harbor(release="v2.8.4-1234") as harbor:
        has(plan(harbor).err, "it is Harbor 2.8.4: the oldest that is known")
    with Harbor(release="Nexus 3") as harbor:
        has(plan(harbor).err, "which version of Harbor it is: check the url")


def case_each_request_shows_who_asks_and_brings_no_cookie():
    with Harbor() as harbor:
        plan(harbor, code=None)
        for entry in harbor.requests():
            same(entry.sent_cookie, False)
            same(entry.caller, "admin")
            same(entry.headers.get("x-is-resource-name"), "true")
            holds(entry.headers.get("x-request-id"), "a request id")


if __name__ == "__main__":
    run(globals())
