"""Carrying out `disable_unused`: the account is disabled while its initial password is still unused (ACC-10)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts import provisioning
from accounts.delivery import unused
from accounts.delivery.models import InitialPassword
from accounts.provisioning import Work
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, Outcome, Run, TryLater
from portal.gateways import clock, directory_factory
from portal.gateways.directory import ChangedMeanwhile


class DisableUnusedHandler:
    """Disables one account; whoever uses it up to the last moment keeps it."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _disable(provisioning.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: the account must be disabled, or in use."""
        return provisioning.carry_out(lambda: _verify(provisioning.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        row = _row(operation)
        return [
            (_("Login name (sAMAccountName)"), row.login_name),
            ("objectGUID", str(row.account_guid)),
            (_("Only while it is unused"), "pwdLastSet = 0"),
            (_("Disable the account"), "userAccountControl | 2"),
        ]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def _row(operation: Operation) -> InitialPassword:
    return InitialPassword.system.select_related("operation__line__application__applicant").get(
        operation__line_id=operation.line_id, operation__target=operation.target, operation__step=""
    )


def _disable(work: Work) -> Outcome:
    row = _row(work.operation)
    if outcome := _needs_nothing(work, row):
        return outcome
    work.run.checkpoint(disabling=True)
    work.run.still_mine()
    try:
        work.directory.disable(row.account_guid, only_unused=True)
    except ChangedMeanwhile:
        text = _("The account has changed at this moment. The portal looks again.")
        return TryLater(code="changed", message=text)
    return _verify(work)


def _needs_nothing(work: Work, row: InitialPassword) -> Outcome | None:
    """Looked at right before the write: used, replaced or gone is a good end too."""
    entry = work.directory.find_by_guid(row.account_guid)
    if entry is None:
        return Done(evidence={"outcome": "gone"})
    if not entry.must_change_password:
        InitialPassword.system.filter(pk=row.pk, used_at=None).update(used_at=clock.now())
        return Done(evidence={"outcome": "in_use", "login_name": entry.login_name})
    if not unused.is_current(row):
        return Done(evidence={"outcome": "replaced", "login_name": entry.login_name})
    if not entry.enabled and not work.progress.get("disabling"):
        return Done(evidence={"outcome": "disabled_before", "login_name": entry.login_name})
    return None


def _verify(work: Work) -> Outcome:
    row = _row(work.operation)
    entry = provisioning.require_entry(work.directory, row.account_guid)
    if entry.enabled and entry.must_change_password:
        return NeedsPerson(code="still_enabled", message=_("The account is still enabled."))
    if not entry.enabled:
        unused.note_disabled(row, entry, now=clock.now())
    outcome = "in_use" if entry.enabled else "disabled"
    return Done(evidence={"outcome": outcome, "login_name": entry.login_name, "object_guid": str(entry.guid)})
