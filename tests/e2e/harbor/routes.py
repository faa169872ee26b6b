# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a request to the handler of its route, in the order of Harbor.

    id -> CSRF -> login -> read-only mode -> route -> parameters -> handler

A module registers what it answers:

    @route("GET", "/api/v2.0/robots/{robot_id:int}")
    def get_robot(request):
        return Response(200, ...)          or raise Refusal(404, "...")

A parameter is one part of the path; `{name:int}` must be a number,
`{name:rest}` takes all that follows.  `body` is the Model of a JSON body (then
request.content), `body_name` what refusals call it; unless it is
`body_needed`, there may be none.  `accepts` False takes any
content type, as routes outside of the API do.  With `lock` False a handler
runs beside others and guards itself.

Who wants to know of what succeeds on a route watches it:

    @watches("DELETE", "/api/v2.0/robots/{robot_id:int}")
    def note(request):             called before the handler
        return lambda response: ...            called if it did not refuse
"""
import re
import traceback
import urllib.parse
import uuid

from . import guard, login
from .models import parse_body
from .wire import Refusal, Response

ROUTES = {}     # first part of the path -> routes, the most literal first
WATCHERS = {}   # (method, pattern): functions
INT = re.compile(r"[+-]?[0-9]+$")
API = "/api/v2.0/"
MEDIA = "application/json"


class Route:
    def __init__(self, method, pattern, handler, options):
        self.method = method
        self.pattern = pattern
        self.handler = handler
        self.body = options.pop("body", None)
        self.body_name = options.pop("body_name", None)
        self.body_needed = options.pop("body_needed", True)
        self.accepts = options.pop("accepts", pattern.startswith(API))
        self.lock = options.pop("lock", True)
        self.since = options.pop("since", None)
        self.until = options.pop("until", None)
        assert not options, options
        self.parts = [read_part(part) for part in pattern.split("/")[1:]]
        self.rest = self.parts[-1][1] == "rest"
        # Literal parts are tried before parameters, from the left.
        self.order = [kind != "" for _, kind in self.parts]

    def is_in(self, harbor):
        return ((self.since is None or harbor.since(self.since)) and
                (self.until is None or not harbor.since(self.until)))

    def match(self, parts):
        """The values of the parameters, None if it is another path."""
        if len(parts) != len(self.parts) and not (
                self.rest and len(parts) > len(self.parts)):
            return None
        found = {}
        for place, (text, kind) in enumerate(self.parts):
            if kind == "rest":
                found[text] = "/".join(parts[place:])
            elif kind:
                found[text] = parts[place]
            elif text != parts[place]:
                return None
        return found


def read_part(part):
    """(text, kind); kind "" is literal, else "text", "int" or "rest"."""
    if part.startswith("{"):
        name, _, kind = part[1:-1].partition(":")
        return name, kind or "text"
    return part, ""


def route(method, pattern, **options):
    def register(handler):
        entry = Route(method, pattern, handler, dict(options))
        ROUTES.setdefault(entry.parts[0][0], []).append(entry)
        ROUTES[entry.parts[0][0]].sort(key=lambda one: one.order)
        return handler
    return register


def watches(method, pattern):
    def register(function):
        WATCHERS.setdefault((method, pattern), []).append(function)
        return function
    return register


def clean(path):
    return re.sub("/+", "/", path)


def find(harbor, method, path):
    """(route, parameters, methods of that path)"""
    parts = path.split("/")[1:]
    if len(parts) > 1 and parts[-1] == "" and path.startswith(API):
        parts.pop()
    methods = []
    best = None
    for entry in ROUTES.get(parts[0], ()):
        if (best is not None and entry.pattern != best.pattern) or (
                not entry.is_in(harbor)):
            continue
        found = entry.match(parts)
        if found is None:
            continue
        best = entry
        methods.append(entry.method)
        if entry.method == method:
            return entry, found, methods
    return None, None, methods


def check_parameters(entry, found):
    values = {}
    for text, kind in entry.parts:
        if not kind:
            continue
        value = found[text]
        if kind != "rest":
            value = urllib.parse.unquote(value)
        if kind == "int":
            if not INT.match(value) or abs(int(value)) >= 2 ** 63:
                raise invalid(f"{text} in path must be of type int64: "
                              f"\"{value}\"")
            value = int(value)
        values[text] = value
    return values


def invalid(*reasons):
    return Refusal(422, "validation failure list:\n" + "\n".join(reasons))


def check_media(request):
    if request.body:
        sent = request.headers.get("content-type", "application/octet-stream")
        if sent.split(";")[0].strip().lower() != MEDIA:
            raise invalid(f"unsupported media type \"{sent}\", only "
                          f"[{MEDIA}] are allowed")
    wanted = request.headers.get("accept", "*/*")
    if not any(one.split(";")[0].strip() in ("*/*", "application/*", MEDIA)
               for one in wanted.split(",")):
        raise invalid("unsupported media type requested, only "
                      f"[{MEDIA}] are available")


def not_found(request):
    if request.path.startswith(API):
        raise Refusal(404, f"path {request.path} was not found")
    return Response(404, guard.PAGE_NOT_FOUND,
                    content_type="text/html; charset=utf-8")


def dispatch(request):
    harbor = request.harbor
    entry, found, methods = find(harbor, request.method, request.path)
    if entry is None and not methods:
        return not_found(request)
    if entry is None:
        raise Refusal(405, f"method {request.method} is not allowed, but "
                           f"[{','.join(methods)}] are")
    if entry.accepts:
        check_media(request)
    request.params = check_parameters(entry, found)
    if entry.body is not None and (entry.body_needed or request.body):
        request.content = parse_body(request, entry.body, entry.body_name)
    if entry.lock:
        with harbor.lock:
            return transact(request, entry)
    return transact(request, entry)


def transact(request, entry):
    """Calls the handler; what it changed stays only if it succeeds."""
    journal = request.harbor.journal
    journal.begin()
    keep = False
    try:
        response = run_watched(request, entry)
        keep = response.status < 400
        return response
    finally:
        journal.end(keep)


def run_watched(request, entry):
    notes = [function(request) for function in
             WATCHERS.get((entry.method, entry.pattern), ())]
    response = entry.handler(request)
    for note in notes:
        if note is not None and response.status < 400:
            note(response)
    return response


def answer_inside(request):
    login.identify(request)
    guard.check_read_only(request)
    return dispatch(request)


def answer(request):
    request.id = request.headers.get("x-request-id") or str(uuid.uuid4())
    if re.search("%(?![0-9A-Fa-f]{2})", request.path):
        return Response(400, b"400 Bad Request", until_close=True,
                        content_type="text/plain; charset=utf-8")
    request.path = clean(request.path)
    try:
        guard.check_csrf(request)
        response = answer_inside(request)
    except guard.Denied as refusal:
        response = refusal.response()
        response.headers["X-Request-Id"] = request.id
        return response
    except Refusal as refusal:
        response = refusal.response()
    except Exception:
        request.harbor.crashes.append(traceback.format_exc())
        response = Refusal(500).response()
    guard.add_cookies(request, response)
    response.headers["X-Request-Id"] = request.id
    return response
