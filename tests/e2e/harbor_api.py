# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people do to a double of Harbor, as its administrator."""
import base64
import json
import urllib.error
import urllib.request

import harbor
from documents import Documents
from harbor.swagger import Exchange, check_conformance
from harness import endpoint


# What Harbor answers otherwise than its descriptions say: there is none.
KNOWN = [f"GET /system/{name}/schedule: answer: 200: no body"
         for name in ("gc", "purgeaudit", "scanAll")]


def read_json(data):
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data


def is_no_schedule(entry):
    """Where there is none Harbor answers with nothing, whatever its
    description says."""
    return not entry.answer and entry.path.endswith("/schedule")


class Harbor(harbor.Harbor):
    """One that holds what the program asks, and reads, against Harbor's own
    API descriptions."""

    def exchanges(self):
        with self.guard:
            return [Exchange(entry.method, entry.target, entry.headers,
                             read_json(entry.body), entry.status,
                             read_json(entry.answer))
                    for entry in self.log
                    if "harbor-replicator" in entry.headers.get("user-agent",
                                                                "") and
                    entry.status is not None and not is_no_schedule(entry)]

    def check(self):
        version = ".".join(str(part) for part in self.version)
        findings = [f"{one.place}: {one.part}: {one.text}" for one in
                    check_conformance(self.exchanges(), version)]
        findings = [text for text in findings if text not in KNOWN]
        if findings:
            raise AssertionError("\n".join(findings))
        if self.crashes:
            raise AssertionError(self.crashes[0])

    def forget(self):
        self.check()
        super().forget()

    def __exit__(self, kind, *more):
        super().__exit__(kind, *more)
        if kind is None:
            self.check()


def open_harbor(harbor, user="admin", password=None):
    """Its documents, as the program sees them; identified."""
    documents = Documents(
        endpoint("here", "harbor", url=harbor.url, username=user,
                 password="env:HARBOR_PASSWORD"),
        env={"HARBOR_PASSWORD": password or harbor.admin_password})
    documents.identify()
    return documents


def api(harbor, method, target, body=None, user="admin", password=None,
        status=None):
    """The answer's JSON, None if it is empty; its status must be `status`, if
    that is given, and is no failure otherwise."""
    password = harbor.admin_password if password is None else password
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "X-Is-Resource-Name": "true"}
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(harbor.url + "/api/v2.0" + target, data,
                                     headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            code, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        code, text = error.code, error.read()
    if code != status and (status is not None or code >= 300):
        raise AssertionError(f"{method} {target}: {code}: {text!r}")
    return json.loads(text) if text else None


def make_projects(harbor, *names):
    for name in names:
        api(harbor, "POST", "/projects", {"project_name": name}, status=201)


def make_groups(harbor, kind, *names):
    """`kind` is Harbor's number."""
    for name in names:
        api(harbor, "POST", "/usergroups",
            {"group_name": name, "group_type": kind}, status=201)


def make_user(harbor, name, **more):
    api(harbor, "POST", "/users",
        {"username": name, "email": f"{name}@example.com", "realname": name,
         "password": "Abcdef12345", **more}, status=201)


def access(*pairs):
    """"repository:pull"."""
    return [dict(zip(("resource", "action", "effect"), pair.split(":")))
            for pair in pairs]


def permission(namespace, *pairs, kind="project"):
    return {"kind": kind, "namespace": namespace, "access": access(*pairs)}


def make_robot(harbor, name, *permissions, level="system", duration=-1,
               **more):
    """What the POST answers."""
    return api(harbor, "POST", "/robots",
               {"name": name, "level": level, "duration": duration,
                "permissions": list(permissions), **more}, status=201)
