"""The new password of a person who proved who they are: all rules, minimum age and AD's own history count (ACC-07, ACC-11).

A reset by the service account passes AD's history by. Where the directory knows the policy-hints control it is used; else a
password that nobody knows is drawn, set, and changed as its owner would, so that AD judges. No password is kept anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts import passwords
from accounts.reminder import services
from accounts.reminder.models import PasswordReminder
from accounts.self_service import DirectorySilent, PasswordRefused, check_age, check_rules
from portal.gateways import directory_factory
from portal.gateways.directory import (
    BindResult,
    ChangedMeanwhile,
    Directory,
    DirectoryEntry,
    DirectoryError,
    DirectoryUnavailable,
    OutcomeUnknown,
    PolicyRefused,
)
from portal.orgs import credentials

USED_LATELY = _("Active Directory refused the new password. Choose one that you did not use lately.")
OLD_ONE_GONE = _(
    "Your old password no longer works. Choose another new one here now; if you leave this page, start again with "
    "“forgotten password”."
)
NOT_THIS_WAY = _(
    "This account cannot be helped this way at the moment. Ask an applicant of your organisation for a password reset."
)


class OldPasswordGone(DirectorySilent):
    """The directory fell silent after the old password was, or may have been, replaced: the person goes on here."""


def choose_password(*, reminder: PasswordReminder, new_password: str, now: datetime) -> None:
    """Set the password and close the reminder; a mail says that it was changed.

    `reminder` is one that both proofs were given for (services.after_factor). Raises PasswordRefused, and then the person
    may try another one in the same session; DirectorySilent when nothing was changed, OldPasswordGone when perhaps it was.
    """
    user = reminder.user
    assert user is not None
    check_rules(user.login_name, new_password)
    try:
        entry = services.entry_of(user)
    except DirectoryError as error:
        raise DirectorySilent(maybe_changed=False) from error
    if (reason := services.why_not(user, entry, now)) or entry is None:
        services.record("reminder.refused", reminder, now, reason=reason)
        raise PasswordRefused({"": [NOT_THIS_WAY]})
    check_age(entry, now)
    gateway = directory_factory.get_directory()
    try:
        _write(gateway, reminder, entry, new_password, now)
    except ChangedMeanwhile as error:
        raise PasswordRefused({"": [_("The password was changed meanwhile. Try again.")]}) from error
    except DirectoryUnavailable as error:
        raise DirectorySilent(maybe_changed=False) from error
    except DirectoryError as error:
        services.record("reminder.refused", reminder, now, reason=type(error).__name__)
        raise PasswordRefused(
            {"": [_("Active Directory refused the change. Ask network operations.")]}
        ) from error
    _close(reminder, now)


def _write(
    gateway: Directory, reminder: PasswordReminder, entry: DirectoryEntry, new: str, now: datetime
) -> None:
    if gateway.minds_history_in_resets():
        _try(gateway, entry, new, lambda: gateway.reset_to_chosen_password(entry.guid, new_password=new))
        return
    drawn = passwords.generate_initial_password(login_name=entry.login_name)
    _replace_by(gateway, entry, drawn)
    try:
        _try(
            gateway,
            entry,
            new,
            lambda: gateway.change_password(entry.guid, old_password=drawn, new_password=new),
        )
    except PasswordRefused as refused:
        PasswordReminder.objects.filter(pk=reminder.pk).update(refusals=F("refusals") + 1)
        services.record("reminder.refused", reminder, now, reason="history")
        raise PasswordRefused({**refused.messages, "": [OLD_ONE_GONE]}) from refused
    except DirectoryError as error:
        raise OldPasswordGone(maybe_changed=True) from error


def _replace_by(gateway: Directory, entry: DirectoryEntry, drawn: str) -> None:
    """A password that nobody knows, and only if the account still has the one that we read (compare and set)."""
    try:
        if entry.must_change_password:
            gateway.replace_initial_password(entry.guid, new_password=drawn)
        else:
            gateway.reset_password(entry.guid, new_password=drawn, last_set=entry.password_last_set)
    except OutcomeUnknown as error:
        raise OldPasswordGone(maybe_changed=True) from error


def _try(gateway: Directory, entry: DirectoryEntry, new: str, write: Callable[[], Any]) -> None:
    """One write of the chosen password; a lost answer is settled by asking whether the password opens the account."""
    try:
        write()
    except PolicyRefused as error:
        raise PasswordRefused({"new_password": [USED_LATELY]}) from error
    except OutcomeUnknown as error:
        if not _opens(gateway, entry, new):
            raise OldPasswordGone(maybe_changed=True) from error
        return
    if not _opens(gateway, entry, new, unknown=True):  # every write is read back
        raise OldPasswordGone(maybe_changed=True)


def _opens(gateway: Directory, entry: DirectoryEntry, password: str, *, unknown: bool = False) -> bool:
    """Whether the password is the account's; `unknown` is the answer when the directory cannot be asked."""
    try:
        return gateway.authenticate(entry.login_name, password) is BindResult.OK
    except DirectoryError:
        return unknown


@transaction.atomic
def _close(reminder: PasswordReminder, now: datetime) -> None:
    user = reminder.user
    assert user is not None
    opened = PasswordReminder.objects.filter(user=user, closed_at__isnull=True)
    opened.exclude(pk=reminder.pk).update(
        closed_at=now, outcome=PasswordReminder.Outcome.REPLACED, code_digest=""
    )
    opened.filter(pk=reminder.pk).update(closed_at=now, outcome=PasswordReminder.Outcome.DONE)
    services.record("reminder.done", reminder, now)
    credentials.end_access(directory_guid=user.directory_guid, reason="password_forgotten", now=now)
    services.mail("password_changed", user, now)
