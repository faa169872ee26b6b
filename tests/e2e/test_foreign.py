# SPDX-License-Identifier: LGPL-2.1-or-later
"""Layers that registries do not distribute, from where manifests say.

In the network of test_origin.py, since addresses in a manifest are as good as
any that a registry gives us: the places that hold such layers are strangers.
"""
import os

import content
import test_origin
from content import MANIFEST
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)
from hostile import Hostile
from servers import Registry
from test_origin import ENV, OTHER, PUBLIC, Trap, no_secret, silent

FOREIGN = content.OCI + "layer.nondistributable.v1.tar+gzip"
LAYER = content.make_blob("a layer of somebody", 700000)
NAME = content.digest(LAYER)


def image(*urls, seed="windows"):
    """An image whose first layer is elsewhere."""
    plain = content.image(seed, layers=1)
    manifest = content.json.loads(plain.bytes)
    manifest["layers"].insert(
        0, content.descriptor(LAYER, FOREIGN, urls=list(urls)))
    return content.Artifact([(MANIFEST, content.encode(manifest))],
                            plain.blobs)


class World:
    """A registry that shows who it is and asks who we are, and a place for
    layers, which asks too."""

    def __init__(self, *urls, **quirks):
        test_origin.trust()
        self.source = Hostile(PUBLIC, certificate=test_origin.SERVERS,
                              client_ca=test_origin.CLIENT[0])
        self.web = Hostile(OTHER, certificate=test_origin.SERVERS,
                           client_ca=test_origin.CLIENT[0], **quirks)
        self.web.blobs["layers", NAME] = LAYER
        self.address = f"{self.web.url}/v2/layers/blobs/{NAME}"
        self.target = Hostile()
        self.source.add("app", "1", image(*(urls or [self.address])))

    def config(self, target=None, word="include", **settings):
        policy = {"attempts": 3, "base": "1ms", "throttled_base": "1ms",
                  "cap": "2ms", "patience": "1s", "connect_timeout": "2s"}
        return configuration(
            [endpoint("s", "oci", url=self.source.url, username="joe",
                      password="env:TEST_PASSWORD", policy=policy,
                      tls={"cert": test_origin.CLIENT[0],
                           "key": test_origin.CLIENT[1]}),
             target or endpoint("t", "oci", url=self.target.url,
                                policy=policy)],
            [{"name": "st", "source": "s", "target": "t",
              "foreign_layers": word, **settings}])

    def once(self, code, *more, **how):
        result = run_program("-vvv", "once", *more, env=ENV, code=code,
                             config=self.config(**how))
        holds(test_origin.SECRET not in result.out + result.err, "a secret")
        self.strangers_know_nothing()
        return result

    def strangers_know_nothing(self):
        same(self.web.shown, [], "certificates")
        for method, target, headers in self.web.requests:
            same(method, "GET")
            same(sorted(set(headers) - {"Host", "User-Agent", "Accept",
                                        "Range"}), [], target)


def case_a_foreign_layer_comes_from_where_its_manifest_says():
    world = World()
    has(world.once(0).out, "changed 1")
    same(world.target.blobs["app", NAME], LAYER)
    same(world.target.manifests["app", "1"], world.source.manifests["app", "1"])
    same(world.web.count("GET"), 1)
    run_program("verify", "--deep", env=ENV, config=world.config(), code=0)
    same(world.web.count("GET"), 1)


def case_left_out_nobody_is_asked():
    world = World()
    has(world.once(0, word="skip").out, "changed 1")
    same(world.web.requests, [])
    holds(("app", NAME) not in world.target.blobs, "it was brought")
    run_program("verify", "--deep", env=ENV, code=0,
                config=world.config(word="skip"))
    # Then they are wanted: an unchanged pass does not look below a tag.
    has(world.once(0).out, "changed 0")
    has(run_program("verify", env=ENV, config=world.config(), code=5).out,
        "damaged", NAME)
    has(world.once(0, "--complete").out, "changed 1")
    same(world.target.blobs["app", NAME], LAYER)
    has(world.once(0, "--complete").out, "changed 0", "0 B in 0 writes")
    run_program("verify", "--deep", env=ENV, config=world.config(), code=0)


