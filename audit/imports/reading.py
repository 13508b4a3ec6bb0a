"""Rows out of the database for the reconciliation: PostgreSQL puts together what rows have in common, and sends that once."""

from __future__ import annotations

import datetime as dt
import sys
from array import array
from collections.abc import Iterator
from typing import Any

from django.db import connection

from audit.cycles.models import AuditCycle
from audit.reconciliation.engine import Rows, Subject
from portal.common.time import JST
from portal.orgs.models import Organisation

# A row is three numbers of eight bytes: so PostgreSQL packs them, and nobody takes a million rows apart one by one.
_SELECT = """
COPY (SELECT log_kind, host, db_user, os_user, client, object_name, action, medium_type, medium_serial, involves_number,
    string_agg(int8send(id), ''), string_agg(int8send((date_part('epoch', event_at) * 1000000)::bigint), ''),
    string_agg(int8send(volume), '')
FROM audit_logrow WHERE organisation_id = %s AND event_at >= %s AND event_at <= %s AND NOT is_application{kind}
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ORDER BY host, db_user, os_user) TO STDOUT (FORMAT BINARY)
"""
_TYPES = ("text",) * 9 + ("bool",) + ("bytea",) * 3
# To sort a million rows by ten texts takes six times as long as to hash them; the planner thinks otherwise. What the memory
# does not hold goes to the disk.
_HASHED = "SET LOCAL enable_sort = off; SET LOCAL work_mem = '32MB'"
_MOMENT = dt.timedelta(microseconds=1)


def limits(cycle: AuditCycle) -> tuple[dt.datetime, dt.datetime]:
    """The first and the last moment that a month covers (AUD-10)."""
    start = dt.datetime.combine(cycle.covers_from, dt.time.min, JST)
    return start, dt.datetime.combine(cycle.covers_until, dt.time.min, JST) + dt.timedelta(days=1) - _MOMENT


def rows_between(
    organisation: Organisation, start: dt.datetime, until: dt.datetime, log_kind: str = ""
) -> Iterator[Rows]:
    """The rows of a federation that did not come through the application, machine by machine and account by account.

    To be read within a transaction.
    """
    statement = _SELECT.format(kind=" AND log_kind = %s" if log_kind else "")
    values: list[Any] = [organisation.pk, start, until, *([log_kind] if log_kind else [])]
    with connection.cursor() as cursor:
        cursor.execute(_HASHED)
        with cursor.copy(statement, values) as copy:
            copy.set_types(_TYPES)
            for (
                kind,
                host,
                db_user,
                os_user,
                client,
                name,
                action,
                medium,
                serial,
                numbers,
                *packed,
            ) in copy.rows():
                accounts = (db_user, os_user)
                subject = Subject(kind, host, accounts, client, name, action, medium, serial, numbers)
                yield Rows(subject, *map(_numbers, packed))
        cursor.execute("SET LOCAL enable_sort = DEFAULT; SET LOCAL work_mem = DEFAULT")


def _numbers(packed: bytes) -> array[int]:
    found = array("q", packed)
    if sys.byteorder == "little":  # the wire has the highest byte first
        found.byteswap()
    return found
