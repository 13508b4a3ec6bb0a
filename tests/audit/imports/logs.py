"""Log files and machines for the tests of the imports."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from typing import Any

import pytest

from audit.cycles.models import AuditCycle, DeadlinePolicy
from audit.imports import loading, storing
from audit.imports.models import Host, LogImport
from audit.reconciliation.names import name_key
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import Role
from tests import factories

HEADER = "_time,_indextime,event_id,host,db_name,db_user,os_user,client,program,session_id,action,object,rows,return_code"
SEPTEMBER = dt.date(2026, 9, 1)
NOW = dt.datetime(2026, 9, 22, 9, 0, tzinfo=JST)


def operator() -> User:
    """Who brings logs."""
    return factories.user(Role.OPERATOR, code="operations")


def host(name: str = "dbsv13", code: str = "13", **fields: Any) -> Host:
    """A machine that sends DB access logs every day."""
    values = {"sends_database": "DAILY", "first_day": dt.date(2026, 1, 1)} | fields
    return Host.system.create(
        name=name, key=name_key(name), organisation=factories.organisation(code), **values
    )


def line(
    at: str = "2026-09-01 10:00:00",
    *,
    host: str = "dbsv13",
    user: str = "tanaka",
    event: str = "",
    program: str = "sqlplus",
    client: str = "PC-001",
    object_name: str = "T_KOJIN",
    rows: str = "5",
    indexed: str = "",
) -> str:
    """One access."""
    return f"{at},{indexed},{event},{host},KOJIN,{user},{user},{client},{program},s1,SELECT,{object_name},{rows},0"


def text(*lines: str) -> bytes:
    """A file in UTF-8."""
    return "".join(f"{one}\n" for one in (HEADER, *lines)).encode()


def upload(data: bytes, *, actor: User | None = None, **fields: Any) -> LogImport:
    """A file that was brought and not yet imported."""
    values: dict[str, Any] = {
        "log_kind": "DATABASE",
        "month": SEPTEMBER,
        "name": "splunk.csv",
        "now": NOW,
    } | fields
    return storing.store_file(file=io.BytesIO(data), actor=actor or operator(), **values)


def load(data: bytes, *, now: dt.datetime = NOW, **fields: Any) -> LogImport:
    """A file, imported."""
    actor = operator()
    made = upload(data, actor=actor, now=now, **fields)
    loading.start(import_id=made.pk, actor=actor, now=now)
    loading.run(import_id=made.pk, now_fn=lambda: now)
    made.refresh_from_db()
    return made


def packed(data: bytes) -> bytes:
    """With gzip."""
    return gzip.compress(data)


def cycle(month: dt.date = SEPTEMBER) -> AuditCycle:
    """A month from the 21st of the one before to the 20th."""
    policy, _new = DeadlinePolicy.objects.get_or_create(valid_from=dt.date(2026, 1, 1))
    before = month - dt.timedelta(days=1)
    made, _new = AuditCycle.objects.get_or_create(
        month=month,
        defaults={
            "covers_from": before.replace(day=21),
            "covers_until": month.replace(day=20),
            "policy": policy,
            "opened_at": NOW,
        },
    )
    return made


def many_pieces(monkeypatch: pytest.MonkeyPatch, count: int) -> LogImport:
    """A file of so many rows in pieces of twenty, started."""
    monkeypatch.setattr(storing.pieces, "__defaults__", (2_000,))
    host()
    actor = operator()
    lines = [line(f"2026-09-01 10:{n // 60:02}:{n % 60:02}", event=f"e{n}") for n in range(count)]
    made = upload(text(*lines), actor=actor)
    assert made.chunk_count > 5
    return loading.start(import_id=made.pk, actor=actor, now=NOW)
