# SPDX-License-Identifier: LGPL-2.1-or-later
"""A registry that follows a script: proper by itself, wrong where told.

    registry = Hostile(no_patch=True)
    registry.add("app", "1", image("x"))
    registry.rule("GET", "/blobs/", truncate=100)

A rule applies to requests whose method and target match, `times` times, and
does one thing: status (+ headers, body), truncate, extra, corrupt, length,
hang, drop, refuse_after, header, redirect, drip (seconds for the body),
cut_after (the connection, after so many bytes of an upload; keeps: so many of
all that came before are kept), store_and_drop (an upload or manifest is taken,
the answer is not sent), before (called first, then the request is served
properly).

QUIRKS are what whole registries do differently; they can be changed at any
time.  `sessions`, `received_bytes` (of uploads) and `sent_bytes` (of blobs)
tell what moved, also for nothing.

With a `certificate` it speaks TLS, and asks for one of `client_ca`; `shown`
are the targets that were asked for with it.
"""
import json
import re
import socket
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

import content
from hostile_access import Threaded, TokenMixin, make_context
from hostile_manifests import ManifestMixin, needs
from hostile_uploads import UploadMixin

QUIRKS = {
    # Uploads.  A number is the status of the refusal.
    "no_patch": False,        # 405 or a number: POST, then one PUT
    "single_patch": False,    # of several PATCHes the last one wins
    "body_limit": None,       # 413 for a body of more bytes than this
    "forgets_broken": False,  # a session is gone once its connection was cut
    "discards_broken_put": False,  # bytes of a PUT that was cut are not kept
    "absolute_locations": False,  # of sessions
    "odd_locations": False,   # of sessions: their paths are not below /v2/
    # Mounts.
    "no_mount": False,
    "mount_needs_manifest": False,  # in the other repository, with that blob
    # Writing.
    "repository_must_exist": False,  # see create()
    "immutable_tags": False,  # 400 or a number, also if nothing would change
    "compares": False,        # If-Match and If-None-Match of tags; 412
    "insists": False,         # on all that a manifest refers to being there
    # Reading.
    "no_head": False,         # 405 for any HEAD below a repository
    "no_digest_header": False,
    "no_range": False,        # a part of a blob is not to be had
    "page": 1000,             # names, or referrers, in an answer
    "object_store": None,     # an ObjectStore that blobs are read from
    # More.
    "referrers": False,       # the API; OCI-Subject
    "wants_tokens": False,    # anybody gets one, for the scope asked for
    "withholds": (),          # actions that no token allows, not told then
    "exact_tokens": False,    # 403 for one of any other scope, also a wider
}


class Rule:
    def __init__(self, method, pattern, times, what):
        self.method = method
        self.pattern = re.compile(pattern)
        self.times = times
        self.what = what


