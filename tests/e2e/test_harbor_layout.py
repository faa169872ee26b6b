# SPDX-License-Identifier: LGPL-2.1-or-later
"""Harbor and a directory: a backup that people read, kept in git; the way
back; and what a running Harbor has drifted to."""
import json
import os
import shutil
import subprocess

import content
import layouts
from harbor_api import (Harbor, api, make_groups, make_projects, make_robot,
                        open_harbor, permission)
from harbor_filling import check_login, fill, held
from harness import (configuration, endpoint, has, holds, need, path, run,
                     run_program, same)
from safes import KEY, derived

OIDC = 3
HOOK = "Bearer Hook12345Canary"
VAULT = ".configuration"


def fill_paris(harbor):
    make_projects(harbor, "team", "other")
    api(harbor, "PUT", "/projects/team", {"metadata": {
        "public": "true", "auto_scan": "true"}})
    make_groups(harbor, OIDC, "/Team 1/ops:α")
    api(harbor, "POST", "/projects/team/members",
        {"role_id": 2, "member_group": {"group_name": "/Team 1/ops:α",
                                        "group_type": OIDC}})
    fill_policies(harbor)
    make_robot(harbor, "sync", permission("team", "repository:pull"),
               permission("other", "tag:list", "repository:push"),
               duration=30, description="für alle")
    for project in ("team", "other"):
        make_robot(harbor, "ci", permission(
            project, "repository:push", "repository:pull"), level="project")
    fill(harbor, "team/app", "v1", content.image("one"), labels=["good / bad"])
    fill(harbor, "team/app", "v2", content.image("two"))
    fill(harbor, "other/tool", "latest", content.image("three"))
    api(harbor, "PUT", "/projects/team/repositories/app",
        {"description": "What all run."})


def fill_policies(harbor):
    number = harbor.table("project").find(name="team")["id"]
    for where in ({"scope": "g"}, {"scope": "p", "project_id": number}):
        api(harbor, "POST", "/labels", {"name": "good / bad",
                                        "color": "#00FF00", **where})
    api(harbor, "PUT", f"/quotas/{number}", {"hard": {"storage": 10 ** 9}})
    api(harbor, "POST", "/projects/team/webhook/policies", {
        "name": "tell", "enabled": True, "event_types": ["PUSH_ARTIFACT"],
        "targets": [{"type": "http", "address": "https://hook.example/x",
                     "auth_header": HOOK}]})
    api(harbor, "POST", "/projects/team/immutabletagrules", {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches",
                           "pattern": "release-*"}],
        "scope_selectors": {"repository": [
            {"kind": "doublestar", "decoration": "repoMatches",
             "pattern": "**"}]}})
    api(harbor, "PUT", "/system/CVEAllowlist",
        {"items": [{"cve_id": "CVE-2024-1"}, {"cve_id": "CVE-2021-2"}]})
    api(harbor, "PUT", "/configurations", {"session_timeout": 77})


