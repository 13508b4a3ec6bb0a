"""Carrying out `accounts.register`: one atomic add with our marker, read back, mailed, entered (ACC-05, ACC-06, ACC-08)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import provisioning
from accounts.attributes import Difference, attributes_of, differences, new_account
from accounts.naming.pattern import Namesake
from accounts.naming.proposals import propose_login_names
from accounts.payloads import RegisterAccount
from accounts.provisioning import Stop, Work
from accounts.register import RegisterConflict, enter_account
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, Outcome, Run
from portal.gateways import clock, directory_factory
from portal.gateways.directory import (
    ChangedMeanwhile,
    DirectoryEntry,
    NameTaken,
)
from portal.orgs.models import PasswordRecipient

# Enters what was read back into the portal's tables, in one transaction, and may be called again; raises RegisterConflict.
# It gives back what the history shall say beside the evidence of the account.
Enter = Callable[[Work, DirectoryEntry], dict[str, Any]]


def enter_windows_account(work: Work, entry: DirectoryEntry) -> dict[str, Any]:
    """The register row of a Windowsユーザアカウント."""
    enter_account(line=work.operation.line, payload=work.payload, entry=entry, now=clock.now())
    return {}


class RegisterHandler:
    """Makes one account. Every attempt looks for the marker of its operation before it does anything."""

    def __init__(self, enter: Enter = enter_windows_account) -> None:
        self._enter = enter

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _register_or_propose(provisioning.work_of(run), self._enter))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """Compare AD with the line after it was done by hand (ACC-12); the account is found by its login name."""
        return provisioning.carry_out(lambda: _verify(provisioning.work_of(run), self._enter))

    def recognise(self, run: Run) -> Outcome | None:
        """The account that carries this operation's marker, made by hand from the work sheet (ACC-12)."""
        return provisioning.carry_out(lambda: _recognise(provisioning.work_of(run), self._enter))  # type: ignore[arg-type, return-value]

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Every attribute to write by hand. The password is drawn by whoever does it and is not on the sheet (ACC-10)."""
        payload: RegisterAccount = provisioning.payload_of(operation)
        rows = [
            (f"{_(attribute.label)} ({attribute.name})", attribute.value)
            for attribute in attributes_of(payload, operation.organisation)
            if attribute.value
        ]
        marker = (_("Marker"), str(operation.marker))
        return [*rows, marker, (_("Change at the first logon (0: required)"), "pwdLastSet = 0")]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def _register_or_propose(work: Work, enter: Enter) -> Outcome:
    """A name that somebody took since the approval goes back to a person, with one that is free now (ACC-06)."""
    try:
        return _register(work, enter)
    except NameTaken as error:
        found = provisioning.outcome_of(error)
        assert isinstance(found, NeedsPerson)
        payload = work.payload
        person = Namesake(
            family_kana=payload.family_kana,
            given_kana=payload.given_kana,
            staff_number=payload.staff_number,
        )
        (proposal,) = propose_login_names(work.organisation, [person], now=clock.now())
        if not proposal:
            return found
        text = _("%(problem)s Free now is: %(name)s") % {"problem": found.message, "name": proposal}
        return NeedsPerson(code=found.code, message=text)


def _register(work: Work, enter: Enter) -> Outcome:
    recipient = None if "password" in work.progress else provisioning.require_recipient(work)
    entry = _find_ours(work)
    password = None
    if entry is None:
        entry, password = _create(work, recipient or provisioning.require_recipient(work))
    if "object_guid" not in work.progress:
        work.run.checkpoint(object_guid=str(entry.guid))
    _require_as_approved(work, entry)
    if recipient is not None:
        entry = _hand_over(work, entry, recipient, password)
    return _finish(work, entry, enter)


def _find_ours(work: Work) -> DirectoryEntry | None:
    """The account that an earlier attempt of this operation made. Nobody else's is ever adopted.

    It is looked for by objectGUID when that is known, else by login name, which AD indexes, and by the marker, which it
    does not. The very first attempt looks for nothing: nothing can have been sent before it, and a name that is taken
    is refused by AD itself in the moment of the add (ACC-06).
    """
    if "object_guid" in work.progress:
        return _find_again(work, UUID(work.progress["object_guid"]))
    if work.operation.fence == 1:
        return None
    entry = work.directory.find_by_login_name(work.payload.login_name)
    if entry is not None and entry.marker == _marker(work):
        return entry
    if (ours := work.directory.find_by_marker(_marker(work))) is not None:
        return ours
    if entry is not None:
        raise NameTaken("found before writing", attribute="sAMAccountName")
    return None


def _find_again(work: Work, guid: UUID) -> DirectoryEntry:
    entry = work.directory.find_by_guid(guid)
    if entry is None:
        provisioning.require_same_controller(work)
        text = _(
            "The account was made but is not in Active Directory any more. Find out who removed it, then close this."
        )
        raise Stop(NeedsPerson(code="account_vanished", message=text))
    return entry


def _marker(work: Work) -> str:
    return str(work.operation.marker)


def _create(work: Work, recipient: PasswordRecipient) -> tuple[DirectoryEntry, str | None]:
    """Add the account and read it back, with the password that must be mailed now; None when an earlier attempt added it."""
    provisioning.require_same_controller(work)
    provisioning.note_controller(work)
    account = new_account(work.payload, work.organisation, _marker(work))
    made: list[DirectoryEntry] = []
    try:
        password = provisioning.set_password(
            work,
            recipient,
            account.login_name,
            lambda drawn: made.append(work.directory.create_account(account, initial_password=drawn)),
        )
    except NameTaken:
        # Our own add may have come through: one whose answer was lost, or one from before the database was restored.
        ours = work.directory.find_by_marker(_marker(work))
        if ours is None:
            raise
        return ours, None
    return made[-1], password


def _require_as_approved(work: Work, entry: DirectoryEntry) -> None:
    found = list(differences(work.payload, work.organisation, entry))
    if found or not entry.enabled:
        raise Stop(NeedsPerson(code="differs", message=_tell(found, entry)))


def _tell(found: list[Difference], entry: DirectoryEntry) -> str:
    parts = [
        _("%(label)s is %(found)s instead of %(approved)s")
        % {
            "label": _(difference.attribute.label),
            "found": difference.found or _("(none)"),
            "approved": difference.attribute.value or _("(none)"),
        }
        for difference in found
    ]
    if not entry.enabled:
        parts.append(_("the account is disabled"))
    return _("Active Directory does not hold what was approved: %(differences)s.") % {
        "differences": "; ".join(parts)
    }


def _hand_over(
    work: Work, entry: DirectoryEntry, recipient: PasswordRecipient, password: str | None
) -> DirectoryEntry:
    """Mail the initial password; one that an earlier attempt set and nobody received is replaced by a new one first."""
    if password is None:
        try:
            password = _replace(work, entry, recipient)
        except ChangedMeanwhile:
            provisioning.note_chosen(work)
            return provisioning.require_entry(work.directory, entry.guid)
        entry = provisioning.require_entry(work.directory, entry.guid)
    provisioning.mail_password(work, recipient, password, entry)
    return entry


def _replace(work: Work, entry: DirectoryEntry, recipient: PasswordRecipient) -> str:
    """Raises ChangedMeanwhile when the person has chosen a password: it is never replaced."""
    if not entry.must_change_password:
        raise ChangedMeanwhile("the person has chosen a password", code="read")
    return provisioning.set_password(
        work,
        recipient,
        entry.login_name,
        lambda drawn: work.directory.replace_initial_password(entry.guid, new_password=drawn),
    )


def _finish(work: Work, entry: DirectoryEntry, enter: Enter) -> Outcome:
    try:
        told = enter(work, entry)
    except RegisterConflict:
        text = _(
            "The register holds another account with this login name. Compare it with Active Directory, then retry."
        )
        return NeedsPerson(code="register_conflict", message=text)
    return Done(evidence={**provisioning.evidence_of(entry, work.progress), **told})


def _recognise(work: Work, enter: Enter) -> Outcome | None:
    """Only the marker counts: an account that merely has the name may be anybody's."""
    if work.operation.attempts:
        return None  # the portal itself had begun: it goes on from there and mails what was not mailed
    entry = work.directory.find_by_marker(_marker(work))
    if entry is None or entry.must_change_password:
        # A password handed out on paper and still unused is replaced by one that is mailed: the queue does that.
        return None
    _require_as_approved(work, entry)
    return _finish(work, entry, enter)


def _verify(work: Work, enter: Enter) -> Outcome:
    entry = work.directory.find_by_marker(_marker(work))
    if entry is None:
        entry = work.directory.find_by_login_name(work.payload.login_name)
    if entry is None:
        text = _("Active Directory has no account with the login name %(name)s.")
        return NeedsPerson(code="not_there", message=text % {"name": work.payload.login_name})
    _require_as_approved(work, entry)
    provisioning.note_by_hand(work, entry)
    return _finish(work, entry, enter)
