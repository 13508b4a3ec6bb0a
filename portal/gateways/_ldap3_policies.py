"""Password settings and what applies to whom, in both directions between attributes and values. Private to the adapter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from portal.gateways import _ldap3_many as many
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import KeptConnection
from portal.gateways._ldap3_scanning import all_values, pages
from portal.gateways.directory import AccessDenied, DirectoryError
from portal.gateways.directory_policies import (
    AccountPolicy,
    PasswordRules,
    PasswordSettings,
    Reach,
    SettingsTarget,
    WantedSettings,
)

SETTINGS = "(objectClass=msDS-PasswordSettings)"
APPLIES_TO = "msDS-PSOAppliesTo"
# Not the marker attribute of accounts: this class does not have it.
MARKER = "adminDescription"
_COMPLEXITY, _REVERSIBLE = 0x1, 0x10
_GLOBAL, _SECURITY = 0x2, 0x80000000
# DONT_EXPIRE_PASSWORD, SMARTCARD_REQUIRED
_NEVER_EXPIRES = 0x10000 | 0x40000

# The same values have other names at the head of the domain than in a settings object.
_DOMAIN_NAMES: Mapping[str, str] = {
    "minimum_length": "minPwdLength",
    "history_length": "pwdHistoryLength",
    "minimum_age": "minPwdAge",
    "maximum_age": "maxPwdAge",
    "lockout_threshold": "lockoutThreshold",
    "lockout_window": "lockOutObservationWindow",
    "lockout_duration": "lockoutDuration",
}
_OBJECT_NAMES: Mapping[str, str] = {
    "minimum_length": "msDS-MinimumPasswordLength",
    "history_length": "msDS-PasswordHistoryLength",
    "minimum_age": "msDS-MinimumPasswordAge",
    "maximum_age": "msDS-MaximumPasswordAge",
    "lockout_threshold": "msDS-LockoutThreshold",
    "lockout_window": "msDS-LockoutObservationWindow",
    "lockout_duration": "msDS-LockoutDuration",
}
_SPANS = ("minimum_age", "maximum_age", "lockout_window", "lockout_duration")
_SETTINGS_ATTRIBUTES = [
    "objectGUID",
    "distinguishedName",
    "cn",
    "description",
    MARKER,
    APPLIES_TO,
    "msDS-PasswordSettingsPrecedence",
    "msDS-PasswordComplexityEnabled",
    "msDS-PasswordReversibleEncryptionEnabled",
    *_OBJECT_NAMES.values(),
]
_TARGET_ATTRIBUTES = [
    "objectGUID",
    "distinguishedName",
    "sAMAccountName",
    "objectClass",
    "groupType",
    "adminCount",
]
_REACH_ATTRIBUTES = ["distinguishedName", "objectSid", "groupType"]
_PLAIN_ATTRIBUTES = [
    "objectGUID",
    "sAMAccountName",
    "displayName",
    "userAccountControl",
    "pwdLastSet",
    "memberOf",
    "primaryGroupID",
]
_COMPUTED_ATTRIBUTES = ["msDS-ResultantPSO", "msDS-UserPasswordExpiryTimeComputed"]

Raw = dict[str, list[bytes]]


def raw_of(item: Mapping[str, Any]) -> Raw:
    """The values of one search result, by lower-case name."""
    return {name.lower(): [bytes(value) for value in found] for name, found in item["raw_attributes"].items()}


def container_dn(base_dn: str) -> str:
    return f"CN=Password Settings Container,CN=System,{base_dn}"


# Reading


def domain_rules(kept: KeptConnection, base_dn: str) -> PasswordRules:
    """The domain's own policy. Raises DirectoryError when the account may not read it."""
    attributes = ["pwdProperties", *_DOMAIN_NAMES.values()]
    for reply in pages(kept, base_dn, "(objectClass=domainDNS)", attributes):
        for item in reply.entries:
            if str(item["dn"]).casefold() == base_dn.casefold():
                return _domain_rules(raw_of(item))
    raise DirectoryError("the head of the domain cannot be read", code="domain_policy")


def read_settings(kept: KeptConnection, base_dn: str) -> list[Raw]:
    """All settings objects as they stand: there are few. Raises AccessDenied when the account may not see them."""
    container = container_dn(base_dn)
    found = [
        raw_of(item)
        for reply in pages(kept, container, "(objectClass=*)", ["objectClass", *_SETTINGS_ATTRIBUTES])
        for item in reply.entries
    ]
    if not found:
        # The container is in every AD. Without the right to read it, it looks as if nothing applied to anybody.
        raise AccessDenied(f"{container} cannot be seen", code="settings_container")
    settings = [raw for raw in found if b"msds-passwordsettings" in map(bytes.lower, raw["objectclass"])]
    for raw in settings:
        _complete_links(kept, raw)
    return settings