class Scene:
    """A Harbor, a directory, and a Harbor that is empty."""

    def __init__(self, paris, rome):
        self.paris, self.rome = paris, rome
        self.vault = path("vault")
        shutil.rmtree(self.vault, ignore_errors=True)

    def config(self):
        secrets = {"from": "derive", "key": "env:MASTER"}
        ends = [endpoint(name, "harbor", url=harbor.url, username="admin",
                         password="env:HARBOR_PASSWORD")
                for name, harbor in (("paris", self.paris),
                                     ("rome", self.rome))]
        return configuration(
            [*ends, endpoint("vault", "layout", path=self.vault)],
            [{"name": "backup", "source": "paris", "target": "vault"},
             {"name": "restore", "source": "vault", "target": "rome",
              "robot_secrets": secrets},
             {"name": "live", "source": "paris", "target": "rome",
              "robot_secrets": secrets}])

    def do(self, *arguments, code=0):
        result = run_program(
            *arguments, config=self.config(), code=code,
            env={"MASTER": KEY,
                 "HARBOR_PASSWORD": self.paris.admin_password})
        for secret in (HOOK, HOOK[7:], KEY, derived(1, "team/ci"),
                       self.paris.admin_password):
            holds(secret not in result.out + result.err, "a secret was told")
        return result

    def file(self, kind, *parts):
        return os.path.join(self.vault, VAULT, kind, *parts)

    def read(self, kind, *parts):
        with open(self.file(kind, *parts), encoding="utf-8") as file:
            return json.load(file)

    def change(self, kind, *parts, **members):
        found = self.read(kind, *parts)
        found["document"].update(members)
        with open(self.file(kind, *parts), "w", encoding="utf-8") as file:
            json.dump(found, file)

    def files(self):
        """{path below .configuration: bytes}"""
        found = {}
        for top, _, names in os.walk(os.path.join(self.vault, VAULT)):
            for name in names:
                if name.endswith(".json"):
                    place = os.path.join(top, name)
                    with open(place, "rb") as file:
                        found[os.path.relpath(
                            place, os.path.join(self.vault, VAULT))] = \
                            file.read()
        return found


def scene(function):
    """Runs a case with a scene of its own."""
    def case():
        with Harbor(version="2.12.0", auth_mode="oidc_auth",
                    login_pause_s=0.1) as paris, \
                Harbor(version="2.14.0", auth_mode="oidc_auth",
                       robot_prefix="bot-", login_pause_s=0.1) as rome:
            fill_paris(paris)
            paris.forget()
            function(Scene(paris, rome))
    return case


def git(directory, *arguments):
    return subprocess.run(
        [need("git"), "-c", "user.name=t", "-c", "user.email=t@example.com",
         *arguments], cwd=directory, check=True, text=True,
        stdout=subprocess.PIPE).stdout


def documents(harbor):
    """{kind: {key: text}} of all that a plan is about."""
    kinds = ("project", "usergroup", "member", "label", "robot", "quota",
             "immutable", "repository", "artifact-label", "cve-allowlist",
             "configuration")
    with open_harbor(harbor) as here:
        return {kind: {key: one["text"] for key, one in here.list(kind).items()}
                for kind in kinds}


@scene
def case_a_backup_is_files_that_people_read(here):
    here.do("once", "backup")
    same(here.paris.writes(), [], "writes at the source")
    same(layouts.check(os.path.join(here.vault, "team", "app")),
         ["v1", "v2"], "tags")
    files = here.files()
    for name in ("project/team.json", "project/other.json",
                 "robot/sync.json", "robot/team/ci.json", "quota/team.json",
                 "member/team/oidc/%/Team 1/ops%3Aα.json",
                 "usergroup/oidc/%/Team 1/ops%3Aα.json",
                 "label/%/good%20/%20bad.json", "webhook/team/tell.json",
                 "repository/team/app.json", "cve-allowlist/system.json",
                 "artifact-label/team/app@" + content.image("one").digest
                 .replace(":", "%3A") + ".json",
                 "configuration/session_timeout.json"):
        holds(name in files, f"{name} is missing among {sorted(files)}")
    same(here.read("robot", "team", "ci.json"), {
        "document": {
            "duration": -1,
            "permissions": [{
                "access": [{"action": "pull", "resource": "repository"},
                           {"action": "push", "resource": "repository"}],
                "kind": "project", "namespace": "team"}]},
        "key": "team/ci", "kind": "robot"})
    for name, data in files.items():
        text = data.decode()
        same(text, json.dumps(json.loads(text), indent=2, sort_keys=True,
                              ensure_ascii=False) + "\n", name)
        holds("Canary" not in text and "\"secret\"" not in text, name)


