"""Why sessions differ, as each party says it: many at once, the newest of a party counts (AUD-03, AUD-05).

A reason is taken only while the step of its party is open. The report is locked first: a step that ends at the same moment
waits or has ended, and reasons that two people give at once are both kept, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from audit.reconciliation import incidents, said
from audit.reconciliation.models import FITTING, Mismatch, MismatchReason, ReasonCode, Side
from audit.reports.models import AuditReport, ReportStatus
from portal.orgs.models import User
from portal.orgs.permissions import GIVE_CENTRAL_REASONS, GIVE_FEDERATION_REASONS, OrganisationKind
from portal.trail import services as trail
from portal.workflow import people
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused

TEXT_LENGTH = 500
_NAMED = 100  # fingerprints in the trail; all of them are in the reasons themselves
# In which state of the report which party says its reasons: steps 2 and 4.
OPEN_FOR = {Side.CENTRAL: ReportStatus.CREATED, Side.FEDERATION: ReportStatus.PROVIDED}


def side_of(actor: User, report: AuditReport) -> Side | None:
    """For which party the person may give reasons now; None when its step is not open, or it is not theirs."""
    return next((side for side in Side if is_open(report, side) and may_give(actor, side, report)), None)


def is_open(report: AuditReport, side: str) -> bool:
    """Whether the step of a party is under way."""
    return report.is_current and report.status == OPEN_FOR[Side(side)]


@transaction.atomic
def give_reason(
    *,
    report_id: int,
    mismatches: Iterable[Mismatch | int],
    side: str,
    code: str,
    text: str,
    actor: User,
    now: datetime,
) -> list[MismatchReason]:
    """Say of sessions of a report why they differ, of all of them or of none. "Misuse suspected" opens an incident.

    Gives the reason of each session. What the same person said last in the same words is not said again (a second click).
    Raises NotAllowed, Refused, and ChangedMeanwhile when the step ended.
    """
    text = text.strip()
    keys = {each if isinstance(each, int) else each.pk for each in mismatches}
    if not keys:
        raise Refused("", _("Choose at least one row."))
    if code not in ReasonCode.values:
        raise Refused("code", _("Choose a reason."))
    if not text:
        raise Refused("text", _("Explain it in a sentence."))
    if len(text) > TEXT_LENGTH:
        raise Refused("text", _("Shorten this to %(most)d characters.") % {"most": TEXT_LENGTH})
    report = _locked(report_id, Side(side), actor)
    rows = list(Mismatch.system.filter(pk__in=keys, reconciliation=report.reconciliation_id).order_by("pk"))
    if len(rows) != len(keys):
        raise Refused("", _("These sessions are not of one report. Look again."))
    if any(row.code in FITTING for row in rows):
        raise Refused("", _("What fits a work needs no reason."))
    again = _said_already(report, rows, side, code, text, actor)
    rows = [row for row in rows if row.fingerprint not in again]
    if not rows:
        return list(again.values())
    made = MismatchReason.system.bulk_create(
        [
            MismatchReason(
                mismatch=row,
                organisation_id=row.organisation_id,
                side=side,
                code=code,
                text=text,
                given_by=actor,
                given_by_name=actor.display_name,
                given_at=now,
            )
            for row in rows
        ],
        batch_size=1000,
    )
    _record(report, rows, side, code, actor, now)
    if code == ReasonCode.MISUSE:
        incidents.open_incident(report=report, mismatches=rows, text=text, actor=actor, now=now)
    return [*again.values(), *made]


def _said_already(
    report: AuditReport, rows: Iterable[Mismatch], side: str, code: str, text: str, actor: User
) -> dict[str, MismatchReason]:
    """By fingerprint, the newest reason of the party where it is this one.

    A suspicion is always said anew: the incident of the last one may be closed.
    """
    if code == ReasonCode.MISUSE:
        return {}
    given: Any = said.of_sessions(
        [row.fingerprint for row in rows], cycle_id=report.cycle_id, organisation_id=report.organisation_id
    )
    given = given.filter(side=side).annotate(fingerprint=F("mismatch__fingerprint"))
    newest = {each.fingerprint: each for each in given.reverse()}
    return {
        fingerprint: each
        for fingerprint, each in newest.items()
        if (each.code, each.text, each.given_by_id) == (code, text, actor.pk)
    }


def _locked(report_id: int, side: Side, actor: User) -> AuditReport:
    """The report with its lock, while it counts and the step of this party is open."""
    rows = AuditReport.system.select_for_update(of=("self",), no_key=True)
    report: AuditReport = rows.select_related("organisation", "cycle").get(pk=report_id)
    if not may_give(actor, side, report):
        raise NotAllowed(_("Your role does not allow you to give reasons for this report."))
    if not report.is_current:
        raise ChangedMeanwhile("", _("A newer revision of this report exists. Give the reasons there."))
    if not is_open(report, side):
        text = _("The check of this party is not open: the report is “%(state)s”. Nothing was changed.")
        raise ChangedMeanwhile("", text % {"state": report.get_status_display()})
    return report


def may_give(actor: User, side: str, report: AuditReport) -> bool:
    """Whether the person speaks for this party about this report."""
    if side == Side.FEDERATION:
        return actor.may(GIVE_FEDERATION_REASONS, report.organisation_id)
    return actor.may(GIVE_CENTRAL_REASONS, people.organisation_of(OrganisationKind.CENTRAL).pk)


def _record(
    report: AuditReport, rows: Sequence[Mismatch], side: str, code: str, actor: User, now: datetime
) -> None:
    trail.record(
        action="mismatch.reason",
        now=now,
        actor=actor,
        object_type="audit_report",
        object_id=report.pk,
        object_label=str(report),
        object_organisation_id=report.organisation_id,
        detail={
            "side": str(side),
            "code": code,
            "count": len(rows),
            "fingerprints": [row.fingerprint for row in rows[:_NAMED]],
        },
    )
