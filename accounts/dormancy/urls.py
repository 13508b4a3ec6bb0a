"""The addresses of the lists of dormant accounts."""

from __future__ import annotations

from datetime import date

from django.urls import path, register_converter

from accounts.dormancy import views


class Month:
    """A month as 2026-12; its first day in Python."""

    regex = "20[0-9]{2}-(?:0[1-9]|1[0-2])"

    def to_python(self, value: str) -> date:
        """The first day of the month."""
        return date.fromisoformat(f"{value}-01")

    def to_url(self, value: date | str) -> str:
        """The month of a day."""
        return value if isinstance(value, str) else f"{value:%Y-%m}"


register_converter(Month, "month")

urlpatterns = [
    path("dormant/", views.MonthsView.as_view(), name="dormant_list"),
    path("dormant/<month:period>/", views.ReportView.as_view(), name="dormant_report"),
    path("dormant/<month:period>/export/", views.ReportExportView.as_view(), name="dormant_report_export"),
    path("dormant/<month:period>/<slug:code>/", views.ReviewView.as_view(), name="dormant_review"),
    path("dormant/<month:period>/<slug:code>/answer/", views.AnswerView.as_view(), name="dormant_answer"),
    path("dormant/<month:period>/<slug:code>/table/", views.SheetView.as_view(), name="dormant_sheet"),
    path("dormant/<month:period>/<slug:code>/upload/", views.UploadView.as_view(), name="dormant_upload"),
    path("dormant/<month:period>/<slug:code>/export/", views.ExportView.as_view(), name="dormant_export"),
]
