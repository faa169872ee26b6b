# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stands before every route: session cookies, CSRF, read-only mode.

A request without the cookie `sid` gets a new one.  One that brings a sid is
taken for a browser: its writes need the token of its cookie _gorilla_csrf.
"""
import base64
import re
import secrets

from .wire import Refusal

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
SKIPS_CSRF = re.compile("/(api/|v2/|service/token|chartrepo/)")
SKIPS_READ_ONLY = re.compile("(PUT /api/v2.0/configurations|POST /c/login|"
                             "POST /service/notifications)")
PAGE_NOT_FOUND = b"""<!DOCTYPE HTML>
<html>
<head>
<meta charset="utf-8">
<title>404 - Page Not Found</title>
</head>
<body>
<p>The page you have requested has flown the coop.</p>
</body>
</html>
"""


class Denied(Refusal):
    """Read-only mode: the answer has no cookie either."""

    def __init__(self):
        super().__init__(403, "The system is in read only mode. Any "
                              "modification is prohibited.", "DENIED")


def is_guarded(request):
    """True if the CSRF check is not skipped."""
    return ("sid" in request.cookies() or
            not SKIPS_CSRF.match(request.path)) and (
                request.path.startswith(("/api/", "/v2", "/service/", "/c/")))


def check_csrf(request):
    """Refuses a write from a browser without its token."""
    request.csrf_refused = False
    if not is_guarded(request) or request.method in SAFE:
        return
    tokens = request.harbor.table("csrf")
    cookie = request.cookies().get("_gorilla_csrf")
    token = request.headers.get("x-harbor-csrf-token")
    row = tokens.find(cookie=cookie) if cookie else None
    if row is None or token not in row["tokens"]:
        request.csrf_refused = True
        raise Refusal(403, "CSRF token invalid")


def add_cookies(request, response):
    sent = request.cookies()
    guarded = is_guarded(request)
    if guarded:
        add_csrf(request, response, sent.get("_gorilla_csrf"))
    if "sid" not in sent and (not guarded or request.path == "/v2"):
        response.cookies.append(f"sid={secrets.token_hex(16)}; Path=/; "
                                "HttpOnly")


def add_csrf(request, response, cookie):
    harbor = request.harbor
    token = base64.b64encode(secrets.token_bytes(64)).decode()
    with harbor.lock:
        table = harbor.table("csrf")
        row = table.find(cookie=cookie) if cookie else None
        if row is None:
            row = table.insert(cookie=secrets.token_urlsafe(48), tokens=set())
            response.cookies.append(f"_gorilla_csrf={row['cookie']}; Path=/; "
                                    "HttpOnly")
        row["tokens"].add(token)
    response.headers["X-Harbor-Csrf-Token"] = token
    if not request.csrf_refused:
        response.headers["Vary"] = "Cookie"


def check_read_only(request):
    harbor = request.harbor
    if harbor.config["read_only"] and request.method not in SAFE and (
            not SKIPS_READ_ONLY.match(f"{request.method} {request.path}")):
        raise Denied()
