"""The addresses of the pages of audit reports."""

from django.urls import path

from audit.reports import order_views, views

urlpatterns = [
    path("audit/reports/", views.ListView.as_view(), name="audit_report_list"),
    path("audit/reports/export/", views.ExportView.as_view(), name="audit_report_export"),
    path("audit/reports/print/", views.PrintView.as_view(), name="audit_report_print"),
    path("audit/reports/files/", order_views.OrdersView.as_view(), name="audit_report_orders"),
    path("audit/reports/many/<str:step>/", views.ManyView.as_view(), name="audit_report_many"),
    path(
        "audit/reports/<str:month>/<str:code>/<int:revision>/",
        views.DetailView.as_view(),
        name="audit_report",
    ),
    path(
        "audit/reports/<str:month>/<str:code>/<int:revision>/file/",
        views.FileView.as_view(),
        name="audit_report_file",
    ),
    path(
        "audit/reports/<str:month>/<str:code>/<int:revision>/ask/",
        views.AskView.as_view(),
        name="audit_report_ask",
    ),
]
