"""What will change in Active Directory, as values before and after, with the automatic checks beside it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from accounts import checks, recipients
from accounts.administrators import separation
from accounts.attributes import attributes_of, container_of
from accounts.delivery import modes
from accounts.payloads import RegisterAccount, ResetPassword
from portal.common.time import JST
from portal.gateways.directory import DirectoryEntry, DirectoryError
from portal.orgs.models import PasswordRecipient
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Change, Check, Plan

UNAVAILABLE = gettext_noop(
    "Active Directory could not be asked. The checks run again before anything is written."
)
MUST_CHANGE = "0"  # pwdLastSet: the password must be changed at the first logon (ACC-10)


def plan_register(context: LineContext, payload: RegisterAccount) -> Plan:
    """The account that will be made. Never raises for an unreachable directory: the plan says so (ACC-12)."""
    changes = plan_offline(context, payload).changes
    known = tuple(_database_checks(context, payload.recipient_id))
    try:
        found = checks.look_for_register(context, payload)
    except DirectoryError:
        return Plan(changes=changes, checks=known, unavailable=UNAVAILABLE)
    return Plan(changes=changes, checks=(*_register_checks(context, payload, found), *known))


def plan_offline(context: LineContext, payload: RegisterAccount) -> Plan:
    """What a registration will write, without asking anybody."""
    changes = (*_additions(context, payload), _must_change(before=()))
    return Plan(changes=changes, unavailable=UNAVAILABLE)


def _additions(context: LineContext, payload: RegisterAccount) -> Iterator[Change]:
    for attribute in attributes_of(payload, context.organisation):
        if attribute.value:
            yield Change(
                action=plans.ADD, label=attribute.label, attribute=attribute.name, after=(attribute.value,)
            )


def _must_change(before: tuple[str, ...]) -> Change:
    return Change(
        action=plans.SET,
        label=gettext_noop("Change at the first logon (0: required)"),
        attribute="pwdLastSet",
        before=before,
        after=(MUST_CHANGE,),
    )


def _register_checks(
    context: LineContext, payload: RegisterAccount, found: checks.RegisterFindings
) -> Iterator[Check]:
    yield judge(
        "name_free",
        not found.name_taken,
        gettext_noop("The login name %(name)s is free in the whole domain."),
        gettext_noop("The login name %(name)s is already in use."),
        name=payload.login_name,
    )
    yield Check(
        code="name_well_formed",
        level=plans.PASSED,
        text=gettext_noop("The login name follows the naming rules."),
        values={},
    )
    yield judge(
        "container",
        found.container_exists,
        gettext_noop("The container exists."),
        gettext_noop("The container %(container)s does not exist. Network operations must make it first."),
        container=container_of(context.organisation, payload.account_type),
    )
    if found.recipient_is_group:
        yield _mailing_list()
    if found.namesakes:
        yield Check(
            code="namesakes",
            level=plans.WARNING,
            text=gettext_noop("Accounts with the same name in this organisation: %(count)s."),
            values={"count": str(found.namesakes)},
        )


def plan_reset(context: LineContext, payload: ResetPassword) -> Plan:
    """The reset. The password itself is drawn at the moment of writing and is never part of a plan (ACC-10)."""
    known = tuple(_database_checks(context, payload.recipient_id))
    try:
        found = checks.look_for_reset(context, payload)
    except (DirectoryError, ValueError):
        return Plan(changes=tuple(_reset_changes(None)), checks=known, unavailable=UNAVAILABLE)
    problem = checks.reset_problem(found.entry, context.organisation)
    account = judge(
        "account",
        not problem,
        gettext_noop("The account %(name)s exists and is in use."),
        gettext_noop(
            "The account %(name)s does not exist in this organisation, is disabled or is protected."
        ),
        name=payload.login_name,
    )
    lists = (_mailing_list(),) if found.recipient_is_group else ()
    if separation.is_administrator(context, payload.guid):
        lists = (*lists, *separation.recipient_checks(context, payload.recipient_id))
    entry = None if problem else found.entry
    return Plan(changes=tuple(_reset_changes(entry)), checks=(account, *lists, *known))


def _reset_changes(entry: DirectoryEntry | None) -> Iterator[Change]:
    yield Change(
        action=plans.SET,
        label=gettext_noop("Password (drawn when it is written, mailed to the recipient)"),
        attribute="unicodePwd",
        after=("••••••••",),
    )
    before: tuple[str, ...] = ()
    if entry is not None:
        last_set = entry.password_last_set
        before = (f"{last_set.astimezone(JST):%Y-%m-%d %H:%M}" if last_set else MUST_CHANGE,)
    yield _must_change(before)
    if entry is not None and not entry.enabled:
        yield Change(
            action=plans.CHANGE,
            label=gettext_noop("Account"),
            attribute="userAccountControl",
            before=(gettext_noop("disabled"),),
            after=(gettext_noop("in use"),),
        )
    if entry is not None and entry.locked:
        yield Change(
            action=plans.CHANGE,
            label=gettext_noop("Account lock"),
            attribute="lockoutTime",
            before=("1",),
            after=("0",),
        )


def _database_checks(context: LineContext, recipient_id: int) -> Iterator[Check]:
    recipient, shared = recipients.judged(context.organisation, recipient_id)
    yield judge(
        "recipient",
        recipient is not None and not shared,
        gettext_noop("The recipient %(recipient)s is a registered person with a confirmed address."),
        gettext_noop("The recipient of the initial password cannot be used any more. Choose another one."),
        recipient=recipient.name if recipient else "",
    )
    yield _delivery(context, recipient)
    applicant = context.application.applicant if context.application else context.actor
    if recipient and applicant and applicant.email.lower() == recipient.email.lower():
        yield Check(
            code="applicant_is_recipient",
            level=plans.WARNING,
            text=gettext_noop("The applicant receives the initial password in person."),
            values={},
        )


def _delivery(context: LineContext, recipient: PasswordRecipient | None) -> Check:
    """Which way the initial password goes, for the approver to see (ACC-08)."""
    if not recipients.once(context.organisation, "pickup", lambda: modes.is_pickup(context.organisation)):
        text = gettext_noop("The initial password is mailed to the recipient.")
        return Check(code="delivery", level=plans.PASSED, text=text, values={})
    blocked = recipient is not None and recipients.once(
        context.organisation, f"login {recipient.pk}", lambda: bool(modes.cannot_pick_up(recipient))
    )
    return judge(
        "delivery",
        not blocked,
        gettext_noop("The recipient gets a code by mail and picks the initial password up in the portal."),
        gettext_noop(
            "The recipient %(recipient)s cannot log in to the portal to pick the initial password up. Choose another one."
        ),
        recipient=recipient.name if recipient else "",
    )


def _mailing_list() -> Check:
    return Check(
        code="recipient_is_group",
        level=plans.BLOCKED,
        text=gettext_noop("The recipient's address is a mailing list."),
        values={},
    )


def judge(code: str, passed: bool, good: str, bad: str, **values: str) -> Check:
    """A check that passed with one text, or blocks with the other."""
    return Check(
        code=code,
        level=plans.PASSED if passed else plans.BLOCKED,
        text=good if passed else bad,
        values=values,
    )