def case_what_a_target_does_not_say_is_not_taken_to_be_there():
    world = World()
    world.once(0, word="skip")
    world.target.rule("HEAD", "/blobs/", status=400)
    has(world.once(1, "--complete").out, "failed 1", "HTTP 400")
    world.target.rules = []
    has(world.once(0, "--complete").out, "changed 1")


def case_layers_below_an_index_that_is_there_come_too():
    world = World()
    inner = image(world.address, seed="inner")
    root = content.encode({
        "schemaVersion": 2, "mediaType": content.INDEX,
        "manifests": [inner.descriptor]})
    world.source.add("app", "1", content.Artifact(
        inner.manifests + [(content.INDEX, root)], inner.blobs))
    world.once(0, word="skip")
    has(world.once(0, "--complete").out, "changed 1")
    same(world.target.blobs["app", NAME], LAYER)
    # Only the index was written again.
    same(world.target.count("PUT", "/manifests/"), 3)


def case_one_below_an_index_that_is_there_holds_up_nobody():
    world = World()
    target = endpoint("t", "oci", url=world.target.url, mount="committed")
    repositories = "app", "bpp", "cpp"
    for name in repositories:
        world.source.add(name, "1",
                         content.bundle([image(world.address, seed=name)]))
    world.once(0, target=target, word="skip")
    # Whoever brings the layer writes no manifest that names it.
    has(world.once(0, "--complete", target=target).out, "changed 3")
    for name in repositories:
        same(world.target.blobs[name, NAME], LAYER)
    same(world.web.count("GET"), 1)


def case_the_source_goes_before_addresses():
    world = World()
    world.source.blobs["app", NAME] = LAYER
    world.once(0)
    same(world.web.requests, [])
    same(world.target.blobs["app", NAME], LAYER)


def case_the_first_address_that_works_is_taken():
    world = World()
    wrong = content.make_blob("wrong", len(LAYER))
    world.web.blobs["layers", content.digest(wrong)] = wrong
    other = world.address.replace(NAME, content.digest(wrong))
    gone = world.address.replace("/layers/", "/gone/")
    world.source.add("app", "1", image(gone, other, world.address))
    has(world.once(0).out, "changed 1")
    same(world.target.blobs["app", NAME], LAYER)
    world.target = Hostile()
    world.source.add("app", "1", image(gone, other))
    result = world.once(1)
    has(result.out, "foreign layer from " + other)
    holds(("app", NAME) not in world.target.blobs, "wrong bytes were stored")
    same(world.target.tags("app"), [])


def case_a_broken_transfer_goes_on_where_it_broke():
    world = World()
    world.web.rule("GET", "/layers/", times=1, truncate=400000)
    has(world.once(0).out, "changed 1")
    same(world.target.blobs["app", NAME], LAYER)
    holds(world.web.sent_bytes < len(LAYER) + 1000, world.web.sent_bytes)
    ranges = [headers.get("Range") for _, _, headers in world.web.requests]
    same(ranges[0], None)
    holds(ranges[1].startswith("bytes="), ranges)


def case_without_an_address_to_use_it_is_said():
    world = World()
    world.source.add("app", "1", image())
    has(world.once(1).out, "names no https address")
    for bad in ("ftp://x.test/l", "http://x.test/l", "/v2/app/blobs/x", 7):
        world.source.add("app", "1", image(bad))
        has(world.once(1).out, "names no https address")


def case_what_a_stranger_does_is_not_held_against_the_registry():
    world = World()
    world.web.rule("GET", "/layers/", status=503)
    for number in range(40):
        world.source.add("app", f"bad{number}",
                         image(world.address, seed=number))
        world.source.add("zapp", f"{number}", content.image(f"z{number}"))
    result = world.once(1)
    has(result.out, "changed 40", "failed 41")
    holds("circuit breaker" not in result.out + result.err, result.out)


