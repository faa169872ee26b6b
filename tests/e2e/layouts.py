# SPDX-License-Identifier: LGPL-2.1-or-later
"""OCI image layouts, written and read without the program under test."""
import hashlib
import json
import os

import content
from harness import holds

REF_NAME = "org.opencontainers.image.ref.name"


def blob_path(directory, digest):
    return os.path.join(directory, "blobs", "sha256", digest[len("sha256:"):])


def read_blob(directory, digest):
    with open(blob_path(directory, digest), "rb") as file:
        return file.read()


def write(directory, artifacts):
    """One repository; `artifacts` is {tag: Artifact}."""
    os.makedirs(os.path.join(directory, "blobs", "sha256"), exist_ok=True)
    entries = []
    for tag, artifact in artifacts.items():
        blobs = list(artifact.blobs.values())
        blobs += [data for _, data in artifact.manifests]
        for data in blobs:
            with open(blob_path(directory, content.digest(data)),
                      "wb") as file:
                file.write(data)
        entries.append(dict(artifact.descriptor,
                            annotations={REF_NAME: tag}))
    with open(os.path.join(directory, "oci-layout"), "w") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)
    with open(os.path.join(directory, "index.json"), "w") as file:
        json.dump({"schemaVersion": 2, "manifests": entries}, file)


def check_manifest(directory, descriptor):
    data = read_blob(directory, descriptor["digest"])
    holds(content.digest(data) == descriptor["digest"] and
          len(data) == descriptor["size"], f"{descriptor} is not what it says")
    manifest = json.loads(data)
    for child in manifest.get("manifests", []):
        check_manifest(directory, child)
    parts = manifest.get("layers", [])
    if "config" in manifest:
        parts = parts + [manifest["config"]]
    for part in parts:
        name = blob_path(directory, part["digest"])
        with open(name, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        holds("sha256:" + found == part["digest"] and
              os.path.getsize(name) == part["size"], f"{part} is torn")


def check(directory):
    """Everything that the index names is there, whole; the tags."""
    name = os.path.join(directory, "index.json")
    if not os.path.exists(name):
        return []
    with open(name) as file:
        entries = json.load(file)["manifests"]
    for entry in entries:
        check_manifest(directory, entry)
    return sorted(entry["annotations"][REF_NAME] for entry in entries
                  if REF_NAME in entry.get("annotations", {}))


def leftovers(directory):
    """Temporary files that nobody removed."""
    return [name for _, _, files in os.walk(directory) for name in files
            if name.startswith(".tmp-")]
