# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a registry would like to send us, and does not get us.

Runs in a network of its own, in which a registry has a public address and a
trap listens on all others.  An attack may end as it likes, as long as the
trap hears of nobody, or, where it is a host like any other, of no secret.

What clients of registries got wrong before us, and who asks for it here:

    a layer's own addresses, and the 401 there        foreign layers, login
                                                      on the way
    digests that were not looked at                   digests lead nowhere
    a realm over http, or inside                      realms: inside, downgrade
    credentials to the address of an upload           uploads stay
    credentials along with a redirected manifest      manifests
    the next page on another host                     pages stay
    names that lead out of a directory                digests lead nowhere
    custom headers and certificates to another host   certificates
    secrets in a debug log                            every attack looks for it
    0.0.0.0, and other spellings of inside            places
    a token server that redirects                     token servers
    a redirect that comes back to the registry        there and back
    a check of names instead of addresses             names, rebinding
    from https to http                                downgrade
    a check that one way of asking goes around        connections, no_proxy
    what libcurl does by itself: .netrc, cookies      netrc and cookies
"""
import base64
import os
import shutil
import socket
import subprocess
import sys
import threading

import content
from harness import (Skip, configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from hostile_access import make_context
from servers import make_certificate

PUBLIC = "198.51.100.77"
OTHER = "198.51.100.78"
HOSTS = {
    "inside.test": ["127.0.0.1"], "rebound.test": ["198.51.100.99",
                                                   "127.0.0.1"],
    "metadata.test": ["169.254.169.254"], "other.test": [OTHER],
}
SECRET = "c4nary-in-a-mine"
PAIR = base64.b64encode(f"joe:{SECRET}".encode()).decode()
ENV = {"TEST_PASSWORD": SECRET}


def enter_network():
    """Starts this file again in a network namespace; or not at all."""
    hosts = os.path.abspath(os.path.join(
        os.environ.get("HR_BUILDDIR", "."), f"hosts-{os.getpid()}"))
    with open(hosts, "w") as file:
        file.write("127.0.0.1 localhost\n")
        for name, addresses in HOSTS.items():
            for address in addresses:
                file.write(f"{address} {name}\n")
    script = (
        "ip link set lo up && for a in "
        f"{PUBLIC} {OTHER} 10.1.2.3 192.168.5.5 "
        "169.254.169.254; do ip addr add $a/32 dev lo; done; "
        f"mount --bind {hosts} /etc/hosts && rm -f {hosts}; "
        'exec "$@"')
    command = ["unshare", "-Urnm", "sh", "-c", script, "sh"]
    probe = command[:-3] + ["-c", "ip link set lo up && "
                            f"mount --bind {hosts} /etc/hosts", "sh"]
    if (not shutil.which("unshare") or not shutil.which("ip") or
            os.spawnvp(os.P_WAIT, "unshare", probe) != 0):
        os.unlink(hosts)
        print("1..0 # SKIP no network of its own to be had")
        sys.exit(0)
    os.environ["HR_IN_NETWORK"] = "1"
    os.execvp("unshare", command + [sys.executable] + sys.argv)


class Trap:
    """Listens on every address, and writes down who came and what was
    said."""

    def __init__(self, answer=b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n"
                              b"WWW-Authenticate: Basic realm=x\r\n\r\n",
                 certificate=None):
        self.answer = answer
        self.tls = make_context(certificate, CLIENT and CLIENT[0])
        self.shown = []      # certificates of clients
        self.heard = []
        self.socket = socket.socket(socket.AF_INET6)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(("::", 0))
        self.socket.listen(50)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            peer, _ = self.socket.accept()
            entry = [peer.getsockname()[0], b""]
            self.heard.append(entry)
            threading.Thread(target=self.talk, args=(peer, entry),
                             daemon=True).start()

    def talk(self, peer, entry):
        peer.settimeout(3)
        try:
            if self.tls is not None:
                peer = self.tls.wrap_socket(peer, server_side=True)
                self.shown += filter(None, [peer.getpeercert()])
            while b"\r\n\r\n" not in entry[1]:
                part = peer.recv(65536)
                if not part:
                    return
                entry[1] += part
            peer.sendall(self.answer)
        except OSError:
            pass
        finally:
            peer.close()


BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
SERVERS = CLIENT = None


def trust():
    """A certificate that the system trusts, for all servers here; and one of
    ours."""
    global SERVERS, CLIENT
    if SERVERS is not None:
        return
    if not os.path.exists(BUNDLE):
        raise Skip("the system has no list of CAs where Debian has it")
    SERVERS = make_certificate("everybody", PUBLIC, [f"IP:{OTHER}"])
    CLIENT = make_certificate("client")
    subprocess.run(["mount", "--bind", SERVERS[0], BUNDLE], check=True)


def secure_attack(prepare, side="source", env=None, **settings):
    """The same, with a registry that speaks TLS and is shown a certificate;
    returns the registry."""
    trust()
    registry = Hostile(PUBLIC, certificate=SERVERS, client_ca=CLIENT[0])
    if env is None:
        settings["tls"] = {"cert": CLIENT[0], "key": CLIENT[1]}
    attack(prepare, registry, side, registry, env, **settings)
    same(len(registry.shown), len(registry.requests), "certificates shown")
    return registry


def attack(prepare, trap, side="source", registry=None, env=None, **settings):
    """One pass with a registry that `prepare` has spoilt; its result."""
    registry = registry or Hostile(PUBLIC)
    registry.add("app", "1", content.image("1"))
    registry.add("app", "good", content.image("good"))
    prepare(registry)
    policy = {"attempts": 1, "timeout": "3s", "stall": "3s",
              "patience": "1s", "connect_timeout": "2s"}
    login = {"username": "joe", "password": "env:TEST_PASSWORD", **settings}
    registries = {
        "source": endpoint("s", "oci", url=registry.url, policy=policy,
                           **login),
        "target": endpoint("t", "layout", path=path(f"t{trap.port}"))}
    if side == "target":
        source = Hostile()
        source.add("app", "1", content.image("1"))
        registries = {
            "source": endpoint("s", "oci", url=source.url, policy=policy),
            "target": endpoint("t", "oci", url=registry.url, policy=policy,
                               **login)}
    result = run_program(
        "-vvv", "once", env=dict(ENV, **(env or {})), config=configuration(
            list(registries.values()),
            [{"name": "st", "source": "s", "target": "t"}]))
    for secret in (SECRET, PAIR):
        holds(secret not in result.out + result.err, "a secret in the log")
    return result


def silent(trap, what):
    same([address for address, _ in trap.heard], [], what)


def no_secret(trap, what):
    for _, said in trap.heard:
        for word in (SECRET, PAIR, "authorization", "joe", "cookie",
                     "vnd.oci"):
            holds(word.lower() not in said.decode("latin-1").lower(),
                  f"{what}: {said}")
    same(trap.shown, [], f"{what}: certificates")


def blob_redirect(location):
    return lambda registry: registry.rule("GET", "/blobs/", status=307,
                                          headers={"Location": location})


def case_blobs_do_not_lead_inside():
    """By address in every spelling, and by name."""
    places = ["127.0.0.1", "127.1.2.3", "10.1.2.3", "192.168.5.5",
              "169.254.169.254", "0.0.0.0", "[::1]", "[::]",
              "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]",
              "[::ffff:10.1.2.3]", "2130706433", "0x7f000001", "0177.0.0.1",
              "127.1", "localhost", "inside.test", "metadata.test",
              "rebound.test", "INSIDE.TEST.", "127.0.0.1.", "localhost.",
              "0x7f.1", "0x7f.0.0.0x1", "017700000001", "0177.1", "0",
              "0x0", "2852039166", "0xa9fea9fe", "169.254.43518",
              "0xa010203", "10.0x10203", "012.1.2.3", "[::ffff:7f00:1]",
              "[::ffff:a9fe:a9fe]", "[::ffff:a01:203]",
              "[0:0:0:0:0:ffff:127.0.0.1]", "[0000::0001]",
              "%31%32%37.0.0.1", "127%2e0%2e0%2e1",
              "\u0661\u0662\u0667.0.0.1", "127\u30020\u30020\u30021"]
    for place in places:
        trap = Trap()
        location = f"http://{place}:{trap.port}/x"
        result = attack(blob_redirect(location.encode().decode("latin-1")),
                        trap)
        silent(trap, place)
        holds(result.code in (1, 2), place)


def case_no_chain_leads_inside():
    trap = Trap()
    between = Hostile(OTHER)
    between.rule("GET", "/step", status=302, headers={
        "Location": f"http://127.0.0.1:{trap.port}/x"})
    attack(blob_redirect(f"{between.url}/step"), trap)
    silent(trap, "a chain")
    same(between.count("GET", "/step") > 0, True)


def case_another_public_host_hears_no_secret():
    for place in (OTHER, "other.test"):
        trap = Trap()
        attack(blob_redirect(f"http://{place}:{trap.port}/x"), trap)
        holds(trap.heard, "it may be asked")
        no_secret(trap, place)


def case_there_and_back_the_password_is_the_registrys_alone():
    """A redirect that returns to where it came from."""
    between = Hostile(OTHER)

    def prepare(registry):
        between.rule("GET", "/step", status=302, headers={
            "Location": f"{registry.url}/back"})
        blob_redirect(f"{between.url}/step")(registry)
        registry.rule("GET", "/back", status=404)
        prepare.registry = registry
    attack(prepare, Trap())
    for _, _, headers in between.requests:
        holds("Authorization" not in headers, headers)
    back = [headers for _, target, headers in prepare.registry.requests
            if target == "/back"]
    holds(back, "it comes back")
    for headers in back:
        same(headers.get("Authorization"), f"Basic {PAIR}")


def case_another_port_of_the_registry_is_another_host():
    """What else runs there need not be the registry's."""
    trap = Trap()
    attack(blob_redirect(f"http://{PUBLIC}:{trap.port}/x"), trap)
    holds(trap.heard, "it may be asked")
    no_secret(trap, "another port")


