# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job between real registries and layouts."""
import json
import os
import subprocess

import content
from content import Client
from harness import (SOURCE, configuration, endpoint, has, holds, need, path,
                     run, run_program, same)
from hostile import Hostile
from servers import Nginx, Registry

A = B = None


def setup():
    """Two registries with content in the first; once for the file."""
    global A, B
    if A is not None:
        return
    A = Registry("a")
    B = Registry("b")
    client = A.client()
    client.push("library/app", "1.0", content.image("app1", shared=["base"]))
    client.push("library/app", "1.1", content.image("app2", shared=["base"]))
    client.push("library/multi", "v1", content.index("multi"))
    client.push("library/docker", "old", content.image("old", docker=True))
    client.push("other/app", "2.0", content.image("app3", shared=["base"]))
    subject = content.image("subject")
    client.push("library/signed", "b-subject", subject)
    client.push("library/signed", "a-sbom",
                content.referrer("sbom", subject))


TAGS = {"library/app": ["1.0", "1.1"], "library/multi": ["v1"],
        "library/docker": ["old"], "other/app": ["2.0"],
        "library/signed": ["a-sbom", "b-subject"]}


def registry_config(**sync):
    return configuration(
        [endpoint("a", "oci", url=A.url), endpoint("b", "oci", url=B.url)],
        [{"name": "ab", "source": "a", "target": "b", **sync}])


def case_copies_every_kind_of_artifact_byte_for_byte():
    setup()
    B.wipe()
    result = run_program("once", config=registry_config(), code=0)
    has(result.out, "ab: checked 7, changed 7, skipped 0, failed 0")
    source, target = A.client(), B.client()
    for repository, tags in TAGS.items():
        same(target.tags(repository), tags, repository)
        for tag in tags:
            same(target.manifest(repository, tag),
                 source.manifest(repository, tag), f"{repository}:{tag}")
    run_program("verify", "--deep", code=0,
                config=registry_config())


def case_an_unchanged_pass_costs_two_heads_a_tag_and_writes_nothing():
    setup()
    run_program("once", config=registry_config(), code=0)
    A.forget()
    B.forget()
    result = run_program("once", config=registry_config(), code=0)
    has(result.out, "changed 0", "0 B in 0 writes")
    tags = sum(len(t) for t in TAGS.values())
    for registry in (A, B):
        requests = registry.requests()
        heads = [t for m, t in requests if m == "HEAD"]
        same(len(heads), tags, "HEADs at " + registry.name)
        others = [(m, t) for m, t in requests if m != "HEAD"]
        holds(all(m == "GET" and "/manifests/" not in t
                  for m, t in others), others)


def case_a_new_blob_costs_at_most_four_requests_and_moves_once():
    setup()
    B.wipe()
    A.forget()
    B.forget()
    run_program("once", config=registry_config(), code=0)
    at_a, at_b = A.requests(), B.requests()
    shared = content.digest(content.make_blob("base", 2000))
    same(sum(1 for m, t in at_a if m == "GET" and shared in t), 1,
         "reads of the shared layer")
    same(sum(1 for m, t in at_b if m == "PUT" and shared in t), 1,
         "uploads of the shared layer")
    same(sum(1 for m, t in at_b if m == "POST" and "mount=" + shared in t),
         1, "mounts of the shared layer")
    blobs = {t.split("digest=")[1] for m, t in at_b
             if m == "PUT" and "digest=" in t}
    uploads = sum(1 for m, t in at_b
                  if m in ("POST", "PUT") and "/uploads/" in t)
    mounts = sum(1 for m, t in at_b if "mount=" in t)
    same(uploads, 2 * len(blobs) + mounts, "requests of uploads")
    for blob in blobs:
        asked = sum(1 for m, t in at_a + at_b
                    if blob in t and "mount=" not in t)
        holds(asked + 1 <= 4, f"{asked} requests for {blob}")


