"""The screens of the dormant accounts: months, the report of a month, one organisation's list and its answers (ACC-14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.dormancy import answering, exports, selectors, sheets
from accounts.dormancy.errors import ListClosed
from accounts.dormancy.forms import AnswerForm, FilterForm
from accounts.dormancy.models import DormantLine, DormantReview, DormantRun
from accounts.views import AccountsView
from portal.common.export import rows_response
from portal.common.pagination import COUNT_LIMIT, limited_count, paginate
from portal.common.workbook import book_response
from portal.orgs.permissions import ANSWER_DORMANT
from portal.trail import services as trail
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.rounds import tables
from portal.workflow.rounds.answers import InvalidAnswer, Outcome, What
from portal.workflow.rounds.forms import AnswerFileForm

PAGE_SIZE = 100
EXPORT_LIMIT = 10_000


class MonthsView(AccountsView):
    """Every month with the counts of what the person sees."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Numbers only, so nothing is recorded."""
        return render(request, "dormancy/months.html", {"months": selectors.months(self.user)})


class ReportView(AccountsView):
    """The report of a month: organisations, answers, what nobody answered, who could not be asked."""

    def get(self, request: HttpRequest, period: date) -> HttpResponse:
        """A federation sees its own row."""
        run = load_run(period)
        context = {"run": run, "report": selectors.report(self.user, run)}
        return render(request, "dormancy/report.html", context)


class ReportExportView(AccountsView):
    """The report as a table."""

    def get(self, request: HttpRequest, period: date) -> HttpResponseBase:
        """Who took it is recorded (SEC-02)."""
        run = load_run(period)
        report = selectors.report(self.user, run)
        trail.record(action="dormant.export", now=timezone.now(), actor=self.user, detail={"month": str(run)})
        name = _("dormant accounts") + f" {run}"
        return rows_response(
            request.GET.get("format", ""), name, exports.report_header(), exports.report_rows(report)
        )


class OneListView(AccountsView):
    """A view of one organisation's list; another federation's is as unknown as none (ORG-02)."""

    def load(self, period: date, code: str) -> DormantReview:
        """The list; raises Http404."""
        try:
            return selectors.review(self.user, period, code)
        except DormantReview.DoesNotExist as error:
            raise Http404 from error

    def filters(self, source: QueryDict | None = None) -> dict[str, str]:
        """The filters of the URL, each only when the form knows its value."""
        form = FilterForm(source or self.request.GET)
        form.is_valid()
        return {name: value for name, value in form.cleaned_data.items() if value}

    def lines(self, review: DormantReview) -> Any:
        """The lines that the filters leave, in the order of the list."""
        rows = selectors.lines(self.user).filter(review=review)
        return selectors.filtered(rows, **self.filters())

    def note(self, action: str, review: DormantReview) -> None:
        """Reading personal data leaves a trace (SEC-02)."""
        trail.record(
            action=action,
            now=timezone.now(),
            actor=self.user,
            object_type="accounts.dormancy.dormantreview",
            object_id=review.pk,
            object_label=str(review),
            object_organisation_id=review.organisation_id,
            detail={"filters": self.filters()},
        )

    def page(
        self,
        review: DormantReview,
        *,
        form: AnswerForm | None = None,
        file_problems: Sequence[str] = (),
        status: int = 200,
    ) -> HttpResponse:
        """The list with the answer form; with `form`, what was chosen and typed stays."""
        rows = self.lines(review)
        count = limited_count(rows)
        may_delete = selectors.may_delete(self.user, review)
        context = {
            "review": review,
            "filters": self.filters(),
            "filter_form": FilterForm(initial=self.filters()),
            "page": paginate(rows, self.request.GET.get("cursor"), PAGE_SIZE),
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "form": form or AnswerForm(may_delete=may_delete),
            "problems": form.error_summary if form is not None else [],
            "file_form": AnswerFileForm(),
            "file_problems": file_problems[: tables.PROBLEMS_SHOWN],
            "file_problems_more": max(len(file_problems) - tables.PROBLEMS_SHOWN, 0),
            "may_answer": selectors.may_answer(self.user, review),
            "may_delete": may_delete,
            "drafts": selectors.drafts_of(self.user, review),
        }
        return render(self.request, "dormancy/review.html", context, status=status)


class ReviewView(OneListView):
    """One organisation's list of one month."""

    def get(self, request: HttpRequest, period: date, code: str) -> HttpResponse:
        """A page of lines."""
        review = self.load(period, code)
        self.note("dormant.view", review)
        return self.page(review)


