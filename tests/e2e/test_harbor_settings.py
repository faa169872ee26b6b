# SPDX-License-Identifier: LGPL-2.1-or-later
"""What holds for a whole Harbor, and the places that it works with: settings,
schedules, scanners, registries, replication, preheating, descriptions."""
from documents import failure
from harbor import Harbor
from harbor.listeners import Dragonfly, Scanner
from harbor_api import api, open_harbor
from harbor_estate import Api
from harness import configuration, endpoint, has, holds, run, run_program, same

PASSWORD = "HR_TEST_HARBOR_PASSWORD"
ENVIRONMENT = {PASSWORD: "Harbor12345"}
HOOK = "Bearer s3cretHookValue"


class Pair:
    """Two Harbors, and a sync of some kinds between them."""

    def __init__(self, kinds, source="2.9.0", target="2.9.0", **settings):
        self.source = Harbor(version=source, login_pause_s=0.05)
        self.target = Harbor(version=target, login_pause_s=0.05,
                             robot_prefix="bot-")
        self.one = Api(self.source)
        self.two = Api(self.target)
        places = [endpoint(name, "harbor", url=harbor.url, username="admin",
                           password="env:" + PASSWORD, **settings)
                  for name, harbor in (("one", self.source),
                                       ("two", self.target))]
        self.config = configuration(places, [
            {"name": "s", "source": "one", "target": "two", "kinds": kinds}])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.stop()
        self.target.stop()

    def run(self, *arguments, code=0):
        for harbor in (self.source, self.target):
            harbor.forget()
        found = run_program(*arguments, config=self.config, env=ENVIRONMENT,
                            code=code)
        for harbor in (self.source, self.target):
            holds(not harbor.crashes, "\n".join(harbor.crashes[:1]))
        holds("s3cret" not in found.out + found.err, "a secret was printed")
        return found

    def writes(self):
        return [f"{entry.method} {entry.target}"
                for entry in self.target.writes()]

    def settle(self):
        """A pass, and one that finds nothing to do."""
        found = self.run("once")
        self.run("once")
        same(self.writes(), [], "writes of the second pass")
        self.run("verify")
        return found


def case_settings_are_kept_the_same_and_others_left_alone():
    with Pair(["configuration"]) as pair:
        pair.one.do("PUT", "/configurations", {
            "token_expiration": 77, "self_registration": True,
            "banner_message": "here", "oidc_endpoint": "https://sso.example",
            "robot_token_duration": 11})
        pair.settle()
        found = pair.two.get("/configurations")
        same([found[name]["value"] for name in
              ("token_expiration", "self_registration", "banner_message",
               "oidc_endpoint", "robot_token_duration", "robot_name_prefix")],
             [77, True, "", "", 11, "bot-"])


def case_other_settings_are_kept_the_same_when_they_are_named():
    with Pair(["configuration"],
              settings="banner_message robot_name_prefix") as pair:
        pair.one.do("PUT", "/configurations", {
            "token_expiration": 77, "banner_message": "here"})
        pair.settle()
        found = pair.two.get("/configurations")
        same([found[name]["value"] for name in
              ("token_expiration", "banner_message", "robot_name_prefix")],
             [30, "here", "bot-"])


def case_a_setting_that_the_target_does_not_know_is_told():
    with Pair(["configuration"], source="2.16.0",
              settings="default disabled_audit_log_event_types") as pair:
        pair.one.do("PUT", "/configurations", {
            "disabled_audit_log_event_types": "create_user"})
        found = pair.settle()
        has(found.out + found.err, "disabled_audit_log_event_types",
            "no such setting")


def case_the_list_of_vulnerabilities_is_replaced():
    with Pair(["cve-allowlist"]) as pair:
        pair.one.do("PUT", "/system/CVEAllowlist", {
            "items": [{"cve_id": "CVE-2"}, {"cve_id": "CVE-1"}],
            "expires_at": 1900000000})
        pair.two.do("PUT", "/system/CVEAllowlist",
                    {"items": [{"cve_id": "CVE-9"}]})
        pair.settle()
        found = pair.two.get("/system/CVEAllowlist")
        same(sorted(item["cve_id"] for item in found["items"]),
             ["CVE-1", "CVE-2"])
        same(found["expires_at"], 1900000000)
        pair.one.do("PUT", "/system/CVEAllowlist", {"items": []})
        pair.settle()
        same(pair.two.get("/system/CVEAllowlist")["items"], [])


