"""The screens of planned outages: list, month, page with confirmation, and planning for operations."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.notices.messages import link
from portal.orgs.models import Organisation
from portal.orgs.permissions import PLAN_OUTAGES
from portal.workflow import registers
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView
from requests.outages import calendar, selectors, services
from requests.outages.errors import NotAllowed, Refused
from requests.outages.forms import (
    CancelForm,
    ChangeForm,
    ConfirmForm,
    OutageFilterForm,
    OutageForm,
    shown_values,
)
from requests.outages.models import Outage
from requests.outages.tables import OUTAGES


class OutagesView(PersonView):
    """A view of outages that concern the person."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refusals of a service become 403, with the reason on the page."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error

    def load(self, number: str) -> Outage:
        """One that does not concern the person is as unknown as none (ORG-02)."""
        return self.one(selectors.outage, number)


class OutageRegisterView(OutagesView, registers.RegisterView):
    """What the three views of the list show."""

    table = OUTAGES
    names = ("q", "state", "system", "month", "organisation")
    action = "outage"
    template = "requests/outages.html"
    heading = gettext_lazy("Planned outages")

    def found(self, filters: dict[str, str]) -> Any:
        """The outages that the filters leave."""
        return selectors.outages(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> OutageFilterForm:
        """The search."""
        return OutageFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)


class ListView(ListMixin, OutageRegisterView):
    """Every outage that concerns the person."""

    def more(self) -> dict[str, Any]:
        """Whether a new one can be planned."""
        return {"may_plan": self.user.may(PLAN_OUTAGES)}


class ExportView(ExportMixin, OutageRegisterView):
    """As a file."""


class PrintView(PrintMixin, OutageRegisterView):
    """On paper."""


class DetailView(OutagesView):
    """One outage: what, when, whom, and what the named persons found."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """As it stands now."""
        return self.page(self.load(number))

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Confirm normality, or cancel it."""
        outage, step, now = self.load(number), request.POST.get("step", ""), timezone.now()
        if step not in ("confirm", "cancel"):
            return HttpResponse(status=422)
        if step == "cancel" and not self.user.may(PLAN_OUTAGES):
            raise PermissionDenied(_("Only network operations plan outages."))
        form = (ConfirmForm if step == "confirm" else CancelForm)(request.POST, prefix=step)
        if not form.is_valid():
            return self.page(outage, form, status=422)
        service: Any = services.confirm if step == "confirm" else services.cancel
        try:
            service(outage_id=outage.pk, **form.cleaned_data, actor=self.user, now=now)
        except Refused as refused:
            form.refuse(refused)
            return self.page(self.load(number), form, status=422)
        messages.success(
            request, _("Recorded.") if step == "confirm" else _("Cancelled. Everybody concerned is told.")
        )
        return redirect("outage", number)

    def page(self, outage: Outage, form: Any = None, status: int = 200) -> HttpResponse:
        """With the forms that are the person's."""
        now = timezone.now()
        shown, live = outage.shown(now), outage.state == Outage.State.PLANNED
        named = selectors.confirmers(self.user, outage)
        mine = next((each for each in named if each.person_id == self.user.pk), None)
        may_plan = self.user.may(PLAN_OUTAGES)
        forms: dict[str, Any] = {}
        if live and mine is not None and now >= outage.stops_at:
            forms["confirm"] = ConfirmForm(
                prefix="confirm", initial={"result": mine.result, "note": mine.note}
            )
        if live and may_plan and now < outage.stops_at:
            forms["cancel"] = CancelForm(prefix="cancel", initial={"version": outage.version})
        if form is not None:
            forms[form.prefix] = form
        context = {
            "outage": outage,
            "shown": shown,
            "concerned": selectors.concerned(self.user, outage),
            "confirmers": named,
            "history": selectors.history(self.user, outage),
            "forms": forms,
            "may_change": live and may_plan,
            "problems": form.error_summary if form is not None else [],
        }
        return render(self.request, "requests/outage.html", context, status=status)


class IcalendarView(OutagesView):
    """One outage for another calendar."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """As a file."""
        outage = self.load(number)
        host = urlsplit(settings.PORTAL_URL).hostname or "portal"
        text = calendar.icalendar(outage, link("outage", outage.number), host)
        response = HttpResponse(text, content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{outage.number}.ics"'
        return response


class PlannerView(OutagesView):
    """A view for those who plan."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Everybody else gets 403."""
        if request.user.is_authenticated and not self.user.may(PLAN_OUTAGES):
            raise PermissionDenied(_("Only network operations plan outages."))
        return super().dispatch(request, *args, **kwargs)

    def choices(self) -> dict[str, Any]:
        """Every organisation, and the people who can be named."""
        return {"organisations": Organisation.objects.all(), "people": selectors.people_who_confirm()}

    def page(self, form: OutageForm, outage: Outage | None = None, status: int = 200) -> HttpResponse:
        """The form."""
        context = {"form": form, "outage": outage, "problems": form.error_summary if form.is_bound else []}
        return render(self.request, "requests/outage_plan.html", context, status=status)


class NewView(PlannerView):
    """Plan an outage."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """An empty form."""
        return self.page(OutageForm(**self.choices()))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Announce it."""
        form = OutageForm(request.POST, **self.choices())
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            made = services.plan(wanted=form.plan(), actor=self.user, now=timezone.now())
        except Refused as refused:
            form.refuse(refused)
            return self.page(form, status=422)
        messages.success(request, _("Planned. Everybody concerned gets a mail."))
        return redirect("outage", made.number)


class ChangeView(PlannerView):
    """Change an outage."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """As it stands."""
        outage = self.load(number)
        return self.page(ChangeForm(initial=shown_values(outage), **self.choices()), outage)

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Everybody concerned is told again."""
        outage, form = self.load(number), ChangeForm(request.POST, **self.choices())
        if not form.is_valid():
            return self.page(form, outage, status=422)
        try:
            services.change(
                outage_id=outage.pk,
                version=form.cleaned_data["version"],
                wanted=form.plan(),
                actor=self.user,
                now=timezone.now(),
            )
        except Refused as refused:
            form.refuse(refused)
            return self.page(form, outage, status=422)
        messages.success(request, _("Changed. Everybody concerned is told."))
        return redirect("outage", number)
