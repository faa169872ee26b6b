# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registries of documents that behave as they are told (registry-shelf.c)."""
import json
import os

from harness import BUILD, configuration, endpoint, path, run_program

PLUGINS = {"HARBOR_REPLICATOR_PLUGIN_PATH": ":".join(
    [os.path.join(BUILD, ".libs"),
     os.path.join(BUILD, "tests", "e2e", ".libs")])}


class Shelf:
    """`behaviour` is what the file may say beside "documents"."""

    def __init__(self, name, **behaviour):
        self.path = path(name + ".shelf")
        self.state = {"documents": {}, **behaviour}
        for name in (self.path, self.path + ".log"):
            if os.path.exists(name):
                os.unlink(name)

    def put(self, kind, key, document, **more):
        self.state["documents"].setdefault(kind, {})[key] = {
            "document": document, **more}
        return self

    def save(self):
        with open(self.path, "w") as file:
            json.dump(self.state, file)

    def get(self, kind, key):
        with open(self.path) as file:
            found = json.load(file)["documents"].get(kind, {}).get(key)
        return found and found["document"]

    def writes(self):
        """Lines: action, kind, key, document, secrets."""
        try:
            with open(self.path + ".log") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []


def config(source, target, **more):
    more.setdefault("kinds", ["project", "member", "robot", "quota"])
    source.save()
    target.save()
    return configuration([endpoint("s", "shelf", path=source.path),
                          endpoint("t", "shelf", path=target.path)],
                         [{"name": "st", "source": "s", "target": "t",
                           **more}])


def replicate(*arguments, config, code, env=None):
    return run_program(*arguments, config=config, code=code,
                       env={**PLUGINS, **(env or {})})