@scene
def case_a_second_backup_changes_no_file(here):
    need("git")
    here.do("once", "backup")
    git(here.vault, "init", "-q")
    git(here.vault, "add", VAULT)
    git(here.vault, "commit", "-q", "-m", "first")
    result = here.do("once", "backup")
    has(result.out, "0 B in 0 writes")
    git(here.vault, "add", "-A", VAULT)
    same(git(here.vault, "status", "--porcelain", VAULT), "")
    number = here.paris.table("project").find(name="team")["id"]
    api(here.paris, "PUT", f"/quotas/{number}", {"hard": {"storage": 5000}})
    here.do("once", "backup")
    lines = git(here.vault, "diff", "-U0", VAULT).splitlines()
    same([line for line in lines if line[:2] in ("+ ", "- ")],
         ['-    "storage": 1000000000', '+    "storage": 5000'])


@scene
def case_a_backup_is_restored_into_an_empty_harbor(here):
    here.do("once", "backup")
    files = here.files()
    planned = here.do("plan", "restore")
    has(planned.out, "create  project team", "create  robot team/ci")
    same(here.rome.writes(), [], "writes of a plan")
    result = here.do("once", "restore")
    has(planned.out, "auth_header")
    same(documents(here.rome), documents(here.paris), "documents")
    same(held(here.rome), held(here.paris), "images")
    check_login(here.rome, "bot-team+ci", derived(1, "team/ci"), "team/app",
                ["pull", "push"])
    check_login(here.rome, "bot-sync", derived(1, "sync"))
    here.rome.forget()
    again = here.do("once", "restore")
    same(here.rome.writes(), [], "writes of a second pass")
    same(here.files(), files, "files")
    has(again.out, "0 B in 0 writes")
    holds(result.out, "something was said")


@scene
def case_files_in_git_tell_what_a_harbor_has_drifted_to(here):
    here.do("once", "backup")
    here.do("once", "restore")
    row, = [one for one in api(here.rome, "GET", "/projects/team/members"
                               "?page_size=0")
            if one["entity_name"].startswith("/Team")]
    api(here.rome, "PUT", f"/projects/team/members/{row['id']}",
        {"role_id": 1})
    make_robot(here.rome, "stranger", permission("team", "repository:pull"),
               level="project")
    api(here.rome, "PUT", "/configurations", {"session_timeout": 5})
    result = here.do("plan", "restore", "--exit-code", code=5)
    has(result.out, "update  member team/oidc//Team 1/ops:α  role: "
                    "project-admin -> developer",
        "update  configuration session_timeout  value: 5 -> 77",
        "extra   robot team/stranger")
    here.do("once", "restore")
    has(here.do("plan", "restore").out, "extra   robot team/stranger",
        "to update 0")


@scene
def case_a_file_that_was_changed_is_brought_to_harbor(here):
    here.do("once", "backup")
    here.do("once", "restore")
    here.change("robot", "team", "ci.json", description="by hand")
    here.change("quota", "team.json", storage=2 * 10 ** 9)
    here.rome.forget()
    here.do("once", "restore")
    same(sorted((entry.method, entry.path.split("/")[3])
                for entry in here.rome.writes()),
         [("PUT", "quotas"), ("PUT", "robots")], "writes")
    check_login(here.rome, "bot-team+ci", derived(1, "team/ci"))


@scene
def case_a_file_that_was_spoilt_stops_its_kind_alone(here):
    here.do("once", "backup")
    with open(here.file("robot", "team", "ci.json"), "a",
              encoding="utf-8") as file:
        file.write("}\n")
    result = here.do("once", "restore", code=1)
    has(result.out, "robot/team/ci.json:", "repair the file")
    holds(here.rome.table("robot").find(name="ci") is None, "no robot")
    holds(here.rome.table("project").find(name="team"), "the project")
    same(held(here.rome), held(here.paris), "images")


@scene
def case_a_backup_and_its_source_are_equal(here):
    here.do("once", "backup")
    here.do("verify", "backup")
    here.change("robot", "team", "ci.json", description="by hand")
    result = here.do("verify", "backup", code=5)
    has(result.out, "robot team/ci", "description")


if __name__ == "__main__":
    run(globals())
