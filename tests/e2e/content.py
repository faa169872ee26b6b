# SPDX-License-Identifier: LGPL-2.1-or-later
"""Content made up for tests: the same seed makes the same bytes."""
import gzip as gzip_module
import hashlib
import http.client
import json
import random
import re
import urllib.parse

OCI = "application/vnd.oci.image."
MANIFEST = OCI + "manifest.v1+json"
INDEX = OCI + "index.v1+json"
CONFIG = OCI + "config.v1+json"
LAYER = OCI + "layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = ("application/vnd.docker.distribution.manifest.list.v2"
               "+json")
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def matches(data, name):
    """Whether a digest of an algorithm that registries know is that of some
    bytes."""
    algorithm = name.partition(":")[0]
    return (algorithm in ("sha256", "sha512")
            and digest(data, algorithm) == name)


def cut_range(data, wanted):
    """Status, body and headers of an answer to "Range: bytes=..."."""
    found = re.fullmatch("bytes=([0-9]+)-([0-9]*)", wanted or "")
    size = len(data)
    if found is None:
        return 200, data, {"Accept-Ranges": "bytes"}
    first = int(found[1])
    last = min(int(found[2] or size - 1), size - 1)
    if first > last:
        return 416, b"", {"Content-Range": f"bytes */{size}"}
    return 206, data[first:last + 1], {
        "Content-Range": f"bytes {first}-{last}/{size}"}


def make_blob(seed, size, compressed=False):
    data = random.Random(seed).randbytes(size)
    return gzip_module.compress(data, 0, mtime=0) if compressed else data


def descriptor(data, media_type, algorithm="sha256", **more):
    return {"mediaType": media_type, "digest": digest(data, algorithm),
            "size": len(data), **more}


def encode(value):
    return json.dumps(value).encode()


class Artifact:
    """Manifests, children first, and the blobs they need."""

    def __init__(self, manifests, blobs):
        self.manifests = manifests  # [(media type, bytes)]
        self.blobs = blobs          # {digest: bytes}

    @property
    def bytes(self):
        return self.manifests[-1][1]

    @property
    def media_type(self):
        return self.manifests[-1][0]

    @property
    def digest(self):
        return digest(self.bytes)

    @property
    def descriptor(self):
        return descriptor(self.bytes, self.media_type)


def image(seed, layers=2, size=2000, shared=(), docker=False, gzip=False,
          created=None, given=(), **more):
    """A single image; `shared` are seeds of layers that others have too, and
    `given` layers as they are."""
    config = {"architecture": "amd64", "os": "linux", "seed": seed,
              "rootfs": {"type": "layers", "diff_ids": []}}
    config = encode(dict(config, created=created) if created else config)
    data = [make_blob(s, size, gzip) for s in shared]
    data += [make_blob(f"{seed}/{i}", size, gzip) for i in range(layers)]
    data += given
    kind = ((DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER) if docker
            else (MANIFEST, CONFIG, LAYER + ("+gzip" if gzip else "")))
    # Spaces and order that no canonical form would keep.
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": kind[0],
        "layers": [descriptor(d, kind[2]) for d in data],
        "config": descriptor(config, kind[1]), **more}, indent=3).encode()
    blobs = {digest(d): d for d in data + [config]}
    return Artifact([(kind[0], manifest)], blobs)


def index(seed, platforms=3, docker=False, **more):
    children = [image(f"{seed}/{i}", docker=docker, **more)
                for i in range(platforms)]
    entries = [dict(child.descriptor,
                    platform={"os": "linux", "architecture": f"arch{i}"})
               for i, child in enumerate(children)]
    return bundle(children, entries, DOCKER_LIST if docker else INDEX)


def bundle(children, entries=None, kind=INDEX, **more):
    """An index of artifacts."""
    if entries is None:
        entries = [child.descriptor for child in children]
    root = encode({"schemaVersion": 2, "mediaType": kind,
                   "manifests": entries, **more})
    blobs = {}
    for child in children:
        blobs.update(child.blobs)
    return Artifact([m for c in children for m in c.manifests] +
                    [(kind, root)], blobs)


def nested(seed, depth):
    """An image below so many indexes."""
    artifact = image(seed)
    for _ in range(depth):
        artifact = bundle([artifact])
    return artifact


def artifact(config, layers, **more):
    """`config` and the `layers` are pairs of bytes and media type, or
    triples with annotations."""
    parts = [descriptor(*part[:2], **({"annotations": part[2]}
                                      if len(part) > 2 else {}))
             for part in [config, *layers]]
    manifest = encode({"schemaVersion": 2, "mediaType": MANIFEST,
                       "config": parts[0], "layers": parts[1:], **more})
    return Artifact([(MANIFEST, manifest)],
                    {digest(part[0]): part[0] for part in [config, *layers]})


