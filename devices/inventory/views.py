"""The screens of the campaigns: all quarters, one quarter over the country, its report, labels for devices (DEV-07)."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from devices.inventory import closing, exports, labels, reporting, selectors
from devices.inventory.errors import NotDue
from devices.inventory.models import InventoryCampaign
from devices.permits import selectors as devices
from devices.permits.models import DevicePermit
from devices.registers import DevicesView
from portal.common.export import rows_response
from portal.common.time import today
from portal.documents.pdf import PdfUnavailable, render_pdf
from portal.documents.responses import no_pdf, pdf_response
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail


class QuartersView(DevicesView):
    """Every quarter with the counts of what the person sees."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Numbers only, so nothing is recorded."""
        return render(request, "inventory/quarters.html", {"quarters": selectors.quarters(self.user)})


class CampaignMixin(DevicesView):
    """A view of one campaign."""

    def load_campaign(self, period: date) -> InventoryCampaign:
        """The campaign; raises Http404."""
        try:
            return InventoryCampaign.objects.get(starts_on=period)
        except InventoryCampaign.DoesNotExist as error:
            raise Http404 from error

    def pdf(self, campaign: InventoryCampaign, code: str) -> HttpResponse:
        """The report of what the person sees; recorded like every printing (SEC-02)."""
        now = timezone.now()
        detail = {"campaign": str(campaign), "organisation": code}
        trail.record(action="inventory.print", now=now, actor=self.user, detail=detail)
        try:
            data = reporting.pdf(self.user, campaign, code, now)
        except PdfUnavailable:
            return no_pdf(self.request)
        return pdf_response(data, f"inventory-{campaign}{'-' + code if code else ''}.pdf")


class CampaignView(CampaignMixin):
    """One quarter: how far each federation is, the late ones first."""

    def get(self, request: HttpRequest, period: date) -> HttpResponse:
        """A federation sees its own row."""
        campaign, day = self.load_campaign(period), timezone.localdate()
        context = {
            "campaign": campaign,
            "report": selectors.report(self.user, campaign, day),
            "may_close": campaign.is_open and day > campaign.due_on and self.user.may(RUN_OPERATIONS),
        }
        return render(request, "inventory/campaign.html", context)


class CampaignExportView(CampaignMixin):
    """How far each federation is, as a table."""

    def get(self, request: HttpRequest, period: date) -> HttpResponseBase:
        """Who took it is recorded (SEC-02)."""
        campaign = self.load_campaign(period)
        now = timezone.now()
        report = selectors.report(self.user, campaign, today(now))
        trail.record(action="inventory.export", now=now, actor=self.user, detail={"campaign": str(campaign)})
        name = _("inventory of devices") + f" {campaign}"
        return rows_response(
            request.GET.get("format", ""), name, exports.report_header(), exports.report_rows(report)
        )


class ReportView(CampaignMixin):
    """The closing report over everything that the person sees, as PDF."""

    def get(self, request: HttpRequest, period: date) -> HttpResponse:
        """Names every row that nobody decided."""
        return self.pdf(self.load_campaign(period), "")


class CloseView(CampaignMixin):
    """Operations close a campaign whose date has passed."""

    http_method_names = ["post", "options"]  # noqa: RUF012

    def post(self, request: HttpRequest, period: date) -> HttpResponse:
        """Closed twice is once."""
        campaign = self.load_campaign(period)
        try:
            closing.close(campaign_id=campaign.pk, actor=self.user, now=timezone.now())
        except NotDue:
            messages.error(request, _("The date has not passed: it can be closed from the day after it."))
        else:
            messages.success(request, _("The inventory is closed. The report can be printed."))
        return redirect("inventory_campaign", f"{period:%Y-%m}")


class LabelsView(DevicesView):
    """Labels of registered devices: those of an organisation, or those that a search finds."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """At most labels.MOST at once; `after` names the last device of the print before."""
        names = ("q", "organisation", "kind")
        filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in names}
        rows = devices.devices(self.user, **filters).filter(permit__state=DevicePermit.State.REGISTERED)
        after = request.GET.get("after", "").replace("\x00", "")[:20]
        found = list(rows.filter(number__gt=after).order_by("number")[: labels.MOST + 1])
        if not found:
            raise Http404
        shown = found[: labels.MOST]
        detail = {"filters": filters, "count": len(shown), "first": shown[0].number}
        trail.record(action="inventory.labels", now=timezone.now(), actor=self.user, detail=detail)
        context = {"labels": labels.labels(shown), "more": len(found) > labels.MOST}
        try:
            return pdf_response(render_pdf("documents/device_labels.html", context), "labels.pdf")
        except PdfUnavailable:
            return no_pdf(request)


def forbid_unless(allowed: bool, reason: str) -> None:
    """403 with the reason on the page."""
    if not allowed:
        raise PermissionDenied(reason)
