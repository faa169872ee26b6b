# SPDX-License-Identifier: LGPL-2.1-or-later
"""A proxy that misbehaves, before a registry that does not.

    proxy = FaultProxy(registry.port, seed=7)
    proxy.rule("PUT", "/manifests/", nth=1, status=503)
    proxy.rule(".*", "/v2/", chance=0.1, fault=["reset_head", "truncate"])

A rule applies to requests whose method and target match, the `nth` time only,
`times` times, `after` so many, or by chance, and does one thing of:

    latency=S (+ jitter=S)   answer later            bandwidth=B  bytes a second
    slice=N                  pieces of N bytes       hole         never answer
    reset_head               reset before the answer
    reset_after=N            reset after N bytes of the answer's body
    cut_after=N              the end of the connection after N bytes
    reset_upload=N           reset after N bytes of the request's body
    truncate                 half a body, and the end of the connection
    longer, shorter          a Content-Length that is wrong
    slow_close               the whole answer, and the connection left open
    status=N (+ retry_after) an answer of its own, the registry is not asked
    html                     200 and a page for browsers
    twice                    the registry gets the request two times
    lost                     the registry is asked, its answer is thrown away
    tls_cut                  the connection ends in the middle of a TLS record

With a certificate it is a server of TLS; `cut_handshakes` of the next
connections then end in theirs.

`fault` chooses one of several by chance.  `log` has what came and went.
"""
import http.client
import os
import random
import re
import socket
import socketserver
import ssl
import struct
import threading
import time

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te",
              "upgrade", "content-length"}


class Entry:
    """One request: what was done to it and what the registry said."""

    def __init__(self, method, target):
        self.method = method
        self.target = target
        self.time = time.monotonic()
        self.fault = None
        self.answers = []   # statuses of the registry
        self.told = False   # the client got the registry's answer whole
        self.sent_bytes = 0


class Rule:
    def __init__(self, method, pattern, options):
        self.method = re.compile(method)
        self.pattern = re.compile(pattern)
        self.nth = options.pop("nth", None)
        self.times = options.pop("times", None)
        self.after = options.pop("after", 0)
        self.chance = options.pop("chance", None)
        self.seen = 0
        self.options = options

    def choose(self, method, target, chooser):
        """The fault for a request, or None."""
        if not (self.method.fullmatch(method)
                and self.pattern.search(target)):
            return None
        self.seen += 1
        if self.seen <= self.after:
            return None
        if self.nth is not None and self.seen != self.nth:
            return None
        if self.times is not None and self.seen > self.times:
            return None
        if self.chance is not None and chooser.random() >= self.chance:
            return None
        choice = self.options.get("fault")
        if choice is None:
            return self.options
        one = chooser.choice(choice)
        return dict(one) if isinstance(one, dict) else {one: True}


