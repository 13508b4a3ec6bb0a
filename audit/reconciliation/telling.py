"""Who gets mail about an incident: the reviewers of 中央会 and the security managers of the federation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from audit.reconciliation.models import Incident
from portal.common.time import today
from portal.notices import messages
from portal.notices import services as notices
from portal.notices.models import Notice
from portal.orgs.permissions import OrganisationKind, Role
from portal.workflow import people

TEMPLATES = ("incident_opened", "incident_closed")


def tell(template: str, incident: Incident, now: datetime) -> None:
    """The mail names the number and the page, never what was written (ACC-04)."""
    day, central = today(now), people.organisation_of(OrganisationKind.CENTRAL)
    found = {
        **people.members(central.pk, [Role.AUDIT_REVIEWER], day),
        **people.members(incident.organisation_id, [Role.SECURITY_MANAGER], day),
    }
    for person in found.values():
        notices.queue(
            template=template,
            now=now,
            organisation_id=incident.organisation_id,
            to_user=person,
            context={"incident": incident.number},
        )


def values_for_mail(notice: Notice) -> dict[str, Any]:
    """The address that the mails name."""
    return {"url": messages.link("incident", notice.context["incident"])}
