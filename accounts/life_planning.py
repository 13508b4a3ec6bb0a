"""What a change, a deletion or a restoration will do in AD, with the automatic checks beside it."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext_noop

from accounts import checks, life_checks, places
from accounts.aspects import (
    CONTAINER,
    DISABLED,
    GROUPS,
    LOGIN_NAME,
    NO,
    YES,
    State,
    changes_between,
    planned,
    registered_state,
    same,
    state_of,
    wanted_state,
)
from accounts.attributes import DELETED
from accounts.models import DirectoryAccount
from accounts.payloads import ChangeAccount, DeleteAccount, RestoreAccount
from accounts.planning import UNAVAILABLE, judge
from portal.gateways.directory import DirectoryError
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from portal.workflow.plans import Change, Check, Plan

_EXISTS = gettext_noop("The account %(name)s exists in this organisation.")
_EXISTS_NOT = gettext_noop("The account %(name)s is not there any more, or is protected.")


def plan_change(context: LineContext, payload: ChangeAccount) -> Plan:
    """The differences between the account now and what was applied for. Never raises for an unreachable directory."""
    account = life_checks.registered(context.organisation, payload)
    if account is None or account.state in checks.GONE:
        return Plan(checks=(_exists(payload.login_name, False),))
    try:
        found = life_checks.look(context.organisation, account.object_guid, payload.new_login_name)
        if problem := life_checks.entry_problem(found.entry):
            return Plan(checks=(_exists(payload.login_name, not problem),))
        assert found.entry is not None
        before = state_of(found.entry, context.organisation)
        changes = tuple(changes_between(before, wanted_state(payload, before)))
        known = (
            *_change_checks(context, payload, found.name_taken, changes),
            *_moved_on(context, payload, before),
        )
        return Plan(changes=changes, checks=known)
    except DirectoryError:
        before = registered_state(account)
        return Plan(
            changes=tuple(changes_between(before, wanted_state(payload, before))), unavailable=UNAVAILABLE
        )


def _change_checks(
    context: LineContext, payload: ChangeAccount, name_taken: bool, changes: tuple[Change, ...]
) -> Iterator[Check]:
    """Raises DirectoryError."""
    by_attribute = {change.attribute: change for change in changes}
    yield _exists(payload.login_name, True)
    if LOGIN_NAME in by_attribute:
        yield judge(
            "name_free",
            not name_taken,
            gettext_noop("The login name %(name)s is free in the whole domain."),
            gettext_noop("The login name %(name)s is already in use."),
            name=payload.new_login_name,
        )
    if CONTAINER in by_attribute:
        offered = places.containers(context.organisation, payload.account_type)
        yield judge(
            "container",
            not places.not_offered([payload.container], offered),
            gettext_noop("The container exists."),
            gettext_noop(
                "The container %(container)s does not exist. Network operations must make it first."
            ),
            container=payload.container,
        )
    if GROUPS in by_attribute:
        new = [g for g in by_attribute[GROUPS].after if g not in by_attribute[GROUPS].before]
        lacking = places.not_offered(new, places.groups(context.organisation))
        yield judge(
            "groups",
            not lacking,
            gettext_noop("The groups belong to this organisation."),
            gettext_noop("These groups do not exist in this organisation or are privileged: %(groups)s."),
            groups="、".join(lacking),
        )


def _moved_on(context: LineContext, payload: ChangeAccount, before: State) -> Iterator[Check]:
    """While it is decided: what was submitted started from other values, so the applicant looks again."""
    application = context.application
    if application is None or application.status != Status.IN_REVIEW:
        return
    if "frozen" not in context.shared:
        context.shared["frozen"] = {
            line.payload.get("account_guid"): line.plan for line in application.lines.all() if line.plan
        }
    frozen = context.shared["frozen"].get(payload.account_guid)
    submitted = planned(Plan.from_json(frozen)) if frozen else {}
    others = [c for name, c in submitted.items() if not same(name, c.before, before[name])]
    if others:
        yield Check(
            code="changed_meanwhile",
            level=plans.BLOCKED,
            text=gettext_noop(
                "The account was changed since this was submitted (%(attributes)s). Return it, so that the applicant looks again."
            ),
            values={"attributes": "、".join(change.attribute for change in others)},
        )


def plan_delete(context: LineContext, payload: DeleteAccount) -> Plan:
    """Disable and move away now; the removal follows after the days of the setting."""
    account = life_checks.registered(context.organisation, payload)
    if account is None or account.state in checks.GONE:
        return Plan(checks=(_exists(payload.login_name, False),))
    try:
        entry = life_checks.look(context.organisation, account.object_guid).entry
        if entry is None or life_checks.entry_problem(entry):
            return Plan(checks=(_exists(payload.login_name, False),))
        before = state_of(entry, context.organisation)
        exists = DELETED in places.container_dns(context.organisation)
    except DirectoryError:
        return Plan(changes=tuple(_deletion(registered_state(account))), unavailable=UNAVAILABLE)
    container = judge(
        "container",
        exists,
        gettext_noop("The container exists."),
        gettext_noop("The container %(container)s does not exist. Network operations must make it first."),
        container=DELETED,
    )
    return Plan(
        changes=tuple(_deletion(before)), checks=(_exists(payload.login_name, True), container, _kept())
    )


def _deletion(before: State) -> Iterator[Change]:
    yield from changes_between(before, {CONTAINER: (DELETED,), GROUPS: (), DISABLED: YES})


def _kept() -> Check:
    return Check(
        code="kept",
        level=plans.PASSED,
        text=gettext_noop("It can be restored for %(days)s days. Then it is removed for good."),
        values={"days": str(settings.ACCOUNT_REMOVAL_DAYS)},
    )


def plan_restore(context: LineContext, payload: RestoreAccount) -> Plan:
    """Back to its unit and its groups, and in use again."""
    account = life_checks.registered(context.organisation, payload)
    possible = account is not None and not life_checks.restore_problem(account)
    if account is None or not possible:
        return Plan(checks=(_exists(payload.login_name, False),))
    try:
        entry = life_checks.look(context.organisation, account.object_guid).entry
        if entry is None or life_checks.entry_problem(entry):
            return Plan(checks=(_exists(payload.login_name, False),))
        before = state_of(entry, context.organisation)
        exists = home_of(account) in places.container_dns(context.organisation)
    except DirectoryError:
        return Plan(changes=tuple(_restoration(account, registered_state(account))), unavailable=UNAVAILABLE)
    container = judge(
        "container",
        exists,
        gettext_noop("The container exists."),
        gettext_noop("The container %(container)s does not exist. Network operations must make it first."),
        container=home_of(account),
    )
    ended = account.expires_on is not None and account.expires_on < context.today
    known = (_exists(payload.login_name, True), container, *((_ended(account),) if ended else ()))
    return Plan(changes=tuple(_restoration(account, before)), checks=known)


def home_of(account: DirectoryAccount) -> str:
    """The unit that a deleted account goes back to."""
    return str(account.before_deletion.get("container", ""))


def _restoration(account: DirectoryAccount, before: State) -> Iterator[Change]:
    groups = tuple(account.before_deletion.get("groups", ()))
    yield from changes_between(before, {CONTAINER: (home_of(account),), GROUPS: groups, DISABLED: NO})


def _ended(account: DirectoryAccount) -> Check:
    return Check(
        code="ended",
        level=plans.WARNING,
        text=gettext_noop(
            "Its last day of use (%(day)s) has passed: it cannot be used until that is changed."
        ),
        values={"day": str(account.expires_on)},
    )


def _exists(login_name: str, exists: bool) -> Check:
    return judge("account", exists, _EXISTS, _EXISTS_NOT, name=login_name)
