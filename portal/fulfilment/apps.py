from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FulfilmentConfig(AppConfig):
    name = "portal.fulfilment"
    label = "fulfilment"
    verbose_name = _("fulfilment")

    def ready(self) -> None:
        """The first check before the queue: what people did by hand."""
        from portal.fulfilment import after_stop, gate

        gate.register_check("by_hand", after_stop.record_done_by_hand)
