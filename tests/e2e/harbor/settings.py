# SPDX-License-Identifier: LGPL-2.1-or-later
"""The configuration of a fresh installation, as /configurations shows it."""

DEFAULTS = {
    "audit_log_forward_endpoint": "",
    "banner_message": "",
    "http_authproxy_admin_groups": "",
    "http_authproxy_admin_usernames": "",
    "http_authproxy_endpoint": "",
    "http_authproxy_server_certificate": "",
    "http_authproxy_skip_search": False,
    "http_authproxy_tokenreview_endpoint": "",
    "http_authproxy_verify_cert": True,
    "ldap_base_dn": "",
    "ldap_filter": "",
    "ldap_group_admin_dn": "",
    "ldap_group_attribute_name": "",
    "ldap_group_base_dn": "",
    "ldap_group_membership_attribute": "memberof",
    "ldap_group_search_filter": "",
    "ldap_group_search_scope": 2,
    "ldap_scope": 2,
    "ldap_search_dn": "",
    "ldap_timeout": 5,
    "ldap_uid": "cn",
    "ldap_url": "",
    "ldap_verify_cert": True,
    "notification_enable": True,
    "oidc_admin_group": "",
    "oidc_auto_onboard": False,
    "oidc_client_id": "",
    "oidc_endpoint": "",
    "oidc_extra_redirect_parms": "{}",
    "oidc_group_filter": "",
    "oidc_groups_claim": "",
    "oidc_name": "",
    "oidc_scope": "",
    "oidc_user_claim": "",
    "oidc_verify_cert": True,
    "primary_auth_mode": False,
    "project_creation_restriction": "everyone",
    "quota_per_project_enable": True,
    "read_only": False,
    "robot_token_duration": 30,
    "scanner_skip_update_pulltime": False,
    "self_registration": False,
    "session_timeout": 60,
    "skip_audit_log_database": False,
    "storage_per_project": -1,
    "token_expiration": 30,
    "uaa_client_id": "",
    "uaa_client_secret": "",
    "uaa_endpoint": "",
    "uaa_verify_cert": False,
}

# What later versions have besides.
LATER = {
    "2.12": {"ldap_group_attach_parallel": False},
    "2.13": {"disabled_audit_log_event_types": "", "oidc_logout": False},
}
EVERY = {**DEFAULTS, **{key: value for keys in LATER.values()
                        for key, value in keys.items()}}


def defaults(harbor):
    found = dict(DEFAULTS)
    for version, keys in LATER.items():
        if harbor.since(version):
            found.update(keys)
    return found
