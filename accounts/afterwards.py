"""Registration afterwards: an account that was made by hand while the portal was down enters the register (ACC-12).

Nothing is written to AD. The emergency number in the marker attribute proves which entry the object belongs to; every value
is compared; the regular approver approves after the fact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from accounts import asking, provisioning
from accounts.attributes import differences, lies_below, organisation_ou
from accounts.checks import reservation_of
from accounts.forms import RegisterForm, iso
from accounts.models import DirectoryAccount
from accounts.payloads import RegisterAccount
from accounts.provisioning import Stop, Work
from accounts.register import RegisterConflict, enter_account
from portal.common.forms import IdentifierField, NormalisingField
from portal.common.time import JST
from portal.continuity import reserve
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, Outcome, Run
from portal.gateways import clock, directory_factory
from portal.gateways.directory import DirectoryEntry, DirectoryError
from portal.orgs.permissions import Role
from portal.workflow import plans
from portal.workflow.kinds import ApplicationKind, LineContext, StageSpec
from portal.workflow.plans import Change, Check, Plan

CODE = "accounts.register_afterwards"


@dataclass(frozen=True, kw_only=True)
class RegisterAfterwards(RegisterAccount):
    """What was written into AD by hand, and under which emergency number."""

    recipient_id: int = 0  # the initial password was handed over on that day
    emergency_number: str = ""
    written_by: str = ""


class AfterwardsForm(RegisterForm):
    """One account that was made by hand; the entries of the paper form."""

    emergency_number = IdentifierField(
        label=gettext_lazy("Emergency number"),
        help_text=gettext_lazy("The number that network operations gave on that day, for example E-13-0001."),
    )
    written_by = NormalisingField(
        label=gettext_lazy("Made in Active Directory by"),
        max_length=60,
        help_text=gettext_lazy("Who of network operations made the account, and when."),
    )
    recipient_id = None  # type: ignore[assignment]
    field_order = ("emergency_number",)

    def to_payload(self) -> RegisterAfterwards:
        """The checked payload; call it on a valid form."""
        cleaned = self.cleaned_data
        return RegisterAfterwards(**{**cleaned, "expires_on": iso(cleaned["expires_on"])})


def look(context: LineContext, payload: RegisterAfterwards) -> DirectoryEntry | None:
    """The object that carries the emergency number in the organisation's own unit. Raises DirectoryError."""
    entry = asking.ask(lambda directory: directory.find_by_marker(payload.emergency_number))
    if entry is None or not lies_below(entry.dn, organisation_ou(context.organisation)):
        return None  # another federation's is as unknown as none (ORG-02)
    return entry


def check(context: LineContext, payload: RegisterAfterwards) -> Mapping[str, Sequence[str]]:
    """The number is the organisation's and unused, and AD holds what was entered."""
    errors: dict[str, list[str]] = defaultdict(list)
    number = reserve.find(context.organisation, payload.emergency_number)
    if number is None:
        errors["emergency_number"].append(
            _("Your organisation was not given this emergency number. Check the form.")
        )
    elif number.used_at is not None:
        errors["emergency_number"].append(_("An account was registered under this emergency number already."))
    if errors:
        return errors
    try:
        entry = look(context, payload)
    except DirectoryError:
        return {}
    if entry is None:
        text = _(
            "Active Directory has no account with this emergency number in employeeNumber. Ask network operations."
        )
        errors["emergency_number"].append(text)
    elif DirectoryAccount.system.filter(object_guid=entry.guid).exists():
        errors["emergency_number"].append(_("This account is in the register already."))
    else:
        errors |= _differing(context, payload, entry)
    return errors


_FIELDS = {
    "login_name": "login_name",
    "family_name": "family_name",
    "given_name": "given_name",
    "display_name": "family_name",
    "kana": "family_kana",
    "department": "department",
    "description": "description",
    "staff_number": "staff_number",
    "account_expires": "expires_on",
}


def _differing(
    context: LineContext, payload: RegisterAfterwards, entry: DirectoryEntry
) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = defaultdict(list)
    for found in differences(payload, context.organisation, entry):
        text = _("Active Directory holds “%(found)s”. Correct the entry, or have Active Directory corrected.")
        errors[_FIELDS.get(found.attribute.field, "")].append(text % {"found": found.found or _("(none)")})
    return errors


