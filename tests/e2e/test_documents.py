# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents through the program's own plugin host, without a pass."""
import os

from documents import Documents, failure
from harness import endpoint, path, run, same


def layout(name):
    os.makedirs(path(name), exist_ok=True)
    return Documents(endpoint("here", "layout", path=path(name)))


def case_what_is_written_is_read_and_listed():
    with layout("written") as here:
        here.identify()
        here.knows("label", "write")
        here.write("label", "/x/y", {"color": "#fff", "description": "d"})
        same(here.read("label", "/x/y")["text"],
             '{"color":"#fff","description":"d"}', "read")
        same(list(here.list("label")), ["/x/y"], "listed")


def case_what_is_not_there_is_said():
    with layout("empty") as here:
        here.identify()
        same(here.list("label"), {}, "listed")
        same(failure(here.read, "label", "/x").kind, "not-found", "class")


def case_what_was_created_by_somebody_else_is_a_conflict():
    with layout("conflict") as here:
        here.identify()
        here.write("label", "/x", {"color": "#fff"})
        same(failure(here.write, "label", "/x", {"color": "#000"}).kind,
             "conflict", "class")
        here.write("label", "/x", {"color": "#000"}, found={"color": "#fff"})
        same(here.read("label", "/x")["document"], {"color": "#000"}, "read")


if __name__ == "__main__":
    run(globals())
