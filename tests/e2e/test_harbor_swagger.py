# SPDX-License-Identifier: LGPL-2.1-or-later
"""The checker of requests finds what Harbor's descriptions do not have."""
import json
import os

import harness
from harbor import Harbor, judge
from harbor.swagger import (HERE, Exchange, Finding, check_conformance, load,
                            undocumented)
from harbor_filling import Client
from harness import has, holds, same

API = "/api/v2.0"
JSON = {"content-type": "application/json"}
ROBOT = {"name": "ci", "level": "project", "duration": -1, "permissions": [
    {"kind": "project", "namespace": "team", "access": [
        {"resource": "repository", "action": "pull"}]}]}
MADE = {"id": 1, "name": "robot$team+ci", "secret": "S",
        "creation_time": "2026-11-23T19:13:42.492Z", "expires_at": -1}
REFUSED = {"errors": [{"code": "NOT_FOUND", "message": "gone"}]}

# What Harbor 2.9.0 really answers otherwise than its description says.
KNOWN = {
    "GET /system/gc/schedule: answer: 200: no body": "there is none",
    "GET /system/purgeaudit/schedule: answer: 200: no body": "there is none",
    "GET /system/scanAll/schedule: answer: 200: no body": "there is none",
    "GET /projects/{project_name_or_id}/scanner: answer: 200: no body":
        "there is none",
    "GET /projects/{project_name}/repositories/{repository_name}/artifacts/"
    "{reference}/additions/{addition}: answer: .: a array is no string":
        "a list is what the build history is",
    "POST /usergroups: answer: 400: no body": "no name was given",
    "PUT /usergroups/{group_id}: answer: 400: no body": "likewise",
    "POST /retentions: answer: 500: no body": "the handler crashed",
    "POST /robots: answer: 500: no body": "the handler crashed",
    "PUT /system/gc/schedule: answer: 500: no body": "the handler crashed"}
UNPROCESSABLE = 422


def asked(method, path, body=None, status=200, answer=None, headers=None):
    if headers is None:
        headers = JSON if body is not None else {}
    return Exchange(method, API + path, headers, body, status, answer)


def found(*log, version="2.9.0"):
    return [f"{one.place}: {one.part}: {one.text}"
            for one in check_conformance(log, version)]


def finds(text, *log, **more):
    same(found(*log, **more), [text], "findings")


def create(**more):
    return asked("POST", "/robots", {**ROBOT, **more}, 201, MADE)


def case_what_is_described_is_found_right():
    same(found(
        create(),
        asked("PUT", "/robots/1", ROBOT),
        asked("PATCH", "/robots/1", {"secret": "S"}, 200, {}),
        asked("GET", "/robots?page=1&page_size=100&sort=id&q=name%3D~x",
              None, 200, []),
        asked("GET", "/projects/team", None, 200, {"name": "team"},
              {"x-is-resource-name": "true", "x-request-id": "7"}),
        asked("GET", "/retentions/9", None, 404, REFUSED),
        asked("DELETE", "/projects/team/members/3")), [], "findings")


def case_an_unknown_path_is_found():
    finds("GET /api/v2.0/robot: path: no operation", asked("GET", "/robot"))
    finds("GET /api/v2.0/projects/: path: no operation",
          asked("GET", "/projects/"))
    finds("GET /api/v2.0/projects/a/repositories/b/c: path: no operation",
          asked("GET", "/projects/a/repositories/b/c"))


def case_an_unknown_method_of_a_known_path_is_found():
    finds("PATCH /api/v2.0/projects/team: path: no operation",
          asked("PATCH", "/projects/team", {}))


def case_a_path_of_words_goes_before_one_with_a_value():
    finds("GET /users/search: query: username: missing",
          asked("GET", "/users/search", None, 200, []))
    finds("GET /users/{user_id}: path: user_id: 'admin' is no integer",
          asked("GET", "/users/admin", None, 404, REFUSED))


