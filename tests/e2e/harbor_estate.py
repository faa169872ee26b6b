# SPDX-License-Identifier: LGPL-2.1-or-later
"""An estate: what a double of Harbor is filled with through its own API, as
people have it, and a look at what is there that knows nothing of the program.
"""
import base64
import http.client
import json
import os
import random
import urllib.parse

import content
from harness import holds

ROLES = {1: "project-admin", 2: "developer", 3: "guest", 4: "maintainer",
         5: "limited-guest"}
OIDC_GROUP = 3

# Accesses that every version has in its catalogue.
SYSTEM_RIGHTS = [("project", "list"), ("registry", "list"),
                 ("replication", "list"), ("label", "read"),
                 ("quota", "list"), ("audit-log", "list")]
PROJECT_RIGHTS = [("repository", "pull"), ("repository", "push"),
                  ("repository", "list"), ("artifact", "read"),
                  ("artifact", "list"), ("tag", "create"), ("tag", "list"),
                  ("label", "list"), ("member", "list")]


class Api:
    """A client of one Harbor, with one connection."""

    def __init__(self, harbor, name="admin", password=None):
        self.harbor = harbor
        password = harbor.admin_password if password is None else password
        self.headers = {
            "Authorization": "Basic " + base64.b64encode(
                f"{name}:{password}".encode()).decode(),
            "X-Is-Resource-Name": "true"}
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", harbor.port, timeout=60)

    def ask(self, method, target, body=None, headers=None):
        """(status, headers, bytes)"""
        headers = dict(self.headers, **(headers or {}))
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        self.connection.request(method, target, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def do(self, method, target, body=None):
        status, headers, data = self.ask(method, "/api/v2.0" + target, body)
        holds(status < 300, f"{method} {target}: {status} {data[:300]!r}")
        return headers, json.loads(data) if data else None

    def get(self, target):
        return self.do("GET", target)[1]

    def create(self, target, body):
        """The number of what was created, if the answer tells it."""
        headers, found = self.do("POST", target, body)
        if found and "id" in found:
            return found["id"]
        tail = headers.get("Location", "").rsplit("/", 1)[-1]
        return int(tail) if tail.isdigit() else None

    def all(self, target):
        joint = "&" if "?" in target else "?"
        return self.get(f"{target}{joint}page_size=0") or []


def access(rights):
    return [{"resource": resource, "action": action}
            for resource, action in rights]


class Estate:
    """Fills a Harbor; the same seed gives the same."""

    def __init__(self, harbor, seed=1, projects=12, system_robots=40,
                 project_robots=60, groups=35, images=200, secrets=None):
        self.harbor = harbor
        self.api = Api(harbor)
        self.random = random.Random(seed)
        self.projects = [f"team-{number:02d}" for number in range(projects)]
        self.groups = [f"/dept/{number:02d} é" if number % 7 == 0
                       else f"oidc-group-{number:02d}"
                       for number in range(groups)]
        self.secrets = secrets  # directory of their files, or None
        self.robots = {}        # key -> secret
        self.make_projects()
        self.make_groups()
        self.make_labels()
        self.make_robots(system_robots, project_robots)
        self.make_policies()
        self.push_images(images)

    def make_projects(self):
        for number, name in enumerate(self.projects):
            self.api.create("/projects", {
                "project_name": name,
                "metadata": {"public": "true" if number % 3 == 0 else "false"},
                "storage_limit": -1 if number % 2 else (number + 1) << 30})
            self.api.do("PUT", f"/projects/{name}", {
                "metadata": {"auto_scan": "true" if number % 2 else "false",
                             "severity": "high",
                             "reuse_sys_cve_allowlist": "false"},
                "cve_allowlist": {"items": [
                    {"cve_id": f"CVE-2026-{n}"} for n in range(number % 4)]}})

    def make_groups(self):
        for name in self.groups:
            self.api.create("/usergroups", {"group_name": name,
                                            "group_type": OIDC_GROUP})
        for project in self.projects:
            for name in self.random.sample(self.groups, 5):
                self.api.create(f"/projects/{project}/members", {
                    "role_id": self.random.choice(sorted(ROLES)),
                    "member_group": {"group_name": name,
                                     "group_type": OIDC_GROUP}})

    def project_id(self, name):
        return self.api.get(f"/projects/{name}")["project_id"]

    def make_labels(self):
        self.labels = {}
        for name in ("release", "base image", "käse"):
            self.labels["/" + name] = self.api.create("/labels", {
                "name": name, "scope": "g", "color": "#00AB9A",
                "description": f"all that is {name}"})
        for project in self.projects[:6]:
            self.labels[f"{project}/tested"] = self.api.create("/labels", {
                "name": "tested", "scope": "p", "color": "#C92100",
                "project_id": self.project_id(project)})

    def make_robot(self, key, body, disabled):
        found = self.api.do("POST", "/robots", body)[1]
        secret = f"Sec{self.random.getrandbits(96):x}RET"
        self.api.do("PATCH", f"/robots/{found['id']}", {"secret": secret})
        if disabled:
            whole = self.api.get(f"/robots/{found['id']}")
            self.api.do("PUT", f"/robots/{found['id']}",
                        dict(whole, disable=True))
        else:
            self.robots[key] = secret
        if self.secrets is not None:
            place = os.path.join(self.secrets, *key.split("/"))
            os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
            with open(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_TRUNC,
                              0o600), "w") as file:
                file.write(secret)

    def make_robots(self, system, project):
        """Rights in any order, as people write them."""
        for number in range(system):
            rights = self.random.sample(SYSTEM_RIGHTS,
                                        self.random.randint(1, 4))
            places = [{"kind": "system", "namespace": "/",
                       "access": access(rights)}]
            if number % 2:
                places = [{"kind": "project", "namespace": name,
                           "access": access(self.random.sample(
                               PROJECT_RIGHTS, self.random.randint(1, 6)))}
                          for name in self.random.sample(self.projects, 3)]
            self.make_robot(f"system-{number:02d}", {
                "name": f"system-{number:02d}", "level": "system",
                "description": f"robot {number}",
                "duration": -1 if number % 3 else 90,
                "permissions": places}, number % 13 == 5)
        for number in range(project):
            name = self.projects[number % len(self.projects)]
            self.make_robot(f"{name}/ci-{number:02d}", {
                "name": f"ci-{number:02d}", "level": "project",
                "duration": -1,
                "permissions": [{
                    "kind": "project", "namespace": name,
                    "access": access(self.random.sample(
                        PROJECT_RIGHTS, self.random.randint(2, 7)))}]},
                number % 17 == 3)

    def make_policies(self):
        for number, name in enumerate(self.projects):
            if number % 2 == 0:
                self.api.create("/retentions", {
                    "algorithm": "or", "rules": [{
                        "action": "retain", "template": "latestPushedK",
                        "params": {"latestPushedK": number + 5},
                        "tag_selectors": [{
                            "kind": "doublestar", "decoration": "matches",
                            "pattern": "**",
                            "extras": "{\"untagged\":true}"}],
                        "scope_selectors": {"repository": [{
                            "kind": "doublestar",
                            "decoration": "repoMatches", "pattern": "**"}]}}],
                    "trigger": {"kind": "Schedule", "references": {},
                                "settings": {"cron": "0 0 4 * * *"}},
                    "scope": {"level": "project",
                              "ref": self.project_id(name)}})
            if number % 3 == 0:
                self.make_immutable(name, number)
            if number % 4 == 0:
                self.api.create(f"/projects/{name}/webhook/policies", {
                    "name": "to chat", "enabled": number % 8 == 0,
                    "event_types": ["PUSH_ARTIFACT", "DELETE_ARTIFACT"],
                    "targets": [{
                        "type": "http", "skip_cert_verify": False,
                        "address": "https://chat.example/hook",
                        "auth_header": f"Bearer hook-{number}"}]})

    def make_immutable(self, project, number):
        place = f"/projects/{project}/immutabletagrules"
        self.api.create(place, {
            "action": "immutable", "template": "immutable_template",
            "tag_selectors": [{"kind": "doublestar", "decoration": "matches",
                               "pattern": f"v{number}*"}],
            "scope_selectors": {"repository": [{
                "kind": "doublestar", "decoration": "repoMatches",
                "pattern": "**"}]}})
        if number % 6 == 0:
            rule = self.api.get(place)[0]
            self.api.do("PUT", f"{place}/{rule['id']}",
                        dict(rule, disabled=True))

    def push_blob(self, repository, data):
        status, headers, _ = self.api.ask(
            "POST", f"/v2/{repository}/blobs/uploads/")
        holds(status == 202, f"upload to {repository}: {status}")
        place = urllib.parse.urlsplit(headers["Location"])
        target = f"{place.path}?{place.query}" if place.query else place.path
        joint = "&" if place.query else "?"
        status, _, body = self.api.ask(
            "PUT", f"{target}{joint}digest={content.digest(data)}", data,
            {"Content-Type": "application/octet-stream"})
        holds(status == 201, f"blob of {repository}: {status} {body!r}")

    def push(self, repository, tag, artifact):
        for data in artifact.blobs.values():
            self.push_blob(repository, data)
        for media_type, data in artifact.manifests:
            last = data == artifact.bytes
            status, _, body = self.api.ask(
                "PUT", f"/v2/{repository}/manifests/"
                f"{tag if last else content.digest(data)}", data,
                {"Content-Type": media_type})
            holds(status == 201, f"{repository}:{tag}: {status} {body!r}")

    def push_images(self, count):
        for number in range(count):
            project = self.projects[number % len(self.projects)]
            name = f"apps/web-{number % 3}" if number % 5 == 0 else "app"
            image = content.image(f"estate-{number}", size=300)
            self.push(f"{project}/{name}", f"1.{number}", image)
            labels = ["/release"] if number % 4 == 0 else []
            if number % 8 == 0 and f"{project}/tested" in self.labels:
                labels.append(f"{project}/tested")
            for label in labels:
                self.api.do("POST", f"/projects/{project}/repositories/"
                            f"{twice(name)}/artifacts/{image.digest}/labels",
                            {"id": self.labels[label]})


