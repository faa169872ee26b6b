# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether requests and answers are as Harbor's own API descriptions say.

    findings = check_conformance(log, "2.9.0")

A log is a list of Exchange.  A Finding is a request that no operation
describes, something in one that its operation does not have, or a documented
field of an answer that is of another type.  What answers hold beyond the
description tells something about Harbor, not about who asks: that is
undocumented(log, version).

Between the versions described, what one of them allows is right.
"""
import collections
import json
import os
import re
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
DESCRIBED = {(2, 9): "swagger-2.9.0.json", (2, 16): "swagger-2.16.0-dev.json"}

# What Harbor's server takes for a boolean in a query or a header.
BOOLEANS = {"true", "false"}
LARGEST = (1 << 63) - 1
SMALLER = {"int32": (1 << 31) - 1, "uint64": (1 << 64) - 1}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"
                  r"(Z|[+-]\d\d:\d\d)")

# `path` is as it was sent, with query; names in `headers` are lower case;
# `body` and `answer` are JSON values, None for nothing, bytes for what is no
# JSON.
Exchange = collections.namedtuple(
    "Exchange", "method path headers body status answer")

# `place` is an operation, `part` what of it: path, query, header, body,
# status or answer.
Finding = collections.namedtuple("Finding", "place part text")


def check_conformance(log, version):
    return best_of(log, version, lambda description, exchange:
                   description.check(exchange))


def undocumented(log, version):
    """Fields and statuses of answers that the description does not have."""
    return best_of(log, version, lambda description, exchange:
                   description.check_beyond(exchange))


def best_of(log, version, look):
    """What every description that may be meant finds; of several the one that
    finds the least."""
    findings = []
    for exchange in log:
        found = [look(one, exchange) for one in descriptions(version)]
        for finding in min(found, key=len):
            if finding not in findings:
                findings.append(finding)
    return findings


def descriptions(version):
    """Those on both sides of a version; one where it is described itself."""
    number = tuple(int(part) for part in version.split(".")[:2])
    below = [one for one in DESCRIBED if one <= number]
    above = [one for one in DESCRIBED if one >= number]
    wanted = {max(below or above), min(above or below)}
    return [load(one) for one in sorted(wanted)]


LOADED = {}


def load(number):
    if number not in LOADED:
        name = os.path.join(HERE, "descriptions", DESCRIBED[number])
        with open(name, encoding="utf-8") as file:
            LOADED[number] = Description(json.load(file))
    return LOADED[number]


class Description:
    """One API description; see descriptions/README for its form."""

    def __init__(self, parts):
        self.base = parts["basePath"]
        self.parts = parts
        self.routes = [(path.split("/")[1:], path, operations)
                       for path, operations in parts["paths"].items()]

    def resolve(self, value):
        while isinstance(value, dict) and "$ref" in value:
            _, section, name = value["$ref"].split("/")
            value = self.parts[section][name]
        return value

    def find(self, exchange):
        """Path, operation and values of the path of a request; Nones."""
        path = exchange.path.partition("?")[0]
        wanted = path[len(self.base):].split("/")[1:]
        best = None
        for parts, name, operations in self.routes:
            method = exchange.method.lower()
            values = match(parts, wanted)
            if values is None or method not in operations:
                continue
            if best is None or len(values) < len(best[2]):
                best = name, operations[method], values
        return best or (None, None, None)

    def check(self, exchange):
        if not is_described(exchange, self.base):
            return []
        name, operation, values = self.find(exchange)
        if operation is None:
            path = exchange.path.partition("?")[0]
            return [Finding(f"{exchange.method} {path}", "path",
                            "no operation")]
        look = Look(self, f"{exchange.method} {name}")
        look.request(exchange, operation, values)
        look.answer(exchange, operation)
        return look.findings

    def check_beyond(self, exchange):
        if not is_described(exchange, self.base):
            return []
        name, operation, _ = self.find(exchange)
        if operation is None:
            return []
        look = Look(self, f"{exchange.method} {name}")
        look.answer(exchange, operation)
        return look.beyond


def is_described(exchange, base):
    return exchange.path.startswith(base + "/")


def match(parts, wanted):
    """The values of a path that is of a form, or None."""
    if len(parts) != len(wanted):
        return None
    values = {}
    for part, value in zip(parts, wanted):
        if part.startswith("{"):
            if not value:
                return None
            values[part[1:-1]] = urllib.parse.unquote(value)
        elif part != value:
            return None
    return values


class Look:
    """One exchange beside its operation."""

    def __init__(self, description, place):
        self.resolve = description.resolve
        self.place = place
        self.findings = []
        self.beyond = []

    def tell(self, part, text):
        self.findings.append(Finding(self.place, part, text))

    # What is asked.

    def request(self, exchange, operation, values):
        given = {"path": values, "query": query_of(exchange),
                 "header": exchange.headers, "body": {}}
        described = [self.resolve(one) for one in operation["parameters"]]
        self.accept(exchange, operation)
        for one in described:
            if one["in"] == "body":
                self.body(one, exchange)
                continue
            name = one["name"]
            if one["in"] == "header":
                name = name.lower()
            self.parameter(one, given[one["in"]].get(name))
        names = {one["name"] for one in described if one["in"] == "query"}
        for name in given["query"]:
            if name not in names:
                self.tell("query", f"{name}: no such parameter")
        if (exchange.body is not None
                and not any(one["in"] == "body" for one in described)):
            self.tell("body", "none is described")

    def accept(self, exchange, operation):
        """Harbor refuses who does not take what it has."""
        makes = operation.get("produces", ["application/json"])
        wanted = exchange.headers.get("accept", "*/*")
        kinds = {one.partition(";")[0].strip() for one in wanted.split(",")}
        if kinds.isdisjoint({"*/*", "application/*", *makes}):
            self.tell("header", f"Accept: {wanted!r}")

    def parameter(self, described, text):
        place = described["in"]
        name = described["name"]
        if text is None:
            if described.get("required"):
                self.tell(place, f"{name}: missing")
            return
        kind = described["type"]
        if kind == "integer":
            if not re.fullmatch("-?[0-9]+", text):
                self.tell(place, f"{name}: {text!r} is no integer")
            elif int(text) > described.get("maximum", LARGEST):
                self.tell(place, f"{name}: {text} is too large")
        elif kind == "boolean" and text not in BOOLEANS:
            self.tell(place, f"{name}: {text!r} is no boolean")
        elif "enum" in described and text not in described["enum"]:
            self.tell(place, f"{name}: {text!r} is none of the values")
        elif len(text) < described.get("minLength", 0):
            self.tell(place, f"{name}: too short")

    def body(self, described, exchange):
        if exchange.body is None:
            if described.get("required"):
                self.tell("body", "missing")
            return
        kind = exchange.headers.get("content-type", "")
        if kind.partition(";")[0].strip() != "application/json":
            self.tell("header", f"Content-Type: {kind!r}")
        self.value(described["schema"], exchange.body, "", "body")

    # What is answered.

    def answer(self, exchange, operation):
        status = str(exchange.status)
        if status not in operation["responses"]:
            self.beyond.append(Finding(self.place, "status", status))
            return
        schema = self.resolve(operation["responses"][status])
        if exchange.method == "HEAD":
            return
        if exchange.answer is None:
            if schema is not None:
                self.tell("answer", f"{status}: no body")
        elif schema is None:
            self.beyond.append(Finding(self.place, "answer",
                                       f"{status}: a body"))
        else:
            self.value(schema, exchange.answer, "", "answer")

    # Values of both.

    def value(self, schema, value, at, part):
        schema = self.resolve(schema)
        kind = kind_of(schema)
        if value is None:
            self.nothing(schema, kind, at, part)
        elif kind is not None and not IS[kind](value):
            self.tell(part, f"{at or '.'}: {describe(value)} is no {kind}")
        elif kind == "array":
            for one in value:
                self.value(schema.get("items", {}), one, at + "[]", part)
        elif kind == "object":
            self.members(schema, value, at, part)
        elif kind is not None:
            self.scalar(schema, value, at, part)

    def nothing(self, schema, kind, at, part):
        """Go writes null for an empty list or a struct that is not there, and
        reads it so."""
        if kind in ("array", "object", None) or schema.get("x-nullable"):
            return
        if not schema.get("x-isnullable"):
            self.tell(part, f"{at or '.'}: null is no {kind}")

    def members(self, schema, value, at, part):
        known = schema.get("properties", {})
        more = schema.get("additionalProperties", not known)
        for name in schema.get("required", []):
            if name not in value:
                self.tell(part, f"{at}.{name}: missing")
        for name, one in value.items():
            place = f"{at}.{name}"
            if name in known:
                self.value(known[name], one, place, part)
            elif isinstance(more, dict):
                self.value(more, one, f"{at}.*", part)
            elif more:
                continue
            elif part == "body":
                self.tell(part, f"{place}: no such field")
            else:
                self.beyond.append(Finding(self.place, part, place))

    def scalar(self, schema, value, at, part):
        if "enum" in schema and value not in schema["enum"]:
            self.tell(part, f"{at}: {value!r} is none of the values")
        if (schema.get("format") == "date-time"
                and not TIME.fullmatch(value)):
            self.tell(part, f"{at}: {value!r} is no time")
        if (schema.get("format") == "uri"
                and not urllib.parse.urlsplit(value).scheme):
            self.tell(part, f"{at}: {value!r} is no address")
        largest = SMALLER.get(schema.get("format"), LARGEST)
        if is_number(value) and abs(value) > largest:
            self.tell(part, f"{at}: {value} is too large")
        if (part == "body" and "maxLength" in schema
                and len(value) > schema["maxLength"]):
            self.tell(part, f"{at}: too long")


def kind_of(schema):
    """The type of a value; None for any.  An object of which nothing is said
    is an interface{} in Harbor."""
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    kind = schema.get("type")
    return None if kind == "object" else kind


def query_of(exchange):
    text = exchange.path.partition("?")[2]
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


IS = {"string": lambda value: isinstance(value, str),
      "integer": lambda value: is_number(value) and value == int(value),
      "number": is_number,
      "boolean": lambda value: isinstance(value, bool),
      "array": lambda value: isinstance(value, list),
      "object": lambda value: isinstance(value, dict)}


def describe(value):
    """A value in a finding: its type, so that equal mistakes are one."""
    for kind, holds in IS.items():
        if holds(value):
            return f"a {kind}"
    return "what is not JSON" if isinstance(value, bytes) else repr(value)
