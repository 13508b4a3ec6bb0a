"""The addresses of the review of mismatches and of incidents."""

from django.urls import path

from audit.reconciliation import incident_views, review_views

_LOG = "audit/reports/<str:month>/<str:code>/<int:revision>/sessions/<str:log>/"

urlpatterns = [
    path(_LOG, review_views.ReviewView.as_view(), name="audit_sessions"),
    path(f"{_LOG}export/", review_views.ExportView.as_view(), name="audit_sessions_export"),
    path(f"{_LOG}print/", review_views.PrintView.as_view(), name="audit_sessions_print"),
    path(f"{_LOG}<int:pk>/", review_views.SessionView.as_view(), name="audit_session"),
    path("audit/incidents/", incident_views.ListView.as_view(), name="incident_list"),
    path("audit/incidents/export/", incident_views.ExportView.as_view(), name="incident_export"),
    path("audit/incidents/print/", incident_views.PrintView.as_view(), name="incident_print"),
    path("audit/incidents/<str:number>/", incident_views.IncidentView.as_view(), name="incident"),
]
