# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cron strings of six fields as Harbor reads them: what it says of bad ones,
and when one is due next."""
import datetime

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
          "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

# The least and the greatest value of a field, and the names of its values.
FIELDS = (
    (0, 59, {}),
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number + 1 for number, name in enumerate(MONTHS)}),
    (0, 6, {name: number for number, name in enumerate(DAYS)}),
)
YEARS_LOOKED_AHEAD = 5


class BadCron(Exception):
    """What Harbor says after "error: "."""


class Cron:
    """The values that each of the six fields allows."""

    def __init__(self, text):
        fields = text.split()
        if len(fields) != len(FIELDS):
            raise BadCron(f"expected exactly 6 fields, found {len(fields)}: "
                          f"[{' '.join(fields)}]")
        self.values = [read_field(field, *bounds)
                       for field, bounds in zip(fields, FIELDS)]
        self.any_day = fields[3][0] in "*?"
        self.any_weekday = fields[5][0] in "*?"

    def day_fits(self, day):
        in_month = day.day in self.values[3]
        in_week = day.isoweekday() % 7 in self.values[5]
        if self.any_day or self.any_weekday:
            return in_month and in_week
        return in_month or in_week

    def after(self, time):
        """The first moment after `time`, which is in UTC; None: never."""
        seconds, minutes, hours, _, months, _ = self.values
        start = time.replace(microsecond=0) + datetime.timedelta(seconds=1)
        day = start.date()
        while day.year <= start.year + YEARS_LOOKED_AHEAD:
            if day.month in months and self.day_fits(day):
                for clock in ((hour, minute, second)
                              for hour in sorted(hours)
                              for minute in sorted(minutes)
                              for second in sorted(seconds)):
                    due = datetime.datetime.combine(
                        day, datetime.time(*clock), start.tzinfo)
                    if due >= start:
                        return due
            day += datetime.timedelta(days=1)
        return None


def read_field(text, low, high, names):
    values = set()
    for part in text.split(","):
        if part:
            values |= read_range(part, low, high, names)
    return values


def read_range(text, low, high, names):
    """start, start-end, * or ?, each with /step."""
    span, *steps = text.split("/")
    ends = span.split("-")
    if len(steps) > 1:
        raise BadCron(f"too many slashes: {text}")
    if len(ends) > 2:
        raise BadCron(f"too many hyphens: {text}")
    if ends[0] in ("*", "?"):
        first, last = low, high
    else:
        first = read_value(ends[0], names)
        last = read_value(ends[-1], names)
        if steps and len(ends) == 1:
            last = high
    step = read_number(steps[0]) if steps else 1
    check_range(text, first, last, step, low, high)
    return set(range(first, last + 1, step))


def check_range(text, first, last, step, low, high):
    if first < low:
        raise BadCron(
            f"beginning of range ({first}) below minimum ({low}): {text}")
    if last > high:
        raise BadCron(f"end of range ({last}) above maximum ({high}): {text}")
    if first > last:
        raise BadCron(f"beginning of range ({first}) beyond end of range "
                      f"({last}): {text}")
    if step == 0:
        raise BadCron(f"step of range should be a positive number: {text}")


def read_value(text, names):
    return names.get(text.lower()) if text.lower() in names \
        else read_number(text)


def read_number(text):
    if not text.lstrip("+-").isdigit():
        raise BadCron(f"failed to parse int from {text}: strconv.Atoi: "
                      f'parsing "{text}": invalid syntax')
    if text.startswith("-"):
        raise BadCron(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)


def check(text):
    """Raises BadCron with what Harbor says of the cron string of a schedule:
    it has to be good, and to be due at full minutes."""
    if not text:
        raise BadCron("empty cron string is invalid")
    Cron(text)
    if text.split(" ")[0] != "0" and len(text.split(" ")) == len(FIELDS):
        raise BadCron("the 1st field (indicating Seconds of time) of the cron "
                      "setting must be 0")


def next_time(text, now):
    """When the cron string is due; None if never, or if it is none."""
    try:
        return Cron(text).after(now) if text else None
    except BadCron:
        return None
