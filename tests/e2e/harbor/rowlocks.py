# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locks of database rows that a transaction holds until its end.

Transactions that take the same rows in different order may each wait for one
of the other.  Who has waited for a while looks whether that is so, once, and
gives itself up then, as the database does.  The same order never makes a
circle.

    owners  {row: transaction}      waits  {transaction: transaction}
"""
import contextlib
import threading
import time

# Where there are others, they get to run between two rows, and so meet as
# they do in a database, which takes longer for a row.
STEP_S = 0.0005


class Deadlock(Exception):
    pass


class RowLocks:
    def __init__(self, after_s, has_others):
        self.after_s = after_s
        self.has_others = has_others  # called: may others come meanwhile?
        self.changed = threading.Condition()
        self.owners = {}
        self.waits = {}

    @contextlib.contextmanager
    def hold(self, rows):
        """Takes the rows one after the other, and keeps them."""
        me = object()
        others = self.has_others()
        try:
            for row in rows:
                self.take(me, row)
                if others:
                    time.sleep(STEP_S)
            yield
        finally:
            self.release(me)

    def take(self, me, row):
        with self.changed:
            looks_at = time.monotonic() + self.after_s
            while self.owners.setdefault(row, me) is not me:
                self.waits[me] = self.owners[row]
                left_s = looks_at - time.monotonic()
                if left_s > 0:
                    self.changed.wait(left_s)
                elif self.is_in_circle(me):
                    del self.waits[me]
                    raise Deadlock()
                else:
                    self.changed.wait()
            self.waits.pop(me, None)

    def is_in_circle(self, me):
        """Circles of others, which one of them will see, do not count."""
        seen = set()
        other = self.waits[me]
        while other in self.waits and other not in seen:
            seen.add(other)
            other = self.waits[other]
            if other is me:
                return True
        return False

    def release(self, me):
        with self.changed:
            self.waits.pop(me, None)
            self.owners = {row: owner for row, owner in self.owners.items()
                           if owner is not me}
            self.changed.notify_all()
