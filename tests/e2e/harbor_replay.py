# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks doubles of Harbor what the recorded requests asked.

    problems = Replay("projects").run()      {step: [difference, ...]}

Two fresh doubles stand for the installations A and B.  What they have to know
beside the requests (an image that was pushed, a robot whose term has ended) is
prepared by harbor_prepare.
"""
import base64
import http.client
import json
import os
import random
import re
import threading
import time
import urllib.parse

import harbor_prepare
import harbor_prepare_images  # noqa: F401
from harbor import Harbor
from harbor.listeners import Dragonfly, Scanner
from harbor.login import find_robot
from harbor_compare import Memory, compare_answers

RECORDINGS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          "harbor", "recordings")
ADDRESSES = {"A": "127.0.0.1:8080", "B": "127.0.0.1:8090"}
NEIGHBOURS = ("127.0.0.1:9402", "127.0.0.1:9403")
NOWHERE = "no-such-host.invalid"
PAUSE_S = 0.3  # that a wrong password costs; 1.5 in the recordings
REPEAT = re.compile(r"<([\d,]+) times (.)>")


def scenarios():
    return sorted(name[:-len(".jsonl")] for name in os.listdir(RECORDINGS)
                  if name.endswith(".jsonl"))


def load(scenario):
    with open(os.path.join(RECORDINGS, scenario + ".jsonl"),
              encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Answer:
    def __init__(self, status, headers, data, truncated, elapsed_s):
        self.status = status
        self.headers = headers
        self.data = data
        self.truncated = truncated
        self.elapsed_s = elapsed_s

    def body(self, like):
        """As the recording writes bodies; `like` tells which way."""
        if not self.data:
            return None
        if isinstance(like, dict) and set(like) == {"base64"}:
            return {"base64": base64.b64encode(self.data).decode()}
        if isinstance(like, dict) and set(like) == {"text"}:
            return {"text": self.data.decode("utf-8", "replace")}
        try:
            return json.loads(self.data)
        except ValueError:
            return {"text": self.data.decode("utf-8", "replace")}


def ask(port, method, target, headers, body):
    """One request with exactly these headers, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    started = time.monotonic()
    connection.putrequest(method, target, skip_host=True,
                          skip_accept_encoding=True)
    if body is not None or method in ("POST", "PUT", "PATCH"):
        headers = {**headers, "content-length": str(len(body or b""))}
    for name, value in headers.items():
        connection.putheader(name, value.encode("utf-8"))
    connection.endheaders(body)
    response = connection.getresponse()
    try:
        data, truncated = response.read(), False
    except http.client.IncompleteRead as error:
        data, truncated = error.partial, True
    elapsed_s = time.monotonic() - started
    found = {}
    for name, value in response.getheaders():
        value = value.encode("latin-1").decode("utf-8", "replace")
        if name.lower() == "set-cookie":
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    connection.close()
    return Answer(response.status, found, data, truncated, elapsed_s)


class Client:
    """What one installation has told: secrets, tokens, cookies."""

    def __init__(self, harbor, address):
        self.harbor = harbor
        self.address = address
        self.robot_secrets = {}
        self.passwords = {1: harbor.admin_password}
        self.tokens = {}
        self.cookies = {}
        self.csrf = None

    def password(self, name):
        """The right one, as far as requests and answers have shown it."""
        users = self.harbor.table("user")
        row = users.find(username=name) or users.find(email=name)
        if row is not None:
            return self.passwords.get(row["id"])
        robot = find_robot(self.harbor, name)
        number = robot["id"] if robot else None
        return self.robot_secrets.get(number, "not known")

    def authorization(self, text, note):
        kind, _, rest = text.partition(":")
        if kind == "none" or not text:
            return None
        if kind == "raw":
            return rest
        if kind == "bearer":
            return "Bearer " + self.tokens.get(rest, "no.such.token")
        name = rest or "admin"
        password = "Wrong-Password-1"
        if kind == "basic":
            password = self.password(name)
        elif "empty password" in note:
            password = ""
        return "Basic " + base64.b64encode(
            f"{name}:{password}".encode()).decode()

    def fill_cookie(self, text):
        return re.sub(r"(\w+)=<value>", lambda match: (
            f"{match[1]}={self.cookies.get(match[1], 'none')}"), text)

    def learn(self, request, answer):
        for cookie in answer.headers.get("Set-Cookie", ()):
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        self.csrf = answer.headers.get("X-Harbor-Csrf-Token", self.csrf)
        if answer.status < 300:
            self.learn_secret(request, answer)

    def learn_secret(self, request, answer):
        path, _, query = request["path"].partition("?")
        body = request["body"] if isinstance(request["body"], dict) else {}
        shown = answer.body(None)
        if not isinstance(shown, dict):
            shown = {}
        number = re.search(r"/(\d+)(/password)?/?$", path)
        if path.startswith("/service/token"):
            scopes = [value for name, value in urllib.parse.parse_qsl(query)
                      if name == "scope"]
            self.tokens[" ".join(scopes)] = shown.get("token", "")
        elif re.search("/robots/?$", path) and "secret" in shown:
            self.robot_secrets[shown["id"]] = shown["secret"]
        elif "/robots/" in path and request["method"] == "PATCH":
            self.robot_secrets[int(number[1])] = (shown.get("secret") or
                                                  body.get("secret"))
        elif path.endswith("/users") and request["method"] == "POST":
            place = answer.headers["Location"]
            self.passwords[int(place.split("/")[-1])] = body["password"]
        elif path.endswith("/password"):
            self.passwords[int(number[1])] = body["new_password"]


