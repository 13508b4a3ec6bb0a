"""People without a login to the portal change the password of their Windows account (ACC-11): the old password proves who.

One answer whatever is wrong with name, password or account, and fewer attempts an hour than AD takes to lock an account.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import DirectoryAccount
from accounts.reminder import throttle
from accounts.self_service import DirectorySilent, PasswordRefused, check_age, check_rules, explain
from portal.common.text import ascii_identifier
from portal.gateways import directory, directory_factory
from portal.gateways.directory import BindResult, Directory, DirectoryEntry
from portal.orgs import credentials
from portal.orgs.models import User
from portal.trail import services as trail

NOT_POSSIBLE = _(
    "The login name or the present password is wrong, or the password of this account cannot be changed here. Check both; "
    "if it goes on, ask an applicant of your organisation."
)
_RIGHT = frozenset({BindResult.OK, BindResult.MUST_CHANGE, BindResult.PASSWORD_EXPIRED})


def change_without_login(
    *, login_name: str, old_password: str, new_password: str, ip: str | None, now: datetime
) -> None:
    """Change the password of the account with this name.

    Raises TooManyAttempts, PasswordRefused and DirectorySilent. What is particular to the account (minimum age, refusal by
    its policy) is only told to whoever knew its password.
    """
    name = ascii_identifier(login_name).strip()
    check_rules(name, new_password, old_password)
    throttle.admit(throttle.CHANGE, account=name, ip=ip, now=now)
    gateway = directory_factory.get_directory()
    try:
        entry, result = _prove(gateway, name, old_password)
    except directory.DirectoryError as error:
        raise DirectorySilent(maybe_changed=False) from error
    if entry is None or result not in _RIGHT:
        _record("password.change_refused", entry, now, reason=result.value)
        raise PasswordRefused({"": [NOT_POSSIBLE]})
    if result is BindResult.OK:
        check_age(entry, now)
    try:
        gateway.change_password(entry.guid, old_password=old_password, new_password=new_password)
    except directory.DirectoryUnavailable as error:
        raise DirectorySilent(maybe_changed=False) from error
    except directory.OutcomeUnknown as error:
        _record("password.change_unknown", entry, now)
        credentials.end_access(directory_guid=entry.guid, reason="password_changed", now=now)
        raise DirectorySilent(maybe_changed=True) from error
    except directory.DirectoryError as error:
        _record("password.change_refused", entry, now, reason=type(error).__name__)
        known = isinstance(error, directory.PolicyRefused)
        raise PasswordRefused(explain(error) if known else {"": [NOT_POSSIBLE]}) from error
    _record("password.change", entry, now)
    credentials.end_access(directory_guid=entry.guid, reason="password_changed", now=now)


def _prove(gateway: Directory, name: str, password: str) -> tuple[DirectoryEntry | None, BindResult]:
    """The account and what AD says to its password. Accounts that are not the portal's are not tried, another name is."""
    entry = gateway.find_by_login_name(name) if name.isascii() else None
    root = str(settings.DIRECTORY["root_ou"]).lower()
    if entry is None or entry.privileged or not entry.dn.lower().endswith(root):
        return None, gateway.authenticate(f"x{secrets.token_hex(8)}", password)
    return entry, gateway.authenticate(entry.login_name, password)


def _record(action: str, entry: DirectoryEntry | None, now: datetime, **detail: Any) -> None:
    """The trail's entry; what was typed as a name is not kept."""
    guid = entry.guid if entry else None
    user = User.objects.filter(directory_guid=guid).first() if guid else None
    account = DirectoryAccount.system.filter(object_guid=guid).first() if guid else None
    owner = user or account
    trail.record(
        action=action,
        now=now,
        actor=None,
        object_type="orgs.user" if user else "account",
        object_id=user.pk if user else str(guid or ""),
        object_label=entry.login_name if entry else "",
        object_organisation_id=owner.organisation_id if owner else None,
        detail={"without_login": True, **detail},
    )
