# SPDX-License-Identifier: LGPL-2.1-or-later
"""Repositories of the double of Harbor, beyond what was recorded."""
import json
import urllib.parse

import content
import harbor_filling
import harness
from content import digest, image, index
from harbor import Harbor
from harbor.swagger import check_conformance, undocumented
from harbor_filling import Client, check_login, fill, held, log_in, pulls
from harness import holds, same

ARTIFACTS = "/projects/team/repositories/app/artifacts"


def case_what_is_filled_and_what_is_pushed_are_the_same():
    with Harbor() as first, Harbor() as second:
        harbor_filling.make_project(second, "team")
        client = Client(second)
        for place, one in enumerate((
                image("a"), image("b", docker=True), index("c"),
                content.chart("d"), index("e", docker=True))):
            fill(first, "team/app", f"v{place}", one)
            client.push("team/app", f"v{place}", one)
        same(held(second), held(first), "images")
        same(harbor_filling.served(second), harbor_filling.served(first),
             "bytes")
        shown = [without_times(Client(harbor).api("GET", ARTIFACTS)[1])
                 for harbor in (first, second)]
        same(shown[1], shown[0], "what is shown")


def without_times(value):
    if isinstance(value, list):
        return [without_times(one) for one in value]
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items()
                if not name.endswith("_time")}
    return value


def case_a_list_of_a_hundred_shows_tags_and_labels():
    with Harbor() as harbor:
        for place in range(150):
            fill(harbor, "team/app", f"v{place}", image(f"i{place}", 1, 50),
                 labels=["release"] if place % 3 == 0 else [("own", None)])
        client = Client(harbor)
        found = {}
        for page in (1, 2):
            status, rows = client.api(
                "GET", f"{ARTIFACTS}?with_label=true&page_size=100"
                       f"&page={page}")
            same(status, 200, "status")
            for row in rows:
                found[row["tags"][0]["name"]] = row["labels"][0]["name"]
        same(found, {f"v{place}": "own" if place % 3 else "release"
                     for place in range(150)}, "labels")


def case_a_get_is_a_pull_and_a_head_is_none():
    with Harbor() as harbor:
        fill(harbor, "team/app", "v1", image("a"))
        client = Client(harbor)
        before = pulls(harbor)
        client.ask("HEAD", "/v2/team/app/manifests/v1", None,
                   {"Accept": content.MANIFEST})
        client.api("GET", ARTIFACTS)
        same(pulls(harbor), before, "pulls after a HEAD and a list")
        client.manifest("team/app", "v1")
        after = pulls(harbor)
        same(after["repositories"], {"team/app": 1}, "count")
        holds(None not in after["tags"].values(), "the tag was pulled")


def case_a_part_of_a_blob_and_of_an_upload():
    with Harbor() as harbor:
        harbor_filling.make_project(harbor, "team")
        client = Client(harbor)
        data = content.make_blob("x", 100000)
        response, _ = client.ask("POST", "/v2/team/app/blobs/uploads/")
        for start in range(0, len(data), 30000):
            target = urllib.parse.urlsplit(response.headers["Location"])
            response, _ = client.ask(
                "PATCH", f"{target.path}?{target.query}",
                data[start:start + 30000])
            same(response.status, 202, "status")
        same(response.headers["Range"], "0-99999", "what came")
        target = urllib.parse.urlsplit(response.headers["Location"])
        response, _ = client.ask("PUT", f"{target.path}?{target.query}"
                                 f"&digest={digest(data)}")
        same(response.status, 201, "status")
        response, body = client.ask(
            "GET", f"/v2/team/app/blobs/{digest(data)}", None,
            {"Range": "bytes=70000-"})
        same((response.status, body), (206, data[70000:]), "the rest")


def case_what_a_robot_may_is_what_its_token_says():
    with Harbor(login_pause_s=0.1) as harbor:
        harbor_filling.make_project(harbor, "team")
        status, made = Client(harbor).api("POST", "/robots", {
            "name": "ci", "level": "project", "duration": -1,
            "permissions": [{"kind": "project", "namespace": "team",
                             "access": [{"resource": "repository",
                                         "action": "pull"}]}]})
        same(status, 201, "status")
        name, secret = made["name"], made["secret"]
        check_login(harbor, name, secret, "team/app", ["pull"])
        check_login(harbor, name, secret, "library/app", ["pull"])
        same(tuple(log_in(harbor, name, "Wrong-Secret-1", "team/app")),
             (401, []), "a wrong secret")
        same(tuple(log_in(harbor, "admin", harbor.admin_password,
                          "team/app")),
             (200, ["delete", "pull", "push"]), "the administrator")


def case_a_quota_refuses_before_the_first_byte():
    with Harbor() as harbor:
        harbor_filling.make_project(harbor, "team", hard_bytes=3000)
        fill(harbor, "team/app", "v1", image("a", 1, 2500))
        row = harbor.table("quota").find(
            project_id=harbor.table("project").find(name="team")["id"])
        harbor.table("quota").update(row, hard={"storage": 100})
        response, body = Client(harbor).ask("POST",
                                            "/v2/team/app/blobs/uploads/")
        same(response.status, 403, "status")
        same(json.loads(body)["errors"][0]["code"], "DENIED", "code")


def case_what_refers_to_an_image_is_told_by_newer_versions_as_it_is():
    sbom = "application/vnd.example.sbom"
    for version, kind in (("2.9.0", "application/vnd.oci.empty.v1+json"),
                          ("2.12", sbom), ("2.16", sbom)):
        with Harbor(version=version) as harbor:
            subject = image("a")
            fill(harbor, "team/app", "v1", subject)
            fill(harbor, "team/app", None,
                 content.referrer("r", subject, sbom))
            _, body = Client(harbor).ask(
                "GET", f"/v2/team/app/referrers/{subject.digest}")
            found = json.loads(body)["manifests"]
            same([one["artifactType"] for one in found], [kind], version)
            same(held(harbor), {"team/app:v1": (subject.digest, ())}, "tags")


def case_answers_are_as_the_descriptions_say():
    for version in ("2.9.0", "2.12", "2.14", "2.16"):
        with Harbor(version=version) as harbor:
            fill(harbor, "team/app", "v1", index("a"), ["release"])
            fill(harbor, "team/app", "c1", content.chart("c"))
            client = Client(harbor)
            for path in ("", "?with_label=true&with_accessory=true",
                         "/v1", "/c1/tags", "/v1/accessories"):
                client.api("GET", ARTIFACTS + path)
            client.api("GET", "/repositories")
            client.api("PUT", "/projects/team/repositories/app",
                       {"description": "d"})
            client.api("POST", ARTIFACTS + "/c1/tags", {"name": "c2"})
            client.api("GET", "/search?q=app")
            log = harbor_filling.exchanges(harbor)
            same(len(log), 9, "requests")
            same(check_conformance(log, version), [], version)
            same({one.text.split(".")[-1] for one in
                  undocumented(log, version)} - {"OsFeatures"}, set(),
                 version)


if __name__ == "__main__":
    harness.run(globals())
