# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stands around a Harbor: the adapter of a scanner, a Dragonfly.

    with Scanner() as scanner: ... scanner.address, scanner.url
"""
from .wire import Listener, Response

METADATA = {
    "capabilities": [{
        "consumes_mime_types": [
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json"],
        "produces_mime_types": [
            "application/vnd.security.vulnerability.report; version=1.1"]}],
    "properties": {"k": "v"},
    "scanner": {"name": "Example", "vendor": "Example Inc.",
                "version": "1.0"}}


class Neighbour:
    """Answers with JSON what `answers` has for the end of a path."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []  # headers of each request
        self.listener = Listener(None, self.answer)
        self.address = f"127.0.0.1:{self.listener.port}"
        self.url = f"http://{self.address}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.listener.stop()

    def answer(self, request):
        self.asked.append(request.headers)
        for path, value in self.answers.items():
            if request.path.endswith(path):
                return Response(200, value)
        return Response(404)


class Scanner(Neighbour):
    def __init__(self):
        super().__init__({"/api/v1/metadata": METADATA})


class Dragonfly(Neighbour):
    def __init__(self):
        super().__init__({"/_ping": "OK"})