def _complete_links(kept: KeptConnection, raw: Raw) -> None:
    """Links beyond the 1,500 that one answer holds, as an administrator may have made them."""
    if any(name.startswith(f"{APPLIES_TO.lower()};") for name in raw):
        links = all_values(kept, raw["distinguishedname"][0].decode(), SETTINGS, APPLIES_TO) or []
        raw[APPLIES_TO.lower()] = [dn.encode() for dn in links]


def parse_settings(kept: KeptConnection, base_dn: str, found: list[Raw]) -> list[PasswordSettings]:
    """The objects as the port's values, with whom they name looked up together."""
    links = {link.decode() for raw in found for link in raw.get(APPLIES_TO.lower(), [])}
    targets = {target.dn.casefold(): target for target, _ in find_targets(kept, base_dn, links)}
    return [_settings(raw, targets) for raw in found]


def find_targets(kept: KeptConnection, base_dn: str, dns: set[str]) -> Iterator[tuple[SettingsTarget, Raw]]:
    """The objects of these DNs that exist."""
    terms = [values.equals("distinguishedName", dn) for dn in sorted(dns)]
    for item in many.items(kept, base_dn, terms, "(|{})", _TARGET_ATTRIBUTES):
        raw = raw_of(item)
        yield (
            SettingsTarget(
                guid=UUID(bytes_le=raw["objectguid"][0]),
                dn=_text(raw, "distinguishedName"),
                name=_text(raw, "sAMAccountName"),
                is_group=b"group" in map(bytes.lower, raw["objectclass"]),
            ),
            raw,
        )


def reach_of(kept: KeptConnection, base_dn: str, group_dn: str) -> Reach | None:
    """The group and the global ones within it; an empty reach for one that is not global, None for none."""
    own = values.equals("distinguishedName", group_dn)
    within = values.equals("memberOf:1.2.840.113556.1.4.1941:", group_dn)
    query = f"(&(objectClass=group)(|{own}{within}))"
    found = [raw_of(i) for reply in pages(kept, base_dn, query, _REACH_ATTRIBUTES) for i in reply.entries]
    names = {_text(raw, "distinguishedName").casefold(): raw for raw in found}
    if group_dn.casefold() not in names:
        return None
    if not is_global(names[group_dn.casefold()]):
        return Reach()
    globals_ = {dn: raw for dn, raw in names.items() if is_global(raw)}
    # primaryGroupID is the last number of the group's SID.
    numbers = {int.from_bytes(raw["objectsid"][0][-4:], "little") for raw in globals_.values()}
    return Reach(groups=frozenset(globals_), primary_ids=frozenset(numbers))


def is_global(raw: Raw) -> bool:
    return bool(_number(raw, "groupType") & _GLOBAL)


def is_security(raw: Raw) -> bool:
    return bool(_number(raw, "groupType") & _SECURITY)


def is_privileged(raw: Raw) -> bool:
    return _text(raw, "adminCount") == "1"


# Who is under which policy


def computed_policies(kept: KeptConnection, base_dn: str, guids: list[UUID]) -> list[AccountPolicy]:
    """See PasswordPolicies.account_policies."""
    terms = [many.guid_term(guid) for guid in guids]
    query, attributes = values.account_filter("(|{})"), [*_PLAIN_ATTRIBUTES, *_COMPUTED_ATTRIBUTES]
    return [account_policy(item) for item in many.items(kept, base_dn, terms, query, attributes)]


def plain_policies(kept: KeptConnection, base_dn: str, reach: Reach | None) -> Iterator[list[AccountPolicy]]:
    """Accounts page by page with what a survey needs to work out their policy."""
    terms = []
    if reach is not None:
        # Each group by itself: AD has an index for that, and none for membership at any depth.
        held = [values.equals("memberOf", dn) for dn in sorted(reach.groups)]
        primary = [f"(primaryGroupID={number})" for number in sorted(reach.primary_ids)]
        # An empty reach holds nobody: a false term, not none.
        terms.append(f"(|{''.join([*held, *primary]) or '(!(objectClass=*))'})")
    for reply in pages(kept, base_dn, values.account_filter(*terms), _PLAIN_ATTRIBUTES):
        yield [account_policy(item) for item in reply.entries]