class Hostile:
    def __init__(self, host="127.0.0.1", certificate=None, client_ca=None,
                 **quirks):
        unknown = set(quirks) - set(QUIRKS)
        assert not unknown, unknown
        vars(self).update(QUIRKS, **quirks)
        self.host = host
        self.lock = threading.Lock()
        self.blobs = {}
        self.manifests = {}  # (repository, reference) -> (type, bytes)
        self.created = set()
        self.tokens = {}     # token -> what it is for
        self.sessions = {}   # name -> Session, also of uploads that are over
        self.rules = []
        self.requests = []   # (method, target, headers)
        self.times = []      # when each of them came
        self.shown = []
        self.received_bytes = 0
        self.sent_bytes = 0
        self.running = 0
        self.most_running = 0
        self.pace = None     # bytes a second that it takes of each upload
        registry = self

        class Handler(RegistryHandler):
            pass

        Handler.registry = registry
        self.server = Threaded((host, 0), Handler)
        self.server.tls = make_context(certificate, client_ca)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    @property
    def url(self):
        scheme = "https" if self.server.tls else "http"
        return f"{scheme}://{self.host}:{self.port}"

    def add(self, repository, tag, artifact):
        for media_type, data in artifact.manifests:
            self.manifests[repository, content.digest(data)] = (media_type,
                                                               data)
        if tag is not None:
            self.manifests[repository, tag] = artifact.manifests[-1]
        for name, data in artifact.blobs.items():
            self.blobs[repository, name] = data

    def rule(self, method, pattern, times=10 ** 9, **what):
        self.rules.append(Rule(method, pattern, times, what))

    def find_rule(self, method, target):
        with self.lock:
            for rule in self.rules:
                if (rule.times > 0 and rule.method == method and
                        rule.pattern.search(target)):
                    rule.times -= 1
                    return rule.what
        return {}

    def count(self, method, pattern=""):
        return sum(1 for m, t, _ in self.requests
                   if m == method and re.search(pattern, t))

    def tags(self, repository):
        return sorted(ref for repo, ref in list(self.manifests)
                      if repo == repository and ":" not in ref)

    def create(self, repository):
        self.created.add(repository)

    def may_create(self, repository):
        return (not self.repository_must_exist or repository in self.created
                or any(name == repository for name, _ in self.manifests))

    def may_mount(self, source, digest):
        if self.no_mount or (source, digest) not in self.blobs:
            return False
        return not self.mount_needs_manifest or any(
            repository == source and digest in needs(data)[0]
            for (repository, _), (_, data) in list(self.manifests.items()))


