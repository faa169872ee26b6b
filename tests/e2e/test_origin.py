# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a registry would like to send us, and does not get us.

Runs in a network of its own, in which a registry has a public address and a
trap listens on all others.  An attack may end as it likes, as long as the
trap hears of nobody, or, where it is a host like any other, of no secret.
"""
import base64
import os
import shutil
import socket
import sys
import threading

import content
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile

PUBLIC = "198.51.100.77"
OTHER = "198.51.100.78"
HOSTS = {
    "inside.test": ["127.0.0.1"], "rebound.test": ["198.51.100.99",
                                                   "127.0.0.1"],
    "metadata.test": ["169.254.169.254"], "other.test": [OTHER],
}
SECRET = "c4nary-in-a-mine"
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
                              b"WWW-Authenticate: Basic realm=x\r\n\r\n"):
        self.answer = answer
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


def attack(prepare, trap, side="source", scheme="http"):
    """One pass with a registry that `prepare` has spoilt; its result."""
    registry = Hostile(PUBLIC)
    registry.add("app", "1", content.image("1"))
    registry.add("app", "good", content.image("good"))
    prepare(registry)
    policy = {"attempts": 1, "timeout": "3s", "stall": "3s",
              "patience": "1s", "connect_timeout": "2s"}
    login = {"username": "joe", "password": "env:TEST_PASSWORD"}
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
    return run_program("once", env=ENV, config=configuration(
        list(registries.values()),
        [{"name": "st", "source": "s", "target": "t"}]))


def silent(trap, what):
    same([address for address, _ in trap.heard], [], what)


def no_secret(trap, what):
    for _, said in trap.heard:
        code = base64.b64encode(f"joe:{SECRET}".encode())
        for word in (SECRET.encode(), code, b"authorization", b"joe",
                     b"cookie"):
            holds(word.lower() not in said.lower(), f"{what}: {said}")


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
              "rebound.test", "INSIDE.TEST."]
    for place in places:
        trap = Trap()
        result = attack(
            blob_redirect(f"http://{place}:{trap.port}/x"), trap)
        silent(trap, place)
        holds(result.code in (1, 2), place)
        holds(SECRET not in result.out + result.err, place)


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
                     "//joe@{0}/x", "http://{0}/ x"):
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
        silent(trap, what)


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
