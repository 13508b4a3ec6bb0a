"""The half of the adapter that only asks: objects of the domain, and whether a password is right. Private to the adapter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import ldap3

from portal.gateways import _ldap3_controllers as controllers
from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_lockouts as lockouts
from portal.gateways import _ldap3_many as many
from portal.gateways import _ldap3_scanning as scanning
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import (
    Guard,
    KeptConnection,
    LdapSettings,
    Reply,
    Unguarded,
    connect_first,
    discard,
    probe,
)
from portal.gateways.directory import (
    BindResult,
    DirectoryEntry,
    DirectoryError,
    DirectoryGroup,
    DomainController,
    NotFound,
)
from portal.gateways.directory_lockouts import LockState, WrongAttempts
from portal.gateways.directory_rules import validate_login_name

_BIND_RESULTS: Mapping[str, BindResult] = {
    "52e": BindResult.WRONG,
    "525": BindResult.WRONG,
    # The hours or the workstations of the account do not allow it: as good as disabled for the portal.
    "530": BindResult.DISABLED,
    "531": BindResult.DISABLED,
    "532": BindResult.PASSWORD_EXPIRED,
    "533": BindResult.DISABLED,
    "701": BindResult.EXPIRED,
    "773": BindResult.MUST_CHANGE,
    "775": BindResult.LOCKED,
}
_INVALID_CREDENTIALS = 49
_POLICY_HINTS = "1.2.840.113556.1.4.2239"


class Reading:
    """See portal.gateways.directory.Directory, which says what each operation promises."""

    def __init__(self, settings: LdapSettings, guard: Guard | None = None) -> None:
        self._settings = settings
        self._guard = guard or Unguarded()
        self._kept = KeptConnection(settings, self._guard)

    def ping(self) -> None:
        reply = self._kept.read(probe)
        if not reply.ok:
            raise DirectoryError(reply.message, code=reply.code)

    def find_by_login_name(self, login_name: str) -> DirectoryEntry | None:
        return self._single(values.equals("sAMAccountName", login_name))

    def find_by_guid(self, guid: UUID) -> DirectoryEntry | None:
        # The GUID form would also find what was deleted or is no account.
        found = self._find(values.guid_dn(guid), values.account_filter(), scope=ldap3.BASE)
        return found[0] if found else None

    def find_by_marker(self, marker: str) -> DirectoryEntry | None:
        return self._single(values.equals(self._settings.marker_attribute, marker))

    def login_name_in_use(self, login_name: str) -> bool:
        names = (
            values.equals("sAMAccountName", login_name),
            values.equals("userPrincipalName", self._principal_name(login_name)),
        )
        reply = self._search(
            self._settings.base_dn, f"(|{''.join(names)})", attributes=["1.1"], scope=ldap3.SUBTREE
        )
        return bool(reply.entries)

    def container_exists(self, dn: str) -> bool:
        reply = self._search(
            dn,
            "(|(objectClass=organizationalUnit)(objectClass=container))",
            attributes=["1.1"],
            scope=ldap3.BASE,
        )
        return bool(reply.entries)

    def find_containers(self, base_dn: str) -> list[str]:
        found = self._paged(base_dn, "(objectClass=organizationalUnit)", ["distinguishedName"])
        names = (values.text_of(item, "distinguishedName") or str(item["dn"]) for item in found)
        return sorted(dn for dn in names if dn.casefold() != base_dn.casefold())

    def find_groups(self, base_dn: str) -> list[DirectoryGroup]:
        found = self._paged(base_dn, "(objectClass=group)", values.GROUP_ATTRIBUTES)
        return sorted(map(values.parse_group, found), key=lambda group: group.dn)

    def find_by_display_name(self, display_name: str, container_dn: str) -> list[DirectoryEntry]:
        term = values.equals("displayName", display_name)
        return self._find(container_dn, values.account_filter(term))

    def mail_is_group_address(self, mail: str) -> bool:
        terms = values.equals("mail", mail), values.equals("proxyAddresses", f"smtp:{mail}")
        reply = self._search(
            self._settings.base_dn,
            f"(&(objectClass=group)(|{''.join(terms)}))",
            attributes=["1.1"],
            scope=ldap3.SUBTREE,
        )
        return bool(reply.entries)

    def login_names_in_use(self, login_names: Collection[str]) -> set[str]:
        return many.login_names_in_use(self._kept, self._settings.base_dn, login_names, self._principal_name)

    def find_by_login_names(self, login_names: Collection[str]) -> list[DirectoryEntry]:
        return self._accounts(self._settings.base_dn, "sAMAccountName", login_names)

    def find_by_guids(self, guids: Collection[UUID]) -> list[DirectoryEntry]:
        return self._accounts(self._settings.base_dn, "objectGUID", guids)

    def find_by_display_names(
        self, display_names: Collection[str], container_dn: str
    ) -> list[DirectoryEntry]:
        return self._accounts(container_dn, "displayName", display_names)

    def group_addresses(self, mails: Collection[str]) -> frozenset[str]:
        return many.group_addresses(self._kept, self._settings.base_dn, mails)

    def search_accounts(
        self,
        base_dn: str,
        *,
        text: str = "",
        changed_since_usn: int | None = None,
        dormant_since: datetime | None = None,
        enabled_only: bool = False,
    ) -> Iterator[DirectoryEntry]:
        terms = []
        if text:
            names = ("sAMAccountName", "displayName", "msDS-PhoneticDisplayName")
            terms.append(f"(|{''.join(values.contains(name, text) for name in names)})")
        if changed_since_usn is not None:
            terms.append(f"(uSNChanged>={changed_since_usn + 1})")
        if dormant_since is not None:
            terms.append(values.dormant_term(dormant_since))
        if enabled_only:
            terms.append(f"(!(userAccountControl:{values.BIT_AND}:={values.ACCOUNT_DISABLED}))")
        return self._pages(base_dn, values.account_filter(*terms))

    def domain_controllers(self) -> Sequence[str]:
        return controllers.addresses(
            self._settings,
            lambda: self._search(
                self._settings.base_dn,
                controllers.CONTROLLERS,
                attributes=["dNSHostName"],
                scope=ldap3.SUBTREE,
            ),
        )

    def last_logons(self, controller: str, guids: Sequence[UUID]) -> Mapping[UUID, datetime | None]:
        return controllers.last_logons(self._settings, self._guard, controller, guids)

    def lock_state(self, guid: UUID) -> LockState:
        reply = self._search(
            values.guid_dn(guid), values.account_filter(), attributes=lockouts.ATTRIBUTES, scope=ldap3.BASE
        )
        if reply.entries:
            return lockouts.parse_state(reply.entries[0])
        code = "deleted" if self.is_deleted(guid) else str(errors.NO_SUCH_OBJECT)
        raise NotFound(f"no account with GUID {guid}", code=code)

    def wrong_attempts(self, controller: str, guids: Sequence[UUID]) -> Mapping[UUID, WrongAttempts]:
        return lockouts.wrong_attempts(self._settings, self._guard, controller, guids)

    def group_members(self, group_dn: str) -> Sequence[str]:
        members = scanning.all_values(self._kept, group_dn, "(objectClass=group)", "member")
        if members is None:
            raise NotFound(f"no group {group_dn}", code=str(errors.NO_SUCH_OBJECT))
        return members

    def domain_controller(self) -> DomainController:
        return scanning.domain_controller(self._kept)

    def serving(self) -> str:
        return self._kept.url if len(self._settings.urls) > 1 else ""

    def scan_accounts(
        self, base_dn: str, *, changed_since_usn: int | None = None
    ) -> Iterator[list[DirectoryEntry]]:
        return scanning.scan_accounts(
            self._kept, base_dn, self._settings.marker_attribute, changed_since_usn=changed_since_usn
        )

    def scan_guids(self, base_dn: str) -> Iterator[list[UUID]]:
        return scanning.scan_guids(self._kept, base_dn)

    def is_deleted(self, guid: UUID) -> bool:
        return scanning.is_deleted(self._kept, guid)

    def minds_history_in_resets(self) -> bool:
        reply = self._search("", "(objectClass=*)", attributes=["supportedControl"], scope=ldap3.BASE)
        found = [name for entry in reply.entries for name in entry["raw_attributes"]["supportedControl"]]
        return _POLICY_HINTS.encode() in found

    def authenticate(self, login_name: str, password: str) -> BindResult:
        # A bind with a name and no password succeeds in LDAP as an anonymous one: never ask it.
        if not password or "\x00" in password or validate_login_name(login_name):
            return BindResult.WRONG
        name = self._principal_name(login_name)
        connection, reply, _ = connect_first(self._settings, list(self._settings.urls), name, password)
        discard(connection)
        if reply.ok:
            return BindResult.OK
        if reply.result == _INVALID_CREDENTIALS:
            return _BIND_RESULTS.get(reply.bind_data, BindResult.WRONG)
        raise DirectoryError(reply.message, code=reply.code)

    def close(self) -> None:
        self._kept.close()

    # Parts

    def _principal_name(self, login_name: str) -> str:
        return f"{login_name}@{self._settings.domain}"

    def _search(self, base: str, query: str, *, attributes: list[str], scope: str) -> Reply:
        """A search whose missing base is an empty answer. Other refusals raise."""
        reply = self._kept.read(
            lambda connection: connection.search(base, query, search_scope=scope, attributes=attributes)
        )
        if not reply.ok and reply.result != errors.NO_SUCH_OBJECT:
            raise errors.write_error(reply)
        return reply

    def _find(self, base: str, query: str, *, scope: str = ldap3.SUBTREE) -> list[DirectoryEntry]:
        attributes = values.read_attributes(self._settings.marker_attribute)
        reply = self._search(base, query, attributes=attributes, scope=scope)
        return [values.parse_entry(item, self._settings.marker_attribute) for item in reply.entries]

    def _single(self, term: str) -> DirectoryEntry | None:
        found = self._find(self._settings.base_dn, values.account_filter(term))
        if len(found) > 1:
            raise DirectoryError(f"{len(found)} accounts meet {term}", code="ambiguous")
        return found[0] if found else None

    def _accounts(
        self, base: str, attribute: str, wanted: Collection[str] | Collection[UUID]
    ) -> list[DirectoryEntry]:
        return many.find_accounts(self._kept, base, self._settings.marker_attribute, attribute, wanted)

    def _pages(self, base: str, query: str) -> Iterator[DirectoryEntry]:
        marker = self._settings.marker_attribute
        for item in self._paged(base, query, values.read_attributes(marker)):
            yield values.parse_entry(item, marker)

    def _paged(self, base: str, query: str, attributes: list[str]) -> Iterator[dict[str, Any]]:
        for reply in scanning.pages(self._kept, base, query, attributes):
            yield from reply.entries
