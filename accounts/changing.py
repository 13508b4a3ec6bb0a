"""Carrying out a change of an account: from the approved values before to the approved values after, step by step.

AD has no transaction over several writes. Each attempt looks at the account first and does what is still missing, so it
may be interrupted anywhere. An attribute that is neither as it was before nor as it shall be was changed by somebody
else: then nothing is written and a person decides.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from accounts import aspects, checks, life_checks, places, provisioning
from accounts.aspects import CONTAINER, DISABLED, GROUPS, LOGIN_NAME, NO, State
from accounts.attributes import group_path
from accounts.models import DirectoryAccount
from accounts.provisioning import Stop, Work
from accounts.register import RegisterConflict, enter_account
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, Outcome, Run
from portal.gateways import clock, directory_factory
from portal.gateways.directory import ChangedMeanwhile, ContainerMissing, DirectoryEntry
from portal.workflow.plans import Change, Plan

Approved = dict[str, Change]


class ChangeHandler:
    """Brings one account from the approved values before to those after. For every type of account."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: self._change(provisioning.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: AD holds all that was approved (ACC-12)."""
        return provisioning.carry_out(lambda: self._finish(provisioning.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Each attribute with its value before and after."""
        payload = provisioning.payload_of(operation)
        rows = [
            (f"{_(change.label)} ({change.attribute})", f"{shown(change.before)} → {shown(change.after)}")
            for change in approved_changes(operation).values()
        ]
        return [(_("Login name"), payload.login_name), ("objectGUID", payload.account_guid), *rows]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()

    def settle(self, work: Work, entry: DirectoryEntry) -> None:
        """Enter what was read back. Safe to repeat. Raises RegisterConflict. A type with more to note overrides this."""
        enter_account(
            line=work.operation.line,
            payload=work.payload,
            entry=entry,
            now=clock.now(),
            account_type=work.payload.account_type,
        )

    def _change(self, work: Work) -> Outcome:
        _require_in_use(work)
        approved = approved_changes(work.operation)
        entry = require_own(work)
        if others := aspects.unexpected(aspects.state_of(entry, work.organisation), approved):
            raise Stop(differs(aspects.state_of(entry, work.organisation), others))
        for attribute, write in _WRITES.items():
            lacking = {
                name: change
                for name, change in _missing(work, entry, approved).items()
                if _step_of(name) == attribute
            }
            if not lacking:
                continue
            try:
                write(work, entry, lacking)
            except ChangedMeanwhile as error:
                # Perhaps by our own write of an attempt whose answer was lost: the next one looks at all of it again.
                text = _("The account changed while it was written. The portal looks again.")
                raise Stop(NotKnown(code=error.code or "changed", message=text)) from None
            work.run.checkpoint(**{f"step_{attribute}": clock.now().isoformat()})
            entry = require_own(work)
        return self._finish(work)

    def _finish(self, work: Work) -> Outcome:
        """Done only when AD holds everything that was approved."""
        entry = require_own(work)
        approved = approved_changes(work.operation)
        if lacking := _missing(work, entry, approved):
            return differs(aspects.state_of(entry, work.organisation), list(lacking.values()))
        try:
            self.settle(work, entry)
        except RegisterConflict:
            return register_conflict()
        values = {name: list(change.after) for name, change in approved.items()}
        return Done(
            evidence={"object_guid": str(entry.guid), "distinguished_name": entry.dn, "values": values}
        )


def approved_changes(operation: Operation) -> Approved:
    """What was approved, by attribute: the plan as it was frozen at submission."""
    return aspects.planned(Plan.from_json(operation.line.plan)) if operation.line.plan else {}


def require_own(work: Work) -> DirectoryEntry:
    """The account as it stands now, by objectGUID, whatever it is called and wherever it lies in the organisation.

    Raises Stop, also for one that was deleted by hand: it is never made again.
    """
    found = life_checks.look_with(work.directory, work.organisation, work.payload.guid)
    if problem := life_checks.entry_problem(found.entry):
        raise Stop(
            NeedsPerson(code="account_missing" if found.entry is None else "privileged", message=problem)
        )
    assert found.entry is not None
    return found.entry


def differs(state: State, changes: list[Change]) -> NeedsPerson:
    """What AD holds otherwise than it was approved, with what was expected."""
    parts = [
        _("%(label)s is %(found)s (approved: %(before)s → %(after)s)")
        % {
            "label": _(change.label),
            "found": shown(state[change.attribute]),
            "before": shown(change.before),
            "after": shown(change.after),
        }
        for change in changes
    ]
    text = _("Active Directory differs from what was approved: %(differences)s.")
    return NeedsPerson(code="differs", message=text % {"differences": "; ".join(parts)})


def register_conflict() -> NeedsPerson:
    """The register and AD have drifted apart over a login name."""
    text = _(
        "The register holds another account with this login name. Compare it with Active Directory, then retry."
    )
    return NeedsPerson(code="register_conflict", message=text)


def shown(values: tuple[str, ...]) -> str:
    """A value as people read it."""
    return "、".join(values) or _("(none)")


def _require_in_use(work: Work) -> None:
    account = DirectoryAccount.system.filter(object_guid=work.payload.guid).first()
    if account is not None and account.state in checks.GONE:
        text = _("The account was deleted since this was approved. Close this operation.")
        raise Stop(NeedsPerson(code="deleted", message=text))


def _missing(work: Work, entry: DirectoryEntry, approved: Approved) -> Approved:
    found = aspects.missing(aspects.state_of(entry, work.organisation), approved)
    renamed = approved.get(LOGIN_NAME)
    # A rename is two writes: the names, then the object's own name.
    if renamed is not None and not entry.dn.lower().startswith(f"cn={renamed.after[0]},".lower()):
        found[LOGIN_NAME] = renamed
    return found


def _step_of(attribute: str) -> str:
    return attribute if attribute in _WRITES else _FIELDS


def _rename(work: Work, entry: DirectoryEntry, lacking: Approved) -> None:
    work.run.still_mine()
    work.directory.rename(entry.guid, lacking[LOGIN_NAME].after[0])


def _update(work: Work, entry: DirectoryEntry, lacking: Approved) -> None:
    changing = [aspect for aspect in aspects.WRITTEN_TOGETHER if aspect.attribute in lacking]
    wanted = {a.field: aspects.to_directory(a.field, lacking[a.attribute].after) for a in changing}
    before = {a.field: aspects.to_directory(a.field, lacking[a.attribute].before) for a in changing}
    work.run.still_mine()
    work.directory.update_account(entry.guid, wanted, expected=before)


def _move(work: Work, entry: DirectoryEntry, lacking: Approved) -> None:
    move_to(work, entry, lacking[CONTAINER].after[0])


def move_to(work: Work, entry: DirectoryEntry, path: str) -> None:
    """Move an account to a unit of its organisation. Raises ContainerMissing when there is none of that path."""
    dns = places.dns_of_containers(work.directory, work.organisation)
    if path not in dns:
        raise ContainerMissing(dn=path, code="not_found")
    work.run.still_mine()
    work.directory.move(entry.guid, dns[path])


def _regroup(work: Work, entry: DirectoryEntry, lacking: Approved) -> None:
    change = lacking[GROUPS]
    now = aspects.state_of(entry, work.organisation)[GROUPS]
    if refused := join_groups(work, entry, [path for path in change.after if path not in now]):
        text = _("These groups do not exist in this organisation or are privileged: %(groups)s.")
        raise Stop(NeedsPerson(code="group_refused", message=text % {"groups": "、".join(refused)}))
    leave_groups(work, entry, [path for path in now if path not in change.after])


def join_groups(work: Work, entry: DirectoryEntry, paths: list[str]) -> list[str]:
    """Make the account a member; gives the groups that are not offered (any more)."""
    offered = places.offered_groups(work.directory, work.organisation) if paths else {}
    for path in paths:
        if path in offered:
            work.run.still_mine()
            work.directory.add_to_group(offered[path].dn, entry.guid)
    return [path for path in paths if path not in offered]


def leave_groups(work: Work, entry: DirectoryEntry, paths: list[str]) -> None:
    """End the account's membership in groups of its organisation."""
    by_path = {group_path(dn, work.organisation): dn for dn in entry.groups}
    for path in paths:
        work.run.still_mine()
        work.directory.remove_from_group(by_path[path], entry.guid)


def _enable(work: Work, entry: DirectoryEntry, lacking: Approved) -> None:
    work.run.still_mine()
    (work.directory.enable if lacking[DISABLED].after == NO else work.directory.disable)(entry.guid)


_FIELDS = "fields"
# The rename first: a name that is taken shows before anything has changed. In use again only when all else is done.
_WRITES: dict[str, Callable[[Work, DirectoryEntry, Approved], None]] = {
    LOGIN_NAME: _rename,
    _FIELDS: _update,
    CONTAINER: _move,
    GROUPS: _regroup,
    DISABLED: _enable,
}
