# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents of an endpoint, asked for one by one (documents.c).

    with Documents(endpoint("paris", "harbor", url=..., ...)) as paris:
        paris.identify()
        for key, one in paris.list("robot").items(): one["document"]
        paris.write("label", "/x", {"color": "#fff"})

What goes wrong is raised as Failed, with the class of the error.
"""
import json
import os
import subprocess

from harness import BUILD, PATIENCE, path

DRIVER = os.path.join(BUILD, "tests", "e2e", "documents")


class Failed(Exception):
    """`kind` is the class of the error, "not-found"."""

    def __init__(self, kind, text):
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


class Documents:
    count = 0

    def __init__(self, endpoint, name=None, env=None):
        """`endpoint` as harness.endpoint makes it."""
        Documents.count += 1
        config = path(f"documents-{Documents.count}.cfg")
        with open(config, "w") as file:
            file.write(f"endpoints = ( {endpoint} );\n")
        name = name or endpoint.split('"')[1]
        self.log = open(config + ".log", "w+b")
        self.process = subprocess.Popen(
            [DRIVER, config, name], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log,
            env=dict(os.environ, **(env or {})))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.log.close()
        if code != 0:
            raise AssertionError(f"documents ended with {code}")

    def ask(self, do, **request):
        line = json.dumps({"do": do, **{name: value for name, value
                                        in request.items()
                                        if value is not None}})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.log.seek(0)
            raise AssertionError("documents said nothing to " + line + "\n" +
                                 self.log.read().decode(errors="replace"))
        answer = json.loads(answer)
        if "ok" in answer:
            return answer["ok"]
        raise Failed(answer["class"], answer["error"])

    def identify(self):
        return self.ask("identify")

    def knows(self, kind, access="read"):
        return self.ask("knows", kind=kind, access=access)

    def list_all(self, kind, projects=None):
        """With gaps."""
        return self.ask("list", kind=kind, projects=projects)

    def list(self, kind, projects=None):
        listed = self.list_all(kind, projects)
        if listed["gaps"]:
            raise AssertionError(f"gaps: {listed['gaps']}")
        return {one["key"]: one for one in listed["documents"]}

    def read(self, kind, key):
        return self.ask("read", kind=kind, key=key)

    def fit(self, kind, key, document, found=None, secrets=None):
        return self.ask("fit", kind=kind, key=key, document=document,
                        found=found, secrets=secrets)

    def write(self, kind, key, document, found=None, secrets=None):
        """Creates it if there is no `found`."""
        return self.ask("write", kind=kind, key=key, document=document,
                        found=found, secrets=secrets)

    def check(self, kind, key, secrets):
        return self.ask("check", kind=kind, key=key, secrets=secrets)


def failure(function, *arguments, **more):
    """The failure that a call ends with."""
    try:
        function(*arguments, **more)
    except Failed as failed:
        return failed
    raise AssertionError("it did not fail")
