"""Making the files of a report in the background: ordered with the step, made by a worker, kept once (AUD-07).

A worker that dies leaves the order behind; after its lease the next one makes the files. A time-stamp authority that is
away leaves its problem in the order, and the job of the next minute tries again.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation

from audit.reconciliation.models import LogKind
from audit.reports.documents.content import content_of
from audit.reports.documents.files import MadeFile, make_files
from audit.reports.models import PATIENCE, AuditReport, FileOrder, ReportFile
from portal.common import bell
from portal.documents.errors import SigningUnavailable
from portal.documents.pdf import PdfUnavailable
from portal.trail.checkpoints import latest_checkpoint

TASK = "audit.tasks.make_report_files"
_LEASE = PATIENCE
_PAUSE = dt.timedelta(minutes=1)  # between two attempts
_KINDS = tuple(LogKind)
_FORMATS = tuple(ReportFile.Format)


def order(*, report: AuditReport, stage: str, now: dt.datetime) -> None:
    """Have the files of this stage made; to be called in the transaction of the step that makes them owed."""
    FileOrder.objects.get_or_create(report=report, stage=stage, defaults={"ordered_at": now})
    bell.ring_on_commit(TASK)


def missing_files(report: AuditReport, stage: str) -> int:
    """How many files of this stage are not there yet. The next step waits for all of them."""
    there = ReportFile.system.filter(report=report, stage=stage).count()
    return len(_KINDS) * len(_FORMATS) - there


def make_owed_files(*, now: dt.datetime, limit: int = 100) -> int:
    """Make what is ordered and nobody makes. How many orders were carried out."""
    made = 0
    for _ in range(limit):
        claimed = _claim(now)
        if claimed is None:
            return made
        made += _carry_out(claimed, now)
    return made


def owed_orders() -> QuerySet[FileOrder]:
    """The orders of which the files are not there yet, the oldest first."""
    return FileOrder.objects.filter(done_at=None).select_related("report__cycle", "report__organisation")


def stuck_orders(now: dt.datetime) -> QuerySet[FileOrder]:
    """Those that operations have to look into: an attempt failed, or no worker has come for a lease's length."""
    return owed_orders().filter(~Q(problem="") | Q(ordered_at__lt=now - _LEASE))


def try_again(*, now: dt.datetime) -> int:
    """Do not wait for the minute of the job: orders that failed are free at once. How many.

    An order that a worker makes right now stays with it; if both should make the files, those of the first are kept.
    """
    waits = owed_orders().exclude(problem="").filter(lease_until__lte=now + _PAUSE)
    freed = FileOrder.objects.filter(pk__in=waits.values("pk")).update(lease_until=None)
    bell.ring_on_commit(TASK)
    return freed


def _free(now: dt.datetime) -> Q:
    return Q(done_at=None) & (Q(lease_until=None) | Q(lease_until__lte=now))


def _claim(now: dt.datetime) -> FileOrder | None:
    """The oldest order that nobody has, now ours for the lease."""
    with transaction.atomic():
        orders = FileOrder.objects.select_for_update(skip_locked=True, of=("self",))
        found = orders.filter(_free(now)).select_related("report__cycle", "report__organisation").first()
        if found is None:
            return None
        found.lease_until, found.attempts = now + _LEASE, found.attempts + 1
        found.save(update_fields=["lease_until", "attempts"])
    return found


def _carry_out(claimed: FileOrder, now: dt.datetime) -> bool:
    """Make and keep the files of one order. A fault leaves the order with its problem, free again for the next minute."""
    report = claimed.report
    with translation.override("ja"):
        checkpoint = latest_checkpoint()
    try:
        made = [
            file
            for kind in _KINDS
            for file in make_files(content_of(report, kind, claimed.stage), checkpoint)
        ]
    except (PdfUnavailable, SigningUnavailable) as problem:
        text = f"{type(problem).__name__}: {problem}"[:300]
        wait = now + _PAUSE
        FileOrder.objects.filter(pk=claimed.pk, done_at=None).update(problem=text, lease_until=wait)
        return False
    _keep(claimed, made, checkpoint, now)
    return True


def _keep(claimed: FileOrder, made: list[MadeFile], checkpoint: str, now: dt.datetime) -> None:
    """All files of the order, or none; those of another worker who was faster stay (AUD-07: never made again)."""
    with transaction.atomic():
        mine = FileOrder.objects.select_for_update(of=("self",)).get(pk=claimed.pk)
        if mine.done_at is not None:
            return
        report = claimed.report
        ReportFile.system.bulk_create(
            ReportFile(
                report=report,
                organisation_id=report.organisation_id,
                log_kind=file.log_kind,
                format=file.format,
                stage=claimed.stage,
                name=file.name,
                content=file.content,
                size=len(file.content),
                sha256=hashlib.sha256(file.content).hexdigest(),
                checkpoint=checkpoint,
                made_at=now,
            )
            for file in made
        )
        mine.done_at, mine.lease_until, mine.problem = now, None, ""
        mine.save(update_fields=["done_at", "lease_until", "problem"])
