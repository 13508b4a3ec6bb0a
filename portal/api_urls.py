"""Every address of the REST interface, below /api/v1/."""

from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import StringConverter
from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView

from accounts.api import AccountsView
from accounts.dormancy.api import DormantAnswersView, DormantLinesView
from accounts.naming.api import LoginNamesView
from accounts.reconciliation.api import FindingsView
from audit.cycles.api import AuditCyclesView, AuditFeedView
from audit.dashboards.api import AuditOverviewView
from audit.imports.api import CoverageView as LogCoverageView
from audit.imports.api import LogImportStartView, LogImportsView, LogImportView
from audit.ledgers.api import CancelWorkView, ChangeWorkView, WorksView, WorkView
from audit.reconciliation.api import IncidentsView, ReportReasonsView, ReportSessionsView
from audit.reports import api as audit_reports
from audit.retention import api as retention
from devices.alerts.api import AlertAnswerView, AlertsView
from devices.alerts.files_api import AlertFilesView
from devices.api import ComputersView, SegmentsView
from devices.exchange.api import SkyseaAnswerView, SkyseaFindingsView
from devices.guard.api import GuardModesView, GuardsView, WhitelistCheckView, WhitelistView
from devices.inventory.api import InventoryDecisionsView, InventoryLinesView
from devices.permits.api import DeviceRegisteredView, DeviceRemovedView, DevicesView
from devices.quarantine.api import QuarantineView
from devices.quarantine.files_api import QuarantineFilesView
from devices.stations.api import StationsView
from devices.whitelist.api import EntriesView as WhitelistEntriesView
from devices.whitelist.api import HoldersView as WhitelistHoldersView
from portal.common.api.views import ApiView, UnknownAddress
from portal.fulfilment.api import OperationsView
from portal.orgs.api import MeView, OrganisationsView
from portal.two_factor.api import ExchangeBatchesView
from portal.workflow.api.jobs import JobRunsView, JobsView
from portal.workflow.api.schema import description
from portal.workflow.api.views import STEPS, ApplicationsView, ApplicationView, KindsView
from portal.workflow.bulk.api import FilesView
from portal.workflow.calendar.api import CalendarEntriesView, CalendarFeedView
from portal.workflow.catalogue.api import CatalogueView
from portal.workflow.reports.api import ResultReportsView, ResultReportView
from requests.bundles.api import BundlesView, BundleView
from requests.computers.api import ComputerObjectsView
from requests.enquiries.api import EnquiriesView, EnquiryMessagesView, EnquiryView
from requests.faq.api import FaqView
from requests.managed.api import AntivirusMachinesView, MonitoredMachinesView
from requests.networks.api import AllotmentsView
from requests.networks.api import MapView as NetworkMapView
from requests.outages.api import OutageCancelView, OutageConfirmView, OutagesView, OutageView
from requests.own_changes.api import OwnChangesView
from requests.password_settings.api import PasswordLifetimesView
from requests.unlock.api import UnlocksView, WaitingUnlocksView
from requests.zones.api import DnsRecordsView, DnsZonesView


class ApplicationNumber(StringConverter):
    """A number as portal.workflow.numbers makes them; anything else is no address at all."""

    regex = "[A-Z]{1,4}-[0-9]{4}-[0-9]{6,12}"


class DeviceNumber(StringConverter):
    """A number of the register of devices."""

    regex = "DV-[0-9]{4}-[0-9]{6,12}"


register_converter(ApplicationNumber, "application_number")
register_converter(DeviceNumber, "device_number")


