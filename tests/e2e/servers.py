# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's docker-registry, and nginx before it."""
import os
import re
import shutil
import subprocess
import time

import content
from content import Client
from harness import free_port, need, path, start, stop


class Registry:
    """One docker-registry with its access log."""

    def __init__(self, name, accesslog=True, tokens=None, urls=None):
        """`urls`: a pattern of addresses that manifests may name."""
        self.name = name
        self.urls = urls
        self.accesslog = accesslog
        self.tokens = tokens
        self.program = need("docker-registry")
        self.port = free_port()
        self.process = None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return path(self.name + ".log")

    def start(self, readonly=False):
        root = path(self.name)
        with open(path(self.name + ".yml"), "w") as file:
            file.write(f"""
version: 0.1
log:
  level: error
  accesslog: {{ disabled: {str(not self.accesslog).lower()} }}
storage:
  filesystem: {{ rootdirectory: {root} }}
  delete: {{ enabled: true }}
  maintenance: {{ readonly: {{ enabled: {str(readonly).lower()} }} }}
http: {{ addr: "127.0.0.1:{self.port}" }}
""")
            if self.urls is not None:
                file.write(f"""
validation:
  manifests: {{ urls: {{ allow: [ '{self.urls}' ] }} }}
""")
            if self.tokens is not None:
                file.write(f"""
auth:
  token:
    realm: {self.tokens.url}
    service: the registry
    issuer: tests
    rootcertbundle: {self.tokens.certificate}
""")
        self.process = start([self.program, "serve",
                              path(self.name + ".yml")], self.port, self.log,
                             env=dict(os.environ,
                                      OTEL_TRACES_EXPORTER="none"))

    def restart(self, **how):
        stop(self.process)
        self.start(**how)

    def wipe(self):
        stop(self.process)
        shutil.rmtree(path(self.name), ignore_errors=True)
        self.start()

    def seed(self, repository, tags):
        """Writes {tag: Artifact} where the registry keeps them: the way to
        have thousands."""
        top = path(self.name, "docker", "registry", "v2")
        place = os.path.join(top, "repositories", repository)
        for artifact in {id(a): a for a in tags.values()}.values():
            for data in artifact.blobs.values():
                write_seed(top, place, "_layers", data)
            for _, data in artifact.manifests:
                write_seed(top, place, "_manifests/revisions", data)
        for tag, artifact in tags.items():
            named = os.path.join(place, "_manifests", "tags", tag)
            write_link(named, "current", artifact.digest)
            write_link(named, "index/" + artifact.digest.replace(":", "/"),
                       artifact.digest)

    def seed_sparse(self, repository, digest, size):
        """A blob of zeros that takes no room."""
        top = path(self.name, "docker", "registry", "v2")
        code = digest[len("sha256:"):]
        write_link(os.path.join(top, "repositories", repository, "_layers"),
                   "sha256/" + code, digest)
        blob = os.path.join(top, "blobs", "sha256", code[:2], code)
        os.makedirs(blob, exist_ok=True)
        with open(os.path.join(blob, "data"), "wb") as file:
            file.truncate(size)

    def client(self):
        return Client(self.port)

    def forget(self):
        """Starts counting anew."""
        # The last lines of the log are written after the answer is sent.
        time.sleep(0.2)
        open(self.log, "w").close()

    def requests(self):
        """(method, target) of every request since forget."""
        time.sleep(0.2)
        with open(self.log, errors="replace") as file:
            return re.findall(r'"([A-Z]+) (/\S*) HTTP/', file.read())


def write_link(place, name, digest):
    os.makedirs(os.path.join(place, name), exist_ok=True)
    with open(os.path.join(place, name, "link"), "w") as file:
        file.write(digest)


def write_seed(top, place, kind, data):
    digest = content.digest(data)
    code = digest[len("sha256:"):]
    blob = os.path.join(top, "blobs", "sha256", code[:2], code)
    write_link(os.path.join(place, kind), "sha256/" + code, digest)
    if not os.path.exists(blob):
        os.makedirs(blob)
        with open(os.path.join(blob, "data"), "wb") as file:
            file.write(data)


def make_certificate(name, host="127.0.0.1", also=()):
    """A self-signed certificate; its own CA.  `also` are more names that it
    is for, as openssl writes them."""
    certificate = path(name + ".crt")
    key = path(name + ".key")
    subprocess.run(
        [need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-days", "2", "-subj", "/CN=" + host, "-addext",
         "subjectAltName=" + ",".join([f"IP:{host}", *also]), "-keyout", key, "-out", certificate],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


class Nginx:
    """TLS and basic auth before a registry."""

    def __init__(self, name, registry, user, password, client_ca=None):
        """Asks for a client certificate of `client_ca`, if it is given."""
        program = need("nginx")
        self.port = free_port()
        self.ca, key = make_certificate(name)
        root = path(name)
        os.makedirs(root, exist_ok=True)
        hashed = subprocess.run(
            [need("openssl"), "passwd", "-apr1", password], check=True,
            stdout=subprocess.PIPE).stdout.decode().strip()
        with open(path(name, "htpasswd"), "w") as file:
            file.write(f"{user}:{hashed}\n")
        os.chmod(path(name, "htpasswd"), 0o644)
        for directory, _, _ in list(os.walk(root)):
            os.chmod(directory, 0o755)
        with open(path(name, "nginx.conf"), "w") as file:
            file.write(f"""
daemon off; pid {root}/pid; error_log {root}/error.log;
worker_processes 1;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 256; }}
http {{
  access_log {root}/access.log;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;
  fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u;
  scgi_temp_path {root}/s;
  server {{
    listen 127.0.0.1:{self.port} ssl http2;
    ssl_certificate {self.ca}; ssl_certificate_key {key};
    {f"ssl_client_certificate {client_ca}; ssl_verify_client on;"
     if client_ca else ""}
    client_max_body_size 0; proxy_request_buffering off;
    auth_basic "registry"; auth_basic_user_file {root}/htpasswd;
    location / {{
      proxy_pass {registry.url};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Authorization "";
    }}
  }}
}}
""")
        self.process = start([program, "-p", root, "-c",
                              path(name, "nginx.conf")], self.port,
                             path(name, "output.log"))

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"