def twice(name):
    """A repository in a path of the API."""
    return urllib.parse.quote(urllib.parse.quote(name, safe=""), safe="")


# What is there, in words that are the same at every site.

def describe_robot(robot, prefix, projects):
    name = robot["name"].removeprefix(prefix)
    places = sorted(
        [place["kind"], place["namespace"],
         sorted([right["resource"], right["action"]]
                for right in place["access"])]
        for place in robot.get("permissions") or [])
    return name.replace("+", "/", 1), {
        "level": robot["level"], "description": robot.get("description", ""),
        "duration": robot["duration"],
        "disabled": robot.get("disable", False), "rights": places}


def describe_rule(rule):
    return json.dumps({name: value for name, value in rule.items()
                       if name not in ("id",)}, sort_keys=True)


def describe_project(api, project, prefix):
    """Everything of one project, by kind."""
    name = project["name"]
    number = project["project_id"]
    place = f"/projects/{name}"
    # What is not set is as if it was "false".
    metadata = {key: value for key, value in project["metadata"].items()
                if key != "retention_id" and value != "false"}
    retention = project["metadata"].get("retention_id")
    policy = api.get(f"/retentions/{retention}") if retention else {}
    return {
        "project": {name: [metadata, sorted(
            item["cve_id"] for item in project["cve_allowlist"]["items"])]},
        "member": {f"{name}/{member['entity_name']}": ROLES[member["role_id"]]
                   for member in api.all(place + "/members")},
        "robot": dict(describe_robot(robot, prefix, None) for robot in api.all(
            f"/robots?q=Level%3Dproject,ProjectID%3D{number}")),
        "label": {f"{name}/{label['name']}": [label.get("color"),
                                              label.get("description", "")]
                  for label in api.all(f"/labels?scope=p&project_id={number}")},
        "retention": {name: [sorted(map(describe_rule,
                                        policy.get("rules", []))),
                             policy.get("trigger", {}).get("settings", {})
                             .get("cron")]} if policy else {},
        "immutable": {f"{name}/{describe_rule(rule)}": 1 for rule in
                      api.all(place + "/immutabletagrules")},
        "webhook": {f"{name}/{hook['name']}": [
            hook.get("enabled", False), sorted(hook["event_types"]),
            hook["targets"]]
            for hook in api.all(place + "/webhook/policies")},
        "artifact": describe_artifacts(api, name),
    }


