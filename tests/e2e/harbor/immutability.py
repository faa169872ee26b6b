# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which tags may neither move nor go, by the immutable rules of a project."""
import json
import re

from .wire import Refusal


def matches(pattern, name):
    """doublestar: ** is anything, * anything but slashes, {a,b} either."""
    return re.fullmatch(translate(pattern), name) is not None


def translate(pattern):
    text = ""
    place = 0
    depth = 0
    while place < len(pattern):
        one = pattern[place]
        if pattern.startswith("**", place):
            text += ".*"
            place += 1
        elif one == "*":
            text += "[^/]*"
        elif one == "?":
            text += "[^/]"
        elif one == "{":
            text += "(?:"
            depth += 1
        elif one == "}" and depth:
            text += ")"
            depth -= 1
        elif one == "," and depth:
            text += "|"
        else:
            text += re.escape(one)
        place += 1
    return text


def selects(selectors, name):
    """True if a name passes each of the selectors."""
    return all(matches(one["pattern"], name) !=
               one["decoration"].lower().endswith("excludes")
               for one in selectors)


def is_immutable(harbor, project_id, repository_name, tag_name):
    short = repository_name.partition("/")[2]
    for row in harbor.table("immutable").select(project_id=project_id):
        if row["disabled"]:
            continue
        rule = json.loads(row["text"])
        scopes = (rule["scope_selectors"] or {}).get("repository") or []
        if selects(scopes, short) and selects(rule["tag_selectors"] or [],
                                              tag_name):
            return True
    return False


def refuse_push(harbor, repository_name, reference):
    """A tag that is there and immutable is not written, not even as it is."""
    repository = harbor.table("repository").find(name=repository_name)
    if repository is None or harbor.table("tag").find(
            repository_id=repository["id"], name=reference) is None:
        return
    if is_immutable(harbor, repository["project_id"], repository_name,
                    reference):
        short = repository_name.partition("/")[2]
        raise Refusal(412, "Failed to process request due to "
                           f"'{short}:{reference}' configured as immutable.")


def refuse_delete(harbor, artifact, tag):
    repository = harbor.table("repository").get(artifact["repository_id"])
    if is_immutable(harbor, artifact["project_id"], repository["name"],
                    tag["name"]):
        raise Refusal(412, f"the tag {tag['name']} configured as immutable, "
                           "cannot be deleted")
