"""The addresses of the inventory of devices."""

from __future__ import annotations

from datetime import date

from django.urls import path, register_converter

from devices.inventory import public_views, sheet_views, views


class Quarter:
    """The first month of a quarter as 2027-01; its first day in Python."""

    regex = "20[0-9]{2}-(?:01|04|07|10)"

    def to_python(self, value: str) -> date:
        """The first day of the quarter."""
        return date.fromisoformat(f"{value}-01")

    def to_url(self, value: date | str) -> str:
        """The month of a day."""
        return value if isinstance(value, str) else f"{value:%Y-%m}"


register_converter(Quarter, "quarter")

_CAMPAIGN = "inventory/<quarter:period>/"
_SHEET = f"{_CAMPAIGN}<slug:code>/"

urlpatterns = [
    path("inventory/", views.QuartersView.as_view(), name="inventory_list"),
    path("inventory/labels/", views.LabelsView.as_view(), name="inventory_labels"),
    path("inventory/question/<slug:token>/", public_views.QuestionView.as_view(), name="inventory_question"),
    path(_CAMPAIGN, views.CampaignView.as_view(), name="inventory_campaign"),
    path(f"{_CAMPAIGN}report/", views.ReportView.as_view(), name="inventory_report"),
    path(f"{_CAMPAIGN}export/", views.CampaignExportView.as_view(), name="inventory_campaign_export"),
    path(f"{_CAMPAIGN}close/", views.CloseView.as_view(), name="inventory_close"),
    path(_SHEET, sheet_views.SheetView.as_view(), name="inventory_sheet"),
    path(f"{_SHEET}decide/", sheet_views.DecideView.as_view(), name="inventory_decide"),
    path(f"{_SHEET}table/", sheet_views.TableView.as_view(), name="inventory_table"),
    path(f"{_SHEET}upload/", sheet_views.UploadView.as_view(), name="inventory_upload"),
    path(f"{_SHEET}recent/", sheet_views.KeepRecentView.as_view(), name="inventory_recent"),
    path(f"{_SHEET}replies/", sheet_views.TakeOverView.as_view(), name="inventory_replies"),
    path(f"{_SHEET}ask/", sheet_views.AskView.as_view(), name="inventory_ask"),
    path(f"{_SHEET}removals/", sheet_views.RemovalsView.as_view(), name="inventory_removals"),
    path(f"{_SHEET}scan/", sheet_views.ScanView.as_view(), name="inventory_scan"),
    path(f"{_SHEET}export/", sheet_views.ExportView.as_view(), name="inventory_export"),
    path(f"{_SHEET}report/", sheet_views.SheetReportView.as_view(), name="inventory_sheet_report"),
]
