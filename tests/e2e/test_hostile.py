# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripted registry does what it says; what others rely on."""
import http.client
import json
import socket
import urllib.parse

import content
from harness import holds, run, same
from hostile import Hostile
from hostile_access import ObjectStore

BLOB = content.make_blob("blob", 1000)
NAME = content.digest(BLOB)


def ask(registry, method, target, body=None, **headers):
    connection = http.client.HTTPConnection(
        *urllib.parse.urlparse(registry.url).netloc.split(":"), timeout=10)
    connection.request(method, target, body, {
        name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, response.headers, data


def begin(registry, repository="app", query=""):
    status, headers, _ = ask(registry, "POST",
                             f"/v2/{repository}/blobs/uploads/{query}")
    same(status, 202)
    return headers["Location"]


def patch(registry, location, body, wanted=202, **headers):
    status, answer, _ = ask(registry, "PATCH", location, body, **headers)
    same(status, wanted, "PATCH")
    return answer


def put(registry, location, body, name=NAME, wanted=201, **headers):
    status, _, data = ask(registry, "PUT", f"{location}&digest={name}", body,
                          **headers)
    same(status, wanted, "PUT")
    return data


def code_of(body):
    return json.loads(body)["errors"][0]["code"]


def cut(registry, method, location, body, length):
    """Sends a part of a body, and closes the connection."""
    host, port = urllib.parse.urlparse(registry.url).netloc.split(":")
    with socket.create_connection((host, int(port))) as peer:
        peer.sendall(f"{method} {location} HTTP/1.1\r\nHost: x\r\n"
                     f"Content-Length: {length}\r\n\r\n".encode() + body)
        peer.shutdown(socket.SHUT_WR)
        same(peer.recv(1), b"", "answer")


def case_a_blob_comes_in_pieces_and_in_one():
    registry = Hostile()
    location = begin(registry)
    answer = patch(registry, location, BLOB[:400], Content_Range="0-399")
    same(answer["Range"], "0-399")
    answer = patch(registry, answer["Location"], BLOB[400:700])
    same(answer["Range"], "0-699")
    status, answer, _ = ask(registry, "GET", answer["Location"])
    same((status, answer["Range"]), (204, "0-699"))
    put(registry, answer["Location"], BLOB[700:], Content_Range="700-999")
    same(registry.blobs["app", NAME], BLOB)
    put(registry, begin(registry, "b"), BLOB)
    same(registry.received_bytes, 2000)
    long = content.digest(BLOB, "sha512")
    put(registry, begin(registry), BLOB, long)
    put(registry, begin(registry), BLOB[1:], wanted=400)


def case_an_address_is_good_once_and_ranges_must_follow():
    registry = Hostile()
    first = begin(registry)
    patch(registry, first, BLOB[:400])
    patch(registry, first, BLOB[400:], 404)
    answer = patch(registry, first, BLOB[400:500], 416,
                   Content_Range="300-399")
    same(answer["Range"], "0-399")
    patch(registry, answer["Location"], b"x", 416, Content_Range="400-401")
    patch(registry, answer["Location"], b"x", 404)
    status, _, body = ask(registry, "GET", "/v2/app/blobs/uploads/99")
    same((status, code_of(body)), (404, "BLOB_UPLOAD_UNKNOWN"))
    same(ask(registry, "DELETE", first)[0], 204)
    same(ask(registry, "GET", first)[0], 404)


def case_what_came_before_a_cut_is_kept_and_counted():
    registry = Hostile()
    location = begin(registry)
    cut(registry, "PUT", f"{location}&digest={NAME}", BLOB[:300], 1000)
    status, answer, _ = ask(registry, "GET", location)
    same((status, answer["Range"]), (204, "0-299"))
    put(registry, answer["Location"], BLOB[300:])
    session, = registry.sessions.values()
    same((session.received_bytes, session.digest), (1000, NAME))
    registry.rule("PUT", "uploads", times=1, cut_after=100)
    location = begin(registry)
    try:
        put(registry, location, BLOB)
        holds(False, "the connection was not cut")
    except (OSError, http.client.HTTPException):
        same(ask(registry, "GET", location)[1]["Range"], "0-99")


def case_quirks_of_uploads():
    registry = Hostile(no_patch=True)
    patch(registry, begin(registry), BLOB, 405)
    registry = Hostile(single_patch=True)
    answer = patch(registry, begin(registry), BLOB[:400])
    answer = patch(registry, answer["Location"], BLOB[400:])
    same(answer["Range"], "0-999")
    same(code_of(put(registry, answer["Location"], b"", wanted=400)),
         "DIGEST_INVALID")
    answer = patch(registry, begin(registry), BLOB)
    put(registry, answer["Location"], b"")
    registry = Hostile(body_limit=600)
    put(registry, begin(registry), BLOB, wanted=413)
    answer = patch(registry, begin(registry), BLOB[:600])
    put(registry, answer["Location"], BLOB[600:])
    registry = Hostile(forgets_broken=True)
    location = begin(registry)
    cut(registry, "PATCH", location, BLOB[:300], 1000)
    status, _, body = ask(registry, "GET", location)
    same((status, code_of(body)), (404, "BLOB_UPLOAD_INVALID"))
    registry = Hostile(discards_broken_put=True)
    answer = patch(registry, begin(registry), BLOB[:400])
    location = answer["Location"]
    cut(registry, "PUT", f"{location}&digest={NAME}", BLOB[400:500], 600)
    same(ask(registry, "GET", location)[1]["Range"], "0-399")
    registry = Hostile(repository_must_exist=True)
    same(ask(registry, "POST", "/v2/app/blobs/uploads/")[0], 404)
    registry.create("app")
    begin(registry)


def case_quirks_of_mounts():
    def mount(registry):
        return ask(registry, "POST",
                   f"/v2/new/blobs/uploads/?mount={NAME}&from=app")[0]

    registry = Hostile()
    same(mount(registry), 202)
    image = content.image("x", size=1000)
    registry.blobs["app", NAME] = BLOB
    same(mount(registry), 201)
    registry.no_mount = True
    same(mount(registry), 202)
    registry = Hostile(mount_needs_manifest=True)
    registry.blobs["app", NAME] = BLOB
    registry.add("app", "1", image)
    same(mount(registry), 202)
    manifest = content.encode({"layers": [content.descriptor(BLOB, "x")]})
    registry.add("app", "2", content.Artifact([(content.MANIFEST,
                                                manifest)], {}))
    same(mount(registry), 201)


def case_quirks_of_manifests():
    registry = Hostile(immutable_tags=409, no_digest_header=True,
                       insists=True)
    image = content.image("x")

    def store(reference):
        return ask(registry, "PUT", f"/v2/app/manifests/{reference}",
                   image.bytes, Content_Type=content.MANIFEST)

    same(code_of(store("1")[2]), "MANIFEST_BLOB_UNKNOWN")
    registry.add("app", "1", image)
    status, _, body = store("1")
    same((status, code_of(body)), (409, "TAG_INVALID"))
    same(store(image.digest)[0], 201)
    same(store("sha256:" + "0" * 64)[0], 400)
    same(ask(registry, "HEAD", "/v2/app/manifests/1")[1].get(
        "Docker-Content-Digest"), None)
    registry.no_head = True
    same(ask(registry, "HEAD", "/v2/app/manifests/1")[0], 405)


def case_parts_of_blobs_and_blobs_kept_elsewhere():
    registry = Hostile()
    registry.blobs["app", NAME] = BLOB
    place = f"/v2/app/blobs/{NAME}"
    status, headers, body = ask(registry, "GET", place, Range="bytes=400-")
    same((status, body), (206, BLOB[400:]))
    same(headers["Content-Range"], "bytes 400-999/1000")
    same(ask(registry, "GET", place, Range="bytes=1000-")[0], 416)
    same(registry.sent_bytes, 600)
    registry.no_range = True
    same(ask(registry, "GET", place, Range="bytes=400-")[0], 200)
    registry.object_store = store = ObjectStore()
    status, headers, _ = ask(registry, "GET", place)
    same(status, 307)
    address = headers["Location"][len(store.url):]
    same(ask(store, "GET", address)[2], BLOB)
    same(ask(store, "GET", address, Range="bytes=1-1")[2], BLOB[1:2])
    same(ask(store, "GET", address, Authorization="Bearer x")[0], 400)
    same(store.refused, 1)


def case_referrers_are_listed_filtered_and_paged():
    registry = Hostile()
    subject = content.image("subject")
    place = f"/v2/app/referrers/{subject.digest}"
    same(ask(registry, "GET", place)[0], 404)
    registry.referrers = True
    same(json.loads(ask(registry, "GET", place)[2])["manifests"], [])
    for number in range(3):
        sbom = content.referrer(f"sbom{number}", subject)
        registry.add("app", f"sbom{number}", sbom)
    status, headers, _ = ask(registry, "PUT", "/v2/app/manifests/again",
                             sbom.bytes, Content_Type=content.MANIFEST)
    same((status, headers["OCI-Subject"]), (201, subject.digest))
    same(len(json.loads(ask(registry, "GET", place)[2])["manifests"]), 3)
    registry.page = 2
    kind = urllib.parse.quote("application/vnd.example.sbom")
    _, headers, body = ask(registry, "GET", f"{place}?artifactType={kind}")
    same(headers["OCI-Filters-Applied"], "artifactType")
    found = json.loads(body)["manifests"]
    target = headers["Link"].split(">")[0][1:]
    _, headers, body = ask(registry, "GET", target)
    found += json.loads(body)["manifests"]
    same(headers["Link"], None)
    same(len({entry["digest"] for entry in found}), 3)
    _, headers, body = ask(registry, "GET", f"{place}?artifactType=other")
    same(json.loads(body)["manifests"], [])


def case_tokens_are_for_what_they_were_asked_for():
    registry = Hostile(wants_tokens=True)
    registry.add("app", "1", content.image("x"))
    status, headers, _ = ask(registry, "GET", "/v2/app/manifests/1")
    same(status, 401)
    holds('scope="repository:app:pull"' in headers["WWW-Authenticate"],
          headers)

    def token(scope):
        _, _, body = ask(registry, "GET", "/token?" +
                         urllib.parse.urlencode({"scope": scope}))
        return "Bearer " + json.loads(body)["token"]

    wide = token("repository:app:pull,push")
    same(ask(registry, "GET", "/v2/app/manifests/1",
             Authorization=wide)[0], 200)
    same(ask(registry, "GET", "/v2/app/manifests/1",
             Authorization=token("repository:b:pull"))[0], 401)
    registry.exact_tokens = True
    same(ask(registry, "GET", "/v2/app/manifests/1",
             Authorization=wide)[0], 403)
    same(ask(registry, "GET", "/v2/app/manifests/1",
             Authorization=token("repository:app:pull"))[0], 200)


if __name__ == "__main__":
    run(globals())