def case_netrc_and_cookies_are_not_for_us():
    trap = Trap()
    home = path("home")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, ".netrc"), "w") as file:
        file.write(f"machine {OTHER} login joe password {SECRET}\n"
                   f"machine {PUBLIC} login ann password other\n")
    os.chmod(os.path.join(home, ".netrc"), 0o600)

    def prepare(registry):
        registry.rule("GET", "/blobs/", status=307, headers={
            "Location": f"http://{OTHER}:{trap.port}/x",
            "Set-Cookie": f"session={SECRET}; Path=/"})
        prepare.registry = registry
    attack(prepare, trap, env={"HOME": home})
    holds(trap.heard, "it may be asked")
    no_secret(trap, "netrc")
    for _, target, headers in prepare.registry.requests:
        same(headers.get("Authorization"), f"Basic {PAIR}", target)
        holds("Cookie" not in headers, target)


class Names:
    """A name server whose `answers` are given one by one, the last one for
    ever."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = 0
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            self.socket.sendto(self.reply(query), peer)

    def reply(self, query):
        end = query.index(0, 12) + 5
        addresses = []
        if query[end - 4:end - 2] == b"\0\1":
            addresses = self.answers[min(self.asked, len(self.answers) - 1)]
            self.asked += 1
        return (query[:2] + b"\x81\x80\0\1\0" + bytes([len(addresses)]) +
                b"\0\0\0\0" + query[12:end] + b"".join(
                    b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" +
                    socket.inet_aton(address) for address in addresses))


def case_names_may_change_their_mind_at_any_time():
    """A name that is outside when one asks, and inside when one goes."""
    if not os.path.exists("/etc/resolv.conf"):
        raise Skip("no name server is asked here")
    resolver = path("resolv.conf")
    with open(resolver, "w") as file:
        file.write("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", resolver, "/etc/resolv.conf"],
                   check=True)
    names = Names([[OTHER]])
    for answers in ([[OTHER], ["127.0.0.1"]], [["10.1.2.3"], [OTHER]],
                    [[OTHER, "169.254.169.254"]], [["127.0.0.1", OTHER]],
                    [["0.0.0.0"]]):
        trap = Trap()
        for step in range(4):
            names.answers, names.asked = answers[step % len(answers):], 0
            attack(blob_redirect(f"http://swings.test:{trap.port}/x"), trap)
        holds(names.asked > 0, "it is asked for")
        same([place for place, _ in trap.heard
              if place != f"::ffff:{OTHER}"], [], answers)
        no_secret(trap, answers)


def case_nothing_leads_from_https_to_http():
    """Blobs, realms, uploads and pages; to the registry's own host too."""
    for place in (PUBLIC, OTHER):
        trap = Trap()
        plain = f"http://{place}:{trap.port}/x"
        secure_attack(blob_redirect(plain))
        secure_attack(realm(plain))
        secure_attack(realm(plain), token_hosts=[place])
        secure_attack(lambda r, p=plain: r.rule(
            "POST", "/uploads/", status=202, headers={"Location": p}),
            "target")
        secure_attack(lambda r, p=plain: r.rule(
            "GET", "/tags/list", header={"Link": f'<{p}>; rel="next"'}))
        silent(trap, plain)


