# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether two answers of Harbor mean the same.

What is random by nature differs, and is compared by its shape: times, upload
ids, secrets of robots, tokens.  A Memory knows what stood for what before: the
same time in the recording must be the same time again.
"""
import json
import re

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECRET = re.compile(r"[A-Za-z0-9]{32}$")
UNSET = "0001-01-01T00:00:00.000Z"
EPOCH_S = 1500000000
# Lists whose order nobody promises.
UNORDERED = ("permissions", "access")
# Keys whose values are random, whatever they are.
RANDOM = ("jti", "job_id", "kid", "token", "exp", "nbf", "iat", "issued_at")
METHODS = re.compile(r"(?<=but \[)[A-Z,]+(?=\] are)")


class Memory:
    """What of the recording stood for what of the double."""

    def __init__(self):
        self.known = {}

    def learn(self, recorded, found):
        """False if it stood for something else before."""
        return self.known.setdefault(recorded, found) == found

    def translate(self, text):
        return UUID.sub(lambda match: self.known.get(match[0], match[0]),
                        text)


def sort_key(value):
    if isinstance(value, dict):
        value = {key: sorted(map(sort_key, one)) if key in UNORDERED and
                 isinstance(one, list) else one
                 for key, one in value.items()}
    return json.dumps(value, sort_keys=True)


def compare_text(recorded, found, key, memory):
    if recorded == found:
        return True
    if key in RANDOM and type(recorded) is type(found):
        return True
    if recorded == UNSET or found == UNSET:
        return False
    if TIME.match(recorded) and TIME.match(found):
        return (len(recorded) == len(found) and
                memory.learn(recorded, found))
    if UUID.fullmatch(recorded) and UUID.fullmatch(found):
        return memory.learn(recorded, found)
    if key == "secret":
        return bool(SECRET.match(recorded) and SECRET.match(found))
    if key == "message":
        return sort_methods(memory.translate(recorded)) == sort_methods(found)
    return memory.translate(recorded) == found


def sort_methods(text):
    return METHODS.sub(lambda match: ",".join(sorted(match[0].split(","))),
                       text)


def compare_objects(recorded, found, where, memory):
    for key in recorded:
        if key not in found:
            yield f"{where}: {key} is missing"
    for key in found:
        if key not in recorded:
            yield f"{where}: {key} is too much ({found[key]!r})"
    for key in recorded:
        if key in found:
            yield from compare(recorded[key], found[key], f"{where}.{key}",
                               memory, key)
    yield from compare_terms(recorded, found, where)


def seconds(text):
    import datetime
    when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return (when - datetime.datetime(1970, 1, 1)).total_seconds()


def compare_terms(recorded, found, where):
    """A robot's term counts from when it was made."""
    terms = []
    for one in (recorded, found):
        if not isinstance(one.get("expires_at"), int) or (
                one["expires_at"] < EPOCH_S or "creation_time" not in one or
                "items" in one):
            return
        terms.append(one["expires_at"] - seconds(one["creation_time"]))
    if abs(terms[0] - terms[1]) > 2:
        yield f"{where}: a term of {terms[1]} s, recorded {terms[0]}"


def compare_lists(recorded, found, where, memory, key):
    if len(recorded) != len(found):
        yield (f"{where}: {len(found)} entries, recorded {len(recorded)}: "
               f"{json.dumps(found)[:300]}")
        return
    if key in UNORDERED:
        recorded = sorted(recorded, key=sort_key)
        found = sorted(found, key=sort_key)
    for place, (one, other) in enumerate(zip(recorded, found)):
        yield from compare(one, other, f"{where}[{place}]", memory)


def compare(recorded, found, where, memory, key=None):
    """The differences, as texts."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        yield from compare_objects(recorded, found, where, memory)
    elif isinstance(recorded, list) and isinstance(found, list):
        yield from compare_lists(recorded, found, where, memory, key)
    elif isinstance(recorded, str) and isinstance(found, str):
        if not compare_text(recorded, found, key, memory):
            yield f"{where}: {found!r}, recorded {recorded!r}"
    elif (type(recorded) is int and type(found) is int and
          min(recorded, found) > EPOCH_S):
        return
    elif recorded != found or type(recorded) is not type(found):
        yield f"{where}: {found!r}, recorded {recorded!r}"


# Headers.

def cookie_names(values):
    return [value.split("=")[0] for value in values]


def compare_headers(recorded, answer, request, memory):
    found = {name.lower(): value for name, value in answer.headers.items()
             if name.lower() not in ("date", "connection")}
    wanted = {name.lower(): value for name, value in recorded.items()}
    for name in sorted(set(wanted) - set(found)):
        yield f"header {name} is missing ({wanted[name]!r})"
    for name in sorted(set(found) - set(wanted)):
        yield f"header {name} is too much ({found[name]!r})"
    for name in sorted(set(wanted) & set(found)):
        if not same_header(name, wanted[name], found[name], request, memory):
            yield f"header {name}: {found[name]!r}, recorded {wanted[name]!r}"


def same_header(name, wanted, found, request, memory):
    if name == "set-cookie":
        return wanted == cookie_names(found)
    if name == "x-request-id":
        sent = request["headers"].get("x-request-id")
        return found == sent if sent else bool(UUID.fullmatch(found))
    if name == "x-harbor-csrf-token":
        return len(found) == 88
    if name in ("location", "docker-upload-uuid"):
        return same_place(wanted, found, memory)
    if name == "content-length":
        return wanted == found
    return wanted == found or memory.translate(wanted) == found


def same_place(wanted, found, memory):
    """Where an upload goes on: its id and state are random."""
    old, new = UUID.search(wanted), UUID.search(found)
    if old and new:
        memory.learn(old[0], new[0])
    wanted, _, state = memory.translate(wanted).partition("_state=")
    found, _, other = found.partition("_state=")
    return wanted == found and bool(state) == bool(other)


def is_page(recorded):
    """Pages for people are compared by their kind only."""
    return recorded["headers"].get("Content-Type", "").startswith("text/html")


def has_random_length(recorded):
    body = recorded["body"]
    return is_page(recorded) or (isinstance(body, dict) and "token" in body)


def compare_answers(recorded, answer, request, memory):
    """Differences between a recorded response and the Answer of a double."""
    if recorded["status"] != answer.status:
        yield (f"status {answer.status}, recorded {recorded['status']}: "
               f"{answer.data[:300]!r}, recorded {recorded['body']!r}")
        return
    headers = dict(recorded["headers"])
    if has_random_length(recorded):
        for name in ("Content-Length", "Transfer-Encoding"):
            headers.pop(name, None)
            answer.headers.pop(name, None)
    yield from compare_headers(headers, answer, request, memory)
    if not is_page(recorded):
        yield from compare(recorded["body"], answer.body(recorded["body"]),
                           "body", memory)
