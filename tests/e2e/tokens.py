# SPDX-License-Identifier: LGPL-2.1-or-later
"""A token server as docker-registry trusts one, with a log.

    tokens = TokenServer({"joe": "secret"})
    registry = Registry("r", tokens=tokens)

`grants` says who may do what: (user or None, repository, action) -> bool;
`life` is how long a token is good for, in seconds; `identities` maps identity
tokens to users; `methods` are what it answers to.
"""
import base64
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.parse

from harness import need, path
from servers import make_certificate

SERVICE = "the registry"
ISSUER = "tests"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenServer:
    def __init__(self, users=None, life=300):
        self.users = users or {}
        self.life = life
        self.identities = {}
        self.methods = {"GET", "POST"}
        self.grants = lambda user, repository, action: (
            user is not None or action == "pull")
        self.log = []
        self.certificate, self.key = make_certificate("issuer")
        self.cache = {}
        server = self

        class Bound(Handler):
            tokens = server

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/token"

    def sign(self, text):
        return subprocess.run(
            [need("openssl"), "dgst", "-sha256", "-sign", self.key],
            input=text.encode(), capture_output=True, check=True).stdout

    def token(self, user, scopes):
        access = []
        for scope in scopes:
            kind, name, actions = scope.rsplit(":", 2)
            granted = [a for a in actions.split(",")
                       if self.grants(user, name, a)]
            access.append({"type": kind, "name": name, "actions": granted})
        now = int(time.time())
        with open(self.certificate) as file:
            body = "".join(line for line in file.read().splitlines()
                           if "CERTIFICATE" not in line)
        head = {"typ": "JWT", "alg": "RS256", "x5c": [body]}
        claims = {"iss": ISSUER, "sub": user or "", "aud": SERVICE,
                  "exp": now + self.life, "nbf": now - 5, "iat": now,
                  "jti": encode(os.urandom(8)), "access": access}
        text = ".".join(encode(json.dumps(part).encode())
                        for part in (head, claims))
        return text + "." + encode(self.sign(text))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tokens = None

    def who(self, fields):
        """The user, None for nobody; False if that is a lie."""
        login = self.headers.get("Authorization", "")
        if login.startswith("Basic "):
            user, _, password = base64.b64decode(
                login[6:]).decode().partition(":")
            return user if self.tokens.users.get(user) == password else False
        if "refresh_token" in fields:
            return self.tokens.identities.get(fields["refresh_token"][0],
                                              False)
        if "password" in fields:
            user = fields["username"][0]
            return (user if self.tokens.users.get(user)
                    == fields["password"][0] else False)
        return None

    def answer(self, fields):
        user = self.who(fields)
        scopes = [s for text in fields.get("scope", []) for s in text.split()]
        self.tokens.log.append((self.command, user, sorted(scopes)))
        if self.command not in self.tokens.methods:
            return self.reply(405, {})
        if user is False:
            return self.reply(401, {"errors": [{"code": "UNAUTHORIZED",
                                                "message": "who are you?"}]})
        return self.reply(200, {"token": self.tokens.token(user, scopes),
                                "expires_in": self.tokens.life})

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        query = urllib.parse.urlsplit(self.path).query
        self.answer(urllib.parse.parse_qs(query))

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.answer(urllib.parse.parse_qs(self.rfile.read(length).decode()))

    def log_message(self, *_):
        """Says nothing."""
