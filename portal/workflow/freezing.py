"""Freezes as applicants and deciders meet them: the date is refused, or it is told that the change will wait."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from portal.common.time import plain_moment
from portal.fulfilment.freezes import holding
from portal.fulfilment.freezes.models import Effect, FreezePeriod
from portal.workflow import fulfilling, kinds
from portal.workflow.models import EDITABLE, Application, Status

_CONCERNS = EDITABLE | {Status.IN_REVIEW, Status.FULFILLING, Status.PARTLY_COMPLETED}


def concerning(application: Application, now: datetime) -> list[FreezePeriod]:
    """The freezes in which the application would be carried out as it stands; none for one that has ended."""
    if application.status not in _CONCERNS:
        return []
    moment = fulfilling.effective_from(application, now)
    kind = kinds.get(application.kind)
    found = holding.periods(
        organisation_id=application.organisation_id,
        kind=kind.code,
        targets=fulfilling.targets_of(kind),
        first=moment,
        last=moment,
    )
    return list(found)


def refusal(application: Application, now: datetime) -> str:
    """Why the effective date that was asked for is refused; "" when it is not, or when operations may make exceptions."""
    if application.desired_on is None:
        return ""
    for freeze in concerning(application, now):
        if freeze.effect == Effect.REFUSE and not freeze.may_override:
            text = _("Nothing is changed from %(start)s until %(end)s: %(reason)s. Choose a later date.")
            start, end = plain_moment(freeze.starts_at), plain_moment(freeze.ends_at)
            return text % {"start": start, "end": end, "reason": freeze.reason}
    return ""
