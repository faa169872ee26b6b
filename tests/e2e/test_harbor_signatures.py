# SPDX-License-Identifier: LGPL-2.1-or-later
"""Harbor lists signatures that cosign keeps under a tag as referrers, although
they refer to nothing: they come with their tag and are no trouble."""
import content
from content import fallback_tag, image, referrer, signature
from harbor import Harbor
from harbor_filling import fill, held, make_project
from harness import (configuration, endpoint, has, run, run_program, same)
from hostile import Hostile


def side(name, registry, **more):
    if isinstance(registry, Harbor):
        more.update(username="admin", password="env:ADMIN")
    return endpoint(name, "oci", url=registry.url, **more)


def pair(source, target, **sync):
    return configuration([side("s", source), side("t", target)],
                         [{"name": "st", "source": "s", "target": "t",
                           **sync}])


def ask(command, config, *wanted, code=0):
    result = run_program(command, config=config, code=code,
                         env={"ADMIN": "Harbor12345"})
    has(result.out, *wanted)
    return result


def accelerated(subject):
    """A real referrer whose config is that of an image."""
    return content.artifact(
        (b'{"os": "linux"}', content.CONFIG),
        [(content.make_blob("fast", 300), content.LAYER)],
        subject=subject.descriptor)


def signed(version):
    """A Harbor with an image, its signature, an SBOM, and another form of the
    image that refers to it."""
    source = Harbor(version=version)
    app = image("signed")
    fill(source, "team/app", "1.0", app)
    fill(source, "team/app", fallback_tag(app.digest) + ".sig",
         signature(app))
    fill(source, "team/app", None, referrer("sbom", app))
    fill(source, "team/app", None, accelerated(app))
    fill(source, "team/app", "2.0", image("not signed"))
    return source, app


def target_harbor(version):
    target = Harbor(version=version)
    make_project(target, "team")
    return target


def case_between_harbors_a_signature_comes_with_its_tag():
    for version in ("2.9.0", "2.16"):
        source, _ = signed(version)
        target = target_harbor(version)
        config = pair(source, target)
        ask("once", config, "changed 5", "failed 0")
        same(held(target), held(source), "tags")
        ask("verify", config)
        target.forget()
        ask("once", config, "changed 0", "0 B in 0 writes")
        same(target.writes(), [], "writes")


def case_a_registry_without_lists_is_told_of_real_referrers_only():
    source, app = signed("2.16")
    target = Hostile()
    config = pair(source, target)
    ask("once", config, "changed 5", "failed 0")
    ask("verify", config)
    listed = target.manifests["team/app", fallback_tag(app.digest)][1]
    same(listed.count(b'"digest"'), 2, "entries of the fallback tag")
    ask("once", config, "changed 0", "0 B in 0 writes")


def case_a_tag_that_is_named_brings_its_signature():
    source, app = signed("2.16")
    target = Hostile()
    config = pair(source, target, select={"tags": {"names": ["1.0"]}})
    ask("once", config, "changed 4", "failed 0")
    same(sorted(target.tags("team/app")), sorted([
        "1.0", fallback_tag(app.digest), fallback_tag(app.digest) + ".sig"]))
    for _ in range(2):
        ask("once", config, "changed 0", "0 B in 0 writes")
    ask("verify", config)


def case_a_signature_that_a_rule_takes_in_is_one_all_the_same():
    source, _ = signed("2.9.0")
    target = target_harbor("2.9.0")
    config = pair(source, target,
                  select={"tags": {"allow": ["1.0", "sha256-.*"]}})
    ask("once", config, "changed 4", "failed 0")
    ask("once", config, "changed 0", "0 B in 0 writes")
    ask("verify", config)


def case_one_whose_tag_is_gone_fails_alone():
    """The list is all there is of it, and it does not hold."""
    source, app = signed("2.16")
    with source.lock:
        row = source.table("tag").find(
            repository_id=1, name=fallback_tag(app.digest) + ".sig")
        source.table("tag").delete(row)
    target = target_harbor("2.16")
    result = ask("once", pair(source, target), "changed 4", "failed 1",
                 code=1)
    has(result.out, "it refers to nothing")


if __name__ == "__main__":
    run(globals())
