"""New revisions: a correction, a supplement when logs came late; and that both parties know of it (AUD-10).

A revision is never edited after it was made. The old one stays readable, marked as replaced.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.reconciliation.models import Reconciliation
from audit.reports import filing, guards, telling
from audit.reports.access import Acting
from audit.reports.errors import NotAllowed, Refused
from audit.reports.models import AuditReport, ReportEnquiry, ReportStatus
from audit.reports.moves import locked, record, require_any
from audit.reports.sealing import require_sealed, sealed
from audit.reports.verbs import Verb
from portal.orgs.models import User
from portal.orgs.permissions import (
    CONFIRM_AUDIT_REPORTS,
    CONFIRM_OWN_AUDIT_REPORTS,
    MAKE_AUDIT_REPORTS,
    STORE_AUDIT_COPIES,
)
from requests.enquiries.models import Enquiry

Status = ReportStatus
CORRECTING = (MAKE_AUDIT_REPORTS, CONFIRM_AUDIT_REPORTS)
_CARRIED = (
    "reconciliation_id",
    "created_by_id",
    "created_for_id",
    "made_at",
    "central_checked_by_id",
    "central_checked_for_id",
    "central_confirmed_at",
    "provided_by_id",
)
NOT_OPEN = frozenset({Status.PLANNED, Status.SUPERSEDED, Status.DISPOSED})


@sealed
@transaction.atomic
def correct(
    *,
    report_id: int,
    version: int,
    reason: str,
    enquiry: str,
    central_too: bool = False,
    actor: User,
    now: datetime,
) -> AuditReport:
    """Open revision r+1 because something was wrong; gives the new one. The old one stays, marked as replaced.

    It starts again at step 2 when rows or works are others than before, or reasons of 中央会 are to be changed
    (`central_too`), and at step 4 when it is only about the federation's own reasons. `enquiry` is the number of the enquiry that asked for it: one of the
    portal once the report was provided, before that also one of the business support system.
    Raises NotAllowed, Refused, ChangedMeanwhile.
    """
    old = locked(report_id, version)
    found = require_any(actor, CORRECTING, old, now)
    _require_open(old)
    require_sealed(now)
    if not reason.strip():
        raise Refused("reason", _("Say why it is corrected."))
    asked = _enquiry(old, enquiry.strip())
    run = guards.newest_run(old)
    changed = guards.central_changed(old, run)
    again = changed or central_too
    if not again and old.provided_at is None:
        raise Refused(
            "central_too", _("It was not provided yet: choose that it is about the check of 中央会.")
        )
    if not changed and old.status == Status.CREATED:
        raise Refused(
            "",
            _(
                "Nothing is confirmed yet: change the reasons as they are, or run the reconciliation again first."
            ),
        )
    new = _replace(old, found, now, Verb.CORRECTED, reason.strip(), run if again else None, enquiry.strip())
    if asked is not None:
        ReportEnquiry.system.get_or_create(
            enquiry=asked, defaults={"report": new, "organisation_id": new.organisation_id, "linked_at": now}
        )
    return new


@sealed
@transaction.atomic
def supplement(*, report_id: int, version: int, reason: str, actor: User, now: datetime) -> AuditReport:
    """Open revision r+1 because logs came late: a newer run saw other rows or works. It starts again at step 2.

    Raises NotAllowed, Refused, ChangedMeanwhile.
    """
    old = locked(report_id, version)
    found = require_any(actor, (MAKE_AUDIT_REPORTS,), old, now)
    _require_open(old)
    require_sealed(now)
    if not reason.strip():
        raise Refused("reason", _("Say which logs came late and why."))
    run = guards.newest_run(old)
    if old.reconciliation is not None and old.reconciliation.input_digest == run.input_digest:
        raise Refused(
            "", _("The newest reconciliation saw the same rows and works. There is nothing to supplement.")
        )
    return _replace(old, found, now, Verb.SUPPLEMENTED, reason.strip(), run, "")


@sealed
@transaction.atomic
def acknowledge(*, report_id: int, version: int, actor: User, now: datetime) -> AuditReport:
    """A party says that it knows of a revision after step 3: the federation, or 中央会. Raises NotAllowed, Refused, ChangedMeanwhile."""
    report = locked(report_id, version)
    found = require_any(actor, (CONFIRM_OWN_AUDIT_REPORTS, STORE_AUDIT_COPIES), report, now)
    side = acknowledging_side(report, actor, now)
    require_sealed(now)
    if side == "federation":
        report.federation_acknowledged_by, report.federation_acknowledged_at = found.person, now
        record(report, Verb.FEDERATION_ACKNOWLEDGED, found, now)
    else:
        report.central_acknowledged_by, report.central_acknowledged_at = found.person, now
        record(report, Verb.CENTRAL_ACKNOWLEDGED, found, now)
    return report


def acknowledging_side(report: AuditReport, actor: User, now: datetime) -> str:
    """For which party the person can acknowledge it now: "federation" or "central". Raises NotAllowed, Refused."""
    try:
        require_any(actor, (CONFIRM_OWN_AUDIT_REPORTS,), report, now)
        side, done = "federation", report.federation_acknowledged_at
    except NotAllowed:
        require_any(actor, (STORE_AUDIT_COPIES,), report, now)
        side, done = "central", report.central_acknowledged_at
    if not report.is_current or not report.needs_acknowledgement:
        raise Refused("", _("There is nothing to acknowledge."))
    if done is not None:
        raise Refused("", _("Your side has acknowledged it already."))
    if side == "federation" and report.provided_at is None:
        raise Refused("", _("It has not been provided yet."))
    return side


def _require_open(report: AuditReport) -> None:
    if not report.is_current or report.status in NOT_OPEN:
        text = _("No revision can be opened: the report is “%(state)s”.")
        raise Refused("", text % {"state": report.get_status_display()})


def _enquiry(report: AuditReport, number: str) -> Enquiry | None:
    """The enquiry of the federation with that number. Raises Refused when there must be one and is none."""
    if not number:
        raise Refused("enquiry", _("Enter the number of the enquiry that asked for the correction."))
    found: Enquiry | None = Enquiry.system.filter(
        number=number, organisation_id=report.organisation_id
    ).first()
    if found is None and report.provided_at is not None:
        raise Refused("enquiry", _("The federation has no enquiry with this number."))
    return found


def _replace(
    old: AuditReport,
    found: Acting,
    now: datetime,
    verb: Verb,
    reason: str,
    run: Reconciliation | None,
    enquiry: str,
) -> AuditReport:
    """The next revision; with a run it starts at step 2, without one at step 4 with what was provided."""
    known_to_federation = old.provided_at is not None or old.needs_acknowledgement
    old.is_current = False
    record(old, Verb.SUPERSEDED, found, now, to=Status.SUPERSEDED, text=reason)
    new = AuditReport(
        cycle=old.cycle,
        organisation=old.organisation,
        revision=old.revision + 1,
        reason=reason,
        enquiry_number=enquiry,
        is_supplement=verb == Verb.SUPPLEMENTED,
        needs_acknowledgement=known_to_federation,
    )
    if run is not None:
        new.reconciliation, new.made_at = run, now
        new.created_by, new.created_for = found.person, found.acts_for
    else:
        for name in _CARRIED:
            setattr(new, name, getattr(old, name))
        new.provided_at = now
    new.version = 0  # the event makes it 1
    record_new = Status.CREATED if run is not None else Status.PROVIDED
    new.status = Status.PLANNED
    new.save()
    record(
        new,
        verb,
        found,
        now,
        to=record_new,
        text=reason,
        detail={"replaces": old.revision, "enquiry": enquiry},
    )
    if run is None:
        filing.carry_over(old, new)
    telling.tell_next(new, now)
    if known_to_federation and run is not None:
        telling.tell_revised(new, now)
    return new