def account_policy(item: Mapping[str, Any]) -> AccountPolicy:
    raw = raw_of(item)
    control = _number(raw, "userAccountControl")
    return AccountPolicy(
        guid=UUID(bytes_le=raw["objectguid"][0]),
        dn=str(item["dn"]),
        login_name=_text(raw, "sAMAccountName"),
        display_name=_text(raw, "displayName"),
        enabled=not control & values.ACCOUNT_DISABLED,
        password_last_set=values.from_filetime(_number(raw, "pwdLastSet")),
        never_expires=bool(control & _NEVER_EXPIRES),
        groups=frozenset(dn.decode("utf-8", "replace").casefold() for dn in raw.get("memberof", [])),
        primary_group_id=_number(raw, "primaryGroupID"),
        settings_dn=_text(raw, "msDS-ResultantPSO"),
        password_expires_at=values.from_filetime(_number(raw, "msDS-UserPasswordExpiryTimeComputed")),
    )


# Values


def attributes_of(wanted: WantedSettings) -> dict[str, list[bytes]]:
    """What is written for these settings, but for whom they apply to; no values where an attribute is to be absent."""
    rules = wanted.rules
    texts = {
        "description": wanted.description,
        MARKER: wanted.marker,
        "msDS-PasswordSettingsPrecedence": str(wanted.precedence),
        "msDS-PasswordComplexityEnabled": str(rules.complexity).upper(),
        "msDS-PasswordReversibleEncryptionEnabled": str(rules.reversible_encryption).upper(),
        **{
            name: str(values.to_interval(getattr(rules, field)) if field in _SPANS else getattr(rules, field))
            for field, name in _OBJECT_NAMES.items()
        },
    }
    return {name: [text.encode()] if text else [] for name, text in texts.items()}


def _settings(raw: Raw, targets: Mapping[str, SettingsTarget]) -> PasswordSettings:
    links = [link.decode().casefold() for link in raw.get(APPLIES_TO.lower(), [])]
    named = [targets[link] for link in links if link in targets]
    return PasswordSettings(
        guid=UUID(bytes_le=raw["objectguid"][0]),
        dn=_text(raw, "distinguishedName"),
        name=_text(raw, "cn"),
        precedence=_number(raw, "msDS-PasswordSettingsPrecedence"),
        rules=_rules(
            raw,
            _OBJECT_NAMES,
            complexity=_text(raw, "msDS-PasswordComplexityEnabled") == "TRUE",
            reversible=_text(raw, "msDS-PasswordReversibleEncryptionEnabled") == "TRUE",
        ),
        targets=tuple(sorted(named, key=lambda target: target.guid)),
        marker=_text(raw, MARKER),
        description=_text(raw, "description"),
    )


def _domain_rules(raw: Raw) -> PasswordRules:
    flags = _number(raw, "pwdProperties")
    return _rules(
        raw, _DOMAIN_NAMES, complexity=bool(flags & _COMPLEXITY), reversible=bool(flags & _REVERSIBLE)
    )


def _rules(raw: Raw, names: Mapping[str, str], *, complexity: bool, reversible: bool) -> PasswordRules:
    """The policy out of the attributes of these names. Raises DirectoryError for one that cannot be judged."""
    if absent := [name for name in names.values() if name.lower() not in raw]:
        raise DirectoryError(f"a policy without {', '.join(absent)}", code="policy_unreadable")
    try:
        spans = {field: values.from_interval(_number(raw, names[field])) for field in _SPANS}
    except ValueError as error:
        raise DirectoryError(str(error), code="policy_unreadable") from None
    least, window = spans["minimum_age"], spans["lockout_window"]
    if least is None or window is None:
        raise DirectoryError("a policy with an endless minimum age or window", code="policy_unreadable")
    return PasswordRules(
        minimum_length=_number(raw, names["minimum_length"]),
        history_length=_number(raw, names["history_length"]),
        complexity=complexity,
        reversible_encryption=reversible,
        minimum_age=least,
        # 0 says "never" as well for these two.
        maximum_age=spans["maximum_age"] or None,
        lockout_threshold=_number(raw, names["lockout_threshold"]),
        lockout_window=window,
        lockout_duration=spans["lockout_duration"] or None,
    )


def _text(raw: Raw, name: str) -> str:
    return (raw.get(name.lower()) or [b""])[0].decode("utf-8", "replace")


def _number(raw: Raw, name: str) -> int:
    return int(_text(raw, name) or 0)
