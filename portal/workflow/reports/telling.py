"""A report as people read it: on the page, on paper, in the mail, and among the work of those who see that it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy

from portal.common.pagination import limited_count
from portal.fulfilment import registry
from portal.fulfilment.models import OperationFile, OperationStatus
from portal.fulfilment.selectors import files_of
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, TAKE_REPORTS
from portal.workflow import kinds
from portal.workflow.models import Application, ApplicationLine
from portal.workflow.plans import Change, Plan
from portal.workflow.reports import arriving, selectors
from portal.workflow.reports.facts import facts
from portal.workflow.reports.making import digest_of
from portal.workflow.reports.models import ResultReport
from portal.workflow.waiting import Waiting


@dataclass(frozen=True, kw_only=True)
class DoneWork:
    """What became of one line at one target."""

    target: str
    status: str
    by: str  # "": the portal
    started_at: datetime | None
    settled_at: datetime | None
    note: str
    facts: list[tuple[str, str]]

    @property
    def status_label(self) -> str:
        """In words."""
        return str(OperationStatus(self.status).label)


@dataclass(frozen=True, kw_only=True)
class ReportedLine:
    """One line of the report."""

    number: int
    subject: str
    works: list[DoneWork]
    changes: list[Change]  # as approved; only on paper


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A report for a page: what it says, whether it arrived, and what this person can do about that."""

    report: ResultReport
    lines: list[ReportedLine]
    decision: dict[str, Any] | None
    decided_at: datetime | None
    is_bulk: bool
    done: int
    not_done: int
    is_stuck: bool
    may_tell: bool
    is_intact: bool
    files: list[OperationFile]  # that show what was done by hand, without their contents


def shown(user: User, application: Application, *, with_changes: bool = False) -> Shown | None:
    """The report of an application that ended with one; None for any other."""
    report = application.report
    if report is None:
        return None
    plans: dict[int, list[Change]] = {}
    if with_changes:
        plans = {line.position: _changes(line) for line in application.lines.all()}
    content = report.content
    lines = [_line(line, plans) for line in content["lines"]]
    decision = content.get("decision")
    missed = sum(any(work.status == OperationStatus.CLOSED for work in line.works) for line in lines)
    is_stuck = report.reached_at is None and selectors.stuck(_alone(report)).exists()
    return Shown(
        report=report,
        lines=lines,
        decision=decision,
        decided_at=_moment(decision["at"]) if decision else None,
        is_bulk=kinds.get(application.kind).is_bulk(len(lines)),
        done=len(lines) - missed,
        not_done=missed,
        is_stuck=is_stuck,
        may_tell=is_stuck and arriving.may_tell(application, user),
        is_intact=digest_of(content) == report.digest,
        files=list(files_of(user, application.number)) if _names_files(content) else [],
    )


def _names_files(content: dict[str, Any]) -> bool:
    return any("files" in work["evidence"] for line in content["lines"] for work in line["operations"])


def in_mail(notice: Notice) -> dict[str, Any]:
    """What the mail says: at each target how many were carried out, when and by whom. Names stay in the portal."""
    report = ResultReport.system.filter(notice=notice).first()
    if report is None:
        return {"targets": [], "kind": ""}
    works: dict[str, list[DoneWork]] = {}
    for line in report.content["lines"]:
        for work in _line(line, {}).works:
            works.setdefault(work.target, []).append(work)
    kind = Application.system.filter(report=report).values_list("kind", flat=True).first()
    return {"targets": [_summed_up(target, found) for target, found in works.items()], "kind": _label(kind)}


def undelivered(user: User, now: datetime) -> Iterator[Waiting]:
    """Reports that did not reach their applicant: open work of operations, and of the applicant's colleagues."""
    if user.may(READ_OPERATIONS) or user.may(TAKE_REPORTS):
        count, address = limited_count(selectors.undelivered(user).order_by()), reverse("report_list")
        label = gettext_lazy("Result reports that did not arrive")
        yield Waiting(label=label, icon="mail", count=count, url=address, state="late")


def _summed_up(target: str, works: list[DoneWork]) -> dict[str, Any]:
    moments = sorted(work.settled_at for work in works if work.settled_at)
    done = sum(work.status == OperationStatus.DONE for work in works)
    return {
        "label": target,
        "done": done,
        "not_done": len(works) - done,
        "first": moments[0] if moments else None,
        "last": moments[-1] if moments else None,
        "people": list(dict.fromkeys(work.by for work in works if work.by)),
        "portal": any(not work.by for work in works),
    }


def _label(code: str | None) -> str:
    try:
        return str(kinds.get(code or "").label)
    except KeyError:
        return ""


def _line(line: dict[str, Any], plans: dict[int, list[Change]]) -> ReportedLine:
    position = line["position"]
    return ReportedLine(
        number=position + 1,
        subject=line["subject"],
        works=[_work(work) for work in line["operations"]],
        changes=plans.get(position, []),
    )


def _work(work: dict[str, Any]) -> DoneWork:
    return DoneWork(
        target=registry.target_label(work["target"]),
        status=work["status"],
        by=work["by"],
        started_at=_moment(work["started_at"]),
        settled_at=_moment(work["settled_at"]),
        note=work["note"],
        facts=facts(work["evidence"]),
    )


def _changes(line: ApplicationLine) -> list[Change]:
    return list(Plan.from_json(line.plan).changes) if line.plan else []


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _alone(report: ResultReport) -> QuerySet[ResultReport]:
    return ResultReport.system.filter(pk=report.pk)
