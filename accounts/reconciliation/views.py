"""The screens of reconciliation: findings, one finding with its three states and its answer, runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import selectors as accounts
from accounts.reconciliation import answers, runs, selectors
from accounts.reconciliation.errors import AlreadyAnswered, AnswerRefused, ChangedSince
from accounts.reconciliation.forms import AnswerForm, FindingFilterForm, SeenForm, StartForm
from accounts.reconciliation.models import Finding, FindingState
from accounts.reconciliation.selectors import Filters
from accounts.reconciliation.snapshot import FIELDS
from accounts.views import AccountsView
from portal.common.csvfile import csv_response
from portal.common.pagination import COUNT_LIMIT, limited_count, paginate
from portal.common.time import JST
from portal.fulfilment.errors import NotAllowed
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS
from portal.trail import services as trail
from portal.workflow.views import PersonView

PAGE_SIZE = 50
EXPORT_LIMIT = 10_000


class ListView(AccountsView):
    """Where AD differs from what was written, by kind, organisation and state."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One page; the reading of personal data is recorded with what was asked (SEC-02)."""
        filters = Filters.from_query(request.GET.dict())
        found = selectors.findings(self.user, filters)
        trail.record(
            action="finding.list", now=timezone.now(), actor=self.user, detail={"filters": asdict(filters)}
        )
        count = limited_count(found)
        organisations = accounts.organisations(self.user)
        context = {
            "page": paginate(found, request.GET.get("cursor"), PAGE_SIZE),
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "filters": filters,
            "kinds": selectors.kind_counts(self.user, filters),
            "form": FindingFilterForm(initial=request.GET.dict(), organisations=organisations),
            "may_read_runs": self.user.may(READ_OPERATIONS),
        }
        return render(request, "accounts/findings.html", context)


class ExportView(AccountsView):
    """The list as CSV; who took what is recorded (SEC-02)."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The same filters as the list, at most EXPORT_LIMIT rows."""
        filters = Filters.from_query(request.GET.dict())
        rows = selectors.findings(self.user, filters).order_by("-id")[:EXPORT_LIMIT]
        detail = {"filters": asdict(filters), "limit": EXPORT_LIMIT}
        trail.record(action="finding.export", now=timezone.now(), actor=self.user, detail=detail)
        header = [_("Number"), _("Finding"), _("Login name"), _("Name"), _("Organisation"), _("State")]
        more = [_("Differences"), _("First seen"), _("Last seen"), _("Answer"), _("Reason"), _("Answered by")]
        return csv_response(_("findings") + ".csv", [*header, *more], _export_rows(rows))


def _export_rows(rows: QuerySet[Finding]) -> Iterator[list[Any]]:
    for finding in rows.iterator(chunk_size=500):
        labels = [_(FIELDS[difference["field"]][0]) for difference in finding.differences]
        yield [
            finding.pk,
            finding.get_kind_display(),
            finding.login_name,
            finding.name,
            finding.organisation.name,
            finding.get_state_display(),
            "、".join(labels),
            f"{finding.first_seen_at.astimezone(JST):%Y-%m-%d %H:%M}",
            f"{finding.last_seen_at.astimezone(JST):%Y-%m-%d %H:%M}",
            finding.get_answer_display() if finding.answer else "",
            finding.reason,
            finding.answered_by.display_name if finding.answered_by else "",
        ]


class FindingView(AccountsView):
    """A view of one finding. Another federation's is as unknown as none (ORG-02)."""

    def load(self, pk: int) -> Finding:
        """The finding as it stands now; raises Http404."""
        try:
            return selectors.finding(self.user, pk)
        except Finding.DoesNotExist as error:
            raise Http404 from error

    def page(
        self, finding: Finding, *, form: AnswerForm | None = None, problem: str = "", status: int = 200
    ) -> HttpResponse:
        """Approved, written and found side by side, and what this person can do about it."""
        steps = selectors.steps(self.user, finding)
        two = selectors.asks_for_two(finding, steps.answers)
        seen = {"digest": finding.digest}
        context = {
            "finding": finding,
            "comparison": selectors.comparison(finding),
            "asked_at": timezone.now(),
            "steps": steps,
            "form": form or AnswerForm(initial=seen, answers=steps.answers, need_two=two),
            "seen_form": SeenForm(initial=seen),
            "problem": problem,
            "problems": form.error_summary if form is not None and form.is_bound else [],
            "may_read_operations": self.user.may(READ_OPERATIONS),
        }
        return render(self.request, "accounts/finding.html", context, status=status)


