# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is chosen by looking into images: their age."""
import datetime

import content
from harness import configuration, endpoint, has, holds, run, run_program, same
from hostile import Hostile
from servers import Registry


def ago(days):
    """A time as image configs write it, with more digits than we keep."""
    moment = (datetime.datetime.now(datetime.timezone.utc) -
              datetime.timedelta(days=days))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f123Z")


def sync_config(source, target, **select):
    return configuration(
        [endpoint("s", "oci", url=source.url,
                  policy={"patience": "0s", "base": "1ms"}),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t", "select": select}])


def annotated(seed, created):
    """A chart or the like: its config says nothing, an annotation does."""
    empty = b"{}"
    data = content.make_blob(seed, 300)
    manifest = content.encode({
        "schemaVersion": 2, "mediaType": content.MANIFEST,
        "config": content.descriptor(
            empty, "application/vnd.cncf.helm.config.v1+json"),
        "layers": [content.descriptor(data, "application/x-chart")],
        "annotations": {"org.opencontainers.image.created": created}})
    return content.Artifact([(content.MANIFEST, manifest)],
                            {content.digest(empty): empty,
                             content.digest(data): data})


def index_of(*children, **more):
    entries = [dict(child.descriptor,
                    platform={"os": "linux", "architecture": f"arch{i}"})
               for i, child in enumerate(children)]
    root = content.encode({"schemaVersion": 2, "mediaType": content.INDEX,
                           "manifests": entries, **more})
    blobs = {}
    for child in children:
        blobs.update(child.blobs)
    return content.Artifact([m for c in children for m in c.manifests] +
                            [(content.INDEX, root)], blobs)


def fill(registry):
    """Tags named for what they are."""
    add = registry.add
    add("app", "day", content.image("day", created=ago(1)))
    add("app", "week", content.image("week", created=ago(7)))
    add("app", "year", content.image("year", created=ago(365), docker=True))
    add("app", "epoch", content.image("epoch", created="1970-01-01T00:00:00Z"))
    add("app", "zero", content.image("zero", created="0001-01-01T00:00:00Z"))
    add("app", "silent", content.image("silent"))
    add("app", "chart", annotated("chart", ago(8)))
    add("app", "index-day", index_of(
        content.image("i1", created=ago(20)),
        content.image("i2", created=ago(1))))
    add("app", "index-week", index_of(
        content.image("i3", created=ago(20)), content.image("i4"),
        content.image("i5", created=ago(7))))
    add("app", "index-says", index_of(
        content.image("i6", created=ago(1)), annotations={
            "org.opencontainers.image.created": ago(9)}))


def case_a_cool_down_and_an_end_by_the_age_of_images():
    source, target = Hostile(), Hostile()
    fill(source)
    text = sync_config(source, target,
                       tags={"min_age": "3d", "max_age": "90d"})
    shown = run_program("plan", "--explain", config=text, code=0).out
    has(shown, "in   app:week", "min_age 3d: created 7 days ago",
        "out  app:day", "min_age 3d: created 24 h", "out  app:year",
        "max_age 90d: created 365 days ago", "out  app:epoch",
        "its creation time is not known")
    run_program("once", config=text, code=0)
    same(target.tags("app"), ["chart", "index-says", "index-week", "week"])
    has(run_program("once", config=text, code=0).out, "changed 0")
    run_program("verify", config=text, code=0)


def case_the_newest_by_creation():
    source, target = Hostile(), Hostile()
    fill(source)
    text = sync_config(source, target, tags={
        "deny": ["i.*"], "sort": "created", "latest": 3})
    shown = run_program("plan", "--explain", config=text, code=0).out
    has(shown, "latest 3: it is number 1, created 24 h",
        "latest 3: it is number 4, created 365 days ago",
        "latest 3: it is number 7, its creation time is not known")
    run_program("once", config=text, code=0)
    same(target.tags("app"), ["chart", "day", "week"])


def case_only_tags_that_earlier_rules_leave_are_looked_at():
    source, target = Hostile(), Hostile()
    fill(source)
    text = sync_config(source, target, tags={"allow": ["week", "day"],
                                             "min_age": "3d"})
    run_program("once", config=text, code=0)
    same(source.count("HEAD", "/manifests/"), 2)
    # Both were read to know their age, and the one that is in to copy it.
    same(source.count("GET", "/manifests/"), 3)
    same(target.tags("app"), ["week"])


def case_many_tags_of_one_image_are_read_once():
    source, target = Hostile(), Hostile()
    shared = content.image("same", created=ago(12))
    for number in range(100):
        source.add("app", f"t{number:03}", shared)
    for number in range(40):
        source.add("app", f"u{number:03}",
                   content.image(number, layers=1, created=ago(number)))
    text = sync_config(source, target, tags={"min_age": "10d"})
    result = run_program("plan", config=text, code=0)
    has(result.out, "to create 130")
    same(source.count("HEAD", "/manifests/"), 140)
    # Each image once, or once more for every job that began before another
    # had read the shared one.
    holds(41 <= source.count("GET", "/manifests/") <= 41 + 7,
          source.count("GET", "/manifests/"))


def case_what_goes_wrong_with_one_tag_stays_with_it():
    source, target = Hostile(), Hostile()
    fill(source)
    day = content.image("day", created=ago(1))
    week = source.manifests["app", "week"]
    source.rule("HEAD", "/manifests/day", status=404)
    source.rule("GET", "/manifests/" + content.digest(week[1]), status=503)
    text = sync_config(source, target, tags={
        "allow": ["day", "week", "chart", "year"], "min_age": "3d"})
    result = run_program("once", config=text, code=1)
    has(result.out, "skipped 1, failed 1", "app:week",
        "its age could not be found out")
    has(result.err, "vanished")
    same(target.tags("app"), ["chart", "year"])
    source.rules.clear()
    del source.blobs["app", [b for r, b in source.blobs
                             if r == "app" and b in week[1].decode()
                             and source.blobs[r, b].startswith(b"{")][0]]
    result = run_program("once", config=text, code=1)
    has(result.out, "app:week", "its age could not be found out", "blob")
    holds(day.digest not in result.out, result.out)


def case_what_is_hung_on_immutable_tags_later_comes_on_demand():
    source, target = Hostile(), Hostile()
    image = content.image("signed later")
    source.add("app", "v1", image)
    text = sync_config(source, target, tags={"allow": ["v.*"],
                                             "immutable": ["v.*"]})
    run_program("once", config=text, code=0)
    signature = content.fallback_tag(image.digest) + ".sig"
    source.add("app", signature, content.signature(image))
    has(run_program("once", config=text, code=0).out, "changed 0")
    same(target.tags("app"), ["v1"])
    has(run_program("once", "--complete", config=text, code=0).out,
        "changed 1")
    same(target.tags("app"), [signature, "v1"])


def case_a_cool_down_asks_nobody_about_immutable_tags():
    source, target = Hostile(), Hostile()
    for number in range(3):
        source.add("app", f"v{number}", content.image(
            f"cool {number}", created="2020-01-01T00:00:00Z"))
    text = sync_config(source, target, tags={"immutable": ["v.*"],
                                             "min_age": "1d"})
    has(run_program("once", config=text, code=0).out, "changed 3")
    source.requests.clear()
    target.requests.clear()
    has(run_program("once", config=text, code=0).out, "3 immutable",
        "changed 0")
    same([source.count("HEAD"), target.count("HEAD")], [0, 0])
    same(source.count("GET", "/manifests/|/blobs/"), 0)


def case_what_was_left_behind_by_immutable_tags_is_told():
    source, target = Hostile(), Hostile()
    image = content.image("half signed")
    signature = content.fallback_tag(image.digest) + ".sig"
    source.add("app", "v1", image)
    source.add("app", signature, content.signature(image))
    text = sync_config(source, target, tags={"allow": ["v.*"],
                                             "immutable": ["v.*"]})
    target.rule("PUT", r"\.sig$", times=1, status=400)
    result = run_program("once", config=text, code=1)
    has(result.out, "changed 1", "failed 1")
    has(result.err, "only `once --complete` does so again")
    result = run_program("once", config=text, code=0)
    holds("--complete" not in result.err, result.err)
    run_program("verify", config=text, code=5)
    has(run_program("once", "--complete", config=text, code=0).out,
        "changed 1")
    run_program("verify", config=text, code=0)


def case_a_job_that_looks_for_ages_is_put_off_and_goes_on():
    source, target = Hostile(), Hostile()
    fill(source)
    later = {"Retry-After": "1"}
    source.rule("HEAD", "/manifests/week", times=1, status=429, headers=later)
    week = content.digest(source.manifests["app", "week"][1])
    source.rule("GET", week, times=1, status=429, headers=later)
    text = configuration(
        [endpoint("s", "oci", url=source.url,
                  policy={"patience": "1m", "park": "500ms"}),
         endpoint("t", "oci", url=target.url)],
        [{"name": "st", "source": "s", "target": "t", "select": {
            "tags": {"min_age": "3d", "sort": "created", "latest": 2}}}])
    result = run_program("-v", "once", config=text, code=0)
    has(result.err, "put off")
    # The rules after that of age saw all of them.
    same(target.tags("app"), ["index-week", "week"])
    # Who had an answer was not asked again.
    same(source.count("HEAD", "/manifests/year"), 1)


def case_an_index_is_as_old_as_its_newest_image():
    source, target = Hostile(), Hostile()
    images = [content.image(number, created=ago(30)) for number in range(65)]
    source.add("app", "many", index_of(*images))
    source.add("app", "some", index_of(*images[:64]))
    source.add("app", "nested", index_of(
        images[0], index_of(content.image("young", created=ago(1)))))
    text = sync_config(source, target, tags={"min_age": "3d"})
    shown = run_program("plan", "--explain", config=text, code=0).out
    has(shown, "in   app:some", "out  app:nested", "out  app:many",
        "its creation time is not known", "created 24 h")


def case_ages_come_from_a_real_registry():
    source, target = Registry("ages-a"), Registry("ages-b")
    client = source.client()
    client.push("app", "young", content.image("y", created=ago(0.5)))
    client.push("app", "old", content.image("o", created=ago(5)))
    text = sync_config(source, target, tags={"min_age": "1d"})
    run_program("once", config=text, code=0)
    same(target.client().tags("app"), ["old"])
    source.forget()
    target.forget()
    has(run_program("once", config=text, code=0).out,
        "changed 0", "0 B in 0 writes")
    # What was taken needs no age, and no answer is asked for twice.
    asked = sorted((m, t) for m, t in source.requests() if "/v2/app/" in t
                   and "/tags/list" not in t and "/referrers/" not in t)
    young = content.digest(client.manifest("app", "young")[1])
    same([one for one in asked if "/blobs/" not in one[1]],
         [("GET", "/v2/app/manifests/" + young),
          ("HEAD", "/v2/app/manifests/old"),
          ("HEAD", "/v2/app/manifests/young")])
    same(sum("/blobs/" in t for _, t in asked), 1, "configs")
    same(sorted(t for m, t in target.requests() if m == "HEAD"),
         ["/v2/app/manifests/old", "/v2/app/manifests/young"])
    has(run_program("plan", "--explain", config=text, code=0).out,
        "in   app:old", "min_age 1d: the target has it already")
    # A tag that was taken, and was moved to something young: it stays.
    client.push("app", "old", content.image("new", created=ago(0)))
    has(run_program("once", config=text, code=0).out, "changed 0")
    result = run_program("verify", config=text, code=0)
    has(result.out, "kept      app:old", "min_age 1d: created")


run(globals())
