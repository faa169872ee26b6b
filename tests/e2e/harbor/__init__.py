# SPDX-License-Identifier: LGPL-2.1-or-later
"""A double of Harbor: its API with state in memory, several in one process.

    with Harbor(version="2.12", robot_prefix="bot-") as harbor:
        harbor.url, harbor.admin_password
        harbor.rule("POST", "/robots", times=2, status=500)
        harbor.table("robot").find(name="team+ci")
        harbor.count("PUT"), harbor.writes(), harbor.reads()

It answers as the recordings of Harbor 2.9.0 beside it do (../
test_harbor_double.py compares them), and as later versions where `version`
says so.

Each module of this package registers its part when it is imported: routes
(routes.py), tables and what a fresh installation has in them (state.py).
A module that is put here is found by itself.
"""
import importlib
import pkgutil

from .state import Harbor

__all__ = ["Harbor"]

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")
