# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may read what, and where the scripted registry keeps its blobs.

Tokens are for anybody, and each is good for the scope that it was asked for,
or for what the registry grants of it.
An object store is another server: it takes the word of a signed address, and
refuses requests that bring anything else of the registry's.
"""
import http.server
import secrets
import socket
import socketserver
import ssl
import threading
import urllib.parse

import content

# What a client sends to any server.
PLAIN_HEADERS = {"accept", "accept-encoding", "connection", "host", "range",
                 "user-agent"}


def scope_of(method, path):
    """The scope that a request needs; "" for none in particular."""
    url = urllib.parse.urlparse(path)
    query = urllib.parse.parse_qs(url.query)
    if url.path == "/v2/_catalog":
        return "registry:catalog:*"
    for part in ("/manifests/", "/blobs/", "/tags/list", "/referrers/"):
        if part in url.path:
            repository = url.path[len("/v2/"):].split(part)[0]
            actions = "pull" if method in ("GET", "HEAD") else "pull,push"
            scope = f"repository:{repository}:{actions}"
            if "/blobs/uploads" in url.path and method != "GET":
                scope = f"repository:{repository}:pull,push"
            if "from" in query:
                scope += f" repository:{query['from'][0]}:pull"
            return scope
    return ""


def split_scope(scope):
    return {(kind, name, action)
            for text in scope.split()
            for kind, name, actions in [text.split(":")]
            for action in actions.split(",")}


class TokenMixin:
    """The part of the handler that looks at tokens."""

    def serve_token(self, query):
        scope = " ".join(query.get("scope", []))
        token = secrets.token_urlsafe(12)
        self.registry.tokens[token] = {
            one for one in split_scope(scope)
            if one[2] not in self.registry.withholds}
        self.answer(200, content.encode({"token": token,
                                         "expires_in": 300}))

    def is_let_in(self):
        """Whether the token allows the request; if not, that was
        answered."""
        registry = self.registry
        if not registry.wants_tokens:
            return True
        scope = scope_of(self.command, self.path)
        word, _, token = self.headers.get("Authorization", "").partition(" ")
        granted = registry.tokens.get(token) if word == "Bearer" else None
        needed = split_scope(scope)
        if granted is not None:
            if granted == needed:
                return True
            if registry.exact_tokens:
                self.read_body()
                self.refuse(403, "DENIED", "the token is for something else")
                return False
            if needed <= granted:
                return True
        self.read_body()
        self.refuse(401, "UNAUTHORIZED", "authentication required", {
            "WWW-Authenticate": f'Bearer realm="{registry.url}/token",'
                                f'service="scripted",scope="{scope}"'})
        return False


def make_context(certificate, client_ca=None):
    """What a server speaks TLS with, if it has a certificate (its file and
    its key's); clients are asked for one of `client_ca`, and need none."""
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


class Threaded(socketserver.ThreadingMixIn, socketserver.TCPServer):
    tls = None
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def get_request(self):
        connection, address = super().get_request()
        if self.tls is not None:
            # The handshake is the thread's that serves it.
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        """Connections that end in the middle are what this is for."""


class ObjectStore:
    """Where `registry.object_store` sends readers of blobs."""

    def __init__(self, host="127.0.0.1"):
        self.blobs = {}     # digest -> bytes
        self.requests = []  # (method, target, headers)
        self.refused = 0
        self.cuts = []      # longer answers break off there, each in turn
        self.sent_bytes = 0
        store = self

        class Bound(ObjectHandler):
            pass

        Bound.store = store
        self.server = Threaded((host, 0), Bound)
        self.url = f"http://{host}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def address(self, digest):
        """A signed address; whoever has it may read."""
        return f"{self.url}/bucket/{digest}?X-Signature=abc%2Fdef"


class ObjectHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store = None

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        store = self.store
        store.requests.append((self.command, self.path, dict(self.headers)))
        url = urllib.parse.urlparse(self.path)
        data = store.blobs.get(url.path.rsplit("/", 1)[1])
        more = {name.lower() for name in self.headers} - PLAIN_HEADERS
        if more or url.query != "X-Signature=abc%2Fdef":
            store.refused += 1
            self.answer(400, b"<Error>InvalidArgument</Error>", {})
        elif data is None:
            self.answer(404, b"<Error>NoSuchKey</Error>", {})
        else:
            self.answer(*content.cut_range(data, self.headers.get("Range")))

    do_HEAD = do_GET

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        cuts = self.store.cuts
        part = (body[:cuts.pop(0)] if cuts and len(body) > cuts[0]
                else body)
        self.wfile.write(part)
        self.store.sent_bytes += len(part)
        if len(part) < len(body):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
