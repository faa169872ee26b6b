# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who belongs to a project, and in which role: /projects/{p}/members."""
from .state import installs


@installs(0)
def make_tables(harbor):
    harbor.make_table("member", unique=[
        ("project_id", "entity_id", "entity_type")])


@installs(2)
def make_first_member(harbor):
    harbor.table("member").insert(project_id=1, entity_id=1, entity_type="u",
                                  role=1)