def case_children_come_before_the_index_and_the_tag_comes_last():
    setup()
    B.wipe()
    B.forget()
    run_program("once", code=0, config=registry_config(
        select={"repositories": {"names": ["library/multi"]}}))
    puts = [t for m, t in B.requests()
            if m == "PUT" and "/manifests/" in t]
    same(len(puts), 4, "manifests")
    holds(puts[-1].endswith("/v1"), puts)
    holds(all("sha256:" in t for t in puts[:-1]), puts)
    writes = [t for m, t in B.requests() if m == "PUT"]
    last_blob = max(i for i, t in enumerate(writes) if "/uploads/" in t)
    holds(last_blob < writes.index(puts[-1]), "a blob after the tag")


def case_a_referrer_comes_after_its_subject():
    setup()
    for _ in range(3):
        B.wipe()
        B.forget()
        run_program("once", code=0, config=registry_config(
            select={"repositories": {"names": ["library/signed"]}}))
        puts = [t.rsplit("/", 1)[1] for m, t in B.requests()
                if m == "PUT" and "/manifests/" in t]
        same(puts, ["b-subject", "a-sbom"], "order")


def case_selects_by_lists_and_patterns():
    setup()
    B.wipe()
    run_program("once", code=0, config=registry_config(
        select={"repositories": {"allow": ["library/.*"],
                                 "deny": [".*/(multi|signed)"]},
                "tags": {"deny": ["1\\.1"]}}))
    client = B.client()
    same(client.tags("library/app"), ["1.0"])
    same(client.tags("library/docker"), ["old"])
    same(client.tags("library/multi"), [])
    same(client.tags("other/app"), [])


def case_selects_versions_and_says_why():
    source, target = Hostile(), Hostile()
    for tag in ("1.0.0", "1.2.0", "1.10.0", "1.11.0-rc.1", "2.0.0", "latest"):
        source.add("app", tag, content.image(tag))
    source.add("other", "1.5.0", content.image("other"))
    text = configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t",
          "select": {"repositories": {"deny": ["oth.*"]},
                     "tags": {"semver": "^1", "latest": 2}}}])
    shown = run_program("plan", "--explain", config=text, code=0).out
    has(shown, "out  other", "deny oth.*", "in   app:1.10.0",
        "latest 2: it is number 1", "out  app:1.0.0",
        "latest 2: it is number 3", "out  app:2.0.0", "semver ^1",
        "semver ^1: it is no version")
    result = run_program("plan", "--explain", "-o", "json", config=text,
                         code=0)
    reasons = {one["key"]: one["in"]
               for one in result.json()["plans"][0]["selection"]}
    same(sorted(k for k, v in reasons.items() if v),
         ["app", "app:1.10.0", "app:1.2.0"])
    run_program("once", config=text, code=0)
    same(sorted(target.tags("app")), ["1.10.0", "1.2.0"])
    run_program("verify", config=text, code=0)


def case_what_was_latest_once_is_kept_and_told():
    source, target = Hostile(), Hostile()
    for number in range(3):
        source.add("app", f"1.{number}", content.image(number))
    text = configuration(
        [endpoint("s", "oci", url=source.url),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t",
          "select": {"tags": {"deny": ["x.*"], "latest": 2}}}])
    run_program("once", config=text, code=0)
    source.add("app", "1.3", content.image(3))
    run_program("once", config=text, code=0)
    same(target.tags("app"), ["1.1", "1.2", "1.3"])
    result = run_program("verify", config=text, code=0)
    has(result.out, "kept      app:1.1", "latest 2: it is number 3",
        "different 0, kept 1")
    target.add("app", "xxl", content.image(9))
    target.add("app", "0.1", content.image(9))
    result = run_program("verify", "-o", "json", config=text, code=5)
    verified = result.json()["syncs"][0]
    same([(d["key"], d["difference"]) for d in verified["differences"]],
         [("app:0.1", "extra")])
    same([d["key"] for d in verified["kept"]], ["app:1.1"])


