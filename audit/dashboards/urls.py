"""The addresses of the dashboards."""

from django.urls import path

from audit.dashboards import views

urlpatterns = [
    path("audit/", views.DashboardView.as_view(), name="audit_dashboard"),
    path("audit/export/", views.DashboardExportView.as_view(), name="audit_dashboard_export"),
]
