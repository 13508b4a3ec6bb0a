"""What must be true before a step: each says in a sentence what is missing, or nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import CharField, Count, Exists, F, Func, OuterRef, QuerySet, Value
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.reconciliation import said
from audit.reconciliation.models import FITTING, Mismatch, MismatchReason, Reconciliation, Side
from audit.reports.documents import making
from audit.reports.errors import Refused
from audit.reports.models import AuditReport, ReportEnquiry, ReportFile
from portal.common.time import plain_moment
from requests.enquiries.models import Enquiry


def newest_run(report: AuditReport) -> Reconciliation:
    """The run that counts: the newest done one, and none is under way. Raises Refused."""
    runs = Reconciliation.system.filter(cycle_id=report.cycle_id, organisation_id=report.organisation_id)
    newest = runs.exclude(state=Reconciliation.State.FAILED).first()
    if newest is None:
        raise Refused("", _("The logs of this month have not been reconciled with the ledgers yet."))
    if newest.state == Reconciliation.State.RUNNING:
        text = _(
            "A reconciliation began at %(at)s and is not done. Look again in some minutes; one that was interrupted is done anew by itself."
        )
        raise Refused("", text % {"at": plain_moment(newest.started_at)})
    return newest


def unexplained(side: str, until: said.Until = said.ALL) -> QuerySet[Mismatch]:
    """The mismatches for which a party has given no reason, in their run or in another one of the same month."""
    given = said.of_outer(until).filter(side=side)
    return Mismatch.system.exclude(code__in=FITTING).filter(~Exists(given))


def missing_count(side: str) -> QuerySet[Mismatch]:
    """How many those of the report of an outer query are, as a subquery."""
    rows = unexplained(side).filter(reconciliation_id=OuterRef("reconciliation_id")).order_by()
    return rows.values("reconciliation_id").annotate(count=Count("pk")).values("count")  # type: ignore[return-value]


def require_reasons(report: AuditReport, side: str) -> None:
    """Every mismatch has a reason of this party (AUD-03, AUD-05). Raises Refused."""
    count = unexplained(side).filter(reconciliation=report.reconciliation).count()
    if count:
        words = ngettext(
            "%(count)d mismatch has no reason yet. Write it first.",
            "%(count)d mismatches have no reason yet. Write them first.",
            count,
        )
        raise Refused("", words % {"count": count})


def open_enquiries(report: AuditReport) -> QuerySet[ReportEnquiry]:
    """Enquiries about the month, of any revision, that are neither closed nor carried over."""
    rows = ReportEnquiry.system.filter(
        report__cycle_id=report.cycle_id, organisation_id=report.organisation_id, carried_over_at=None
    )
    return rows.exclude(enquiry__state=Enquiry.State.CLOSED)


def require_enquiries_settled(report: AuditReport) -> None:
    """Each enquiry about it is closed or carried over on purpose (AUD-05). Raises Refused."""
    numbers = list(open_enquiries(report).values_list("enquiry__number", flat=True))
    if numbers:
        text = _("Close these enquiries or carry them over first: %(numbers)s")
        raise Refused("", text % {"numbers": "、".join(numbers)})


def require_acknowledged(report: AuditReport) -> None:
    """A correction after step 3 is known to both parties. Raises Refused."""
    if not report.needs_acknowledgement:
        return
    if report.central_acknowledged_at is None:
        raise Refused("", _("中央会 has not acknowledged this revision yet."))
    if report.federation_acknowledged_at is None:
        raise Refused("", _("Acknowledge this revision first."))


def changed_files(reports: Iterable[int], stage: str) -> QuerySet[ReportFile]:
    """Files whose content is not what was hashed when they were made; worked out in the database."""
    content = Func(F("content"), function="sha256")
    now = Func(content, Value("hex"), function="encode", output_field=CharField())
    rows = ReportFile.system.filter(report__in=list(reports), stage=stage).defer("content")
    return rows.annotate(sha256_now=now).exclude(sha256_now=F("sha256"))


def require_files(report: AuditReport, stage: str) -> None:
    """The files of a stage are all there, and still those that were made (AUD-07). Raises Refused with what is wrong."""
    if making.missing_files(report, stage):
        raise Refused(
            "", _("The files of the report are not made yet. The step can be done as soon as they are there.")
        )
    names = [file.name for file in changed_files([report.pk], stage)]
    if names:
        text = _(
            "These files are not as they were made: %(names)s. Tell network operations at once; no step is done."
        )
        raise Refused("", text % {"names": "、".join(names)})


def central_changed(report: AuditReport, run: Reconciliation) -> bool:
    """Whether rows, works or reasons of 中央会 are others than those that the revision was confirmed with."""
    old = report.reconciliation
    if old is None or old.input_digest != run.input_digest:
        return True
    if report.central_confirmed_at is None:
        return False
    later = MismatchReason.system.filter(
        side=Side.CENTRAL,
        organisation_id=report.organisation_id,
        mismatch__reconciliation__cycle_id=report.cycle_id,
        given_at__gt=report.central_confirmed_at,
    )
    return later.exists()
