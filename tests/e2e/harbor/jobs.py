# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Harbor does by itself: schedules, executions and their tasks.

    schedule  one cron string of one vendor; due times only, nothing is run
    execution one run; a schedule takes up an execution and a task, too
    task      one part of a run
"""
import datetime
import secrets

from . import cron
from .state import EPOCH, format_time, installs
from .wire import Refusal

SCHEDULER = "SCHEDULER"


@installs(0)
def make_tables(harbor):
    for name in ("schedule", "execution", "task"):
        harbor.make_table(name)


def add_schedule(harbor, vendor, vendor_id, text, kind="", extra=None):
    """The row of a new schedule; `kind` is Daily or the like."""
    if "jobservice" in harbor.down:
        raise Refusal(500)
    at = harbor.now_ms()
    row = harbor.table("schedule").insert(
        vendor=vendor, vendor_id=vendor_id, cron=text, kind=kind,
        extra=extra, creation_ms=at, update_ms=at)
    execution = add_execution(harbor, SCHEDULER, row["id"], "MANUAL",
                              status="Running")
    add_task(harbor, execution)
    return row


def schedules_of(harbor, vendor, vendor_id=None):
    return [row for row in harbor.table("schedule").select(vendor=vendor)
            if vendor_id in (None, row["vendor_id"])]


def remove_schedules(harbor, vendor, vendor_id=None):
    for row in schedules_of(harbor, vendor, vendor_id):
        remove_executions(harbor, SCHEDULER, row["id"])
        harbor.table("schedule").delete(row)


def add_execution(harbor, vendor, vendor_id, trigger, status="Success",
                  **extra):
    at = harbor.now_ms()
    done = None if status == "Running" else harbor.now_ms()
    return harbor.table("execution").insert(
        vendor=vendor, vendor_id=vendor_id, trigger=trigger, status=status,
        text="", start_ms=at, end_ms=done, update_ms=at, extra=extra)


def add_task(harbor, execution, status="Running", **extra):
    at = harbor.now_ms()
    return harbor.table("task").insert(
        execution_id=execution["id"], status=status, start_ms=at, end_ms=None,
        job_id=secrets.token_hex(12), extra=extra)


def executions_of(harbor, vendor, vendor_id=None):
    """The newest first."""
    rows = [row for row in harbor.table("execution").select(vendor=vendor)
            if vendor_id in (None, row["vendor_id"])]
    return sorted(rows, key=lambda row: (row["start_ms"], row["id"]),
                  reverse=True)


def tasks_of(harbor, execution):
    rows = harbor.table("task").select(execution_id=execution["id"])
    return sorted(rows, key=lambda row: row["id"], reverse=True)


def find_execution(harbor, vendor, number):
    """The row of that execution if it is one of `vendor`, or None."""
    row = harbor.table("execution").get(number)
    return row if row is not None and row["vendor"] == vendor else None


def remove_executions(harbor, vendor, vendor_id):
    for row in executions_of(harbor, vendor, vendor_id):
        for task in tasks_of(harbor, row):
            harbor.table("task").delete(task)
        harbor.table("execution").delete(row)


def check_cron(text, of_what):
    try:
        cron.check(text)
    except cron.BadCron as error:
        raise Refusal(400, f"invalid cron string for scheduled {of_what}: "
                           f"{text}, error: {error}") from None


def next_time(harbor, text):
    """When a cron string is due, as the API shows times."""
    now = EPOCH + datetime.timedelta(milliseconds=harbor.now_ms())
    due = cron.next_time(text, now)
    return format_time(None if due is None else
                       int((due - EPOCH).total_seconds() * 1000))


def exact_time(at_ms):
    """A time as encoders of Go write it when nobody tells them otherwise: to
    the microsecond, which here is made up."""
    return format_time(at_ms)[:-1] + "001Z"
