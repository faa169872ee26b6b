# SPDX-License-Identifier: LGPL-2.1-or-later
"""One Harbor: its settings, tables and clock, and what tests see and do.

    requests -> rules (faults, second writers) -> routes.answer -> tables
         \\-> log

Everything is guarded by `lock`, which a request holds while its handler runs,
unless its route says otherwise.
"""
import datetime
import re
import secrets
import threading
import time
import weakref

from . import login, routes, settings
from .rowlocks import RowLocks
from .tables import Journal, Table
from .wire import Dropped, Listener, Refusal, Response

INSTALLERS = []  # (phase, function)
LIVE = weakref.WeakSet()
OBSERVERS = []   # functions (harbor, Logged, whether a rule answered)
SECRET_KEYS = ("authorization", "cookie", "x-harbor-csrf-token")
EPOCH = datetime.datetime(1970, 1, 1)
UNSET_TIME = "0001-01-01T00:00:00.000Z"


def installs(phase=0):
    """A function that a new Harbor is given to, the lowest phase first: 0
    makes tables, 1 fills them, 2 refers to what 1 made."""
    def register(function):
        INSTALLERS.append((phase, function))
        return function
    return register


def format_time(at_ms):
    """As the API shows a time; None has not been set."""
    if at_ms is None:
        return UNSET_TIME
    when = EPOCH + datetime.timedelta(milliseconds=at_ms)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def parse_time(text):
    """Milliseconds of a time as in a filter; None if it is not one."""
    for shape in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
        try:
            when = datetime.datetime.strptime(text, shape)
            return int((when - EPOCH).total_seconds() * 1000)
        except ValueError:
            pass
    return None


class Logged:
    """A request as it came, without secrets in its headers."""

    def __init__(self, request):
        self.method = request.method
        self.target = request.target
        self.path = request.path
        self.headers = {name: value
                        for name, value in request.headers.items()
                        if name not in SECRET_KEYS}
        self.sent_cookie = "cookie" in request.headers
        self.body = request.body
        self.caller = None  # name of whom it was taken for, once known
        self.status = None  # once it is answered, with
        self.answer = None  # these bytes
        self.at = time.monotonic()

    @property
    def is_write(self):
        return self.method not in ("GET", "HEAD", "OPTIONS")

    def __repr__(self):
        return f"{self.method} {self.target} -> {self.status}"


class Rule:
    """What happens to requests of this method whose target matches."""

    def __init__(self, method, pattern, times, after, what):
        self.method = method
        self.pattern = re.compile(pattern)
        self.times = times
        self.after = after  # so many of them pass first
        self.what = what

    def applies(self, request):
        if self.method not in ("*", request.method):
            return False
        if self.times <= 0 or not self.pattern.search(request.target):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


class Harbor:
    """`version` is "2.9.0" to "2.16.0", also in short ("2.12"); `release` is
    what systeminfo calls it.  `reaches` maps HOST:PORT as a request names it
    to the one that is really there, for what Harbor itself connects to."""

    def __init__(self, version="2.9.0", robot_prefix="robot$",
                 auth_mode="db_auth", admin_password="Harbor12345",
                 login_pause_s=1.5, deadlock_after_s=0.05, release=None,
                 external_url=None, reaches=None, port=0, **config):
        self.version = tuple(int(part) for part in version.split("."))
        self.release = release or f"v{version}-{secrets.token_hex(4)}"
        self.admin_password = admin_password
        self.login_pause_s = login_pause_s
        self.reaches = dict(reaches or {})
        self.config = dict(settings.defaults(self), auth_mode=auth_mode,
                           robot_name_prefix=robot_prefix, **config)
        self.lock = threading.RLock()
        self.journal = Journal()
        self.locks = login.Locks()
        self.row_locks = RowLocks(deadlock_after_s,
                                  lambda: len(self.listener.open) > 1)
        self.tables = {}
        self.down = set()      # components that do not answer: "jobservice"
        self.crashes = []      # tracebacks of handlers: a defect of ours
        self.log = []
        self.rules = []
        self.guard = threading.Lock()  # of log, rules and clock
        self.last_ms = 0
        self.clock_offset_ms = 0
        for _, function in sorted(INSTALLERS, key=lambda item: item[0]):
            function(self)
        self.listener = Listener(self, self.answer, port)
        self.port = self.listener.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.external_url = external_url or self.url
        LIVE.add(self)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is None and self.crashes:
            raise AssertionError("the double failed:\n" + self.crashes[0])

    def stop(self):
        self.listener.stop()

    def secrets(self):
        """What nobody may tell of it: all that opens a door now."""
        return {text for row in [*self.table("robot"), *self.table("user")]
                for text in (row.get("secret"), row.get("password")) if text}

    def since(self, version):
        """True from that version on, "2.12" for example."""
        return self.version >= tuple(int(n) for n in version.split("."))

    # Tables and clock, for the modules.

    def make_table(self, name, unique=(), key="id"):
        self.tables[name] = Table(self.journal, unique, key)
        return self.tables[name]

    def table(self, name):
        return self.tables[name]

    def now_ms(self):
        """Never the same twice: what happened later shows a later time."""
        with self.guard:
            real = time.time_ns() // 1000000 + self.clock_offset_ms
            self.last_ms = max(self.last_ms + 1, real)
            return self.last_ms

    def real_address(self, address):
        """HOST:PORT to connect to when Harbor is told `address`."""
        return self.reaches.get(address, address)

    # What tests do to it and ask of it.

    def rule(self, method, pattern, times=10 ** 9, after=0, **what):
        """For requests to come; the first rule that applies does one thing:
        status (answered with it, by `body` or Harbor's error of it, and not
        executed), before (a function that is called first), drop (True: the
        connection is cut), lose (True: it is executed and the answer is not
        sent), pause_s (answered so much later)."""
        with self.guard:
            self.rules.append(Rule(method, pattern, times, after, what))

    def forget(self):
        """The log starts again, rules are gone."""
        with self.guard:
            self.log = []
            self.rules = []

    def requests(self, method=None, pattern=""):
        with self.guard:
            return [entry for entry in self.log
                    if method in (None, entry.method) and
                    re.search(pattern, entry.target)]

    def count(self, method=None, pattern=""):
        return len(self.requests(method, pattern))

    def writes(self, pattern=""):
        return [entry for entry in self.requests(None, pattern)
                if entry.is_write]

    def reads(self, pattern=""):
        return [entry for entry in self.requests(None, pattern)
                if not entry.is_write]

    # Answering.

    def find_rule(self, request):
        with self.guard:
            for rule in self.rules:
                if rule.applies(request):
                    return rule.what
        return {}

    def answer(self, request):
        entry = Logged(request)
        request.logged = entry
        with self.guard:
            self.log.append(entry)
        what = self.find_rule(request)
        if what.get("before"):
            what["before"]()
        if what.get("pause_s"):
            time.sleep(what["pause_s"])
        if what.get("drop"):
            raise Dropped()
        if what.get("status"):
            response = make_fault(what)
        else:
            response = routes.answer(request)
        entry.status = response.status
        entry.answer = response.data
        for observe in OBSERVERS:
            observe(self, entry, bool(what.get("status")))
        if what.get("lose"):
            raise Dropped()
        return response


def make_fault(what):
    if "body" in what:
        return Response(what["status"], what["body"], what.get("headers"))
    if what["status"] in (502, 503, 504, 429):
        return Response(what["status"], b"", what.get("headers"))
    return Refusal(what["status"], headers=what.get("headers")).response()
