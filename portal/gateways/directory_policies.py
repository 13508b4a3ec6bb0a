"""The part of the directory port about password settings: what applies to whom, and a longer lifetime for some (REQ-03).

A password settings object (PSO) holds a whole policy. Where one applies to an account, nothing of the domain's policy
counts any more, so whoever lengthens the lifetime copies all the rest from what applied before.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol
from uuid import UUID

ACCOUNTS_LIMIT = 1000
"""Named accounts of one object; for more a group is made."""
NAME_LENGTH = 64
DESCRIPTION_LENGTH = 1024
_GREATEST = 2**31 - 1
_ILLEGAL_IN_NAME = frozenset('"+,;<=>\\#/\0\n\r')


class SettingsReason(enum.StrEnum):
    """Why password settings are refused before the directory is asked: the `code` of the InvalidValue."""

    NAME = "settings_name"
    PRECEDENCE = "settings_precedence"
    PRECEDENCE_TAKEN = "settings_precedence_taken"
    """AD takes it, and then the object with the smaller GUID wins."""
    MARKER = "settings_marker"
    DESCRIPTION = "settings_description"
    ENDLESS = "settings_endless"
    """Passwords that never expire: not by the portal."""
    AGES = "settings_minimum_age_above_maximum"
    """AD takes it, and nobody could change the password before it expires."""
    WINDOW = "settings_window_above_duration"
    REVERSIBLE = "settings_reversible_encryption"
    NUMBERS = "settings_numbers"
    """A length, a history or a number of attempts that AD cannot hold."""
    NO_TARGET = "settings_no_target"
    TWO_TARGETS = "settings_two_targets"
    TOO_MANY_ACCOUNTS = "settings_too_many_accounts"
    TARGET_KIND = "settings_target_kind"
    """Neither an account of a person nor a group, such as an OU: AD takes it, and nothing happens."""
    TARGET_SCOPE = "settings_target_scope"
    """A group that is not global: AD takes it, and Windows leaves it out of account."""
    TARGET_NO_SECURITY = "settings_target_no_security"
    """A mailing list: AD takes it, and nothing happens."""
    TARGET_OUTSIDE = "settings_target_outside"
    """Not below the OU that the portal looks after."""


@dataclass(frozen=True, kw_only=True)
class PasswordRules:
    """A whole policy: the domain's, or that of a settings object."""

    minimum_length: int
    history_length: int
    complexity: bool
    reversible_encryption: bool
    minimum_age: timedelta
    maximum_age: timedelta | None
    """None: passwords never expire."""
    lockout_threshold: int
    """Wrong attempts that lock; 0: nothing locks."""
    lockout_window: timedelta
    lockout_duration: timedelta | None
    """None: until somebody unlocks."""

    def lengthened(self, maximum_age: timedelta) -> PasswordRules:
        """The same with a longer lifetime (REQ-03). Raises ValueError when it is none."""
        if self.maximum_age is None or maximum_age <= self.maximum_age:
            raise ValueError(f"{maximum_age} is no longer lifetime than {self.maximum_age}")
        return replace(self, maximum_age=maximum_age)

    def expiry(self, account: AccountPolicy) -> datetime | None:
        """When the account's password expires, or would, under these rules; None where there is no such moment."""
        if account.never_expires or account.password_last_set is None or self.maximum_age is None:
            return None
        return account.password_last_set + self.maximum_age


