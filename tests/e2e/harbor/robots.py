# SPDX-License-Identifier: LGPL-2.1-or-later
"""Robot accounts: /robots."""
from .state import installs


@installs(0)
def make_tables(harbor):
    harbor.make_table("robot", unique=[("project_id", "name")])
