"""What AD holds of an account, in one table: the plan shows it, the handler writes and compares it, the work sheet prints it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext_noop

from accounts.models import DirectoryAccount
from accounts.payloads import RegisterAccount
from portal.gateways.directory import DirectoryEntry, NewAccount
from portal.gateways.directory_names import path_below
from portal.orgs.models import Organisation

AccountType = DirectoryAccount.AccountType


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute with the value that was applied for. `field` is its name in DirectoryEntry, "" when not read back."""

    label: str  # msgid
    name: str
    value: str
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An attribute whose value in AD is not what was approved."""

    attribute: Attribute
    found: str


def organisation_ou(organisation: Organisation) -> str:
    """The OU that holds everything of one organisation (ORG-05)."""
    return f"OU={organisation.ou_name},{settings.DIRECTORY['root_ou']}"


_CONTAINERS = {AccountType.WINDOWS: "Users", AccountType.ADMINISTRATOR: "Administrators"}
DELETED = "Deleted"


def container_of(organisation: Organisation, account_type: str) -> str:
    """Where the accounts of one type of an organisation live (ACC-01)."""
    return f"OU={_CONTAINERS[AccountType(account_type)]},{organisation_ou(organisation)}"


def users_container(organisation: Organisation) -> str:
    """Where the Windows user accounts of an organisation live."""
    return container_of(organisation, AccountType.WINDOWS)


def groups_container(organisation: Organisation) -> str:
    """Below this the groups of an organisation live that its accounts may be members of."""
    return f"OU=Groups,{organisation_ou(organisation)}"


def deleted_container(organisation: Organisation) -> str:
    """Where deleted accounts wait, disabled, for their removal."""
    return f"OU={DELETED},{organisation_ou(organisation)}"


def container_path(dn: str, organisation: Organisation) -> str:
    """A container as people read it, from the organisation's own unit down: "Users/Section 1"; "" outside of it."""
    return path_below(dn, organisation_ou(organisation))


def group_paths(entry: DirectoryEntry, organisation: Organisation) -> list[str]:
    """The organisation's own groups that hold the account, as paths below its OU=Groups. Others are not the portal's."""
    paths = (group_path(dn, organisation) for dn in entry.groups)
    return sorted(filter(None, paths))


def group_path(dn: str, organisation: Organisation) -> str:
    """A group as a path below the organisation's OU=Groups; "" for one that lies elsewhere."""
    return path_below(dn, groups_container(organisation))


def lies_below(dn: str, container: str) -> bool:
    """Whether an object is in the container or deeper; DNs are compared as AD compares them."""
    return _folded(dn).endswith("," + _folded(container))


def _folded(dn: str) -> str:
    return ",".join(part.strip() for part in dn.split(",")).casefold()


def attributes_of(payload: RegisterAccount, organisation: Organisation) -> list[Attribute]:
    """Every attribute that a registration sets, in the order in which people read them."""
    name = payload.login_name
    container = container_of(organisation, payload.account_type)
    return [
        Attribute(label=gettext_noop("Login name"), name="sAMAccountName", value=name, field="login_name"),
        Attribute(
            label=gettext_noop("Principal name"),
            name="userPrincipalName",
            value=f"{name}@{settings.DIRECTORY['domain']}",
        ),
        Attribute(
            label=gettext_noop("Display name"),
            name="displayName",
            value=payload.display_name,
            field="display_name",
        ),
        Attribute(
            label=gettext_noop("Family name"), name="sn", value=payload.family_name, field="family_name"
        ),
        Attribute(
            label=gettext_noop("Given name"), name="givenName", value=payload.given_name, field="given_name"
        ),
        Attribute(
            label=gettext_noop("Display name (kana)"),
            name="msDS-PhoneticDisplayName",
            value=payload.kana,
            field="kana",
        ),
        Attribute(
            label=gettext_noop("Department"), name="department", value=payload.department, field="department"
        ),
        Attribute(label=gettext_noop("Company"), name="company", value=organisation.name, field="company"),
        Attribute(
            label=gettext_noop("Description"),
            name="description",
            value=payload.description,
            field="description",
        ),
        Attribute(
            label=gettext_noop("Staff number"),
            name="employeeID",
            value=payload.staff_number,
            field="staff_number",
        ),
        Attribute(
            label=gettext_noop("Last day of use"),
            name="accountExpires",
            value=payload.expires_on,
            field="account_expires",
        ),
        Attribute(
            label=gettext_noop("Container"), name="distinguishedName", value=container, field="container_dn"
        ),
        *_mail(payload.mail),
    ]


def _mail(address: str) -> list[Attribute]:
    """Only administrator accounts have an address in AD: the portal writes to it (ACC-04)."""
    found = Attribute(label=gettext_noop("Mail address"), name="mail", value=address, field="mail")
    return [found] if address else []


def new_account(payload: RegisterAccount, organisation: Organisation, marker: str) -> NewAccount:
    """The account as the directory gateway adds it, marked as made by one operation of ours."""
    return NewAccount(
        login_name=payload.login_name,
        display_name=payload.display_name,
        family_name=payload.family_name,
        given_name=payload.given_name,
        kana=payload.kana,
        department=payload.department,
        company=organisation.name,
        mail=payload.mail or None,
        container_dn=container_of(organisation, payload.account_type),
        marker=marker,
        description=payload.description,
        staff_number=payload.staff_number,
        account_expires=payload.last_day,
    )


def differences(
    payload: RegisterAccount, organisation: Organisation, entry: DirectoryEntry
) -> Iterator[Difference]:
    """Where AD does not hold what was approved."""
    for attribute in attributes_of(payload, organisation):
        if not attribute.field:
            continue
        found = str(getattr(entry, attribute.field) or "")
        fold = _folded if attribute.field == "container_dn" else str
        if fold(found) != fold(attribute.value):
            yield Difference(attribute=attribute, found=found)
