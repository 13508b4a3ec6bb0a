"""Carrying out changes of administrator accounts: as for every account, and the roles (ACC-01)."""

from __future__ import annotations

from accounts import provisioning
from accounts.administrators import entering
from accounts.changing import ChangeHandler
from accounts.provisioning import Work
from portal.fulfilment.registry import Outcome, Run
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
