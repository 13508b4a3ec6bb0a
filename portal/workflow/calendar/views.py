"""The calendar of changes: month, week, day, file, feed; and the freezes that operations enter."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.common import export
from portal.common.pagination import paginate
from portal.common.time import today
from portal.fulfilment import registry
from portal.fulfilment.errors import MoveNotAllowed
from portal.fulfilment.freezes import services
from portal.fulfilment.freezes.models import FreezePeriod
from portal.orgs.models import Organisation
from portal.orgs.permissions import MANAGE_FREEZES, READ_APPLICATIONS
from portal.trail import services as trail
from portal.workflow.calendar import ical, pages
from portal.workflow.calendar.entries import MOST, Look, cut_text, entries, whole_or_told
from portal.workflow.calendar.forms import FIELDS, CalendarFilterForm, FreezeForm
from portal.workflow.calendar.sources import kind_label
from portal.workflow.views import PersonView


class CalendarView(PersonView):
    """For everybody who reads applications; each sees the own organisations and what concerns all (ORG-02)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """403 for people without a role that reads."""
        if request.user.is_authenticated and not self.user.may(READ_APPLICATIONS):
            raise PermissionDenied(_("Your role does not allow you to see the calendar of changes."))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """One page; the URL holds its whole state."""
        view, on, look = pages.look_of(self.user, request.GET, timezone.now())
        self.record("list", look)
        before, after = pages.neighbours(view, on)
        days = pages.days_of(look, view, on)
        context = {
            "view": view,
            "on": on,
            "days": days,
            "cut": MOST if look.cut else 0,
            "month": pages.month_label(on),
            "agenda": [day for day in days if not day.is_empty and day.in_month],
            "before": self.address(view, before),
            "after": self.address(view, after),
            "now": self.address(view, today(look.now)),
            "views": [(name, self.address(name, on), name == view) for name in pages.VIEWS],
            "filters": self.filters(),
            "query": urlencode({"view": view, "on": on.isoformat(), **self.filters()}),
            "form": CalendarFilterForm(initial=self.filters(), organisations=self.organisations(look)),
            "may_manage": self.user.may(MANAGE_FREEZES),
        }
        return render(request, "workflow/calendar/calendar.html", context)

    def filters(self) -> dict[str, str]:
        """Kind, organisation and state of the URL, each only when it says something."""
        names = ("kind", "organisation", "state")
        found = {name: self.request.GET.get(name, "").replace("\x00", "")[:60] for name in names}
        return {name: value for name, value in found.items() if value}

    def address(self, view: str, on: date) -> str:
        """The query of another page with the same filters."""
        return urlencode({"view": view, "on": on.isoformat(), **self.filters()})

    def organisations(self, look: Look) -> list[Organisation]:
        """What the filter offers."""
        return list(Organisation.objects.all()) if look.everything else list(look.organisations)

    def record(self, verb: str, look: Look, **more: str) -> None:
        """Reading and taking along leave a trace (SEC-02)."""
        detail = {"first": look.first.isoformat(), "last": look.last.isoformat(), **self.filters(), **more}
        trail.record(action=f"calendar.{verb}", now=timezone.now(), actor=self.user, detail=detail)


class FileView(CalendarView):
    """The entries of the page as CSV, Excel or iCalendar."""

    def get(self, request: HttpRequest) -> HttpResponseBase:  # type: ignore[override]
        """With the same filters as the page."""
        now = timezone.now()
        _view, _on, look = pages.look_of(self.user, request.GET, now)
        if request.GET.get("format") == "ics":
            self.record("export", look, format="ics")
            return ics_response(ical.calendar_of(whole_or_told(look), now))
        kind = export.file_format(request.GET.get("format", ""))
        self.record("export", look, format=kind)
        header = [
            _("First day"), _("Last day"), _("State"), _("Kind"), _("Subject"), _("Organisation"),
            _("Application number"), _("Details"),
        ]  # fmt: skip
        rows = [
            (
                e.day.isoformat(),
                e.last.isoformat(),
                e.state_label,
                e.kind,
                e.title,
                e.organisation,
                e.number,
                e.detail,
            )
            for e in entries(look)
        ]
        if look.cut:  # nobody takes a list along as whole that is not
            rows.append(("", "", "", "", cut_text(), "", "", ""))
        return export.rows_response(kind, str(_("Calendar of changes")), header, rows)


class FreezesView(CalendarView):
    """The freezes; operations enter and end them here."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the form for those who may enter one."""
        return self.page(FreezeForm(initial={"effect": "REFUSE"}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Enter one."""
        self.require()
        form = FreezeForm(request.POST)
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            services.enter(form.to_freeze(), actor=self.user, now=timezone.now())
        except services.FreezeRefused as error:
            form.add_error(FIELDS.get(error.field), error.reason)
            return self.page(form, status=422)
        messages.success(request, _("The freeze was entered."))
        return redirect("freeze_list")

    def page(self, form: FreezeForm, status: int = 200) -> HttpResponse:
        """The list, newest first."""
        may = self.user.may(MANAGE_FREEZES)
        rows = FreezePeriod.objects.select_related("organisation", "entered_by", "ended_by")
        if not self.user.reads_everywhere(READ_APPLICATIONS):
            own = self.user.organisations_where(READ_APPLICATIONS)
            rows = (rows.filter(organisation=None) | rows.filter(organisation__in=own)).distinct()
        page = paginate(rows.order_by("-id"), self.request.GET.get("cursor"), 50)
        for freeze in page.rows:
            freeze.kind_label = kind_label(freeze.kind)
            freeze.target_label = registry.target_label(freeze.target)
        context = {
            "page": page,
            "form": form if may else None,
            "problems": form.error_summary if form.is_bound else [],
            "may_manage": may,
            "now": timezone.now(),
        }
        return render(self.request, "workflow/calendar/freezes.html", context, status=status)

    def require(self) -> None:
        """403 for everybody but operations."""
        if not self.user.may(MANAGE_FREEZES):
            raise PermissionDenied(_("Only network operations enter freezes."))


class FreezeEndView(FreezesView):
    """End one now."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, pk: int = 0) -> HttpResponse:
        """What waited for it goes on at once."""
        self.require()
        try:
            services.end(freeze_id=pk, actor=self.user, now=timezone.now())
        except FreezePeriod.DoesNotExist as error:
            raise Http404 from error
        except MoveNotAllowed:
            messages.error(request, _("This freeze is over already."))
        else:
            messages.success(request, _("The freeze was ended. What waited for it goes on."))
        return redirect("freeze_list")


def ics_response(text: str) -> HttpResponse:
    """An iCalendar file."""
    response = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="calendar.ics"'
    response["Cache-Control"] = "no-store, private"
    return response