class AnswerView(OneListView):
    """Keep or delete, for the lines that were ticked."""

    def post(self, request: HttpRequest, period: date, code: str) -> HttpResponse:
        """Answer and come back to the same page of the list."""
        review = self.load(period, code)
        form = AnswerForm(request.POST, may_delete=selectors.may_delete(self.user, review))
        if not form.is_valid():
            return self.page(review, form=form, status=422)
        try:
            outcomes = answering.answer(
                review_id=review.pk, decisions=form.answers("answer"), actor=self.user, now=timezone.now()
            )
        except InvalidAnswer as error:
            for field, text in error.errors.items():
                form.add_error(field, text)
            return self.page(review, form=form, status=422)
        except ListClosed:
            form.add_error(None, _("The next list has replaced this one. Answer there."))
            return self.page(review, form=form, status=409)
        tell(request, outcomes)
        query = request.GET.urlencode()
        address = reverse("dormant_review", args=[period, code])
        return redirect(f"{address}?{query}" if query else address)


class SheetView(OneListView):
    """The list as a table to be filled in, for those who may answer."""

    def get(self, request: HttpRequest, period: date, code: str) -> HttpResponseBase:
        """The same filters as the list, without the accounts that need no answer."""
        review = self.load(period, code)
        if not selectors.may_answer(self.user, review):
            raise PermissionDenied(_("Applicants and security managers of the organisation answer its list."))
        self.note("dormant.export", review)
        # Those without an answer first, so that a long list is done in parts.
        lines = self.lines(review).filter(left="").order_by("answer", "-pk")[: tables.LIMIT]
        table = sheets.answer_table(may_delete=selectors.may_delete(self.user, review))
        name = _("answers to dormant accounts") + f" {review.run} {review.organisation.short_name}"
        return book_response(f"{name}.xlsx", tables.answer_book(table, lines))


class UploadView(OneListView):
    """The filled table: every answer in it is taken, or none and every problem is said with its cell."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, period: date, code: str) -> HttpResponse:
        """Answer what differs from the list, and come back to it."""
        review = self.load(period, code)
        if not self.user.may(ANSWER_DORMANT, review.organisation_id):
            raise PermissionDenied(_("Applicants and security managers of the organisation answer its list."))
        table = sheets.answer_table(may_delete=selectors.may_delete(self.user, review))
        try:
            name, data = tables.uploaded(request.FILES.get("file"))
            found = tables.read_answers(table, review.lines.all(), name=name, data=data)
            if found.problems:
                return self.page(review, file_problems=found.problems, status=422)
            outcomes = answering.answer(
                review_id=review.pk, decisions=found.decisions, actor=self.user, now=timezone.now()
            )
        except FileRefused as error:
            return self.page(review, file_problems=error.reasons, status=422)
        except InvalidAnswer as error:
            return self.page(review, file_problems=list(error.errors.values()), status=422)
        except ListClosed:
            closed = _("The next list has replaced this one. Answer there.")
            return self.page(review, file_problems=[closed], status=409)
        if not found.decisions:
            messages.info(request, _("The file holds no new answer. Nothing was changed."))
        tell(request, outcomes)
        return redirect("dormant_review", period, code)


class ExportView(OneListView):
    """One organisation's list as a table."""

    def get(self, request: HttpRequest, period: date, code: str) -> HttpResponseBase:
        """The same filters as the list."""
        review = self.load(period, code)
        self.note("dormant.export", review)
        rows = self.lines(review).order_by("-pk")[:EXPORT_LIMIT]
        name = _("dormant accounts") + f" {review.run} {review.organisation.short_name}"
        return rows_response(
            request.GET.get("format", ""), name, exports.line_header(), exports.line_rows(review, rows)
        )


def load_run(period: date) -> DormantRun:
    """The run of a month; raises Http404."""
    try:
        return DormantRun.objects.get(period=period)
    except DormantRun.DoesNotExist as error:
        raise Http404 from error


def tell(request: HttpRequest, outcomes: list[Outcome[DormantLine]]) -> None:
    """What became of the answers, in words: the count of those taken, and each that was not."""
    counts = Counter(outcome.what for outcome in outcomes)
    taken = counts[What.TAKEN] + counts[What.SAME]
    if taken:
        text = ngettext("%(n)d account was answered.", "%(n)d accounts were answered.", taken)
        messages.success(request, text % {"n": taken})
    for outcome in outcomes:
        line = outcome.line
        if outcome.what is What.OVER:
            text = _("%(name)s is off the list: the account %(why)s.")
            messages.info(request, text % {"name": line.login_name, "why": line.get_left_display()})
        elif outcome.what is What.CHANGED:
            messages.warning(request, _changed_text(line))
        elif outcome.what is What.REFUSED:
            messages.warning(request, f"{line.login_name}: {outcome.text}")


def _changed_text(line: DormantLine) -> str:
    if line.answered_by is None:
        return _("%(name)s has changed since you looked. Look at it again.") % {"name": line.login_name}
    return _("%(name)s: %(person)s answered “%(answer)s” meanwhile. That answer stays.") % {
        "name": line.login_name,
        "person": line.answered_by.display_name,
        "answer": line.get_answer_display(),
    }
