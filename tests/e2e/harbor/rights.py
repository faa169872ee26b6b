# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what.

    require_system(request, "list", "robot")
    project = require_project(request, name, "list", "member")

Administrators may everything.  Users have roles in projects, robots what they
were given, anybody may read what is public.  Somebody known without the right
gets 403, nobody 401; only who may ask learns that a project is not there.
"""
from .roles import NAMES, PUBLIC
from .wire import Refusal

OWN = "."  # the project itself, as a resource


def decide(accesses, actions, resource):
    """True if one of them allows one of the actions and none denies it."""
    effects = {access.get("effect") or "allow" for access in accesses
               if access["resource"] in (resource, "*") and
               (access["action"] in actions or access["action"] == "*")}
    return "allow" in effects and "deny" not in effects


def robot_accesses(harbor, robot, kind):
    """(namespace, access) of the rights of that kind that count."""
    kinds = {entry["kind"] for entry in robot["permissions"]}
    if kind == "project" and "system" in kinds and not harbor.since("2.10"):
        return
    for entry in robot["permissions"]:
        if entry["kind"] == kind:
            for access in entry["access"]:
                yield entry["namespace"], access


def can_system(request, action, resource):
    caller = request.caller
    if caller.is_admin:
        return True
    if not caller.is_robot:
        return False
    return decide((access for _, access in robot_accesses(
        request.harbor, caller.row, "system")), (action,), resource)


def refuse(request, message):
    """What who lacks a right is told."""
    if not request.caller.is_known:
        return Refusal(401, "unauthorized")
    return Refusal(403, message)


def require_system(request, action, resource):
    if not can_system(request, action, resource):
        raise refuse(request, request.caller.name)


def require_late(request, action, resource):
    """What no robot may up to 2.9, whatever it was given."""
    if not can_late(request, action, resource):
        raise refuse(request, request.caller.name)


def can_late(request, action, resource):
    return request.caller.is_admin or (
        request.harbor.since("2.10") and
        can_system(request, action, resource))


def is_true(text):
    """A header that is a boolean; anything else is False."""
    return text in ("1", "t", "T", "true", "TRUE", "True")


def find_project(request, reference, by_name=None):
    """The row that NAME or ID means; a number is a name only if the request
    says so, with X-Is-Resource-Name or by its path."""
    projects = request.harbor.table("project")
    if by_name is None:
        by_name = is_true(request.headers.get("x-is-resource-name"))
    if not by_name and str(reference).isdigit():
        return projects.get(int(reference))
    return projects.find(name=str(reference))


def roles_in(harbor, user_row, project):
    """Roles of a user in a project: one, or none."""
    row = harbor.table("member").find(project_id=project["id"],
                                      entity_id=user_row["id"],
                                      entity_type="u")
    return [row["role"]] if row and row["role"] in NAMES else []


def is_public(project):
    return project["metadata"].get("public") == "true"


def can_project(request, project, action, resource):
    caller = request.caller
    if caller.is_admin:
        return True
    if is_public(project) and (action, resource) in PUBLIC:
        return True
    if caller.is_robot:
        return can_robot(request.harbor, caller.row, project, action,
                         resource)
    if caller.is_user:
        return any((action, resource) in request.harbor.roles[role] for role in
                   roles_in(request.harbor, caller.row, project))
    return False


def can_robot(harbor, row, project, action, resource):
    """Who may push may pull, if he is a robot of the project itself."""
    actions = [action]
    if (action, resource) == ("pull", "repository") and row["project_id"]:
        actions.append("push")
    return decide([access for namespace, access in robot_accesses(
        harbor, row, "project") if namespace in ("*", project["name"])],
        actions, "project" if resource == OWN else resource)


def require_project(request, reference, action, resource, by_name=None):
    """The row of the project, if the caller may do that in it."""
    project = find_project(request, reference, by_name)
    if project is not None and can_project(request, project, action,
                                           resource):
        return project
    if project is None and request.caller.is_admin:
        raise Refusal(404, f"project {reference} not found")
    raise refuse(request, "forbidden")
