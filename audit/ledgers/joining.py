"""What the ledgers tell other rooms."""

from __future__ import annotations

from django.core import checks
from django.utils.translation import gettext_lazy as _

from audit.ledgers.numbering import settings_of_numbers
from audit.retention import decisions
from portal.orgs.permissions import WRITE_CENTRAL_LEDGER, WRITE_FEDERATION_LEDGER
from portal.trail.sources import register_source
from portal.workflow.catalogue.offers import PageOffer, register_page


def register_all() -> None:
    """Called once from AuditConfig.ready."""
    checks.register(settings_of_numbers)
    for permission, url_name in (
        (WRITE_CENTRAL_LEDGER, "ledger_central_new"),
        (WRITE_FEDERATION_LEDGER, "ledger_federation_new"),
    ):
        register_page(
            PageOffer(
                services=(20,),
                label=_("Enter a work in the ledger"),
                description=_("What is entered before the work is not asked about in the audit report."),
                icon="pen",
                url_name=url_name,
                permission=permission,
            )
        )
    register_source(
        name=decisions.CHANGES,
        label=_("changes of the work ledgers"),
        table="audit_workchange",
        columns=("id", "entry_id", "at", "actor_id", "actor_name", "verb", "values", "reason"),
        time="at",
        going=decisions.going(decisions.CHANGES),
    )
    register_source(
        name="audit.work_type",
        label=_("types of work"),
        table="audit_worktype",
        columns=(
            "id",
            "code",
            "name",
            "tolerance_minutes",
            "volume_factor",
            "offered",
            "valid_from",
            "note",
            "made_by_id",
            "made_at",
        ),
        time="made_at",
    )
