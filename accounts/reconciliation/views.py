"""The screens of reconciliation: findings, one finding with its three states and its answer, runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import selectors as accounts
from accounts.reconciliation import answers, runs, selectors
from accounts.reconciliation.errors import AlreadyAnswered, AnswerRefused, ChangedSince
from accounts.reconciliation.forms import AnswerForm, FindingFilterForm, SeenForm, StartForm
from accounts.reconciliation.models import Finding, FindingState
from accounts.reconciliation.selectors import LIVE_FILTER, Filters
from accounts.reconciliation.tables import FINDINGS
from accounts.views import AccountsView
from portal.common import export
from portal.common.forms import describe_filters
from portal.common.pagination import COUNT_LIMIT, limited_count, paginate
from portal.fulfilment.errors import NotAllowed
from portal.orgs import columns
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS
from portal.trail import services as trail
from portal.workflow.views import PersonView

PAGE_SIZE = 50


class RegisterView(AccountsView):
    """A view of the findings that the filters of the URL leave."""

    def filters(self) -> Filters:
        """The filters of the URL."""
        return Filters.from_query(self.request.GET.dict())

    def form(self, filters: Filters) -> FindingFilterForm:
        """The filter bar with what is in force."""
        state = "" if filters.state == LIVE_FILTER else filters.state
        initial = asdict(filters) | {"state": state}
        return FindingFilterForm(initial, organisations=accounts.organisations(self.user))

    def note(self, action: str, detail: dict[str, Any]) -> None:
        """Reading personal data is recorded with what was asked (SEC-02)."""
        trail.record(action=action, now=timezone.now(), actor=self.user, detail=detail)


class ListView(RegisterView):
    """Where AD differs from what was written, by kind, organisation and state."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One page, in the person's columns."""
        filters = self.filters()
        found = selectors.findings(self.user, filters)
        self.note("finding.list", {"filters": asdict(filters)})
        count = limited_count(found)
        table = columns.shown_to(self.user, FINDINGS)
        page = paginate(table.prepared(found), request.GET.get("cursor"), PAGE_SIZE)
        context = {
            "page": page,
            "table": table,
            "rows": table.rows(page.rows),
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "filters": filters,
            "query": filters.to_query(),
            "kinds": selectors.kind_counts(self.user, filters),
            "form": self.form(filters),
            "may_read_runs": self.user.may(READ_OPERATIONS),
        }
        return render(request, "accounts/findings.html", context)


class ExportView(RegisterView):
    """The list as CSV or Excel, in the person's columns; who took what is recorded (SEC-02)."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The same filters as the list, newest first."""
        filters = self.filters()
        kind = export.file_format(request.GET.get("format", ""))
        found = selectors.findings(self.user, filters).order_by("-id")
        if (refusal := export.too_many(kind, found)) is not None:
            messages.error(request, refusal)
            return redirect(f"{reverse('finding_list')}?{filters.to_query()}")
        self.note("finding.export", {"filters": asdict(filters), "format": kind})
        return export.table_response(kind, _("findings"), columns.shown_to(self.user, FINDINGS), found)


class PrintView(RegisterView):
    """The list on paper: every row that the filters leave, up to what anybody prints."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Printing is taking along: it is recorded like a file (SEC-02)."""
        filters = self.filters()
        found = selectors.findings(self.user, filters).order_by("-id")
        self.note("finding.print", {"filters": asdict(filters)})
        context = export.print_context(found, columns.shown_to(self.user, FINDINGS))
        context |= {
            "heading": _("Findings in AD"),
            "list_url": f"{reverse('finding_list')}?{filters.to_query()}",
            "filters": describe_filters(self.form(filters)),
        }
        return render(request, "components/list_print.html", context)


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
