"""Taking password settings back: by the calendar on the day after the last one, or earlier when it was applied for (REQ-03).

The register says at the moment of writing whether it still is the end: an extension that came in between wins.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.registry import Done, Outcome, Run, TryLater
from portal.gateways import clock, directory_factory
from portal.gateways.directory import Directory, NotFound
from portal.workflow.models import ApplicationLine
from requests.password_settings import checks, effects, handlers, lookups, register, services
from requests.password_settings.known import setting
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.outcomes import Stop, carry_out, person
from requests.password_settings.payloads import EXTEND, TARGET, EndLifetime

_Reason = PasswordLifetime.EndReason
_BEING_WRITTEN = (OperationStatus.RUNNING, OperationStatus.OUTCOME_UNKNOWN)


class _Ender:
    """What both ends have in common."""

    def run(self, run: Run) -> Outcome:
        """Look, remove, read back."""
        return carry_out(lambda: _remove(run, self.due(run), self.reason))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """After it was done by hand: the object is gone."""
        return carry_out(lambda: _finish(run, self.due(run), self.reason, by_hand=True))

    def ping(self) -> None:
        """The breaker's probe."""
        directory_factory.get_directory().ping()

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Which object to delete."""
        row = self.row(operation.line)
        if row is None:
            return [(_("State"), _("Nothing to do: they ended, or a later application moved the last day."))]
        return [
            (_("Password settings"), row.name),
            ("objectGUID", str(row.object_guid)),
            (_("Last day"), row.until.isoformat()),
            (_("What to do"), _("Delete the object from the Password Settings Container.")),
        ]

    reason: str

    def row(self, line: ApplicationLine) -> PasswordLifetime | None:
        raise NotImplementedError

    def due(self, run: Run) -> PasswordLifetime:
        raise NotImplementedError


class EndHandler(_Ender):
    """The early end that was applied for."""

    reason = _Reason.APPLIED_FOR

    def row(self, line: ApplicationLine) -> PasswordLifetime | None:
        """Settings of the organisation that are in force."""
        payload: EndLifetime = handlers.payload_of(line)
        rows = PasswordLifetime.system.select_related("organisation")
        found: PasswordLifetime | None = rows.filter(
            organisation_id=line.organisation_id,
            name__iexact=payload.name,
            state=PasswordLifetime.State.IN_FORCE,
        ).first()
        return found

    def due(self, run: Run) -> PasswordLifetime:
        """The settings; Done when they ended meanwhile."""
        row = self.row(run.operation.line)
        if row is None:
            raise Stop(Done(evidence=_ended_before(run)))
        return row


class TakeBackHandler(_Ender):
    """The end by the calendar."""

    reason = _Reason.EXPIRED

    def row(self, line: ApplicationLine) -> PasswordLifetime | None:
        """The settings of which this line spoke last; None when a later one has, which decides then."""
        rows = PasswordLifetime.system.select_related("organisation")
        found: PasswordLifetime | None = rows.filter(
            last_line=line, state=PasswordLifetime.State.IN_FORCE
        ).first()
        return found

    def due(self, run: Run) -> PasswordLifetime:
        """The settings whose last day is over. Raises Stop."""
        row = self.row(run.operation.line)
        if row is None:
            raise Stop(Done(evidence={"nothing_to_do": "changed_meanwhile"}))
        if row.until >= today(clock.now()):
            raise Stop(Done(evidence={"nothing_to_do": "extended"}))
        written = Operation.system.filter(
            line__is_open=True,
            line__reservation_key=checks.reservation_of(row.name),
            kind=EXTEND,
            target=TARGET,
            step="",
            status__in=_BEING_WRITTEN,
        )
        if written.exists():
            text = _("An extension is being carried out. It may move the last day.")
            raise Stop(TryLater(code="being_changed", message=text))
        return row


def _ended_before(run: Run) -> dict[str, Any]:
    """What the result report says: an attempt of ours ended them and did not come to say so, or something else did before."""
    progress = run.operation.progress
    ours = PasswordLifetime.system.filter(
        last_line_id=run.operation.line_id, state=PasswordLifetime.State.ENDED
    ).first()
    if ours is None:
        return {"outcome": _("The settings had ended already. Nothing was to be done.")}
    counts = {name: int(progress[name]) for name in ("affected", "expired") if name in progress}
    return {"settings": ours.name, "object_guid": str(ours.object_guid), **counts}


def _remove(run: Run, row: PasswordLifetime, reason: str) -> Outcome:
    directory = directory_factory.get_directory()
    held = directory.find_password_settings(row.object_guid)
    if held is not None:
        if "touched" not in run.operation.progress:
            # Before the write, because afterwards nobody can tell any more for whom it was.
            run.checkpoint(**_touched(directory, row))
        run.still_mine()
        try:
            directory.remove_password_settings(held)
        except NotFound:
            return _finish(run, row, reason, by_hand=True)
    return _finish(run, row, reason, by_hand=held is None and "touched" not in run.operation.progress)


def _touched(directory: Directory, row: PasswordLifetime) -> dict[str, Any]:
    """For whom it is in force now: how many, and the first of them."""
    held = directory.find_password_settings(row.object_guid)
    seen = lookups.look_at_settings(directory, row.organisation, held)
    found = effects.effects_of(seen.accounts, seen.survey, seen.survey.without(row.object_guid))
    touched = [each for each in found if each.changes]
    first = [str(each.before.guid) for each in touched[: setting("read_back")]]
    expired = effects.expired_at(touched, clock.now())
    hit = [str(each.before.guid) for each in expired if each.before.enabled]
    return {"touched": first, "affected": len(touched), "expired": len(expired), "hit": hit}


def _finish(run: Run, row: PasswordLifetime, reason: str, *, by_hand: bool) -> Outcome:
    """Gone from AD, and nobody under it any more, by what AD itself says."""
    directory, progress = directory_factory.get_directory(), run.operation.progress
    if directory.find_password_settings(row.object_guid) is not None:
        text = _("Active Directory still has the settings %(name)s.")
        raise person("still_there", text % {"name": row.name})
    read = lookups.in_order(directory.account_policies([UUID(each) for each in progress.get("touched", [])]))
    still = [a.login_name for a in read if a.settings_dn.casefold() == row.distinguished_name.casefold()]
    if still:
        text = _("The settings are gone, but Active Directory still counts them for: %(names)s")
        raise person("still_in_force", text % {"names": checks.listed(still)})
    counts = {name: int(progress[name]) for name in ("affected", "expired") if name in progress}
    # By the calendar they were told days before; an early end comes without a word.
    hit = progress.get("hit", []) if reason == _Reason.APPLIED_FOR else []
    addresses, now = services.addresses_of(directory, [UUID(each) for each in hit]), clock.now()
    with transaction.atomic():
        register.end(lifetime_id=row.pk, line=run.operation.line, reason=reason, counts=counts, now=now)
        services.tell_ended(row, addresses, now)
    found = {
        "settings": row.name,
        "object_guid": str(row.object_guid),
        **counts,
        "read_back_count": len(read),
        "read_back": handlers.read_back_json(read),
    }
    return Done(evidence=found | ({"removed_by_hand": True} if by_hand else {}))
