"""Who is told that a list of SKYSEA does not fit the register."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from devices.exchange.models import SkyseaImport
from portal.common.time import today
from portal.notices import services as notices
from portal.notices.messages import link
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.workflow import people

TEMPLATES = ("skysea_findings",)


def tell_findings(made: SkyseaImport, now: datetime) -> None:
    """The security officers of the federation, except who read the list."""
    if not made.new_count:
        return
    holders = people.holders(Role.SECURITY_OFFICER, made.organisation_id, today(now))
    for pk, person in holders.items():
        if pk != made.imported_by_id:
            notices.queue(
                template="skysea_findings",
                now=now,
                organisation_id=made.organisation_id,
                to_user=person,
                context={"count": made.new_count},
            )


def values_for_mail(notice: Notice) -> dict[str, Any]:
    """The address that the mail names."""
    return {"url": link("skysea_findings")}
