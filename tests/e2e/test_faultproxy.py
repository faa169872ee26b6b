# SPDX-License-Identifier: LGPL-2.1-or-later
"""The proxy that misbehaves does what its rules say, and nothing else."""
import http.client
import http.server
import socket
import ssl
import threading
import time

from faultproxy import FaultProxy
from harness import holds, run, same
from servers import make_certificate

BODY = b"x" * 20000
ASKED = []


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        ASKED.append((self.command, self.path, len(self.rfile.read(length))))
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(BODY)

    do_HEAD = do_PUT = do_GET

    def log_message(self, *_):
        """Says nothing."""


def start_backend():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


PORT = start_backend()


def ask(proxy, method="GET", body=None):
    """Status and body, or the exception that came instead."""
    ASKED.clear()
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port,
                                            timeout=5)
    try:
        connection.request(method, "/thing", body)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error), error
    finally:
        connection.close()


def with_rule(method="GET", **rule):
    proxy = FaultProxy(PORT)
    proxy.rule(method, "/thing", **rule)
    return proxy


def case_without_a_rule_it_is_not_noticed():
    proxy = FaultProxy(PORT)
    same(ask(proxy), (200, BODY))
    same(ask(proxy, "HEAD"), (200, b""))
    same(ask(proxy, "PUT", b"y" * 1000), (200, BODY))
    same(ASKED, [("PUT", "/thing", 1000)])
    same([e.method for e in proxy.entries()], ["GET", "HEAD", "PUT"])


def case_rules_apply_when_they_say():
    def statuses(**rule):
        proxy = with_rule(status=503, **rule)
        return [ask(proxy)[0] for _ in range(5)]

    same(statuses(nth=2), [200, 503, 200, 200, 200])
    same(statuses(times=2), [503, 503, 200, 200, 200])
    same(statuses(after=3), [200, 200, 200, 503, 503])
    same(statuses(chance=0), [200] * 5)
    same(ask(with_rule("PUT", status=503))[0], 200)


def case_answers_of_its_own_do_not_reach_the_registry():
    proxy = with_rule(status=429, retry_after=7)
    same(ask(proxy)[0], 429)
    same(ASKED, [])
    status, body = ask(with_rule(html=True))
    same(status, 200)
    holds(body.startswith(b"<html>"), body)


def case_time_is_taken():
    for rule in ({"latency": 0.3}, {"bandwidth": 50000}):
        start = time.monotonic()
        same(ask(with_rule(**rule)), (200, BODY))
        holds(time.monotonic() - start >= 0.28, rule)
    same(ask(with_rule(slice=100)), (200, BODY))
    same(ask(with_rule(slow_close=True)), (200, BODY))


def case_connections_break():
    for rule in ({"reset_head": True}, {"reset_after": 1000},
                 {"lost": True}):
        same(ask(with_rule(**rule))[0], ConnectionResetError, rule)
    same(ask(with_rule("PUT", reset_upload=10), "PUT", b"y" * 300000)[0]
         in (ConnectionResetError, BrokenPipeError), True)
    same(ASKED, [])
    same(ask(with_rule(truncate=True))[0], http.client.IncompleteRead)
    same(ask(with_rule(longer=True))[0], http.client.IncompleteRead)
    same(ask(with_rule(shorter=True)), (200, BODY[:-1]))


def case_a_hole_never_answers():
    proxy = with_rule(hole=True)
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.settimeout(0.5)
        client.sendall(b"GET /thing HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            same(client.recv(1), "nothing")
        except socket.timeout:
            pass


def case_the_registry_hears_it_twice():
    same(ask(with_rule(twice=True)), (200, BODY))
    same(len(ASKED), 2)


def case_tls_is_cut_where_it_hurts():
    certificate, key = make_certificate("proxy")
    proxy = FaultProxy(PORT, certificate=(certificate, key))
    proxy.rule("GET", "/thing", nth=2, tls_cut=True)
    proxy.cut_handshakes = 1
    context = ssl.create_default_context(cafile=certificate)

    def secure():
        connection = http.client.HTTPSConnection(
            "127.0.0.1", proxy.port, timeout=5, context=context)
        try:
            connection.request("GET", "/thing")
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            return type(error)
        finally:
            connection.close()

    holds(secure() in (ssl.SSLError, ssl.SSLEOFError, ConnectionResetError),
          "a handshake that is cut")
    same(secure(), (200, BODY))
    holds(secure() in (ssl.SSLError, ssl.SSLEOFError, ConnectionResetError,
                       http.client.IncompleteRead), "a record that is cut")
    same(secure(), (200, BODY))


if __name__ == "__main__":
    run(globals())
