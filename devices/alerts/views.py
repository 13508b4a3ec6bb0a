"""The screens of the alerts: reading a file, the list, one alert with its answer, and the monthly figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices import selectors as machines
from devices.alerts import answers, imports, selectors
from devices.alerts.forms import AlertAnswerForm, AlertFilterForm
from devices.alerts.models import AlertImport, DeviceAlert
from devices.alerts.tables import ALERTS
from devices.exchange import selectors as exchange
from devices.exchange.errors import AlreadyImported, AnswerRefused, NotAllowed
from devices.exchange.forms import FileForm
from devices.exchange.views import ExchangeView
from devices.registers import DevicesView, RegisterView
from portal.common.csvfile import csv_response
from portal.common.forms import chosen
from portal.orgs.permissions import ANSWER_ALERTS, READ_OPERATIONS, REGISTER_DEVICES
from portal.trail import services as trail
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin

_MOST_AT_ONCE = 200


class AlertsView(RegisterView):
    """What the three views of the list show."""

    table = ALERTS
    names = ("q", "state", "kind", "organisation", "month", "computer", "device")
    action = "alert"
    template = "devices/alerts.html"
    heading = gettext_lazy("Device alerts")

    def found(self, filters: dict[str, str]) -> Any:
        """The alerts that the filters leave."""
        return selectors.alerts(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> AlertFilterForm:
        """The search."""
        return AlertFilterForm(*args, organisations=machines.organisations(self.user), **kwargs)


class ListView(ListMixin, AlertsView):
    """Every alert that this person may see."""

    def more(self) -> dict[str, Any]:
        """Which of the pages beside it are theirs."""
        return {
            "may_answer": self.user.may(ANSWER_ALERTS),
            "may_read": self.user.may(REGISTER_DEVICES) or self.user.may(READ_OPERATIONS),
        }


class ExportView(ExportMixin, AlertsView):
    """As a file."""


class PrintView(PrintMixin, AlertsView):
    """On paper."""


class ImportView(ExchangeView):
    """Read a file of alerts."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form and the files that were read."""
        return self.form_page(FileForm(organisations=exchange.organisations(self.user)))

    def post(self, request: HttpRequest) -> HttpResponse:
        """One service call; every reason stands at the form."""
        self.require_federation()
        form = FileForm(request.POST, request.FILES, organisations=exchange.organisations(self.user))
        if not form.is_valid():
            return self.form_page(form, status=422)
        file = form.cleaned_data["file"]
        try:
            made = imports.import_alerts(
                organisation=form.chosen,
                name=file.name,
                data=file.read(),
                actor=self.user,
                now=timezone.now(),
            )
        except AlreadyImported:
            messages.info(request, _("This very file was read before. Nothing was changed."))
        except FileRefused as error:
            for reason in error.reasons:
                form.add_error("file", reason)
            return self.form_page(form, status=422)
        else:
            text = _("%(new)d new alerts; %(known)d were known; %(wrong)d rows could not be read.")
            numbers = {"new": made.new_count, "known": made.known_count, "wrong": len(made.problems)}
            tell = messages.warning if made.problems else messages.success
            tell(request, text % numbers)
        return redirect("alert_import")

    def form_page(self, form: FileForm, status: int = 200) -> HttpResponse:
        """The form above what was read."""
        found: list[AlertImport] = list(selectors.imports(self.user)[:20])
        context = {
            "form": form if exchange.organisations(self.user) else None,
            "imports": found,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "devices/alert_import.html", context, status=status)


class AnswererView(DevicesView):
    """For those who answer: the security officer and the security manager."""

    def answer(self, form: AlertAnswerForm, seen: Mapping[int, int]) -> bool:
        """One service call; the reason of a refusal stands at the form."""
        try:
            answers.answer_alerts(seen=seen, actor=self.user, now=timezone.now(), **form.cleaned_data)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error
        except AnswerRefused as error:
            form.add_error(error.field or None, error.reason)
            return False
        return True


