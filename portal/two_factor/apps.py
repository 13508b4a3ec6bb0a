from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class TwoFactorConfig(AppConfig):
    name = "portal.two_factor"
    label = "two_factor"
    verbose_name = _("two-factor system")

    def ready(self) -> None:
        """Make the target known to fulfilment, and hear of what its operations wait for."""
        from portal.fulfilment import registry
        from portal.gateways.two_factor import TARGET
        from portal.notices import messages, places
        from portal.two_factor import evidence, factory, services, waiting

        registry.name_target(TARGET, _("Two-factor system"), in_use=factory.is_in_use)
        registry.on_drained(TARGET, services.after_drain)
        registry.on_settled(waiting.wake_followers)
        evidence.register()
        places.provide("exchange_problem", lambda notice: reverse("exchange_list"))
        messages.provide("exchange_problem", lambda notice: {"exchange_url": messages.link("exchange_list")})
