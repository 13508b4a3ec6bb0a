"""Carrying out a restoration: groups, unit, and last of all in use again, as it was before the deletion."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import life_checks, provisioning
from accounts.aspects import CONTAINER, DISABLED, GROUPS, NO, State, state_of
from accounts.attributes import DELETED
from accounts.changing import differs, join_groups, move_to, register_conflict, require_own, shown
from accounts.deleting import sheet_head
from accounts.models import DirectoryAccount
from accounts.provisioning import Stop, Work
from accounts.register import RegisterConflict, note_restored
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, Outcome, Run
from portal.gateways import clock, directory_factory
from portal.gateways.directory import ChangedMeanwhile, DirectoryEntry
from portal.workflow.plans import CHANGE, Change

Home = dict[str, Any]  # {"container": path, "groups": [paths]}


class RestoreHandler:
    """Gives one deleted account back."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _restore(provisioning.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: in use, in its unit and its groups (ACC-12)."""
        return provisioning.carry_out(lambda: _verify(provisioning.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        account = DirectoryAccount.system.get(object_guid=provisioning.payload_of(operation).guid)
        home = operation.progress.get("home") or account.before_deletion
        return [
            *sheet_head(operation),
            (_("Groups"), shown(tuple(home.get("groups", ())))),
            (_("Container"), home.get("container", "")),
            (_("State"), _("Enable the account.")),
        ]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def _restore(work: Work) -> Outcome:
    home = _begin(work)
    entry = _require_there(work)
    now = state_of(entry, work.organisation)
    if now[CONTAINER] not in ((home["container"],), (DELETED,)):
        raise Stop(differs(now, [_expected(CONTAINER, "Container", (DELETED,), (home["container"],))]))
    try:
        lost = _write(work, entry, home)
    except ChangedMeanwhile as error:
        text = _("The account changed while it was written. The portal looks again.")
        raise Stop(NotKnown(code=error.code or "changed", message=text)) from None
    return _finish(work, home, lost)


def _begin(work: Work) -> Home:
    """What to give back, noted before the first write. Raises Stop."""
    if "home" not in work.progress:
        work.run.checkpoint(home=_home_of_deleted(work))
    home: Home = work.progress["home"]
    return home


@transaction.atomic
def _home_of_deleted(work: Work) -> Home:
    """Decided under the lock of the account's row against the removal (accounts.deleting.begin_removal). Raises Stop."""
    rows = DirectoryAccount.system.select_for_update(no_key=True, of=("self",))
    account = rows.filter(object_guid=work.payload.guid).first()
    if (
        account is None
        or account.state == DirectoryAccount.State.REMOVED
        or life_checks.removal_runs(account)
    ):
        raise Stop(NeedsPerson(code="removed", message=life_checks.removed_for_good()))
    if account.state != DirectoryAccount.State.DELETED:
        text = _("The account is not deleted any more. Close this operation.")
        raise Stop(NeedsPerson(code="not_deleted", message=text))
    return dict(account.before_deletion)


def _require_there(work: Work) -> DirectoryEntry:
    try:
        return require_own(work)
    except Stop as stop:
        if isinstance(stop.outcome, NeedsPerson) and stop.outcome.code == "account_missing":
            raise Stop(NeedsPerson(code="removed", message=life_checks.removed_for_good())) from None
        raise


def _write(work: Work, entry: DirectoryEntry, home: Home) -> list[str]:
    """What is still missing, in use again last of all. Gives the groups that do not exist any more."""
    now = state_of(entry, work.organisation)
    lost = join_groups(work, entry, [path for path in home["groups"] if path not in now[GROUPS]])
    if now[CONTAINER] != (home["container"],):
        move_to(work, entry, str(home["container"]))
    if not entry.enabled:
        work.run.still_mine()
        work.directory.enable(entry.guid)
    return lost


def _verify(work: Work) -> Outcome:
    account = DirectoryAccount.system.get(object_guid=work.payload.guid)
    home = work.progress.get("home") or account.before_deletion
    return _finish(work, home, [])


def _finish(work: Work, home: Home, lost: list[str]) -> Outcome:
    entry = _require_there(work)
    now = state_of(entry, work.organisation)
    if lacking := _lacking(now, home, lost):
        return differs(now, lacking)
    try:
        note_restored(line=work.operation.line, entry=entry, now=clock.now())
    except RegisterConflict:
        return register_conflict()
    evidence = {"object_guid": str(entry.guid), "distinguished_name": entry.dn, "enabled": entry.enabled}
    return Done(evidence=evidence | ({"groups_gone": lost} if lost else {}))


def _lacking(now: State, home: Home, lost: list[str]) -> list[Change]:
    groups = tuple(path for path in home["groups"] if path not in lost)
    wanted = [
        _expected(CONTAINER, "Container", (DELETED,), (str(home["container"]),)),
        _expected(DISABLED, "Disabled (1: yes)", ("1",), NO),
    ]
    found = [change for change in wanted if now[change.attribute] != change.after]
    if not set(groups) <= set(now[GROUPS]):
        found.append(_expected(GROUPS, "Groups", (), groups))
    return found


def _expected(attribute: str, label: str, before: tuple[str, ...], after: tuple[str, ...]) -> Change:
    return Change(action=CHANGE, label=label, attribute=attribute, before=before, after=after)
