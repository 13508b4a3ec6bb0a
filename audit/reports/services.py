"""The steps of an audit report, 1 to 7 of table 2-53 (AUD-02…AUD-07). Each names the version that the screen showed.

Every step can raise NotAllowed (not this person), Refused (not as things stand) and ChangedMeanwhile (somebody was faster).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from audit.reconciliation.models import Side
from audit.reports import access, filing, guards
from audit.reports.access import Acting
from audit.reports.documents import making
from audit.reports.errors import ChangedMeanwhile, NotAllowed, Refused
from audit.reports.models import AuditReport, Presentation, ReportFile, ReportStatus
from audit.reports.moves import CENTRAL_CONFIRMERS, MAKERS, Move, locked, record, take
from audit.reports.revisions import acknowledge, correct, supplement
from audit.reports.sealing import require_sealed, sealed
from audit.reports.verbs import Verb
from portal.common.files import Upload
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import (
    CONFIRM_AUDIT_REPORTS,
    CONFIRM_OWN_AUDIT_REPORTS,
    MAKE_AUDIT_REPORTS,
    PRESENT_AUDIT_REPORTS,
    STORE_AUDIT_COPIES,
)

__all__ = [
    "MOVES",
    "ChangedMeanwhile",
    "NotAllowed",
    "Refused",
    "acknowledge",
    "central_confirm",
    "correct",
    "create",
    "federation_confirm",
    "present",
    "provide",
    "send_back",
    "store_copy",
    "supplement",
]

Status, Stage = ReportStatus, ReportFile.Stage
CHECKED = (Status.FEDERATION_CONFIRMED, Status.RETURNED, Status.COPY_STORED)  # step 4 is done


def _made(report: AuditReport, found: Acting, now: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    report.reconciliation = guards.newest_run(report)
    report.created_by, report.created_for, report.made_at = found.person, found.acts_for, now
    return {"reconciliation": report.reconciliation.pk, "input_digest": report.reconciliation.input_digest}


def _central(report: AuditReport, found: Acting, now: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    report.central_checked_by, report.central_checked_for = found.person, found.acts_for
    report.central_confirmed_at = now
    making.order(report=report, stage=Stage.PROVIDED, now=now)
    return {}


def _provided(report: AuditReport, found: Acting, now: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    report.provided_by, report.provided_at = found.person, now
    return {"files": filing.hashes(report, Stage.PROVIDED)}


def _federation(
    report: AuditReport, found: Acting, now: datetime, values: Mapping[str, Any]
) -> dict[str, Any]:
    report.federation_checked_by, report.federation_checked_for = found.person, found.acts_for
    report.federation_confirmed_at = now
    making.order(report=report, stage=Stage.ORIGINAL, now=now)
    return {}


def _returned(report: AuditReport, found: Acting, now: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    originals = filing.hashes(report, Stage.ORIGINAL)
    back = [filing.compared(file, originals) for file in values["files"]]
    report.returned_by, report.returned_at = found.person, now
    return {"files": originals, "sent_along": back}


def _stored(report: AuditReport, found: Acting, now: datetime, values: Mapping[str, Any]) -> dict[str, Any]:
    report.stored_by, report.stored_at = found.person, now
    return {"files": filing.keep_copies(report, now)}


def _check_run(report: AuditReport) -> None:
    guards.newest_run(report)


def _check_central(report: AuditReport) -> None:
    guards.require_reasons(report, Side.CENTRAL)


def _check_provide(report: AuditReport) -> None:
    guards.require_files(report, Stage.PROVIDED)


def _check_federation(report: AuditReport) -> None:
    guards.require_acknowledged(report)
    guards.require_reasons(report, Side.FEDERATION)
    guards.require_enquiries_settled(report)


def _check_original(report: AuditReport) -> None:
    guards.require_files(report, Stage.ORIGINAL)


CREATE = Move(
    verb=Verb.CREATED,
    label=pgettext_lazy("audit step", "Make the report"),
    before=Status.PLANNED,
    after=Status.CREATED,
    permission=MAKE_AUDIT_REPORTS,
    check=_check_run,
    effect=_made,
)
CENTRAL_CONFIRM = Move(
    verb=Verb.CENTRAL_CONFIRMED,
    label=pgettext_lazy("audit step", "Confirm the check of 中央会"),
    before=Status.CREATED,
    after=Status.CENTRAL_CONFIRMED,
    permission=CONFIRM_AUDIT_REPORTS,
    check=_check_central,
    effect=_central,
    apart=MAKERS,
)
PROVIDE = Move(
    verb=Verb.PROVIDED,
    label=pgettext_lazy("audit step", "Provide it to the federation"),
    before=Status.CENTRAL_CONFIRMED,
    after=Status.PROVIDED,
    permission=CONFIRM_AUDIT_REPORTS,
    check=_check_provide,
    effect=_provided,
)
FEDERATION_CONFIRM = Move(
    verb=Verb.FEDERATION_CONFIRMED,
    label=pgettext_lazy("audit step", "Confirm the check of the federation"),
    before=Status.PROVIDED,
    after=Status.FEDERATION_CONFIRMED,
    permission=CONFIRM_OWN_AUDIT_REPORTS,
    check=_check_federation,
    effect=_federation,
    apart=(*MAKERS, *CENTRAL_CONFIRMERS),
)
SEND_BACK = Move(
    verb=Verb.RETURNED,
    label=pgettext_lazy("audit step", "Send it back and keep the original"),
    before=Status.FEDERATION_CONFIRMED,
    after=Status.RETURNED,
    permission=CONFIRM_OWN_AUDIT_REPORTS,
    check=_check_original,
    effect=_returned,
)
STORE_COPY = Move(
    verb=Verb.COPY_STORED,
    label=pgettext_lazy("audit step", "Keep the copy"),
    before=Status.RETURNED,
    after=Status.COPY_STORED,
    permission=STORE_AUDIT_COPIES,
    check=_check_original,
    effect=_stored,
)
MOVES: dict[str, Move] = {
    "create": CREATE,
    "central_confirm": CENTRAL_CONFIRM,
    "provide": PROVIDE,
    "federation_confirm": FEDERATION_CONFIRM,
    "send_back": SEND_BACK,
    "store_copy": STORE_COPY,
}


@sealed
def create(*, report_id: int, version: int, actor: User, now: datetime) -> AuditReport:
    """Step 1: operations make the report of what the newest reconciliation found, also when it found nothing (AUD-02, AUD-10)."""
    return take(CREATE, report_id=report_id, version=version, actor=actor, now=now)


@sealed
def central_confirm(*, report_id: int, version: int, actor: User, now: datetime) -> AuditReport:
    """Step 2: 中央会 confirms; every mismatch has its reason, and somebody else made the report (AUD-03)."""
    return take(CENTRAL_CONFIRM, report_id=report_id, version=version, actor=actor, now=now)


@sealed
def provide(*, report_id: int, version: int, actor: User, now: datetime) -> AuditReport:
    """Step 3: the federation gets the files as they were made; from now on it sees the report (AUD-04)."""
    return take(PROVIDE, report_id=report_id, version=version, actor=actor, now=now)


@sealed
def federation_confirm(*, report_id: int, version: int, actor: User, now: datetime) -> AuditReport:
    """Step 4: the federation confirms: reasons for all, enquiries closed or carried over, corrections acknowledged (AUD-05)."""
    return take(FEDERATION_CONFIRM, report_id=report_id, version=version, actor=actor, now=now)


@sealed
def send_back(
    *, report_id: int, version: int, files: Sequence[Upload] = (), actor: User, now: datetime
) -> AuditReport:
    """Step 6: the checked report goes to 中央会, the original stays. What is sent back is the portal's own file.

    `files` are those that the federation holds itself: each must be equal to an original (SHA-256).
    """
    return take(SEND_BACK, report_id=report_id, version=version, actor=actor, now=now, files=files)


@sealed
def store_copy(*, report_id: int, version: int, actor: User, now: datetime) -> AuditReport:
    """Step 7: 中央会 keeps what came as the copy, each file proven equal to the original; both hashes are recorded (AUD-07)."""
    return take(STORE_COPY, report_id=report_id, version=version, actor=actor, now=now)


@sealed
@transaction.atomic
def present(
    *,
    report_id: int,
    version: int,
    presented: bool,
    to: str = "",
    on: date | None = None,
    reason: str = "",
    actor: User,
    now: datetime,
) -> AuditReport:
    """Step 5, when and as often as the federation likes: to whom and on which day it was presented, or that it is not (AUD-06)."""
    report = locked(report_id, version)
    found = access.acting(actor, PRESENT_AUDIT_REPORTS, report.organisation_id, now)
    require_presentable(report)
    require_sealed(now)
    to, reason = to.strip(), reason.strip()
    if presented and not to:
        raise Refused("to", _("Enter to whom it was presented."))
    if presented and on is None:
        raise Refused("on", _("Enter on which day it was presented."))
    if on is not None and on > today(now):
        raise Refused("on", _("Choose a day that is not in the future."))
    report.presented_by = found.person
    report.presentation = Presentation.PRESENTED if presented else Presentation.NOT_PRESENTED
    report.presented_to, report.presented_on = (to, on) if presented else ("", None)
    report.presentation_reason = reason
    verb = Verb.PRESENTED if presented else Verb.NOT_PRESENTED
    detail = {"to": to, "on": on.isoformat()} if presented and on else {}
    record(report, verb, found, now, text=reason, detail=detail)
    return report


def require_presentable(report: AuditReport) -> None:
    """What the federation has confirmed can be presented. Raises Refused."""
    if not report.is_current or report.status not in CHECKED:
        raise Refused("", _("Confirm the report first; the checked report is what is presented."))
