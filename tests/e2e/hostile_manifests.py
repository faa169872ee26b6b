# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manifests of the scripted registry, and what refers to them."""
import json
import urllib.parse

import content


def describe(kind, data):
    """A descriptor as the referrers API gives it."""
    value = json.loads(data)
    found = content.descriptor(data, kind)
    artifact = value.get("artifactType") or value.get("config",
                                                      {}).get("mediaType")
    if artifact is not None:
        found["artifactType"] = artifact
    if "annotations" in value:
        found["annotations"] = value["annotations"]
    return found


def read(data):
    """A manifest's value; {} for what is none."""
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def subject_of(data):
    return (read(data).get("subject") or {}).get("digest")


def needs(data):
    """Digests of the blobs, and of the manifests, that one refers to."""
    value = read(data)
    blobs = [value["config"]] if "config" in value else []
    blobs += [layer for layer in value.get("layers", [])
              if "urls" not in layer]
    return ([blob["digest"] for blob in blobs],
            [child["digest"] for child in value.get("manifests", [])])


class ManifestMixin:
    """The part of the handler that serves /manifests and /referrers."""

    def serve_manifest(self, repository, reference, rule):
        if self.command == "PUT":
            self.store_manifest(repository, reference, rule)
            return
        if self.command == "HEAD" and self.registry.no_head:
            self.refuse(405, "UNSUPPORTED", "method not allowed")
            return
        found = self.registry.manifests.get((repository, reference))
        if found is None:
            self.refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
            return
        kind, data = found
        name = reference if ":" in reference else content.digest(data)
        self.answer(200, rule.get("body", self.damage(data, rule)),
                    {"Content-Type": kind, "Docker-Content-Digest": name},
                    rule)

    def store_manifest(self, repository, reference, rule):
        registry = self.registry
        data = self.read_body()
        is_tag = ":" not in reference
        name = content.digest(data) if is_tag else reference
        if not registry.may_create(repository):
            self.refuse_repository(repository)
            return
        if not content.matches(data, name):
            self.refuse(400, "DIGEST_INVALID", "digest invalid")
            return
        if (registry.immutable_tags and is_tag and
                (repository, reference) in registry.manifests):
            self.refuse(400 if registry.immutable_tags is True
                        else registry.immutable_tags, "TAG_INVALID",
                        f"The image tag '{reference}' already exists and "
                        f"cannot be overwritten because the tag is immutable.")
            return
        if registry.compares and is_tag and self.has_moved(repository,
                                                           reference):
            self.refuse(412, "PRECONDITION_FAILED", "the tag has moved")
            return
        if registry.insists and self.lacks(repository, data):
            self.refuse(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown")
            return
        kind = self.headers["Content-Type"]
        registry.manifests[repository, reference] = (kind, data)
        registry.manifests[repository, name] = (kind, data)
        headers = {"Docker-Content-Digest": name, "Location": self.path}
        if registry.referrers and subject_of(data) is not None:
            headers["OCI-Subject"] = subject_of(data)
        if rule.get("store_and_drop"):
            self.drop()
        else:
            self.answer(201, headers=headers, rule=rule)

    def has_moved(self, repository, tag):
        found = self.registry.manifests.get((repository, tag))
        wanted = self.headers["If-Match"]
        if self.headers["If-None-Match"] == "*" and found is not None:
            return True
        return wanted is not None and (
            found is None or f'"{content.digest(found[1])}"' != wanted)

    def lacks(self, repository, data):
        registry = self.registry
        blobs, children = needs(data)
        return not (
            all((repository, name) in registry.blobs for name in blobs) and
            all((repository, name) in registry.manifests
                for name in children))

    def serve_referrers(self, repository, subject, query, rule):
        registry = self.registry
        if not registry.referrers:
            self.answer(404, b"404 page not found\n", rule=rule)
            return
        entries = [describe(*registry.manifests[key])
                   for key in sorted(registry.manifests)
                   if key[0] == repository and ":" in key[1] and
                   subject_of(registry.manifests[key][1]) == subject]
        headers = {"Content-Type": content.INDEX}
        wanted = query.get("artifactType", [None])[0]
        if wanted is not None:
            headers["OCI-Filters-Applied"] = "artifactType"
            entries = [entry for entry in entries
                       if entry.get("artifactType") == wanted]
        first = int(query.get("first", ["0"])[0])
        rest = entries[first + registry.page:]
        if rest:
            more = {"first": first + registry.page}
            if wanted is not None:
                more["artifactType"] = wanted
            headers["Link"] = (f"<{urllib.parse.urlparse(self.path).path}?"
                               f"{urllib.parse.urlencode(more)}>; "
                               f'rel="next"')
        body = content.encode({
            "schemaVersion": 2, "mediaType": content.INDEX,
            "manifests": entries[first:first + registry.page]})
        self.answer(200, rule.get("body", body), headers, rule)
