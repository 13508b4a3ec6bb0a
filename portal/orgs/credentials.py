"""A new password ends what the old one let in: running sessions and the tokens of the REST interface."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from portal.orgs.models import ApiToken, User
from portal.trail import services as trail


@transaction.atomic
def end_access(*, directory_guid: UUID | None, reason: str, now: datetime) -> None:
    """End every session and token of the person with this account; nothing for an account without a person.

    Whoever stole the old password, a session or a token has nothing any more. A session that goes on is told so by
    `update_session_auth_hash` with a person read after this.
    """
    person = User.objects.filter(directory_guid=directory_guid).first() if directory_guid else None
    if person is not None:
        end_access_of(person, reason=reason, now=now)


@transaction.atomic
def end_access_of(person: User, *, reason: str, now: datetime) -> None:
    """End every session and token of `person`."""
    User.objects.filter(pk=person.pk).update(password_changes=F("password_changes") + 1)
    for token in ApiToken.objects.select_for_update().filter(
        user=person, revoked_at=None, expires_at__gt=now
    ):
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        _record(token, person, now, reason=reason)


def _record(token: ApiToken, person: User, now: datetime, **detail: Any) -> None:
    trail.record(
        action="token.revoke",
        now=now,
        actor=None,
        object_type="orgs.apitoken",
        object_id=token.pk,
        object_label=token.name,
        object_organisation_id=person.organisation_id,
        detail=detail,
    )
