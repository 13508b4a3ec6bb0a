"""People change the password of their own administrator account in Active Directory (ACC-07, ACC-10, ACC-11).

The old password is always asked for and the directory checks it; no mail carries a password. Nothing here is stored
or logged but that it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import passwords
from portal.common.time import JST
from portal.gateways import directory, directory_factory
from portal.orgs import credentials
from portal.orgs.models import User
from portal.trail import services as trail


class PasswordRefused(Exception):
    """The password was not changed. `messages` maps "old_password", "new_password" or "" to sentences for the screen."""

    def __init__(self, messages: dict[str, Sequence[Any]]) -> None:
        super().__init__(", ".join(messages))
        self.messages = messages


class DirectorySilent(Exception):
    """The directory did not answer. `maybe_changed` when the change was sent and no answer came back."""

    def __init__(self, *, maybe_changed: bool) -> None:
        super().__init__()
        self.maybe_changed = maybe_changed


def change_password(
    *, actor: User, old_password: str, new_password: str, initial: bool, now: datetime
) -> None:
    """Change the actor's own password in the directory.

    `initial` is the forced first change, exempt from the minimum age. Every session and token of the actor ends, the
    session of now too unless it is carried over (portal.orgs.credentials), also when no answer came. The trail keeps success and failure, no password.
    Raises PasswordRefused and DirectorySilent.
    """
    check_rules(actor.login_name, new_password, old_password)
    gateway = directory_factory.get_directory()
    if actor.directory_guid is None:
        raise PasswordRefused({"": [_("The password of this account is not in Active Directory.")]})
    try:
        entry = gateway.find_by_guid(actor.directory_guid)
        if entry is None:
            raise PasswordRefused(
                {"": [_("Active Directory no longer has this account. Ask network operations.")]}
            )
        if not initial:
            check_age(entry, now)
        gateway.change_password(actor.directory_guid, old_password=old_password, new_password=new_password)
    except directory.DirectoryUnavailable as exc:
        raise DirectorySilent(maybe_changed=False) from exc
    except directory.OutcomeUnknown as exc:
        _record("password.change_unknown", actor, now)
        credentials.end_access(directory_guid=actor.directory_guid, reason="password_changed", now=now)
        raise DirectorySilent(maybe_changed=True) from exc
    except directory.DirectoryError as exc:
        _record("password.change_refused", actor, now, reason=type(exc).__name__)
        raise PasswordRefused(explain(exc)) from exc
    _record("password.change", actor, now, initial=initial)
    credentials.end_access(directory_guid=actor.directory_guid, reason="password_changed", now=now)


def check_rules(login_name: str, new_password: str, old_password: str = "") -> None:
    """ACC-07, all rules at once: Active Directory would not say which one was broken. Raises PasswordRefused."""
    broken = [result.text for result in passwords.check_password(new_password, login_name) if not result.met]
    if new_password and new_password == old_password:
        broken.append(_("Choose a password that differs from the present one."))
    if broken:
        raise PasswordRefused({"new_password": broken})


def check_age(entry: directory.DirectoryEntry, now: datetime) -> None:
    """ACC-07: not within a day after the last change, whoever set it. Raises PasswordRefused."""
    earliest = passwords.earliest_change(entry.password_last_set)
    if earliest is not None and now < earliest:
        moment = earliest.astimezone(JST).strftime("%Y-%m-%d %H:%M")
        reason = _("A password can be changed once a day. You can change it from %(moment)s.") % {
            "moment": moment
        }
        raise PasswordRefused({"": [reason]})


def explain(exc: directory.DirectoryError) -> dict[str, Sequence[Any]]:
    """The directory's refusal in words that say what to do."""
    if isinstance(exc, directory.WrongPassword):
        return {"old_password": [_("The present password is wrong.")]}
    if isinstance(exc, directory.AccountLocked):
        return {"": [_("Too many wrong passwords: the account is locked. Ask for an account unlock.")]}
    if isinstance(exc, directory.PolicyRefused):
        return {
            "new_password": [
                _("Active Directory refused the new password. Choose one that you did not use lately.")
            ]
        }
    return {"": [_("Active Directory refused the change. Ask network operations.")]}


def _record(action: str, actor: User, now: datetime, **detail: Any) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="orgs.user",
        object_id=actor.pk,
        object_label=actor.login_name,
        object_organisation_id=actor.organisation_id,
        detail=detail,
    )
