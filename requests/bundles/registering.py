"""What this room tells the engine, fulfilment and the mail."""

from __future__ import annotations

from django.urls import reverse

from portal.fulfilment import registry
from portal.notices import messages, places
from portal.workflow import hanging, linked, related, waiting
from requests.bundles import linking, objects, reminding, selectors, services_of_machines
from requests.bundles.composing import KINDS
from requests.bundles.waiting import cards


def register_all() -> None:
    """Called once from the AppConfig."""
    linked.register(linking.linked_lines)
    registry.hold_back(linking.waits)
    registry.on_settled(linking.settled)
    for kind in sorted(KINDS):
        related.register(kind, selectors.bundle_of)
    hanging.register(objects.hanging_on)
    hanging.register(services_of_machines.hanging_on)
    waiting.register(cards)
    messages.provide(reminding.TEMPLATE, reminding.values_for_mail)
    places.provide(reminding.TEMPLATE, lambda notice: reverse("bundle_list"))
