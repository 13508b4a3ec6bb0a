"""Who needs a second factor, who has one, and how often somebody may guess (SEC-01)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from allauth.core import context
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from portal.orgs import credentials, outbox
from portal.orgs.models import Deputy, User
from portal.trail import services as trail
from portal.trail.models import TrailEntry

GUESSES = 5
GUESSES_WITHIN = timedelta(minutes=5)
REFUSED = "login.second_factor_refused"
_REAL = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_ENCRYPTED = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


def is_required(user: User) -> bool:
    """Whether a current role, or one in which the person is a deputy, needs a second factor (MFA_REQUIRED_ROLES)."""
    if not settings.MFA_REQUIRED:
        return False
    if any(m.role in settings.MFA_REQUIRED_ROLES for m in user.current_memberships):
        return True
    today = Deputy.system.valid_on(timezone.localdate())  # type: ignore[attr-defined]
    return bool(today.filter(deputy=user, role__in=settings.MFA_REQUIRED_ROLES).exists())


def count(user: Any) -> int:
    """How many authenticator apps and security keys the person has; recovery codes do not count."""
    return Authenticator.objects.filter(user=user, type__in=_REAL).count()


def is_missing(user: User) -> bool:
    """Whether the person must register a second factor before anything else."""
    return is_required(user) and not count(user)


def used_in(request: HttpRequest) -> bool:
    """Whether the person of this session proved a second factor at login."""
    records = request.session.get("account_authentication_methods", [])
    return any(record.get("method") == "mfa" for record in records)


def too_many_guesses(user: User, now: datetime) -> bool:
    """Whether too many wrong codes came lately. Counted in the trail, so that it holds while the cache is down."""
    since = now - GUESSES_WITHIN
    return TrailEntry.objects.filter(actor=user, action=REFUSED, at__gte=since).count() >= GUESSES


def record_wrong_code(user: User, now: datetime) -> None:
    """Write a wrong code to the trail; never the code."""
    record_change(user, REFUSED, now)


@transaction.atomic
def tell_of_change(user: User, action: str, now: datetime) -> None:
    """Write to the trail what happened to a person's second factors, and mail them: it may not have been they."""
    record_change(user, action, now)
    outbox.queue(
        template="factor_changed",
        now=now,
        organisation_id=user.organisation_id,
        to_user=user,
        context={"change": action},
    )


def record_change(user: User, action: str, now: datetime) -> None:
    """Write to the trail what happened to a person's second factors."""
    trail.record(
        action=action,
        now=now,
        actor=user,
        object_type="orgs.user",
        object_id=user.pk,
        object_label=user.login_name,
        object_organisation_id=user.organisation_id,
    )


def previous_login(user: User) -> TrailEntry | None:
    """The last login before the present one."""
    return TrailEntry.objects.filter(actor=user, action="login").order_by("-id").first()


def has_app(user: Any) -> bool:
    """Whether an authenticator app is registered."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def holders() -> list[User]:
    """Everybody who has an app or recovery codes: what SECRET_KEY encrypts."""
    return list(User.objects.filter(authenticator__type__in=_ENCRYPTED).distinct().order_by("pk"))


@transaction.atomic
def take_away(*, user_id: int, reason: str, by: str, keys_stay: bool, now: datetime) -> int:
    """Remove the second factors of somebody who cannot use them any more; returns how many.

    Sessions and tokens end with them, and the person is told by mail. `keys_stay` leaves the security keys, which no
    secret of the portal opens. `by` is the account of the server from which it is done.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    held = Authenticator.objects.filter(user=user)
    if keys_stay:
        held = held.exclude(type=Authenticator.Type.WEBAUTHN)
    removed = sorted(held.values_list("type", flat=True))
    if not removed:
        return 0
    held.delete()
    credentials.end_access_of(user, reason="factors_removed", now=now)
    trail.record(
        action="factor.take_away",
        now=now,
        actor=None,
        object_type="orgs.user",
        object_id=user.pk,
        object_label=user.login_name,
        object_organisation_id=user.organisation_id,
        detail={"removed": removed, "reason": reason, "by": by},
    )
    if user.email:
        outbox.queue(template="factors_removed", now=now, organisation_id=user.organisation_id, to_user=user)
    return len(removed)


def end_sessions_without(*, instance: Authenticator, created: bool, **_: Any) -> None:
    """A new app or key ends every session of its owner but the one that registers it; tokens stay.

    Those sessions proved a password only: whoever has stolen it must not get further because its owner enrols.
    """
    if not created or instance.type not in _REAL:
        return
    User.objects.filter(pk=instance.user_id).update(password_changes=F("password_changes") + 1)
    instance.user.refresh_from_db(fields=["password_changes"])
    request = context.request
    if request is not None and request.user.is_authenticated and request.user.pk == instance.user_id:
        update_session_auth_hash(request, instance.user)
