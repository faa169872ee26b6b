# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a robot may be given: GET /permissions, from 2.10 on.

Nothing else is accepted then.  No version lets a robot be given the right to
update robots, or any right to configurations; and no robot may ask for this.
"""
from .roles import read
from .routes import API, route
from .wire import Refusal, Response

SYSTEM = read("""
    audit-log:list preheat-instance:read,create,delete,list,update
    project:list,create
    replication-policy:read,create,delete,list,update
    replication:read,create,list replication-adapter:list
    registry:read,create,delete,list,update scan-all:read,update,stop,create
    system-volumes:read garbage-collection:read,create,list,update,stop
    purge-audit:read,create,list,update,stop jobservice-monitor:list,stop
    scanner:read,create,delete,list,update label:read,create,delete,update
    security-hub:read,list catalog:read""")
PROJECT = read("""
    log:list project:read,delete,update
    metadata:read,create,delete,list,update
    repository:read,update,delete,list,pull,push
    artifact:read,create,list,delete scan:create,read,stop
    tag:create,list,delete accessory:list artifact-addition:read
    artifact-label:create,delete scanner:create,read
    preheat-policy:read,create,delete,list,update
    immutable-tag:create,delete,list,update
    notification-policy:read,create,delete,list,update
    tag-retention:read,create,delete,list,update
    label:read,create,delete,list,update""")
EXPORT = read("export-cve:read,create")
MORE_SYSTEM = {"2.11": read("quota:read,list"), "2.12": read("""
    robot:create,read,list,delete user:read,list,create,delete,update
    user-group:create,read,update,list,delete ldap-user:create,list
    quota:update""")}
MORE_PROJECT = {
    "2.11": read("sbom:create,read,stop quota:read"), "2.12": read("""
    robot:create,read,list,delete member:create,read,update,list,delete"""),
    "2.13": EXPORT}


def known(harbor, kind):
    """The rights of that kind, as (action, resource)."""
    base, more = ((SYSTEM, MORE_SYSTEM) if kind == "system" else
                  (PROJECT, MORE_PROJECT))
    found = base + [pair for since, pairs in more.items()
                    if harbor.since(since) for pair in pairs]
    if kind == "system" and harbor.since("2.12") and (
            not harbor.since("2.13")):
        found += EXPORT
    return found


def check(harbor, permissions):
    """Refuses what no robot can be given."""
    if not harbor.since("2.10"):
        return
    for entry in permissions:
        if entry["kind"] not in ("system", "project"):
            raise Refusal(400, "bad request permission level: "
                               f"{entry['kind']}")
        pairs = known(harbor, entry["kind"])
        for access in entry["access"]:
            if (access["action"], access["resource"]) not in pairs:
                raise Refusal(400, "bad request permission: "
                                   f"{access['resource']}:"
                                   f"{access['action']}")


def show(pairs):
    return [{"action": action, "resource": resource}
            for action, resource in pairs]


@route("GET", API + "permissions", since="2.10")
def list_permissions(request):
    """For administrators, of the system or of any project."""
    if not request.caller.is_known:
        raise Refusal(401, request.caller.name)
    harbor = request.harbor
    caller = request.caller
    if not caller.is_admin and not (caller.is_user and harbor.table(
            "member").select(entity_type="u", entity_id=caller.row["id"],
                             role=1)):
        raise Refusal(403, "forbidden: only admins(system and project) can "
                           "access permissions")
    shown = {"project": show(known(harbor, "project"))}
    if caller.is_admin:
        shown["system"] = show(known(harbor, "system"))
    return Response(200, shown)
