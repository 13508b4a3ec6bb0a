"""Who gets mail about a planned outage: everybody concerned of plan, change, cancellation, reminder and end (REQ-10)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse

from portal.common.time import JST, today
from portal.notices import messages, places
from portal.notices import services as notices
from portal.notices.models import Notice
from portal.orgs.models import Membership, User
from portal.orgs.permissions import Role
from portal.workflow import people
from requests.outages.models import Confirmer, Outage

TEMPLATES = (
    "outage_planned",
    "outage_changed",
    "outage_cancelled",
    "outage_reminder",
    "outage_confirmed",
    "outage_overdue",
    "outage_trouble",
)
_ROLES = (
    Role.APPLICANT,
    Role.APPROVER,
    Role.SECURITY_OFFICER,
    Role.SECURITY_MANAGER,
    Role.OPERATOR,
    Role.AUDIT_REVIEWER,
)


def tell_concerned(template: str, outage: Outage, organisations: Collection[int], now: datetime) -> int:
    """The people with a role in these organisations, and who confirms; each person once. How many."""
    rows: Any = Membership.system.valid_on(today(now))  # type: ignore[attr-defined]
    rows = rows.filter(organisation__in=organisations, role__in=_ROLES, user__is_active=True)
    found = {row.user_id: (row.user, row.organisation_id) for row in rows.select_related("user")}
    for each in Confirmer.system.filter(outage=outage, person__is_active=True).select_related("person"):
        found.setdefault(each.person_id, (each.person, each.organisation_id))
    for person, organisation_id in found.values():
        _queue(template, outage, person, organisation_id, now)
    return len(found)


def tell_operators(template: str, outage: Outage, now: datetime) -> None:
    """Somebody has to look after it: operations."""
    for person in people.operators(today(now)).values():
        _queue(template, outage, person, person.organisation_id, now)


def tell_confirmers(template: str, outage: Outage, confirmers: Iterable[Confirmer], now: datetime) -> None:
    """Those who have not said yet how it is."""
    for each in confirmers:
        if each.person.is_active:
            _queue(template, outage, each.person, each.organisation_id, now)


def _queue(template: str, outage: Outage, person: User, organisation_id: int, now: datetime) -> None:
    notices.queue(
        template=template,
        now=now,
        organisation_id=organisation_id,
        to_user=person,
        context={
            "outage": outage.number,
            "stops": f"{outage.stops_at.astimezone(JST):%Y/%m/%d %H:%M}",
            "starts": f"{outage.starts_at.astimezone(JST):%Y/%m/%d %H:%M}",
        },
    )


def _values(notice: Notice) -> dict[str, Any]:
    return {"url": messages.link("outage", notice.context["outage"])}


def register_all() -> None:
    """Where the mails lead."""
    for template in TEMPLATES:
        messages.provide(template, _values)
        places.provide(template, lambda notice: reverse("outage", args=[notice.context["outage"]]))
