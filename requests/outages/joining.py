"""What outages tell other rooms: where their mail leads, what stands on the home page and in the calendar."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.orgs.permissions import PLAN_OUTAGES
from portal.workflow import banners, waiting
from portal.workflow.calendar import entries
from portal.workflow.catalogue.offers import PageOffer, register_page
from requests.outages import calendar, selectors, telling


def register_all() -> None:
    """Called once from ChangeRequestsConfig.ready."""
    telling.register_all()
    entries.register(calendar.entries)
    banners.register(selectors.banners)
    waiting.register(selectors.waiting_for)
    register_page(
        PageOffer(
            services=(24,),
            label=_("Plan an outage"),
            description=_("Who is concerned is told beforehand; named persons confirm normality afterwards."),
            icon="clock",
            url_name="outage_new",
            permission=PLAN_OUTAGES,
        )
    )
