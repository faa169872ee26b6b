# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images from Harbor to Harbor: all of them once, and then next to nothing."""
import random
import re
import subprocess
import time

import content
import harbor_filling
from content import image, index
from harbor import Harbor
from harbor.swagger import check_conformance
from harbor_filling import Client, fill, held, pulls, pushes
from harness import (PROGRAM, configuration, endpoint, has, holds, path, run,
                     run_program, same)

LOGIN = {"PASSWORD": "Harbor12345"}
IMAGES = 200
PROJECTS = 12
# An empty answer is how Harbor says that there is no schedule.
NO_SCHEDULE = re.compile("GET /system/.*/schedule")


def side(name, harbor, user="admin", password="env:PASSWORD"):
    return endpoint(name, "harbor", url=harbor.url, username=user,
                    password=password)


def pair(source, target, **sync):
    return configuration(
        [side("paris", source), side("tokyo", target)],
        [{"name": "both", "source": "paris", "target": "tokyo", **sync}])


def once(config, *wanted, code=0, env=None):
    result = run_program("once", config=config, code=code,
                         env={**LOGIN, **(env or {})})
    has(result.out, *wanted)
    return result


def verified(config):
    run_program("verify", config=config, code=0, env=LOGIN)


def images(harbor):
    """{repository:tag: digest}"""
    return {name: digest for name, (digest, _) in held(harbor).items()}


def nested(place):
    return "/deep/er" if place % 7 == 0 else ""


def fill_two_hundred(harbor):
    """Over twelve projects; every tenth is labelled, some share layers, some
    are Docker's, and a tag moved."""
    for place in range(IMAGES):
        name = f"p{place % PROJECTS}/app{nested(place % PROJECTS)}"
        fill(harbor, name, f"v{place}",
             image(f"image {place}", size=300, shared=["base"],
                   docker=place % 5 == 0, gzip=True),
             labels=["release"] if place % 10 == 0 else ())
    fill(harbor, "p0/app/deep/er", "latest",
         image("image 12", size=300, shared=["base"], gzip=True))


def requests(harbor, method, pattern):
    return [entry.target for entry in harbor.requests(method, pattern)]


def conforms(harbor, version):
    findings = [one for one in
                check_conformance(harbor_filling.exchanges(harbor), version)
                if not NO_SCHEDULE.match(one.place)]
    same(findings, [], f"asked of {version}")


def case_two_hundred_images_come_over_and_a_second_pass_moves_nothing():
    for version in ("2.9.0", "2.16.0"):
        with Harbor(version=version) as source, Harbor(
                version=version, robot_prefix="bot-") as target:
            fill_two_hundred(source)
            config = pair(source, target)
            counted = pulls(source)
            once(config, "failed 0")
            same(images(target), images(source), "images")
            same(pulls(source), counted, "pulls")
            holds(harbor_filling.served(target) >=
                  harbor_filling.served(source), "all bytes are there")
            conforms(source, version)
            conforms(target, version)
            second_pass(source, target, config)
            same(source.crashes + target.crashes, [], "crashes")


def second_pass(source, target, config):
    counted = pulls(source), pulls(target), pushes(target)
    for _ in range(2):
        source.forget()
        target.forget()
        once(config, "changed 0", "0 B in 0 writes")
        for harbor in (source, target):
            same(harbor.writes(), [], "writes")
            same(requests(harbor, None, "^/v2/"), [], "asked of a registry")
            same(len(requests(harbor, "GET", r"/artifacts\?")), PROJECTS,
                 "lists of less than a hundred tags each")
    verified(config)
    same((pulls(source), pulls(target), pushes(target)), counted,
         "what pulls and pushes move")


def case_a_tag_that_moved_is_all_that_is_written():
    with Harbor() as source, Harbor() as target:
        fill_two_hundred(source)
        config = pair(source, target)
        once(config)
        fill(source, "p3/app", "v3", image("moved", size=300, shared=["base"],
                                           gzip=True))
        target.forget()
        once(config, "changed 1", "failed 0")
        same(requests(target, "PUT", "/manifests/"),
             ["/v2/p3/app/manifests/v3"], "manifests that were put")
        same(images(target), images(source), "images")


