# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who a request is from: a user, a robot, or nobody.

Nobody is also whoever could not be logged in: what that means is for each
route to say, with 401 or with what is public.  A wrong password holds the
answer back and locks the name meanwhile, for right passwords too.
"""
import base64
import binascii
import threading
import time

from .wire import Refusal

BEARERS = []  # functions (request, token) -> Caller or None


def takes_bearer(function):
    BEARERS.append(function)
    return function


class Caller:
    """`kind` is user, robot or nobody; `row` that of its table."""

    def __init__(self, kind="nobody", row=None, name=""):
        self.kind = kind
        self.row = row
        self.name = name

    @property
    def is_known(self):
        return self.kind != "nobody"

    @property
    def is_user(self):
        return self.kind == "user"

    @property
    def is_robot(self):
        return self.kind == "robot"

    @property
    def is_admin(self):
        return self.kind == "user" and self.row["sysadmin"]


NOBODY = Caller()


class Locks:
    """Names that nobody can log in with for a moment."""

    def __init__(self):
        self.until = {}
        self.guard = threading.Lock()

    def has(self, name):
        with self.guard:
            return self.until.get(name, 0) > time.monotonic()

    def add(self, name, seconds):
        with self.guard:
            self.until[name] = time.monotonic() + seconds


def read_basic(request):
    """(name, password) or None."""
    kind, _, rest = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def full_name(harbor, robot):
    """The name that a robot row logs in with."""
    return harbor.config["robot_name_prefix"] + robot["name"]


def find_robot(harbor, name):
    """The robot row of a full name, None if there is none."""
    prefix = harbor.config["robot_name_prefix"]
    if not name.startswith(prefix):
        return None
    return harbor.table("robot").find(name=name[len(prefix):])


def is_expired(harbor, robot):
    return 0 <= robot["expires_at"] <= harbor.now_ms() // 1000


def log_in_robot(harbor, name, password):
    robot = find_robot(harbor, name)
    if (robot is None or robot["secret"] in (None, "") or
            robot["secret"] != password or robot["disable"] or
            is_expired(harbor, robot)):
        return None
    return Caller("robot", robot, name)


def check_user(harbor, name, password):
    """The user row if name, or e-mail address, and password fit."""
    users = harbor.table("user")
    row = users.find(username=name) or (
        users.find(email=name) if name else None)
    if row is None or row["deleted"] or row["password"] != password:
        return None
    if harbor.config["auth_mode"] != "db_auth" and row["id"] != 1:
        return None
    return row


def log_in_user(harbor, name, password):
    if harbor.locks.has(name):
        return None
    with harbor.lock:
        row = check_user(harbor, name, password)
    if row is None:
        harbor.locks.add(name, harbor.login_pause_s)
        time.sleep(harbor.login_pause_s)
        return None
    return Caller("user", row, row["username"])


def identify(request):
    """Sets request.caller."""
    request.caller = NOBODY
    harbor = request.harbor
    kind, _, rest = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        for function in BEARERS:
            request.caller = function(request, rest.strip()) or request.caller
        return
    given = read_basic(request)
    if given is None:
        return
    with harbor.lock:
        caller = log_in_robot(harbor, *given)
    request.caller = caller or log_in_user(harbor, *given) or NOBODY
    request.logged.caller = request.caller.name or None


def require_known(request, message="unauthorized"):
    if not request.caller.is_known:
        raise Refusal(401, message)