def case_immutable_tags_cost_nothing_once_they_are_there():
    setup()
    B.wipe()
    text = registry_config(select={
        "repositories": {"names": ["library/app", "library/multi"]},
        "tags": {"immutable": ["v.*", "1\\.[0-9]"]}})
    run_program("once", config=text, code=0)
    A.forget()
    B.forget()
    result = run_program("once", config=text, code=0)
    has(result.out, "checked 3 (3 immutable, not asked), changed 0",
        "0 B in 0 writes")
    for registry in (A, B):
        asked = [(m, t) for m, t in registry.requests()
                 if t != "/v2/" and "/tags/list" not in t]
        same(asked, [], "requests beside lists at " + registry.name)
    has(run_program("plan", "--explain", config=text, code=0).out,
        "immutable and on the target: nobody is asked",
        "unchanged 3 (3 immutable, not asked)")
    # The promise is not taken at its word where both sides are compared.
    A.client().push("library/app", "1.1", content.image("moved"))
    has(run_program("once", config=text, code=0).out, "changed 0")
    has(run_program("verify", config=text, code=5).out, "library/app:1.1",
        "equal 2")
    A.client().push("library/app", "1.1",
                    content.image("app2", shared=["base"]))
    # What is not there yet is brought as ever.
    B.wipe()
    has(run_program("once", config=text, code=0).out, "changed 3")


def case_repositories_get_other_names():
    source, target = Hostile(), Hostile()
    for repository in ("library/app", "team/tool"):
        source.add(repository, "1", content.image(repository))

    def text(**rename):
        return configuration(
            [endpoint("s", "oci", url=source.url),
             endpoint("t", "oci", url=target.url)],
            [{"name": "st", "source": "s", "target": "t", "rename": rename}])

    named = text(strip="library/", prefix="mirror/")
    result = run_program("once", config=named, code=0)
    has(result.out, "mirror/app:1", "mirror/team/tool:1")
    same(target.tags("mirror/app"), ["1"])
    same(target.tags("mirror/team/tool"), ["1"])
    has(run_program("once", config=named, code=0).out, "changed 0")
    run_program("verify", config=named, code=0)
    run_program("once", config=text(template="x/{namespace}-{basename}"),
                code=0)
    same(target.tags("x/team-tool"), ["1"])
    source.add("other/app", "1", content.image("other"))
    result = run_program("once", config=text(template="{basename}"))
    holds(result.code in (2, 3), result.code)
    has(result.err, "library/app", "other/app", "of both")
    has(run_program("config", "check", config=text(template="fixed"),
                    code=3).err, "{repository}")


def case_explicit_names_need_no_list():
    setup()
    B.wipe()
    A.forget()
    run_program("once", code=0, config=registry_config(
        select={"repositories": {"names": ["library/app"]},
                "tags": {"names": ["1.0"]}}))
    holds(not any("tags/list" in t or "_catalog" in t
                  for _, t in A.requests()), A.requests())
    same(B.client().tags("library/app"), ["1.0"])


def case_mounts_within_one_registry():
    setup()
    B.wipe()
    run_program("once", config=registry_config(), code=0)
    B.forget()
    result = run_program(
        "copy", f"docker://127.0.0.1:{B.port}/library/app:1.0",
        f"docker://127.0.0.1:{B.port}/copy/app:1.0", "--tls-verify=false",
        code=0)
    has(result.out, "blobs copied 0, mounted 4")
    holds(not any(m == "PUT" and "/uploads/" in t for m, t in B.requests()),
          "something was uploaded")


def case_goes_through_tls_and_basic_auth():
    setup()
    B.wipe()
    nginx = Nginx("front", B, "joe", "s3cret-canary")
    config = configuration(
        [endpoint("a", "oci", url=A.url),
         endpoint("b", "oci", url=nginx.url, username="joe",
                  password="env:TEST_PASSWORD", tls={"ca": nginx.ca})],
        [{"name": "ab", "source": "a", "target": "b"}])
    good = {"TEST_PASSWORD": "s3cret-canary"}
    result = run_program("-vvv", "once", config=config, env=good, code=0)
    has(result.out, "changed 7")
    holds("s3cret-canary" not in result.out + result.err, "a secret leaked")
    same(B.client().manifest("library/multi", "v1"),
         A.client().manifest("library/multi", "v1"))
    result = run_program("once", config=config, env=good, code=0)
    has(result.out, "changed 0")

    wrong = run_program("once", config=config, code=4,
                        env={"TEST_PASSWORD": "wr0ng-canary"})
    has(wrong.err, "401", "check username and password")
    holds("wr0ng-canary" not in wrong.out + wrong.err, "a secret leaked")
    untrusted = run_program(
        "once", config=config.replace(f'ca = "{nginx.ca}";', ""), env=good,
        code=2)
    has(untrusted.err, "certificate", "tls.ca")


