# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an installation says of itself: version, ping, health, systeminfo."""
from . import rights
from .routes import API, route
from .state import format_time, installs
from .wire import Response

COMPONENTS = ("core", "database", "jobservice", "portal", "redis", "registry",
              "registryctl")


JOBS = ("EXECUTION_SWEEP", "GARBAGE_COLLECTION", "IMAGE_SCAN", "P2P_PREHEAT",
        "PURGE_AUDIT_LOG", "REPLICATION", "RETENTION", "SCAN_DATA_EXPORT",
        "SCHEDULER", "SLACK", "SYSTEM_ARTIFACT_CLEANUP", "WEBHOOK")


@installs(0)
def make_tables(harbor):
    harbor.make_table("csrf", unique=[("cookie",)])


@route("GET", "/api/version", accepts=False)
def get_version(_request):
    return Response(200, b'{"version":"v2.0"}\n',
                    content_type="text/plain; charset=utf-8")


@route("GET", API + "ping", accepts=False)
def ping(_request):
    return Response(200, b"Pong", content_type="text/plain")


@route("GET", API + "health")
def health(request):
    harbor = request.harbor
    shown = []
    for name in COMPONENTS:
        if name in harbor.down:
            shown.append({"error": "failed to check health: Get "
                          "\"http://127.0.0.1:8081/api/v1/stats\": dial tcp "
                          "127.0.0.1:8081: connect: connection refused",
                          "name": name, "status": "unhealthy"})
        else:
            shown.append({"name": name, "status": "healthy"})
    status = "unhealthy" if harbor.down else "healthy"
    return Response(200, {"components": shown, "status": status})


@route("GET", API + "systeminfo")
def system_info(request):
    """Anybody sees how to log in; the rest is for whoever did."""
    harbor = request.harbor
    config = harbor.config
    shown = {"auth_mode": config["auth_mode"],
             "banner_message": config["banner_message"],
             "harbor_version": harbor.release,
             "primary_auth_mode": config["primary_auth_mode"],
             "self_registration": config["self_registration"]}
    if harbor.since("2.10") and config["auth_mode"] == "oidc_auth" and (
            config["oidc_name"]):
        shown["oidc_provider_name"] = config["oidc_name"]
    if request.caller.is_known:
        address = harbor.external_url.split("://")[1]
        shown.update({
            "current_time": format_time(harbor.now_ms()),
            "external_url": harbor.external_url,
            "has_ca_root": False,
            "notification_enable": config["notification_enable"],
            "project_creation_restriction":
                config["project_creation_restriction"],
            "read_only": config["read_only"],
            "registry_storage_provider_name": "filesystem",
            "registry_url": address})
    return Response(200, dict(sorted(shown.items())))


@route("GET", API + "jobservice/queues")
def list_queues(request):
    """Jobs are done at once here, so nothing ever waits."""
    rights.require_system(request, "list", "jobservice-monitor")
    return Response(200, [{"job_type": name, "paused": False}
                          for name in JOBS])
