"""Carrying out what happens to administrator accounts: as for every account, and with it their person and roles (ACC-01)."""

from __future__ import annotations

from collections.abc import Callable

from accounts import provisioning
from accounts.administrators import entering
from accounts.changing import ChangeHandler
from accounts.deleting import DeleteHandler
from accounts.provisioning import Work
from accounts.restoring import RestoreHandler
from portal.fulfilment.registry import Done, Outcome, Run
from portal.gateways.directory import DirectoryEntry


class ChangeAdministratorHandler(ChangeHandler):
    """Brings one account, its person and its roles from what was seen to what was approved."""

    def run(self, run: Run) -> Outcome:
        """The roles are looked at first, so that AD is not changed for an application that a person must look at."""

        def act() -> Outcome:
            work = provisioning.work_of(run)
            entering.require_roles_as_seen(work)
            return self._change(work)

        return provisioning.carry_out(act)

    def settle(self, work: Work, entry: DirectoryEntry) -> None:
        """See ChangeHandler."""
        entering.enter_change(work, entry)


class DeleteAdministratorHandler(DeleteHandler):
    """Shuts the person out, then deletes the account as every other: the portal does not wait for AD with the first."""

    def run(self, run: Run) -> Outcome:
        """See DeleteHandler."""
        return _closed_first(run, super().run)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """Done by hand in AD: the person is shut out of the portal all the same."""
        return _closed_first(
            run, lambda again: super(DeleteAdministratorHandler, self).verify(again, recorded)
        )


class RestoreAdministratorHandler(RestoreHandler):
    """Gives the account back and lets its person in again. Roles stay ended: they are given anew (docs/adr/0012)."""

    def run(self, run: Run) -> Outcome:
        """See RestoreHandler."""
        return _let_in_after(run, super().run(run))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """See RestoreHandler."""
        return _let_in_after(run, super().verify(run, recorded))


def _closed_first(run: Run, go_on: Callable[[Run], Outcome]) -> Outcome:
    def act() -> Outcome:
        entering.close(provisioning.work_of(run))
        return go_on(run)

    return provisioning.carry_out(act)


def _let_in_after(run: Run, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Done):
        entering.let_in(provisioning.work_of(run))
    return outcome
