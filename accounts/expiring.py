"""The end of a temporary account: disabled on the day after its last day of use (ACC-01).

AD locks the account by itself (accountExpires); this makes the end visible in the register, in AD and everywhere else. The
register says at the moment of writing whether it still is the end: a change that came in between wins.
"""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import provisioning
from accounts.attributes import lies_below, organisation_ou
from accounts.models import DirectoryAccount
from accounts.provisioning import Stop, Work
from accounts.register import note_disabled
from portal.common.time import today
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, Outcome, Run, TryLater
from portal.gateways import clock, directory_factory
from portal.gateways.directory import ChangedMeanwhile, DirectoryEntry
from portal.workflow.models import ApplicationLine

EXPIRE = "expire"  # the step that follows whatever line spoke of the account last
_BEING_WRITTEN = (OperationStatus.RUNNING, OperationStatus.OUTCOME_UNKNOWN)


class ExpireHandler:
    """Disables one account whose last day of use has passed."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _expire(provisioning.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: the account is disabled."""
        return provisioning.carry_out(lambda: _finish(provisioning.work_of(run)))

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to do by hand."""
        account = _account_of(operation)
        if account is None:
            return [(_("State"), _("Nothing to do: a later application changed the account."))]
        return [
            (_("Login name"), account.login_name),
            ("objectGUID", str(account.object_guid)),
            (_("Last day of use"), str(account.expires_on or "")),
            (_("State"), _("Disable the account.")),
        ]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def _expire(work: Work) -> Outcome:
    account = _require_ended(work)
    entry = _require_entry(work, account)
    if entry.enabled:
        work.run.still_mine()
        try:
            work.directory.disable(entry.guid)
        except ChangedMeanwhile as error:
            text = _("The account changed while it was written. The portal looks again.")
            raise Stop(NotKnown(code=error.code or "changed", message=text)) from None
    return _finish(work)


def _require_ended(work: Work) -> DirectoryAccount:
    """The account, if its end still stands. Raises Stop."""
    account = _account_of(work.operation)
    if account is None or account.state != DirectoryAccount.State.ENABLED:
        raise Stop(Done(evidence={"nothing_to_do": "changed_meanwhile"}))
    if account.expires_on is None or account.expires_on >= today(clock.now()):
        raise Stop(Done(evidence={"object_guid": str(account.object_guid), "nothing_to_do": "extended"}))
    written = Operation.system.filter(
        line__in=_open_lines(account), step="", target=work.operation.target, status__in=_BEING_WRITTEN
    )
    if written.exists():
        text = _("A change of this account is being carried out. It may move the end.")
        raise Stop(TryLater(code="being_changed", message=text))
    return account


def _account_of(operation: Operation) -> DirectoryAccount | None:
    """The account of which this line spoke last; None when a later one has, which decides then."""
    found: DirectoryAccount | None = (
        DirectoryAccount.system.select_related("organisation").filter(last_line_id=operation.line_id).first()
    )
    return found


def _open_lines(account: DirectoryAccount) -> QuerySet[ApplicationLine]:
    found: QuerySet[ApplicationLine] = ApplicationLine.system.filter(
        is_open=True, organisation_id=account.organisation_id, subject_key=account.login_name.lower()
    )
    return found


def _require_entry(work: Work, account: DirectoryAccount) -> DirectoryEntry:
    entry = work.directory.find_by_guid(account.object_guid)
    if entry is None or not lies_below(entry.dn, organisation_ou(account.organisation)):
        text = _(
            "Active Directory does not have this account at its organisation any more. Ask network operations."
        )
        raise Stop(NeedsPerson(code="account_missing", message=text))
    return entry


def _finish(work: Work) -> Outcome:
    account = _account_of(work.operation)
    if account is None:
        return Done(evidence={"nothing_to_do": "changed_meanwhile"})
    entry = _require_entry(work, account)
    if entry.enabled:
        text = _("The account still is in use in Active Directory.")
        return NeedsPerson(code="not_read_back", message=text)
    note_disabled(entry=entry, now=clock.now())
    return Done(evidence={"object_guid": str(entry.guid), "login_name": entry.login_name, "enabled": False})