def case_an_index_comes_with_its_images_and_what_refers_to_them():
    with Harbor(version="2.12") as source, Harbor(version="2.12") as target:
        multi = index("multi")
        fill(source, "team/app", "1.0", multi)
        child = content.Artifact(multi.manifests[:1], {})
        fill(source, "team/app", None, content.referrer("sbom", child))
        fill(source, "team/app", None, content.referrer("of all", multi))
        fill(source, "team/chart", "0.1", content.chart("chart"))
        config = pair(source, target)
        counted = pulls(source)
        once(config, "failed 0")
        for name, one in (("the index", multi), ("its first image", child)):
            same(listed(target, one.digest), listed(source, one.digest),
                 f"what refers to {name}")
            same(listed(target, one.digest).count(b"artifactType"), 1, name)
        verified(config)
        target.forget()
        once(config, "changed 0", "0 B in 0 writes")
        same(target.writes(), [], "writes")
        same(pulls(source), counted, "pulls")
        same(set(pulls(target)["repositories"].values()), {0}, "pulls")


def listed(harbor, digest):
    _, body = Client(harbor).ask("GET", f"/v2/team/app/referrers/{digest}")
    return body


def case_through_a_directory_they_come_back_on_an_empty_harbor():
    with Harbor() as source, Harbor(robot_prefix="bot-") as target:
        for place in range(20):
            fill(source, f"p{place % 3}/app", f"v{place}",
                 image(f"kept {place}", size=200))
        vault = endpoint("vault", "layout", path=path("vault"))
        once(configuration([side("paris", source), vault], [
            {"name": "out", "source": "paris", "target": "vault"}]))
        back = configuration([vault, side("tokyo", target)], [
            {"name": "back", "source": "vault", "target": "tokyo"}])
        once(back)
        same(images(target), images(source), "images")
        target.forget()
        once(back, "changed 0", "0 B in 0 writes")
        same(target.writes(), [], "writes")


def case_what_breaks_on_the_way_is_made_up_for():
    """Answers that are lost, servers that are away, uploads that are cut."""
    with Harbor() as source, Harbor() as target:
        fill_two_hundred(source)
        for harbor, rules in (
                (source, (("GET", "/blobs/", {"status": 503}),
                          ("GET", "/blobs/", {"drop": True}))),
                (target, (("POST", "/blobs/uploads/", {"status": 502}),
                          ("PUT", "/blobs/uploads/", {"lose": True}),
                          ("PUT", "/manifests/", {"lose": True}),
                          ("PUT", "/manifests/", {"status": 503})))):
            for method, pattern, what in rules:
                for after in range(5):
                    harbor.rule(method, pattern, times=2, after=20 * after,
                                **what)
        config = pair(source, target)
        for _ in range(3):
            result = once(config, code=None)
            if result.code == 0:
                break
        same(result.code, 0, "exit code")
        same(images(target), images(source), "images")


def case_killed_at_any_moment_the_next_pass_ends_where_it_should():
    chance = random.Random(5)
    with Harbor() as source, Harbor() as target:
        fill_two_hundred(source)
        config = pair(source, target)
        name = path("killed.cfg")
        with open(name, "w") as file:
            file.write(config)
        for _ in range(8):
            process = subprocess.Popen(
                [PROGRAM, "-c", name, "once"], env=LOGIN,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.02, 0.4))
            process.kill()
            process.wait()
            wrong = {tag: digest for tag, digest in images(target).items()
                     if images(source)[tag] != digest}
            same(wrong, {}, "tags that lead elsewhere")
        once(config, "failed 0")
        same(images(target), images(source), "images")
        verified(config)


if __name__ == "__main__":
    run(globals())
