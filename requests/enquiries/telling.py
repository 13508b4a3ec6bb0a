"""Who gets mail about an enquiry. The mail names the number and the page, never what was written (ACC-04)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from portal.common.time import today
from portal.notices import services as notices
from portal.notices.messages import link
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import ANSWER_ENQUIRIES
from portal.workflow import people
from requests.enquiries.models import Enquiry, EnquiryMessage

TEMPLATES = (
    "enquiry_new",
    "enquiry_reply",
    "enquiry_assigned",
    "enquiry_overdue",
    "enquiry_answered",
    "enquiry_asked_back",
    "enquiry_closing",
    "enquiry_closed",
)


def tell_desk(template: str, enquiry: Enquiry, now: datetime, besides: User | None = None) -> None:
    """Who has the enquiry; while nobody has it, everybody who answers at the desk."""
    day = today(now)
    desk = people.organisation_of(enquiry.desk)
    found = people.members(desk.pk, ANSWER_ENQUIRIES.roles, day)
    if enquiry.assigned_to_id in found:
        found = {enquiry.assigned_to_id: found[enquiry.assigned_to_id]}
    _tell(template, enquiry, found.values(), now, besides)


def tell_asker(template: str, enquiry: Enquiry, now: datetime, besides: User | None = None) -> None:
    """The asker and the colleagues who wrote in it."""
    rows = EnquiryMessage.system.filter(
        enquiry=enquiry, kind__in=["QUESTION", "REPLY"], author__is_active=True
    )
    found = {row.author_id: row.author for row in rows.select_related("author") if row.author}
    _tell(template, enquiry, found.values(), now, besides)


def tell_person(template: str, enquiry: Enquiry, person: User, now: datetime) -> None:
    """One person."""
    _tell(template, enquiry, [person], now, None)


def _tell(
    template: str, enquiry: Enquiry, found: Iterable[User], now: datetime, besides: User | None
) -> None:
    for person in found:
        if besides is None or person.pk != besides.pk:
            notices.queue(
                template=template,
                now=now,
                organisation_id=enquiry.organisation_id,
                to_user=person,
                context={
                    "enquiry": enquiry.number,
                    "due_on": enquiry.due_on.isoformat(),
                    "closes_on": enquiry.closes_on.isoformat() if enquiry.closes_on else "",
                },
            )


def values_for_mail(notice: Notice) -> dict[str, Any]:
    """The address that the mails name."""
    return {"url": link("enquiry", notice.context["enquiry"])}
