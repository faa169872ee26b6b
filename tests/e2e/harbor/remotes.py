# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Harbor asks of another registry: whether it is well, its labels."""
import base64
import re

from . import addresses
from .wire import Refusal

HARBOR = "harbor"
ADAPTERS = ("ali-acr", "aws-ecr", "azure-acr", "docker-hub",
            "docker-registry", "dtr", "github-ghcr", "gitlab", "google-gcr",
            HARBOR, "huawei-SWR", "jfrog-artifactory", "quay", "tencent-tcr")
API = "/api/v2.0"


def basic(registry):
    """The header of the credential of a registry, if it has one."""
    if not registry["access_key"]:
        return {}
    text = f"{registry['access_key']}:{registry['access_secret']}"
    return {"Authorization":
            "Basic " + base64.b64encode(text.encode()).decode()}


def bearer(harbor, registry, scope=""):
    """The header that the registry's token server gives; PermissionError if
    it does not."""
    url = registry["url"] + "/v2/"
    challenge = addresses.ask(harbor, "GET", url).headers.get(
        "WWW-Authenticate", "")
    if not challenge.lower().startswith("bearer"):
        return basic(registry) if challenge else {}
    found = dict(re.findall('(\\w+)="([^"]*)"', challenge))
    answer = addresses.ask(
        harbor, "GET", f"{found['realm']}?service={found['service']}" +
        (f"&scope={scope}" if scope else ""), basic(registry))
    if answer.status != 200:
        raise PermissionError(answer.status)
    return {"Authorization": "Bearer " + answer.json()["token"]}


def check_type(registry):
    if registry["type"] not in ADAPTERS:
        raise Refusal(500)


def is_healthy(harbor, registry):
    """Refuses with 500 where Harbor does not even get as far as asking."""
    check_type(registry)
    if registry["type"] == HARBOR:
        check_version(harbor, registry)
    try:
        if not registry["access_key"] and not registry["access_secret"]:
            status = addresses.ask(harbor, "GET",
                                   registry["url"] + "/v2/").status
            return status == 401 or 200 <= status < 300
        answer = addresses.ask(harbor, "GET", registry["url"] + "/v2/",
                               bearer(harbor, registry))
        return 200 <= answer.status < 300
    except OSError:
        return False


def check_version(harbor, registry):
    try:
        status = addresses.ask(harbor, "GET", registry["url"] +
                               "/api/version", basic(registry)).status
    except OSError:
        raise Refusal(500) from None
    if status != 404 and not 200 <= status < 300:
        raise Refusal(500)


def label_names(harbor, registry):
    try:
        answer = addresses.ask(harbor, "GET",
                               registry["url"] + API + "/labels?scope=g",
                               basic(registry))
    except OSError:
        raise Refusal(500) from None
    if answer.status == 404:
        return []
    if not 200 <= answer.status < 300:
        raise Refusal(500)
    return [label["name"] for label in answer.json()]


def info(harbor, registry):
    """What can be set of a policy with that registry."""
    check_type(registry)
    filters = [{"style": "input", "type": name, "values": None}
               for name in ("name", "tag")]
    kinds = ["image"]
    shown = {}
    if registry["type"] == HARBOR:
        shown["supported_copy_by_chunk"] = True
        kinds.append("artifact")
        filters.append({"style": "list", "type": "label",
                        "values": label_names(harbor, registry) or None})
    filters.append({"style": "radio", "type": "resource", "values": kinds})
    triggers = ["manual", "scheduled"]
    if registry["id"] == 0:
        triggers.append("event_based")
    return {**shown, "supported_resource_filters": filters,
            "supported_triggers": triggers, "type": registry["type"]}
