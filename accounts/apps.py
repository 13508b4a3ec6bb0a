from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"
    verbose_name = _("accounts")

    def ready(self) -> None:
        """Register this app's kinds and handlers."""
        from accounts import kinds

        kinds.register_all()
