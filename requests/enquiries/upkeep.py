"""What the calendar does with enquiries: reminders of overdue ones, notice and closing of those without reply (REQ-11)."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from portal.common.time import add_business_days, business_days_between, is_business_day, today
from requests.enquiries import services, telling
from requests.enquiries.models import Enquiry

State = Enquiry.State


def look_after(*, now: datetime) -> str:
    """On business days: how many were reminded of, announced and closed."""
    day = today(now)
    if not is_business_day(day):
        return ""
    live = Enquiry.system.exclude(state=State.CLOSED).order_by("pk")
    done = [_look_after(pk, day, now) for pk in list(live.values_list("pk", flat=True))]
    return ", ".join(f"{name} {done.count(name)}" for name in ("reminded", "announced", "closed"))


@transaction.atomic
def _look_after(pk: int, day: date, now: datetime) -> str:
    rows = Enquiry.system.select_for_update(of=("self",)).select_related(
        "asker", "organisation", "assigned_to"
    )
    enquiry: Enquiry = rows.get(pk=pk)
    if enquiry.state == State.OPEN:
        return _remind(enquiry, day, now)
    if enquiry.state == State.CLOSED:
        return ""
    if enquiry.closes_on is None:
        return _announce(enquiry, day, now)
    if day < enquiry.closes_on:
        return ""
    with override("ja"):
        services.shut(enquiry, text=_("Closed by the portal: there was no reply."), actor=None, now=now)
    return "closed"


def _remind(enquiry: Enquiry, day: date, now: datetime) -> str:
    if enquiry.due_on >= day or enquiry.reminded_on == day:
        return ""
    enquiry.reminded_on = day
    enquiry.save(update_fields=["reminded_on", "updated_at"])
    telling.tell_desk("enquiry_overdue", enquiry, now)
    return "reminded"


def _announce(enquiry: Enquiry, day: date, now: datetime) -> str:
    """The notice always comes first, however long the portal stood still (REQ-11)."""
    notice = int(settings.ENQUIRIES["notice_days"])
    waited = business_days_between(today(enquiry.state_since), day)
    if waited < int(settings.ENQUIRIES["close_days"]) - notice:
        return ""
    enquiry.closes_on = add_business_days(day, notice)
    enquiry.save(update_fields=["closes_on", "updated_at"])
    telling.tell_asker("enquiry_closing", enquiry, now)
    return "announced"
