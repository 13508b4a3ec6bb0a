"""Codes of authenticator apps and recovery codes: each is good once (RFC 6238, 5.2), also while the cache is down."""

from __future__ import annotations

import time
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from cryptography.fernet import InvalidToken
from django.db import transaction

# In `Authenticator.data` of an app: the count of 30 seconds to which the last accepted code belongs.
LAST = "last_counter"


class Unreadable(Exception):
    """What the code is checked with was encrypted under another SECRET_KEY."""


def accept(user: Any, code: str) -> Authenticator | None:
    """The app or recovery codes of `user` to which `code` belongs, and the code is used up; None for a wrong or used one.

    Raises Unreadable when it fits nothing that can be read, and something cannot.
    """
    unreadable = False
    for authenticator in Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN):
        try:
            if _accepts(authenticator, code):
                authenticator.user = user
                return authenticator
        except InvalidToken:
            unreadable = True
    if unreadable:
        raise Unreadable
    return None


@transaction.atomic
def use_app(authenticator: Authenticator, code: str) -> bool:
    """Whether the app shows this code now or did so just before, later than the last one that was accepted.

    The lock lets the second of two equal codes see the first.
    """
    row = Authenticator.objects.select_for_update().filter(pk=authenticator.pk).first()
    if row is None:
        return False
    counter = _counter_of(decrypt(row.data["secret"]), code, after=row.data.get(LAST, -1))
    if counter is None:
        return False
    row.data[LAST] = counter
    row.save(update_fields=["data"])
    authenticator.data = row.data
    return True


def _accepts(authenticator: Authenticator, code: str) -> bool:
    if authenticator.type == Authenticator.Type.TOTP:
        return use_app(authenticator, code)
    return bool(authenticator.wrap().validate_code(code))


def _counter_of(secret: str, code: str, *, after: int) -> int | None:
    now = int(time.time()) // app_settings.TOTP_PERIOD
    for counter in range(now - app_settings.TOTP_TOLERANCE, now + app_settings.TOTP_TOLERANCE + 1):
        expected = format_hotp_value(hotp_value(secret, counter))
        if counter > after and compare_user_code(actual=code, expected=expected):
            return counter
    return None
