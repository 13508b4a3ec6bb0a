"""A file of works on the screen: the template, handing it in, correcting rows, taking them over; and the types of work."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.ledgers import importing, selectors
from audit.ledgers.forms import FileForm, TypeForm
from audit.ledgers.models import Ledger, WorkImport, WorkType
from audit.ledgers.types import KnownTypes, add_version
from audit.ledgers.views import ADDRESSES, LedgersView, WriterView
from portal.common.workbook import book_response
from portal.orgs.permissions import MANAGE_WORK_TYPES
from portal.trail import services as trail
from portal.workflow.bulk import files, rowpages
from portal.workflow.bulk.errors import FileRefused
from requests.enquiries.errors import ChangedMeanwhile, Refused

_CELL = re.compile(r"r(\d{1,6})-([a-z_0-9]{1,60})")
_EXAMPLES = {
    "application_number": "C-2026-000123",
    "planned_from_clock": "22:00",
    "planned_until_clock": "23:30",
    "persons": "保守 太郎、保守 花子",
    "accounts": "tk9001-hoshu",
    "hosts": "KK13-DB01",
    "objects_touched": "KOJIN.HIHOKENSHA",
    "text": "被保険者台帳の項目追加に伴うデータ移行",
    "expected_rows": "1200",
    "approved_by_name": "承認 一郎",
}


class FileView(WriterView):
    """Hand in a file of works."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, with the template to fill in."""
        return self.page(FileForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """422 with every reason when it cannot be read; 409 when it was read before."""
        form = FileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(form, status=422)
        file = form.cleaned_data["file"]
        try:
            brought = importing.bring(
                ledger=self.ledger,
                name=file.name or "",
                data=file.read(),
                again_reason=request.POST.get("again_reason", "").replace("\x00", ""),
                actor=self.user,
                now=timezone.now(),
            )
        except FileRefused as error:
            for reason in error.reasons:
                form.add_error("file", reason)
            return self.page(form, status=422)
        except importing.AlreadyBrought as error:
            return self.page(form, earlier=error.earlier, status=409)
        return redirect("work_file", brought.pk)

    def page(self, form: FileForm, *, earlier: WorkImport | None = None, status: int = 200) -> HttpResponse:
        """The page."""
        context = {
            "form": form,
            "problems": form.error_summary if form.is_bound else [],
            "earlier": earlier,
            "heading": Ledger(self.ledger).label,
            "list_url": self.address("list"),
            "template_url": self.address("template"),
            "most": importing.MOST_ROWS,
        }
        return render(self.request, "audit/ledgers/file.html", context, status=status)


class TemplateView(WriterView):
    """The empty table."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """A workbook."""
        checker = importing.Checker(self.ledger, self.user, timezone.now())
        title = str(Ledger(self.ledger).label)
        book = files.template_of(checker.columns, most=importing.MOST_ROWS, examples=_EXAMPLES, title=title)
        return book_response(f"{title}.xlsx", book)


class RowsView(LedgersView):
    """The rows of a file; another person's file is as unknown as none."""

    @cached_property
    def brought(self) -> WorkImport:
        """The file of the address."""
        try:
            return selectors.own_import(self.user, self.kwargs["pk"])
        except WorkImport.DoesNotExist as error:
            raise Http404 from error

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One page of rows, those with errors first."""
        return self.page()

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Correct rows, take over all or those that are ticked, or discard."""
        step = request.POST.get("step", "correct")
        common: dict[str, Any] = {
            "import_id": self.brought.pk,
            "version": _number(request.POST.get("version", "")) or 0,
            "actor": self.user,
            "now": timezone.now(),
        }
        try:
            if step == "take_all":
                self.taken(importing.take_over(**common))
            elif step == "take":
                self.taken(importing.take_over(**common, numbers=self.named("row")))
            elif step == "discard":
                importing.discard(**common)
                messages.success(request, _("The rows were discarded."))
                return redirect(f"{ADDRESSES[Ledger(self.brought.ledger)]}_file")
            else:
                importing.correct(**common, values=self.typed(), removed=self.named("remove"))
        except ChangedMeanwhile as error:
            return self.page(reasons=[error.reason], typed=self.typed(), status=409)
        except Refused as error:
            return self.page(reasons=[error.reason], typed=self.typed(), status=422)
        return redirect(f"{reverse('work_file', args=[pk])}?{request.GET.urlencode()}")

    def taken(self, works: list[Any]) -> None:
        """Say what was entered."""
        text = (
            _("Works entered: %(count)d (%(first)s …)")
            if len(works) > 1
            else _("Works entered: %(count)d (%(first)s)")
        )
        messages.success(self.request, text % {"count": len(works), "first": works[0].work_number})

    def typed(self) -> dict[int, dict[str, str]]:
        """What stands in the boxes, by row and column."""
        values: dict[int, dict[str, str]] = {}
        for name, text in self.request.POST.items():
            if found := _CELL.fullmatch(name):
                values.setdefault(int(found.group(1)), {})[found.group(2)] = str(text)
        return values

    def named(self, name: str) -> set[int]:
        """The rows that were ticked."""
        return {n for sent in self.request.POST.getlist(name) if (n := _number(sent)) is not None}

    def page(self, *, reasons: Any = (), typed: Any = None, status: int = 200) -> HttpResponse:
        """One page of the rows."""
        checker = importing.Checker(self.brought.ledger, self.user, timezone.now())
        page = rowpages.page_of(self.brought, checker.columns, self.request.GET, typed or {})
        taken = {row["n"]: row["t"] for row in self.brought.rows if row.get("t")}
        context = {
            "file": self.brought,
            "heading": Ledger(self.brought.ledger).label,
            "list_url": reverse(f"{ADDRESSES[Ledger(self.brought.ledger)]}_list"),
            "file_url": reverse(f"{ADDRESSES[Ledger(self.brought.ledger)]}_file"),
            "page": page,
            "taken": taken,
            "left": self.brought.row_count - self.brought.taken_count,
            "reasons": reasons,
        }
        return render(self.request, "audit/ledgers/rows.html", context, status=status)


class ErrorsFileView(RowsView):
    """The rows with their errors as a workbook, to be handed in again as they are."""

    http_method_names = ["get", "options"]  # noqa: RUF012

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Recorded as an export (SEC-02)."""
        brought = self.brought
        checker = importing.Checker(brought.ledger, self.user, timezone.now())
        rows = [row for row in brought.rows if not row.get("t")]
        trail.record(
            action="work.file_export",
            now=timezone.now(),
            actor=self.user,
            object_type="work_file",
            object_id=brought.pk,
            object_label=brought.name,
            object_organisation_id=brought.organisation_id,
        )
        title = str(Ledger(brought.ledger).label)
        book = files.errors_of(rows, checker.columns, most=importing.MOST_ROWS, title=title)
        return book_response(f"{_('errors')}_{brought.name.rsplit('.', 1)[0]}.xlsx", book)  # type: ignore[return-value]


class TypesView(LedgersView):
    """The types of work with all their versions; reviewers of 中央会 add one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With ?code= the form begins with that type."""
        known = KnownTypes().current(timezone.localdate())
        own = known.get(request.GET.get("code", ""))
        initial = {"valid_from": timezone.localdate()}
        if own is not None:
            names = ("code", "name", "tolerance_minutes", "volume_factor", "offered")
            initial |= {name: getattr(own, name) for name in names}
        return self.page(TypeForm(initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        """A new version."""
        if not self.user.may(MANAGE_WORK_TYPES):
            raise PermissionDenied(_("Only the reviewers of the central association change types of work."))
        form = TypeForm(request.POST)
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            add_version(wanted=form.wanted(), actor=self.user, now=timezone.now())
        except Refused as refused:
            form.refuse(refused)
            return self.page(form, status=422)
        messages.success(request, _("The new version counts for works planned from its day on."))
        return redirect("work_types")

    def page(self, form: TypeForm, status: int = 200) -> HttpResponse:
        """The versions and the form."""
        current = {version.pk for version in KnownTypes().current(timezone.localdate()).values()}
        may_change = self.user.may(MANAGE_WORK_TYPES)
        context = {
            "versions": WorkType.objects.select_related("made_by"),
            "current": current,
            "form": form if may_change else None,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "audit/ledgers/types.html", context, status=status)


def _number(sent: str) -> int | None:
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None
