# SPDX-License-Identifier: LGPL-2.1-or-later
"""The configuration: /configurations, and what can be tried before it is set.

A PUT merges, and stores all of its keys or none.  Passwords are never shown.
One oddity is kept: a key that has never been stored keeps a value that was
refused only when it was tried out, as Harbor's memory does.
"""
import json

from . import addresses, settings
from .models import Model
from .rights import require_system
from .routes import API, route
from .state import installs
from .wire import Refusal, Response

TYPES = {str: str, int: int, bool: bool}
HIDDEN = ("ldap_search_password", "oidc_client_secret")
NOT_EMPTY = ("ldap_base_dn", "ldap_uid", "ldap_url")
POSITIVE = ("token_expiration", "robot_token_duration", "session_timeout")
GREATEST = 9999999999
GREATEST_QUOTA_BYTES = 1 << 50
MODES = ("db_auth", "ldap_auth", "uaa_auth", "http_auth", "oidc_auth")

# Keys that later versions have besides are unknown, and ignored, before.
CONFIGURATIONS = Model(
    "Configurations", auth_mode=str, robot_name_prefix=str,
    **{key: str for key in HIDDEN},
    **{key: TYPES[type(value)] for key, value in settings.EVERY.items()})
LDAP = Model("LdapConf", ldap_url=str, ldap_search_dn=str,
             ldap_search_password=str, ldap_base_dn=str, ldap_filter=str,
             ldap_uid=str, ldap_scope=int, ldap_connection_timeout=int,
             ldap_verify_cert=bool)
OIDC = Model("PingOIDCBody", url=str, verify_cert=bool)
PATH = API + "configurations"


@installs(0)
def make_stored(harbor):
    harbor.stored_settings = set()
    harbor.has_fixed_settings = False  # by CONFIG_OVERWRITE_JSON


def auth_mode_can_change(harbor):
    return all(row["deleted"] or row["id"] == 1
               for row in harbor.table("user"))


def check_value(harbor, key, value):
    """What Harbor says of a value after "item name KEY: ", None if it is
    fine."""
    if key == "auth_mode" and value not in MODES:
        return f"invalid auth_mode, shoud be one of {', '.join(MODES)}"
    if key == "project_creation_restriction" and (
            value not in ("adminonly", "everyone")):
        return f"invalid {key}, should be adminonly or everyone"
    if key in ("ldap_scope", "ldap_group_search_scope") and (
            value not in (0, 1, 2)):
        return "invalid scope, should be 0, 1 or 2"
    must = NOT_EMPTY + (("robot_name_prefix",) * harbor.since("2.16"))
    if key in must and not value.strip():
        return "the configure value can not be empty"
    if key == "oidc_extra_redirect_parms":
        return check_map(value)
    return None


def check_map(text):
    try:
        if isinstance(json.loads(text), dict):
            return None
        return ("json: cannot unmarshal into Go value of type "
                "map[string]string")
    except json.JSONDecodeError:
        return "unexpected end of JSON input" if not text.strip() else (
            f"invalid character '{text.strip()[0]}' looking for beginning of "
            "value")


def check_quota(value):
    if value <= 0 and value != -1:
        raise Refusal(400, "bad request: invalid non-positive value for quota "
                           f"limit, value={value}")
    if value > GREATEST_QUOTA_BYTES:
        raise Refusal(400, "bad request: exceeded 1024TB, which is "
                           f"1125899906842624 Bytes, value={value}")


def check_values(harbor, wanted):
    if wanted.get("auth_mode", harbor.config["auth_mode"]) != (
            harbor.config["auth_mode"]) and not auth_mode_can_change(harbor):
        raise Refusal(400, "the auth mode cannot be modified as new users "
                           "have been inserted into database")
    for key, value in wanted.items():
        if key == "storage_per_project":
            check_quota(value)
        fault = check_value(harbor, key, value)
        if fault:
            raise Refusal(400, f"bad request: item name {key}: {fault}")


