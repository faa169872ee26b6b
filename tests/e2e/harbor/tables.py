# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows as Harbor's database keeps them.

A table counts its ids with a sequence that nothing takes back: an insert that
fails has used one up.  Rows come in the order of storage, which an update
changes: the row moves to the end.  Every change is written to the journal of
the running request, and undone if its answer is an error.

    rows  {id: row}, row = dict of columns, "id" among them
    index {columns: {values: id}}, one for each unique constraint
"""
import threading


class Clash(Exception):
    """A unique constraint does not hold; `columns` tells which."""

    def __init__(self, columns):
        super().__init__(str(columns))
        self.columns = columns


class Journal(threading.local):
    """What to call, last first, to undo what this thread changed."""

    undo = None

    def note(self, function, *arguments):
        if self.undo is not None:
            self.undo.append((function, arguments))

    def begin(self):
        self.undo = []

    def end(self, keep):
        undo, self.undo = self.undo, None
        if not keep:
            for function, arguments in reversed(undo or ()):
                function(*arguments)


class Table:
    def __init__(self, journal, unique=(), key="id"):
        self.journal = journal
        self.key = key
        self.last_id = 0
        self.rows = {}
        self.index = {tuple(columns): {} for columns in unique}

    def __iter__(self):
        return iter(list(self.rows.values()))

    def __len__(self):
        return len(self.rows)

    def get(self, number):
        return self.rows.get(number)

    def find(self, **values):
        """The first row with these values; quick by a unique constraint."""
        columns = tuple(values)
        if columns in self.index:
            number = self.index[columns].get(tuple(values.values()))
            return self.rows.get(number)
        return next(iter(self.select(**values)), None)

    def select(self, **values):
        return [row for row in list(self.rows.values())
                if all(row.get(name) == value
                       for name, value in values.items())]

    def next_id(self):
        self.last_id += 1
        return self.last_id

    def insert(self, **values):
        if self.key not in values:
            values[self.key] = self.next_id()
        number = values[self.key]
        self._enter(number, values)
        self.journal.note(self._remove, number)
        return values

    def update(self, row, **changes):
        number = row[self.key]
        before = dict(row)
        order = None
        after = {**row, **changes}
        self._leave(row)
        try:
            self._check(after)
        except Clash:
            self._index(row)
            raise
        row.update(changes)
        order = list(self.rows) if self.journal.undo is not None else None
        self.rows[number] = self.rows.pop(number)
        self._index(row)
        self.journal.note(self._restore, row, before, order)

    def delete(self, row):
        order = list(self.rows) if self.journal.undo is not None else None
        self._remove(row[self.key])
        self.journal.note(self._put_back, row, order)

    def _keys(self, row):
        for columns in self.index:
            values = tuple(row.get(name) for name in columns)
            if None not in values:
                yield columns, values

    def _check(self, row):
        for columns, values in self._keys(row):
            if values in self.index[columns]:
                raise Clash(columns)

    def _index(self, row):
        for columns, values in self._keys(row):
            self.index[columns][values] = row[self.key]

    def _leave(self, row):
        for columns, values in self._keys(row):
            self.index[columns].pop(values, None)

    def _enter(self, number, row):
        self._check(row)
        self.rows[number] = row
        self._index(row)

    def _remove(self, number):
        row = self.rows.pop(number, None)
        if row is not None:
            self._leave(row)

    def _restore(self, row, before, order):
        self._leave(row)
        row.clear()
        row.update(before)
        self._index(row)
        self._sort(order)

    def _put_back(self, row, order):
        self.rows[row[self.key]] = row
        self._index(row)
        self._sort(order)

    def _sort(self, order):
        rows = self.rows
        self.rows = {number: rows[number] for number in order
                     if number in rows}
        self.rows.update((number, row) for number, row in rows.items()
                         if number not in self.rows)