def case_a_layout_is_read_by_skopeo_and_shares_blobs():
    setup()
    skopeo = need("skopeo")
    config = configuration(
        [endpoint("a", "oci", url=A.url),
         endpoint("l", "layout", path=path("layout"))],
        [{"name": "al", "source": "a", "target": "l"}])
    run_program("once", config=config, code=0)
    run_program("verify", "--deep", config=config, code=0)
    for repository, tag in (("library/app", "1.1"), ("library/multi", "v1")):
        raw = subprocess.run(
            [skopeo, "inspect", "--raw",
             f"oci:{path('layout', repository)}:{tag}"], check=True,
            stdout=subprocess.PIPE).stdout
        same(raw, A.client().manifest(repository, tag)[1], "bytes")
    subprocess.run([skopeo, "copy", "-q", "--all",
                    f"oci:{path('layout', 'library/multi')}:v1",
                    f"dir:{path('read-by-skopeo')}"], check=True)
    shared = content.digest(content.make_blob("base", 2000))[7:]
    files = {os.stat(path("layout", repo, "blobs", "sha256", shared)).st_ino
             for repo in ("library/app", "other/app")}
    same(len(files), 1, "files of the shared layer")


def case_a_damaged_layout_is_found_and_mended():
    setup()
    config = configuration(
        [endpoint("a", "oci", url=A.url),
         endpoint("l", "layout", path=path("mended"))],
        [{"name": "al", "source": "a", "target": "l",
          "select": {"repositories": {"names": ["library/docker"]}}}])
    run_program("once", config=config, code=0)
    manifest = json.loads(A.client().manifest("library/docker", "old")[1])
    layer = manifest["layers"][0]["digest"][7:]
    name = path("mended", "library/docker", "blobs", "sha256", layer)
    with open(name, "r+b") as file:
        file.write(b"torn")
    result = run_program("verify", config=config, code=5)
    has(result.out, "damaged", layer)


def case_copies_single_artifacts_in_skopeos_spelling():
    setup()
    skopeo = need("skopeo")
    B.wipe()
    host, other = f"127.0.0.1:{A.port}", f"127.0.0.1:{B.port}"
    run_program("copy", f"docker://{host}/library/app:1.0",
                f"oci:{path('single')}:1.0", "--src-tls-verify=false",
                code=0)
    raw = subprocess.run([skopeo, "inspect", "--raw",
                          f"oci:{path('single')}:1.0"], check=True,
                         stdout=subprocess.PIPE).stdout
    same(raw, A.client().manifest("library/app", "1.0")[1])
    result = run_program("copy", f"docker://{host}/library/app:1.0",
                         f"oci:{path('single')}:1.0",
                         "--src-tls-verify=false", code=0)
    has(result.out, "changed 0")
    run_program("copy", f"oci:{path('single')}:1.0",
                f"docker://{other}/back/app:again", "--dest-tls-verify=false",
                code=0)
    same(B.client().manifest("back/app", "again")[1], raw)
    digest = content.digest(raw)
    run_program("copy", f"docker://{host}/library/app@{digest}",
                f"docker://{other}/by/digest:1", "--tls-verify=false", code=0)
    run_program("copy", "--all-tags", f"docker://{host}/library/app",
                f"docker://{other}/all/app", "--tls-verify=false", code=0)
    same(B.client().tags("all/app"), ["1.0", "1.1"])
    result = run_program("copy", f"docker://{host}/library/app:nope",
                         f"oci:{path('nope')}:x", "--src-tls-verify=false",
                         code=1)
    has(result.out, "no such tag")


