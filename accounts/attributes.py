"""What AD holds of an account, in one table: the plan shows it, the handler writes and compares it, the work sheet prints it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext_noop

from accounts.payloads import RegisterAccount
from portal.gateways.directory import DirectoryEntry, NewAccount
from portal.orgs.models import Organisation


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


def users_container(organisation: Organisation) -> str:
    """Where the Windows user accounts of an organisation live."""
    return f"OU=Users,{organisation_ou(organisation)}"


def lies_below(dn: str, container: str) -> bool:
    """Whether an object is in the container or deeper; DNs are compared as AD compares them."""
    return _folded(dn).endswith("," + _folded(container))


def _folded(dn: str) -> str:
    return ",".join(part.strip() for part in dn.split(",")).casefold()


def attributes_of(payload: RegisterAccount, organisation: Organisation) -> list[Attribute]:
    """Every attribute that a registration sets, in the order in which people read them."""
    name = payload.login_name
    container = users_container(organisation)
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
            label=gettext_noop("Container"), name="distinguishedName", value=container, field="container_dn"
        ),
    ]


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
        mail=None,
        container_dn=users_container(organisation),
        marker=marker,
        description=payload.description,
    )


def differences(
    payload: RegisterAccount, organisation: Organisation, entry: DirectoryEntry
) -> Iterator[Difference]:
    """Where AD does not hold what was approved."""
    for attribute in attributes_of(payload, organisation):
        if not attribute.field:
            continue
        found = str(getattr(entry, attribute.field))
        fold = _folded if attribute.field == "container_dn" else str
        if fold(found) != fold(attribute.value):
            yield Difference(attribute=attribute, found=found)
