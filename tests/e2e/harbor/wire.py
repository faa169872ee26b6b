# SPDX-License-Identifier: LGPL-2.1-or-later
"""HTTP/1.1 as Harbor's core speaks it, on a thread for each connection.

    socket -> read_request -> answer(Request) -> Response -> write_response

Small on purpose: thousands of requests a second matter more here than every
corner of the protocol.  What Harbor does in particular: a body above 2 KB
comes chunked, one below has its length, an answer without a body has none.
"""
import json
import socket
import threading
import urllib.parse

REASONS = {100: "Continue", 200: "OK", 201: "Created", 202: "Accepted",
           204: "No Content", 206: "Partial Content", 302: "Found",
           304: "Not Modified", 307: "Temporary Redirect",
           400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
           412: "Precondition Failed",
           416: "Requested Range Not Satisfiable",
           422: "Unprocessable Entity", 500: "Internal Server Error",
           502: "Bad Gateway", 503: "Service Unavailable"}
CODES = {400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN",
         404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 409: "CONFLICT",
         412: "PRECONDITION", 422: "UNPROCESSABLE_ENTITY", 500: "UNKNOWN"}
CHUNKED_ABOVE_BYTES = 2048


class Dropped(Exception):
    """The connection ends here, without an answer."""


class Refusal(Exception):
    """An answer that is an error; what the request changed is undone."""

    def __init__(self, status, message=None, code=None, empty=False,
                 headers=None):
        super().__init__(f"{status} {message}")
        self.status = status
        self.code = code or CODES[status]
        self.message = ("internal server error"
                        if message is None and status == 500 else message)
        self.empty = empty
        self.headers = headers or {}

    def response(self):
        if self.empty:
            return Response(self.status, headers=self.headers)
        body = {"errors": [{"code": self.code, "message": self.message}]}
        return Response(self.status, body, self.headers,
                        content_type="application/json; charset=utf-8")


def to_json(value, newline=True):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return (text + "\n" * newline).encode("utf-8", "surrogatepass")


class Response:
    """`body` is None for none, bytes as they are, anything else is JSON.

    `length` overrides what Content-Length announces; then the connection is
    closed if the body is shorter.  With `until_close` the body has no length
    and ends with the connection.
    """

    def __init__(self, status, body=None, headers=None, content_type=None,
                 length=None, chunked=None, until_close=False):
        self.status = status
        self.headers = dict(headers or {})
        self.cookies = []
        self.length = length
        self.chunked = chunked
        self.until_close = until_close
        if body is None or isinstance(body, bytes):
            self.data = body
        else:
            self.data = to_json(body)
            content_type = content_type or "application/json"
        if content_type:
            self.headers["Content-Type"] = content_type


def nothing():
    """What stands for "there is none" where JSON is expected."""
    return Response(200, b"", content_type="application/json")


class Request:
    """One request; the frame adds caller, params and content on its way."""

    def __init__(self, harbor, method, target, headers, body):
        self.harbor = harbor
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.path, _, self.query_text = target.partition("?")
        self.pairs = urllib.parse.parse_qsl(self.query_text,
                                            keep_blank_values=True)
        self.query = {}
        for name, value in self.pairs:
            self.query.setdefault(name, value)
        self.params = {}     # of the path, decoded
        self.content = None  # the body as the route's model reads it
        self.caller = None
        self.id = None

    def cookies(self):
        found = {}
        for part in self.headers.get("cookie", "").split(";"):
            name, sign, value = part.strip().partition("=")
            if sign:
                found[name] = value
        return found


def read_headers(file):
    headers = {}
    while True:
        line = file.readline(65536)
        if not line:
            return None
        line = line.rstrip(b"\r\n")
        if not line:
            return headers
        name, _, value = line.partition(b":")
        name = name.decode("latin-1").lower()
        value = value.strip().decode("utf-8", "replace")
        # Some clients send Accept line by line.
        headers[name] = (f"{headers[name]}, {value}" if name in headers
                         else value)


def read_exactly(file, count):
    data = file.read(count)
    if len(data) < count:
        raise Dropped()
    return data


def read_chunks(file):
    parts = []
    while True:
        line = file.readline(1024)
        if not line:
            raise Dropped()
        size = int(line.split(b";")[0], 16)
        if size == 0:
            read_headers(file)
            return b"".join(parts)
        parts.append(read_exactly(file, size))
        file.readline(16)


def read_request(harbor, file, sock):
    """The next request of a connection, None at its end."""
    line = file.readline(65536).decode("latin-1").rstrip("\r\n")
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers = read_headers(file)
    if headers is None:
        return None
    if headers.get("expect", "").lower() == "100-continue":
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = read_chunks(file)
    else:
        body = read_exactly(file, int(headers.get("content-length") or 0))
    return Request(harbor, method, target, headers, body)


def chunk(data, size=32768):
    parts = []
    for start in range(0, len(data), size):
        part = data[start:start + size]
        parts += [b"%x\r\n" % len(part), part, b"\r\n"]
    return b"".join(parts) + b"0\r\n\r\n"


def is_chunked(response):
    if response.until_close or response.length is not None:
        return False
    if response.chunked is not None:
        return response.chunked
    return len(response.data or b"") > CHUNKED_ABOVE_BYTES


def body_headers(request, response, chunked):
    """How the end of the body is told."""
    if response.status in (204, 304) or response.until_close:
        return []
    if chunked:
        return ["Transfer-Encoding: chunked"]
    if response.length is not None:
        return [f"Content-Length: {response.length}"]
    if request.method == "HEAD" and response.data is None:
        return []
    return [f"Content-Length: {len(response.data or b'')}"]


def write_response(sock, request, response, close):
    """True if the connection can go on."""
    close = close or response.until_close
    chunked = is_chunked(response)
    lines = [f"HTTP/1.1 {response.status} "
             f"{REASONS.get(response.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"Set-Cookie: {cookie}" for cookie in response.cookies]
    lines += body_headers(request, response, chunked)
    if close:
        lines.append("Connection: close")
    data = response.data or b""
    if request.method == "HEAD" or response.status in (204, 304):
        data = b""
    elif response.length is not None and response.length > len(data):
        close = True
    elif chunked:
        data = chunk(data)
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
    return not close


class Listener:
    """Listens on a loopback port and answers with `answer(request)`."""

    def __init__(self, harbor, answer, port=0):
        self.harbor = harbor
        self.answer = answer
        self.open = set()
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.open.add(sock)
            threading.Thread(target=self.serve, args=(sock,),
                             daemon=True).start()

    def serve(self, sock):
        try:
            with sock, sock.makefile("rb", 65536) as file:
                while self.serve_one(sock, file):
                    pass
        except (OSError, ValueError, Dropped):
            pass
        finally:
            with self.lock:
                self.open.discard(sock)

    def serve_one(self, sock, file):
        request = read_request(self.harbor, file, sock)
        if request is None:
            return False
        response = self.answer(request)
        close = request.headers.get("connection", "").lower() == "close"
        return write_response(sock, request, response, close)

    def stop(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        with self.lock:
            connections = list(self.open)
        for sock in connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
