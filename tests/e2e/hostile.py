# SPDX-License-Identifier: LGPL-2.1-or-later
"""A registry that follows a script: proper by itself, wrong where told.

    registry = Hostile()
    registry.add("app", "1", image("x"))
    registry.rule("GET", "/blobs/", truncate=100)

A rule applies to requests whose method and target match, `times` times, and
does one thing: status (+ headers, body), truncate, extra, corrupt, length,
hang, drop, refuse_after, header, redirect, drip (seconds for the body),
store_and_drop (an upload is taken, the answer is not sent).
"""
import json
import re
import socket
import socketserver
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

import content


class Rule:
    def __init__(self, method, pattern, times, what):
        self.method = method
        self.pattern = re.compile(pattern)
        self.times = times
        self.what = what


class Hostile:
    def __init__(self, host="127.0.0.1"):
        self.host = host
        self.lock = threading.Lock()
        self.blobs = {}
        self.manifests = {}  # (repository, reference) -> (type, bytes)
        self.rules = []
        self.requests = []   # (method, target, headers)
        self.times = []      # when each of them came
        self.uploads = 0
        self.page = 1000
        self.running = 0
        self.most_running = 0
        registry = self

        class Handler(RegistryHandler):
            pass

        Handler.registry = registry
        self.server = Server((host, 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def add(self, repository, tag, artifact):
        for media_type, data in artifact.manifests:
            self.manifests[repository, content.digest(data)] = (media_type,
                                                               data)
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
        return sorted(ref for repo, ref in self.manifests
                      if repo == repository and ":" not in ref)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


class RegistryHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry = None

    def log_message(self, *arguments):
        pass

    def read_body(self, limit=None):
        length = int(self.headers.get("Content-Length") or 0)
        body = b""
        while len(body) < length and (limit is None or len(body) < limit):
            part = self.rfile.read(min(65536, length - len(body)))
            if not part:
                break
            body += part
        return body

    def answer(self, status, body=b"", headers=None, rule=None):
        rule = rule or {}
        length = rule.get("length", len(body))
        self.send_response(status)
        for name, value in (headers or {}).items():
            if name not in rule.get("header", {}):
                self.send_header(name, value)
        for name, value in rule.get("header", {}).items():
            if value is not None:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
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
        if rule.get("hang") and "truncate" not in rule:
            time.sleep(30)
            self.drop()
        elif "drop" in rule:
            self.drop()
        elif "refuse_after" in rule:
            self.read_body(rule["refuse_after"])
            self.answer(rule.get("status", 500),
                        json.dumps({"errors": [{
                            "code": "DENIED",
                            "message": "enough of that"}]}).encode())
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
        registry = self.registry
        if url.path == "/v2/":
            self.answer(200, b"{}", rule=rule)
        elif url.path == "/v2/_catalog":
            names = sorted({repo for repo, _ in registry.manifests})
            self.serve_names("repositories", names, query, rule)
        elif url.path.endswith("/tags/list"):
            repository = url.path[4:-len("/tags/list")]
            names = registry.tags(repository)
            if names:
                self.serve_names("tags", names, query, rule)
            else:
                self.answer(404, b"{}")
        elif "/manifests/" in url.path:
            repository, reference = url.path[4:].rsplit("/manifests/", 1)
            self.serve_manifest(repository, reference, rule)
        elif "/blobs/uploads" in url.path:
            self.serve_upload(url.path[4:].rsplit("/blobs/uploads", 1)[0],
                              query, rule)
        elif "/blobs/" in url.path:
            repository, name = url.path[4:].rsplit("/blobs/", 1)
            self.serve_blob(repository, name, rule)
        else:
            self.answer(404)

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

    def serve_manifest(self, repository, reference, rule):
        registry = self.registry
        if self.command == "PUT":
            data = self.read_body()
            name = content.digest(data)
            kind = self.headers["Content-Type"]
            registry.manifests[repository, reference] = (kind, data)
            registry.manifests[repository, name] = (kind, data)
            self.answer(201, b"", {"Docker-Content-Digest": name,
                                   "Location": self.path}, rule)
            return
        found = registry.manifests.get((repository, reference))
        if found is None:
            self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN",'
                             b'"message":"manifest unknown"}]}')
            return
        kind, data = found
        headers = {"Content-Type": kind,
                   "Docker-Content-Digest": content.digest(data)}
        self.answer(200, rule.get("body", self.damage(data, rule)), headers,
                    rule)

    def serve_blob(self, repository, name, rule):
        data = self.registry.blobs.get((repository, name))
        if data is None:
            self.answer(404)
        else:
            self.answer(200, self.damage(data, rule), {}, rule)

    def serve_upload(self, repository, query, rule):
        registry = self.registry
        if self.command == "POST":
            self.read_body()
            source = query.get("from", [None])[0]
            name = query.get("mount", [None])[0]
            if (source, name) in registry.blobs:
                registry.blobs[repository, name] = registry.blobs[source,
                                                                  name]
                self.answer(201)
                return
            registry.uploads += 1
            self.answer(202, b"", {
                "Location": f"/v2/{repository}/blobs/uploads/"
                            f"{registry.uploads}?_state=a%2Fb"}, rule)
        elif self.command == "PUT":
            data = self.read_body()
            name = query["digest"][0]
            if content.digest(data) != name:
                self.answer(400, b'{"errors":[{"code":"DIGEST_INVALID",'
                                 b'"message":"digest invalid"}]}')
                return
            registry.blobs[repository, name] = data
            if rule.get("store_and_drop"):
                self.drop()
                return
            self.answer(201, b"", {"Docker-Content-Digest": name}, rule)
        else:
            self.answer(204)