def case_no_chain_leads_from_https_to_http():
    trust()
    trap = Trap()
    between = Hostile(OTHER, certificate=SERVERS)
    between.rule("GET", "/step", status=302, headers={
        "Location": f"http://{OTHER}:{trap.port}/x"})
    secure_attack(blob_redirect(f"{between.url}/step"))
    holds(between.count("GET", "/step"), "the first step is taken")
    silent(trap, "the second step")


def certs_d(registry_url):
    """A directory of certificates, as docker has it."""
    folder = path("certs", registry_url.partition("//")[2])
    os.makedirs(folder)
    shutil.copy(CLIENT[0], os.path.join(folder, "us.cert"))
    shutil.copy(CLIENT[1], os.path.join(folder, "us.key"))
    return {"HARBOR_REPLICATOR_CERTS_D": path("certs")}


def case_our_certificate_is_shown_to_the_registry_alone():
    """Not to whom it sends us, nor to its token server on another host."""
    trust()
    for prepare in (blob_redirect, realm):
        for place in (OTHER, PUBLIC):
            trap = Trap(certificate=SERVERS)
            secure_attack(prepare(f"https://{place}:{trap.port}/x"))
            holds(trap.heard, "it may be asked")
            if prepare is blob_redirect or place == OTHER:
                no_secret(trap, place)
            same(trap.shown, [], place)
        trap = Trap(certificate=SERVERS)
        secure_attack(prepare(f"https://{OTHER}:{trap.port}/x"),
                      token_hosts=[OTHER])
        holds(trap.heard, "it may be asked")
        same(trap.shown, [], "a token server that is trusted")


