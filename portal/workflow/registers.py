"""What the screens of a register share: list, file and print view with the same filters (SEC-02)."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from portal.common import export
from portal.common.forms import describe_filters
from portal.common.pagination import COUNT_LIMIT, limited_count, paginate
from portal.common.tables import Table
from portal.orgs import columns
from portal.orgs.permissions import APPLY
from portal.trail import services as trail
from portal.trail.sensitive import ReasonForm
from portal.workflow import kinds
from portal.workflow.views import PersonView

PAGE_SIZES = (50, 100, 500)


class RegisterView(PersonView):
    """The common part of a register's list, file and print view. A register's base says what is listed."""

    table: ClassVar[Table[Any]]
    names: ClassVar[tuple[str, ...]]  # the filters of the URL
    action: ClassVar[str]  # in the trail: "computer"
    template: ClassVar[str]
    heading: ClassVar[Any]
    is_sensitive: ClassVar[bool] = False  # specific personal information: a banner (docs/adr/0041)
    apply_kind: ClassVar[str] = ""  # the application that brings a new row
    order: ClassVar[tuple[str, ...]] = ()  # what decides before the descending id (portal.common.pagination)

    def found(self, filters: dict[str, str]) -> Any:
        """The rows that the filters leave."""
        raise NotImplementedError

    def form(self, *args: Any, **kwargs: Any) -> Any:
        """The form above the list."""
        raise NotImplementedError

    def filters(self) -> dict[str, str]:
        """The filters of the URL, each only when it says something."""
        found = {
            name: self.request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in self.names
        }
        return {name: value for name, value in found.items() if value}

    def record(self, verb: str, filters: dict[str, str], **more: Any) -> None:
        """Reading, taking along and printing leave a trace (SEC-02)."""
        detail = {"filters": filters, **more}
        trail.record(action=f"{self.action}.{verb}", now=timezone.now(), actor=self.user, detail=detail)

    def offered(self) -> kinds.ApplicationKind[Any] | None:
        """The kind of application that brings a new row, for who may apply for it somewhere."""
        if not self.apply_kind:
            return None
        kind = kinds.get(self.apply_kind)
        places = self.user.organisations_where(APPLY)
        return kind if any(place.kind in kind.organisation_kinds for place in places) else None

    def more(self) -> dict[str, Any]:
        """What else the template of the list is told."""
        return {}

    def list_address(self) -> str:
        """Where the list is."""
        return reverse(self.table.url_name)

    def page_size(self) -> int:
        """How many rows a page shows: one of PAGE_SIZES."""
        sent = self.request.GET.get("rows", "")
        return int(sent) if sent in {str(size) for size in PAGE_SIZES} else PAGE_SIZES[0]


class ListMixin(RegisterView):
    """One page of a register."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The newest first unless `order` says otherwise, in the person's columns."""
        filters = self.filters()
        found = self.found(filters)
        self.record("list", filters)
        count = limited_count(found)
        table = columns.shown_to(self.user, self.table)
        page = paginate(table.prepared(found), request.GET.get("cursor"), self.page_size(), order=self.order)
        size = {"rows": str(self.page_size())} if self.page_size() != PAGE_SIZES[0] else {}
        context = {
            "page": page,
            "table": table,
            "rows": table.rows(page.rows),
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "filters": filters,
            "query": urlencode(filters | size),
            "form": self.form(initial=filters),
            "list_url": self.list_address(),
            "apply": self.offered(),
            **self.more(),
        }
        return render(request, self.template, context)


class ExportMixin(RegisterView):
    """A register as CSV or Excel."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The same filters as the list."""
        filters = self.filters()
        kind = export.file_format(request.GET.get("format", ""))
        found = self.found(filters).order_by(*self.order, "-id")
        if (refusal := export.too_many(kind, found)) is not None:
            messages.error(request, refusal)
            return redirect(f"{self.list_address()}?{urlencode(filters)}")
        self.record("export", filters, format=kind)
        return export.table_response(kind, str(self.heading), columns.shown_to(self.user, self.table), found)


class ReasonedExportMixin(RegisterView):
    """A register as CSV or Excel that nobody takes along without saying why (docs/adr/0041)."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for the reason."""
        return ask_reason(request, ReasonForm(), str(self.heading), self.back())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The file with the same filters as the list; the reason stands in the trail."""
        form = ReasonForm(request.POST)
        if not form.is_valid():
            return ask_reason(request, form, str(self.heading), self.back(), status=422)
        filters, kind = self.filters(), export.file_format(request.GET.get("format", ""))
        found = self.found(filters).order_by(*self.order, "-id")
        if (refusal := export.too_many(kind, found)) is not None:
            messages.error(request, refusal)
            return redirect(self.back())
        self.record("export", filters, format=kind, **form.reason().detail)
        return export.table_response(kind, str(self.heading), columns.shown_to(self.user, self.table), found)

    def back(self) -> str:
        """The list with the same filters."""
        return f"{self.list_address()}?{urlencode(self.filters())}"


def ask_reason(
    request: HttpRequest, form: ReasonForm, title: str, back: str, *, status: int = 200
) -> HttpResponse:
    """The page that asks for what a file is needed; its answer goes to the same address."""
    context = {"form": form, "problems": form.error_summary, "title": title, "back": back, "is_export": True}
    return render(request, "trail/reason.html", context, status=status)


class PrintMixin(RegisterView):
    """A register on paper."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Printing is taking along: it is recorded like a file (SEC-02)."""
        filters = self.filters()
        found = self.found(filters).order_by(*self.order, "-id")
        self.record("print", filters)
        context = export.print_context(found, columns.shown_to(self.user, self.table))
        context |= {
            "heading": self.heading,
            "list_url": f"{self.list_address()}?{urlencode(filters)}",
            "filters": describe_filters(self.form(filters)),
            "is_sensitive": self.is_sensitive,
        }
        return render(request, "components/list_print.html", context)