class Replay:
    def __init__(self, scenario):
        self.scenario = scenario
        self.memory = Memory()
        self.states = {}  # of uploads, the newest
        self.step = None  # that is to be asked next
        self.random = random.Random(scenario)
        self.neighbours = [Scanner(), Dragonfly()]
        reaches = dict(zip(NEIGHBOURS, (one.address
                                        for one in self.neighbours)))
        reaches[NOWHERE] = "127.0.0.1:9"
        self.clients = {}
        for name, address in ADDRESSES.items():
            harbor = Harbor(version="2.9.0", release="v2.9.0-local",
                            login_pause_s=PAUSE_S, reaches=reaches,
                            external_url=f"http://{address}")
            self.clients[name] = Client(harbor, address)
            reaches[address] = f"127.0.0.1:{harbor.port}"
        for client in self.clients.values():
            client.harbor.reaches.update(reaches)

    def harbor(self, name="A"):
        return self.clients[name].harbor

    def body(self, recorded):
        if recorded is None:
            return None
        if isinstance(recorded, dict) and set(recorded) == {"text"}:
            text = REPEAT.sub(lambda match: match[2] * int(
                match[1].replace(",", "")), recorded["text"])
            return text.encode()
        if isinstance(recorded, dict) and set(recorded) == {"base64"}:
            return base64.b64decode(recorded["base64"])
        if isinstance(recorded, dict) and set(recorded) == {"bytes"}:
            return self.random.randbytes(recorded["bytes"])
        return json.dumps(recorded, separators=(",", ":"),
                          ensure_ascii=False).encode()

    def headers(self, step, client):
        found = {"host": client.address}
        for name, value in step["request"]["headers"].items():
            if name == "authorization":
                value = client.authorization(value, step["note"])
                if value is None:
                    continue
            elif name == "cookie":
                value = client.fill_cookie(value)
            elif value == "<csrf>":
                value = client.csrf
                if "does not fit" in step["note"]:
                    value = value[::-1]
            found[name] = value
        return found

    def send(self, step):
        client = self.clients[step["instance"]]
        request = step["request"]
        target = self.memory.translate(request["path"])
        if "<state>" in target:
            uuid = target.split("?")[0].split("/")[-1]
            target = target.replace("<state>", self.states.get(uuid, ""))
        answer = ask(client.harbor.port, request["method"], target,
                     self.headers(step, client), self.body(request["body"]))
        client.learn(request, answer)
        self.learn_state(answer)
        return answer

    def learn_state(self, answer):
        place, sign, state = answer.headers.get("Location", "").partition(
            "_state=")
        if sign:
            uuid = place.split("?")[0].split("/")[-1]
            self.states[uuid] = state

    def check(self, step, answer):
        recorded = step["response"]
        problems = list(compare_answers(recorded, answer, step["request"],
                                        self.memory))
        if bool(recorded.get("truncated")) != answer.truncated:
            problems.append(f"truncated: {answer.truncated}")
        if harbor_prepare.shows_pause(step) and answer.elapsed_s < PAUSE_S:
            problems.append(f"answered after {answer.elapsed_s} s only")
        return problems

    def run(self):
        """{step: differences} of the steps that differ."""
        try:
            return self.run_steps()
        finally:
            for client in self.clients.values():
                client.harbor.stop()
            for one in self.neighbours:
                one.stop()

    def run_steps(self):
        problems = {}
        steps = [step for step in load(self.scenario) if step["request"]]
        self.steps = steps
        early = {}
        for place, step in enumerate(steps):
            self.step = step
            prepare = harbor_prepare.find(self.scenario, step["step"])
            if prepare:
                prepare(self)
            following = steps[place + 1] if place + 1 < len(steps) else None
            if following and "sent FIRST" in following["note"]:
                early[following["step"]] = self.lock_out(following)
            if step["step"] in early:
                answer = early[step["step"]]()
            else:
                answer = self.send(step)
            found = self.check(step, answer)
            if found:
                problems[step["step"]] = found
        crashes = [crash for client in self.clients.values()
                   for crash in client.harbor.crashes]
        if crashes:
            problems[0] = crashes[:1]
        return problems

    def lock_out(self, step):
        """Sends a wrong password while the next step is asked, which finds
        the name locked; returns what waits for the answer."""
        harbor = self.clients[step["instance"]].harbor
        harbor.login_pause_s = 1.5
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(self.send(step)))
        thread.start()
        while not harbor.locks.has("admin"):
            time.sleep(0.01)

        def wait():
            thread.join()
            harbor.login_pause_s = PAUSE_S
            return answers[0]
        return wait