def case_strategies_settle_what_differs():
    setup()
    B.wipe()
    run_program("once", config=registry_config(), code=0)
    mine = content.image("mine")
    B.client().push("library/app", "1.0", mine)
    result = run_program("once", code=0, config=registry_config(
        conflict={"default": "target-wins"}))
    has(result.out, "changed 0, skipped 1")
    same(B.client().manifest("library/app", "1.0")[1], mine.bytes)
    result = run_program("once", code=1, config=registry_config(
        conflict={"default": "fail"}))
    has(result.out, "failed 1")
    same(B.client().manifest("library/app", "1.0")[1], mine.bytes)
    result = run_program("once", code=0, config=registry_config())
    has(result.out, "changed 1")
    same(B.client().manifest("library/app", "1.0"),
         A.client().manifest("library/app", "1.0"))


def case_plans_are_kept_applied_and_refused_when_stale():
    setup()
    B.wipe()
    config = registry_config()
    name = path("plan.json")
    result = run_program("plan", "-o", "json", "--exit-code", "--out", name,
                         config=config, code=5)
    plan = result.json()
    same(plan["version"], 1)
    same(len(plan["plans"][0]["changes"]), 7)
    same(json.load(open(name))["hash"], plan["plans"][0]["hash"])
    same(B.client().tags("library/app"), [], "after a plan")
    result = run_program("apply", name, config=config, code=0)
    has(result.out, "changed 7")
    B.forget()
    stale = run_program("apply", name, config=config, code=6)
    has(stale.err, "stale", "library/app:1.0")
    holds(not any(m in ("PUT", "POST") for m, _ in B.requests()),
          "a stale plan wrote")
    result = run_program("plan", "--exit-code", config=config, code=0)
    has(result.out, "unchanged 7")
    text = open(name).read().replace('"create"', '"update"', 1)
    open(name, "w").write(text)
    has(run_program("apply", name, config=config, code=2).err,
        "changed after it was written")


def case_verify_lists_what_differs():
    setup()
    B.wipe()
    run_program("once", config=registry_config(), code=0)
    same(run_program("verify", config=registry_config(),
                     code=0).out.splitlines()[-1].split(":")[1], " equal")
    client = B.client()
    client.push("library/app", "1.0", content.image("other"))
    client.push("library/app", "extra", content.image("other"))
    result = run_program("verify", "-o", "json", config=registry_config(),
                         code=5)
    found = {d["key"]: d["difference"]
             for d in result.json()["syncs"][0]["differences"]}
    same(found, {"library/app:1.0": "different",
                 "library/app:extra": "extra"})


def case_the_demo_runs_against_a_layout_and_a_registry():
    need("docker-registry")
    for arguments in ([], ["--registry"]):
        done = subprocess.run(
            ["sh", os.path.join(SOURCE, "conf", "demo", "run"), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        text = done.stdout.decode()
        same(done.returncode, 0, text)
        has(text, "changed 8, skipped 0, failed 0", "0 B in 0 writes",
            "demo: equal")


def case_metrics_and_events_are_taken_away():
    setup()
    B.wipe()
    config = registry_config() + f"""
sinks = ( {{ type = "prometheus"; path = "{path('m.prom')}"; }},
          {{ type = "jsonl"; path = "{path('e.jsonl')}"; }} );"""
    run_program("once", config=config, code=0)
    text = open(path("m.prom")).read()
    has(text, 'harbor_replicator_items_changed_total{sync="ab"} 7',
        'harbor_replicator_last_pass_success{sync="ab"} 1')
    events = [json.loads(line) for line in open(path("e.jsonl"))]
    same(sum(1 for e in events if e["event"] == "tag.copied"), 7)
    promtool = need("promtool")
    done = subprocess.run([promtool, "check", "metrics"],
                          stdin=open(path("m.prom")),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    same((done.returncode, done.stdout), (0, b""), "promtool")


def case_a_read_only_target_is_said_to_be_so():
    setup()
    B.wipe()
    B.restart(readonly=True)
    result = run_program("once", config=registry_config(
        select={"repositories": {"names": ["library/app"]}}), code=1)
    has(result.out, "read-only", "failed 2")
    B.restart()


if __name__ == "__main__":
    run(globals())
