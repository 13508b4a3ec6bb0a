"""Who a login name and password belong to (SEC-01).

The directory decides for everybody whose account lives there; a break-glass account has a password of its own, for the
day on which the directory is out of reach. Why a login was refused stands in the trail; the screen says one and the same.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils import timezone

from portal.gateways import directory_factory
from portal.gateways.directory import BindResult, DirectoryEntry
from portal.orgs import people
from portal.orgs.models import User
from portal.trail import services as trail

# The password was right, but nobody gets in with it: it must be changed first (ACC-10).
MUST_CHANGE = frozenset({BindResult.MUST_CHANGE, BindResult.PASSWORD_EXPIRED})


class PersonBackend(BaseBackend):
    """What both backends share: a deactivated person is nobody, also in a running session."""

    def get_user(self, user_id: Any) -> User | None:
        try:
            user = User.objects.select_related("organisation").get(pk=user_id)
        except User.DoesNotExist:
            return None
        return user if user.is_active else None


class DirectoryBackend(PersonBackend):
    """People whose administrator account is in AD. The row is found by objectGUID, so a rename in AD does no harm."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The person, or None. `must_change_password` is set on a person who has to choose a new password first.

        Only accounts that belong to a person of the portal are tried: it is no lever to lock other accounts of the domain.
        Raises DirectoryUnavailable when the directory could not be asked.
        """
        if not username or not password or is_break_glass(username):
            return None
        if (
            not username.isascii()
        ):  # AD would find "kánri" as well: each spelling a new count of wrong passwords
            record_refusal(None, "no_such_person")
            return None
        directory = directory_factory.get_directory()
        entry = directory.find_by_login_name(username.strip())
        user = person_of(entry)
        if entry is None or user is None:
            # A name that nobody has: the answer takes as long as for a known one.
            directory.authenticate(f"x{secrets.token_hex(8)}", password)
            record_refusal(known_person(username), "no_such_person")
            return None
        result = directory.authenticate(entry.login_name, password)
        if result is not BindResult.OK and result not in MUST_CHANGE:
            record_refusal(user, result.value)
            return None
        refresh(user, entry)
        user.must_change_password = result in MUST_CHANGE
        return user


class BreakGlassBackend(PersonBackend):
    """Local accounts for emergencies: password kept as Argon2 here, every use told to operations."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The break-glass account, or None."""
        if not username or not password or not username.isascii():
            return None
        user = User.objects.filter(login_name__iexact=username.strip(), is_break_glass=True).first()
        if user is None:
            make_password(password)  # as long as checking one
            return None
        if not user.is_active or not user.check_password(password):
            record_refusal(user, "break_glass")
            return None
        return user


def is_break_glass(login_name: str) -> bool:
    """Whether the name belongs to a break-glass account, for which the directory is never asked."""
    return User.objects.filter(login_name__iexact=login_name.strip(), is_break_glass=True).exists()


def known_person(login_name: str) -> User | None:
    """The person of this login name as the portal knows it."""
    return User.objects.filter(login_name__iexact=login_name.strip()).first()


def person_of(entry: DirectoryEntry | None) -> User | None:
    """The active person to whom this account of the directory is tied."""
    if entry is None:
        return None
    return (
        User.objects.filter(directory_guid=entry.guid, is_active=True, is_break_glass=False)
        .select_related("organisation")
        .first()
    )


def refresh(user: User, entry: DirectoryEntry) -> None:
    """Take over name, reading, department, mail address and login name as the directory has them now."""
    wanted = {
        "display_name": entry.display_name[:100],
        "kana": entry.kana[:100],
        "department": entry.department[:64],
        "email": people.mail_of(entry),
    }
    taken = User.objects.filter(login_name__iexact=entry.login_name).exclude(pk=user.pk).exists()
    if not taken:
        wanted["login_name"] = entry.login_name
    changed = [name for name, value in wanted.items() if value and getattr(user, name) != value]
    for name in changed:
        setattr(user, name, wanted[name])
    if changed:
        user.save(update_fields=[*changed, "updated_at"])


def record_refusal(user: User | None, reason: str) -> None:
    """Write a refused login to the trail. What was typed is not kept: people type their password into the wrong field."""
    trail.record(
        action="login.refused",
        now=timezone.now(),
        actor=user,
        object_type="orgs.user",
        object_id=user.pk if user else "",
        object_label=user.login_name if user else "",
        object_organisation_id=user.organisation_id if user else None,
        detail={"reason": reason},
    )
