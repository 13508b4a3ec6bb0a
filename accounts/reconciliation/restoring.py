"""Setting an account in AD back to what was written last: a later step of its line, compared and read back (ADR 0017).

Every value is written only while AD still holds what the finding showed; what already is as it should be is left alone,
so an attempt after any interruption goes on where the last one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import provisioning
from accounts.models import DirectoryAccount
from accounts.provisioning import Stop
from accounts.reconciliation.expected import expected_of, written_of
from accounts.reconciliation.models import Finding, FindingState
from accounts.reconciliation.snapshot import (
    FIELDS,
    WRITABLE,
    Difference,
    as_field_value,
    compare,
    snapshot_of,
)
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.registry import Done, NeedsPerson, Outcome, Run, base_step
from portal.gateways import clock, directory_factory
from portal.gateways.directory import Directory, DirectoryEntry
from portal.workflow.fulfilling import enqueue_step

RESTORE_STEP = "restore_state"
STEP_LABEL = gettext_lazy("restore of the last written state")
TARGET = "directory"


def enqueue_restore(finding: Finding, now: datetime) -> Operation:
    """Queue the step on the account's last line, in the caller's transaction which holds the finding's row."""
    assert finding.account is not None
    account = DirectoryAccount.system.select_for_update(of=("self",)).get(pk=finding.account.pk)
    line = account.last_line
    earlier = line.operations.filter(target=TARGET, step__startswith=RESTORE_STEP).count()
    step = f"{RESTORE_STEP}#{earlier + 1}" if earlier else RESTORE_STEP
    return enqueue_step(line, target=TARGET, step=step, now=now)


def operations_settled(operations: Sequence[Operation], now: datetime) -> None:
    """Close the finding whose restore is done; open it again when somebody ended the restore without result."""
    for operation in operations:
        if base_step(operation.step) == RESTORE_STEP:
            _restore_settled(operation, now)


def _restore_settled(operation: Operation, now: datetime) -> None:
    finding = Finding.system.filter(operation=operation, state=FindingState.RESTORING)
    if operation.status == OperationStatus.DONE:
        finding.update(state=FindingState.ANSWERED, closed_at=now)
    elif operation.status == OperationStatus.CLOSED:
        finding.update(
            state=FindingState.OPEN,
            operation=None,
            answer="",
            reason="",
            answered_by=None,
            answered_at=None,
            confirmed_by=None,
            confirmed_at=None,
        )


