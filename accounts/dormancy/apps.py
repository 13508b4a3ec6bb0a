from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DormancyConfig(AppConfig):
    name = "accounts.dormancy"
    label = "dormancy"
    verbose_name = _("dormant accounts")

    def ready(self) -> None:
        """Tell mails and the page of an application where the lists are."""
        from accounts.dormancy import links

        links.register_all()