def case_certificates_that_were_found_are_the_registrys_too():
    trust()
    registry = Hostile(PUBLIC, certificate=SERVERS, client_ca=CLIENT[0])
    trap = Trap(certificate=SERVERS)
    attack(blob_redirect(f"https://{OTHER}:{trap.port}/x"), trap,
           registry=registry, env=certs_d(registry.url))
    same(len(registry.shown), len(registry.requests))
    holds(trap.heard, "it may be asked")
    no_secret(trap, "certs.d")


def case_there_and_back_the_certificate_is_the_registrys_alone():
    trust()
    between = Hostile(OTHER, certificate=SERVERS, client_ca=CLIENT[0])

    def prepare(registry):
        between.rule("GET", "/step", status=302, headers={
            "Location": f"{registry.url}/back"})
        blob_redirect(f"{between.url}/step")(registry)
    registry = secure_attack(prepare)
    holds(between.count("GET", "/step"), "there")
    same(between.shown, [])
    holds("/back" in registry.shown, "and back")


def case_uploads_and_pages_stay_over_tls():
    trust()
    for location in ("https://{0}/v2/app/blobs/uploads/1",
                     "https://joe@{0}/v2/app/blobs/uploads/1",
                     "//{0}/v2/app/blobs/uploads/1"):
        for place in (OTHER, PUBLIC):
            trap = Trap(certificate=SERVERS)
            there = location.format(f"{place}:{trap.port}")
            secure_attack(lambda r, t=there: r.rule(
                "POST", "/uploads/", status=202, headers={"Location": t}),
                "target")
            secure_attack(lambda r, t=there: r.rule(
                "GET", "/tags/list", header={"Link": f'<{t}>; rel="next"'}))
            silent(trap, there)


