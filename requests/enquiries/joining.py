"""What enquiries and the FAQ tell other rooms: where their mail leads, what waits on the home page."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.notices import messages, places
from portal.orgs.permissions import ASK_ENQUIRIES
from portal.workflow import waiting
from portal.workflow.catalogue.offers import PageOffer, register_page
from requests.enquiries import selectors, telling
from requests.faq.services import TEMPLATE as FAQ


def register_all() -> None:
    """Called once from ChangeRequestsConfig.ready."""
    for template in telling.TEMPLATES:
        messages.provide(template, telling.values_for_mail)
        places.provide(template, lambda notice: reverse("enquiry", args=[notice.context["enquiry"]]))
    messages.provide(FAQ, lambda n: {"url": messages.link("faq_version", n.context["version"])})
    places.provide(FAQ, lambda notice: reverse("faq_version", args=[notice.context["version"]]))
    waiting.register(selectors.waiting_for)
    register_page(
        PageOffer(
            services=(0, 20),
            label=_("Ask an enquiry"),
            description=_(
                "Network operations or the central association answer; what was answered before stands in the FAQ."
            ),
            icon="mail",
            url_name="enquiry_new",
            permission=ASK_ENQUIRIES,
        )
    )
