"""Carrying out new settings and later last days: the approved plan or nothing, proven by msDS-ResultantPSO (REQ-03, REQ-12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from portal.common.time import plain_moment, today
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, Outcome, Run
from portal.gateways import clock, directory_factory
from portal.gateways.directory import Directory
from portal.gateways.directory_policies import AccountPolicy, PasswordSettings
from portal.workflow import kinds
from portal.workflow.comparison import plan_differences
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine
from portal.workflow.plans import Change, Plan
from requests.password_settings import checks, effects, lookups, planning, register, wanted
from requests.password_settings.known import known, look, setting
from requests.password_settings.lookups import Seen
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.outcomes import carry_out, person
from requests.password_settings.payloads import ExtendLifetime, StartLifetime

_EVIDENCE_NAMES = 50


class _Writer:
    """What both have in common."""

    def run(self, run: Run) -> Outcome:
        """Look, write, read back."""
        return carry_out(lambda: self._carry_out(run))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """Only read: also after somebody did it by hand."""
        return carry_out(lambda: self._verify(run))

    def ping(self) -> None:
        """The breaker's probe."""
        directory_factory.get_directory().ping()

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """The object and its values, and the mark by which the portal knows it again."""
        plan = Plan.from_json(operation.line.plan) if operation.line.plan else Plan()
        pairs = [
            (
                f"{_(change.label)} ({change.attribute})" if change.attribute else _(change.label),
                ", ".join(change.after or change.before),
            )
            for change in plan.changes
        ]
        return [*pairs, (_("Mark of the portal (adminDescription)"), str(operation.marker))]

    def _carry_out(self, run: Run) -> Outcome:
        raise NotImplementedError

    def _verify(self, run: Run) -> Outcome:
        raise NotImplementedError


class StartHandler(_Writer):
    """Makes the object with its people in one add, so that there is never one for nobody."""

    def _carry_out(self, run: Run) -> Outcome:
        directory, line = directory_factory.get_directory(), run.operation.line
        payload: StartLifetime = payload_of(line)
        marker = str(run.operation.marker)
        made = directory.find_password_settings_by_marker(marker)
        if made is None:
            if payload.last_day < today(clock.now()):
                text = _(
                    "The last day passed before this was carried out. Nothing was changed. Close this one."
                )
                raise person("until_passed", text)
            if known(context_of(line)).lifetime(payload.full_name) is not None:
                text = _(
                    "The register has settings named %(name)s in force. Nothing was changed. Have them ended early by an application, then retry."
                )
                raise person("name_in_force", text % {"name": payload.full_name})
            seen = look(directory, payload, context_of(line))
            asked = _as_approved(line, payload, seen, marker)
            run.still_mine()
            made = directory.create_password_settings(asked)
        return _prove_start(directory, run, payload, made)

    def _verify(self, run: Run) -> Outcome:
        directory, line = directory_factory.get_directory(), run.operation.line
        made = directory.find_password_settings_by_marker(str(run.operation.marker))
        if made is None:
            text = _(
                "Active Directory has no settings with the mark of this operation in adminDescription. Without it the portal could not take them back."
            )
            raise person("not_found", text)
        payload: StartLifetime = payload_of(line)
        age = made.rules.maximum_age
        if age is None or age.days != payload.lifetime_days or made.name != payload.full_name:
            text = _("The settings are not as approved: %(name)s, %(days)s days.")
            raise person("not_as_approved", text % {"name": made.name, "days": age.days if age else "–"})
        return _prove_start(directory, run, payload, made)


