# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists: q= filters, sort, page and page_size, X-Total-Count and Link.

    return paged(request, rows, render, columns=COLUMNS, sort="name")

`columns` maps what a filter or sort may name to (type, getter); `rows` are in
the order of storage; `render` makes JSON of a row that is on the page.
"""
import functools
import re
import urllib.parse

from .routes import INT, invalid
from .state import parse_time
from .wire import Refusal, Response


class Column:
    """`kind` is int, str, bool or "time" (milliseconds)."""

    def __init__(self, kind, name):
        self.kind = kind
        self.get = name if callable(name) else (
            lambda row, key=name: row.get(key))


def integer(request, name, default, lowest=None, highest=None):
    """A number of the query; refuses what is none."""
    text = request.query.get(name, "")
    if text == "":
        return default
    if not INT.match(text) or abs(int(text)) >= 2 ** 63:
        raise invalid(f"{name} in query must be of type int64: \"{text}\"")
    value = int(text)
    if highest is not None and value > highest:
        raise invalid(f"{name} in query should be less than or equal to "
                      f"{highest}")
    if lowest is not None and value < lowest:
        raise invalid(f"{name} in query should be greater than or equal to "
                      f"{lowest}")
    return value


def boolean(request, name):
    """True, False, or None if the query does not say."""
    text = request.query.get(name, "")
    if text == "":
        return None
    return text.lower() in ("true", "1", "yes", "ok", "y", "on", "selected",
                            "checked", "t", "enabled")


class Filter:
    """How one key of q= is compared: exact, fuzzy, range, any or all."""

    def __init__(self, how, values):
        self.how = how
        self.values = values


def read_value(text):
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return int(text) if INT.match(text) else text


def read_filter(text):
    ends = {"[": "]", "{": "}", "(": ")"}
    if text.startswith("~"):
        return Filter("fuzzy", [text[1:]])
    end = ends.get(text[0])
    if end is None:
        return Filter("exact", [read_value(text)])
    if not text.endswith(end):
        raise Refusal(400, f"invalid query string value: {text}")
    inside = text[1:-1]
    if text[0] == "[":
        parts = inside.split("~")
        if len(parts) != 2:
            raise Refusal(400, f"invalid query string value: {text}")
        return Filter("range", [read_value(part) if part.strip() else None
                                for part in parts])
    return Filter("any" if text[0] == "{" else "all",
                  [read_value(part) for part in inside.split()])


def read_q(request):
    """{key: Filter}.  The text is decoded once more than a query is."""
    text = request.query.get("q", "")
    if not text:
        return {}
    if not re.search("%(?![0-9A-Fa-f]{2})", text):
        text = urllib.parse.unquote_plus(text)
    found = {}
    for part in text.split(","):
        key, sign, value = part.partition("=")
        key, value = key.strip(), value.strip()
        if not sign or not key or not value:
            raise Refusal(400, "the query string must contain \"=\" and the "
                               "key/value cannot be empty")
        found[key] = read_filter(value)
    return found


def typed(column, value):
    """A filter's value as the column keeps it; the database refuses others."""
    if value is None:
        return None
    if column.kind is int:
        if not isinstance(value, int):
            raise Refusal(500)
        return value
    if column.kind is bool:
        return str(value).lower() in ("true", "t", "1", "yes", "on")
    if column.kind == "time":
        at = parse_time(str(value))
        if at is None:
            raise Refusal(500)
        return at
    return str(value)


@functools.lru_cache(512)
def like_pattern(text):
    """What Harbor's database looks for.  Its layer of queries escapes per
    cent signs once too often: they match a backslash and anything."""
    found, escaped = "", False
    for letter in escape_like(text):
        if escaped:
            found, escaped = found + re.escape(letter), False
        elif letter == "\\":
            escaped = True
        else:
            found += {"%": ".*", "_": "."}.get(letter, re.escape(letter))
    return re.compile(found, re.IGNORECASE | re.DOTALL)


def escape_like(text):
    for letter in "\\%_":
        text = text.replace(letter, "\\" + letter)
    return text.replace("%", "\\%")


def like(text, value):
    """True if a fuzzy filter for `text` finds `value`."""
    return bool(like_pattern(text).search(value or ""))


def accepts(column, one, row):
    value = column.get(row)
    if one.how == "fuzzy":
        return like(one.values[0], str(value if value is not None else ""))
    wanted = [typed(column, entry) for entry in one.values]
    if one.how == "range":
        low, high = wanted
        if value is None:
            return False
        return ((low is None or value >= low) and
                (high is None or value <= high))
    if one.how == "all":
        return all(value == entry for entry in wanted)
    return value in wanted


def matching(rows, filters, columns):
    for key, one in filters.items():
        column = columns.get(key)
        if column is not None:
            for entry in one.values if one.how != "fuzzy" else ():
                typed(column, entry)
            rows = [row for row in rows if accepts(column, one, row)]
    return rows


def compare(first, second):
    """None comes last, as the database sorts it."""
    if first is None or second is None:
        return (first is None) - (second is None)
    return (first > second) - (first < second)


def ordered(rows, keys, columns):
    for key in reversed(keys):
        column = columns.get(key.lstrip("-"))
        if column is not None:
            rows = sorted(rows, key=functools.cmp_to_key(
                lambda a, b, get=column.get: compare(get(a), get(b))),
                reverse=key.startswith("-"))
    return rows


def sort_keys(request, default, columns):
    keys = [key.strip() for key in request.query.get("sort", "").split(",")]
    known = [key for key in keys if key.lstrip("-") in columns]
    return known or [key for key in default.split(",") if key]


def link_to(request, page, page_size, relation):
    values = {name: value for name, value in request.query.items()}
    values.update(page=str(page), page_size=str(page_size))
    text = "&".join(f"{name}={values[name]}" for name in sorted(values))
    return f"<{request.path}?{text}>; rel=\"{relation}\""


def links(request, total, page, page_size):
    found = []
    if page_size == 0:
        return found
    if page > 1 and (page - 1) * page_size <= total:
        found.append(link_to(request, page - 1, page_size, "prev"))
    if page * page_size < total:
        found.append(link_to(request, page + 1, page_size, "next"))
    return found


def page_of(request):
    """(page, page_size) as asked for; refuses what is not allowed."""
    page = integer(request, "page", 1)
    return page, integer(request, "page_size", 10, highest=100)


def sliced(rows, page, page_size):
    if page_size <= 0:
        return rows
    start = max(page - 1, 0) * page_size
    return rows[start:start + page_size]


def paged(request, rows, render, columns=None, sort="", total=None,
          searches=True, arrange=None, filters=None):
    """The answer of a list; `total` is what X-Total-Count says if that is
    not the number of rows.  A list that `searches` not knows neither q nor
    sort; `arrange` orders what is on a page; `filters` is what q says if the
    caller has read it already."""
    columns = columns or {}
    page, page_size = page_of(request)
    rows = list(rows)
    if searches:
        rows = matching(rows, read_q(request) if filters is None
                        else filters, columns)
        rows = ordered(rows, sort_keys(request, sort, columns), columns)
    count = len(rows) if total is None else total
    headers = {"X-Total-Count": str(count)}
    found = links(request, count, page, page_size)
    if found:
        headers["Link"] = " , ".join(found)
    shown = sliced(rows, page, page_size)
    if arrange:
        shown = arrange(shown)
    return Response(200, [render(row) for row in shown], headers)