class DetailView(FindingView):
    """One finding."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        finding = self.load(pk)
        trail.record(
            action="finding.view",
            now=timezone.now(),
            actor=self.user,
            object_type="finding",
            object_id=finding.pk,
            object_label=finding.login_name,
            object_organisation_id=finding.organisation_id,
        )
        return self.page(finding)


class StepView(FindingView):
    """A decision about a finding: POST only, for people of operations."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Who may not answer is refused; a late or blind answer is told so with the page of now (409)."""
        if request.user.is_authenticated and not self.user.may(RUN_OPERATIONS):
            raise PermissionDenied(_("Only people of network operations answer findings."))
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(_("Another operator has to confirm what you proposed.")) from error
        except AlreadyAnswered:
            text = _("This finding was answered meanwhile, or the difference is gone.")
        except ChangedSince:
            text = _(
                "Active Directory was changed again since you saw it. Look at the values below; start a "
                "reconciliation, then answer."
            )
        return self.page(self.load(kwargs["pk"]), problem=text, status=409)


class AnswerView(StepView):
    """Accept, restore or adopt, with the reason."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One service call; what was typed stays when it cannot be done."""
        finding = self.load(pk)
        possible = selectors.steps(self.user, finding).answers
        if not possible:
            raise AlreadyAnswered
        two = selectors.asks_for_two(finding, possible)
        form = AnswerForm(request.POST, answers=possible, need_two=two)
        if not form.is_valid():
            return self.page(finding, form=form, status=422)
        try:
            answered = answers.answer_finding(
                finding_id=pk, actor=self.user, now=timezone.now(), **form.cleaned_data
            )
        except AnswerRefused as error:
            form.add_error(None, error.reason)
            return self.page(finding, form=form, status=422)
        messages.success(request, _done(answered))
        return redirect("finding_detail", pk)


class ConfirmView(StepView):
    """The second person agrees."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One service call."""
        finding = self.load(pk)
        try:
            answered = answers.confirm_answer(
                finding_id=finding.pk,
                digest=request.POST.get("digest", ""),
                actor=self.user,
                now=timezone.now(),
            )
        except AnswerRefused as error:
            return self.page(finding, problem=error.reason, status=422)
        messages.success(request, _done(answered))
        return redirect("finding_detail", pk)


class TakeBackView(StepView):
    """The proposal is taken back."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One service call."""
        finding = self.load(pk)
        answers.take_back_proposal(finding_id=finding.pk, actor=self.user, now=timezone.now())
        messages.success(request, _("The proposal was taken back. The finding is open again."))
        return redirect("finding_detail", pk)


def _done(finding: Finding) -> str:
    if finding.state == FindingState.PROPOSED:
        return _("Proposed. It happens when a second operator confirms.")
    if finding.state == FindingState.RESTORING:
        return _("The portal restores the account now.")
    return _("Answered.")


class RunsView(PersonView):
    """The runs with their progress, and the button that starts one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, or only its moving part for htmx while a run is under way."""
        if not self.user.may(READ_OPERATIONS):
            raise PermissionDenied(_("Only people of network operations see the runs of the reconciliation."))
        page = paginate(selectors.runs(), request.GET.get("cursor"), PAGE_SIZE)
        context = {
            "page": page,
            "is_running": any(run.is_open for run in page.rows),
            "may_start": self.user.may(RUN_OPERATIONS),
            "form": StartForm(),
        }
        if request.headers.get("HX-Request") == "true":
            return render(request, "accounts/_runs.html", context)
        return render(request, "accounts/runs.html", context)


class StartView(PersonView):
    """Start a comparison of one organisation or of all."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest) -> HttpResponse:
        """One service call."""
        if not self.user.may(RUN_OPERATIONS):
            raise PermissionDenied(_("Only people of network operations start a reconciliation."))
        form = StartForm(request.POST)
        if form.is_valid():
            organisation = form.cleaned_data["organisation"]
            runs.ask_for_run(
                organisation_id=organisation.pk if organisation else None,
                actor=self.user,
                now=timezone.now(),
            )
            messages.success(request, _("The reconciliation begins within a minute."))
        else:
            messages.error(request, _("There is no such organisation."))
        return redirect("reconciliation_list")
