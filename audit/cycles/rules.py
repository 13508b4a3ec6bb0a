"""What table 2-53 fixes, what a version of the deadlines may say beside it, and what holds until somebody says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from audit.cycles.models import PolicyStep, Roll, Step
from portal.orgs.permissions import OrganisationKind, Role

# Who owes a step and which step may be left out are no choice: the steps of a report ask for the same (AUD-02 … AUD-07).
OWNERS = {
    Step.CREATE: OrganisationKind.OPERATIONS,
    Step.CENTRAL_CHECK: OrganisationKind.CENTRAL,
    Step.PROVIDE: OrganisationKind.CENTRAL,
    Step.FEDERATION_CHECK: OrganisationKind.FEDERATION,
    Step.PRESENT: OrganisationKind.FEDERATION,
    Step.RETURN: OrganisationKind.FEDERATION,
    Step.STORE_COPY: OrganisationKind.CENTRAL,
}
OPTIONAL = frozenset({Step.PRESENT})

# Whom mails about a step go to: those who work on it and those who alone can do it, and those above them.
WORKERS: dict[Step, frozenset[str]] = {
    Step.CREATE: frozenset({Role.OPERATOR}),
    Step.CENTRAL_CHECK: frozenset({Role.AUDIT_REVIEWER}),
    Step.PROVIDE: frozenset({Role.AUDIT_REVIEWER, Role.APPROVER}),
    Step.FEDERATION_CHECK: frozenset({Role.SECURITY_OFFICER}),
    Step.PRESENT: frozenset({Role.SECURITY_OFFICER}),
    Step.RETURN: frozenset({Role.SECURITY_OFFICER, Role.SECURITY_MANAGER}),
    Step.STORE_COPY: frozenset({Role.AUDIT_REVIEWER}),
}
_SUPERVISORS: dict[str, frozenset[str]] = {
    OrganisationKind.OPERATIONS: frozenset({Role.APPROVER}),
    OrganisationKind.CENTRAL: frozenset({Role.APPROVER}),
    OrganisationKind.FEDERATION: frozenset({Role.SECURITY_MANAGER}),
}
# Whose calendar the due days of a party stand in.
FOLLOWERS: dict[str, frozenset[str]] = {
    OrganisationKind.OPERATIONS: frozenset({Role.OPERATOR, Role.APPROVER, Role.AUDITOR}),
    OrganisationKind.CENTRAL: frozenset({Role.AUDIT_REVIEWER, Role.APPROVER, Role.AUDITOR}),
    OrganisationKind.FEDERATION: frozenset({Role.SECURITY_OFFICER, Role.SECURITY_MANAGER, Role.AUDITOR}),
}
SUPERVISORS = {step: _SUPERVISORS[owner] for step, owner in OWNERS.items()}

# step, day, months later, rule for holidays, least working days, beside the step before, reminders (working days before)
_DEFAULTS: tuple[tuple[Step, int, int, str, int, bool, list[int]], ...] = (
    (Step.CREATE, 28, 0, Roll.NEXT, 1, False, [3, 1, 0]),
    (Step.CENTRAL_CHECK, 20, 1, Roll.PREVIOUS, 1, False, [3, 1, 0]),  # so that the 21st can hold
    (Step.PROVIDE, 21, 1, Roll.NEXT, 1, False, [0]),
    (Step.FEDERATION_CHECK, 27, 1, Roll.NEXT, 3, False, [3, 1, 0]),
    (Step.PRESENT, 28, 1, Roll.NEXT, 1, False, []),
    (Step.RETURN, 28, 1, Roll.NEXT, 1, True, [1, 0]),
    (Step.STORE_COPY, 28, 1, Roll.NEXT, 1, True, [0]),
)


def default_steps() -> list[PolicyStep]:
    """The steps of table 2-53 with the portal's own settlement of what it leaves open (AUD-08); not saved."""
    return [
        PolicyStep(
            step=step,
            owner=OWNERS[step],
            due_day=day,
            month_offset=offset,
            roll=roll,
            min_working_days=least,
            together=together,
            remind_before=before,
            optional=step in OPTIONAL,
        )
        for step, day, offset, roll, least, together, before in _DEFAULTS
    ]


def problems(opens_day: int, covers_from_day: int, steps: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with a version as a whole, each with its field ("s4-due_day"); nothing when every month has its days."""
    if covers_from_day > opens_day:
        yield (
            "covers_from_day",
            _("A month must not open before the days are over that its report covers."),
        )
    last = (0, opens_day)
    for rule in sorted(steps, key=lambda rule: int(rule.step)):
        field, day = f"s{int(rule.step)}", (rule.month_offset, rule.due_day)
        if rule.step == Step.CREATE and rule.together:
            yield f"{field}-together", _("The first step has no step before it.")
        if day < last:
            yield f"{field}-due_day", _("This day lies before the day of the step before.")
        last = max(last, day)
        if not rule.escalate_owner <= rule.escalate_supervisor <= rule.escalate_central:
            yield (
                f"{field}-escalate_supervisor",
                _("Those above are told later than those who owe it, the dashboard turns red last."),
            )
