"""The screens of one federation's sheet: the list with its decisions, the questions, the scan field (DEV-07)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from devices.inventory import asking, deciding, exports, removals, scanning, selectors, sheets
from devices.inventory.errors import CampaignClosed
from devices.inventory.forms import DecisionForm, DevicesForm, FilterForm, ScanForm
from devices.inventory.models import InventoryLine, InventorySheet
from devices.inventory.scanning import Scan, Seen
from devices.inventory.views import CampaignMixin, forbid_unless
from portal.common.export import rows_response
from portal.common.pagination import COUNT_LIMIT, limited_count, paginate
from portal.common.workbook import book_response
from portal.orgs.permissions import APPLY, DECIDE_INVENTORY
from portal.trail import services as trail
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.rounds import tables
from portal.workflow.rounds.answers import InvalidAnswer, Outcome, What
from portal.workflow.rounds.forms import AnswerFileForm

PAGE_SIZE = 100
EXPORT_LIMIT = 20_000


class OneSheetView(CampaignMixin):
    """A view of one federation's sheet; another federation's is as unknown as none (ORG-02)."""

    def load(self, period: date, code: str) -> InventorySheet:
        """The sheet; raises Http404."""
        try:
            return selectors.sheet(self.user, period, code)
        except InventorySheet.DoesNotExist as error:
            raise Http404 from error

    def filters(self, source: QueryDict | None = None) -> dict[str, str]:
        """The filters of the URL, each only when the form knows its value."""
        form = FilterForm(source or self.request.GET)
        form.is_valid()
        return {name: value for name, value in form.cleaned_data.items() if value}

    def lines(self, sheet: InventorySheet) -> Any:
        """The lines that the filters leave."""
        return selectors.filtered(selectors.lines(self.user).filter(sheet=sheet), **self.filters())

    def note(self, action: str, sheet: InventorySheet) -> None:
        """Reading personal data leaves a trace (SEC-02)."""
        trail.record(
            action=action,
            now=timezone.now(),
            actor=self.user,
            object_type="inventory.inventorysheet",
            object_id=sheet.pk,
            object_label=str(sheet),
            object_organisation_id=sheet.organisation_id,
            detail={"filters": self.filters()},
        )

    def page(
        self,
        sheet: InventorySheet,
        *,
        form: DecisionForm | None = None,
        file_problems: Sequence[str] = (),
        status: int = 200,
    ) -> HttpResponse:
        """The sheet with the decision form; with `form`, what was chosen and typed stays."""
        rows = self.lines(sheet)
        count = limited_count(rows)
        may_decide = selectors.may_decide(self.user, sheet)
        may_apply = selectors.may_apply(self.user, sheet)
        context = {
            "sheet": sheet,
            "campaign": sheet.campaign,
            "counts": selectors.counts_of(self.user, sheet),
            "filters": self.filters(),
            "filter_form": FilterForm(initial=self.filters()),
            "page": paginate(rows, self.request.GET.get("cursor"), PAGE_SIZE),
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "form": form or DecisionForm(may_decide=may_decide),
            "problems": form.error_summary if form is not None else [],
            "file_form": AnswerFileForm(),
            "file_problems": file_problems[: tables.PROBLEMS_SHOWN],
            "file_problems_more": max(len(file_problems) - tables.PROBLEMS_SHOWN, 0),
            "may_decide": may_decide,
            "may_apply": may_apply,
            "may_tick": may_decide or may_apply,
            "drafts": selectors.drafts_of(self.user, sheet) if may_apply else [],
            "today": timezone.localdate(),
        }
        return render(self.request, "inventory/sheet.html", context, status=status)

    def back(self, period: date, code: str) -> HttpResponse:
        """To the same page of the sheet."""
        query = self.request.GET.urlencode()
        address = reverse("inventory_sheet", args=[f"{period:%Y-%m}", code])
        return redirect(f"{address}?{query}" if query else address)

    def closed(self, period: date, code: str) -> HttpResponse:
        """Nothing is decided any more."""
        messages.warning(self.request, _("This inventory is closed. Nothing was changed."))
        return self.back(period, code)

    def may_or_403(self, sheet: InventorySheet, *, applicants: bool = False) -> None:
        """The page's own check, which the service repeats under its lock."""
        allowed = self.user.may(DECIDE_INVENTORY, sheet.organisation_id)
        allowed = allowed or (applicants and self.user.may(APPLY, sheet.organisation_id))
        forbid_unless(allowed, _("The security officer of the organisation decides its inventory (DEV-07)."))


class SheetView(OneSheetView):
    """One federation's sheet of one quarter."""

    def get(self, request: HttpRequest, period: date, code: str) -> HttpResponse:
        """A page of lines."""
        sheet = self.load(period, code)
        self.note("inventory.view", sheet)
        return self.page(sheet)


