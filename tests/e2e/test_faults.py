# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program and its guards, behind a proxy that misbehaves."""
import json
import os
import random

import content
from faultproxy import FaultProxy
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from servers import Registry, make_certificate

A = B = None

TAGS = 200


def setup():
    """Two registries, the first full; once for the file."""
    global A, B
    if A is not None:
        return
    A = Registry("a")
    B = Registry("b")
    client = A.client()
    for i in range(TAGS):
        client.push(f"many/r{i % 10}", f"t{i}",
                    content.image(f"many{i}", shared=["base"], size=3000))
    for tag in ("one", "two"):
        client.push("small/app", tag, content.image(tag, size=40000))


def behind(source, target, policy=None, more="", **select):
    """A configuration with a proxy before either registry, or none."""
    keys = {"policy": policy} if policy else {}
    repositories = select or {"allow": ["small/.*"]}
    return configuration(
        [endpoint("a", "oci", url=source.url, **keys),
         endpoint("b", "oci", url=target.url, **keys)],
        [{"name": "ab", "source": "a", "target": "b",
          "select": {"repositories": repositories}}], more)


QUICK = {"base": "10ms", "throttled_base": "10ms", "timeout": "2s",
         "stall": "2s"}


def expect_equal(repositories):
    source, target = A.client(), B.client()
    count = 0
    for repository in repositories:
        same(target.tags(repository), source.tags(repository), repository)
        for tag in source.tags(repository):
            same(target.manifest(repository, tag),
                 source.manifest(repository, tag), f"{repository}:{tag}")
            count += 1
    return count


def expect_no_duplicates(proxy):
    """What was written, and told so, is not written again."""
    told = {}
    for entry in proxy.entries("PUT"):
        # The upload's own address differs each time; the digest does not.
        name = entry.target
        if "/uploads/" in name:
            name = name.split("/blobs/")[0] + name.split("digest=")[-1]
        if entry.answers and entry.answers[-1] < 300 and entry.told:
            told[name] = told.get(name, 0) + 1
    for name, times in told.items():
        holds(times == 1, f"{name} was written {times} times")


# What passes with another try, at the target and at the source.
TARGET_FAULTS = {
    "latency": ("PUT", {"latency": 0.2, "jitter": 0.1}),
    "bandwidth": ("GET", {"bandwidth": 200000}),
    "slices": ("PUT", {"slice": 7}),
    "reset before the answer": ("HEAD", {"reset_head": True}),
    "reset in mid upload": ("PUT", {"reset_upload": 1000}),
    "an answer of 500": ("PUT", {"status": 500}),
    "an answer of 503 with Retry-After":
        ("PUT", {"status": 503, "retry_after": 1}),
    "an answer of 429 with Retry-After":
        ("HEAD", {"status": 429, "retry_after": 1}),
    "an answer that is lost": ("PUT", {"lost": True}),
    "a request that comes twice": ("HEAD", {"twice": True}),
    "a hole": ("HEAD", {"hole": True}),
    "a slow close": ("PUT", {"slow_close": True}),
}

SOURCE_FAULTS = {
    "reset in mid body": {"reset_after": 5000},
    "a body cut short": {"truncate": True},
    "a length that is too long": {"longer": True},
    "slices": {"slice": 1000},
    "an answer of 502": {"status": 502},
    "latency": {"latency": 0.2},
}


def case_one_fault_at_the_target_costs_nothing_but_time():
    setup()
    for name, (method, fault) in TARGET_FAULTS.items():
        B.wipe()
        proxy = FaultProxy(B.port)
        proxy.rule(method, "/v2/small", nth=1, **fault)
        result = run_program("once", config=behind(A, proxy, QUICK))
        same(result.code, 0, name)
        expect_equal(["small/app"])
        expect_no_duplicates(proxy)
        holds(any(e.fault for e in proxy.entries()) or method == "GET", name)