class FaultProxy:
    def __init__(self, backend_port, seed=0, certificate=None):
        """`certificate` is a pair of files, certificate and key, or None."""
        self.backend_port = backend_port
        self.cut_handshakes = 0
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.chooser = random.Random(seed)
        self.lock = threading.Lock()
        self.rules = []
        self.log = []
        self.connections = 0
        proxy = self

        class Bound(Handler):
            pass

        Bound.proxy = proxy
        self.server = Server(("127.0.0.1", 0), Bound)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    @property
    def url(self):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def rule(self, method, pattern, **options):
        with self.lock:
            self.rules.append(Rule(method, pattern, options))

    def heal(self):
        with self.lock:
            self.rules.clear()

    def forget(self):
        with self.lock:
            self.log.clear()

    def entries(self, method=".*", pattern=""):
        with self.lock:
            return [e for e in self.log if re.fullmatch(method, e.method)
                    and re.search(pattern, e.target)]

    def begin(self, method, target):
        entry = Entry(method, target)
        with self.lock:
            self.log.append(entry)
            for rule in self.rules:
                fault = rule.choose(method, target, self.chooser)
                if fault is not None:
                    entry.fault = fault
                    break
        return entry


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Connections that end in the middle are what this is for."""


class Reset(Exception):
    """The connection is to be reset."""


class Handler(socketserver.StreamRequestHandler):
    proxy = None
    disable_nagle_algorithm = True

    def setup(self):
        proxy = self.proxy
        with proxy.lock:
            proxy.connections += 1
            cut = proxy.tls is not None and proxy.cut_handshakes > 0
            proxy.cut_handshakes -= cut
        if cut:
            # Half of what the client says, and the door.
            self.request.recv(100)
            self.request.close()
            raise Reset
        if proxy.tls is not None:
            self.request = proxy.tls.wrap_socket(self.request,
                                                 server_side=True)
        super().setup()

    def handle(self):
        backend = http.client.HTTPConnection("127.0.0.1",
                                             self.proxy.backend_port)
        try:
            while self.one(backend):
                pass
        except Reset:
            # No goodbye: the peer gets an RST.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            self.connection.close()
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            backend.close()

    def cut_record(self):
        """The head of a record of 4 KiB, 100 bytes of it, and no more."""
        raw = socket.socket(fileno=os.dup(self.connection.fileno()))
        raw.sendall(b"\x17\x03\x03\x10\x00" + os.urandom(100))
        raw.shutdown(socket.SHUT_RDWR)
        raw.close()
        raise Reset

    def read_head(self):
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) != 3:
            return None, None, {}
        headers = {}
        while True:
            header = self.rfile.readline().decode("latin-1").strip()
            if not header:
                return line[0], line[1], headers
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()

    def read_body(self, headers, fault):
        length = int(headers.get("content-length") or 0)
        if "reset_upload" in fault and length > 0:
            self.rfile.read(min(length, fault["reset_upload"]))
            raise Reset
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(length)
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def one(self, backend):
        """One request and its answer; false to end the connection."""
        method, target, headers = self.read_head()
        if method is None:
            return False
        entry = self.proxy.begin(method, target)
        fault = entry.fault or {}
        body = self.read_body(headers, fault)
        if "latency" in fault:
            time.sleep(fault["latency"]
                       + fault.get("jitter", 0) * random.random())
        if "hole" in fault:
            self.rfile.read(1)
            return False
        if "reset_head" in fault:
            raise Reset
        if "status" in fault or "html" in fault:
            return self.answer_alone(method, fault)
        for _ in range(2 if "twice" in fault else 1):
            status, kept, data = self.ask(backend, method, target, headers,
                                          body)
            entry.answers.append(status)
        if "lost" in fault:
            raise Reset
        again = self.answer(method, status, kept, data, fault, entry)
        entry.told = True
        return again

    def ask(self, backend, method, target, headers, body):
        given = {name: value for name, value in headers.items()
                 if name not in HOP_BY_HOP}
        backend.request(method, target, body or None if method in
                        ("GET", "HEAD") else body, given)
        response = backend.getresponse()
        data = response.read()
        kept = [(name, value) for name, value in response.getheaders()
                if name.lower() not in HOP_BY_HOP]
        length = response.getheader("Content-Length")
        if method == "HEAD" and length is not None:
            kept.append(("X-Head-Length", length))
        return response.status, kept, data

    def write_head(self, status, headers, length):
        head = f"HTTP/1.1 {status} {http.client.responses.get(status, '-')}"
        lines = [head] + [f"{n}: {v}" for n, v in headers]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def answer_alone(self, method, fault):
        status = fault.get("status", 200)
        headers = [("Content-Type", "text/html")]
        body = b"<html>this is no registry</html>"
        if "retry_after" in fault:
            headers.append(("Retry-After", str(fault["retry_after"])))
        self.write_head(status, headers, len(body))
        if method != "HEAD":
            self.wfile.write(body)
        return True

    def answer(self, method, status, kept, data, fault, entry):
        # What a HEAD says of the length is not of this answer.
        told = dict(kept).pop("X-Head-Length", None)
        kept = [(n, re.sub("^http://127[.]0[.]0[.]1:[0-9]+", self.proxy.url, v)
                 if n.lower() == "location" else v)
                for n, v in kept if n != "X-Head-Length"]
        length = told if method == "HEAD" else len(data)
        if "longer" in fault and data:
            length += 10
        if "shorter" in fault and data:
            length -= 1
        self.write_head(status, kept, None if status == 204 else length)
        if "tls_cut" in fault:
            self.cut_record()
        if method == "HEAD":
            return True
        self.write_body(data, fault, entry)
        if "slow_close" in fault:
            time.sleep(0.5)
        return not ({"longer", "shorter", "truncate", "cut_after"}
                    & set(fault) and data)

    def write_body(self, data, fault, entry):
        end = len(data)
        if "truncate" in fault:
            end //= 2
        for cut in ("reset_after", "cut_after"):
            if end > fault.get(cut, end):
                end = fault[cut]
        step = fault.get("slice") or (4096 if "bandwidth" in fault
                                      else max(end, 1))
        for start in range(0, end, step):
            piece = data[start:min(start + step, end)]
            self.wfile.write(piece)
            self.wfile.flush()
            entry.sent_bytes += len(piece)
            if "bandwidth" in fault:
                time.sleep(len(piece) / fault["bandwidth"])
        if end < len(data) and "reset_after" in fault:
            raise Reset