@dataclass(frozen=True, kw_only=True)
class SettingsTarget:
    """An account or a group that a settings object names. The GUID is what counts: the DN follows moves."""

    guid: UUID
    dn: str = field(compare=False)
    name: str = field(compare=False)
    is_group: bool = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Through which groups a global group reaches accounts: itself and those within it, at any depth."""

    groups: frozenset[str] = frozenset()
    """DNs, case folded."""
    primary_ids: frozenset[int] = frozenset()
    """The same groups as primaryGroupID names them: a primary group is not in memberOf."""

    def holds(self, account: AccountPolicy) -> bool:
        return not self.groups.isdisjoint(account.groups) or account.primary_group_id in self.primary_ids


@dataclass(frozen=True, kw_only=True)
class PasswordSettings:
    """A settings object as the directory holds it now."""

    guid: UUID
    dn: str = field(compare=False)
    name: str
    precedence: int
    """The lowest wins; one that names the account goes before all that name its groups."""
    rules: PasswordRules
    targets: tuple[SettingsTarget, ...]
    """By GUID. Who was deleted is gone from here by itself."""
    marker: str
    """Which operation of ours wrote it last; "" for one that the portal did not make and never touches."""
    description: str
    reach: Reach = field(default=Reach(), compare=False)
    """Of its groups that are global; filled in a survey only."""

    @property
    def ours(self) -> bool:
        return bool(self.marker)

    @cached_property
    def target_guids(self) -> frozenset[UUID]:
        """Whom it names: asked for each of thousands of accounts."""
        return frozenset(target.guid for target in self.targets)

    def is_still(self, seen: PasswordSettings) -> bool:
        """Whether this is what was seen then. Targets may have been deleted since: that undoes nothing."""
        return set(self.targets) <= set(seen.targets) and replace(self, targets=()) == replace(
            seen, targets=()
        )


@dataclass(frozen=True, kw_only=True)
class WantedSettings:
    """What a settings object shall be: for named accounts or for one global group, never for both."""

    name: str
    precedence: int
    rules: PasswordRules
    marker: str
    accounts: frozenset[UUID] = frozenset()
    group_dn: str = ""
    description: str = ""

    def met_by(self, found: PasswordSettings) -> bool:
        """Whether the object is as wanted already."""
        if self.group_dn:
            targets = [target.dn.casefold() for target in found.targets] == [self.group_dn.casefold()]
        else:
            targets = {target.guid for target in found.targets} == self.accounts
        mine = (self.name, self.precedence, self.rules, self.marker, self.description)
        return targets and mine == (
            found.name,
            found.precedence,
            found.rules,
            found.marker,
            found.description,
        )


@dataclass(frozen=True, kw_only=True)
class AccountPolicy:
    """What applies to one account."""

    guid: UUID
    dn: str
    login_name: str
    display_name: str
    enabled: bool
    password_last_set: datetime | None
    """None while the password must be changed, and when none was ever set."""
    never_expires: bool
    """By a flag of the account, whatever the policy says."""
    groups: frozenset[str]
    """DNs of the groups that hold it directly, case folded."""
    primary_group_id: int
    settings_dn: str
    """msDS-ResultantPSO; "" where the domain's policy applies."""
    password_expires_at: datetime | None
    """msDS-UserPasswordExpiryTimeComputed; None when it never expires or must be changed now."""


@dataclass(frozen=True, kw_only=True)
class PolicySurvey:
    """The domain's policy and every settings object, read together: enough to work out what applies to whom."""

    domain: PasswordRules
    settings: tuple[PasswordSettings, ...]
    """The strongest first."""

    def resulting(self, account: AccountPolicy) -> PasswordSettings | None:
        """The object that applies by AD's rules, whatever `account.settings_dn` says; None: the domain's policy does."""
        direct = (each for each in self.settings if account.guid in each.target_guids)
        through_group = (each for each in self.settings if each.reach.holds(account))
        return next(direct, None) or next(through_group, None)

    def rules_for(self, account: AccountPolicy) -> PasswordRules:
        found = self.resulting(account)
        return found.rules if found else self.domain

    def worked_out(self, account: AccountPolicy) -> AccountPolicy:
        """The account with what would apply to it in this survey."""
        return self.under(self.resulting(account), account)

    def under(self, found: PasswordSettings | None, account: AccountPolicy) -> AccountPolicy:
        """The account with what would apply to it under these settings; None: the domain's policy."""
        rules = found.rules if found else self.domain
        return replace(
            account, settings_dn=found.dn if found else "", password_expires_at=rules.expiry(account)
        )

    def planned(
        self, wanted: WantedSettings, reach: Reach, *, instead_of: UUID | None = None
    ) -> PolicySurvey:
        """How it would be with these settings, which replace one object where named: for showing before and after."""
        new = PasswordSettings(
            guid=instead_of or UUID(int=0),
            dn=wanted.name,
            name=wanted.name,
            precedence=wanted.precedence,
            rules=wanted.rules,
            targets=tuple(
                SettingsTarget(guid=guid, dn="", name="", is_group=False) for guid in wanted.accounts
            ),
            marker=wanted.marker,
            description=wanted.description,
            reach=reach,
        )
        return replace(self, settings=strongest_first([new, *self.without(instead_of).settings]))

    def without(self, guid: UUID | None) -> PolicySurvey:
        """How it would be once this object is removed."""
        return replace(self, settings=tuple(each for each in self.settings if each.guid != guid))


def with_reach(settings: PasswordSettings, reaches: Mapping[str, Reach]) -> PasswordSettings:
    """The object with the reach of all groups that it names, by their DN."""
    mine = [reaches[target.dn] for target in settings.targets if target.is_group]
    groups = frozenset(dn for reach in mine for dn in reach.groups)
    numbers = frozenset(number for reach in mine for number in reach.primary_ids)
    return replace(settings, reach=Reach(groups=groups, primary_ids=numbers))


