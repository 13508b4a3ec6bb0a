"""Who needs a second factor, who has one, and how often somebody may guess (SEC-01)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from portal.orgs import outbox
from portal.orgs.models import Deputy, User
from portal.trail import services as trail
from portal.trail.models import TrailEntry

GUESSES = 5
GUESSES_WITHIN = timedelta(minutes=5)
REFUSED = "login.second_factor_refused"
_REAL = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


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
