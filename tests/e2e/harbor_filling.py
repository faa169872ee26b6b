# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fills doubles of Harbor with content, and looks at what they hold.

    fill(harbor, "team/app", "v1", content.image("a"), labels=["release"])
    same(held(second), held(first), "images")
    check_login(harbor, "robot$ci", secret)

Filling goes past HTTP and leaves no line in the log; a Client goes through
it as a person would.
"""
import base64
import collections
import json
import urllib.parse

import content
from harbor import images, manifests, projects, swagger, v2_manifests

# What a login comes to: the status of GET /users/current (200 a person, 412 a
# robot, 401 nobody), and what a token for a repository allows.
Login = collections.namedtuple("Login", "status actions")


# Filling.

def make_project(harbor, name, public=False, hard_bytes=-1):
    with harbor.lock:
        found = harbor.table("project").find(name=name)
        return found or projects.insert_project(
            harbor, name, 1, {"public": "true" if public else "false"}, None,
            {"storage": hard_bytes})


def fill(harbor, name, tag, artifact, labels=()):
    """Puts an artifact of content.py into a repository; `labels` are names of
    global ones, or pairs of a name and None for the project's own."""
    make_project(harbor, name.partition("/")[0])
    with harbor.lock:
        for digest, data in artifact.blobs.items():
            images.link_blob(harbor, name, data, digest)
        repository = images.ensure_repository(harbor, name)
        for kind, data in artifact.manifests:
            manifest = manifests.read_manifest(kind, data)
            images.link_blob(harbor, name, data, manifest.digest)
            row = v2_manifests.ensure_artifact(harbor, repository, manifest)
            last = data is artifact.bytes
            reference = tag if last and tag else manifest.digest
            v2_manifests.note_subject(harbor, row, manifest, reference)
        if tag:
            images.put_tag(harbor, row, tag)
        for label in labels:
            put_label(harbor, row, label)
    return row


def put_label(harbor, row, label):
    name, scope = (label, "g") if isinstance(label, str) else (label[0], "p")
    made = make_label(harbor, name, scope,
                      0 if scope == "g" else row["project_id"])
    table = harbor.table("artifact_label")
    if table.find(artifact_id=row["id"], label_id=made["id"]) is None:
        table.insert(artifact_id=row["id"], label_id=made["id"])


def make_label(harbor, name, scope="g", project_id=0, color="#0065AB"):
    table = harbor.table("label")
    found = table.find(name=name, scope=scope, project_id=project_id)
    if found is not None:
        return found
    at = harbor.now_ms()
    return table.insert(name=name, description="", color=color, scope=scope,
                        project_id=project_id, creation_ms=at, update_ms=at)


# Looking.

def held(harbor):
    """{repository:tag: (digest, names of labels)} of all repositories."""
    with harbor.lock:
        found = {}
        for tag in harbor.table("tag"):
            row = harbor.table("artifact").get(tag["artifact_id"])
            name = harbor.table("repository").get(tag["repository_id"])["name"]
            found[f"{name}:{tag['name']}"] = (row["digest"],
                                              label_names(harbor, row))
        return found


def label_names(harbor, row):
    return tuple(sorted(
        harbor.table("label").get(one["label_id"])["name"] for one in
        harbor.table("artifact_label").select(artifact_id=row["id"])))


def served(harbor):
    """{(repository, digest)} of all bytes that can be got."""
    with harbor.lock:
        return set(harbor.links)


def pulls(harbor):
    """All counters and times that a pull moves."""
    with harbor.lock:
        images.count_pulls(harbor)
        return {
            "repositories": {row["name"]: row["pull_count"]
                             for row in harbor.table("repository")},
            "artifacts": {row["id"]: row["pull_ms"]
                          for row in harbor.table("artifact")},
            "tags": {row["id"]: row["pull_ms"]
                     for row in harbor.table("tag")}}


def pushes(harbor):
    """All times that a push moves."""
    with harbor.lock:
        return {kind: {row["id"]: row["push_ms"]
                       for row in harbor.table(kind)}
                for kind in ("artifact", "tag")}


def exchanges(harbor):
    """What was asked of it so far, for check_conformance()."""
    return [swagger.Exchange(entry.method, entry.target, entry.headers,
                             read_body(entry.body), entry.status,
                             read_body(entry.answer))
            for entry in harbor.requests() if entry.status is not None]


def read_body(data):
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data


# Asking.

class Client(content.Client):
    """Speaks to a double as somebody: push(), tags() and the like of
    content.Client, and its API."""

    def __init__(self, harbor, user="admin", password=None):
        super().__init__(harbor.port)
        text = f"{user}:{password or harbor.admin_password}"
        self.login = "Basic " + base64.b64encode(text.encode()).decode()

    def ask(self, method, target, body=None, headers=None):
        return super().ask(method, target, body, {
            "Authorization": self.login, **(headers or {})})

    def api(self, method, path, body=None):
        """Status and value of a request to the API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Is-Resource-Name": "true"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        response, answer = self.ask(method, "/api/v2.0" + path, data, headers)
        return response.status, read_body(answer)


def log_in(harbor, name, secret, repository="library/any"):
    """What a credential is good for; a wrong one is held back by the double
    as it is by Harbor."""
    client = Client(harbor, name, secret)
    status, _ = client.api("GET", "/users/current")
    scope = urllib.parse.quote(f"repository:{repository}:pull,push", safe="")
    _, answer = client.ask(
        "GET", f"/service/token?service=harbor-registry&scope={scope}")
    return Login(status, read_actions(json.loads(answer)["token"]))


def read_actions(token):
    """What a token allows of the one thing that it was asked for."""
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part)
                                                               % 4)))
    return sorted(claims["access"][0]["actions"])


def check_login(harbor, name, secret, repository=None, actions=None):
    """Fails unless it is the secret of a robot that is enabled; with a
    `repository`, unless it allows just these actions there."""
    found = log_in(harbor, name, secret, repository or "library/any")
    if found.status != 412:
        raise AssertionError(f"{name} does not log in: GET /users/current "
                             f"answers {found.status}")
    if repository and found.actions != sorted(actions):
        raise AssertionError(f"{name} may {found.actions} in {repository}, "
                             f"not {sorted(actions)}")
