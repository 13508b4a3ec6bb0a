"""Enquiries about a report: the federation asks from its page, and confirms without the answer only on purpose (AUD-05)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.reports import guards
from audit.reports.access import Acting
from audit.reports.errors import Refused
from audit.reports.models import AuditReport, ReportEnquiry
from audit.reports.moves import locked, record, require_any
from audit.reports.verbs import Verb
from portal.common.files import Upload
from portal.orgs.models import User
from portal.orgs.permissions import ASK_ENQUIRIES, CONFIRM_OWN_AUDIT_REPORTS
from requests.enquiries import services as enquiries
from requests.enquiries.models import Category, Enquiry


@transaction.atomic
def ask(
    *,
    report_id: int,
    version: int,
    desk: str,
    subject: str,
    text: str,
    files: Sequence[Upload] = (),
    actor: User,
    now: datetime,
) -> Enquiry:
    """Somebody of the federation asks 中央会 or operations about a report that was provided.

    Raises NotAllowed, Refused, ChangedMeanwhile.
    """
    report = locked(report_id, version)
    if report.provided_at is None:
        raise Refused("", _("It has not been provided yet."))
    made = enquiries.ask(
        organisation=report.organisation,
        desk=desk,
        category=Category.AUDIT,
        subject=subject,
        text=text,
        files=files,
        actor=actor,
        now=now,
    )
    ReportEnquiry.system.create(
        report=report, organisation_id=report.organisation_id, enquiry=made, linked_at=now
    )
    record(report, Verb.ASKED, Acting(person=actor), now, text=made.number)
    return made


@transaction.atomic
def carry_over(
    *, report_id: int, version: int, enquiry: str, reason: str, actor: User, now: datetime
) -> AuditReport:
    """The federation confirms although this enquiry is open, and says why. Raises NotAllowed, Refused, ChangedMeanwhile."""
    report = locked(report_id, version)
    found = require_any(actor, (CONFIRM_OWN_AUDIT_REPORTS,), report, now)
    if not reason.strip():
        raise Refused("reason", _("Say why the report can be confirmed before the answer."))
    link = (
        guards.open_enquiries(report).select_for_update(of=("self",)).filter(enquiry__number=enquiry).first()
    )
    if link is None:
        raise Refused("enquiry", _("This enquiry is closed or was carried over already."))
    link.carried_over_at, link.carried_over_by, link.carry_reason = now, found.person, reason.strip()
    link.save(update_fields=["carried_over_at", "carried_over_by", "carry_reason"])
    record(report, Verb.CARRIED_OVER, found, now, text=reason.strip(), detail={"enquiry": enquiry})
    return report


def may_ask(report: AuditReport, user: User) -> bool:
    """Whether the page offers to ask."""
    return report.provided_at is not None and user.may(ASK_ENQUIRIES, report.organisation_id)