def plan(context: LineContext, payload: RegisterAfterwards) -> Plan:
    """What will be in the register, beside what AD holds; AD itself is not changed."""
    change = Change(
        action=plans.ADD,
        label=gettext_noop("Entry in the register (Active Directory stays as it is)"),
        attribute="employeeNumber",
        after=(payload.emergency_number, payload.login_name, payload.display_name),
    )
    try:
        entry = look(context, payload)
    except DirectoryError:
        return Plan(
            changes=(change,),
            unavailable=gettext_noop(
                "Active Directory could not be asked. The checks run again before anything is written."
            ),
        )
    return Plan(changes=(change,), checks=tuple(_checks(context, payload, entry)))


def _checks(context: LineContext, payload: RegisterAfterwards, entry: DirectoryEntry | None) -> list[Check]:
    if entry is None or list(differences(payload, context.organisation, entry)):
        text = gettext_noop("Active Directory does not hold the account as it was entered.")
        return [Check(code="as_entered", level=plans.BLOCKED, text=text, values={})]
    made = f"{entry.created_at.astimezone(JST):%Y-%m-%d %H:%M}"
    found = [
        Check(
            code="as_entered",
            level=plans.PASSED,
            values={"made": made},
            text=gettext_noop("Active Directory holds the account as it was entered, made %(made)s."),
        )
    ]
    if entry.must_change_password:
        text = gettext_noop("The initial password was not used yet.")
        found.append(Check(code="password_unused", level=plans.PASSED, text=text, values={}))
    else:
        text = gettext_noop("A password is in use. If it was handed over on paper, have it reset.")
        found.append(Check(code="password_in_use", level=plans.WARNING, text=text, values={}))
    return found


class AfterwardsHandler:
    """Reads AD and enters what it holds; never writes to AD."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return provisioning.carry_out(lambda: _enter(provisioning.work_of(run)))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """The same: there is nothing to do by hand but to put AD right."""
        return self.run(run)

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to compare by hand."""
        payload: RegisterAfterwards = provisioning.payload_of(operation)
        return [
            (_("Emergency number"), payload.emergency_number),
            (_("Login name (sAMAccountName)"), payload.login_name),
            (_("Display name (displayName)"), payload.display_name),
        ]

    def ping(self) -> None:
        """Raise when AD does not answer."""
        directory_factory.get_directory().ping()


def _enter(work: Work) -> Outcome:
    payload: RegisterAfterwards = work.payload
    entry = work.directory.find_by_marker(payload.emergency_number)
    if entry is None or not lies_below(entry.dn, organisation_ou(work.organisation)):
        text = _("Active Directory has no account with the emergency number %(number)s.")
        raise Stop(NeedsPerson(code="not_there", message=text % {"number": payload.emergency_number}))
    if found := list(differences(payload, work.organisation, entry)):
        names = ", ".join(f"{_(one.attribute.label)}: {one.found}" for one in found)
        text = _("Active Directory does not hold what was approved: %(differences)s.")
        raise Stop(NeedsPerson(code="differs", message=text % {"differences": names}))
    now = clock.now()
    try:
        enter_account(line=work.operation.line, payload=payload, entry=entry, now=now)
    except RegisterConflict:
        text = _(
            "The register holds another account with this login name. Compare it with Active Directory, then retry."
        )
        return NeedsPerson(code="register_conflict", message=text)
    reserve.use(number=payload.emergency_number, line=work.operation.line, now=now)
    return Done(evidence=provisioning.evidence_of(entry, work.progress))


def kind(organisation_kinds: frozenset[str], search_terms: Any) -> ApplicationKind[RegisterAfterwards]:
    """The kind for the registry."""
    return ApplicationKind(
        code=CODE,
        label=gettext_lazy("Windows user account: registration afterwards"),
        description=gettext_lazy(
            "An account that was made by hand while the portal was down enters the register."
        ),
        number_prefix="E",
        services=(8,),
        icon="book",
        payload_class=RegisterAfterwards,
        form_class=AfterwardsForm,
        default_route=(
            StageSpec(label=gettext_noop("Approval after the fact"), role=Role.APPROVER, business_days=5),
        ),
        subject_key=lambda payload: payload.login_name.lower(),
        subject=lambda payload: f"{payload.display_name}（{payload.login_name}）",
        plan=plan,
        check=check,
        reservation_key=reservation_of,
        reservation_field="login_name",
        search_terms=search_terms,
        line_template="accounts/line_register_afterwards.html",
        organisation_kinds=organisation_kinds,
    )
