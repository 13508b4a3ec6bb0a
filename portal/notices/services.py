"""Queueing mail. Sending is portal.notices.delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from portal.notices.models import Notice
from portal.orgs.models import User


def queue(
    *,
    template: str,
    now: datetime,
    organisation_id: int,
    to_user: User | None = None,
    to_address: str = "",
    application_number: str = "",
    context: dict[str, Any] | None = None,
) -> Notice | None:
    """Queue one mail in the caller's transaction; None when the person has no address."""
    address = to_address or (to_user.email if to_user else "")
    if not address:
        return None
    return Notice.system.create(
        template=template,
        created_at=now,
        not_before=now,
        organisation_id=organisation_id,
        to_user=to_user,
        to_address=address,
        application_number=application_number,
        context=context or {},
    )
