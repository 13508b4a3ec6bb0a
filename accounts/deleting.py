"""Carrying out a deletion: disabled and moved away at once, removed for good days later (ACC-02).

A deletion of the wrong person is put right by one application until the removal begins. Who comes first, the removal or a
restoration, is decided under the lock of the account's row in the register (`begin_removal`, accounts.restoring).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import provisioning
from accounts.aspects import CONTAINER, DISABLED, GROUPS, NO, YES, State, registered_state, state_of
from accounts.attributes import DELETED
from accounts.changing import differs, leave_groups, move_to, register_conflict, require_own
from accounts.models import DirectoryAccount
from accounts.provisioning import Stop, Work
from accounts.register import RegisterConflict, note_deleted, note_removed
from portal.common.time import today
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, Outcome, Run, TryLater
from portal.gateways import clock, directory_factory
from portal.gateways.directory import ChangedMeanwhile, DirectoryEntry
from portal.workflow.models import ApplicationLine
from portal.workflow.plans import CHANGE, Change

REMOVE = "remove"  # the step that follows a deletion
RegisterState = DirectoryAccount.State


class DeleteHandler:
    """Disables one account, moves it to the organisation's unit for deleted accounts and takes it out of its groups."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _delete(provisioning.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: disabled, moved and in no group (ACC-12)."""
        return provisioning.carry_out(lambda: _finish(provisioning.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        return [
            *sheet_head(operation),
            (_("State"), _("Disable the account.")),
            (_("Container"), DELETED),
            (_("Groups"), _("End every membership in groups of the organisation.")),
        ]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


class RemoveHandler:
    """Removes a deleted account for good, once its days are over and nobody has it restored."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _remove(provisioning.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: AD does not have the account any more."""
        return provisioning.carry_out(lambda: _verify_removed(provisioning.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        return [*sheet_head(operation), (_("Removal"), _("Delete the object from Active Directory."))]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def sheet_head(operation: Operation) -> list[tuple[str, str]]:
    """Which account a work sheet is about."""
    payload = provisioning.payload_of(operation)
    return [
        (_("Login name"), payload.login_name),
        (_("Display name"), payload.display_name),
        ("objectGUID", payload.account_guid),
    ]


# Deleting


def _delete(work: Work) -> Outcome:
    entry = require_own(work)
    _require_deletable(work)
    if "before" not in work.progress:
        # Before the first write, so that a restoration knows it whatever happens in between.
        before = state_of(entry, work.organisation)
        work.run.checkpoint(before={"container": before[CONTAINER][0], "groups": list(before[GROUPS])})
    _refuse_strange_place(work, entry)
    try:
        entry = _write(work, entry)
    except ChangedMeanwhile as error:
        text = _("The account changed while it was written. The portal looks again.")
        raise Stop(NotKnown(code=error.code or "changed", message=text)) from None
    return _finish(work)


def _write(work: Work, entry: DirectoryEntry) -> DirectoryEntry:
    """What is still missing, the lock first: from then on nobody logs on."""
    if entry.enabled:
        work.run.still_mine()
        work.directory.disable(entry.guid)
    if state_of(entry, work.organisation)[CONTAINER] != (DELETED,):
        move_to(work, entry, DELETED)
        entry = require_own(work)
    if groups := state_of(entry, work.organisation)[GROUPS]:
        leave_groups(work, entry, list(groups))
    return entry


def _require_deletable(work: Work) -> None:
    account = DirectoryAccount.system.filter(object_guid=work.payload.guid).first()
    gone = account is not None and account.state in (RegisterState.DELETED, RegisterState.REMOVED)
    if account is not None and gone and account.last_line_id != work.operation.line_id:
        text = _("Another application deleted this account meanwhile. Close this operation.")
        raise Stop(NeedsPerson(code="deleted", message=text))


def _refuse_strange_place(work: Work, entry: DirectoryEntry) -> None:
    """An account that somebody moved since this began is not theirs to lose."""
    before = work.progress["before"]["container"]
    now = state_of(entry, work.organisation)
    if now[CONTAINER] not in ((before,), (DELETED,)):
        change = Change(
            action=CHANGE, label="Container", attribute=CONTAINER, before=(before,), after=(DELETED,)
        )
        raise Stop(differs(now, [change]))


def _finish(work: Work) -> Outcome:
    entry = require_own(work)
    now = state_of(entry, work.organisation)
    if open_ones := _not_yet(now):
        return differs(now, open_ones)
    before = work.progress.get("before") or _remembered(work)
    moment = clock.now()
    try:
        account = note_deleted(
            line=work.operation.line,
            entry=entry,
            before=before,
            remove_on=today(moment) + timedelta(days=settings.ACCOUNT_REMOVAL_DAYS),
            now=moment,
        )
    except RegisterConflict:
        return register_conflict()
    evidence = {
        "object_guid": str(entry.guid),
        "distinguished_name": entry.dn,
        "enabled": entry.enabled,
        "before": before,
        "remove_on": account.remove_on.isoformat() if account.remove_on else "",
    }
    return Done(evidence=evidence)


def _not_yet(now: State) -> list[Change]:
    wanted = {
        CONTAINER: ((DELETED,), "Container"),
        GROUPS: ((), "Groups"),
        DISABLED: (YES, "Disabled (1: yes)"),
    }
    return [
        Change(action=CHANGE, label=label, attribute=name, before=now[name], after=values)
        for name, (values, label) in wanted.items()
        if now[name] != values
    ]


def _remembered(work: Work) -> dict[str, object]:
    """What the register knew before somebody deleted the account by hand."""
    account = DirectoryAccount.system.select_related("organisation").get(object_guid=work.payload.guid)
    if account.before_deletion:
        return dict(account.before_deletion)
    state = registered_state(account)
    return {"container": state[CONTAINER][0], "groups": list(state[GROUPS])}


# Removing for good


def _remove(work: Work) -> Outcome:
    account = begin_removal(work.operation, clock.now())
    entry = work.directory.find_by_guid(account.object_guid)
    if entry is not None:
        _require_as_deleted(work, entry)
        work.run.still_mine()
        work.directory.delete(entry.guid)
        if work.directory.find_by_guid(entry.guid) is not None:
            text = _("Active Directory still has the account after it was deleted.")
            return NeedsPerson(code="not_read_back", message=text)
    return _note_removed(account, by_us=entry is not None or work.operation.fence > 1)


def _require_as_deleted(work: Work, entry: DirectoryEntry) -> None:
    """It is removed only as it was deleted: the same object, disabled, where deleted accounts wait."""
    now = state_of(entry, work.organisation)
    if now[DISABLED] == NO or now[CONTAINER] != (DELETED,):
        text = _(
            "The account is in use again or was moved since it was deleted. Nothing was removed. Find out why, then retry or close."
        )
        raise Stop(NeedsPerson(code="not_as_deleted", message=text))


@transaction.atomic
def begin_removal(operation: Operation, now: datetime) -> DirectoryAccount:
    """Take the account out of the reach of restorations, under the lock of its row; also when it was begun before.

    Raises Stop: Done when it is not deleted by this line any more, TryLater while a restoration is applied for or the day
    has not come.
    """
    rows = DirectoryAccount.system.select_for_update(no_key=True, of=("self",))
    account = rows.filter(last_line_id=operation.line_id, state=RegisterState.DELETED).first()
    if account is None:
        removed = DirectoryAccount.system.filter(
            last_line_id=operation.line_id, state=RegisterState.REMOVED
        ).first()
        reason = "removed" if removed else "restored"
        raise Stop(Done(evidence={"nothing_to_do": reason}))
    if account.removal_began_at is not None:
        return account
    if account.remove_on is None or account.remove_on > today(now):
        text = _("The day of the removal has not come yet.")
        raise Stop(TryLater(code="too_early", message=text))
    if restoration_open(account):
        text = _("A restoration is applied for. The removal waits until it is decided.")
        raise Stop(TryLater(code="restoration_open", message=text))
    account.removal_began_at = now
    account.save(update_fields=["removal_began_at", "updated_at"])
    return account


def restoration_open(account: DirectoryAccount) -> bool:
    """Whether an application to give the account back is not finished."""
    lines = ApplicationLine.system.filter(is_open=True, reservation_key=f"account:{account.object_guid}")
    return lines.filter(application__kind__contains="restore").exists()


def _note_removed(account: DirectoryAccount, *, by_us: bool) -> Outcome:
    note_removed(account=account, now=clock.now())
    evidence = {"object_guid": str(account.object_guid), "login_name": account.login_name}
    return Done(evidence=evidence | ({} if by_us else {"removed_by_hand": True}))


def _verify_removed(work: Work) -> Outcome:
    account = DirectoryAccount.system.get(object_guid=work.payload.guid)
    if work.directory.find_by_guid(account.object_guid) is not None:
        text = _("Active Directory still has the account.")
        return NeedsPerson(code="still_there", message=text)
    return _note_removed(account, by_us=False)
