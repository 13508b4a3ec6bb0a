"""Entries that end soon: one mail for each federation and day that lists them, 14, 7 and 1 days before (MAC-06).

Once for each threshold; after an outage an entry is told of once, with the nearest.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from devices.whitelist import register
from devices.whitelist.models import WhitelistEntry
from portal.common.time import today
from portal.notices import services as notices
from portal.notices.errors import NothingToSay
from portal.notices.messages import link
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.workflow import people

TEMPLATE = "whitelist_ending"
REMIND_BEFORE = (1, 7, 14)  # days
_LISTED = 50
_TOLD = (
    Role.APPLICANT,
    Role.SECURITY_OFFICER,
)  # who can apply for the next entry, and who looks after the machines
_LIVE = WhitelistEntry.State.APPROVED


def remind(*, now: datetime) -> int:
    """Tell every federation of its entries that end soon; of how many."""
    day = today(now)
    ids = _ending(day).order_by("organisation_id").values_list("organisation_id", flat=True).distinct()
    return sum(_remind(organisation_id, day, now) for organisation_id in list(ids))


def values_for_mail(notice: Notice) -> dict[str, Any]:
    """What is still so when the mail goes: entries that were replaced or removed meanwhile are left out."""
    rows = WhitelistEntry.system.filter(pk__in=notice.context["entries"], state=_LIVE)
    entries = list(rows.select_related("computer").order_by("valid_until", "computer__name", "pk"))
    if not entries:
        raise NothingToSay
    return {"entries": entries, "list_url": link("whitelist_list")}


@transaction.atomic
def _remind(organisation_id: int, day: date, now: datetime) -> int:
    rows = _ending(day).filter(organisation_id=organisation_id)
    # The job may run twice: who comes second finds them told.
    found = list(rows.select_for_update(no_key=True, of=("self",)).order_by("valid_until", "pk"))
    due = {entry.pk: days for entry in found if (days := _threshold(entry, day)) is not None}
    if not due:
        return 0
    register.record_reminded(days_of=due)
    context = {"entries": list(due)[:_LISTED], "count": len(due), "more": max(0, len(due) - _LISTED)}
    for person in people.members(organisation_id, _TOLD, day).values():
        notices.queue(
            template=TEMPLATE, now=now, organisation_id=organisation_id, to_user=person, context=context
        )
    return len(due)


def _ending(day: date) -> Any:
    return WhitelistEntry.system.filter(
        state=_LIVE, valid_until__gte=day, valid_until__lte=day + timedelta(days=REMIND_BEFORE[-1])
    )


def _threshold(entry: WhitelistEntry, day: date) -> int | None:
    """The nearest threshold that was reached and not told yet."""
    if entry.valid_until is None:
        return None
    left = (entry.valid_until - day).days
    days = next(number for number in REMIND_BEFORE if left <= number)
    return days if entry.reminded_days is None or entry.reminded_days > days else None