def case_who_need_not_be_verified_is_the_registry_alone():
    """insecure says nothing about where it sends us."""
    trust()
    unknown = make_certificate("unknown", OTHER)
    trap = Trap(certificate=unknown)
    registry = Hostile(PUBLIC, certificate=make_certificate("own", PUBLIC))
    attack(blob_redirect(f"https://{OTHER}:{trap.port}/x"), trap,
           registry=registry, tls={"insecure": True})
    holds(registry.count("GET", "/blobs/"), "the registry itself is asked")
    holds(trap.heard, "it is connected to")
    same([said for _, said in trap.heard if said], [], "and told nothing")


def case_who_asks_for_a_login_on_the_way_gets_none():
    """CVE-2020-15157: the 401 of a host that we were sent to."""
    thief = Trap()
    trap = Trap(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n"
                b'WWW-Authenticate: Bearer realm="http://%s:%d/token",'
                b'service="x"\r\n\r\n'
                % (OTHER.encode(), thief.port))
    attack(blob_redirect(f"http://{OTHER}:{trap.port}/x"), trap)
    no_secret(trap, "the host itself")
    silent(thief, "its token server")


def case_other_schemes_and_users_are_refused():
    for location in ("file:///etc/passwd", "ftp://{0}/x", "gopher://{0}/x",
                     "http://joe:pw@{0}/x", "dict://{0}/x",
                     "//joe@{0}/x", "http://{0}/ x", "http://@{0}/x",
                     f"http://{PUBLIC}:80@{{0}}/x", "http://{0}\t/x",
                     "ldap://{0}/x", "smb://{0}/x", "ws://{0}/x"):
        trap = Trap()
        result = attack(
            blob_redirect(location.format(f"{OTHER}:{trap.port}")), trap)
        silent(trap, location)
        holds("root:" not in result.out + result.err, location)


def case_manifests_are_not_redirected():
    for method in ("GET", "HEAD"):
        trap = Trap()
        attack(lambda r, m=method, t=trap: r.rule(
            m, "/manifests/", status=307, headers={
                "Location": f"http://{OTHER}:{t.port}/x"}), trap)
        silent(trap, method)


def realm(location):
    return lambda registry: registry.rule("GET", "^/v2/", status=401, headers={
        "WWW-Authenticate": f'Bearer realm="{location}",service="x",'
                            'scope="repository:app:pull"'})


def case_realms_do_not_lead_inside():
    for place in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0",
                  "[::1]", "[::ffff:127.0.0.1]", "inside.test",
                  "rebound.test"):
        trap = Trap()
        attack(realm(f"http://{place}:{trap.port}/token"), trap)
        silent(trap, place)


def case_realms_elsewhere_hear_no_secret():
    trap = Trap()
    attack(realm(f"http://{OTHER}:{trap.port}/token"), trap)
    no_secret(trap, "realm")


def case_realms_of_other_forms_are_refused():
    for location in ("file:///etc/passwd", "http://joe:pw@{0}/token",
                     "http://joe@{0}/token", "//joe@{0}/token",
                     f"http://{PUBLIC}:80@{{0}}/token",
                     "ftp://{0}/token", "http://{0}/ token"):
        trap = Trap()
        attack(realm(location.format(f"{OTHER}:{trap.port}")), trap)
        silent(trap, location)


def case_token_servers_are_not_redirected():
    trap = Trap()

    def prepare(registry):
        realm(f"{registry.url}/token")(registry)
        registry.rule("GET", "^/token", status=302, headers={
            "Location": f"http://{OTHER}:{trap.port}/x"})
    attack(prepare, trap)
    silent(trap, "a token server")


def case_uploads_stay():
    for location in ("http://{0}/v2/app/blobs/uploads/1",
                     "http://joe@{0}/v2/app/blobs/uploads/1",
                     "//{0}/v2/app/blobs/uploads/1", "file:///tmp/x"):
        for place in (OTHER, "127.0.0.1"):
            trap = Trap()
            attack(lambda r, t=trap, p=place, l=location: r.rule(
                "POST", "/uploads/", status=202, headers={
                    "Location": l.format(f"{p}:{t.port}")}), trap, "target")
            silent(trap, location)


def case_pages_stay():
    for method, what in (("GET", "/tags/list"), ("GET", "_catalog")):
        trap = Trap()
        attack(lambda r, t=trap, m=method, w=what: r.rule(
            m, w, header={"Link": f'<http://{OTHER}:{t.port}/v2/next>; '
                                  'rel="next"'}), trap)
        attack(lambda r, t=trap, m=method, w=what: r.rule(
            m, w, header={"Link": f'<http://joe@{OTHER}:{t.port}/v2/next>; '
                                  'rel="next"'}), trap)
        silent(trap, what)