class DetailView(AnswererView):
    """One alert: what SKYSEA said, what it is tied to, and its answers."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        alert = self.load(pk)
        trail.record(
            action="alert.view",
            now=timezone.now(),
            actor=self.user,
            object_type="alert",
            object_id=alert.pk,
            object_label=alert.title,
            object_organisation_id=alert.organisation_id,
        )
        return self.page(alert)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer it, or correct the answer."""
        alert = self.load(pk)
        if not self.user.may(ANSWER_ALERTS, alert.organisation_id):
            raise PermissionDenied(
                _("Only the security officer or manager of the organisation answers alerts.")
            )
        form = AlertAnswerForm(request.POST, possible=answers.answers_to(alert))
        seen = chosen(request.POST.getlist("alert"))
        if not form.is_valid() or not self.answer(form, {pk: seen.get(pk, 0)}):
            return self.page(alert, form, status=422)
        messages.success(request, _("Answered."))
        return redirect("alert_detail", pk)

    def load(self, pk: int) -> DeviceAlert:
        """Another federation's is as unknown as none (ORG-02)."""
        try:
            return selectors.alert(self.user, pk)
        except DeviceAlert.DoesNotExist as error:
            raise Http404 from error

    def page(
        self, alert: DeviceAlert, form: AlertAnswerForm | None = None, status: int = 200
    ) -> HttpResponse:
        """The alert and the form for those who may answer."""
        may = self.user.may(ANSWER_ALERTS, alert.organisation_id)
        context = {
            "alert": alert,
            "history": selectors.history_of(self.user, alert),
            "form": (form or AlertAnswerForm(possible=answers.answers_to(alert))) if may else None,
            "problems": form.error_summary if form is not None else [],
        }
        return render(self.request, "devices/alert.html", context, status=status)


class OpenView(AnswererView):
    """The open alerts of the own federation, answered together where one answer fits."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """For those who answer."""
        if request.user.is_authenticated and not self.user.may(ANSWER_ALERTS):
            raise PermissionDenied(
                _("Only the security officer or manager of the organisation answers alerts.")
            )
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """The newest first."""
        return self.page(AlertAnswerForm(possible=DeviceAlert.Answer.values))

    def post(self, request: HttpRequest) -> HttpResponse:
        """All that were ticked get the same answer, or none does."""
        form = AlertAnswerForm(request.POST, possible=DeviceAlert.Answer.values)
        seen = chosen(request.POST.getlist("alert"))
        mine = self.mine().filter(pk__in=seen).values_list("pk", flat=True)
        ticked = {pk: seen[pk] for pk in mine}
        if not ticked:  # said together with what else is missing
            form.add_error(None, _("Choose at least one alert."))
        if not form.is_valid() or not self.answer(form, ticked):
            return self.page(form, status=422)
        messages.success(request, _("Answered."))
        return redirect("alert_open")

    def mine(self) -> Any:
        """Those that this person answers."""
        found = selectors.alerts(self.user)
        return found.filter(organisation__in=self.user.organisations_where(ANSWER_ALERTS))

    def page(self, form: AlertAnswerForm, status: int = 200) -> HttpResponse:
        """The alerts with a box each."""
        context = {
            "alerts": self.mine().filter(state=DeviceAlert.State.OPEN)[:_MOST_AT_ONCE],
            "form": form,
            "ticked": self.request.POST.getlist("alert"),
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "devices/alerts_open.html", context, status=status)


class FiguresView(DevicesView):
    """How many alerts there were in each month, of which kind, and how many wait (DEV-08)."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The page, or the same as CSV."""
        rows = selectors.monthly(self.user)
        if request.GET.get("format") != "csv":
            context = {"rows": rows, "kinds": DeviceAlert.Kind.choices}
            return render(request, "devices/alert_figures.html", context)
        trail.record(
            action="alert.export", now=timezone.now(), actor=self.user, detail={"figures": len(rows)}
        )
        header = [
            _("Month"),
            _("Organisation"),
            *map(str, DeviceAlert.Kind.labels),
            _("Total"),
            _("Unanswered"),
        ]
        lines = (
            [
                f"{row['month']:%Y-%m}",
                row["organisation__short_name"],
                *(row[kind] for kind in DeviceAlert.Kind.values),
                row["total"],
                row["open"],
            ]
            for row in rows
        )
        return csv_response(_("Device alerts by month") + ".csv", header, lines)
