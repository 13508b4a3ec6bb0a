"""Works for tests."""

from __future__ import annotations

import datetime as dt
from io import BytesIO
from typing import Any

from openpyxl import Workbook

from audit.ledgers import importing, services
from audit.ledgers.models import Ledger, WorkEntry, WorkImport
from audit.ledgers.services import WorkValues
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import Role
from tests import factories

DAY = dt.date(2026, 11, 5)


def jst(hour: int, minute: int = 0, day: dt.date = DAY) -> dt.datetime:
    """A moment in Japan."""
    return dt.datetime.combine(day, dt.time(hour, minute), JST)


NOW = jst(9, day=dt.date(2026, 11, 26))


def values(**more: Any) -> WorkValues:
    """What a work says."""
    said = {
        "work_type": "maintenance",
        "worker": "CONTRACTOR",
        "planned_from": jst(10),
        "planned_until": jst(12),
        "persons": ["保守 太郎"],
        "accounts": ["tk9001-hoshu"],
        "hosts": ["KK13-DB01"],
        "text": "索引の作り直し",
    } | more
    return WorkValues(**said)


def reviewer() -> User:
    """Who keeps 中央会's ledger."""
    return factories.user(Role.AUDIT_REVIEWER, code="central")


def officer(code: str = "13") -> User:
    """Who keeps a federation's ledger."""
    return factories.user(Role.SECURITY_OFFICER, code=code)


def work(code: str = "13", ledger: str = Ledger.CENTRAL, actor: User | None = None, **more: Any) -> WorkEntry:
    """A work in a ledger."""
    keeper = actor or (reviewer() if ledger == Ledger.CENTRAL else officer(code))
    return services.enter(
        ledger=ledger,
        organisation=factories.organisation(code),
        work_number=more.pop("work_number", ""),
        values=values(**more),
        actor=keeper,
        now=NOW,
    )


def table(*rows: dict[str, Any], ledger: str, actor: User) -> bytes:
    """The template of a ledger, filled in."""
    columns = importing.Checker(ledger, actor, NOW).columns
    book = Workbook()
    sheet: Any = book.active
    sheet.append([column.heading for column in columns])
    for row in rows:
        sheet.append([row.get(column.name) for column in columns])
    data = BytesIO()
    book.save(data)
    return data.getvalue()


def file_of(actor: User, *, ledger: str = Ledger.FEDERATION, **more: Any) -> WorkImport:
    """A file with one work."""
    data = table(typed(**more), ledger=ledger, actor=actor)
    return importing.bring(ledger=ledger, name="works.xlsx", data=data, actor=actor, now=NOW)


def typed(**more: Any) -> dict[str, Any]:
    """What somebody types into the form."""
    return {
        "organisation": "13",
        "work_type": "maintenance",
        "worker": "CONTRACTOR",
        "planned_from_on": "R8.11.5",
        "planned_from_clock": "１０：００",
        "planned_until_on": "2026/11/5",
        "planned_until_clock": "12:00",
        "persons": "保守 太郎\n保守 花子",
        "accounts": "ｔｋ９００１-hoshu",
        "hosts": "KK13-DB01、KK13-DB02",
        "text": "索引の作り直し",
    } | more