def case_the_real_registry_takes_them():
    world = World()
    target = Registry("foreign-b", urls="^https://.*")
    world.once(0, target=endpoint("t", "oci", url=target.url))
    holds(target.client().has_blob("app", NAME), "the layer")
    same(target.client().manifest("app", "1")[1],
         world.source.manifests["app", "1"][1])
    run_program("verify", "--deep", env=ENV, code=0, config=world.config(
        endpoint("t", "oci", url=target.url)))


# --------------------------------------------------------------- attacks

def attack(*urls, trap=None):
    world = World(*urls)
    result = world.once(1)
    has(result.out, "failed 1")
    if trap is not None:
        no_secret(trap, urls)
    return world


def case_addresses_lead_nowhere_inside():
    for place in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "inside.test",
                  "metadata.test", "[::ffff:127.0.0.1]", "2130706433",
                  "0.0.0.0", "rebound.test"):
        trap = Trap()
        attack(f"https://{place}:{trap.port}/layer", trap=trap)
        if place != "rebound.test":
            silent(trap, place)
        holds(all(address != "127.0.0.1" for address, _ in trap.heard), place)


def case_addresses_without_tls_or_with_a_user_are_not_asked():
    trap = Trap()
    attack(f"http://{OTHER}:{trap.port}/layer", trap=trap)
    attack(f"https://joe@{OTHER}:{trap.port}/layer", trap=trap)
    attack(f"https://{PUBLIC}@{OTHER}:{trap.port}/layer", trap=trap)
    attack(f"https://{OTHER}:{trap.port}/a b", trap=trap)
    silent(trap, "an address")


def case_redirects_lead_neither_inside_nor_out_of_tls():
    for place in ("http://127.0.0.1", f"http://{OTHER}", "https://10.1.2.3",
                  "https://inside.test"):
        trap, world = Trap(), World()
        world.web.rule("GET", "/layers/", status=307, headers={
            "Location": f"{place}:{trap.port}/layer"})
        world.once(1)
        silent(trap, place)


def case_a_stranger_that_leads_back_to_the_registry_gets_no_login_there():
    world = World()
    world.web.rule("GET", "/layers/", status=307, headers={
        "Location": f"{world.source.url}/v2/secret/blobs/{NAME}"})
    world.source.blobs["secret", NAME] = LAYER
    before = len(world.source.shown)
    world.once(0)
    asked = [(target, headers) for _, target, headers in world.source.requests
             if "/secret/" in target]
    same(len(asked), 1)
    holds("Authorization" not in asked[0][1], asked)
    holds("X-Request-Id" not in asked[0][1], asked)
    same([target for target in world.source.shown[before:]
          if "/secret/" in target], [], "certificates")


def case_an_address_of_the_registry_itself_gets_no_login_either():
    world = World()
    world.source.blobs["secret", NAME] = LAYER
    world.source.add("app", "1", image(
        f"{world.source.url}/v2/secret/blobs/{NAME}"))
    world.once(0)
    asked = [headers for _, target, headers in world.source.requests
             if "/secret/" in target]
    same(len(asked), 1)
    holds("Authorization" not in asked[0], asked)


def case_a_stranger_that_asks_who_we_are_is_not_told():
    for challenge in ("Basic realm=x", f'Bearer realm="https://{OTHER}/t"'):
        world = World()
        world.web.rule("GET", "/layers/", status=401,
                       headers={"WWW-Authenticate": challenge})
        result = world.once(1)
        has(result.out, "HTTP 401")
        holds("check username" not in result.out, result.out)
        same(world.web.count("GET", "/t"), 0, "tokens")


if __name__ == "__main__":
    if not os.environ.get("HR_IN_NETWORK"):
        test_origin.enter_network()
    run(globals())