class RegistryHandler(TokenMixin, UploadMixin, ManifestMixin,
                      BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    registry = None

    def log_message(self, *arguments):
        pass

    def read_some(self, limit):
        """What has come of a body, at least a byte; b"" if the connection
        ended."""
        pace = self.registry.pace
        if pace is not None:
            time.sleep(0.05)
            limit = min(limit, pace // 20)
        try:
            return self.rfile.read1(min(limit, 1 << 20))
        except OSError:
            return b""

    def read_body(self, limit=None):
        left = int(self.headers.get("Content-Length") or 0)
        if limit is not None:
            left = min(left, limit)
        body = bytearray()
        while left > 0:
            part = self.read_some(left)
            if not part:
                break
            body += part
            left -= len(part)
        return bytes(body)

    def answer(self, status, body=b"", headers=None, rule=None):
        rule = rule or {}
        length = rule.get("length", len(body))
        self.send_response(status)
        for name, value in (headers or {}).items():
            if name not in rule.get("header", {}) and not (
                    name == "Docker-Content-Digest" and
                    self.registry.no_digest_header):
                self.send_header(name, value)
        for name, value in rule.get("header", {}).items():
            if value is not None:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD" or status == 204:
            return
        if "truncate" in rule:
            self.wfile.write(body[:rule["truncate"]])
            self.wfile.flush()
            if rule.get("hang"):
                time.sleep(30)
            self.drop()
        elif "drip" in rule:
            self.drip(body, rule["drip"])
        else:
            self.wfile.write(body)

    def refuse(self, status, code, message, headers=None):
        body = {"errors": [{"code": code, "message": message}]}
        self.answer(status, content.encode(body),
                    {"Content-Type": "application/json", **(headers or {})})

    def refuse_repository(self, name):
        self.refuse(404, "NAME_UNKNOWN",
                    f"The repository with name '{name}' does not exist")

    def drip(self, body, seconds):
        step = max(1, len(body) // 20)
        for start in range(0, len(body), step):
            self.wfile.write(body[start:start + step])
            self.wfile.flush()
            time.sleep(seconds / 20)

    def drop(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def serve(self):
        registry = self.registry
        with registry.lock:
            registry.requests.append((self.command, self.path,
                                      dict(self.headers)))
            registry.times.append(time.monotonic())
            if registry.server.tls and self.connection.getpeercert():
                registry.shown.append(self.path)
            registry.running += 1
            registry.most_running = max(registry.most_running,
                                        registry.running)
        try:
            self.serve_by_rule(registry.find_rule(self.command, self.path))
        finally:
            with registry.lock:
                registry.running -= 1

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def serve_by_rule(self, rule):
        if "before" in rule:
            rule["before"]()
        if rule.get("hang") and "truncate" not in rule:
            time.sleep(30)
            self.drop()
        elif "drop" in rule:
            self.drop()
        elif "refuse_after" in rule:
            self.read_body(rule["refuse_after"])
            self.refuse(rule.get("status", 500), "DENIED", "enough of that")
            self.drop()
        elif "redirect" in rule:
            self.read_body()
            self.answer(307, b"", {"Location": rule["redirect"]})
        elif "status" in rule:
            self.read_body()
            self.answer(rule["status"], rule.get("body", b""),
                        rule.get("headers"))
        else:
            self.serve_properly(rule)

    def serve_properly(self, rule):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        path = url.path[len("/v2/"):]
        if url.path == "/token":
            self.serve_token(query)
        elif not self.is_let_in():
            pass
        elif url.path == "/v2/":
            self.answer(200, b"{}", rule=rule)
        elif url.path == "/v2/_catalog":
            self.serve_catalog(query, rule)
        elif url.path.endswith("/tags/list"):
            self.serve_tags(path[:-len("/tags/list")], query, rule)
        elif "/manifests/" in path:
            repository, reference = path.rsplit("/manifests/", 1)
            self.serve_manifest(repository, reference, rule)
        elif "/referrers/" in path:
            repository, subject = path.rsplit("/referrers/", 1)
            self.serve_referrers(repository, subject, query, rule)
        elif "/blobs/uploads" in path:
            repository, name = path.rsplit("/blobs/uploads", 1)
            self.serve_upload(repository, name.strip("/"), query, rule)
        elif "/blobs/" in path:
            repository, name = path.rsplit("/blobs/", 1)
            self.serve_blob(repository, name, rule)
        else:
            self.answer(404)

    def serve_catalog(self, query, rule):
        registry = self.registry
        names = registry.created | {repo for repo, _ in registry.manifests}
        self.serve_names("repositories", sorted(names), query, rule)

    def serve_tags(self, repository, query, rule):
        names = self.registry.tags(repository)
        if names or repository in self.registry.created:
            self.serve_names("tags", names, query, rule)
        else:
            self.refuse(404, "NAME_UNKNOWN", "repository name not known")

    def serve_names(self, member, names, query, rule):
        last = query.get("last", [""])[0]
        names = [name for name in names if name > last]
        headers = {}
        if len(names) > self.registry.page:
            names = names[:self.registry.page]
            target = urllib.parse.urlparse(self.path).path
            headers["Link"] = (f'<{target}?last={names[-1]}&n=1>; '
                               f'rel="next"')
        body = rule.get("body", json.dumps({member: names}).encode())
        self.answer(200, body, headers, rule)

    def damage(self, data, rule):
        if "corrupt" in rule:
            data = bytes([data[0] ^ 1]) + data[1:]
        return data + b"x" * rule.get("extra", 0)

    def serve_blob(self, repository, name, rule):
        registry = self.registry
        data = registry.blobs.get((repository, name))
        if self.command == "HEAD" and registry.no_head:
            self.refuse(405, "UNSUPPORTED", "method not allowed")
            return
        if data is None:
            self.refuse(404, "BLOB_UNKNOWN", "blob unknown")
            return
        if registry.object_store is not None:
            registry.object_store.blobs[name] = data
            self.answer(307, headers={
                "Location": registry.object_store.address(name)})
            return
        wanted = None if registry.no_range else self.headers.get("Range")
        status, part, headers = content.cut_range(self.damage(data, rule),
                                                  wanted)
        if self.command == "GET":
            with registry.lock:
                registry.sent_bytes += min(len(part),
                                           rule.get("truncate", len(part)))
        headers["Docker-Content-Digest"] = name
        self.answer(status, part, headers, rule)