def case_digests_lead_nowhere():
    """Neither to another address of the registry, nor out of a directory."""
    for digest in (b"sha256:../../../../stolen", b"../../../stolen",
                   b"sha256:" + b"A" * 64, b"sha256:" + b"a" * 63 + b"/",
                   b"sha256:%2e%2e%2fstolen", b"md5:" + b"a" * 32):
        def prepare(registry, digest=digest):
            kind, data = registry.manifests["app", "1"]
            image = content.image("1")
            name = next(iter(image.blobs)).encode()
            spoilt = data.replace(name, digest)
            holds(spoilt != data, "a digest that is replaced")
            for reference in ("1", content.digest(spoilt)):
                registry.manifests["app", reference] = (kind, spoilt)
            prepare.registry = registry
        result = attack(prepare, Trap())
        same(result.code, 1, digest)
        for _, target, _ in prepare.registry.requests:
            holds("stolen" not in target, target)
        for folder, _, files in os.walk(path()):
            holds("stolen" not in files, folder)


def case_foreign_layers_are_not_fetched():
    trap = Trap()

    def prepare(registry):
        image = content.image("1")
        kind, data = registry.manifests["app", "1"]
        spoilt = data.replace(
            b'"layers": [\n      {',
            b'"layers": [{"urls": ["http://127.0.0.1:%d/x"], '
            % trap.port)
        holds(spoilt != data, "a layer with urls")
        registry.manifests["app", "1"] = (kind, spoilt)
        registry.manifests["app", content.digest(spoilt)] = (kind, spoilt)
        holds(image.blobs, "blobs")
    attack(prepare, trap)
    silent(trap, "a foreign layer")


def case_connections_of_another_registry_are_not_lent():
    """The target is inside, and there are connections to it already."""
    source, target = Hostile(PUBLIC), Hostile("127.0.0.1")
    for tag in "12345":
        source.add("app", tag, content.image(tag))
    source.rule("GET", "/blobs/", status=307,
                headers={"Location": f"{target.url}/stolen"})
    policy = {"attempts": 1, "patience": "1s"}
    result = run_program("once", config=configuration(
        [endpoint("s", "oci", url=source.url, policy=policy),
         endpoint("t", "oci", url=target.url, policy=policy)],
        [{"name": "st", "source": "s", "target": "t"}]))
    has(result.out, "is private to this machine", "failed 5")
    holds(target.count("HEAD") > 0, "the target itself is asked")
    same(target.count("GET", "stolen"), 0)


def case_who_is_spared_by_the_proxy_is_looked_at():
    """no_proxy names what is inside; and the proxy itself may be."""
    for place in ("10.1.2.3", "127.0.0.1"):
        trap = Trap()
        proxy = Hostile("127.0.0.1")
        proxy.add("app", "1", content.image("1"))
        blob_redirect(f"http://{place}:{trap.port}/x")(proxy)
        run_program(
            "once", code=1,
            env={"http_proxy": proxy.url, "no_proxy": "10.0.0.0/8,127.0.0.1"},
            config=configuration(
                [endpoint("s", "oci", url="http://behind-proxy.test",
                          policy={"attempts": 1, "patience": "1s"}),
                 endpoint("t", "layout", path=path(f"proxied{trap.port}"))],
                [{"name": "st", "source": "s", "target": "t"}]))
        holds(proxy.count("GET", "^http://behind-proxy.test/v2/"), "asked")
        silent(trap, place)


def case_the_registry_itself_is_reached_wherever_it_is():
    """What the configuration names is no attack."""
    for host in ("127.0.0.1", "10.1.2.3", "169.254.169.254"):
        source = Hostile(host)
        source.add("app", "1", content.image("1"))
        result = run_program("once", code=0, config=configuration(
            [endpoint("s", "oci", url=source.url),
             endpoint("t", "layout", path=path("own" + host))],
            [{"name": "st", "source": "s", "target": "t"}]))
        has(result.out, "changed 1")


if __name__ == "__main__":
    if not os.environ.get("HR_IN_NETWORK"):
        enter_network()
    run(globals())
