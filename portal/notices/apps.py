from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NoticesConfig(AppConfig):
    name = "portal.notices"
    label = "notices"
    verbose_name = _("notices")

    def ready(self) -> None:
        """Tell the floor below how mail is queued."""
        from portal.notices import services
        from portal.orgs import outbox

        outbox.deliver_through(services.queue)
