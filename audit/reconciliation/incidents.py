"""Suspected misuse: an incident that both parties see at once, closed with its result by somebody else (AUD-03, ORG-04)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.reconciliation import telling
from audit.reconciliation.models import Incident, IncidentSession, Mismatch
from audit.reports.models import AuditReport
from portal.common.text import search_key
from portal.orgs.models import User
from portal.orgs.permissions import CLOSE_INCIDENTS
from portal.trail import services as trail
from portal.workflow.numbers import next_number
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused

PREFIX = "IN"
State = Incident.State


def open_incident(
    *, report: AuditReport, mismatches: Sequence[Mismatch], text: str, actor: User, now: datetime
) -> Incident | None:
    """One incident for all of these sessions that no open one is about; None when there is none left.

    Called under the lock of the report, so that two people do not open two of one session. Both parties get a mail.
    """
    known = set(
        IncidentSession.system.filter(
            organisation=report.organisation_id,
            fingerprint__in=[row.fingerprint for row in mismatches],
            incident__state=State.OPEN,
        ).values_list("fingerprint", flat=True)
    )
    fresh = [row for row in mismatches if row.fingerprint not in known]
    if not fresh:
        return None
    incident: Incident = Incident.system.create(
        number=next_number(PREFIX, now),
        organisation_id=report.organisation_id,
        cycle_id=report.cycle_id,
        fingerprint=fresh[0].fingerprint,
        text=text,
        opened_by=actor,
        opened_at=now,
    )
    IncidentSession.system.bulk_create(
        [
            IncidentSession(
                incident=incident,
                organisation_id=report.organisation_id,
                mismatch=row,
                fingerprint=row.fingerprint,
            )
            for row in fresh
        ]
    )
    incident.search_text = search_key(
        incident.number,
        report.organisation.name,
        text,
        *{row.host for row in fresh},
        *{row.account for row in fresh},
    )
    incident.save(update_fields=["search_text"])
    telling.tell("incident_opened", incident, now)
    _record("incident.open", incident, actor, now, len(fresh))
    return incident


@transaction.atomic
def close(*, incident_id: int, result: str, actor: User, now: datetime) -> Incident:
    """What was found out; never by the person who opened it. Raises NotAllowed, Refused, ChangedMeanwhile."""
    rows = Incident.system.select_for_update(of=("self",)).select_related("organisation", "cycle")
    incident: Incident = rows.get(pk=incident_id)
    if not may_close(actor, incident):
        raise NotAllowed(why_not(actor, incident))
    if incident.state != State.OPEN:
        raise ChangedMeanwhile("", _("This incident is closed already."))
    if not result.strip():
        raise Refused("result", _("Say what was found out."))
    incident.state, incident.result = State.CLOSED, result.strip()
    incident.closed_by, incident.closed_at = actor, now
    incident.save(update_fields=["state", "result", "closed_by", "closed_at", "updated_at"])
    telling.tell("incident_closed", incident, now)
    _record("incident.close", incident, actor, now)
    return incident


def may_close(actor: User, incident: Incident) -> bool:
    """A reviewer of 中央会 or a security manager of the federation, and not who opened it."""
    if actor.pk == incident.opened_by_id:
        return False
    return actor.reads_everywhere(CLOSE_INCIDENTS) or actor.may(CLOSE_INCIDENTS, incident.organisation_id)


def why_not(actor: User, incident: Incident) -> str:
    """Why the person does not close it."""
    if actor.pk == incident.opened_by_id:
        return _("You opened this incident. Another person closes it.")
    return _(
        "Reviewers of the central association and the security manager of the federation close incidents."
    )


def _record(action: str, incident: Incident, actor: User, now: datetime, sessions: int = 0) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="incident",
        object_id=incident.pk,
        object_label=incident.number,
        object_organisation_id=incident.organisation_id,
        detail={"sessions": sessions} if sessions else {},
    )
