# SPDX-License-Identifier: LGPL-2.1-or-later
"""The registry part, /v2: whether a request is let in, and where it goes.

    names in the path -> rights -> handler of the kind of path

A handler takes (request, Target).  What it raises or returns is Harbor's own
word, or that of the registry behind it (`registry_error`): they look
different.
"""
import re

from . import guard, rights
from .login import Caller, takes_bearer
from .routes import route
from .wire import Refusal, Response, to_json

PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
NAME = f"{PART}(?:/{PART})*"
PATHS = [(kind, re.compile(pattern)) for kind, pattern in (
    ("base", "()()/v2/"),
    ("catalog", "()()/v2/_catalog(?:/.*)?"),
    ("tags", f"/v2/({NAME})/()tags/list"),
    ("manifests", f"/v2/({NAME})/manifests/([^/]+)"),
    ("uploads", f"/v2/({NAME})/blobs/uploads/?([a-zA-Z0-9_.=-]*)"),
    ("blobs", f"/v2/({NAME})/blobs/([^/]+)"),
    ("referrers", f"/v2/({NAME})/referrers/([^/]+)"))]
ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}
VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
JSON = "application/json; charset=utf-8"
HANDLERS = {}  # (kind, method) -> function


class BadName(guard.Denied):
    """Refused so early that there is no cookie."""

    def __init__(self, name):
        Refusal.__init__(self, 400, "bad request: invalid repository name: "
                                    f"{name}")


class Target:
    """What a path means; empty names where it has none."""

    def __init__(self, kind, name="", reference=""):
        self.kind = kind
        self.name = name
        self.reference = reference


class TokenCaller(Caller):
    """Whoever shows a token: it says itself what it may."""

    def __init__(self, name, access):
        super().__init__("token", None, name)
        self.access = access

    @property
    def is_known(self):
        return self.name != ""

    def may(self, name, action):
        return any(one["type"] == "repository" and one["name"] == name and
                   action in one["actions"] for one in self.access or ())

    def may_list_catalog(self):
        return any(one["type"] == "registry" and one["name"] == "catalog" and
                   "*" in one["actions"] for one in self.access or ())


@takes_bearer
def identify_token(request, token):
    if not request.path.startswith("/v2/"):
        return None
    harbor = request.harbor
    row = harbor.table("token").find(token=token)
    if row is None or row["expires_ms"] <= harbor.now_ms():
        return None
    return TokenCaller(row["subject"], row["access"])


def serves(kind, *methods):
    """A handler; it runs while the Harbor is locked."""
    def register(function):
        for method in methods:
            HANDLERS[kind, method] = function
        return function
    return register


def registry_error(status, code, message, detail=None, **headers):
    """An error of the registry behind Harbor."""
    error = {"code": code, "message": message}
    if detail is not None:
        error["detail"] = detail
    return registry_errors(status, [error], **headers)


def registry_errors(status, errors, **headers):
    return Response(status, to_json({"errors": errors}),
                    {**VERSION, **headers}, JSON, chunked=False)


def read_path(path):
    for kind, pattern in PATHS:
        found = pattern.fullmatch(path)
        if found:
            return Target(kind, found[1], found[2])
    return None


def refuse(message, challenge):
    """The text comes twice."""
    raise Refusal(401, f"{message}: {message}", headers={
        **VERSION, "Www-Authenticate": challenge})


def challenge(request, target, scopes):
    if "authorization" in request.headers or target.kind == "catalog":
        return 'Basic realm="harbor"'
    host = request.headers.get("host", "")
    text = (f'Bearer realm="http://{host}/service/token",'
            'service="harbor-registry"')
    return text + (f',scope="{" ".join(scopes)}"' if scopes else "")


def needed(request, target):
    """[(repository, action)] that a request needs."""
    action = ACTIONS.get(request.method, "push")
    wanted = [(target.name, action)]
    if target.kind == "uploads" and request.query.get("from"):
        wanted.append((request.query["from"], "pull"))
    return wanted


def check(request, target):
    if target.kind == "base":
        if not request.caller.is_known:
            refuse("unauthorized", challenge(request, target, []))
    elif target.kind == "catalog":
        if not may_list_catalog(request):
            refuse("unauthorized to list catalog",
                   challenge(request, target, []))
    else:
        check_repositories(request, target)


def check_repositories(request, target):
    wanted = needed(request, target)
    scopes = [f"repository:{name}:" + ("pull,push" if action == "push"
                                       else action)
              for name, action in wanted]
    if (request.method in ("GET", "HEAD") and
            "authorization" not in request.headers):
        refuse("authorize header needed to send HEAD to repository",
               challenge(request, target, scopes))
    for name, action in wanted:
        owner = name.partition("/")[0]
        if request.harbor.table("project").find(name=owner) is None:
            refuse(f"project {owner} not found", "")
        if not may(request, name, action):
            refuse(f"unauthorized to access repository: {name}, action: "
                   f"{action}", challenge(request, target, scopes))


def may_list_catalog(request):
    if isinstance(request.caller, TokenCaller):
        return request.caller.may_list_catalog()
    return rights.can_system(request, "read", "catalog")


def may(request, name, action):
    if isinstance(request.caller, TokenCaller):
        return request.caller.may(name, action)
    project = request.harbor.table("project").find(
        name=name.partition("/")[0])
    return project is not None and rights.can_project(
        request, project, action, "repository")


def answer(request):
    target = read_path(request.path)
    if target is None:
        refuse(f"un-recognized request: {request.method} {request.path}", "")
    for name in (target.name, request.query.get("from")):
        if name and "/" not in name:
            raise BadName(name)
    check(request, target)
    handler = HANDLERS.get((target.kind, request.method))
    if handler is None:
        return registry_error(405, "UNSUPPORTED",
                              "The operation is unsupported.")
    return handler(request, target)


@serves("base", "GET", "HEAD", "OPTIONS")
def get_base(_request, _target):
    return Response(200, b"{}", VERSION, JSON)


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    route(_method, "/v2", accepts=False)(answer)
    route(_method, "/v2/{rest:rest}", accepts=False)(answer)

