"""Telling people that their password ends in 14, 7 or 1 days (ACC-07). The mail has no link: nobody learns to follow one.

The day is the one that AD computes for the account, so that a longer lifetime by a PSO counts. Who is told: everybody whose
account or person has a mail address. Windows accounts without one are told by Windows itself at logon (docs/adr/0015).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import DirectoryAccount
from accounts.reminder.models import ExpiryNotice
from portal.common.time import today
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryEntry
from portal.notices import services as notices
from portal.orgs.models import User

THRESHOLDS = (1, 7, 14)
_KEPT = timedelta(days=400)


def tell_expiring(*, now: datetime) -> int:
    """Queue the mails that are due; how many. After days of downtime each person gets one, the nearest.

    Raises DirectoryError when AD cannot be read; nothing is lost then, the job runs again.
    """
    day = today(now)
    ExpiryNotice.objects.filter(at__lt=now - _KEPT).delete()
    told = 0
    for entry, ends in _ending(day):
        days = next(number for number in THRESHOLDS if (ends - day).days <= number)
        told += _tell(entry, ends, days, now)
    return told


def _ending(day: date) -> Iterator[tuple[DirectoryEntry, date]]:
    """Accounts in use whose password ends within the widest threshold, and the day in Japan on which it ends."""
    accounts = directory_factory.get_directory().search_accounts(
        str(settings.DIRECTORY["root_ou"]), enabled_only=True
    )
    for entry in accounts:
        if entry.password_expires_at is None or entry.must_change_password:
            continue
        ends = today(entry.password_expires_at)
        if day <= ends <= day + timedelta(days=THRESHOLDS[-1]):
            yield entry, ends


def _tell(entry: DirectoryEntry, ends: date, days: int, now: datetime) -> bool:
    """Mail one person, unless this or a nearer threshold was told for this day."""
    told = ExpiryNotice.objects.filter(object_guid=entry.guid, expires_on=ends, days__lte=days)
    if told.exists():
        return False
    user = User.objects.filter(directory_guid=entry.guid, is_active=True).first()
    address = (user.email if user else "") or entry.mail or ""
    owner = user or DirectoryAccount.system.filter(object_guid=entry.guid).first()
    if not address or owner is None:
        return False
    try:
        with transaction.atomic():
            ExpiryNotice.objects.create(object_guid=entry.guid, expires_on=ends, days=days, at=now)
            notices.queue(
                template="password_expires",
                now=now,
                organisation_id=owner.organisation_id,
                to_user=user,
                to_address=address,
                context={"expires_on": ends.isoformat(), "days": (ends - today(now)).days},
            )
    except IntegrityError:
        return False  # another worker was first
    return True
