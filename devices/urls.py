"""The addresses of the screens about machines and devices."""

from django.urls import path

from devices.alerts import views as alerts
from devices.choices import views as choices
from devices.computers import views as computers
from devices.exchange import views as exchange
from devices.guard import views as guard
from devices.permits import views as permits
from devices.quarantine import views as quarantine
from devices.segments import views as segments
from devices.stations import views as stations
from devices.whitelist import views as whitelist

urlpatterns = [
    path("computers/", computers.ListView.as_view(), name="computer_list"),
    path("computers/export/", computers.ExportView.as_view(), name="computer_export"),
    path("computers/print/", computers.PrintView.as_view(), name="computer_print"),
    path("computers/<uuid:uid>/", computers.DetailView.as_view(), name="computer_detail"),
    path("devices/", permits.ListView.as_view(), name="device_list"),
    path("devices/export/", permits.ExportView.as_view(), name="device_export"),
    path("devices/print/", permits.PrintView.as_view(), name="device_print"),
    path("devices/registration/", permits.RegistrationListView.as_view(), name="registration_list"),
    path("devices/registration/<str:number>/", permits.RecordView.as_view(), name="registration_record"),
    path("devices/<str:number>/", permits.DetailView.as_view(), name="device_detail"),
    path("computers/choices/", choices.ListView.as_view(), name="choice_list"),
    path("computers/choices/<slug:of>/<slug:code>/", choices.EndView.as_view(), name="choice_end"),
    path("operations/guard/", guard.ListView.as_view(), name="guard_list"),
    path("operations/guard/publish/", guard.PublishView.as_view(), name="guard_publish"),
    path("operations/guard/release/", guard.ReleaseView.as_view(), name="guard_release"),
    path("operations/guard/file/<slug:form>/", guard.FileView.as_view(), name="guard_file"),
    path("operations/guard/modes/", guard.ModeView.as_view(), name="guard_modes"),
    path("operations/guard/mapping/", guard.MappingView.as_view(), name="guard_mapping"),
    path("quarantine/", quarantine.ListView.as_view(), name="quarantine_list"),
    path("quarantine/export/", quarantine.ExportView.as_view(), name="quarantine_export"),
    path("quarantine/print/", quarantine.PrintView.as_view(), name="quarantine_print"),
    path("quarantine/imports/", quarantine.ImportsView.as_view(), name="quarantine_imports"),
    path("quarantine/imports/<int:pk>/", quarantine.ImportView.as_view(), name="quarantine_import"),
    path("quarantine/mapping/", quarantine.MappingView.as_view(), name="quarantine_mapping"),
    path("whitelist/", whitelist.ListView.as_view(), name="whitelist_list"),
    path("whitelist/export/", whitelist.ExportView.as_view(), name="whitelist_export"),
    path("whitelist/print/", whitelist.PrintView.as_view(), name="whitelist_print"),
    path("whitelist/holders/", whitelist.HoldersView.as_view(), name="whitelist_holders"),
    path("whitelist/local/", whitelist.LocalListView.as_view(), name="local_address_list"),
    path("whitelist/local/<int:pk>/end/", whitelist.LocalEndView.as_view(), name="local_address_end"),
    path("whitelist/<uuid:uid>/", whitelist.EntryView.as_view(), name="whitelist_entry"),
    path("segments/", segments.ListView.as_view(), name="segment_list"),
    path("segments/<int:pk>/change/", segments.ChangeView.as_view(), name="segment_change"),
    path("segments/<int:pk>/end/", segments.EndView.as_view(), name="segment_end"),
    path("skysea/", exchange.HomeView.as_view(), name="skysea_home"),
    path("skysea/orders/", exchange.OrdersView.as_view(), name="skysea_orders"),
    path("skysea/orders/<int:pk>/", exchange.OrderFileView.as_view(), name="skysea_order_file"),
    path("skysea/import/", exchange.ImportView.as_view(), name="skysea_import"),
    path("skysea/imports/<int:pk>/", exchange.ImportDetailView.as_view(), name="skysea_import_detail"),
    path("skysea/mapping/", exchange.MappingView.as_view(), name="skysea_mapping"),
    path("skysea/findings/", exchange.FindingListView.as_view(), name="skysea_findings"),
    path("skysea/findings/export/", exchange.FindingExportView.as_view(), name="skysea_findings_export"),
    path("skysea/findings/print/", exchange.FindingPrintView.as_view(), name="skysea_findings_print"),
    path("skysea/findings/<int:pk>/", exchange.FindingView.as_view(), name="skysea_finding"),
    path("alerts/", alerts.ListView.as_view(), name="alert_list"),
    path("alerts/export/", alerts.ExportView.as_view(), name="alert_export"),
    path("alerts/print/", alerts.PrintView.as_view(), name="alert_print"),
    path("alerts/import/", alerts.ImportView.as_view(), name="alert_import"),
    path("alerts/open/", alerts.OpenView.as_view(), name="alert_open"),
    path("alerts/figures/", alerts.FiguresView.as_view(), name="alert_figures"),
    path("alerts/<int:pk>/", alerts.DetailView.as_view(), name="alert_detail"),
    path("stations/", stations.ListView.as_view(), name="station_list"),
    path("stations/export/", stations.ExportView.as_view(), name="station_export"),
    path("stations/print/", stations.PrintView.as_view(), name="station_print"),
    path("stations/<int:pk>/end/", stations.EndView.as_view(), name="station_end"),
]
