"""What a person can do with a revision now: one clear step, and the other things beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from audit.reconciliation import reasons
from audit.reconciliation.models import LogKind
from audit.reports import asking, guards, moves, page, revisions, selectors, services
from audit.reports.errors import NotAllowed, Refused
from audit.reports.forms import (
    CarryOverForm,
    CorrectForm,
    DownloadForm,
    PresentForm,
    SendBackForm,
    StepForm,
    SupplementForm,
)
from audit.reports.models import OWED, AuditReport, ReportEnquiry, ReportStatus
from audit.reports.moves import Move
from audit.reports.services import MOVES
from portal.orgs.models import User
from portal.orgs.permissions import CONFIRM_OWN_AUDIT_REPORTS, MAKE_AUDIT_REPORTS, PRESENT_AUDIT_REPORTS

BESIDE = ("present", "correct", "supplement", "acknowledge", "carry_over")


@dataclass(frozen=True, kw_only=True)
class Next:
    """The step whose turn it is, for a person whose step it is; `why_not` is what is missing."""

    name: str
    move: Move
    form: Any
    why_not: str


class Offers:
    """The forms of a page for one person."""

    def __init__(self, report: AuditReport, user: User, now: datetime) -> None:
        self.report, self.user, self.now = report, user, now
        self.seen = {"version": report.version}

    def next(self) -> Next | None:
        """The one clear button; None when it is somebody else's turn."""
        for name, move in MOVES.items():
            if move.before == self.report.status and self.report.is_current:
                try:
                    moves.judge(move, self.report, self.user, self.now)
                    why_not = ""
                except NotAllowed:
                    return None
                except Refused as refused:
                    why_not = refused.reason
                form = SendBackForm if name == "send_back" else StepForm
                return Next(name=name, move=move, form=form(prefix=name, initial=self.seen), why_not=why_not)
        return None

    def bound(self, name: str, request: HttpRequest) -> Any:
        """The form of a step with what was sent; None for what is no step."""
        if name not in MOVES and name not in BESIDE:
            return None
        made: Any = {
            "send_back": SendBackForm,
            "present": PresentForm,
            "correct": CorrectForm,
            "supplement": SupplementForm,
        }.get(name, StepForm)
        if name == "carry_over":
            return CarryOverForm(request.POST, prefix=name, open_enquiries=self.open_enquiries())
        return made(request.POST, request.FILES, prefix=name)

    def take(self, name: str, values: dict[str, Any]) -> AuditReport:
        """One service call; gives the revision to look at."""
        common: dict[str, Any] = {"report_id": self.report.pk, "actor": self.user, "now": self.now} | values
        service: Any = asking.carry_over if name == "carry_over" else getattr(services, name)
        done: AuditReport = service(**common)
        return done

    def open_enquiries(self) -> list[ReportEnquiry]:
        """Those that hold up the confirmation."""
        return list(guards.open_enquiries(self.report).select_related("enquiry"))

    def forms(self) -> dict[str, Any]:
        """What else can be done now, by its name."""
        report, user = self.report, self.user
        found: dict[str, Any] = {}
        if (
            report.is_current
            and report.status in services.CHECKED
            and user.may(PRESENT_AUDIT_REPORTS, report.organisation_id)
        ):
            found["present"] = PresentForm(prefix="present", initial=self.seen | {"presented": "yes"})
        if report.is_current and report.status not in revisions.NOT_OPEN:
            if any(user.may(permission) for permission in revisions.CORRECTING):
                found["correct"] = CorrectForm(prefix="correct", initial=self.seen)
            if user.may(MAKE_AUDIT_REPORTS):
                found["supplement"] = SupplementForm(prefix="supplement", initial=self.seen)
        if self.may_acknowledge():
            found["acknowledge"] = StepForm(prefix="acknowledge", initial=self.seen)
        if report.status == ReportStatus.PROVIDED and user.may(
            CONFIRM_OWN_AUDIT_REPORTS, report.organisation_id
        ):
            links = self.open_enquiries()
            if links:
                found["carry_over"] = CarryOverForm(
                    prefix="carry_over", initial=self.seen, open_enquiries=links
                )
        return found

    def may_acknowledge(self) -> bool:
        """Whether the party of the person has not said yet that it knows of a correction."""
        try:
            revisions.acknowledging_side(self.report, self.user, self.now)
        except (NotAllowed, Refused):
            return False
        return True

    def context(self, form: Any = None) -> dict[str, Any]:
        """Everything that the page shows. `form`: what was sent and refused, shown at its place."""
        report, forms, following = self.report, self.forms(), self.next()
        every = selectors.revisions(self.user, report)
        download = DownloadForm(prefix="download")
        if form is not None and form.prefix == "download":
            download = form
        elif form is not None:
            forms[form.prefix] = form
        owed = OWED.get(ReportStatus(report.status)) if report.is_current else None
        shown = page.steps(report, self.now)
        mismatches = page.mismatches(self.user, report) if report.reconciliation_id else []
        return {
            "report": report,
            "steps": shown,
            "owed": next((each for each in shown if each.step.step == owed), None),
            "next": following,
            "came_late": page.came_late(report),
            "to_come": page.to_come(report, self.now) if following and following.name == "create" else None,
            "next_form": forms.pop(following.name, following.form) if following else None,
            "forms": forms,
            "mismatches": mismatches,
            "unmatched": page.without_mismatch(report, mismatches),
            "missing": page.without_reason(mismatches, report),
            "may_give": reasons.side_of(self.user, report) is not None,
            "logs": [("database", LogKind.DATABASE.label), ("takeout", LogKind.TAKEOUT.label)],
            "coverage": page.coverage(report),
            "without_machine": page.without_machine(report),
            "files": selectors.files(self.user, report),
            "order": selectors.order_without_files(report),
            "download": download,
            "enquiries": selectors.enquiries(self.user, report),
            "may_ask": asking.may_ask(report, self.user),
            "history": selectors.history(report),
            "revisions": [
                (each, page.differences(before, each) if before else [])
                for each, before in zip(every, [*every[1:], None], strict=True)
            ],
        }
