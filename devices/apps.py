from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DevicesConfig(AppConfig):
    name = "devices"
    label = "devices"
    verbose_name = _("devices")

    def ready(self) -> None:
        """Register this app's kinds and handlers, and its registers for field-level history (SEC-02)."""
        from auditlog.registry import auditlog

        from devices.computers import kinds
        from devices.models import Computer, Segment

        kinds.register_all()
        auditlog.register(Computer, exclude_fields=["created_at", "updated_at", "search_text"])
        auditlog.register(Segment, exclude_fields=["created_at", "updated_at"])
