"""What an application may change about an account: as values that people read, before and after, for plan and handler alike.

A value is a tuple of texts, () for none, so that one table serves texts, dates, containers and groups. Containers and
groups are written as paths below the organisation's own unit, which say the same as a DN and can be read aloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_noop

from accounts.administrators import persons
from accounts.attributes import container_path, group_paths
from accounts.models import DirectoryAccount
from accounts.payloads import ChangeAccount
from portal.gateways.directory import DirectoryEntry
from portal.orgs.models import Organisation
from portal.workflow import plans
from portal.workflow.plans import Change, Plan

Values = tuple[str, ...]
State = dict[str, Values]  # by the name of the attribute in AD

LOGIN_NAME, CONTAINER, GROUPS, DISABLED, MAIL = (
    "sAMAccountName",
    "distinguishedName",
    "memberOf",
    "userAccountControl",
    "mail",
)
YES, NO = ("1",), ("0",)


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """One attribute that can be changed. `field` is its name in update_account, "" where another operation writes it."""

    attribute: str
    label: str  # msgid
    field: str = ""


ASPECTS = (
    Aspect(attribute=LOGIN_NAME, label=gettext_noop("Login name")),
    Aspect(attribute="displayName", label=gettext_noop("Display name"), field="display_name"),
    Aspect(attribute="sn", label=gettext_noop("Family name"), field="family_name"),
    Aspect(attribute="givenName", label=gettext_noop("Given name"), field="given_name"),
    Aspect(attribute="msDS-PhoneticDisplayName", label=gettext_noop("Display name (kana)"), field="kana"),
    Aspect(attribute="department", label=gettext_noop("Department"), field="department"),
    Aspect(attribute="employeeID", label=gettext_noop("Staff number"), field="staff_number"),
    Aspect(attribute="description", label=gettext_noop("Note for Active Directory"), field="description"),
    Aspect(attribute=MAIL, label=gettext_noop("Mail address"), field="mail"),
    Aspect(attribute="accountExpires", label=gettext_noop("Last day of use"), field="account_expires"),
    Aspect(attribute=CONTAINER, label=gettext_noop("Container")),
    Aspect(attribute=GROUPS, label=gettext_noop("Groups")),
    Aspect(attribute=DISABLED, label=gettext_noop("Disabled (1: yes)")),
)
WRITTEN_TOGETHER = tuple(aspect for aspect in ASPECTS if aspect.field)


def state_of(entry: DirectoryEntry, organisation: Organisation) -> State:
    """An account as AD holds it."""
    return {
        LOGIN_NAME: (entry.login_name,),
        **{aspect.attribute: _shown(getattr(entry, aspect.field)) for aspect in WRITTEN_TOGETHER},
        CONTAINER: (container_path(entry.container_dn, organisation),),
        GROUPS: tuple(group_paths(entry, organisation)),
        DISABLED: NO if entry.enabled else YES,
    }


def registered_state(account: DirectoryAccount) -> State:
    """An account as it was verified last, for as long as AD cannot be asked."""
    return {
        LOGIN_NAME: (account.login_name,),
        "displayName": _shown(f"{account.family_name} {account.given_name}".strip()),
        "sn": _shown(account.family_name),
        "givenName": _shown(account.given_name),
        "msDS-PhoneticDisplayName": _shown(f"{account.family_kana} {account.given_kana}".strip()),
        "department": _shown(account.department),
        "employeeID": _shown(account.staff_number),
        "description": _shown(account.description),
        MAIL: _shown(persons.mail_of(account)),
        "accountExpires": _shown(account.expires_on),
        CONTAINER: (container_path(account.container_dn, account.organisation),),
        GROUPS: tuple(account.groups),
        DISABLED: NO if account.state == DirectoryAccount.State.ENABLED else YES,
    }


def wanted_state(payload: ChangeAccount, before: State) -> State:
    """What a change asks for. It says the whole state, so an empty field means none.

    An account that its last day of use has disabled works again when that day is changed.
    """
    expires = _shown(payload.expires_on)
    ended = before[DISABLED] == YES and before["accountExpires"] != ()
    return {
        LOGIN_NAME: (payload.new_login_name or payload.login_name,),
        "displayName": _shown(payload.display_name),
        "sn": _shown(payload.family_name),
        "givenName": _shown(payload.given_name),
        "msDS-PhoneticDisplayName": _shown(payload.kana),
        "department": _shown(payload.department),
        "employeeID": _shown(payload.staff_number),
        "description": _shown(payload.description),
        "accountExpires": expires,
        CONTAINER: (payload.container,),
        GROUPS: tuple(sorted(payload.groups)),
        DISABLED: NO if ended and expires != before["accountExpires"] else before[DISABLED],
        # Only administrator accounts have an address: what AD holds for others is not the portal's.
        **({MAIL: (payload.mail,)} if payload.mail else {}),
    }


def changes_between(before: State, after: State) -> list[Change]:
    """Only what differs, in the order in which people read it."""
    return [
        Change(
            action=_action(before[aspect.attribute], after[aspect.attribute]),
            label=aspect.label,
            attribute=aspect.attribute,
            before=before[aspect.attribute],
            after=after[aspect.attribute],
        )
        for aspect in ASPECTS
        if aspect.attribute in after
        and not same(aspect.attribute, before[aspect.attribute], after[aspect.attribute])
    ]


def same(attribute: str, first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether AD takes two values for one: names of containers and groups have no case and no order."""
    if attribute in (CONTAINER, GROUPS):
        return {value.casefold() for value in first} == {value.casefold() for value in second}
    return tuple(first) == tuple(second)


def planned(plan: Plan) -> dict[str, Change]:
    """What was approved to change, by attribute."""
    known = {aspect.attribute for aspect in ASPECTS}
    return {change.attribute: change for change in plan.changes if change.attribute in known}


def unexpected(state: State, approved: Mapping[str, Change]) -> list[Change]:
    """The approved changes whose attribute is neither as it was before nor as it shall be: somebody else changed it."""
    return [change for name, change in approved.items() if not _on_the_way(name, state[name], change)]


def missing(state: State, approved: Mapping[str, Change]) -> dict[str, Change]:
    """The approved changes that AD does not hold yet."""
    return {name: change for name, change in approved.items() if not same(name, state[name], change.after)}


def to_directory(field: str, values: Values) -> str | date | None:
    """A value as update_account takes it."""
    if not values:
        return None
    return date.fromisoformat(values[0]) if field == "account_expires" else values[0]


def _on_the_way(attribute: str, found: Values, change: Change) -> bool:
    if attribute != GROUPS:
        return any(same(attribute, found, values) for values in (change.before, change.after))
    # Members are added and removed one by one, so an interrupted attempt leaves something in between.
    now, before, after = ({v.casefold() for v in values} for values in (found, change.before, change.after))
    return before & after <= now <= before | after


def _action(before: Values, after: Values) -> str:
    return plans.CHANGE if before and after else plans.ADD if after else plans.REMOVE


def _shown(value: str | date | None) -> Values:
    return (str(value),) if value else ()
