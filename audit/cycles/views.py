"""監査カレンダー and the page of one month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.cycles import calendar, dates, pages, selectors
from audit.cycles.models import AuditCycle, first_of_month
from portal.common.time import today
from portal.orgs.permissions import READ_AUDIT_CYCLES
from portal.trail import services as trail
from portal.workflow.calendar import ical
from portal.workflow.calendar.views import ics_response
from portal.workflow.views import PersonView

_BACK, _AHEAD, _SHOWN = 3, 8, 12  # months
_SOON = timedelta(days=31)
FEED_BACK, FEED_AHEAD = timedelta(days=62), timedelta(days=366)


class CyclesView(PersonView):
    """A view for who takes part in the audit or follows it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Everybody else gets 403."""
        if request.user.is_authenticated and not self.user.may(READ_AUDIT_CYCLES):
            raise PermissionDenied(_("You have no role in the audit reports."))
        return super().dispatch(request, *args, **kwargs)

    @property
    def owner(self) -> str:
        """The party that the URL names; "" for all."""
        sent = self.request.GET.get("owner", "")
        return sent if sent in calendar.OWNERS else ""


class CalendarView(CyclesView):
    """Twelve months with their steps: three back and the others ahead, or from the month that the URL names."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Open months as they are, the others as they would be opened now."""
        day = today(timezone.now())
        named = selectors.month_of(request.GET.get("from", ""))
        first = named or dates.add_months(first_of_month(day), -_BACK)
        last = dates.add_months(first, _SHOWN - 1)
        rows = pages.rows_of(selectors.months(first, last, user=self.user), day, self.owner)
        parties = selectors.parties(self.user)
        context = {
            "rows": rows,
            "heads": [(int(step), name) for step, name in pages.STEP_NAMES.items()],
            "coming": pages.coming(rows, parties, day + _SOON) if named is None else [],
            "today": day,
            "owner": self.owner,
            "owners": [(kind.value, kind.label) for kind in calendar.OWNERS],
            "before": self._link(dates.add_months(first, -_SHOWN)),
            "after": self._link(dates.add_months(first, _SHOWN)),
            "feed_url": f"{settings.PORTAL_URL}{reverse('api_audit_feed')}",
        }
        return render(request, "audit/cycles/calendar.html", context)

    def _link(self, month: date) -> str:
        return urlencode({"from": f"{month:%Y-%m}", **({"owner": self.owner} if self.owner else {})})


class FileView(CyclesView):
    """The due days as iCalendar: two months back and a year ahead."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Of the party that the URL names, else of the person's own."""
        now = timezone.now()
        day, owner = today(now), self.owner or calendar.MINE
        found = calendar.due_entries(self.user, day - FEED_BACK, day + FEED_AHEAD, owner=owner, now=now)
        return ics_response(ical.calendar_of(found, now))


class CycleView(CyclesView):
    """One month: its steps with their days, who owes what, how far the federations are."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """As it stands today."""
        try:
            cycle = selectors.cycle(key)
        except AuditCycle.DoesNotExist as error:
            raise Http404 from error
        day, now = today(timezone.now()), timezone.now()
        (month,) = selectors.months(cycle.month, cycle.month, user=self.user)
        (row,) = pages.rows_of([month], day)
        owing = selectors.owing(self.user, cycle)
        trail.record(
            action="audit_cycle.view",
            now=now,
            actor=self.user,
            object_type="audit.auditcycle",
            object_id=cycle.pk,
            object_label=cycle.key,
        )
        context = {
            "cycle": cycle,
            "lines": [(cell, owing.get(cell.step.step, [])) for cell in row.cells],
            "today": day,
            "total": next(iter(month.progress.values())).total,
            "follows": selectors.reads_everything(self.user),
        }
        return render(request, "audit/cycles/cycle.html", context)
