"""How often a page without login may be tried: per account, per address and in all, counted in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from accounts.reminder.models import SelfServiceAttempt
from portal.common.text import ascii_identifier

KEPT = timedelta(days=2)


@dataclass(frozen=True)
class Limits:
    """At most so many attempts within `within`. The limits do not depend on whether the account exists."""

    purpose: str
    per_account: int
    per_address: int
    in_all: int
    within: timedelta = timedelta(hours=1)


# Below AD's five wrong passwords in thirty minutes: the page is no lever to lock accounts.
CHANGE = Limits("change", per_account=3, per_address=30, in_all=600)
REMINDER = Limits("reminder", per_account=3, per_address=20, in_all=300)
ADDRESS = Limits("address", per_account=3, per_address=60, in_all=600)


class TooManyAttempts(Exception):
    """Wait an hour."""


@transaction.atomic
def admit(limits: Limits, *, account: str, ip: str | None, now: datetime) -> None:
    """Count one attempt. Raises TooManyAttempts, and then nothing is counted.

    Attempts of one purpose are counted one after the other, so that a burst cannot slip through together.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"attempts {limits.purpose}"]
        )
    digest = account_digest(account)
    recent = SelfServiceAttempt.objects.filter(purpose=limits.purpose, at__gt=now - limits.within)
    over = (
        recent.filter(account_digest=digest).count() >= limits.per_account
        or recent.filter(ip=ip).count() >= limits.per_address
        or recent.count() >= limits.in_all
    )
    if over:
        raise TooManyAttempts(limits.purpose)
    SelfServiceAttempt.objects.create(purpose=limits.purpose, account_digest=digest, ip=ip, at=now)


def account_digest(account: str) -> str:
    """A login name as it is counted: without regard to case and width, as AD compares it, and not readable."""
    name = ascii_identifier(account).casefold()
    return salted_hmac("accounts.reminder.account", name, algorithm="sha256").hexdigest()


def purge(*, now: datetime) -> int:
    """Remove attempts that no longer count; how many."""
    count, _by_model = SelfServiceAttempt.objects.filter(at__lt=now - KEPT).delete()
    return count
