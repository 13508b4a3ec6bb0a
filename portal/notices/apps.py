from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class NoticesConfig(AppConfig):
    name = "portal.notices"
    label = "notices"
    verbose_name = _("notices")

    def ready(self) -> None:
        """Tell the floor below how mail is queued, and ask it for the link that is made when its mail is sent."""
        from portal.notices import evidence, messages, places, services
        from portal.orgs import outbox, recipients

        outbox.deliver_through(services.queue)
        evidence.register()
        for template in ("recipient_confirmation", "recipient_reconfirmation"):
            messages.provide(
                template,
                lambda notice: {"confirm_url": recipients.confirmation_url(notice.context["recipient"])},
            )
        places.provide("token_created", lambda notice: reverse("token_list"))
        places.provide("factor_changed", lambda notice: reverse("mfa_index"))