def case_schedules_are_set_and_nothing_runs_at_once():
    with Pair(["schedule"]) as pair:
        pair.one.do("POST", "/system/gc/schedule", {
            "schedule": {"type": "Daily", "cron": "0 0 0 * * *"},
            "parameters": {"delete_untagged": True, "workers": 2}})
        pair.one.do("POST", "/system/purgeaudit/schedule", {
            "schedule": {"type": "Weekly", "cron": "0 0 0 * * 0"},
            "parameters": {"audit_retention_hour": 168,
                           "include_operations": "create,delete"}})
        pair.settle()
        found = pair.two.get("/system/gc/schedule")
        same(found["schedule"]["type"], "Daily")
        has(found["job_parameters"], '"delete_untagged":true')
        pair.one.do("PUT", "/system/gc/schedule", {
            "schedule": {"type": "Custom", "cron": "0 15 10 * * *"},
            "parameters": {}})
        pair.settle()
        same(pair.two.get("/system/gc/schedule")["schedule"]["cron"],
             "0 15 10 * * *")


def case_what_cannot_be_scheduled_there_is_told():
    with Scanner() as scanner, \
            Pair(["schedule"], target="2.14.0") as pair:
        pair.one.do("POST", "/scanners", {
            "name": "scan", "url": f"http://{scanner.address}"})
        pair.one.do("POST", "/system/scanAll/schedule", {
            "schedule": {"type": "Daily", "cron": "0 0 0 * * *"}})
        pair.one.do("POST", "/system/purgeaudit/schedule", {
            "schedule": {"type": "Weekly", "cron": "0 0 0 * * 0"},
            "parameters": {"audit_retention_hour": 168,
                           "include_operations": "create,delete"}})
        found = pair.run("once", code=1)
        has(found.out, "schedule scan-all", "no scanner")
        has(found.out + found.err, "include_event_types")


def case_scanners_come_with_their_credentials_while_harbor_shows_them():
    with Scanner() as scanner, Pair(["scanner"]) as pair:
        pair.one.do("POST", "/scanners", {
            "name": "scan", "url": f"http://{scanner.address}",
            "auth": "Basic", "access_credential": "user:s3cret",
            "description": "d", "skip_certVerify": True})
        pair.settle()
        found = pair.two.get("/scanners")
        same([(row["name"], row["access_credential"], row["is_default"])
              for row in found], [("scan", "user:s3cret", True)])
        place = f"/scanners/{pair.one.get('/scanners')[0]['uuid']}"
        pair.one.do("PUT", place, {
            "name": "scan", "url": f"http://{scanner.address}",
            "auth": "Basic", "access_credential": "user:s3cret2",
            "description": "e", "skip_certVerify": True})
        pair.settle()
        found = pair.two.get("/scanners")[0]
        same((found["description"], found["access_credential"]),
             ("e", "user:s3cret2"))


def case_a_webhook_without_a_target_is_told_before():
    with Harbor() as harbor, open_harbor(harbor) as here:
        has(failure(here.fit, "webhook", "library/tell",
                    {"event_types": ["PUSH_ARTIFACT"]}).text,
            "it needs a target")


def case_a_scanner_keeps_a_credential_that_nobody_gives():
    for version in ("2.9.0", "2.16.0"):
        with Scanner() as scanner, Harbor(version=version) as harbor:
            known = {"name": "scan", "url": f"http://{scanner.address}",
                     "auth": "Bearer", "access_credential": "Canary12345"}
            api(harbor, "POST", "/scanners", known)
            with open_harbor(harbor) as here:
                found = here.list("scanner")["scan"]["document"]
                here.write("scanner", "scan", {**found, "description": "new"},
                           found=found)
            row = harbor.table("scanner").find(name="scan")
            same((row["description"], row["access_credential"]),
                 ("new", "Canary12345"), version)


