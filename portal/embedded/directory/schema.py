"""The attributes that the demo directory knows: spelling, syntax, number of values, greatest length."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Syntax(enum.Enum):
    TEXT = "text"
    NUMBER = "number"
    NAME = "name"
    BOOLEAN = "boolean"
    BINARY = "binary"


@dataclass(frozen=True)
class Attribute:
    name: str
    syntax: Syntax = Syntax.TEXT
    multiple: bool = False
    limit: int | None = None
    computed: bool = False
    """Made by the directory: a client that writes it is refused."""


def _all(syntax: Syntax, names: str, *, multiple: bool = False, computed: bool = False) -> list[Attribute]:
    return [Attribute(name, syntax, multiple, None, computed) for name in names.split()]


_TEXT_LIMITS: Mapping[str, int] = {
    "cn": 64,
    "ou": 64,
    "dc": 255,
    "sAMAccountName": 256,
    "userPrincipalName": 1024,
    "displayName": 256,
    "sn": 64,
    "givenName": 64,
    "msDS-PhoneticDisplayName": 256,
    "msDS-PhoneticFirstName": 64,
    "msDS-PhoneticLastName": 64,
    "department": 64,
    "company": 64,
    "title": 128,
    "mail": 256,
    "description": 1024,
    "adminDescription": 1024,
    "employeeNumber": 512,
    "employeeID": 16,
    "telephoneNumber": 64,
    "info": 1024,
    "physicalDeliveryOfficeName": 128,
    "dNSHostName": 2048,
    "operatingSystem": 64,
    "operatingSystemVersion": 64,
    "msFVE-RecoveryPassword": 64,
    "location": 1024,
    **{f"extensionAttribute{number}": 1024 for number in range(1, 16)},
}

_ATTRIBUTES = [
    *(Attribute(name, Syntax.TEXT, False, limit) for name, limit in _TEXT_LIMITS.items()),
    Attribute("proxyAddresses", Syntax.TEXT, True, 1123),
    Attribute("servicePrincipalName", Syntax.TEXT, True, None),
    Attribute("objectClass", Syntax.TEXT, True),
    Attribute("name", Syntax.TEXT, computed=True),
    *_all(Syntax.TEXT, "whenCreated whenChanged msDS-parentdistname", computed=True),
    *_all(
        Syntax.NUMBER,
        "userAccountControl pwdLastSet lockoutTime accountExpires adminCount groupType primaryGroupID "
        "lastLogonTimestamp lastLogon logonCount badPwdCount badPasswordTime sAMAccountType instanceType "
        "minPwdLength minPwdAge maxPwdAge pwdProperties pwdHistoryLength lockoutThreshold lockoutDuration "
        "lockOutObservationWindow msDS-PasswordSettingsPrecedence msDS-PasswordHistoryLength "
        "msDS-MinimumPasswordLength msDS-MinimumPasswordAge msDS-MaximumPasswordAge msDS-LockoutThreshold "
        "msDS-LockoutObservationWindow msDS-LockoutDuration msDS-SupportedEncryptionTypes",
    ),
    *_all(
        Syntax.NUMBER,
        "uSNChanged uSNCreated msDS-User-Account-Control-Computed msDS-UserPasswordExpiryTimeComputed",
        computed=True,
    ),
    *_all(Syntax.NAME, "member msDS-PSOAppliesTo", multiple=True),
    *_all(Syntax.NAME, "objectCategory manager"),
    *_all(Syntax.NAME, "distinguishedName msDS-ResultantPSO lastKnownParent", computed=True),
    Attribute("memberOf", Syntax.NAME, True, computed=True),
    Attribute("dnsRecord", Syntax.BINARY, True),
    Attribute("dNSTombstoned", Syntax.BOOLEAN),
    *_all(Syntax.BOOLEAN, "msDS-PasswordReversibleEncryptionEnabled msDS-PasswordComplexityEnabled"),
    Attribute("isDeleted", Syntax.BOOLEAN, computed=True),
    Attribute("objectGUID", Syntax.BINARY, computed=True),
    Attribute("objectSid", Syntax.BINARY, computed=True),
    Attribute("invocationId", Syntax.BINARY, computed=True),
    Attribute("unicodePwd", Syntax.BINARY),
    Attribute("msFVE-RecoveryGuid", Syntax.BINARY),
]
ATTRIBUTES: Mapping[str, Attribute] = {attribute.name.lower(): attribute for attribute in _ATTRIBUTES}

CLASS_CATEGORIES: Mapping[str, str] = {
    "computer": "Computer",
    "user": "Person",
    "group": "Group",
    "organizationalunit": "Organizational-Unit",
    "container": "Container",
    "domaindns": "Domain-DNS",
    "msds-passwordsettings": "ms-DS-Password-Settings",
    "contact": "Person",
    "dnszone": "Dns-Zone",
    "dnsnode": "Dns-Node",
    "msfve-recoveryinformation": "ms-FVE-Recovery-Information",
}
# What AD fills in when a client names only the last class.
CLASS_CHAINS: Mapping[str, tuple[str, ...]] = {
    "computer": ("top", "person", "organizationalPerson", "user", "computer"),
    "user": ("top", "person", "organizationalPerson", "user"),
    "group": ("top", "group"),
    "organizationalunit": ("top", "organizationalUnit"),
    "container": ("top", "container"),
    "domaindns": ("top", "domain", "domainDNS"),
    "msds-passwordsettings": ("top", "msDS-PasswordSettings"),
    "contact": ("top", "person", "organizationalPerson", "contact"),
    "dnszone": ("top", "dnsZone"),
    "dnsnode": ("top", "dnsNode"),
    "msfve-recoveryinformation": ("top", "msFVE-RecoveryInformation"),
}
PASSWORD_SETTINGS_MANDATORY = tuple(
    name.lower()
    for name in (
        "msDS-PasswordSettingsPrecedence",
        "msDS-PasswordReversibleEncryptionEnabled",
        "msDS-PasswordHistoryLength",
        "msDS-PasswordComplexityEnabled",
        "msDS-MinimumPasswordLength",
        "msDS-MinimumPasswordAge",
        "msDS-MaximumPasswordAge",
        "msDS-LockoutThreshold",
        "msDS-LockoutObservationWindow",
        "msDS-LockoutDuration",
    )
)


def spelling(name: str) -> str:
    found = ATTRIBUTES.get(name.lower())
    return found.name if found else name


def syntax_of(name: str) -> Syntax:
    found = ATTRIBUTES.get(name.lower())
    return found.syntax if found else Syntax.TEXT