class RestoreStateHandler:
    """Restores what one finding is about."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _restore(run))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: AD must hold what was written last."""
        return provisioning.carry_out(lambda: _finish(_finding_of(run.operation), _entry_of(run.operation)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to set, by hand."""
        finding = _finding_of(operation)
        rows = [(_(FIELDS[f][0]) + f" ({FIELDS[f][1]})", shown(f, v)) for f, v in _wanted(finding).items()]
        return [(_("Login name"), finding.login_name), ("objectGUID", str(finding.object_guid)), *rows]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def shown(field: str, value: Any) -> str:
    """A value of a snapshot as people read it."""
    if field == "enabled":
        return {True: _("in use"), False: _("disabled")}.get(value, "")
    if isinstance(value, list):
        return "\n".join(value)
    return str(value or "")


def _finding_of(operation: Operation) -> Finding:
    return Finding.system.select_related("account__organisation", "account__written").get(operation=operation)


def _entry_of(operation: Operation) -> DirectoryEntry:
    guid = _finding_of(operation).object_guid
    return provisioning.require_entry(directory_factory.get_directory(), guid)


def _wanted(finding: Finding) -> dict[str, Any]:
    """The values to be restored. The marker is evidence of who made an object and is never written over."""
    assert finding.account is not None
    expected = expected_of(finding.account)
    fields = [difference["field"] for difference in finding.differences]
    return {field: expected[field] for field in fields if field in expected and field != "marker"}


def _restore(run: Run) -> Outcome:
    finding = _finding_of(run.operation)
    directory = directory_factory.get_directory()
    entry = _entry_of(run.operation)
    _require_as_seen(finding, entry)
    open_ = {difference.field: difference for difference in compare(_wanted(finding), snapshot_of(entry))}
    _require_usual_name(finding, open_)
    _set_values(run, directory, entry, open_)
    for field in ("login_name", "common_name", "container", "enabled", "groups"):
        if field in open_:
            run.still_mine()
            _SETTERS[field](directory, entry, open_[field])
            entry = provisioning.require_entry(directory, entry.guid)
    return _finish(finding, provisioning.require_entry(directory, entry.guid))


def _require_as_seen(finding: Finding, entry: DirectoryEntry) -> None:
    """Every value is what the finding showed, or restored already: a third one is somebody's work since."""
    wanted, now = _wanted(finding), snapshot_of(entry)
    seen = {difference["field"]: difference["found"] for difference in finding.differences}
    changed = [
        difference
        for difference in compare(wanted, now)
        if compare({difference.field: seen[difference.field]}, now)
    ]
    if changed:
        text = _("Active Directory was changed again: %(fields)s. Close this and answer the new finding.")
        names = ", ".join(_(FIELDS[difference.field][0]) for difference in changed)
        raise Stop(NeedsPerson(code="changed_meanwhile", message=text % {"fields": names}))


def _require_usual_name(finding: Finding, open_: dict[str, Difference]) -> None:
    """The port names an object after its login name; one that was called otherwise is renamed by a person."""
    assert finding.account is not None
    written = written_of(finding.account)
    usual = f"CN={written['login_name']}".casefold()
    if {"login_name", "common_name"} & open_.keys() and str(written["common_name"]).casefold() != usual:
        text = _("The object was not named after its login name. Rename it by hand as the work sheet says.")
        raise Stop(NeedsPerson(code="by_hand", message=text))


def _set_values(run: Run, directory: Directory, entry: DirectoryEntry, open_: dict[str, Difference]) -> None:
    changes: dict[str, str | date | None] = {}
    expected: dict[str, str | date | None] = {}
    for field in WRITABLE & open_.keys():
        changes[field] = as_field_value(field, open_[field].written)
        expected[field] = as_field_value(field, open_[field].found)
    if changes:
        run.still_mine()
        directory.update_account(entry.guid, changes, expected=expected)


def _rename(directory: Directory, entry: DirectoryEntry, difference: Difference) -> None:
    directory.rename(entry.guid, difference.written)


def _rename_object(directory: Directory, entry: DirectoryEntry, difference: Difference) -> None:
    directory.rename(entry.guid, entry.login_name)


def _move(directory: Directory, entry: DirectoryEntry, difference: Difference) -> None:
    directory.move(entry.guid, difference.written)


def _set_enabled(directory: Directory, entry: DirectoryEntry, difference: Difference) -> None:
    (directory.enable if difference.written else directory.disable)(entry.guid)


def _set_groups(directory: Directory, entry: DirectoryEntry, difference: Difference) -> None:
    wanted = {dn.casefold(): dn for dn in difference.written or ()}
    found = {dn.casefold(): dn for dn in difference.found or ()}
    for key in wanted.keys() - found.keys():
        directory.add_to_group(wanted[key], entry.guid)
    for key in found.keys() - wanted.keys():
        directory.remove_from_group(found[key], entry.guid)


_SETTERS = {
    "login_name": _rename,
    "common_name": _rename_object,
    "container": _move,
    "enabled": _set_enabled,
    "groups": _set_groups,
}


def _finish(finding: Finding, entry: DirectoryEntry) -> Outcome:
    """Read back: only what was to be restored counts. The last written state stays the one it was restored to."""
    left = compare(_wanted(finding), snapshot_of(entry))
    if left:
        text = _("Active Directory does not hold the restored values: %(fields)s.")
        names = ", ".join(_(FIELDS[difference.field][0]) for difference in left)
        return NeedsPerson(code="not_read_back", message=text % {"fields": names})
    assert finding.account is not None
    DirectoryAccount.system.filter(pk=finding.account.pk).update(
        distinguished_name=entry.dn, verified_at=clock.now()
    )
    evidence = {field: written_of(finding.account).get(field) for field in _wanted(finding)}
    return Done(evidence={"object_guid": str(entry.guid), "distinguished_name": entry.dn, **evidence})