def case_a_scanner_whose_credential_is_hidden_is_told():
    with Scanner() as scanner, \
            Pair(["scanner"], source="2.16.0", target="2.16.0") as pair:
        pair.one.do("POST", "/scanners", {
            "name": "scan", "url": f"http://{scanner.address}",
            "auth": "Bearer", "access_credential": "s3cret"})
        found = pair.run("once")
        has(found.out + found.err, "scanner scan", "credential is not known")
        same(pair.writes(), [])
        pair.two.do("POST", "/scanners", {
            "name": "scan", "url": f"http://{scanner.address}",
            "auth": "Bearer", "access_credential": "s3cret",
            "description": "by hand"})
        pair.settle()
        holds("description" not in pair.two.get("/scanners")[0]
              or not pair.two.get("/scanners")[0]["description"],
              "the description was not replaced")


def registry(name, url, **more):
    return dict({"name": name, "url": url, "type": "harbor",
                 "insecure": True}, **more)


def case_registries_without_credentials_are_made_and_others_told():
    with Harbor() as third, Pair(["registry", "replication"]) as pair:
        login = {"type": "basic", "access_key": "admin",
                 "access_secret": "Harbor12345"}
        pair.one.do("POST", "/registries",
                    registry("open", third.url, description="d"))
        pair.one.do("POST", "/registries",
                    registry("closed", third.url, credential=login))
        pair.one.do("POST", "/registries", registry("you", pair.target.url))
        numbers = {row["name"]: row["id"]
                   for row in pair.one.get("/registries")}
        for name, number in numbers.items():
            pair.one.do("POST", "/replication/policies", {
                "name": f"to {name}", "dest_registry": {"id": number},
                "filters": [{"type": "name", "value": "library/**"}],
                "trigger": {"type": "scheduled", "trigger_settings": {
                    "cron": "0 0 3 * * *"}},
                "enabled": name != "open", "override": True})
        found = pair.settle()
        has(found.out + found.err, "registry closed", "does not show its "
            "secret", "registry you", "this Harbor itself")
        same([row["name"] for row in pair.two.get("/registries")], ["open"])
        rules = pair.two.get("/replication/policies")
        same([row["name"] for row in rules], ["to open"])
        same(rules[0]["trigger"]["trigger_settings"]["cron"], "0 0 3 * * *")
        holds(not rules[0].get("enabled"), "it is enabled")

        # Made by hand, its secret stays and the rest follows.
        pair.two.do("POST", "/registries",
                    registry("closed", third.url, credential=login,
                             description="by hand"))
        pair.settle()
        row = next(row for row in pair.two.get("/registries")
                   if row["name"] == "closed")
        same(row.get("description", ""), "")
        same(sorted(row["name"] for row in
                    pair.two.get("/replication/policies")),
             ["to closed", "to open"])


def case_preheating_names_its_instance():
    with Dragonfly() as dragonfly, \
            Pair(["project", "preheat-instance", "preheat-policy"]) as pair:
        # Numbers differ.
        pair.two.do("POST", "/p2p/preheat/instances", {
            "name": "old", "vendor": "kraken", "enabled": True,
            "endpoint": "http://127.0.0.1:1", "auth_mode": "NONE"})
        pair.two.do("DELETE", "/p2p/preheat/instances/old")
        pair.one.do("POST", "/p2p/preheat/instances", {
            "name": "df", "vendor": "dragonfly", "enabled": True,
            "endpoint": f"http://{dragonfly.address}", "auth_mode": "BASIC",
            "auth_info": {"username": "u", "password": "s3cret"}})
        pair.one.do("POST", "/projects", {"project_name": "team"})
        pair.one.do("POST", "/projects/team/preheat/policies", {
            "name": "hot", "provider_id": 1, "enabled": True,
            "filters": '[{"type":"repository","value":"**"}]',
            "trigger": '{"type":"event_based",'
                       '"trigger_setting":{"cron":""}}'})
        pair.settle()
        found = pair.two.get("/p2p/preheat/instances/df")
        same(found["auth_info"], {"username": "u", "password": "s3cret"})
        same(pair.two.get("/projects/team/preheat/policies/hot")
             ["provider_name"], "df")
        pair.one.do("PUT", "/p2p/preheat/instances/df",
                    dict(pair.one.get("/p2p/preheat/instances/df"),
                         description="hot ones"))
        pair.settle()
        found = pair.two.get("/p2p/preheat/instances/df")
        same((found["description"], found["auth_info"]["password"]),
             ("hot ones", "s3cret"))


