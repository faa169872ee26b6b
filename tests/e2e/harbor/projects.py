# SPDX-License-Identifier: LGPL-2.1-or-later
"""Projects: /projects."""
from .state import installs


@installs(0)
def make_tables(harbor):
    harbor.make_table("project", unique=[("name",)])


@installs(1)
def make_library(harbor):
    """The project that every installation begins with."""
    at = harbor.now_ms()
    harbor.table("project").insert(
        name="library", owner_id=1, creation_ms=at, update_ms=at,
        metadata={"public": "true"}, registry_id=None)
