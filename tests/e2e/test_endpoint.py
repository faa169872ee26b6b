# SPDX-License-Identifier: LGPL-2.1-or-later
"""What registries can do is found out, shown, and overruled."""
import content
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from servers import Nginx, Registry

ALL = {"catalog", "chunks", "head", "http2", "mount", "ranges", "referrers",
       "upload-status", "write"}
WRITE = ("--repository", "app", "--write")


def probe(registry, *arguments, code=0, **options):
    config = configuration(
        [endpoint("one", "oci", url=registry.url, **options)], [])
    result = run_program("endpoint", "probe", "one", "-o", "json", *arguments,
                         config=config, code=code, env={"PASSWORD": "right"})
    return {a["name"]: a["state"] for a in result.json()["abilities"]}


def scripted(**quirks):
    registry = Hostile(**quirks)
    registry.add("app", "1", content.index("an index"))
    return registry


def unchanged(registry):
    """No upload is left, and nothing was stored."""
    same([s.name for s in registry.sessions.values() if s.end is None], [])
    same(registry.count("PUT"), 0)


def case_a_registry_that_can_do_all():
    registry = scripted(referrers=True)
    found = probe(registry, *WRITE)
    same(set(found), ALL)
    same({n for n, s in found.items() if s != "yes"}, {"http2"})
    unchanged(registry)


def case_each_thing_that_it_cannot_do():
    for quirk, names in (("no_patch", {"chunks", "upload-status"}),
                         ("no_head", {"head"}),
                         ("no_digest_header", {"head"}),
                         ("no_range", {"ranges"}),
                         ("no_mount", {"mount"})):
        registry = scripted(**{quirk: True}, referrers=True)
        found = probe(registry, *WRITE)
        same({n for n, s in found.items() if s == "no"}, names | {"http2"},
             quirk)
        unchanged(registry)


def case_nothing_is_written_without_being_told():
    registry = scripted()
    found = probe(registry)
    same({n for n, s in found.items() if s == "unknown"},
         {"chunks", "mount", "upload-status", "write"})
    same({m for m, _, _ in registry.requests}, {"GET", "HEAD"})
    config = configuration(
        [endpoint("one", "oci", url=registry.url)], [])
    result = run_program("endpoint", "probe", "one", "--write", config=config,
                         code=3)
    has(result.err, "--write needs --repository")


def case_an_empty_registry_leaves_most_unknown():
    found = probe(Hostile())
    same(found["catalog"], "yes")
    same({found[n] for n in ("head", "ranges", "referrers")}, {"unknown"})


def case_what_is_not_answered_is_not_known():
    for method, pattern, names in (
            ("GET", "/uploads/", {"upload-status"}),
            ("PATCH", "/uploads/", {"chunks", "upload-status"}),
            ("HEAD", "/manifests/", {"head"})):
        registry = scripted(referrers=True)
        registry.rule(method, pattern, drop=True)
        found = probe(registry, *WRITE, policy={"attempts": 1})
        same({n for n, s in found.items() if s == "unknown"}, names, pattern)
    found = probe(scripted(referrers=True), referrers="never")
    same(found["referrers"], "unknown")


def case_one_that_is_interrupted_tells_nothing():
    registry = scripted()
    registry.rule("GET", "/tags/list", hang=True)
    config = configuration([endpoint("one", "oci", url=registry.url)], [])
    result = run_program(
        "endpoint", "probe", "one", config=config,
        within=("timeout", "--preserve-status", "-s", "INT", "2"))
    same(result.out, "")
    holds(result.code != 0, result.code)


def case_hostile_names_are_not_looked_at():
    registry = scripted()
    registry.rule("GET", "_catalog",
                  body=b'{"repositories":["../../etc","a?b","app"]}')
    same(probe(registry)["head"], "yes")
    holds(not registry.count("GET", "etc"), "asked for a path")


def case_docker_registry_behind_tls():
    registry = Registry("behind")
    registry.client().push("app", "1", content.image("x"))
    proxy = Nginx("proxy", registry, "me", "right")
    login = {"username": "me", "password": "env:PASSWORD",
             "tls": {"ca": proxy.ca}}
    found = probe(proxy, *WRITE, **login)
    same({n for n, s in found.items() if s != "yes"}, {"referrers"})
    found = probe(proxy, **login, http2=False)
    same(found["http2"], "no")
    config = configuration(
        [endpoint("one", "oci", url=proxy.url, tls={"ca": proxy.ca})], [])
    run_program("endpoint", "probe", "one", config=config, code=4)


def case_it_reads_as_a_table():
    registry = scripted()
    config = configuration(
        [endpoint("one", "oci", url=registry.url),
         endpoint("two", "layout", path=path("layout"))], [])
    result = run_program("endpoint", "probe", "one", config=config, code=0)
    has(result.out, "one: http://127.0.0.1:", "  referrers      no  ")
    result = run_program("endpoint", "probe", "two", config=config, code=2)
    has(result.err, "endpoints of type layout")
    result = run_program("endpoint", "probe", "onw", config=config, code=3)
    has(result.err, "did you mean 'one'?")


def case_the_configuration_overrules():
    source = scripted(referrers=True)
    source.add("copy", "1", content.index("an index"))
    target = Hostile()
    config = configuration(
        [endpoint("a", "oci", url=source.url, head="never", referrers="never"),
         endpoint("b", "oci", url=target.url, mount="never")],
        [{"name": "s", "source": "a", "target": "b"}])
    run_program("once", config=config, code=0)
    same(source.count("HEAD"), 0)
    same(source.count("GET", "/referrers/"), 0)
    same(target.count("POST", "mount="), 0)
    config = configuration(
        [endpoint("a", "oci", url=source.url, head="sometimes")],
        [])
    result = run_program("endpoint", "probe", "a", config=config, code=3)
    has(result.err, 'head = "sometimes"', "never, auto")


if __name__ == "__main__":
    run(globals())
