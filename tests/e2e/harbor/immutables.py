# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rules for tags that must not change: /projects/{p}/immutabletagrules.

What makes a rule unique in its project is its whole text, numbers and flags
included.  `disabled` is a column of its own: a PUT that flips it changes
nothing else.
"""
import json

from .models import Any, Map, Model
from .paging import Column, paged
from .rights import require_project
from .routes import API, route
from .state import installs
from .tables import Clash
from .wire import Refusal, Response

SELECTOR = Model("ImmutableSelector", kind=str, decoration=str, pattern=str,
                 extras=str)
RULE = Model("ImmutableRule", id=int, priority=int, disabled=bool, action=str,
             template=str, params=Map(Any), tag_selectors=[SELECTOR],
             scope_selectors=Map([SELECTOR]))
RULES = API + "projects/{project_name_or_id}/immutabletagrules"
ONE_RULE = RULES + "/{immutable_rule_id:int}"
COLUMNS = {"id": Column(int, "id"), "disabled": Column(bool, "disabled")}


@installs(0)
def make_tables(harbor):
    harbor.make_table("immutable", unique=[("project_id", "text")])


def kept_selectors(selectors):
    """What is kept of a list of selectors, None if there was none."""
    if selectors is None:
        return None
    return [{name: one.get(name, "")
             for name in ("kind", "decoration", "pattern")}
            for one in selectors]


def to_text(rule, project):
    """The rule as it is kept, and compared."""
    scopes = rule.get("scope_selectors")
    return json.dumps({
        "id": rule.get("id", 0), "project_id": project["id"],
        "disabled": rule.get("disabled", False),
        "priority": rule.get("priority", 0), "action": rule.get("action", ""),
        "template": rule.get("template", ""),
        "tag_selectors": kept_selectors(rule.get("tag_selectors")),
        "scope_selectors": scopes and {
            name: kept_selectors(scopes[name]) for name in sorted(scopes)}})


def shown_selectors(selectors):
    return selectors and [{name: value for name, value in
                           sorted(one.items()) if value}
                          for one in selectors]


def show_rule(row):
    rule = json.loads(row["text"])
    shown = {"id": row["id"], "disabled": row["disabled"]}
    for name in ("action", "priority", "template"):
        shown[name] = rule[name]
    shown["scope_selectors"] = {
        name: shown_selectors(selectors)
        for name, selectors in (rule["scope_selectors"] or {}).items()}
    shown = {name: value for name, value in shown.items() if value}
    shown["tag_selectors"] = shown_selectors(rule["tag_selectors"])
    return dict(sorted(shown.items()))


def rules_of(harbor, project):
    """In the order of the index by text, in which the database finds them."""
    return sorted(harbor.table("immutable").select(project_id=project["id"]),
                  key=lambda row: row["text"])


def store(change, *arguments, **values):
    try:
        return change(*arguments, **values)
    except Clash:
        raise Refusal(409, "immutable rule already exists") from None


def find_rule(request, project):
    number = request.params["immutable_rule_id"]
    row = request.harbor.table("immutable").get(number)
    if row is None:
        raise Refusal(404, f"immutable rule {number} not found")
    if row["project_id"] != project["id"]:
        raise Refusal(404, f"resource not found: project id {project['id']} "
                           "does not match")
    return row


def project_of(request, action):
    return require_project(request, request.params["project_name_or_id"],
                           action, "immutable-tag")


@route("GET", RULES)
def list_rules(request):
    """The rules of a page come by id, whichever they are."""
    project = project_of(request, "list")
    return paged(request, rules_of(request.harbor, project), show_rule,
                 COLUMNS, arrange=lambda rows: sorted(
                     rows, key=lambda row: row["id"]))


@route("POST", RULES, body=RULE, body_name="ImmutableRule")
def create(request):
    project = project_of(request, "create")
    row = store(request.harbor.table("immutable").insert,
                project_id=project["id"], disabled=False,
                text=to_text(request.content, project))
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{row['id']}"})


@route("PUT", ONE_RULE, body=RULE, body_name="ImmutableRule")
def update(request):
    rule = request.content
    if rule.get("id", 0) != request.params["immutable_rule_id"]:
        raise Refusal(400, "bad request: the immutable_rule_id doesn't match "
                           "the id in the payload body of ImmutableRule")
    project = project_of(request, "update")
    row = find_rule(request, project)
    rules = request.harbor.table("immutable")
    if row["disabled"] != rule.get("disabled", False):
        rules.update(row, disabled=not row["disabled"])
    else:
        store(rules.update, row, text=to_text(rule, project))
    return Response(200)


@route("DELETE", ONE_RULE)
def delete(request):
    row = find_rule(request, project_of(request, "delete"))
    request.harbor.table("immutable").delete(row)
    return Response(200)
