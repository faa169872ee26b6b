# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of a Harbor are seen in its lists: few requests, and no pull."""
import threading

import content
from documents import failure
from harbor import Harbor
from harbor_api import open_harbor
from harbor_filling import fill, held, pulls
from harness import (PATIENCE, configuration, endpoint, has, holds, run,
                     run_program, same)

PASSWORD = {"PASSWORD": "Harbor12345"}


def pair(source, target, **sync):
    ends = [endpoint(name, "harbor", url=harbor.url, username="admin",
                     password="env:PASSWORD")
            for name, harbor in (("one", source), ("other", target))]
    return configuration(ends, [{"name": "both", "source": "one",
                                 "target": "other", **sync}])


def program(verb, config, code=0, **more):
    return run_program(verb, config=config, code=code, env=PASSWORD, **more)


def start_again(*harbors):
    for harbor in harbors:
        harbor.forget()


def content_requests(harbor):
    """Of images: what is neither a list nor about who we are."""
    return [entry.target for entry in harbor.requests()
            if entry.path.startswith("/v2/")]


def case_an_unchanged_pass_asks_for_lists_alone():
    with Harbor() as source, Harbor(version="2.12") as target:
        for place in range(150):
            fill(source, "team/app", f"v{place}",
                 content.image(f"i{place}", 1, 50))
        for place in range(3):
            fill(source, "team/a/b", f"v{place}",
                 content.image(f"j{place}", 1, 50))
        config = pair(source, target)
        program("once", config)
        same(held(target), held(source), "images")
        start_again(source, target)
        before = pulls(source), pulls(target)
        program("once", config)
        for harbor in (source, target):
            same(harbor.writes(), [], "writes")
            same(content_requests(harbor), [], "requests for images")
            same(harbor.count("GET", "/artifacts"), 3, "lists of artifacts")
        same((pulls(source), pulls(target)), before, "pulls")


def case_an_index_is_not_pulled_to_know_what_is_in_it():
    with Harbor() as source, Harbor(version="2.12") as target:
        fill(source, "team/app", "multi", content.index("many"))
        config = pair(source, target)
        program("once", config)
        before = pulls(source), pulls(target)
        start_again(source, target)
        program("once", config)
        program("plan", config)
        same((pulls(source), pulls(target)), before, "pulls")
        same([entry for entry in content_requests(source)
              if "/referrers/" not in entry], [], "requests for images")


def case_a_tag_that_moved_is_found_and_copied():
    with Harbor() as source, Harbor() as target:
        for place in range(5):
            fill(source, "team/app", f"v{place}", content.image(f"i{place}"))
        config = pair(source, target)
        program("once", config)
        fill(source, "team/app", "v3", content.image("another"))
        start_again(target)
        program("once", config)
        same(held(target), held(source), "images")
        same([entry.path for entry in target.writes("/manifests/v")],
             ["/v2/team/app/manifests/v3"])


def case_tags_of_signatures_are_seen_though_no_list_has_them():
    with Harbor() as source, Harbor() as target:
        image = content.image("signed")
        fill(source, "team/app", "v1", image)
        tag = image.digest.replace(":", "-") + ".sig"
        fill(source, "team/app", tag, content.image("a signature"))
        config = pair(source, target)
        program("once", config)
        same(held(target), held(source), "images")
        program("verify", config)


def case_a_repository_without_tags_is_no_failure():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "v1", content.image("a"))
        fill(source, "team/left", None, content.image("b"))
        has(program("plan", pair(source, target)).out, "team/app:v1")


def case_where_lists_fail_nothing_is_concluded():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "v1", content.image("a"))
        fill(source, "team/more", "v1", content.image("b"))
        source.rule("GET", "/repositories/more/artifacts", status=500)
        result = program("once", pair(source, target), code=1)
        has(result.err + result.out, "list the artifacts of team/more",
            "HTTP 500")
        holds("team/app:v1" in held(target), "the other is copied")
        has(result.out, "failed  artifact-label team/more ")
        # Whoever wants labels asks for himself.
        same(source.count("GET", "/repositories/more/artifacts"), 2 * 3,
             "attempts")


def case_labels_of_repositories_are_asked_for_side_by_side():
    with Harbor() as harbor:
        for place in range(6):
            fill(harbor, f"team/app{place}", "v1", content.image(str(place)))
        meeting = threading.Barrier(4)
        harbor.rule("GET", "/artifacts", times=4,
                    before=lambda: meeting.wait(PATIENCE))
        with open_harbor(harbor) as here:
            same(here.list("artifact-label"), {})
        holds(not meeting.broken, "they met")
        same(harbor.count("GET", "/artifacts"), 6, "lists of artifacts")


def case_whoever_is_locked_out_meanwhile_asks_no_further():
    with Harbor() as harbor:
        for place in range(30):
            fill(harbor, f"team/app{place}", "v1", content.image(str(place)))
        harbor.rule("GET", "/artifacts", status=401)
        with open_harbor(harbor) as here:
            has(failure(here.list, "artifact-label").text,
                "list the artifacts of team/app", "HTTP 401")
        holds(harbor.count("GET", "/artifacts") < 30,
              f"asked {harbor.count('GET', '/artifacts')} times")


if __name__ == "__main__":
    run(globals())
