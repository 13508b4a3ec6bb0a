"""What reports tell other rooms: where their mail leads, what the catalogue offers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.reports import evidence, telling
from portal.orgs.permissions import READ_AUDIT
from portal.workflow.catalogue.offers import PageOffer, register_page


def register_all() -> None:
    """Called once from AuditConfig.ready."""
    evidence.register()
    telling.register_all()
    register_page(
        PageOffer(
            services=(20,),
            label=_("Check audit reports"),
            description=_(
                "Each month in seven steps: check, ask, confirm, send back; originals and copies stay here."
            ),
            icon="book",
            url_name="audit_report_list",
            permission=READ_AUDIT,
        )
    )
