"""Personal tokens of the REST interface: shown once, kept as SHA-256, with an end."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from portal.common.time import today
from portal.orgs import errors, factors, outbox
from portal.orgs.models import ApiToken, TokenScope, User
from portal.trail import services as trail

PREFIX = "kp_"
LONGEST_DAYS = 365
PER_PERSON = 10
_LAST_USE_EVERY = timedelta(minutes=1)


def digest_of(value: str) -> str:
    """What is stored in place of a token: a random value of 256 bits needs no slow hash."""
    return hashlib.sha256(value.encode()).hexdigest()


@transaction.atomic
def create_token(
    *, actor: User, name: str, scope: str, days: int, second_factor: bool, now: datetime
) -> tuple[ApiToken, str]:
    """Make a token for `actor`; returns the row and the value, which is never seen again.

    `second_factor` says whether the session proved one: people who need it get no token without, and a token made
    without it ends to work when they come to need it.
    The person is told by mail: whoever did not make it revokes it.
    `scope` is one of TokenScope. Raises errors.NotAllowed and errors.Refused.
    """
    if factors.is_required(actor) and not second_factor:
        raise errors.NotAllowed(errors.SECOND_FACTOR_FIRST)
    if not 1 <= days <= LONGEST_DAYS:
        raise errors.Refused("days", errors.TOKEN_DAYS % {"days": LONGEST_DAYS})
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)  # counting and adding are one step
    if usable(actor, now).count() >= PER_PERSON:
        raise errors.Refused("", errors.TOKEN_MANY % {"count": PER_PERSON})
    value = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=actor,
        name=name,
        scope=TokenScope(scope),
        digest=digest_of(value),
        second_factor=second_factor,
        hint=value[:8],
        expires_at=now + timedelta(days=days),
    )
    _record("token.create", token, actor, now, scope=token.scope)
    outbox.queue(
        template="token_created",
        now=now,
        organisation_id=actor.organisation_id,
        to_user=actor,
        context={"token": token.pk, "scope": token.scope, "ends_on": today(token.expires_at).isoformat()},
    )
    return token, value


@transaction.atomic
def revoke_token(*, token_id: int, actor: User, now: datetime) -> ApiToken:
    """End an own token at once. Raises ApiToken.DoesNotExist for another person's; ended twice is once."""
    token = ApiToken.objects.select_for_update().get(pk=token_id, user=actor)
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        _record("token.revoke", token, actor, now)
    return token


def find_token(value: str, now: datetime) -> ApiToken | None:
    """The valid token of this value with its person; None for an unknown, ended or expired one."""
    try:  # by its index alone: this is asked with every request of a program
        token = ApiToken.objects.select_related("user").get(digest=digest_of(value))
    except ApiToken.DoesNotExist:
        return None
    if token.revoked_at is not None or token.expires_at <= now or not token.user.is_active:
        return None
    return token


def note_use(token: ApiToken, now: datetime) -> None:
    """Remember the last use, at most once a minute: reading must not write each time."""
    if token.last_used_at is None or now - token.last_used_at >= _LAST_USE_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def usable(user: User, now: datetime) -> QuerySet[ApiToken]:
    """The person's tokens that still work."""
    return ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=now)


def _record(action: str, token: ApiToken, actor: User, now: datetime, **detail: str) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="orgs.apitoken",
        object_id=token.pk,
        object_label=token.name,
        object_organisation_id=actor.organisation_id,
        detail=detail,
    )