def case_webhooks_bring_their_header_and_restore_it():
    with Pair(["project", "webhook"]) as pair:
        place = "/projects/team/webhook/policies"
        pair.one.do("POST", "/projects", {"project_name": "team"})
        pair.one.do("POST", place, {
            "name": "hook", "enabled": True,
            "event_types": ["PUSH_ARTIFACT", "DELETE_ARTIFACT"],
            "targets": [{"type": "http", "address": "http://h.example/1",
                         "auth_header": HOOK},
                        {"type": "slack", "address": "https://s.example/2"}]})
        pair.settle()
        found = pair.two.get(place)[0]
        same([target.get("auth_header") for target in found["targets"]
              if target["type"] == "http"], [HOOK])
        pair.two.do("PUT", f"{place}/{found['id']}", dict(found, targets=[
            dict(target, auth_header="other") if target["type"] == "http"
            else target for target in found["targets"]]))
        pair.run("once")
        same(len(pair.writes()), 1, "writes")
        pair.settle()
        found = pair.two.get(place)[0]
        same([target.get("auth_header") for target in found["targets"]
              if target["type"] == "http"], [HOOK])


def case_a_rule_that_is_disabled_takes_a_request_of_its_own():
    with Pair(["project", "immutable"]) as pair:
        place = "/projects/team/immutabletagrules"
        pair.one.do("POST", "/projects", {"project_name": "team"})
        rule = {"action": "immutable", "template": "immutable_template",
                "tag_selectors": [{"kind": "doublestar", "pattern": "v*",
                                   "decoration": "matches"}],
                "scope_selectors": {"repository": [{
                    "kind": "doublestar", "pattern": "**",
                    "decoration": "repoMatches"}]}}
        pair.one.do("POST", place, rule)
        found = pair.one.get(place)[0]
        pair.one.do("PUT", f"{place}/{found['id']}",
                    dict(found, disabled=True))
        pair.settle()
        same([row.get("disabled") for row in pair.two.get(place)], [True])
        pair.one.do("PUT", f"{place}/{found['id']}",
                    dict(found, disabled=False))
        pair.settle()
        same([row.get("disabled", False) for row in pair.two.get(place)],
             [False])


def retention(project_id, keep):
    return {"algorithm": "or", "rules": [{
        "action": "retain", "template": "latestPushedK",
        "params": {"latestPushedK": keep},
        "tag_selectors": [{"kind": "doublestar", "pattern": "**",
                           "decoration": "matches"}],
        "scope_selectors": {"repository": [{
            "kind": "doublestar", "pattern": "**",
            "decoration": "repoMatches"}]}}],
        "trigger": {"kind": "Schedule", "references": {},
                    "settings": {"cron": "0 0 4 * * *"}},
        "scope": {"level": "project", "ref": project_id}}


def case_a_retention_that_left_its_pointer_behind_is_made_anew():
    for version in ("2.9.0", "2.14.0"):
        with Pair(["project", "retention"], target=version) as pair:
            for api in (pair.one, pair.two):
                api.do("POST", "/projects", {"project_name": "team"})
            number = pair.one.get("/projects/team")["project_id"]
            pair.one.do("POST", "/retentions", retention(number, 10))
            number = pair.two.get("/projects/team")["project_id"]
            pair.two.do("POST", "/retentions", retention(number, 3))
            pair.two.do("DELETE", "/retentions/1")
            pair.settle()
            there = pair.two.get("/projects/team")["metadata"]["retention_id"]
            rules = pair.two.get(f"/retentions/{there}")["rules"]
            same([rule["params"] for rule in rules],
                 [{"latestPushedK": 10}])


if __name__ == "__main__":
    run(globals())
