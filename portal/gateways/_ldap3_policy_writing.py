"""The half of the adapter about password settings (portal.gateways.directory_policies). Private to the adapter."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import UUID

import ldap3

from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_policies as policies
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import Reply
from portal.gateways._ldap3_policies import APPLIES_TO, Raw
from portal.gateways._ldap3_reading import Reading
from portal.gateways.directory import (
    ChangedMeanwhile,
    DirectoryError,
    InvalidValue,
    NotFound,
    OutcomeUnknown,
    Privileged,
)
from portal.gateways.directory_policies import (
    AccountPolicy,
    PasswordSettings,
    PolicySurvey,
    Reach,
    SettingsReason,
    WantedSettings,
    refusals,
    strongest_first,
    with_reach,
)

# What Windows and Samba say when a link names an object that is gone.
_NO_SUCH_TARGET = "00000525"


class PolicyWriting(Reading):
    """See portal.gateways.directory_policies.PasswordPolicies, which says what each operation promises."""

    def policy_survey(self) -> PolicySurvey:
        base_dn = self._settings.base_dn
        domain = policies.domain_rules(self._kept, base_dn)
        found = policies.parse_settings(self._kept, base_dn, policies.read_settings(self._kept, base_dn))
        groups = {target.dn for each in found for target in each.targets if target.is_group}
        reaches = {dn: policies.reach_of(self._kept, base_dn, dn) or Reach() for dn in groups}
        return PolicySurvey(domain=domain, settings=strongest_first([with_reach(f, reaches) for f in found]))

    def find_password_settings(self, guid: UUID) -> PasswordSettings | None:
        found = [raw for raw in self._all_settings() if raw["objectguid"] == [guid.bytes_le]]
        return self._parsed(found)[0] if found else None

    def find_password_settings_by_marker(self, marker: str) -> PasswordSettings | None:
        name = policies.MARKER.lower()
        found = [raw for raw in self._all_settings() if raw.get(name) == [marker.encode()]]
        if len(found) > 1:
            raise DirectoryError(f"{len(found)} password settings carry {marker}", code="ambiguous")
        return self._parsed(found)[0] if found else None

    def group_reach(self, group_dn: str) -> Reach:
        found = policies.reach_of(self._kept, self._settings.base_dn, group_dn)
        if found is None:
            raise NotFound(f"no group {group_dn}", code=str(errors.NO_SUCH_OBJECT))
        return found

    def account_policies(self, guids: Collection[UUID]) -> list[AccountPolicy]:
        return policies.computed_policies(self._kept, self._settings.base_dn, sorted(set(guids)))

    def scan_account_policies(
        self, base_dn: str, survey: PolicySurvey, *, reach: Reach | None = None
    ) -> Iterator[list[AccountPolicy]]:
        for page in policies.plain_policies(self._kept, base_dn, reach):
            yield [survey.worked_out(account) for account in page]

    # Writing

    def create_password_settings(self, wanted: WantedSettings) -> PasswordSettings:
        links = self._checked(wanted)
        container = policies.container_dn(self._settings.base_dn)
        dn = values.child_dn(wanted.name, container)
        attributes = {name: found for name, found in policies.attributes_of(wanted).items() if found}
        attributes |= {"objectClass": [b"top", b"msDS-PasswordSettings"], APPLIES_TO: links}
        reply = self._kept.write(lambda connection: connection.add(dn, attributes=attributes))
        if not reply.ok:
            if reply.win32 == _NO_SUCH_TARGET:
                raise NotFound(reply.message, code=reply.code)
            raise errors.placement_error(reply, container)
        return self._read_back(wanted)

    def change_password_settings(self, seen: PasswordSettings, wanted: WantedSettings) -> PasswordSettings:
        current, raw = self._writable_settings(seen.guid)
        if wanted.name != current.name:
            raise InvalidValue("the name stays", code=SettingsReason.NAME, attribute="name")
        if wanted.met_by(current):
            return current
        if not current.is_still(seen):
            raise ChangedMeanwhile(f"{current.name} is not what it was", code="compare")
        links = self._checked(wanted, instead_of=current.guid)
        changes = {
            name: change
            for name, new in policies.attributes_of(wanted).items()
            if (change := _guarded(raw.get(name.lower(), []), new))
        }
        if change := _guarded_links(raw.get(APPLIES_TO.lower(), []), links):
            changes[APPLIES_TO] = change
        reply = self._kept.write(lambda connection: connection.modify(values.guid_dn(current.guid), changes))
        if not reply.ok:
            raise errors.guarded_error(reply)
        return self._read_back(wanted)

    def remove_password_settings(self, seen: PasswordSettings) -> None:
        current, _ = self._writable_settings(seen.guid)
        if not current.is_still(seen):
            raise ChangedMeanwhile(f"{current.name} is not what it was", code="compare")
        reply: Reply = self._kept.write(lambda connection: connection.delete(values.guid_dn(current.guid)))
        if not reply.ok:
            raise errors.write_error(reply)

    # Parts

    def _all_settings(self) -> list[Raw]:
        return policies.read_settings(self._kept, self._settings.base_dn)

    def _parsed(self, found: list[Raw]) -> list[PasswordSettings]:
        return policies.parse_settings(self._kept, self._settings.base_dn, found)

    def _writable_settings(self, guid: UUID) -> tuple[PasswordSettings, Raw]:
        """The object with its raw values, before a write. Raises NotFound, and Privileged for one that is not ours."""
        found = [raw for raw in self._all_settings() if raw["objectguid"] == [guid.bytes_le]]
        if not found:
            raise NotFound(f"no password settings with GUID {guid}", code=str(errors.NO_SUCH_OBJECT))
        current = self._parsed(found)[0]
        if not current.ours:
            raise Privileged(f"{current.name} was not made by the portal", code="not_ours")
        return current, found[0]

    def _checked(self, wanted: WantedSettings, *, instead_of: UUID | None = None) -> list[bytes]:
        """The DNs that the settings apply to. Raises for everything that AD would take and should not."""
        if reasons := refusals(wanted):
            raise InvalidValue(", ".join(reasons), code=reasons[0], attribute="rules")
        precedence = str(wanted.precedence).encode()
        for raw in self._all_settings():
            same = raw.get("msds-passwordsettingsprecedence") == [precedence]
            if same and raw["objectguid"] != [instead_of.bytes_le if instead_of else b""]:
                raise _refused(SettingsReason.PRECEDENCE_TAKEN, f"{wanted.precedence} is taken", "precedence")
        return [self._group(wanted.group_dn)] if wanted.group_dn else self._accounts_named(wanted.accounts)

    def _group(self, group_dn: str) -> bytes:
        found = next(policies.find_targets(self._kept, self._settings.base_dn, {group_dn}), None)
        if found is None:
            raise NotFound(f"no group {group_dn}", code=str(errors.NO_SUCH_OBJECT))
        target, raw = found
        if not target.is_group:
            raise _refused(SettingsReason.TARGET_KIND, f"{group_dn} is no group")
        if not policies.is_global(raw):
            raise _refused(SettingsReason.TARGET_SCOPE, f"{group_dn} is not global")
        if not policies.is_security(raw):
            raise _refused(SettingsReason.TARGET_NO_SECURITY, f"{group_dn} is a mailing list")
        self._require_inside(target.dn)
        if policies.is_privileged(raw):
            raise Privileged(f"{group_dn} is protected", code="adminCount")
        return target.dn.encode()

    def _accounts_named(self, guids: frozenset[UUID]) -> list[bytes]:
        entries = self.find_by_guids(guids)
        if missing := guids - {entry.guid for entry in entries}:
            raise NotFound(f"no account with GUID {min(missing)}", code=str(errors.NO_SUCH_OBJECT))
        for entry in entries:
            self._require_inside(entry.dn)
            if entry.privileged:
                raise Privileged(f"{entry.login_name} belongs to a protected group", code="adminCount")
        return sorted(entry.dn.encode() for entry in entries)

    def _require_inside(self, dn: str) -> None:
        # The right to write settings knows no limits: through them one could weaken anybody's policy.
        if not dn.casefold().endswith(f",{self._settings.root_ou}".casefold()):
            raise _refused(SettingsReason.TARGET_OUTSIDE, f"{dn} is not below {self._settings.root_ou}")

    def _read_back(self, wanted: WantedSettings) -> PasswordSettings:
        try:
            found = self.find_password_settings_by_marker(wanted.marker)
        except (DirectoryError, ValueError) as error:
            raise OutcomeUnknown("written but could not be read back", code="not_read_back") from error
        if found is None or not wanted.met_by(found):
            raise OutcomeUnknown("what is there is not what was written", code="not_as_written")
        return found


def _refused(reason: SettingsReason, message: str, attribute: str = "targets") -> InvalidValue:
    return InvalidValue(message, code=reason, attribute=attribute)


def _guarded(old: list[bytes], new: list[bytes]) -> list[tuple[str, list[bytes]]]:
    """Replace exactly these old values: the server refuses when they are no longer there."""
    if old == new:
        return []
    change = [(ldap3.MODIFY_DELETE, old), (ldap3.MODIFY_ADD, new)]
    return [(operation, found) for operation, found in change if found]


def _guarded_links(old: list[bytes], new: list[bytes]) -> list[tuple[str, list[bytes]]]:
    """The same for links, of which those stay that are in both."""
    before = {dn.decode().casefold(): dn for dn in old}
    after = {dn.decode().casefold(): dn for dn in new}
    gone = sorted(dn for key, dn in before.items() if key not in after)
    come = sorted(dn for key, dn in after.items() if key not in before)
    return _guarded(gone, come)