def strongest_first(settings: Collection[PasswordSettings]) -> tuple[PasswordSettings, ...]:
    """In the order in which AD prefers them: the lowest precedence, then the smaller GUID."""
    return tuple(sorted(settings, key=lambda each: (each.precedence, each.guid.bytes_le)))


def refusals(wanted: WantedSettings) -> list[SettingsReason]:
    """Why these settings cannot be, as far as can be told without asking the directory; none when they can."""
    rules, reason = wanted.rules, SettingsReason
    checks = {
        reason.NAME: not _good_name(wanted.name),
        reason.PRECEDENCE: not 1 <= wanted.precedence <= _GREATEST,
        reason.MARKER: not wanted.marker,
        reason.DESCRIPTION: len(wanted.description) > DESCRIPTION_LENGTH,
        reason.ENDLESS: rules.maximum_age is None,
        reason.AGES: rules.maximum_age is not None and rules.minimum_age >= rules.maximum_age,
        reason.WINDOW: rules.lockout_duration is not None and rules.lockout_window > rules.lockout_duration,
        reason.REVERSIBLE: rules.reversible_encryption,
        reason.NUMBERS: not _good_numbers(rules),
        reason.NO_TARGET: not wanted.accounts and not wanted.group_dn,
        reason.TWO_TARGETS: bool(wanted.accounts and wanted.group_dn),
        reason.TOO_MANY_ACCOUNTS: len(wanted.accounts) > ACCOUNTS_LIMIT,
    }
    return [refused for refused, is_so in checks.items() if is_so]


def _good_name(name: str) -> bool:
    inner = name == name.strip() and 0 < len(name) <= NAME_LENGTH
    return inner and name.isprintable() and not _ILLEGAL_IN_NAME & set(name)


def _good_numbers(rules: PasswordRules) -> bool:
    """The ranges of the attributes in AD's schema; a window and ages below zero cannot be written either."""
    spans = (rules.minimum_age, rules.lockout_window, rules.lockout_duration or timedelta())
    return (
        0 <= rules.minimum_length <= 255
        and 0 <= rules.history_length <= 1024
        and 0 <= rules.lockout_threshold <= 65535
        and all(span >= timedelta() for span in spans)
    )


class PasswordPolicies(Protocol):
    """What the portal may do about password settings; faults as in Directory, of which this is a part.

    An object without a marker was made by an administrator: writing it raises Privileged.
    """

    def policy_survey(self) -> PolicySurvey:
        """The domain's policy and all settings objects. Raises DirectoryError when it cannot be read whole."""
        ...

    def find_password_settings(self, guid: UUID) -> PasswordSettings | None: ...

    def find_password_settings_by_marker(self, marker: str) -> PasswordSettings | None:
        """The object that one of our operations wrote last: after a lost answer it tells whether that was applied."""
        ...

    def group_reach(self, group_dn: str) -> Reach:
        """Through which groups settings for this one would reach accounts. Raises NotFound."""
        ...

    def account_policies(self, guids: Collection[UUID]) -> list[AccountPolicy]:
        """What applies to those of these accounts that exist, as the directory itself works it out; in no order."""
        ...

    def scan_account_policies(
        self, base_dn: str, survey: PolicySurvey, *, reach: Reach | None = None
    ) -> Iterator[list[AccountPolicy]]:
        """What applies by `survey` to all accounts below `base_dn`, with `reach` to those that it holds; for thousands.

        One paged read, 1,000 accounts a page. The directory is not asked to work it out: Samba takes longer for that than
        for all the rest. Raises DirectoryError when the pages cannot be read to the end.
        """
        ...

    def create_password_settings(self, wanted: WantedSettings) -> PasswordSettings:
        """Add the object and read it back.

        Raises NameTaken; InvalidValue with a SettingsReason as code; NotFound for an account or group that is not there;
        Privileged for a protected one; OutcomeUnknown also when it was added but could not be read back.
        """
        ...

    def change_password_settings(self, seen: PasswordSettings, wanted: WantedSettings) -> PasswordSettings:
        """Make it as wanted, all or nothing, only while it is as `seen`, else ChangedMeanwhile; read back.

        As wanted already is success. The name stays. Raises what creating does, NotFound when it is gone.
        """
        ...

    def remove_password_settings(self, seen: PasswordSettings) -> None:
        """Remove it while it is as `seen`, else ChangedMeanwhile. Raises NotFound when it is gone."""
        ...
