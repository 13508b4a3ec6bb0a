"""Plain functions that make rows for tests. Each makes what it needs and takes what matters as keywords."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from typing import Any

from django.utils import timezone

from portal.orgs.models import ApiToken, Deputy, Membership, Organisation, PasswordRecipient, User
from portal.orgs.permissions import Role

_numbers = itertools.count(1)
LONG_AGO = dt.date(2020, 4, 1)


def organisation(code: str = "13") -> Organisation:
    """One of the organisations of the reference data."""
    return Organisation.objects.get(code=code)


def user(*roles: str, code: str = "13", **fields: Any) -> User:
    """A person of an organisation with the given roles since long ago."""
    n = next(_numbers)
    values = {
        "login_name": f"person{n:04}",
        "display_name": f"試験 {n}号",
        "email": f"person{n:04}@kokuho{code}.example.jp",
        "organisation": organisation(code),
    } | fields
    person = User(**values)
    person.set_unusable_password()
    person.save()
    for role in roles:
        membership(person, role, code=code)
    return person


def membership(person: User, role: str, code: str = "13", **fields: Any) -> Membership:
    """A role of a person in an organisation."""
    values = {"valid_from": LONG_AGO, "organisation": organisation(code)} | fields
    made = Membership.system.create(user=person, role=role, **values)
    person.__dict__.pop("current_memberships", None)
    person.__dict__.pop("scope", None)
    return made


def deputy(principal: User, stand_in: User, role: str, code: str = "13", **fields: Any) -> Deputy:
    """`stand_in` may decide for `principal`."""
    today = timezone.localdate()
    values = {"valid_from": today, "valid_until": today + dt.timedelta(days=7), "organisation": organisation(code)} | fields
    return Deputy.system.create(principal=principal, deputy=stand_in, role=role, **values)


def recipient(code: str = "13", **fields: Any) -> PasswordRecipient:
    """A registered person with a confirmed address who may receive initial passwords."""
    n = next(_numbers)
    values = {
        "name": f"受信 {n}号",
        "email": f"uketori{n:04}.jushin@kokuho{code}.example.jp",
        "organisation": organisation(code),
        "confirmed_at": timezone.now(),
    } | fields
    return PasswordRecipient.system.create(**values)


def applicant(code: str = "13", **fields: Any) -> User:
    """Somebody who applies."""
    return user(Role.APPLICANT, code=code, **fields)


def approver(code: str = "13", **fields: Any) -> User:
    """Somebody who approves."""
    return user(Role.APPROVER, code=code, **fields)


def operator(**fields: Any) -> User:
    """Somebody of operations."""
    return user(Role.OPERATOR, code="operations", **fields)


def token(person: User, **fields: Any) -> tuple[ApiToken, str]:
    """A personal token for the REST interface and its value."""
    value = f"kp_{next(_numbers):032}"
    values = {
        "name": "試験",
        "digest": hashlib.sha256(value.encode()).hexdigest(),
        "hint": value[:8],
        "expires_at": timezone.now() + dt.timedelta(days=30),
    } | fields
    return ApiToken.objects.create(user=person, **values), value
