# SPDX-License-Identifier: LGPL-2.1-or-later
"""URLs as Harbor reads them, with what it says of bad ones, and what it
reaches there."""
import http.client
import json
import re
import socket

from .wire import Refusal

IN_HOST = re.compile(r"[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"%\u0080-\U0010ffff]")
TIMEOUT_S = 20


class BadUrl(Exception):
    """What Go's parser says."""


def parse(text):
    """(scheme, host with port, path) of a URL with a scheme."""
    scheme, _, rest = text.partition("://")
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    path = re.split("[?#]", rest[len(host):], maxsplit=1)[0]
    host = host.rpartition("@")[2]
    port = re.search(":[^:\\]]*$", host)
    if port and not re.fullmatch(":[0-9]*", port[0]):
        raise BadUrl(f"parse \"{text}\": invalid port \"{port[0]}\" after "
                     "host")
    for letter in host:
        if not IN_HOST.match(letter):
            raise BadUrl(f"parse \"{text}\": invalid character \"{letter}\" "
                         "in host name")
    return scheme.lower(), host, path


def normalized(text):
    """The address of a registry or a scanner as it is kept."""
    text = text.strip(" ").rstrip("/")
    if not text:
        raise Refusal(400, "empty string")
    if "://" not in text:
        text = "http://" + text
    try:
        scheme, host, path = parse(text)
    except BadUrl as error:
        raise Refusal(400, f"invalid URL: {error}") from None
    if scheme not in ("http", "https"):
        raise Refusal(400, f"invalid HTTP scheme: {scheme}")
    return f"{scheme}://{host}{path}"


def check_endpoint(text):
    """Refuses what cannot be the address of a webhook."""
    text = text.strip(" ").rstrip("/")
    if not text:
        raise Refusal(400, "empty URL")
    scheme, sign, _ = text.partition("://")
    if not sign:
        text = "http://" + text
    elif scheme not in ("http", "https"):
        raise Refusal(400, f"invalid scheme: {scheme}")
    try:
        parse(text)
    except BadUrl as error:
        raise Refusal(400, str(error)) from None


class Answer:
    """What came back; `body` is bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


def ask(harbor, method, url, headers=None, body=None):
    """The answer of what listens at a URL.  OSError: nobody does."""
    _, host, path = parse(url)
    query = url.partition("?")[2]
    connection = http.client.HTTPConnection(harbor.real_address(host),
                                            timeout=TIMEOUT_S)
    try:
        connection.request(method, path + ("?" + query if query else ""),
                           body, {"Host": host, **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def listens(harbor, address):
    """True if HOST:PORT takes connections."""
    host, _, port = harbor.real_address(address).rpartition(":")
    try:
        socket.create_connection((host, int(port)), TIMEOUT_S).close()
        return True
    except (OSError, ValueError):
        return False