class ExtendHandler(_Writer):
    """Writes the later last day, and the lifetime where it changes, with a new mark."""

    def _carry_out(self, run: Run) -> Outcome:
        directory, line = directory_factory.get_directory(), run.operation.line
        payload: ExtendLifetime = payload_of(line)
        row = in_force(line, payload.name)
        marker = str(run.operation.marker)
        made = directory.find_password_settings_by_marker(marker)
        if made is None:
            held = require_held(directory, row)
            if payload.last_day < today(clock.now()):
                text = _(
                    "The last day passed before this was carried out. Nothing was changed. Close this one."
                )
                raise person("until_passed", text)
            if strangers := lookups.look_at_settings(directory, row.organisation, held).strangers:
                raise person("strangers", checks.strangers_word(strangers))
            asked = wanted.extended(held, payload.last_day, payload.lifetime_days, marker, _number(line))
            _same_as_approved(line, _live_extension(line, row, payload, held))
            run.still_mine()
            made = directory.change_password_settings(held, asked)
        return _prove_extension(directory, run, row, payload, made)

    def _verify(self, run: Run) -> Outcome:
        directory, line = directory_factory.get_directory(), run.operation.line
        payload: ExtendLifetime = payload_of(line)
        row = in_force(line, payload.name)
        held = require_held(directory, row)
        age = held.rules.maximum_age
        if payload.lifetime_days and (age is None or age.days != payload.lifetime_days):
            text = _("The settings are not as approved: %(name)s, %(days)s days.")
            raise person("not_as_approved", text % {"name": held.name, "days": age.days if age else "–"})
        return _prove_extension(directory, run, row, payload, held)


def payload_of(line: ApplicationLine) -> Any:
    """The payload of a line, brought up to the current version."""
    return kinds.get(line.application.kind).load(line.payload, line.payload_version)


def context_of(line: ApplicationLine) -> LineContext:
    """The portal itself looks again."""
    return LineContext(
        organisation=line.organisation, actor=None, application=line.application, today=today(clock.now())
    )


def in_force(line: ApplicationLine, name: str) -> PasswordLifetime:
    """The settings of the organisation. Raises Stop when they ended meanwhile."""
    row = known(context_of(line)).lifetime(name)
    if row is None:
        text = _("These settings have ended meanwhile. Nothing was changed. Close this one.")
        raise person("ended", text)
    return row


def require_held(directory: Directory, row: PasswordLifetime) -> PasswordSettings:
    """The object as it is in AD. Raises Stop when somebody removed it."""
    held = directory.find_password_settings(row.object_guid)
    if held is None:
        text = _(
            "Active Directory does not have the settings %(name)s any more: somebody removed them. Nothing was changed."
        )
        raise person("settings_missing", text % {"name": row.name})
    return held


def _number(line: ApplicationLine) -> str:
    return str(line.application.number)


# --- As approved ----------------------------------------------------------------------------------------------------------
def _as_approved(line: ApplicationLine, payload: StartLifetime, seen: Seen, marker: str) -> Any:
    """What is written, when it is what was approved. Raises Stop with what differs."""
    if seen.missing:
        text = _(
            "These accounts are not in Active Directory any more, or have another name: %(names)s. Nothing was changed. Close this one and have it applied for anew."
        )
        raise person("account_missing", text % {"names": checks.listed(seen.missing)})
    if seen.protected:
        text = _("These accounts became protected after the approval: %(names)s. Nothing was changed.")
        raise person("privileged", text % {"names": checks.listed(seen.protected)})
    if payload.group and seen.group_problem:
        text = _("The group is not as approved. Nothing was changed. %(why)s")
        raise person("group_unfit", text % {"why": seen.group_problem})
    if seen.strangers:
        text = _(
            "%(count)d accounts of other organisations came into the group after the approval. Nothing was changed."
        )
        raise person("strangers", text % {"count": seen.strangers})
    if not seen.accounts:
        raise person("nobody", _("The group holds no accounts any more. Nothing was changed."))
    try:
        asked = wanted.new_settings(payload, seen, marker, _number(line))
    except ValueError:
        text = _(
            "The policy of these accounts changed after the approval, so that the lifetime is not longer or not the same for all. Nothing was changed."
        )
        raise person("changed_meanwhile", text) from None
    _same_as_approved(line, planning.start_changes(payload, seen, asked), moving=bool(payload.group))
    return asked


def _live_extension(
    line: ApplicationLine, row: PasswordLifetime, payload: ExtendLifetime, held: PasswordSettings
) -> list[Change]:
    asked = wanted.extended(held, payload.last_day, payload.lifetime_days)
    return planning.extend_changes(row, payload, held.rules, asked, [])


