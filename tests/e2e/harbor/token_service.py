# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tokens for the registry part: /service/token.

Who may not do what is asked for gets a token that does not allow it, and who
is not known one for nobody; who is not known and asks for nothing is refused.
"""
import base64
import datetime
import json
import secrets

from . import rights
from .routes import route
from .state import installs
from .wire import Response, to_json

SERVICES = ("harbor-registry", "harbor-notary")
TEXT = "text/plain; charset=utf-8"
ACTIONS = ("pull", "push", "delete")


@installs(0)
def make_tables(harbor):
    harbor.make_table("token", unique=[("token",)])
    harbor.key_id = ":".join(secrets.token_hex(2).upper() for _ in range(12))


@route("GET", "/service/token", accepts=False)
def get_token(request):
    service = request.query.get("service", "")
    if service not in SERVICES:
        return Response(400, f"Unable to handle service: {service}".encode(),
                        content_type=TEXT)
    harbor = request.harbor
    scopes = [scope for name, value in request.pairs if name == "scope"
              for scope in value.split(" ") if scope]
    if not scopes and not request.caller.is_known:
        return Response(401, b"", content_type=TEXT)
    access = [grant(request, scope) for scope in scopes] or None
    life = 60 * harbor.config["token_expiration"]
    now = harbor.now_ms()
    token = sign(harbor, claims(request.caller.name, service, access,
                                now // 1000, life))
    harbor.table("token").insert(token=token, subject=request.caller.name,
                                 access=access,
                                 expires_ms=now + 1000 * life)
    issued = datetime.datetime.fromtimestamp(now // 1000,
                                             datetime.timezone.utc)
    return Response(200, to_json({
        "token": token, "access_token": "", "expires_in": life,
        "issued_at": issued.strftime("%Y-%m-%dT%H:%M:%SZ")}, newline=False),
        content_type="application/json; charset=utf-8")


@route("POST", "/service/token", accepts=False)
def post_token(_request):
    return Response(405, b"Method Not Allowed\n",
                    {"X-Content-Type-Options": "nosniff"}, TEXT)


def grant(request, scope):
    """All that the caller may do with what a scope names, asked for or not."""
    kind, _, rest = scope.partition(":")
    name, _, _ = rest.rpartition(":")
    actions = []
    if kind == "repository":
        project = request.harbor.table("project").find(
            name=name.partition("/")[0])
        if project is not None:
            actions = [one for one in ACTIONS if rights.can_project(
                request, project, one, "repository")]
    elif (kind, name) == ("registry", "catalog"):
        actions = ["*"] if request.caller.is_admin else []
    return {"type": kind, "name": name, "actions": actions}


def claims(subject, service, access, now, life):
    found = {"iss": "harbor-token-issuer"}
    if subject:
        found["sub"] = subject
    return {**found, "aud": service, "exp": now + life, "nbf": now,
            "iat": now, "jti": secrets.token_urlsafe(12)[:16],
            "access": access}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(harbor, payload):
    """A JWT whose signature nobody checks: the table says what is valid."""
    head = {"alg": "RS256", "typ": "JWT", "kid": harbor.key_id}
    text = ".".join(encode(json.dumps(part, separators=(",", ":")).encode())
                    for part in (head, payload))
    return f"{text}.{encode(secrets.token_bytes(256))}"
