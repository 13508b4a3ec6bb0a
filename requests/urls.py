"""The addresses of the screens about change tickets."""

from django.urls import path

from requests.dns import views as dns
from requests.zones import views as zones

urlpatterns = [
    path("dns/records/", zones.ListView.as_view(), name="dns_record_list"),
    path("dns/records/export/", zones.ExportView.as_view(), name="dns_record_export"),
    path("dns/records/print/", zones.PrintView.as_view(), name="dns_record_print"),
    path("dns/zones/", zones.ZonesView.as_view(), name="dns_zone_list"),
    path("dns/zones/<int:pk>/", zones.ZoneView.as_view(), name="dns_zone"),
    path("dns/tickets/<str:number>/rollback/", dns.RollbackView.as_view(), name="dns_rollback"),
]
