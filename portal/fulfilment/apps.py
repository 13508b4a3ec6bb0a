from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FulfilmentConfig(AppConfig):
    name = "portal.fulfilment"
    label = "fulfilment"
    verbose_name = _("fulfilment")

    def ready(self) -> None:
        """The first check before the queue: what people did by hand. And the breaker minds the service account."""
        from portal.fulfilment import after_stop, breaker, evidence, gate
        from portal.gateways import directory_factory
        from portal.notices import messages

        directory_factory.guard_by(breaker.ServiceAccountGuard())
        messages.provide("target_refused", lambda notice: {"operations_url": messages.link("operation_list")})
        evidence.register()
        gate.register_check("by_hand", after_stop.record_done_by_hand)