def case_a_name_that_was_encoded_twice_is_one_part_of_a_path():
    same(found(asked("GET", "/projects/a/repositories/b%252Fc", None, 200,
                     {"name": "a/b/c"})), [], "findings")


def case_a_wrong_name_of_a_field_is_found():
    finds("POST /robots: body: .expires: no such field", create(expires=3))
    finds("POST /robots: body: .permissions[].access[].effects: "
          "no such field", create(permissions=[
              {"kind": "system", "namespace": "/", "access": [
                  {"resource": "a", "action": "b", "effects": "allow"}]}]))


def case_a_wrong_type_of_a_field_is_found():
    finds("POST /robots: body: .duration: a string is no integer",
          create(duration="30"))
    finds("POST /robots: body: .duration: a number is no integer",
          create(duration=1.5))
    finds("POST /robots: body: .disable: a integer is no boolean",
          create(disable=1))
    finds("POST /robots: body: .duration: a boolean is no integer",
          create(duration=True))
    finds("POST /robots: body: .permissions: a object is no array",
          create(permissions={}))
    finds("POST /robots: body: .name: null is no string", create(name=None))


def case_a_value_that_an_enumeration_has_not_is_found():
    finds("POST /system/gc/schedule: body: .schedule.type: "
          "'Yearly' is none of the values",
          asked("POST", "/system/gc/schedule",
                {"schedule": {"type": "Yearly"}}, 201))


def case_wrong_parameters_of_a_query_are_found():
    finds("GET /usergroups: query: q: no such parameter",
          asked("GET", "/usergroups?q=a", None, 200, []))
    finds("GET /projects: query: page_size: 101 is too large",
          asked("GET", "/projects?page_size=101", None, 422, REFUSED))
    finds("GET /projects: query: page: 'x' is no integer",
          asked("GET", "/projects?page=x", None, 422, REFUSED))
    finds("GET /projects: query: with_detail: 'yes' is no boolean",
          asked("GET", "/projects?with_detail=yes", None, 200, []))


def case_wrong_headers_are_found():
    finds("POST /robots: header: Content-Type: 'text/plain'",
          asked("POST", "/robots", ROBOT, 201, MADE,
                {"content-type": "text/plain"}))
    finds("GET /projects: header: Accept: 'text/html'",
          asked("GET", "/projects", None, 422, REFUSED,
                {"accept": "text/html"}))
    finds("GET /projects/{project_name_or_id}: header: "
          "X-Is-Resource-Name: '1' is no boolean",
          asked("GET", "/projects/team", None, 200, {},
                {"x-is-resource-name": "1"}))


def case_a_body_is_found_missing_or_where_none_belongs():
    finds("POST /robots: body: missing",
          asked("POST", "/robots", None, 400, REFUSED))
    finds("DELETE /robots/{robot_id}: body: none is described",
          asked("DELETE", "/robots/1", {"id": 1}))
    finds("POST /robots: body: .: what is not JSON is no object",
          asked("POST", "/robots", b"{nope", 400, REFUSED))


def case_a_wrong_type_in_an_answer_is_found():
    finds("GET /robots: answer: [].id: a string is no integer",
          asked("GET", "/robots", None, 200, [{"id": "1"}]))
    finds("POST /robots: answer: .creation_time: 'today' is no time",
          asked("POST", "/robots", ROBOT, 201,
                dict(MADE, creation_time="today")))
    finds("GET /robots: answer: .: a object is no array",
          asked("GET", "/robots", None, 200, {}))
    finds("GET /robots: answer: 200: no body",
          asked("GET", "/robots", None, 200))


def case_null_is_an_empty_list_in_an_answer():
    same(found(asked("GET", "/robots", None, 200, [{"permissions": None}])),
         [], "findings")


def case_what_answers_hold_beyond_the_description_is_told_apart():
    log = [asked("GET", "/robots", None, 200, [{"id": 1, "colour": "red"}]),
           asked("GET", "/robots", None, 418, REFUSED)]
    same(found(*log), [], "findings")
    same(undocumented(log, "2.9"), [
        Finding("GET /robots", "answer", "[].colour"),
        Finding("GET /robots", "status", "418")], "undocumented")


