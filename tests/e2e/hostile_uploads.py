# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads to the scripted registry: sessions, and what mounts.

    POST -> session 7, state 1      its address changes with every answer, and
    PATCH (state 1) -> state 2      only the last one given is good for more
    PUT (state 2) -> blob           bytes; any of them tells how far it is

What arrived before a connection was cut stays in the session, is counted, and
goes on from there, unless a quirk says otherwise.
"""
import re

import content

RANGE = re.compile("([0-9]+)-([0-9]+)")


class Session:
    """One upload: the bytes it has, and those it was sent."""

    def __init__(self, repository, name, origin, root):
        self.repository = repository
        self.name = name
        self.origin = origin     # before its address, or ""
        self.root = root         # what its path starts with
        self.state = 0
        self.data = bytearray()
        self.size = 0            # what it claims to have
        self.received_bytes = 0  # of bodies, useful or not
        self.patches = 0
        self.digest = None       # once a PUT has named it
        self.end = None          # "stored", "cancelled" or "broken"

    def location(self):
        self.state += 1
        return (f"{self.origin}/{self.root}/{self.repository}/blobs/uploads/"
                f"{self.name}?_state=a%2Fb.{self.state}")

    def headers(self):
        # An empty one and one with a byte look the same, as in docker's.
        return {"Location": self.location(), "Docker-Upload-UUID": self.name,
                "Range": f"0-{max(0, self.size - 1)}"}


class UploadMixin:
    """The part of the handler that serves /blobs/uploads."""

    def serve_upload(self, repository, name, query, rule):
        if self.command == "POST":
            self.read_body()
            self.begin_upload(repository, query, rule)
            return
        session = self.registry.sessions.get(name)
        if session is None or session.repository != repository:
            self.refuse_upload(404, "BLOB_UPLOAD_UNKNOWN")
        elif session.end == "broken":
            self.refuse_upload(404, "BLOB_UPLOAD_INVALID")
        elif session.end is not None:
            self.refuse_upload(404, "BLOB_UPLOAD_UNKNOWN")
        elif self.command == "GET":
            self.answer(204, headers=session.headers(), rule=rule)
        elif self.command == "DELETE":
            session.end = "cancelled"
            self.answer(204, rule=rule)
        elif self.command == "PATCH":
            self.serve_patch(session, query, rule)
        elif self.command == "PUT":
            self.serve_put(session, query, rule)
        else:
            self.refuse_upload(405, "UNSUPPORTED")

    def begin_upload(self, repository, query, rule):
        registry = self.registry
        if not registry.may_create(repository):
            self.refuse_repository(repository)
            return
        source = query.get("from", [None])[0]
        digest = query.get("mount", [None])[0]
        if registry.may_mount(source, digest):
            registry.blobs[repository, digest] = registry.blobs[source,
                                                                digest]
            self.answer(201, headers={"Docker-Content-Digest": digest})
            return
        with registry.lock:
            name = str(len(registry.sessions) + 1)
            session = registry.sessions[name] = Session(
                repository, name,
                registry.url if registry.absolute_locations else "",
                "up" if registry.odd_locations else "v2")
        self.answer(202, headers=session.headers(), rule=rule)

    def serve_patch(self, session, query, rule):
        registry = self.registry
        if registry.no_patch:
            self.refuse_upload(405 if registry.no_patch is True
                               else registry.no_patch, "UNSUPPORTED")
        elif self.follows(session, query):
            before = len(session.data)
            whole = self.receive(session, rule)
            if not whole:
                self.break_session(session, rule.get("keeps"))
                return
            session.patches += 1
            if registry.single_patch and session.patches > 1:
                # The last one wins, though the range says that all is well.
                del session.data[:before]
            headers = session.headers()
            if rule.get("store_and_drop"):
                self.drop()
            else:
                self.answer(202, headers=headers, rule=rule)

    def serve_put(self, session, query, rule):
        registry = self.registry
        session.digest = query.get("digest", [""])[0]
        if not self.follows(session, query):
            return
        before = len(session.data)
        if not self.receive(session, rule):
            if registry.discards_broken_put:
                del session.data[before:]
                session.size = len(session.data)
            self.break_session(session, rule.get("keeps"))
            return
        data = bytes(session.data)
        if not content.matches(data, session.digest):
            session.end = "refused"
            self.refuse(400, "DIGEST_INVALID", "digest invalid")
            return
        session.end = "stored"
        session.data = bytearray()
        registry.blobs[session.repository, session.digest] = data
        if rule.get("store_and_drop"):
            self.drop()
            return
        self.answer(201, headers={"Docker-Content-Digest": session.digest},
                    rule=rule)

    def follows(self, session, query):
        """Whether a body may be appended; if not, that was answered."""
        said = self.headers.get("Content-Range")
        length = self.headers.get("Content-Length")
        state = query.get("_state", [""])[0]
        limit = self.registry.body_limit
        if length is None:
            self.refuse_upload(411, "SIZE_INVALID")
        elif said is not None and not self.in_range(session, said,
                                                    int(length)):
            self.refuse_upload(416, "RANGE_INVALID", session.headers())
        elif state != f"a/b.{session.state}":
            self.refuse_upload(404, "BLOB_UPLOAD_INVALID")
        elif limit is not None and int(length) > limit:
            self.refuse_upload(413, "SIZE_INVALID")
        else:
            return True
        return False

    def in_range(self, session, said, length):
        found = RANGE.fullmatch(said)
        return (found is not None and int(found[1]) == session.size and
                int(found[2]) - int(found[1]) + 1 == length)

    def receive(self, session, rule):
        """Appends the body; false if the connection was cut before its
        end."""
        left = int(self.headers["Content-Length"])
        until_cut = rule.get("cut_after", left)
        while left > 0 and until_cut > 0:
            part = self.read_some(min(left, until_cut))
            if not part:
                return False
            session.data += part
            session.size += len(part)
            left -= len(part)
            until_cut -= len(part)
            with self.registry.lock:
                session.received_bytes += len(part)
                self.registry.received_bytes += len(part)
        if left > 0:
            self.drop()
        return left == 0

    def break_session(self, session, keeps):
        self.close_connection = True
        if keeps is not None:
            del session.data[keeps:]
            session.size = len(session.data)
        if self.registry.forgets_broken:
            session.end = "broken"

    def refuse_upload(self, status, code, headers=None):
        """Answers at once, without waiting for the body, which is moved for
        nothing."""
        left = int(self.headers.get("Content-Length") or 0)
        self.close_connection |= left > 0
        self.refuse(status, code, code.lower().replace("_", " "), headers)
        while left > 0:
            part = self.read_some(left)
            if not part:
                return
            left -= len(part)
            with self.registry.lock:
                self.registry.received_bytes += len(part)
