# SPDX-License-Identifier: LGPL-2.1-or-later
"""Harbors of different versions, with documents of every kind: what the other
cannot hold is told, and nothing else differs."""
import contextlib

from harbor import Harbor
from harbor.listeners import Dragonfly, Scanner
from harbor_estate import Api, Estate, describe, differences, twice
from harness import configuration, endpoint, holds, path, run, run_program, same

PASSWORD = "HR_TEST_HARBOR_PASSWORD"
ENVIRONMENT = {PASSWORD: "Harbor12345"}
PAUSE = 0.05  # of a failed login: the real one waits 1.5 s
KINDS = {"configuration", "cve-allowlist", "user", "usergroup", "registry",
         "scanner", "preheat-instance", "label", "project", "quota",
         "member", "robot", "webhook", "tag", "repository",
         "artifact-label", "retention", "immutable", "preheat-policy",
         "replication", "schedule"}
ANNA = {"username": "anna", "email": "anna@example.com", "realname": "Anna",
        "password": "Abcdef12345", "comment": ""}
CLEANING = {"gc": {"delete_untagged": True, "workers": 2}, "scanAll": {}}


def furnish_places(api, third, scanner, dragonfly, project):
    """What a Harbor works with."""
    hub = api.create("/registries", {
        "name": "hub", "url": third.url, "type": "harbor", "insecure": True})
    api.do("POST", "/replication/policies", {
        "name": "from hub", "src_registry": {"id": hub}, "enabled": True,
        "dest_namespace": project, "override": True,
        "filters": [{"type": "name", "value": "library/**"},
                    {"type": "tag", "value": "v*"}],
        "trigger": {"type": "scheduled",
                    "trigger_settings": {"cron": "0 0 3 * * *"}}})
    api.do("POST", "/projects", {"project_name": "cache", "registry_id": hub,
                                 "metadata": {"public": "true"}})
    api.do("POST", "/scanners", {"name": "scan", "auth": "",
                                 "url": f"http://{scanner.address}"})
    api.do("POST", "/p2p/preheat/instances", {
        "name": "df", "vendor": "dragonfly", "enabled": True,
        "endpoint": f"http://{dragonfly.address}", "auth_mode": "NONE"})
    api.do("POST", f"/projects/{project}/preheat/policies", {
        "name": "hot", "provider_id": 1, "enabled": True,
        "filters": '[{"type":"repository","value":"**"}]',
        "trigger": '{"type":"event_based","trigger_setting":{"cron":""}}'})
    return hub


def furnish_system(api, project):
    api.do("PUT", "/system/CVEAllowlist", {
        "items": [{"cve_id": "CVE-2026-9"}, {"cve_id": "CVE-2026-1"}],
        "expires_at": 1900000000})
    api.do("PUT", "/configurations", {"session_timeout": 77})
    for place, parameters in CLEANING.items():
        api.do("POST", f"/system/{place}/schedule", {
            "schedule": {"type": "Custom", "cron": "0 0 2 * * *"},
            "parameters": parameters})
    api.do("POST", f"/projects/{project}/members", {
        "role_id": 2, "member_user": {"username": "anna"}})
    repository = api.get(f"/projects/{project}/repositories")[0]["name"]
    place = twice(repository.partition("/")[2])
    api.do("PUT", f"/projects/{project}/repositories/{place}",
           {"description": "what it is"})


def furnish_with_what_is_new(harbor, estate, hub, project):
    """What versions have brought, or taken."""
    api = estate.api
    if not harbor.since("2.10"):
        estate.make_robot("old", {
            "name": "old", "level": "system", "duration": -1,
            "permissions": [{"kind": "system", "namespace": "/", "access": [
                {"resource": "label", "action": "list"},
                {"resource": "project", "action": "list"}]}]}, False)
    else:
        api.do("PUT", "/projects/cache",
               {"metadata": {"proxy_speed_kb": "77"}})
    if harbor.since("2.11"):
        api.do("PUT", f"/projects/{project}",
               {"metadata": {"auto_sbom_generation": "true"}})
    if harbor.since("2.14"):
        api.do("POST", "/replication/policies", {
            "name": "one at a time", "src_registry": {"id": hub},
            "dest_namespace": project, "enabled": True, "override": True,
            "single_active_replication": True, "filters": [],
            "trigger": {"type": "manual"}})
    name = ("include_event_types" if harbor.since("2.13")
            else "include_operations")
    api.do("POST", "/system/purgeaudit/schedule", {
        "schedule": {"type": "Custom", "cron": "0 0 2 * * *"},
        "parameters": {"audit_retention_hour": 48, name: (
            "create_artifact" if harbor.since("2.13") else "create")}})