def _same_as_approved(line: ApplicationLine, live: Sequence[Change], *, moving: bool = True) -> None:
    """Raises Stop unless this is the plan that was approved last.

    `moving`: whoever joins or leaves a group meanwhile belongs to it as before the approval; the object, its rules and
    its group are what was approved.
    """
    plan = Plan.from_json(line.plan) if line.plan else Plan()
    if not plan.changes:
        text = _(
            "Active Directory could not be asked when this was approved, so nobody saw whom it touches. Close it and have it applied for anew."
        )
        raise person("no_plan", text)
    compared = [
        Plan(changes=tuple(c for c in changes if not (moving and c.label == planning.PEOPLE)))
        for changes in (plan.changes, live)
    ]
    if differing := plan_differences(compared[:1], compared[1:]):
        words = "; ".join(f"{_(c.label)}: {', '.join(c.after) or '–'}" for c in differing)
        text = _(
            "Active Directory is not as it was when this was approved: %(changes)s. Nothing was changed. Close this one and have it applied for anew."
        )
        raise person("changed_meanwhile", text % {"changes": words})


# --- Proof ----------------------------------------------------------------------------------------------------------------
def _prove_start(directory: Directory, run: Run, payload: StartLifetime, made: PasswordSettings) -> Outcome:
    """The register first: whatever comes after, what is in AD is taken back on its day."""
    line = run.operation.line
    seen = lookups.look_at_settings(directory, line.organisation, made)
    before = seen.survey.without(made.guid)
    found = effects.effects_of(seen.accounts, before, seen.survey)
    touched = [each for each in found if each.changes]
    days = next((each.days_before for each in touched if each.days_before), None)
    usual = before.domain.maximum_age
    register.enter(
        line=line,
        made=made,
        days_before=days or (usual.days if usual else 0),
        until=payload.last_day,
        names={account.login_name: account.display_name for account in seen.accounts},
        affected=len(touched),
        now=clock.now(),
    )
    read = read_back(directory, made, seen)
    return Done(evidence=evidence(made, payload.until, len(touched), read))


def _prove_extension(
    directory: Directory, run: Run, row: PasswordLifetime, payload: ExtendLifetime, made: PasswordSettings
) -> Outcome:
    seen = lookups.look_at_settings(directory, row.organisation, made)
    found = effects.effects_of(seen.accounts, seen.survey.without(made.guid), seen.survey)
    count = sum(each.changes for each in found)
    register.extend(
        lifetime_id=row.pk,
        line=run.operation.line,
        made=made,
        until=payload.last_day,
        affected=count,
        now=clock.now(),
    )
    read = read_back(directory, made, seen)
    return Done(evidence=evidence(made, payload.until, count, read))


def read_back(directory: Directory, made: PasswordSettings, seen: Seen) -> list[AccountPolicy]:
    """What AD itself says of those for whom the settings should be in force: at most so many, the first by name.

    Raises Stop when it says otherwise.
    """
    expected = [a for a in seen.accounts if a.settings_dn.casefold() == made.dn.casefold()]
    asked = [account.guid for account in expected[: setting("read_back")]]
    read = lookups.in_order(directory.account_policies(asked))
    wrong = [a.login_name for a in read if a.settings_dn.casefold() != made.dn.casefold()]
    if wrong:
        text = _(
            "%(name)s is in Active Directory, but these accounts are not under it: %(names)s. It is taken back on its last day all the same. Look at it, then try again."
        )
        raise person("not_in_force", text % {"name": made.name, "names": checks.listed(wrong)})
    return read


def evidence(
    made: PasswordSettings, until: str, affected: int, read: Sequence[AccountPolicy]
) -> dict[str, Any]:
    """What was read back, for the history and the result that the applicant reads."""
    age = made.rules.maximum_age
    return {
        "settings": made.name,
        "object_guid": str(made.guid),
        "distinguished_name": made.dn,
        "precedence": made.precedence,
        "lifetime_days": age.days if age else 0,
        "until": until,
        "affected": affected,
        "read_back_count": len(read),
        "read_back": read_back_json(read),
    }


def read_back_json(read: Sequence[AccountPolicy]) -> list[dict[str, str]]:
    """The first accounts with what applies to each."""
    return [
        {
            "login_name": account.login_name,
            "settings": account.settings_dn,
            "expires_at": plain_moment(account.password_expires_at),
        }
        for account in read[:_EVIDENCE_NAMES]
    ]