class ExportView(OneSheetView):
    """One federation's sheet as a table."""

    def get(self, request: HttpRequest, period: date, code: str) -> HttpResponseBase:
        """The same filters as the list."""
        sheet = self.load(period, code)
        self.note("inventory.export", sheet)
        rows = self.lines(sheet).order_by("-pk")[:EXPORT_LIMIT]
        name = _("inventory of devices") + f" {sheet.campaign} {sheet.organisation.short_name}"
        return rows_response(
            request.GET.get("format", ""), name, exports.line_header(), exports.line_rows(rows)
        )


class SheetReportView(OneSheetView):
    """The report of one federation as PDF."""

    def get(self, request: HttpRequest, period: date, code: str) -> HttpResponse:
        """Names every row that nobody decided."""
        sheet = self.load(period, code)
        return self.pdf(sheet.campaign, sheet.organisation.code)


class StepView(OneSheetView):
    """A button of the sheet."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, period: date, code: str) -> HttpResponse:
        """Do it and come back to the same page of the sheet."""
        sheet = self.load(period, code)
        try:
            return self.step(sheet) or self.back(period, code)
        except CampaignClosed:
            return self.closed(period, code)

    def step(self, sheet: InventorySheet) -> HttpResponse | None:
        """The service call; an answer of its own, or None to come back."""
        raise NotImplementedError


class DecideView(StepView):
    """Keep, remove or missing, for the lines that were ticked."""

    def step(self, sheet: InventorySheet) -> HttpResponse | None:
        """With what was wrong shown at its field."""
        self.may_or_403(sheet, applicants=True)
        may_decide = self.user.may(DECIDE_INVENTORY, sheet.organisation_id)
        form = DecisionForm(self.request.POST, may_decide=may_decide)
        if not form.is_valid():
            return self.page(sheet, form=form, status=422)
        try:
            outcomes = deciding.decide(
                sheet_id=sheet.pk, decisions=form.answers("decision"), actor=self.user, now=timezone.now()
            )
        except InvalidAnswer as error:
            for field, text in error.errors.items():
                form.add_error(field, text)
            return self.page(sheet, form=form, status=422)
        tell(self.request, outcomes)
        return None


class TableView(OneSheetView):
    """The sheet as a table to be filled in, for those who may decide or apply."""

    def get(self, request: HttpRequest, period: date, code: str) -> HttpResponseBase:
        """The same filters as the list, without the devices whose permit has ended; open ones first."""
        sheet = self.load(period, code)
        self.may_or_403(sheet, applicants=True)
        self.note("inventory.export", sheet)
        lines = self.lines(sheet).filter(gone_at=None).order_by("decision", "-pk")[: tables.LIMIT]
        table = sheets.answer_table(may_decide=self.user.may(DECIDE_INVENTORY, sheet.organisation_id))
        name = (
            _("decisions on the inventory of devices") + f" {sheet.campaign} {sheet.organisation.short_name}"
        )
        return book_response(f"{name}.xlsx", tables.answer_book(table, lines))


class UploadView(StepView):
    """The filled table: every decision in it is taken, or none and every problem is said with its cell."""

    def step(self, sheet: InventorySheet) -> HttpResponse | None:
        """Decide what differs from the list."""
        self.may_or_403(sheet, applicants=True)
        table = sheets.answer_table(may_decide=self.user.may(DECIDE_INVENTORY, sheet.organisation_id))
        try:
            name, data = tables.uploaded(self.request.FILES.get("file"))
            found = tables.read_answers(table, sheet.lines.all(), name=name, data=data)
            if found.problems:
                return self.page(sheet, file_problems=found.problems, status=422)
            outcomes = deciding.decide(
                sheet_id=sheet.pk, decisions=found.decisions, actor=self.user, now=timezone.now()
            )
        except FileRefused as error:
            return self.page(sheet, file_problems=error.reasons, status=422)
        except InvalidAnswer as error:
            return self.page(sheet, file_problems=list(error.errors.values()), status=422)
        if found.decisions:
            tell(self.request, outcomes)
        else:
            messages.info(self.request, _("The file holds no new decision. Nothing was changed."))
        return None


class KeepRecentView(StepView):
    """Keep everything that was used recently."""

    def step(self, sheet: InventorySheet) -> None:
        """Its last use is the reason."""
        self.may_or_403(sheet)
        count = deciding.keep_recent(sheet_id=sheet.pk, actor=self.user, now=timezone.now())
        _say_decided(self.request, count)


class TakeOverView(StepView):
    """Decide as the users answered."""

    def step(self, sheet: InventorySheet) -> None:
        """Lines whose user said nothing stay open."""
        self.may_or_403(sheet)
        outcomes = deciding.take_over_replies(sheet_id=sheet.pk, actor=self.user, now=timezone.now())
        tell(self.request, outcomes)


class AskView(StepView):
    """Mail the users of the lines that were ticked."""

    def step(self, sheet: InventorySheet) -> HttpResponse | None:
        """One mail to each address."""
        self.may_or_403(sheet)
        form = DevicesForm(self.request.POST)
        if not form.is_valid():
            messages.error(self.request, _("Choose at least one device."))
            return None
        asked, without = asking.ask(
            sheet_id=sheet.pk, line_ids=form.line_ids, actor=self.user, now=timezone.now()
        )
        text = ngettext(
            "The user of %(n)d device was asked.", "The users of %(n)d devices were asked.", asked
        )
        messages.success(self.request, text % {"n": asked})
        if without:
            text = ngettext(
                "%(n)d device has no mail address: ask its user yourself.",
                "%(n)d devices have no mail address: ask their users yourself.",
                without,
            )
            messages.warning(self.request, text % {"n": without})
        return None


class RemovalsView(StepView):
    """An applicant writes the removal application of what is to be removed."""

    def step(self, sheet: InventorySheet) -> HttpResponse | None:
        """A draft; the person reads and submits it (DEV-06)."""
        allowed = self.user.may(APPLY, sheet.organisation_id)
        forbid_unless(allowed, _("An applicant of the organisation writes the removal application."))
        draft = removals.write(sheet_id=sheet.pk, actor=self.user, now=timezone.now())
        if draft is None:
            messages.info(self.request, _("Every device to be removed stands in an application already."))
            return None
        return redirect("application_confirm", draft.number)


class ScanView(OneSheetView):
    """The scan field: one label after the other, without touching anything else."""

    def get(self, request: HttpRequest, period: date, code: str) -> HttpResponse:
        """An empty field that waits for the scanner."""
        sheet = self.load(period, code)
        self.may_or_403(sheet)
        return self.scan_page(sheet, ScanForm())

    def post(self, request: HttpRequest, period: date, code: str) -> HttpResponse:
        """What became of the scan stands above the empty field; the choice and the reason stay."""
        sheet = self.load(period, code)
        self.may_or_403(sheet)
        form = ScanForm(request.POST)
        if not form.is_valid():
            return self.scan_page(sheet, form, status=422)
        values = form.cleaned_data
        try:
            found = scanning.scan(
                sheet_id=sheet.pk,
                text=values["number"],
                keep=values["keep"],
                reason=values["reason"],
                actor=self.user,
                now=timezone.now(),
            )
        except CampaignClosed:
            return self.closed(period, code)
        except InvalidAnswer as error:
            for field, text in error.errors.items():
                form.add_error(field, text)
            return self.scan_page(sheet, form, status=422)
        kept = {"keep": values["keep"], "reason": values["reason"]}
        status = 422 if found.seen is Seen.UNKNOWN else 200
        return self.scan_page(sheet, ScanForm(initial=kept), found, status=status)

    def scan_page(
        self, sheet: InventorySheet, form: ScanForm, scan: Scan | None = None, status: int = 200
    ) -> HttpResponse:
        """The field, the last scan and how far it is."""
        latest = selectors.lines(self.user).filter(sheet=sheet, seen_at__isnull=False)
        context = {
            "sheet": sheet,
            "campaign": sheet.campaign,
            "form": form,
            "problems": form.error_summary if form.is_bound else [],
            "scan": scan,
            "counts": selectors.counts_of(self.user, sheet),
            "latest": latest.order_by("-seen_at", "-pk")[:10],
        }
        return render(self.request, "inventory/scan.html", context, status=status)


def tell(request: HttpRequest, outcomes: list[Outcome[InventoryLine]]) -> None:
    """What became of the decisions, in words: the count of those taken, and each that was not."""
    counts = Counter(outcome.what for outcome in outcomes)
    _say_decided(request, counts[What.TAKEN] + counts[What.SAME])
    for outcome in outcomes:
        line = outcome.line
        if outcome.what is What.OVER:
            messages.info(request, _("%(number)s: the permit has ended meanwhile.") % {"number": line.number})
        elif outcome.what is What.CHANGED:
            messages.warning(request, _changed_text(outcome))
        elif outcome.what is What.REFUSED:
            messages.warning(request, f"{line.number}: {outcome.text}")


def _say_decided(request: HttpRequest, count: int) -> None:
    if count:
        text = ngettext("%(n)d device was decided.", "%(n)d devices were decided.", count)
        messages.success(request, text % {"n": count})
    else:
        messages.info(request, _("Nothing was changed."))


def _changed_text(outcome: Outcome[InventoryLine]) -> str:
    line = outcome.line
    if line.decided_by is None:
        return _("%(name)s has changed since you looked. Look at it again.") % {"name": line.number}
    return _("%(name)s: %(person)s decided “%(decision)s” meanwhile. That stays.") % {
        "name": line.number,
        "person": line.decided_by.display_name,
        "decision": line.get_decision_display(),
    }
