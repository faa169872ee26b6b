# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies, settings and neighbours of the double of Harbor, where versions
differ, and beyond what was recorded."""
import contextlib

import harbor_filling
import harness
from content import image
from harbor import Harbor
from harbor.catalogue import known
from harbor.listeners import Dragonfly, Scanner
from harbor.replication_runs import wait_for_jobs
from harbor_filling import Client, fill, held
from harness import holds, same

RETENTION = {"algorithm": "or", "rules": [], "trigger": {
    "kind": "Schedule", "settings": {"cron": "0 0 0 * * *"}},
    "scope": {"level": "project", "ref": 1}}
DAILY = {"type": "Daily", "cron": "0 0 0 * * *"}


class Admin(Client):
    """Each answer has to have the status that is expected."""

    def __init__(self, harbor, *login):
        super().__init__(harbor, *login)
        self.harbor = harbor

    def do(self, method, path, body=None, status=200):
        found, value = self.api(method, path, body)
        same(found, status, f"{method} {path}: {value}")
        return value

    def get(self, path):
        return self.do("GET", path)

    def make(self, path, body):
        self.do("POST", path, body, 201)

    def refused(self, method, path, body, status):
        return self.do(method, path, body, status)["errors"][0]["message"]


@contextlib.contextmanager
def harbors(*versions):
    """[(version, Admin)] of fresh doubles."""
    with contextlib.ExitStack() as stack:
        yield [(version, Admin(stack.enter_context(Harbor(version=version))))
               for version in versions]


@contextlib.contextmanager
def two_harbors(**how):
    with Harbor(**how) as first, Harbor(**how) as second:
        yield Admin(first), Admin(second), first, second


# Retention.

def case_a_deleted_policy_leaves_its_id_behind_up_to_2_13():
    with harbors("2.9.0", "2.13", "2.14", "2.16") as every:
        for version, admin in every:
            admin.make("/retentions", RETENTION)
            admin.do("DELETE", "/retentions/1")
            left = admin.get("/projects/library")["metadata"]
            fixed = version in ("2.14", "2.16")
            same("retention_id" in left, not fixed, version)
            same(admin.api("POST", "/retentions", RETENTION)[0],
                 201 if fixed else 400, version)


def case_a_policy_on_which_a_schedule_depends_makes_and_drops_one():
    with Harbor() as harbor:
        admin = Admin(harbor)
        admin.make("/retentions", RETENTION)
        same([row["cron"] for row in admin.get("/schedules")],
             ["0 0 0 * * *"], "schedules")
        admin.do("PUT", "/retentions/1", {**RETENTION, "trigger": {
            "kind": "Schedule", "settings": {"cron": ""}}})
        same(admin.get("/schedules"), [], "schedules")


def case_a_proxy_cache_begins_with_a_policy_and_dies_with_it():
    with two_harbors() as (admin, _, _, second):
        admin.make("/registries", {"name": "b", "type": "harbor",
                                   "url": second.url})
        admin.make("/projects", {"project_name": "cache", "registry_id": 1})
        number = admin.get("/projects/cache")["metadata"]["retention_id"]
        rule, = admin.get("/retentions/" + number)["rules"]
        same(rule["params"], {"nDaysSinceLastPull": 7}, "rule")
        admin.do("DELETE", "/registries/1", status=412)
        admin.do("DELETE", "/projects/cache")
        admin.do("GET", "/retentions/" + number, status=500)
        same(admin.get("/schedules"), [], "schedules")
        admin.do("DELETE", "/registries/1")


# Immutable rules.

def case_a_rule_that_is_switched_off_needs_two_changes():
    with Harbor() as harbor:
        admin = Admin(harbor)
        path = "/projects/library/immutabletagrules"
        rule = {"id": 1, "action": "immutable", "tag_selectors": [
            {"kind": "doublestar", "decoration": "matches", "pattern": "a"}]}
        other = {**rule, "disabled": True, "tag_selectors": [
            {"kind": "doublestar", "decoration": "matches", "pattern": "b"}]}
        admin.make(path, rule)
        for patterns in ("a", "b"):
            admin.do("PUT", path + "/1", other)
            found, = admin.get(path)
            same((found["disabled"], found["tag_selectors"][0]["pattern"]),
                 (True, patterns), "after a PUT")


# Scanners and preheat.

def case_credentials_are_hidden_and_kept_by_later_versions():
    versions = {"2.9.0": True, "2.14.3": True, "2.14.4": False,
                "2.15.0": True, "2.15.2": False, "2.16": False}
    with Scanner() as scanner, harbors(*versions) as every:
        registration = {"name": "s", "url": scanner.url, "auth": "Bearer",
                        "access_credential": "Sup3rSecret"}
        instance = {"name": "p", "vendor": "dragonfly", "enabled": True,
                    "endpoint": "http://127.0.0.1:1", "auth_mode": "OAUTH",
                    "auth_info": {"token": "Sup3rSecret"}}
        for version, admin in every:
            shown = versions[version]
            admin.make("/scanners", registration)
            found, = admin.get("/scanners")
            same(found["access_credential"], "Sup3rSecret" * shown, version)
            del registration["access_credential"]
            path = "/scanners/" + found["uuid"]
            status = admin.api("PUT", path, registration)[0]
            same(status, 400 if shown else 200, version)
            registration["access_credential"] = "Sup3rSecret"
            row = admin.harbor.table("scanner").get(found["uuid"])
            same(row["access_credential"], "Sup3rSecret", version)
            admin.make("/p2p/preheat/instances", instance)
            found = admin.get("/p2p/preheat/instances/p")
            same("auth_info" in found, shown, version)
            found.pop("auth_info", None)
            admin.do("PUT", "/p2p/preheat/instances/p", found)
            row = admin.harbor.table("preheat_instance").get(1)
            same(bool(row["auth_info"]), not shown, version)


def case_an_instance_is_pinged_only_when_asked():
    with Dragonfly() as dragonfly, Harbor() as harbor:
        admin = Admin(harbor)
        path = "/p2p/preheat/instances"
        one = {"name": "p", "vendor": "dragonfly", "enabled": True,
               "endpoint": dragonfly.url, "auth_mode": "NONE"}
        admin.make(path, one)
        same(dragonfly.asked, [], "requests")
        admin.do("POST", path + "/ping", {"id": 1})
        dragonfly.stop()
        admin.do("POST", path + "/ping", one, status=500)


def case_the_default_scanner_is_one():
    with Scanner() as one, Scanner() as other, Harbor() as harbor:
        admin = Admin(harbor)
        for name, scanner in (("a", one), ("b", other)):
            admin.make("/scanners", {"name": name, "url": scanner.url})
        rows = admin.get("/scanners")
        same([(row["name"], row["is_default"]) for row in rows],
             [("a", True), ("b", False)], "at first")
        admin.do("PATCH", "/scanners/" + rows[1]["uuid"],
                 {"is_default": True})
        same([(row["name"], row["is_default"])
              for row in admin.get("/scanners")],
             [("b", True), ("a", False)], "then")
        one.stop()
        admin.do("PUT", "/projects/library/scanner",
                 {"uuid": rows[0]["uuid"]})
        same(admin.get("/projects/library/scanner")["health"], "unhealthy",
             "the one of the project")


# Registries and replication.

def case_a_registry_at_another_address_loses_its_secret_in_2_16():
    for version, kept in (("2.14", True), ("2.16", False)):
        with two_harbors(version=version) as (admin, _, first, second):
            admin.make("/registries", {
                "name": "b", "type": "harbor", "url": second.url,
                "credential": {"access_key": "admin", "type": "basic",
                               "access_secret": second.admin_password}})
            status = admin.api("PUT", "/registries/1", {"url": first.url})[0]
            same(status, 200 if kept else 400, version)


def case_certificates_of_registries_are_known_from_2_15_on():
    for version, known_then in (("2.14", False), ("2.16", True)):
        with two_harbors(version=version) as (admin, _, _, second):
            one = {"name": "b", "type": "harbor", "url": second.url,
                   "ca_certificate": "no certificate"}
            same(admin.api("POST", "/registries", one)[0],
                 400 if known_then else 201, version)


def case_replication_adapters_are_allowed_one_by_one_from_2_14_on():
    with harbors("2.12", "2.14") as every:
        same([len(admin.get("/replication/adapters"))
              for _, admin in every], [14, 0], "adapters")


def case_single_active_replication_is_known_from_2_14_on():
    for version in ("2.12", "2.14", "2.16"):
        with two_harbors(version=version) as (admin, _, _, second):
            admin.make("/registries", {"name": "b", "type": "harbor",
                                       "url": second.url})
            policy = {"name": "p", "dest_registry": {"id": 1}, "trigger": {
                "type": "event_based"}, "single_active_replication": True}
            later = version != "2.12"
            same(admin.api("POST", "/replication/policies", policy)[0],
                 500 if later else 201, version)
            policy.update(name="q", trigger={"type": "manual"})
            admin.make("/replication/policies", policy)
            found = admin.get("/replication/policies?name=q")[0]
            same(found.get("single_active_replication"),
                 True if later else None, version)


def case_a_policy_pulls_what_it_selects_to_where_it_says():
    with two_harbors() as (admin, _, first, second):
        fill(second, "team/app", "v1", image("a"), labels=["release"])
        fill(second, "team/app", "x1", image("b"), labels=["release"])
        fill(second, "team/tool", "v1", image("c"))
        fill(second, "other/app", "v1", image("d"), labels=["release"])
        pulls = harbor_filling.pulls(second)
        admin.make("/registries", {
            "name": "b", "type": "harbor", "url": second.url,
            "credential": {"access_key": "admin", "type": "basic",
                           "access_secret": second.admin_password}})
        admin.make("/replication/policies", {
            "name": "p", "src_registry": {"id": 1}, "enabled": True,
            "dest_namespace": "mirror", "dest_namespace_replace_count": 0,
            "filters": [{"type": "name", "value": "team/**"},
                        {"type": "tag", "value": "v*"},
                        {"type": "label", "value": ["release"]}]})
        admin.make("/replication/executions", {"policy_id": 1})
        wait_for_jobs(first)
        found, = admin.get("/replication/executions")
        same((found["status"], found["succeed"]), ("Succeed", 1), "execution")
        same([(name, value[0]) for name, value in held(first).items()],
             [("mirror/team/app:v1", image("a").digest)], "images")
        same(harbor_filling.pulls(second), pulls, "pulls")


def case_a_run_fails_where_its_registry_is_gone():
    with two_harbors() as (admin, _, first, second):
        fill(first, "team/app", "v1", image("a"))
        admin.make("/registries", {"name": "b", "type": "harbor",
                                   "url": second.url})
        admin.make("/replication/policies", {
            "name": "p", "dest_registry": {"id": 1}, "enabled": True})
        second.stop()
        admin.make("/replication/executions", {"policy_id": 1})
        wait_for_jobs(first)
        found, = admin.get("/replication/executions")
        same(found["status"], "Failed", "execution")


# Settings, schedules and the audit log.

def case_settings_are_those_of_the_version():
    with harbors("2.9.0", "2.12", "2.13") as every:
        counts = [len(admin.get("/configurations")) for _, admin in every]
        same(counts, [53, 54, 56], "keys")
        body = {"oidc_logout": True, "token_expiration": 31}
        for version, admin in every:
            admin.do("PUT", "/configurations", body)
            found = admin.get("/configurations")
            same(found["token_expiration"]["value"], 31, version)
            same("oidc_logout" in found, version == "2.13", version)


def case_an_empty_prefix_is_refused_from_2_16_on():
    with harbors("2.14", "2.16") as every:
        same([admin.api("PUT", "/configurations",
                        {"robot_name_prefix": ""})[0]
              for _, admin in every], [200, 400], "statuses")


def case_settings_that_the_installation_fixes_stay():
    with Harbor() as harbor:
        harbor.has_fixed_settings = True
        admin = Admin(harbor)
        admin.do("PUT", "/configurations", {"token_expiration": 31},
                 status=403)
        found = admin.get("/configurations")
        del found["scan_all_policy"]
        same({entry["editable"] for entry in found.values()}, {False},
             "editable")


def case_the_purge_is_told_events_from_2_13_on():
    hours = {"audit_retention_hour": 24}
    with harbors("2.12", "2.13") as every:
        for version, admin in every:
            statuses = [admin.api("POST", "/system/purgeaudit/schedule", {
                "schedule": DAILY, "parameters": {**hours, name: "create"}
            })[0] for name in ("include_operations", "include_event_types")]
            same(statuses, [201, 400] if version == "2.12" else [400, 201],
                 version)


def case_a_schedule_that_is_manual_runs_at_once_and_stays_none():
    with Harbor() as harbor:
        admin = Admin(harbor)
        admin.make("/system/gc/schedule", {"schedule": {"type": "Manual"}})
        same(admin.get("/system/gc/schedule"), None, "schedule")
        same(len(admin.get("/system/gc")), 1, "runs")


def case_what_is_logged_grows_with_2_13():
    with harbors("2.12", "2.13") as every:
        for version, admin in every:
            admin.make("/projects", {"project_name": "team"})
            admin.make("/usergroups", {"group_name": "g", "group_type": 3})
            admin.make("/projects/team/members", {
                "role_id": 2, "member_group": {"id": 1}})
            admin.do("PUT", "/projects/team/members/3", {"role_id": 3})
            admin.make("/labels", {"name": "l", "scope": "g"})
            admin.do("PUT", "/configurations", {"token_expiration": 31})
            admin.make("/robots", {
                "name": "r", "level": "system", "duration": -1,
                "permissions": [{"kind": "project", "namespace": "team",
                                 "access": [{"resource": "repository",
                                             "action": "pull"}]}]})
            admin.do("PATCH", "/robots/1", {"secret": "MyOwnSecret123"})
            later = version == "2.13"
            rows = admin.get("/auditlog-exts" if later else "/audit-logs")
            found = [f"{row['operation']} {row['resource_type']}"
                     for row in reversed(rows)]
            same(found, ["create project"] + [
                "create member", "update member", "update configuration",
                "create robot"] * later, version)


# Who may be what.

def case_the_catalogue_of_rights_is_that_of_the_version():
    wanted = {"2.10": (51, 55), "2.11": (53, 59), "2.12": (72, 68),
              "2.13": (70, 70), "2.16": (70, 70)}
    with harbors(*wanted) as every:
        for version, admin in every:
            found = admin.get("/permissions")
            same((len(found["system"]), len(found["project"])),
                 wanted[version], version)


def case_robots_do_not_learn_what_they_may():
    with Harbor(version="2.16") as harbor:
        admin = Admin(harbor)
        every = [{"resource": resource, "action": action}
                 for action, resource in known(harbor, "system")]
        found = admin.do("POST", "/robots", {
            "name": "r", "level": "system", "duration": -1, "permissions": [
                {"kind": "system", "namespace": "/", "access": every}]},
            201)
        robot = Admin(harbor, found["name"], found["secret"])
        robot.do("GET", "/permissions", status=403)
        robot.do("GET", "/configurations", status=403)
        robot.do("GET", "/system/CVEAllowlist")
        robot.do("PUT", "/system/CVEAllowlist", {"items": []}, status=403)


def case_a_robot_of_the_system_makes_those_of_projects_from_2_14_1_on():
    pull = [{"resource": "repository", "action": "pull"}]
    own = [{"kind": "system", "namespace": "/", "access": [
        {"resource": "robot", "action": "create"}]},
        {"kind": "project", "namespace": "*", "access": pull + [
            {"resource": "robot", "action": "create"}]}]
    with harbors("2.12", "2.14", "2.14.1", "2.16") as every:
        for version, admin in every:
            found = admin.do("POST", "/robots", {
                "name": "maker", "level": "system", "duration": -1,
                "permissions": own}, 201)
            robot = Admin(admin.harbor, found["name"], found["secret"])
            status = robot.api("POST", "/robots", {
                "name": "made", "level": "project", "duration": -1,
                "permissions": [{"kind": "project", "namespace": "library",
                                 "access": pull}]})[0]
            same(status, 403 if version in ("2.12", "2.14") else 201, version)


def case_people_make_projects_without_limits_and_caches_of_their_own():
    with two_harbors(storage_per_project=1000) as (admin, _, first, second):
        admin.make("/users", {"username": "u", "email": "u@example.com",
                              "realname": "u", "password": "Abcdef12345"})
        admin.make("/registries", {"name": "b", "type": "harbor",
                                   "url": second.url})
        person = Admin(first, "u", "Abcdef12345")
        person.make("/projects", {"project_name": "mine",
                                  "storage_limit": 5000})
        admin.make("/projects", {"project_name": "more",
                                 "storage_limit": 5000})
        same({quota["ref"]["name"]: quota["hard"]["storage"]
              for quota in admin.get("/quotas")},
             {"library": -1, "mine": 1000, "more": 5000}, "limits")
        person.do("POST", "/projects", {"project_name": "cache",
                                        "registry_id": 1}, 403)


def case_global_labels_are_for_robots_from_2_10_on():
    own = [{"kind": "system", "namespace": "/", "access": [
        {"resource": "label", "action": "create"}]}]
    with harbors("2.9.0", "2.10", "2.16") as every:
        for version, admin in every:
            found = admin.do("POST", "/robots", {
                "name": "r", "level": "system", "duration": -1,
                "permissions": own}, 201)
            robot = Admin(admin.harbor, found["name"], found["secret"])
            status = robot.api("POST", "/labels", {"name": "l",
                                                   "scope": "g"})[0]
            same(status, 403 if version == "2.9.0" else 201, version)


def case_what_denies_outweighs_what_allows_and_who_pushes_pulls():
    def access(action, effect="allow"):
        return {"resource": "repository", "action": action, "effect": effect}

    wanted = {"push": (["pull", "push"], ["push"]),
              "pull": (["pull"], ["pull"]), "denied": ([], [])}
    with Harbor() as harbor:
        admin = Admin(harbor)
        for name, accesses in (("push", [access("push")]),
                               ("pull", [access("pull")]),
                               ("denied", [access("pull"),
                                           access("pull", "deny")])):
            for place, level in enumerate(("project", "system")):
                found = admin.do("POST", "/robots", {
                    "name": name, "level": level, "duration": -1,
                    "permissions": [{"kind": "project", "access": accesses,
                                     "namespace": "library"}]}, 201)
                login = harbor_filling.log_in(harbor, found["name"],
                                              found["secret"])
                actions = wanted[name][place]
                if "pull" not in actions:
                    actions = ["pull"] + actions  # library is public
                same(login.actions, actions, f"{name} {level}")


def case_groups_of_a_directory_have_to_be_in_it():
    with Harbor(auth_mode="ldap_auth") as harbor:
        harbor.directory.add("cn=devs,dc=example")
        admin = Admin(harbor)
        group = {"group_name": "devs", "group_type": 1,
                 "ldap_group_dn": "CN=devs,dc=example "}
        admin.make("/usergroups", group)
        admin.do("POST", "/usergroups", group, status=409)
        holds("not found" in admin.refused("POST", "/usergroups", {
            "group_name": "ops", "group_type": 1,
            "ldap_group_dn": "cn=ops,dc=example"}, 400), "message")


if __name__ == "__main__":
    harness.run(globals())