def describe_artifacts(api, project):
    found = {}
    for repository in api.all(f"/projects/{project}/repositories"):
        name = repository["name"].partition("/")[2]
        for artifact in api.all(
                f"/projects/{project}/repositories/{twice(name)}/artifacts"
                "?with_tag=true&with_label=true"):
            found[f"{repository['name']}@{artifact['digest']}"] = [
                sorted(tag["name"] for tag in artifact["tags"] or []),
                sorted([label["scope"], label["name"]]
                       for label in artifact.get("labels") or [])]
    return found


def describe(harbor):
    """{kind: {key: what it is}}"""
    api = Api(harbor)
    prefix = harbor.config["robot_name_prefix"]
    projects = api.all("/projects?with_detail=true")
    whole = {
        "usergroup": {group["group_name"]: group["group_type"]
                      for group in api.all("/usergroups")},
        "robot": dict(describe_robot(robot, prefix, None)
                      for robot in api.all("/robots")),
        "label": {"/" + label["name"]: [label.get("color"),
                                        label.get("description", "")]
                  for label in api.all("/labels?scope=g")},
        "quota": {quota["ref"]["name"]: quota["hard"]["storage"]
                  for quota in api.all("/quotas")},
    }
    for project in projects:
        project = api.get(f"/projects/{project['name']}")
        for kind, items in describe_project(api, project, prefix).items():
            whole.setdefault(kind, {}).update(items)
    return whole


def differences(one, other):
    """Lines that say where two descriptions differ."""
    lines = []
    for kind in sorted(set(one) | set(other)):
        left, right = one.get(kind, {}), other.get(kind, {})
        for key in sorted(set(left) | set(right)):
            if left.get(key) != right.get(key):
                lines.append(f"{kind} {key}: {left.get(key)!r} / "
                             f"{right.get(key)!r}")
    return lines


def robot_logs_in(harbor, key, secret):
    """Whether a robot with this secret is one there."""
    name = harbor.config["robot_name_prefix"] + key.replace("/", "+", 1)
    status, _, _ = Api(harbor, name, secret).ask(
        "GET", "/api/v2.0/users/current")
    return status == 412