def check_together(harbor, wanted):
    """What holds between several keys, stored or new."""
    after = {**harbor.config, **wanted}
    if any(key in wanted for key in (
            "ldap_group_search_filter", "ldap_group_attribute_name",
            "ldap_group_membership_attribute")) and (
                after["ldap_group_search_filter"]):
        for key, text in (("ldap_group_attribute_name", "name"),
                          ("ldap_group_membership_attribute", "membership")):
            if not after[key]:
                raise Refusal(400, f"bad request: ldap group {text} attribute "
                                   "can not be empty")
    if ("skip_audit_log_database" in wanted or
            "audit_log_forward_endpoint" in wanted) and (
                after["skip_audit_log_database"] and
                not after["audit_log_forward_endpoint"]):
        raise Refusal(400, "bad request: audit log forward endpoint should be "
                           "configured before enable skip audit log in "
                           "database")
    for key in POSITIVE:
        if key in wanted and wanted[key] <= 0:
            raise Refusal(400, f"the {key} value must be positive")
        if key in wanted and wanted[key] > GREATEST:
            raise Refusal(400, f"the {key} value is over the limit value: "
                               f"{GREATEST}")


def try_endpoint(harbor, wanted, before):
    """The server that is to get the audit log has to be there."""
    endpoint = wanted.get("audit_log_forward_endpoint")
    if not endpoint or addresses.listens(harbor, endpoint):
        return
    for key in wanted:
        if key in harbor.stored_settings:
            harbor.config[key] = before[key]
    raise Refusal(400, "bad request: could not connect to the audit endpoint: "
                       f"{endpoint}")


@route("GET", PATH)
def get(request):
    require_system(request, "read", "configuration")
    harbor = request.harbor
    editable = not harbor.has_fixed_settings
    shown = {key: {"editable": editable, "value": value}
             for key, value in harbor.config.items() if key not in HIDDEN}
    shown["auth_mode"]["editable"] = (editable and
                                      auth_mode_can_change(harbor))
    shown["scan_all_policy"] = {}
    return Response(200, dict(sorted(shown.items())))


@route("PUT", PATH, body=CONFIGURATIONS, body_name="configurations")
def put(request):
    require_system(request, "update", "configuration")
    harbor = request.harbor
    known = settings.defaults(harbor).keys() | {
        "auth_mode", "robot_name_prefix", *HIDDEN}
    wanted = {key: value for key, value in request.content.items()
              if key in known}
    if harbor.has_fixed_settings:
        raise Refusal(403, "current config is init by env variable: "
                           "CONFIG_OVERWRITE_JSON, it cannot be updated")
    check_values(harbor, wanted)
    check_together(harbor, wanted)
    before = dict(harbor.config)
    harbor.config.update(wanted)
    try_endpoint(harbor, wanted, before)
    harbor.stored_settings.update(wanted)
    return Response(200)


@route("GET", API + "internalconfig")
def get_internal(_request):
    raise Refusal(401, "only internal service is allowed to call this API")


@route("POST", API + "system/oidc/ping", body=OIDC, body_name="endpoint")
def ping_oidc(request):
    require_system(request, "update", "configuration")
    url = request.content.get("url", "").rstrip("/")
    try:
        found = addresses.ask(request.harbor, "GET", url +
                              "/.well-known/openid-configuration").status
    except (OSError, addresses.BadUrl):
        found = None
    if found != 200:
        raise Refusal(400, "failed to verify connection")
    return Response(200)


@route("POST", API + "ldap/ping", body=LDAP, body_name="ldapconf")
def ping_ldap(request):
    """Whether somebody listens there: no LDAP is spoken."""
    require_system(request, "read", "configuration")
    harbor = request.harbor
    wanted = request.content
    password = (wanted.get("ldap_search_password") or
                harbor.config.get("ldap_search_password"))
    if not password:
        return Response(200, {"message": "error: empty password"})
    host = wanted.get("ldap_url", "").partition("://")[2].split("/")[0]
    if not addresses.listens(harbor, host):
        return Response(200, {"message": "error: LDAP Result Code 200 "
                              f"\"Network Error\": dial tcp {host}: connect: "
                              "connection refused"})
    return Response(200, {"success": True})
