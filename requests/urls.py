"""The addresses of the screens about change tickets."""

from django.urls import path

from requests.bundles import deciding as bundle_deciding
from requests.bundles import views as bundles
from requests.computers import views as computers
from requests.dns import views as dns
from requests.enquiries import views as enquiries
from requests.faq import views as faq
from requests.managed import views as managed
from requests.networks import views as networks
from requests.outages import views as outages
from requests.own_changes import views as own_changes
from requests.password_settings import views as password_settings
from requests.unlock import views as unlock
from requests.zones import views as zones

urlpatterns = [
    path("password-lifetimes/", password_settings.ListView.as_view(), name="password_lifetime_list"),
    path(
        "password-lifetimes/export/", password_settings.ExportView.as_view(), name="password_lifetime_export"
    ),
    path("password-lifetimes/print/", password_settings.PrintView.as_view(), name="password_lifetime_print"),
    path(
        "password-lifetimes/in-directory/",
        password_settings.InDirectoryView.as_view(),
        name="password_settings_in_directory",
    ),
    path(
        "password-lifetimes/applications/<str:number>/accounts/",
        password_settings.PeopleView.as_view(),
        name="password_lifetime_people",
    ),
    path("password-lifetimes/<int:pk>/", password_settings.DetailView.as_view(), name="password_lifetime"),
    path("computers/objects/", computers.ListView.as_view(), name="computer_object_list"),
    path("computers/objects/export/", computers.ExportView.as_view(), name="computer_object_export"),
    path("computers/objects/print/", computers.PrintView.as_view(), name="computer_object_print"),
    path("computers/objects/<uuid:guid>/", computers.DetailView.as_view(), name="computer_object"),
    path("bundles/", bundles.ListView.as_view(), name="bundle_list"),
    path("bundles/export/", bundles.ExportView.as_view(), name="bundle_export"),
    path("bundles/print/", bundles.PrintView.as_view(), name="bundle_print"),
    path("bundles/new/", bundles.NewView.as_view(), name="bundle_new"),
    path("bundles/<str:number>/", bundles.DetailView.as_view(), name="bundle"),
    path("bundles/<str:number>/edit/", bundles.EditView.as_view(), name="bundle_edit"),
    path("bundles/<str:number>/table/", bundles.TemplateView.as_view(), name="bundle_template"),
    path("bundles/<str:number>/review/", bundles.ReviewView.as_view(), name="bundle_review"),
    path("bundles/<str:number>/discard/", bundles.DiscardView.as_view(), name="bundle_discard"),
    path("bundles/<str:number>/decide/", bundle_deciding.DecideView.as_view(), name="bundle_decide"),
    path("bundles/<str:number>/parts/", bundles.PartsView.as_view(), name="bundle_parts"),
    path("dns/records/", zones.ListView.as_view(), name="dns_record_list"),
    path("dns/records/export/", zones.ExportView.as_view(), name="dns_record_export"),
    path("dns/records/print/", zones.PrintView.as_view(), name="dns_record_print"),
    path("dns/zones/", zones.ZonesView.as_view(), name="dns_zone_list"),
    path("dns/zones/<int:pk>/", zones.ZoneView.as_view(), name="dns_zone"),
    path("antivirus/machines/", managed.AntivirusListView.as_view(), name="antivirus_list"),
    path("antivirus/machines/export/", managed.AntivirusExportView.as_view(), name="antivirus_export"),
    path("antivirus/machines/print/", managed.AntivirusPrintView.as_view(), name="antivirus_print"),
    path("monitoring/machines/", managed.MonitoredListView.as_view(), name="monitored_list"),
    path("monitoring/machines/export/", managed.MonitoredExportView.as_view(), name="monitored_export"),
    path("monitoring/machines/print/", managed.MonitoredPrintView.as_view(), name="monitored_print"),
    path("own-changes/", own_changes.ListView.as_view(), name="own_change_list"),
    path("own-changes/export/", own_changes.ExportView.as_view(), name="own_change_export"),
    path("own-changes/print/", own_changes.PrintView.as_view(), name="own_change_print"),
    path("own-changes/new/l2sw/", own_changes.NewView.as_view(), {"form": "l2sw"}, "own_change_switch"),
    path("own-changes/new/policy/", own_changes.NewView.as_view(), {"form": "policy"}, "own_change_policy"),
    path(
        "own-changes/file/l2sw/", own_changes.FileView.as_view(), {"form": "l2sw"}, "own_change_switch_file"
    ),
    path(
        "own-changes/file/policy/",
        own_changes.FileView.as_view(),
        {"form": "policy"},
        "own_change_policy_file",
    ),
    path("own-changes/<str:number>/", own_changes.DetailView.as_view(), name="own_change"),
    path("managed-machines/<int:pk>/", managed.DetailView.as_view(), name="managed_detail"),
    path("dns/tickets/<str:number>/rollback/", dns.RollbackView.as_view(), name="dns_rollback"),
    path("outages/", outages.ListView.as_view(), name="outage_list"),
    path("outages/export/", outages.ExportView.as_view(), name="outage_export"),
    path("outages/print/", outages.PrintView.as_view(), name="outage_print"),
    path("outages/new/", outages.NewView.as_view(), name="outage_new"),
    path("outages/<str:number>/", outages.DetailView.as_view(), name="outage"),
    path("outages/<str:number>/change/", outages.ChangeView.as_view(), name="outage_change"),
    path("outages/<str:number>/ics/", outages.IcalendarView.as_view(), name="outage_ics"),
    path("networks/", networks.MapView.as_view(), name="network_map"),
    path("networks/allotments/", networks.ListView.as_view(), name="network_list"),
    path("networks/allotments/export/", networks.ExportView.as_view(), name="network_export"),
    path("networks/allotments/print/", networks.PrintView.as_view(), name="network_print"),
    path("networks/allot/<int:pk>/", networks.AllotView.as_view(), name="network_allot"),
    path("enquiries/", enquiries.ListView.as_view(), name="enquiry_list"),
    path("enquiries/export/", enquiries.ExportView.as_view(), name="enquiry_export"),
    path("enquiries/print/", enquiries.PrintView.as_view(), name="enquiry_print"),
    path("enquiries/new/", enquiries.NewView.as_view(), name="enquiry_new"),
    path("enquiries/<str:number>/", enquiries.DetailView.as_view(), name="enquiry"),
    path("enquiries/<str:number>/files/<int:pk>/", enquiries.FileView.as_view(), name="enquiry_file"),
    path("enquiries/<str:enquiry>/faq/", faq.WriteView.as_view(), name="enquiry_faq"),
    path("faq/", faq.ListView.as_view(), name="faq_list"),
    path("faq/new/", faq.WriteView.as_view(), name="faq_new"),
    path("faq/suggestions/", faq.SuggestionsView.as_view(), name="faq_suggestions"),
    path("faq/versions/<int:pk>/", faq.VersionView.as_view(), name="faq_version"),
    path("faq/<str:number>/", faq.EntryView.as_view(), name="faq_entry"),
    path("faq/<str:number>/edit/", faq.WriteView.as_view(), name="faq_edit"),
    path("faq/<str:number>/withdraw/", faq.WithdrawView.as_view(), name="faq_withdraw"),
    path("unlocks/", unlock.ListView.as_view(), name="unlock_list"),
    path("unlocks/export/", unlock.ExportView.as_view(), name="unlock_export"),
    path("unlocks/print/", unlock.PrintView.as_view(), name="unlock_print"),
    path("unlocks/apply/", unlock.ApplyView.as_view(), name="unlock_apply"),
    path("unlocks/waiting/", unlock.WaitingView.as_view(), name="unlock_waiting"),
    path("unlocks/waiting/<str:number>/", unlock.UnlockNowView.as_view(), name="unlock_now"),
]
