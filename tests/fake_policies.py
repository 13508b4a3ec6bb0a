"""The part of the directory in memory about password settings and locks (portal.gateways.directory_policies, _lockouts)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from portal.gateways.directory import (
    AccountDisabled,
    ChangedMeanwhile,
    DirectoryEntry,
    DirectoryGroup,
    InvalidValue,
    NameTaken,
    NotFound,
    Privileged,
)
from portal.gateways.directory_lockouts import LockState, WrongAttempts
from portal.gateways.directory_policies import (
    AccountPolicy,
    PasswordRules,
    PasswordSettings,
    PolicySurvey,
    Reach,
    SettingsReason,
    SettingsTarget,
    WantedSettings,
    refusals,
    strongest_first,
    with_reach,
)

DOMAIN_RULES = PasswordRules(
    minimum_length=8,
    history_length=24,
    complexity=True,
    reversible_encryption=False,
    minimum_age=timedelta(days=1),
    maximum_age=timedelta(days=90),
    lockout_threshold=5,
    lockout_window=timedelta(minutes=30),
    lockout_duration=timedelta(minutes=30),
)


class _Around:
    """What the directory in memory has besides."""

    entries: dict[uuid.UUID, DirectoryEntry]
    groups: dict[str, DirectoryGroup]
    deleted: set[uuid.UUID]
    controllers: dict[str, dict[uuid.UUID, datetime] | Exception]

    def _enter(self, name: str) -> None: ...

    def _leave(self, name: str) -> None: ...

    def _entry(self, guid: uuid.UUID) -> DirectoryEntry:
        raise NotImplementedError


@dataclass
class FakePolicies(_Around):
    """Password settings and locks in memory. An account is locked by `lock`; wrong passwords alone do not lock here."""

    domain_rules: PasswordRules = DOMAIN_RULES
    settings: dict[uuid.UUID, PasswordSettings] = field(default_factory=dict)
    within: dict[str, set[str]] = field(default_factory=dict)  # groups in groups, by DN
    locks: dict[uuid.UUID, datetime] = field(default_factory=dict)
    attempts: dict[uuid.UUID, WrongAttempts] = field(default_factory=dict)
    root_ou: str = "OU=Federations,DC=kokuho,DC=pr"

    # --- for tests -------------------------------------------------------------------------------------------------
    def lock(self, guid: uuid.UUID, *, count: int = 5, at: datetime | None = None) -> None:
        """Lock an account as that many wrong passwords do."""
        moment = at or datetime.now(UTC)
        self.entries[guid] = replace(self.entries[guid], locked=True)
        self.locks[guid] = moment
        self.attempts[guid] = WrongAttempts(count=count, last_at=moment)

    def put_settings(self, wanted: WantedSettings) -> PasswordSettings:
        """An object as an administrator makes it by hand, whatever is in it; without a marker it is not the portal's."""
        return self._keep(uuid.uuid4(), wanted)

    # --- the port: reading -----------------------------------------------------------------------------------------
    def policy_survey(self) -> PolicySurvey:
        self._enter("policy_survey")
        found = [self._current(each) for each in self.settings.values()]
        reaches = {t.dn: self._reach(t.dn) for each in found for t in each.targets if t.is_group}
        return PolicySurvey(
            domain=self.domain_rules, settings=strongest_first([with_reach(f, reaches) for f in found])
        )

    def find_password_settings(self, guid: uuid.UUID) -> PasswordSettings | None:
        self._enter("find_password_settings")
        return self._current(self.settings[guid]) if guid in self.settings else None

    def find_password_settings_by_marker(self, marker: str) -> PasswordSettings | None:
        self._enter("find_password_settings_by_marker")
        return next((self._current(each) for each in self.settings.values() if each.marker == marker), None)

    def group_reach(self, group_dn: str) -> Reach:
        self._enter("group_reach")
        if group_dn not in self.groups:
            raise NotFound
        return self._reach(group_dn)

    def account_policies(self, guids: Collection[uuid.UUID]) -> list[AccountPolicy]:
        survey = self.policy_survey()
        self._enter("account_policies")
        return [survey.worked_out(_plain(self.entries[guid])) for guid in set(guids) if guid in self.entries]

    def scan_account_policies(
        self, base_dn: str, survey: PolicySurvey, *, reach: Reach | None = None
    ) -> Iterator[list[AccountPolicy]]:
        self._enter("scan_account_policies")
        below = [e for e in self.entries.values() if e.dn.lower().endswith(f",{base_dn.lower()}")]
        found = [account for account in map(_plain, below) if reach is None or reach.holds(account)]
        for start in range(0, len(found), 1000):
            yield [survey.worked_out(account) for account in found[start : start + 1000]]

    # --- the port: writing -----------------------------------------------------------------------------------------
    def create_password_settings(self, wanted: WantedSettings) -> PasswordSettings:
        self._enter("create_password_settings")
        self._check(wanted)
        if any(each.name.lower() == wanted.name.lower() for each in self.settings.values()):
            raise NameTaken(attribute="dn")
        made = self._keep(uuid.uuid4(), wanted)
        self._leave("create_password_settings")
        return made

    def change_password_settings(self, seen: PasswordSettings, wanted: WantedSettings) -> PasswordSettings:
        self._enter("change_password_settings")
        current = self._writable_settings(seen.guid)
        if wanted.name != current.name:
            raise InvalidValue(code=SettingsReason.NAME)
        if wanted.met_by(current):
            return current
        if not current.is_still(seen):
            raise ChangedMeanwhile
        self._check(wanted, instead_of=current.guid)
        made = self._keep(current.guid, wanted)
        self._leave("change_password_settings")
        return made

    def remove_password_settings(self, seen: PasswordSettings) -> None:
        self._enter("remove_password_settings")
        if not self._writable_settings(seen.guid).is_still(seen):
            raise ChangedMeanwhile
        del self.settings[seen.guid]
        self._leave("remove_password_settings")

    # --- the port: locks -------------------------------------------------------------------------------------------
    def lock_state(self, guid: uuid.UUID) -> LockState:
        self._enter("lock_state")
        return self._lock_state(guid)

    def wrong_attempts(
        self, controller: str, guids: Sequence[uuid.UUID]
    ) -> Mapping[uuid.UUID, WrongAttempts]:
        self._enter("wrong_attempts")
        known = self.controllers[controller]
        if isinstance(known, Exception):
            raise known
        none = WrongAttempts(count=0, last_at=None)
        return {guid: self.attempts.get(guid, none) for guid in guids if guid in self.entries}

    def unlock(self, guid: uuid.UUID, *, since: datetime | None = None) -> LockState:
        self._enter("unlock")
        state = self._lock_state(guid)
        if since is not None and not state.enabled:
            raise AccountDisabled(code="disabled")
        if since is not None and state.locked and state.locked_since != since:
            raise ChangedMeanwhile
        if since is None or state.locked:
            self.entries[guid] = replace(self.entries[guid], locked=False)
            self.attempts.pop(guid, None)
        self._leave("unlock")
        return self._lock_state(guid)

    # --- parts -----------------------------------------------------------------------------------------------------
    def _lock_state(self, guid: uuid.UUID) -> LockState:
        if guid in self.deleted:
            raise NotFound(code="deleted")
        entry = self._entry(guid)
        return LockState(
            guid=guid,
            login_name=entry.login_name,
            enabled=entry.enabled,
            locked_since=self.locks.get(guid, entry.created_at) if entry.locked else None,
        )

    def _writable_settings(self, guid: uuid.UUID) -> PasswordSettings:
        if guid not in self.settings:
            raise NotFound
        if not self.settings[guid].ours:
            raise Privileged(code="not_ours")
        return self._current(self.settings[guid])

    def _current(self, settings: PasswordSettings) -> PasswordSettings:
        """Without whom was deleted since, and with the DNs of now."""
        there = [t for t in settings.targets if t.is_group or t.guid in self.entries]
        now = [t if t.is_group else replace(t, dn=self.entries[t.guid].dn) for t in there]
        return replace(settings, targets=tuple(now))

    def _reach(self, group_dn: str) -> Reach:
        if not self.groups[group_dn].is_global:
            return Reach()
        found, waiting = set(), [group_dn]
        while waiting:
            dn = waiting.pop()
            found.add(dn.casefold())
            waiting += [inner for inner in self.within.get(dn, ()) if inner.casefold() not in found]
        return Reach(groups=frozenset(found))

    def _keep(self, guid: uuid.UUID, wanted: WantedSettings) -> PasswordSettings:
        targets = [
            SettingsTarget(guid=e.guid, dn=e.dn, name=e.login_name, is_group=False)
            for e in self.entries.values()
            if e.guid in wanted.accounts
        ]
        if wanted.group_dn:
            name = self.groups[wanted.group_dn].name
            group = uuid.uuid5(uuid.NAMESPACE_X500, wanted.group_dn.casefold())
            targets = [SettingsTarget(guid=group, dn=wanted.group_dn, name=name, is_group=True)]
        self.settings[guid] = PasswordSettings(
            guid=guid,
            dn=f"CN={wanted.name},CN=Password Settings Container,CN=System,DC=kokuho,DC=pr",
            name=wanted.name,
            precedence=wanted.precedence,
            rules=wanted.rules,
            targets=tuple(sorted(targets, key=lambda target: target.guid)),
            marker=wanted.marker,
            description=wanted.description,
        )
        return self.settings[guid]

    def _check(self, wanted: WantedSettings, *, instead_of: uuid.UUID | None = None) -> None:
        if reasons := refusals(wanted):
            raise InvalidValue(code=reasons[0])
        others = [each for guid, each in self.settings.items() if guid != instead_of]
        if wanted.precedence in {each.precedence for each in others}:
            raise InvalidValue(code=SettingsReason.PRECEDENCE_TAKEN)
        if wanted.group_dn:
            self._check_group(wanted.group_dn)
        for entry in map(self._entry, wanted.accounts):
            self._require_inside(entry.dn)
            if entry.privileged:
                raise Privileged(code="adminCount")

    def _check_group(self, group_dn: str) -> None:
        if group_dn.upper().startswith("OU="):
            raise InvalidValue(code=SettingsReason.TARGET_KIND)
        if group_dn not in self.groups:
            raise NotFound
        if not self.groups[group_dn].is_global:
            raise InvalidValue(code=SettingsReason.TARGET_SCOPE)
        self._require_inside(group_dn)
        if self.groups[group_dn].privileged:
            raise Privileged(code="adminCount")

    def _require_inside(self, dn: str) -> None:
        if not dn.casefold().endswith(f",{self.root_ou}".casefold()):
            raise InvalidValue(code=SettingsReason.TARGET_OUTSIDE)


def _plain(entry: DirectoryEntry) -> AccountPolicy:
    return AccountPolicy(
        guid=entry.guid,
        dn=entry.dn,
        login_name=entry.login_name,
        display_name=entry.display_name,
        enabled=entry.enabled,
        password_last_set=entry.password_last_set,
        never_expires=False,
        groups=frozenset(dn.casefold() for dn in entry.groups),
        primary_group_id=513,
        settings_dn="",
        password_expires_at=None,
    )
