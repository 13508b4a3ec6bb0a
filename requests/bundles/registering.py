"""What this room tells the engine, fulfilment and the mail."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.fulfilment import registry
from portal.notices import messages, places
from portal.orgs.permissions import APPLY
from portal.workflow import hanging, linked, related, waiting
from portal.workflow.catalogue.offers import PageOffer, register_page
from requests.bundles import linking, objects, reminding, selectors, services_of_machines
from requests.bundles.composing import KINDS
from requests.bundles.waiting import cards


def register_all() -> None:
    """Called once from the AppConfig."""
    linked.register(linking.linked_lines)
    linked.register_together(linking.opened_with)
    registry.hold_back(linking.waits)
    registry.on_settled(linking.settled)
    for kind in sorted(KINDS):
        related.register(kind, selectors.bundle_of)
    hanging.register(objects.hanging_on)
    hanging.register(services_of_machines.hanging_on)
    waiting.register(cards)
    messages.provide(reminding.TEMPLATE, reminding.values_for_mail)
    places.provide(reminding.TEMPLATE, lambda notice: reverse("bundle_list"))
    register_page(
        PageOffer(
            services=(7, 9, 11, 14, 16, 19),
            label=pgettext_lazy("bundle", "Installation, exchange and removal of PCs"),
            description=_(
                "One form opens all applications that a PC needs when it comes, is exchanged or goes."
            ),
            icon="computer",
            url_name="bundle_new",
            permission=APPLY,
        )
    )
