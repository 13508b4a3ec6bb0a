"""The addresses of the ledgers."""

from __future__ import annotations

from django.urls import URLPattern, path

from audit.ledgers import file_views, views
from audit.ledgers.models import Ledger


def _of(ledger: Ledger, word: str) -> list[URLPattern]:
    base, name = f"audit/ledgers/{word}/", f"ledger_{word}"
    pages = {
        "list": (views.ListView, ""),
        "export": (views.ExportView, "export/"),
        "print": (views.PrintView, "print/"),
        "new": (views.NewView, "new/"),
        "file": (file_views.FileView, "file/"),
        "template": (file_views.TemplateView, "template/"),
    }
    return [
        path(f"{base}{rest}", view.as_view(ledger=ledger), name=f"{name}_{page}")
        for page, (view, rest) in pages.items()
    ]


urlpatterns = [
    *_of(Ledger.CENTRAL, "central"),
    *_of(Ledger.FEDERATION, "federation"),
    path("audit/ledgers/types/", file_views.TypesView.as_view(), name="work_types"),
    path("audit/ledgers/files/<int:pk>/", file_views.RowsView.as_view(), name="work_file"),
    path(
        "audit/ledgers/files/<int:pk>/errors/", file_views.ErrorsFileView.as_view(), name="work_file_errors"
    ),
    path("audit/works/<int:pk>/", views.DetailView.as_view(), name="work"),
    path("audit/works/<int:pk>/change/", views.ChangeView.as_view(), name="work_change"),
]
