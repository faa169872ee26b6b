# SPDX-License-Identifier: LGPL-2.1-or-later
"""Endpoints that are robots and their secrets (safe.c), and what is derived."""
import hashlib
import hmac
import os

from harness import BUILD, endpoint, path

KEY = "0123456789abcdef0123456789abcdef"
LETTERS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
           "0123456789")
PLUGINS = {
    "HARBOR_REPLICATOR_PLUGIN_PATH":
        os.path.join(BUILD, ".libs") + ":" +
        os.path.join(BUILD, "tests", "e2e", ".libs"),
    "MASTER": KEY,
}


def is_good(secret):
    return (any(c.isupper() for c in secret) and
            any(c.islower() for c in secret) and
            any(c.isdigit() for c in secret))


def derived(version, robot, key=KEY):
    """As core/model/robot-secret.h describes it."""
    project, _, name = robot.rpartition("/")
    level = "project" if project else "system"
    info = b"\0".join(part.encode() for part in (
        "hr-robot-secret-v1", str(version), level, project, name))
    block, text = b"", ""
    for count in range(1, 256):
        block = hmac.new(key.encode(), block + info + bytes([count]),
                         hashlib.sha256).digest()
        text += "".join(LETTERS[byte % 62] for byte in block if byte < 248)
        while len(text) >= 32:
            if is_good(text[:32]):
                return text[:32]
            text = text[32:]
    raise AssertionError("no secret")


class Safe:
    """An endpoint of robots: {key: secret}."""

    def __init__(self, name, robots):
        self.name = name
        self.path = path(name)
        os.makedirs(self.path, exist_ok=True)
        for left in os.listdir(self.path):
            os.unlink(os.path.join(self.path, left))
        for key, secret in robots.items():
            self.put(key, secret)

    def put(self, key, secret):
        name = os.path.join(self.path, key.replace("/", "+"))
        with open(name, "w", encoding="utf-8") as file:
            file.write(secret + "\n")

    def fail(self, what):
        self.put(".fails", what)

    def mend(self):
        os.unlink(os.path.join(self.path, ".fails"))

    def secrets(self):
        found = {}
        for name in os.listdir(self.path):
            if name[0] != ".":
                with open(os.path.join(self.path, name),
                          encoding="utf-8") as file:
                    found[name.replace("+", "/")] = file.read().strip()
        return found

    def log(self):
        name = os.path.join(self.path, ".log")
        if not os.path.exists(name):
            return []
        with open(name, encoding="utf-8") as file:
            return file.read().splitlines()

    def writes(self):
        return [line[6:] for line in self.log() if line.startswith("write ")]

    def endpoint(self):
        return endpoint(self.name, "safe", path=self.path)


def at_version(version, *robots):
    return {robot: derived(version, robot) for robot in robots}
