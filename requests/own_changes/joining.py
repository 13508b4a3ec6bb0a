"""What the rest of the portal is told about this room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.orgs.permissions import RECORD_OWN_CHANGES
from portal.workflow.catalogue.offers import PageOffer, register_page


def register_all() -> None:
    """Called from ChangeRequestsConfig.ready: the catalogue offers the records."""
    register_page(
        PageOffer(
            services=(2,),
            label=_("Record of L2SW port settings"),
            description=_(
                "The federation changes the port itself when a 独自処理システム comes or goes, and records before and after."
            ),
            icon="pen",
            url_name="own_change_switch",
            permission=RECORD_OWN_CHANGES,
        )
    )
    register_page(
        PageOffer(
            services=(4,),
            label=_("Record of a communication policy of a 独自処理システム"),
            description=_("The federation changes the policy itself and records before and after."),
            icon="pen",
            url_name="own_change_policy",
            permission=RECORD_OWN_CHANGES,
        )
    )