def case_one_fault_at_the_source_costs_nothing_but_time():
    setup()
    for name, fault in SOURCE_FAULTS.items():
        B.wipe()
        proxy = FaultProxy(A.port)
        proxy.rule("GET", "/blobs/", nth=1, **fault)
        result = run_program("once", config=behind(proxy, B, QUICK))
        same(result.code, 0, name)
        expect_equal(["small/app"])


def case_a_connection_cut_within_tls_costs_nothing_but_time():
    setup()
    B.wipe()
    pair = make_certificate("cut")
    source = FaultProxy(A.port, certificate=pair)
    target = FaultProxy(B.port, certificate=pair)
    for side in (source, target):
        side.cut_handshakes = 2
    source.rule("GET", "/manifests/", nth=1, tls_cut=True)
    source.rule("GET", "/blobs/", nth=1, tls_cut=True)
    target.rule("HEAD", "/v2/small", nth=1, tls_cut=True)
    target.rule("PUT", "/manifests/", nth=1, tls_cut=True)
    sides = [endpoint(name, "oci", url=side.url, policy=QUICK,
                      tls={"ca": pair[0]})
             for name, side in (("a", source), ("b", target))]
    text = configuration(sides, [{"name": "ab", "source": "a", "target": "b",
                                  "select": {"repositories":
                                             {"allow": ["small/.*"]}}}])
    run_program("once", config=text, code=0)
    expect_equal(["small/app"])
    expect_no_duplicates(target)
    for side in (source, target):
        same(side.cut_handshakes, 0)
        same(len([e for e in side.entries() if e.fault]), 2)


def case_a_link_that_breaks_again_and_again_moves_little_twice():
    setup()
    B.wipe()
    size = 64 << 20
    A.client().push("large/app", "one",
                    content.image("large", layers=1, size=size))
    proxy = FaultProxy(A.port)
    proxy.rule("GET", "/blobs/", cut_after=4 << 20)
    result = run_program("once", code=0,
                         config=behind(proxy, B, QUICK, allow=["large/.*"]))
    same(expect_equal(["large/app"]), 1)
    sent = sum(e.sent_bytes for e in proxy.entries("GET", "/blobs/"))
    print(f"# {sent} bytes sent for {size}", flush=True)
    holds(sent <= 1.05 * size, f"{sent} bytes for {size}")
    has(result.err, "broke off after", "going on there")


def case_a_page_of_html_is_taken_for_nothing_else():
    setup()
    B.wipe()
    proxy = FaultProxy(A.port)
    proxy.rule("GET", "/manifests/", html=True)
    result = run_program("once", config=behind(proxy, B, QUICK), code=1)
    same(B.client().tags("small/app"), [])
    has(result.out, "small/app:one")


def case_a_pass_under_ten_percent_of_faults_ends_complete():
    setup()
    B.wipe()
    seed = int(os.environ.get("HR_SEED", random.randrange(1 << 30)))
    print(f"# seed {seed}")
    mixture = [{"status": 500}, {"status": 502},
               {"status": 503, "retry_after": 1}, {"status": 503},
               "reset_head", {"latency": 0.1, "jitter": 0.1},
               {"slice": 500}]
    source, target = FaultProxy(A.port, seed), FaultProxy(B.port, seed + 1)
    source.rule("GET|HEAD", "/v2/.", chance=0.1,
                fault=mixture + ["truncate", {"reset_after": 100}])
    target.rule(".*", "/v2/.", chance=0.1,
                fault=mixture + [{"reset_upload": 100}, "lost"])
    policy = {"base": "20ms", "throttled_base": "20ms", "timeout": "5s",
              "patience": "10m"}
    result = run_program("-q", "once", "-o", "json", code=0, patience=240,
                         config=behind(source, target, policy,
                                       allow=["many/.*"]))
    report = result.json()["syncs"][0]
    same((report["changed"], report["failed"]), (TAGS, 0))
    same(expect_equal([f"many/r{i}" for i in range(10)]), TAGS)
    expect_no_duplicates(target)
    for side in report["endpoints"]:
        holds(side["retries"] > 0, side)
        same(side["permits_acquired"], side["permits_released"])
        for name, one in side["classes"].items():
            same(one["in_flight"], 0, name)
    same(len(report["endpoints"]), 2)