class SchemaView(ApiView, SpectacularAPIView):
    """The description of this interface in OpenAPI 3.1."""

    @extend_schema(operation_id="schema_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """As YAML, or as JSON with `Accept: application/json`."""
        renderer = request.accepted_renderer
        filename = self._get_filename(request, None)  # type: ignore[no-untyped-call]
        return HttpResponse(
            description(type(renderer), get_language()),
            content_type=f"{renderer.media_type}; charset=utf-8",
            headers={"Content-Disposition": f'inline; filename="{filename}"'},
        )


urlpatterns: list[URLPattern] = [
    path("catalogue/", CatalogueView.as_view(), name="api_catalogue"),
    path("kinds/", KindsView.as_view(), name="api_kinds"),
    path("applications/", ApplicationsView.as_view(), name="api_applications"),
    path("applications/files/", FilesView.as_view(), name="api_application_files"),
    path("applications/<application_number:number>/", ApplicationView.as_view(), name="api_application"),
    *(
        path(
            f"applications/<application_number:number>/{name}/",
            view.as_view(),
            name=f"api_application_{name}",
        )
        for name, view in STEPS.items()
    ),
    path(
        "applications/<application_number:number>/report/",
        ResultReportView.as_view(),
        name="api_application_report",
    ),
    path("calendar/", CalendarEntriesView.as_view(), name="api_calendar"),
    path("calendar/feed/", CalendarFeedView.as_view(), name="api_calendar_feed"),
    path("reports/", ResultReportsView.as_view(), name="api_reports"),
    path("operations/", OperationsView.as_view(), name="api_operations"),
    path("operations/two-factor/batches/", ExchangeBatchesView.as_view(), name="api_exchange_batches"),
    path("jobs/", JobsView.as_view(), name="api_jobs"),
    path("jobs/<slug:name>/runs/", JobRunsView.as_view(), name="api_job_runs"),
    path("accounts/", AccountsView.as_view(), name="api_accounts"),
    path("login-names/", LoginNamesView.as_view(), name="api_login_names"),
    path("dormant/", DormantLinesView.as_view(), name="api_dormant"),
    path("dormant/answers/", DormantAnswersView.as_view(), name="api_dormant_answers"),
    path("findings/", FindingsView.as_view(), name="api_findings"),
    path("computers/", ComputersView.as_view(), name="api_computers"),
    path("alerts/", AlertsView.as_view(), name="api_alerts"),
    path("alerts/files/", AlertFilesView.as_view(), name="api_alert_files"),
    path("alerts/<int:pk>/answer/", AlertAnswerView.as_view(), name="api_alert_answer"),
    path("stations/", StationsView.as_view(), name="api_stations"),
    path("skysea/findings/", SkyseaFindingsView.as_view(), name="api_skysea_findings"),
    path("skysea/findings/<int:pk>/answer/", SkyseaAnswerView.as_view(), name="api_skysea_answer"),
    path("inventory/", InventoryLinesView.as_view(), name="api_inventory"),
    path("inventory/decisions/", InventoryDecisionsView.as_view(), name="api_inventory_decisions"),
    path("devices/", DevicesView.as_view(), name="api_devices"),
    path(
        "devices/<device_number:device>/registered/",
        DeviceRegisteredView.as_view(),
        name="api_device_registered",
    ),
    path("devices/<device_number:device>/removed/", DeviceRemovedView.as_view(), name="api_device_removed"),
    path("quarantine/", QuarantineView.as_view(), name="api_quarantine"),
    path("quarantine/files/", QuarantineFilesView.as_view(), name="api_quarantine_files"),
    path("whitelist/entries/", WhitelistEntriesView.as_view(), name="api_whitelist_entries"),
    path("whitelist/holders/", WhitelistHoldersView.as_view(), name="api_whitelist_holders"),
    path("whitelist/", WhitelistView.as_view(), name="api_whitelist"),
    path("whitelist/check/", WhitelistCheckView.as_view(), name="api_whitelist_check"),
    path("guards/", GuardsView.as_view(), name="api_guards"),
    path("guards/modes/", GuardModesView.as_view(), name="api_guard_modes"),
    path("computers/objects/", ComputerObjectsView.as_view(), name="api_computer_objects"),
    path("bundles/", BundlesView.as_view(), name="api_bundles"),
    path("bundles/<str:number>/", BundleView.as_view(), name="api_bundle"),
    path("dns/zones/", DnsZonesView.as_view(), name="api_dns_zones"),
    path("dns/records/", DnsRecordsView.as_view(), name="api_dns_records"),
    path("outages/", OutagesView.as_view(), name="api_outages"),
    path("outages/<str:number>/", OutageView.as_view(), name="api_outage"),
    path("outages/<str:number>/cancel/", OutageCancelView.as_view(), name="api_outage_cancel"),
    path("outages/<str:number>/confirm/", OutageConfirmView.as_view(), name="api_outage_confirm"),
    path("networks/", AllotmentsView.as_view(), name="api_networks"),
    path("networks/map/", NetworkMapView.as_view(), name="api_network_map"),
    path("audit/reports/", audit_reports.ReportsView.as_view(), name="api_audit_reports"),
    path(
        "audit/reports/<str:month>/<str:code>/<int:revision>/",
        audit_reports.ReportView.as_view(),
        name="api_audit_report",
    ),
    path(
        "audit/reports/<str:month>/<str:code>/<int:revision>/files/<int:pk>/",
        audit_reports.FileView.as_view(),
        name="api_audit_report_file",
    ),
    path(
        "audit/reports/<str:month>/<str:code>/<int:revision>/steps/<slug:step>/",
        audit_reports.StepView.as_view(),
        name="api_audit_report_step",
    ),
    path("enquiries/", EnquiriesView.as_view(), name="api_enquiries"),
    path("enquiries/<str:number>/", EnquiryView.as_view(), name="api_enquiry"),
    path("enquiries/<str:number>/messages/", EnquiryMessagesView.as_view(), name="api_enquiry_messages"),
    path("faq/", FaqView.as_view(), name="api_faq"),
    path("password-lifetimes/", PasswordLifetimesView.as_view(), name="api_password_lifetimes"),
    path("unlocks/", UnlocksView.as_view(), name="api_unlocks"),
    path("unlocks/waiting/", WaitingUnlocksView.as_view(), name="api_unlocks_waiting"),
    path("antivirus/machines/", AntivirusMachinesView.as_view(), name="api_antivirus_machines"),
    path("monitoring/machines/", MonitoredMachinesView.as_view(), name="api_monitored_machines"),
    path("own-changes/", OwnChangesView.as_view(), name="api_own_changes"),
    path("audit/works/", WorksView.as_view(), name="api_works"),
    path("audit/works/<int:pk>/", WorkView.as_view(), name="api_work"),
    path("audit/works/<int:pk>/change/", ChangeWorkView.as_view(), name="api_work_change"),
    path("audit/works/<int:pk>/cancel/", CancelWorkView.as_view(), name="api_work_cancel"),
    path(
        "audit/reports/<str:month>/<str:code>/<int:revision>/mismatches/",
        ReportSessionsView.as_view(),
        name="api_audit_mismatches",
    ),
    path(
        "audit/reports/<str:month>/<str:code>/<int:revision>/mismatches/reasons/",
        ReportReasonsView.as_view(),
        name="api_audit_reasons",
    ),
    path("audit/incidents/", IncidentsView.as_view(), name="api_audit_incidents"),
    path("segments/", SegmentsView.as_view(), name="api_segments"),
    path("audit/overview/", AuditOverviewView.as_view(), name="api_audit_overview"),
    path("audit/retention/", retention.RetentionView.as_view(), name="api_audit_retention"),
    path("audit/retention/holds/", retention.HoldsView.as_view(), name="api_audit_holds"),
    path("audit/retention/disposals/", retention.DisposalsView.as_view(), name="api_audit_disposals"),
    path("audit/cycles/", AuditCyclesView.as_view(), name="api_audit_cycles"),
    path("audit/calendar/feed/", AuditFeedView.as_view(), name="api_audit_feed"),
    path("audit/logs/", LogImportsView.as_view(), name="api_log_imports"),
    path("audit/logs/<int:pk>/", LogImportView.as_view(), name="api_log_import"),
    path("audit/logs/<int:pk>/start/", LogImportStartView.as_view(), name="api_log_import_start"),
    path("audit/coverage/", LogCoverageView.as_view(), name="api_log_coverage"),
    path("organisations/", OrganisationsView.as_view(), name="api_organisations"),
    path("me/", MeView.as_view(), name="api_me"),
    path("schema/", SchemaView.as_view(), name="api_schema"),
    re_path("", UnknownAddress.as_view(), name="api_unknown"),
]
