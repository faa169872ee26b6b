# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rights of the five roles in a project, and of anybody in a public one.

A right is (action, resource); "." is the project itself.  The numbers are
those of the API: 1 projectAdmin, 2 developer, 3 guest, 4 maintainer,
5 limitedGuest.
"""
from .state import installs


def read(text):
    """RESOURCE:ACTION,ACTION ... as a list of (action, resource)."""
    pairs = []
    for part in text.split():
        resource, _, actions = part.rpartition(":")
        pairs += [(action, resource) for action in actions.split(",")]
    return pairs


NAMES = {1: "projectAdmin", 2: "developer", 3: "guest", 4: "maintainer",
         5: "limitedGuest"}

PUBLIC = read("""
    .:read label:read,list repository:read,list,pull configuration:read
    scan:read scanner:read tag:list accessory:list artifact:read,list
    artifact-addition:read""")
LIMITED_GUEST = read("""
    .:read quota:read repository:list,pull configuration:read scan:read
    scanner:read tag:list accessory:list artifact:read,list
    artifact-addition:read""")
GUEST = read("""
    .:read member:read,list log:list label:read,list quota:read
    repository:read,list,pull configuration:read robot:read,list
    scan:read scanner:read tag:list accessory:list artifact:read,list
    artifact-addition:read""")
DEVELOPER = GUEST + read("""
    repository:create,update,push artifact:create artifact-label:create,delete
    tag-retention:create,read,update,delete,list,operate
    tag:create export-cve:create,read,list""")
MAINTAINER = GUEST + read("""
    metadata:create,read,update,delete label:create,update,delete
    repository:create,update,delete,push
    tag-retention:create,read,update,delete,list,operate
    immutable-tag:create,update,delete,list
    notification-policy:list scan:create,stop
    artifact:create,delete tag:create,delete
    artifact-label:create,delete export-cve:create,read,list""")
PROJECT_ADMIN = GUEST + read("""
    .:update,delete member:create,update,delete
    metadata:create,read,update,delete label:create,update,delete
    repository:create,update,delete,push
    tag-retention:create,read,update,delete,list,operate
    immutable-tag:create,update,delete,list configuration:update
    robot:create,update,delete
    notification-policy:create,update,delete,list,read scan:create,stop
    scanner:create artifact:create,delete tag:create,delete
    artifact-label:create,delete
    preheat-policy:create,read,update,delete,list
    export-cve:create,read,list""")

ROLES = {1: PROJECT_ADMIN, 2: DEVELOPER, 3: GUEST, 4: MAINTAINER,
         5: LIMITED_GUEST}

# (version, roles, what they lose, what they get)
CHANGES = (
    ("2.11", (1, 4), "", "sbom:create,read,stop"),
    ("2.11", (2, 3, 5), "", "sbom:read"),
    ("2.11", (4,), "metadata:create,update,delete", ""),
    ("2.11", (5,), "", "repository:read"),
    ("2.13", (2, 3, 4), "log:list", ""),
    ("2.14", (4,), "", "notification-policy:read"))


@installs(0)
def make_roles(harbor):
    """{role: its rights} as this version has them, in order."""
    harbor.roles = {role: list(pairs) for role, pairs in ROLES.items()}
    for version, roles, less, more in CHANGES:
        for role in roles if harbor.since(version) else ():
            harbor.roles[role] = [pair for pair in harbor.roles[role]
                                  if pair not in read(less)] + read(more)
