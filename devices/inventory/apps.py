from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    name = "devices.inventory"
    label = "inventory"
    verbose_name = _("inventory of devices")

    def ready(self) -> None:
        """Tell mails, the home page and the page of an application where the campaigns are."""
        from devices.inventory import links

        links.register_all()