def case_the_same_mistake_is_told_once():
    finds("POST /robots: body: .expires: no such field",
          *[create(expires=one) for one in range(5)])


def case_other_interfaces_are_passed_over():
    same(found(*[Exchange("BREW", path, {}, None, 404, None) for path in (
        "/v2/team/app/manifests/v1", "/service/token?service=x", "/c/login",
        "/api/version", "/")]), [], "findings")


def case_versions_differ():
    """A path that went in 2.13, one that came in 2.13; between two
    descriptions what one of them has is right."""
    gone = asked("GET", "/projects/team/robots", None, 200, [])
    come = asked("GET", "/auditlog-exts", None, 200, [])
    same([len(found(gone, version=one)) for one in
          ("2.9.0", "2.12", "2.16")], [0, 0, 1], "gone")
    same([len(found(come, version=one)) for one in
          ("2.9.0", "2.14.1", "2.16")], [1, 0, 0], "come")


def case_every_reference_of_a_description_leads_somewhere():
    def walk(description, value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                description.resolve(value)
            for one in value.values():
                walk(description, one)
        elif isinstance(value, list):
            for one in value:
                walk(description, one)
    for number in ((2, 9), (2, 16)):
        description = load(number)
        walk(description, description.parts)
        holds(len(description.routes) > 100, "many paths")


def recorded():
    """What was asked of Harbor 2.9.0, with what it answered."""
    folder = os.path.join(HERE, "recordings")
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".jsonl"):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            for line in file:
                step = json.loads(line)
                if step["request"]:
                    yield step["request"], step["response"]


def content_of(body):
    """A recorded body as a value; bytes where it is no JSON."""
    if isinstance(body, dict) and set(body) == {"text"}:
        try:
            return json.loads(body["text"])
        except ValueError:
            return body["text"].encode()
    if isinstance(body, dict) and set(body) in ({"base64"}, {"bytes"}):
        return b"binary"
    return body


def as_exchange(request, response):
    answer = response["body"]
    if isinstance(answer, dict) and set(answer) == {"text"}:
        answer = answer["text"]
    return Exchange(request["method"], request["path"], request["headers"],
                    content_of(request["body"]), response["status"], answer)


def case_what_harbor_itself_refuses_as_not_described_is_found():
    refused = [as_exchange(*one) for one in recorded()
               if one[1]["status"] == UNPROCESSABLE]
    holds(len(refused) > 30, "many of them")
    for one in refused:
        findings = [finding for finding in check_conformance([one], "2.9.0")
                    if finding.part not in ("answer", "status")]
        holds(findings, f"{one.method} {one.path} is found wrong")


def case_what_harbor_answers_is_as_described_but_for_a_few():
    findings = check_conformance([as_exchange(*one) for one in recorded()],
                                 "2.9.0")
    found = {f"{one.place}: {one.part}: {one.text}" for one in findings
             if one.part == "answer"}
    same(found, set(KNOWN), "answers that differ")


def case_what_the_program_asks_of_a_double_is_judged_by_any_test():
    """Of whoever names himself as it does; others may ask what they like."""
    label = json.dumps({"name": "l", "scope": "g", "colour": "red"}).encode()
    with Harbor() as harbor:
        for agent in ("curl/8", "harbor-replicator/1.0"):
            judge.check()
            response, _ = Client(harbor).ask(
                "POST", "/api/v2.0/labels", label,
                {**JSON, "User-Agent": agent})
            same(response.status, 201 if agent == "curl/8" else 409)
    try:
        judge.check()
        found = "nothing"
    except AssertionError as error:
        found = str(error)
    judge.FINDINGS.clear()
    has(found, "2.9.0: POST /labels: body: .colour: no such field")


if __name__ == "__main__":
    harness.run(globals())
