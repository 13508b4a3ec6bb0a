"""The addresses of the log screens."""

from django.urls import path, register_converter

from audit.imports import views
from audit.reconciliation.models import LogKind


class LogKindConverter:
    """A log in an address, in small letters."""

    regex = "|".join(kind.lower() for kind in LogKind.values)

    def to_python(self, value: str) -> str:
        """As the tables have it."""
        return value.upper()

    def to_url(self, value: str) -> str:
        """As addresses have it."""
        return str(value).lower()


register_converter(LogKindConverter, "log_kind")

urlpatterns = [
    path("audit/logs/", views.ImportsView.as_view(), name="log_imports"),
    path("audit/logs/<int:pk>/", views.ImportView.as_view(), name="log_import"),
    path("audit/logs/<int:pk>/start/", views.StartView.as_view(), name="log_import_start"),
    path("audit/logs/<int:pk>/discard/", views.DiscardView.as_view(), name="log_import_discard"),
    path("audit/logs/machines/", views.HostsView.as_view(), name="log_hosts"),
    path("audit/logs/machines/<int:pk>/", views.HostView.as_view(), name="log_host"),
    path("audit/logs/coverage/", views.CoverageView.as_view(), name="log_coverage"),
    path("audit/logs/mapping/<log_kind:log_kind>/", views.MappingView.as_view(), name="log_mapping"),
    path("audit/logs/application/", views.AccessView.as_view(), name="log_application"),
]
