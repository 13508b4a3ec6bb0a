"""Carrying out `accounts.password_reset` (ACC-08). A reset leaves no marker, so what AD held before is noted first.

Whether an earlier attempt came through is told by pwdLastSet: as before means not applied, 0 means applied and unused, any
other moment means that the person has chosen a password since, which is never replaced.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts import checks, provisioning
from accounts.delivery import unused
from accounts.payloads import ResetPassword
from accounts.provisioning import Stop, Work
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, Outcome, Run, TryLater
from portal.gateways import clock, directory_factory
from portal.gateways.directory import ChangedMeanwhile, DirectoryEntry
from portal.orgs import credentials
from portal.orgs.models import PasswordRecipient

_UNUSED = "unused initial password"


class ResetHandler:
    """Sets one new initial password and mails it."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _reset(provisioning.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: the password must be an initial one, or one chosen since the operation was taken."""
        return provisioning.carry_out(lambda: _verify(provisioning.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand. The password is drawn by whoever does it and is not on the sheet (ACC-10)."""
        payload: ResetPassword = provisioning.payload_of(operation)
        return [
            (_("Login name (sAMAccountName)"), payload.login_name),
            (_("Display name (displayName)"), payload.display_name),
            ("objectGUID", payload.account_guid),
            (_("Change at the first logon (0: required)"), "pwdLastSet = 0"),
        ]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def _reset(work: Work) -> Outcome:
    if "password" in work.progress:  # mailed; only the outcome was not recorded any more
        entry = provisioning.require_entry(work.directory, work.payload.guid)
        return Done(evidence=provisioning.evidence_of(entry, work.progress))
    recipient = provisioning.require_recipient(work)
    entry = _require_resettable(work)
    if "password_before" not in work.progress:
        work.run.checkpoint(password_before=_stamp(entry))
    try:
        password = _set(work, entry, recipient)
    except ChangedMeanwhile:
        entry = provisioning.require_entry(work.directory, entry.guid)
        if entry.must_change_password:
            text = _("Another initial password was set at the same moment. A new one is drawn and mailed.")
            return TryLater(code="password_replaced", message=text)
        provisioning.note_chosen(work)
        return Done(evidence=provisioning.evidence_of(entry, work.progress))
    credentials.end_access(directory_guid=entry.guid, reason="password_reset", now=clock.now())
    entry = provisioning.require_entry(work.directory, entry.guid)
    if not entry.must_change_password:  # chosen within this very moment, or AD did not do what it said
        text = _(
            "The password was reset, but Active Directory does not require a new one at the first logon."
        )
        return NeedsPerson(code="not_read_back", message=text)
    if not entry.enabled:
        entry = _enable_again(work, entry)
    provisioning.mail_password(work, recipient, password, entry)
    return Done(evidence=provisioning.evidence_of(entry, work.progress))


def _enable_again(work: Work, entry: DirectoryEntry) -> DirectoryEntry:
    """An account that was disabled because nobody used its initial password gets into use with the new one."""
    work.run.still_mine()
    work.directory.enable(entry.guid)
    entry = provisioning.require_entry(work.directory, entry.guid)
    if not entry.enabled:
        text = _("The account is still disabled. Enable it, then retry.")
        raise Stop(NeedsPerson(code="still_disabled", message=text))
    unused.note_enabled_again(entry.guid, now=clock.now())
    return entry


def _stamp(entry: DirectoryEntry) -> str:
    """What identifies the password that the account has now."""
    return entry.password_last_set.isoformat() if entry.password_last_set else _UNUSED


def _require_resettable(work: Work) -> DirectoryEntry:
    entry = provisioning.require_entry(work.directory, work.payload.guid)
    if problem := checks.reset_problem(entry, work.organisation):
        raise Stop(NeedsPerson(code="not_resettable", message=problem))
    return entry


def _set(work: Work, entry: DirectoryEntry, recipient: PasswordRecipient) -> str:
    """Set a new initial password. Raises ChangedMeanwhile when the person has chosen one since the first attempt."""
    if entry.must_change_password:
        # Unused, whether from our earlier attempt or from before: replaced only while it still is.
        def write(drawn: str) -> None:
            work.directory.replace_initial_password(entry.guid, new_password=drawn)

    elif _stamp(entry) == work.progress["password_before"]:

        def write(drawn: str) -> None:
            # The directory compares again: this worker may have slept since it looked (ACC-10).
            work.directory.reset_password(entry.guid, new_password=drawn, last_set=entry.password_last_set)

    else:
        raise ChangedMeanwhile("the person has chosen a password", code="read")
    return provisioning.set_password(work, recipient, entry.login_name, write)


def _verify(work: Work) -> Outcome:
    entry = _require_resettable(work)
    since = work.operation.taken_at or work.operation.created_at
    chosen_since = entry.password_last_set is not None and entry.password_last_set >= since
    if not entry.must_change_password and not chosen_since:
        text = _("The password of %(name)s was not reset yet.")
        return NeedsPerson(code="not_reset", message=text % {"name": entry.login_name})
    provisioning.note_by_hand(work, entry)
    return Done(evidence=provisioning.evidence_of(entry, work.progress))
