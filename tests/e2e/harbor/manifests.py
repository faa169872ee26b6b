# SPDX-License-Identifier: LGPL-2.1-or-later
"""A manifest as it is read: what it needs, and what Harbor shows of it.

    manifest = read_manifest(media_type, data)    or MANIFEST_INVALID
    missing = manifest.missing(harbor, repository_name)
    columns = manifest.columns(harbor)            of the artifact's row
"""
import hashlib
import json
import re

from .wire import Refusal

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
IMAGE = OCI + "manifest.v1+json"
INDEX = OCI + "index.v1+json"
DOCKER_IMAGE = DOCKER + "distribution.manifest.v2+json"
DOCKER_LIST = DOCKER + "distribution.manifest.list.v2+json"
INDEXES = (INDEX, DOCKER_LIST)
CONFIGS = (OCI + "config.v1+json", DOCKER + "container.image.v1+json")
CHART = "application/vnd.cncf.helm.config.v1+json"
COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
COSIGN_CONFIG = "application/vnd.dev.cosign.artifact.sig.v1+json"
NOTATION = "application/vnd.cncf.notary.signature"
SBOM = "application/vnd.goharbor.harbor.sbom.v1"

ICONS = {
    "IMAGE": "sha256:0048162a053eef4d4ce3fe7518615bef"
             "084403614f8bca43b40ae2e762e11e06",
    "CHART": "sha256:61cf3a178ff0f75bf08a25d96b75cf73"
             "55dc197749a9f128ed3ef34b0df05518"}
OTHER_ICON = ("sha256:da834479c923584f4cbcdecc0dac61f3"
              "2bef1d51e8aae598cf16bd154efab49f")
COSIGN_ICON = ("sha256:20401d5b3a0f6dbc607c8d732eb08471"
               "af4ae6b19811a4efce8c6a724aed2882")
ADDITIONS = {"IMAGE": ["build_history"],
             "CHART": ["values.yaml", "readme.md", "dependencies"]}


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def invalid(message):
    return Refusal(400, f"unmarshal manifest failed: {message}",
                   "MANIFEST_INVALID")


def parse(data):
    """The JSON object, or the refusal in the words of Go's decoder."""
    text = data.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        rest = text[error.pos:]
        if not rest.strip():
            raise invalid("unexpected end of JSON input") from None
        where = ("object key string" if "property name" in error.msg
                 else "value")
        raise invalid(f"invalid character '{rest[0]}' looking for beginning "
                      f"of {where}") from None
    if not isinstance(value, dict):
        raise invalid("json: cannot unmarshal value of this type")
    return value


def read_manifest(media_type, data):
    kind = media_type.partition(";")[0].strip()
    if not data:
        raise invalid("unexpected end of JSON input")
    if kind not in (IMAGE, INDEX, DOCKER_IMAGE, DOCKER_LIST):
        raise invalid("missing signature key")
    value = parse(data)
    if value.get("mediaType", kind) != kind:
        raise invalid(f"if present, mediaType in manifest should be '{kind}' "
                      f"not '{value['mediaType']}'")
    return Manifest(kind, data, value)


class Manifest:
    def __init__(self, kind, data, value):
        self.kind = kind
        self.data = data
        self.value = value
        self.digest = digest_of(data)
        self.is_index = kind in INDEXES
        self.config = value.get("config") or {}
        self.layers = value.get("layers") or []
        self.children = value.get("manifests") or []
        self.subject = (value.get("subject") or {}).get("digest")

    @property
    def needs(self):
        """What must be there: blobs, or the manifests of an index."""
        if self.is_index:
            return [child["digest"] for child in self.children]
        return [part["digest"] for part in [self.config, *self.layers]
                if not (part.get("urls") and
                        re.search("foreign|nondistributable",
                                  part["mediaType"]))]

    def missing(self, harbor, repository_name):
        return [digest for digest in self.needs
                if (repository_name, digest) not in harbor.links]

    @property
    def media_type(self):
        return self.kind if self.is_index else self.config["mediaType"]

    @property
    def artifact_type(self):
        return self.value.get("artifactType") or self.media_type

    @property
    def type(self):
        """As Harbor names it."""
        if self.is_index or self.media_type in CONFIGS:
            return "IMAGE"
        if self.media_type == CHART:
            return "CHART"
        found = re.fullmatch(r"application/vnd\.[^.]*\.(.*)\.config\.[^.]*",
                             self.media_type)
        return found[1].upper() if found else "UNKNOWN"

    @property
    def accessory_type(self):
        if self.artifact_type == NOTATION:
            return "signature.notation"
        if self.artifact_type == COSIGN_CONFIG:
            return "signature.cosign"
        return "sbom.harbor" if self.artifact_type == SBOM else (
            "subject.accessory")

    @property
    def is_cosign(self):
        return any(layer.get("mediaType") == COSIGN_LAYER
                   for layer in self.layers)

    def extra(self, harbor):
        """What Harbor shows of the configuration of an image."""
        if self.is_index or self.media_type not in CONFIGS:
            return None
        try:
            config = json.loads(harbor.blobs[self.config["digest"]])
        except (KeyError, ValueError):
            return None
        return {"architecture": config.get("architecture", ""),
                "author": config.get("author", ""),
                "config": config.get("config") or {},
                "created": config.get("created"),
                "os": config.get("os", "")}

    def total_bytes(self, harbor, repository_id):
        """The manifest and all that it refers to."""
        if not self.is_index:
            return len(self.data) + sum(part["size"] for part in
                                        [self.config, *self.layers])
        rows = [harbor.table("artifact").find(repository_id=repository_id,
                                              digest=child["digest"])
                for child in self.children]
        return len(self.data) + sum(row["size"] for row in rows if row)

    def columns(self, harbor, repository):
        """All of the artifact's row but times."""
        return {
            "project_id": repository["project_id"],
            "repository_id": repository["id"],
            "digest": self.digest, "type": self.type,
            "media_type": self.media_type,
            "manifest_media_type": self.kind,
            "artifact_type": self.artifact_type,
            "icon": ICONS.get(self.type, OTHER_ICON),
            "size": self.total_bytes(harbor, repository["id"]),
            "annotations": self.value.get("annotations"),
            "extra": self.extra(harbor),
            "children": [{"digest": child["digest"],
                          "platform": child.get("platform"),
                          "annotations": child.get("annotations")}
                         for child in self.children],
            "blobs": frozenset(() if self.is_index else self.needs)}
