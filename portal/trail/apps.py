from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrailConfig(AppConfig):
    name = "portal.trail"
    label = "trail"
    verbose_name = _("audit trail")

    def ready(self) -> None:
        """Register the evidence of this room (SEC-02)."""
        from django.core import checks

        from portal.trail import evidence, keys

        checks.register(keys.settings_of_the_evidence)
        evidence.register()
