from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContinuityConfig(AppConfig):
    name = "portal.continuity"
    label = "continuity"
    verbose_name = _("continuity")

    def ready(self) -> None:
        """What every pack holds, whatever rooms are installed."""
        from portal.continuity import parts

        parts.register_all()
