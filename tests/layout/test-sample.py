#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sample in the tree is what conf/sample/generate makes, and is sound."""
import filecmp
import hashlib
import json
import os
import subprocess
import sys
import tempfile

SAMPLE = os.path.join(os.environ.get("HR_SRCDIR", "."), "conf", "sample")
LIMIT_BYTES = 100 * 1024


def list_files(root):
    return sorted(os.path.relpath(os.path.join(path, name), root)
                  for path, _, names in os.walk(root) for name in names)


def same_as_generated():
    with tempfile.TemporaryDirectory() as scratch:
        made = os.path.join(scratch, "registry")
        subprocess.run([sys.executable, os.path.join(SAMPLE, "generate"),
                        made], check=True)
        kept = os.path.join(SAMPLE, "registry")
        names = list_files(made)
        if names != list_files(kept):
            return "files differ: " + ", ".join(
                sorted(set(names) ^ set(list_files(kept))))
        _, different, errors = filecmp.cmpfiles(made, kept, names,
                                                shallow=False)
        return ", ".join(different + errors)


def named_by_digest():
    bad = []
    for name in list_files(os.path.join(SAMPLE, "registry")):
        path = os.path.join(SAMPLE, "registry", name)
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        if "/blobs/" in name and os.path.basename(name) != digest:
            bad.append(name)
    return ", ".join(bad)


def has_all_shapes():
    seen = set()
    root = os.path.join(SAMPLE, "registry")
    for name in list_files(root):
        if os.path.basename(name) != "index.json":
            continue
        layout = os.path.join(root, os.path.dirname(name))
        with open(os.path.join(root, name), encoding="utf-8") as file:
            listed = json.load(file)["manifests"]
        for entry in listed:
            blob = os.path.join(layout, "blobs",
                                *entry["digest"].split(":"))
            with open(blob, encoding="utf-8") as file:
                manifest = json.load(file)
            seen.add("index" if len(manifest.get("manifests", [])) == 3
                     else "referrer" if "subject" in manifest
                     else "artifact" if "artifactType" in manifest
                     else "image")
    missing = {"index", "referrer", "artifact", "image"} - seen
    return ", ".join(sorted(missing))


def small():
    root = os.path.join(SAMPLE, "registry")
    size = sum(os.path.getsize(os.path.join(root, name))
               for name in list_files(root))
    return "%d bytes" % size if size >= LIMIT_BYTES else ""


TESTS = [
    ("is what the script makes", same_as_generated),
    ("every blob has its digest for a name", named_by_digest),
    ("has an image, an index, an artifact and a referrer", has_all_shapes),
    ("is smaller than 100 KiB", small),
]

print("1..%d" % len(TESTS))
FAILED = 0
for number, (title, test) in enumerate(TESTS, 1):
    problem = test()
    FAILED += bool(problem)
    print("%sok %d - sample: %s" % ("not " if problem else "", number, title))
    if problem:
        print("# " + problem)
sys.exit(FAILED > 0)
