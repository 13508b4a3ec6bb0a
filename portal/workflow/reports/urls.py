"""The addresses of result reports."""

from django.urls import path

from portal.workflow.reports import views

urlpatterns = [
    path("applications/<str:number>/report/", views.ReportPdfView.as_view(), name="application_report"),
    path(
        "applications/<str:number>/report/files/<int:pk>/",
        views.ReportFileView.as_view(),
        name="application_report_file",
    ),
    path("applications/<str:number>/report/told/", views.ToldView.as_view(), name="application_told"),
    path("reports/", views.ListView.as_view(), name="report_list"),
    path("reports/export/", views.ExportView.as_view(), name="report_export"),
    path("reports/print/", views.PrintView.as_view(), name="report_print"),
]
