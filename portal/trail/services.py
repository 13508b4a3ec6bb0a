"""Writing the trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from portal.orgs.models import Organisation, User
from portal.trail import origin
from portal.trail.models import TrailEntry


def record(
    *,
    action: str,
    now: datetime,
    actor: User | None,
    object_type: str = "",
    object_id: str | int = "",
    object_label: str = "",
    object_organisation: Organisation | None = None,
    object_organisation_id: int | None = None,
    ip: str | None = None,
    error_number: str = "",
    detail: dict[str, Any] | None = None,
) -> TrailEntry:
    """Write one entry in the caller's transaction (SEC-02). `detail` never holds a secret.

    Address and error number are those of the request at hand unless given. Name and organisation of the actor are
    kept as they are now.
    """
    source = origin.current()
    return TrailEntry.objects.create(
        at=now,
        actor=actor,
        actor_name=actor.display_name if actor else "",
        organisation_id=actor.organisation_id if actor else None,
        ip=ip or source.ip,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        object_label=object_label[:200],
        object_organisation_id=object_organisation.pk if object_organisation else object_organisation_id,
        error_number=error_number or source.error_number,
        detail=detail or {},
    )