def case_an_open_breaker_is_seen_and_closes_again():
    setup()
    B.wipe()
    proxy = FaultProxy(B.port)
    proxy.rule("PUT|POST|HEAD", "/v2/many/", times=30, status=503)
    policy = {"base": "1ms", "cap": "10ms", "throttled_base": "1ms",
              "park": "5ms", "patience": "10m",
              "budget": {"tokens": 100000, "concurrent": 100},
              "breaker": {"open": "200ms", "open_cap": "200ms",
                          "minimum_calls": 10}}
    sinks = f'sinks = ( {{ type = "prometheus"; path = "{path("m.prom")}"; }} );'
    result = run_program("once", "-o", "json", code=0, patience=240,
                         config=behind(A, proxy, policy, more=sinks,
                                       allow=["many/r[01]"]))
    sides = {s["name"]: s for s in result.json()["syncs"][0]["endpoints"]}
    holds(sides["b"]["breaker_opened"] > 0, sides["b"])
    holds(sides["b"]["rejected"] > 0, sides["b"])
    holds(sides["b"]["parked"] > 0, sides["b"])
    same(sides["a"]["breaker_opened"], 0)
    same({c["breaker"] for c in sides["b"]["classes"].values()}, {"closed"})
    has(result.err, "circuit breaker of class", "closed -> open", "put off")
    text = open(path("m.prom")).read()
    has(text, 'harbor_replicator_breaker_state{endpoint="b",class="read"} 0',
        'harbor_replicator_breaker_changes_total{endpoint="b"',
        'harbor_replicator_retry_budget_tokens{endpoint="b"}')
    expect_equal(["many/r0", "many/r1"])


def case_the_rate_holds_at_the_server():
    setup()
    B.wipe()
    proxy = FaultProxy(B.port)
    config = behind(A, proxy, {"rate": 40, "burst": 1})
    run_program("once", config=config, code=0)
    times = [entry.time for entry in proxy.entries()]
    for start, now in enumerate(times):
        within = sum(1 for other in times[start:] if other - now < 0.5)
        # 20 and one in half a second; the proxy's own clock is a little off.
        holds(within <= 25, f"{within} requests in half a second")


def case_late_answers_are_asked_for_twice_and_writes_never():
    setup()
    B.wipe()
    run_program("once", config=behind(A, B, allow=["many/.*"]), code=0)
    proxy = FaultProxy(B.port, 3)
    # The last ones: where all places are taken, a hedge would only be load.
    proxy.rule("HEAD", "/manifests/", after=195, times=198, latency=0.6)
    policy = {"hedge": {"on": True, "samples": 20, "delay": "20ms"}}
    result = run_program("once", "-o", "json", code=0,
                         config=behind(A, proxy, policy, allow=["many/.*"]))
    side = [s for s in result.json()["syncs"][0]["endpoints"]
            if s["name"] == "b"][0]
    holds(side["hedges"] > 0, side)
    holds(side["hedges"] * 20 <= side["requests"], side)
    same([e.target for e in proxy.entries("PUT|POST|PATCH|DELETE")], [])
    same(side["permits_acquired"], side["permits_released"])


def case_policies_are_shown():
    result = run_program("policy", "show", code=0)
    has(result.out, "aws-2026", "web-service")
    one = run_program("policy", "show", "aws-2026", code=0)
    has(one.out, "50ms", "attempts", "100ms")
    json_text = run_program("policy", "show", "default", "-o", "json", code=0)
    same(json.loads(json_text.out)["version"], 1)
    run_program("policy", "show", "nonsense", code=3)


if __name__ == "__main__":
    run(globals())
