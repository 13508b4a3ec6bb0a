"""管理番号: proposed from a format that is a setting, free within its ledger and federation (AUD-02)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connection

from audit.ledgers.models import Ledger, WorkEntry
from portal.common.time import today
from portal.orgs.models import Organisation

NUMBER_LENGTH = 40
_PROBES = 100


def propose(ledger: str, organisation: Organisation, planned: datetime) -> str:
    """The next number that nobody typed before; gaps are possible, doubles are not."""
    for _probe in range(_PROBES):
        number = _written(settings.WORK_NUMBERS[ledger], organisation.code, today(planned).year, _next())
        taken = WorkEntry.system.filter(ledger=ledger, organisation=organisation, work_number=number)
        if not taken.exists():
            return number
    raise RuntimeError(f"{_PROBES} proposed work numbers in a row were taken")


def _written(pattern: str, code: str, year: int, number: int) -> str:
    return pattern.format(code=code, year=year, number=number)


def _next() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('audit_work_number')")
        (value,) = cursor.fetchone()
    return int(value)


def settings_of_numbers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A format that cannot be written, or that gives everybody the same number, is told at the start."""
    errors: list[CheckMessage] = []
    for ledger in Ledger.values:
        pattern = settings.WORK_NUMBERS[ledger]
        try:
            one, two = (_written(pattern, "13", 2026, number) for number in (1, 999_999))
        except (KeyError, IndexError, ValueError):
            one = two = ""
        if one == two or len(two) > NUMBER_LENGTH:
            text = "knows {year}, {code} and {number}, must hold {number} and gives at most 40 characters"
            errors.append(Error(f"WORK_NUMBER_{ledger}: {pattern!r} {text}.", id="audit.E001"))
    return errors