def chart(seed):
    """A Helm chart with its provenance."""
    kind = "application/vnd.cncf.helm."
    return artifact(
        (encode({"name": seed, "version": "1.0.0", "apiVersion": "v2"}),
         kind + "config.v1+json"),
        [(make_blob(seed, 900, True), kind + "chart.content.v1.tar+gzip"),
         (make_blob(seed + "/prov", 300),
          kind + "chart.provenance.v1.prov")],
        annotations={"org.opencontainers.image.title": seed})


def signature(subject):
    """As cosign makes one; its tag is that of the digest and ".sig"."""
    said = encode({"critical": {"image": {
        "docker-manifest-digest": subject.digest}, "type":
        "cosign container image signature"}, "optional": None})
    return artifact(
        (encode({"architecture": "", "os": ""}), CONFIG),
        [(said, "application/vnd.dev.cosign.simplesigning.v1+json",
          {"dev.cosignproject.cosign/signature": "MEUCIQD+none=="})])


def empty_artifact(seed):
    """No image at all: an empty config, and a type of its own."""
    return artifact((b"{}", "application/vnd.oci.empty.v1+json"),
                    [(make_blob(seed, 700), "application/vnd.example.data")],
                    artifactType="application/vnd.example.thing")


def referrer(seed, subject, kind="application/vnd.example.sbom", refers=None,
             **more):
    """An SBOM-like artifact that refers to another, which may be one manifest
    of an index: (media type, bytes)."""
    refers = refers or (subject.descriptor if isinstance(subject, Artifact)
                        else descriptor(subject[1], subject[0]))
    return artifact((b"{}", "application/vnd.oci.empty.v1+json"),
                    [(make_blob(seed, 500),
                      "application/vnd.example.sbom+text")],
                    artifactType=kind, subject=refers, **more)


def fallback_tag(name):
    """The tag of what refers to a digest."""
    return name.replace(":", "-")[:len("sha256-") + 64]


def fallback(*referrers):
    """The index that clients keep where a registry has no lists."""
    entries = []
    for one in referrers:
        value = json.loads(one.bytes)
        entry = dict(one.descriptor, artifactType=value["artifactType"])
        if "annotations" in value:
            entry["annotations"] = value["annotations"]
        entries.append(entry)
    return Artifact([(INDEX, json.dumps({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": entries},
        indent=2).encode())], {})


class Client:
    """Speaks to a registry directly, to fill it and to look at it."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port,
                                                     timeout=60)

    def ask(self, method, target, body=None, headers=None):
        self.connection.request(method, target, body, headers or {})
        response = self.connection.getresponse()
        return response, response.read()

    def push(self, repository, tag, artifact):
        for data in artifact.blobs.values():
            self.push_blob(repository, data)
        for media_type, data in artifact.manifests:
            last = data is artifact.bytes
            self.put_manifest(repository,
                              tag if last and tag else digest(data),
                              media_type, data)

    def push_blob(self, repository, data):
        name = digest(data)
        response, _ = self.ask("HEAD", f"/v2/{repository}/blobs/{name}")
        if response.status == 200:
            return
        response, _ = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        location = urllib.parse.urlparse(response.headers["Location"])
        response, _ = self.ask(
            "PUT", f"{location.path}?{location.query}&digest={name}", data,
            {"Content-Type": "application/octet-stream"})
        assert response.status == 201, response.status

    def put_manifest(self, repository, reference, media_type, data):
        response, body = self.ask(
            "PUT", f"/v2/{repository}/manifests/{reference}", data,
            {"Content-Type": media_type})
        assert response.status == 201, (response.status, body)

    def manifest(self, repository, reference):
        """Media type and bytes, or None."""
        response, body = self.ask(
            "GET", f"/v2/{repository}/manifests/{reference}", None,
            {"Accept": f"{MANIFEST}, {INDEX}, {DOCKER_MANIFEST}, "
                       f"{DOCKER_LIST}"})
        if response.status == 404:
            return None
        assert response.status == 200, (response.status, body)
        return response.headers["Content-Type"], body

    def tags(self, repository):
        response, body = self.ask("GET", f"/v2/{repository}/tags/list")
        return sorted(json.loads(body).get("tags") or [])

    def has_blob(self, repository, name):
        response, _ = self.ask("HEAD", f"/v2/{repository}/blobs/{name}")
        return response.status == 200