@contextlib.contextmanager
def pair(source, target):
    """(configuration, source, target): the first is furnished."""
    with Scanner() as scanner, Dragonfly() as dragonfly, \
            Harbor() as third, \
            Harbor(version=source, login_pause_s=PAUSE) as one, \
            Harbor(version=target, login_pause_s=PAUSE,
                   robot_prefix="bot-") as two:
        secrets = path(f"secrets-{source}-{target}")
        api = Api(one)
        for harbor in (one, two):
            Api(harbor).do("POST", "/users", ANNA)
        Api(two).do("PUT", "/users/3", {
            "email": "old@example.com", "realname": "Ann", "comment": ""})
        estate = Estate(one, images=16, system_robots=8, project_robots=8,
                        groups=9, projects=5, secrets=secrets)
        project = estate.projects[0]
        hub = furnish_places(api, third, scanner, dragonfly, project)
        furnish_system(api, project)
        furnish_with_what_is_new(one, estate, hub, project)
        yield configuration(
            [endpoint(name, "harbor", url=harbor.url, username="admin",
                      password="env:" + PASSWORD)
             for name, harbor in (("one", one), ("two", two))],
            [{"name": "s", "source": "one", "target": "two",
              "kinds": sorted(KINDS), "robot_secrets": {
                  "from": "file", "path": secrets}}]), one, two


def program(config, *arguments, code=0):
    return run_program(*arguments, config=config, env=ENVIRONMENT, code=code)


def notes(result):
    """What the target cannot hold, without the reasons."""
    return {line.split("(cannot be held")[0].split("note")[1].strip()
            for line in result.out.splitlines()
            if line.startswith("  note ") and "(cannot be held" in line}


def kinds_of(result):
    """Of the changes of a plan."""
    return {one["kind"] for one in result.json()["plans"][0]["changes"]}


def check_requests(harbor):
    for entry in harbor.requests():
        holds(not entry.sent_cookie, f"{entry!r} brings a cookie")
        holds(entry.headers.get("x-request-id"), f"{entry!r} has no id")
        if entry.path.startswith("/api/"):
            same(entry.headers.get("x-is-resource-name"), "true", entry.path)


def check(source, target, lacking, unlike=()):
    """`lacking` is told of, `unlike` are items that differ thereby."""
    with pair(source, target) as (config, one, two):
        same(kinds_of(program(config, "plan", "-o", "json")), KINDS, "kinds")
        for harbor in (one, two):
            harbor.forget()
        same(notes(program(config, "once")), lacking, "notes")
        same(one.writes("/api/"), [], "writes at the source")
        for harbor in (one, two):
            check_requests(harbor)
            harbor.forget()
        same(notes(program(config, "once")), lacking, "notes")
        same(one.writes() + two.writes(), [], "writes of the second pass")
        program(config, "verify")
        found = {line.split(": ")[0]
                 for line in differences(describe(one), describe(two))}
        same(found, set(unlike), "what differs")


def case_from_the_oldest_to_the_newest():
    check("2.9.0", "2.16.0", {"robot old", "schedule purge-audit"},
          {"robot old"})


def case_from_the_newest_to_the_oldest():
    check("2.16.0", "2.9.0",
          {"project cache", "project team-00", "replication one at a time",
           "schedule purge-audit"}, {"project cache", "project team-00"})


def case_upwards_where_names_of_events_changed():
    check("2.12.0", "2.14.0", {"schedule purge-audit"})


def case_downwards_where_names_of_events_changed():
    check("2.14.0", "2.12.0",
          {"replication one at a time", "schedule purge-audit"})


if __name__ == "__main__":
    run(globals())
