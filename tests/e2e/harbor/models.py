# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bodies as the server's generated code reads JSON.

    GROUP = Model("UserGroup", group_name=str, group_type=int)
    ROBOT = Model("RobotCreate", permissions=[PERMISSION])

Keys match without regard to case, the last one counts, unknown ones and null
are as if they were absent; a value of the wrong type is 422 in the words of
Go's decoder.  What is read is a dict of the keys that were there.
"""
import json

from .wire import Refusal

NAMES = {str: "string", int: "int64", bool: "bool", float: "float64"}


class Int32(int):
    """A field whose Go type is int32."""


NAMES[Int32] = "int32"


class Any:
    """A field that takes any JSON value."""


class Map:
    """A field that is an object with values of one type."""

    def __init__(self, of):
        self.of = of


class Model:
    def __init__(self, go_name, pointer=True, **fields):
        self.go_name = go_name
        self.fields = fields
        self.pointer = pointer


class WrongType(Exception):
    pass


def go_type(kind, nested=False):
    if isinstance(kind, list):
        return "[]" + go_type(kind[0], True)
    if isinstance(kind, Map):
        return "map[string]" + go_type(kind.of)
    if isinstance(kind, Model):
        return ("*" if nested and kind.pointer else "") + (
            "models." + kind.go_name)
    return NAMES[kind]


def describe(value):
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Number):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


class Number(str):
    """A number in JSON, as it was written."""


def wrong(value, kind, where):
    found = describe(value)
    if isinstance(value, Number) and where[2]:
        found += f" {value}"
    place = (f"Go struct field {where[0]}.{where[1]}" if where[1]
             else "Go value")
    return WrongType(f"json: cannot unmarshal {found} into {place} of type "
                     f"{go_type(kind)}")


def convert(value, kind, holder="", path=""):
    if isinstance(kind, Model):
        return convert_object(value, kind, holder, path)
    where = (holder, path, False)
    if isinstance(kind, list):
        if not isinstance(value, list):
            raise wrong(value, kind, where)
        return [None if one is None else
                convert(one, kind[0], holder, path) for one in value]
    if isinstance(kind, Map):
        if not isinstance(value, list_of_pairs):
            raise wrong(value, kind, where)
        return {key: convert(one, kind.of, holder, path)
                for key, one in value.pairs if one is not None}
    if kind is Any:
        return plain(value)
    return convert_scalar(value, kind, where)


def convert_scalar(value, kind, where):
    if kind is str and type(value) is str:
        return value
    if kind is bool and isinstance(value, bool):
        return value
    if isinstance(value, Number) and kind in (int, Int32, float):
        if kind is float:
            return float(value)
        bits = 31 if kind is Int32 else 63
        try:
            number = int(str(value))
        except ValueError:
            number = 2 ** 64
        if -2 ** bits <= number < 2 ** bits:
            return number
        raise wrong(value, kind, (*where[:2], True))
    raise wrong(value, kind, where)


class list_of_pairs:
    """An object of JSON with its keys in order, twice if they are."""

    def __init__(self, pairs):
        self.pairs = pairs


def convert_object(value, model, holder, path):
    if not isinstance(value, list_of_pairs):
        raise wrong(value, model, (holder, path, False))
    names = {name.lower(): name for name in model.fields}
    found = {}
    for key, one in value.pairs:
        name = names.get(key.lower())
        if name is None:
            continue
        if one is None:
            found.pop(name, None)
            continue
        inner = f"{path}.{name}" if path else name
        kind = model.fields[name]
        found[name] = convert(one, kind, holder or model.go_name, inner)
    return found


def plain(value):
    """Any JSON value with Python's own types."""
    if isinstance(value, list_of_pairs):
        return {key: plain(one) for key, one in value.pairs}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, Number):
        text = str(value)
        return int(text) if text.lstrip("-").isdigit() else float(text)
    return value


DECODER = json.JSONDecoder(object_pairs_hook=list_of_pairs, strict=False,
                           parse_int=Number, parse_float=Number)


def decode(text):
    """The first JSON value of a text; what follows is not looked at."""
    text = text.lstrip(" \t\r\n")
    try:
        return DECODER.raw_decode(text)[0]
    except json.JSONDecodeError as error:
        rest = text[error.pos:].strip()
        if not rest:
            raise WrongType("unexpected EOF") from None
        raise WrongType(f"invalid character '{rest[0]}' looking for "
                        "beginning of value") from None


def parse_body(request, model, name):
    """The body of a request as `model` reads it."""
    if not request.body:
        raise Refusal(422, "validation failure list:\n"
                           f"{name} in body is required")
    text = request.body.decode("utf-8", "replace")
    try:
        value = decode(text)
        if value is None:
            return {}
        return convert(value, model)
    except WrongType as error:
        raise Refusal(422, "validation failure list:\nparsing "
                           f"{name} body from \"\" failed, because "
                           f"{error}") from None
