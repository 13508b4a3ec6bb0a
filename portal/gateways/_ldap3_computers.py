"""The half of the adapter about computer objects (portal.gateways.directory_computers). Private to the adapter."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from uuid import UUID

import ldap3

from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_many as many
from portal.gateways import _ldap3_scanning as scanning
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import Reply
from portal.gateways._ldap3_reading import Reading
from portal.gateways.directory import (
    AccessDenied,
    DirectoryError,
    InvalidValue,
    NotFound,
    OutcomeUnknown,
    Privileged,
)
from portal.gateways.directory_computers import ComputerObject, NewComputer, computer_name_reasons
from portal.gateways.directory_rules import validate_description, validate_marker

WORKSTATION_ACCOUNT = 0x1000
_SERVER_ACCOUNT = 0x2000  # a domain controller
_ANY_CLASS = "(objectClass=*)"
_SUBTREE_DELETE = ("1.2.840.113556.1.4.805", True, None)
_NOT_LEAF = 66
# The service account may not create here and has used up what every user may make in a domain (ms-DS-MachineAccountQuota).
_QUOTA_USED_UP = "0000216D"
_ATTRIBUTES = (
    "objectGUID",
    "distinguishedName",
    "sAMAccountName",
    "userAccountControl",
    "description",
    "dNSHostName",
    "operatingSystem",
    "lastLogonTimestamp",
    "whenCreated",
    "adminCount",
    "uSNChanged",
)


def _filter(*terms: str) -> str:
    return f"(&(objectCategory=computer){''.join(terms)})"


def parse_computer(item: Mapping[str, Any], marker_attribute: str) -> ComputerObject:
    """One search result as the port's value."""
    raw = {name.lower(): found for name, found in item["raw_attributes"].items()}

    def text(name: str) -> str:
        return bytes((raw.get(name.lower()) or [b""])[0]).decode("utf-8", "replace")

    control = int(text("userAccountControl") or 0)
    return ComputerObject(
        guid=UUID(bytes_le=bytes(raw["objectguid"][0])),
        dn=text("distinguishedName") or str(item["dn"]),
        name=text("sAMAccountName").removesuffix("$"),
        enabled=not control & values.ACCOUNT_DISABLED,
        description=text("description"),
        marker=text(marker_attribute),
        dns_host_name=text("dNSHostName"),
        operating_system=text("operatingSystem"),
        last_logon=values.from_filetime(int(text("lastLogonTimestamp") or 0)),
        created_at=values.from_generalized_time(text("whenCreated")),
        protected=bool(control & _SERVER_ACCOUNT) or text("adminCount") == "1",
        usn_changed=int(text("uSNChanged") or 0),
    )


class ComputerWriting(Reading):
    """See portal.gateways.directory_computers.Computers, which says what each operation promises."""

    def find_computers(self, names: Collection[str]) -> list[ComputerObject]:
        terms = [values.equals("sAMAccountName", f"{name}$") for name in sorted({n.upper() for n in names})]
        found = many.items(
            self._kept, self._settings.base_dn, terms, _filter("(|{})"), self._computer_attributes()
        )
        return [parse_computer(item, self._settings.marker_attribute) for item in found]

    def find_computer_by_guid(self, guid: UUID) -> ComputerObject | None:
        reply = self._search(
            values.guid_dn(guid), _filter(), attributes=self._computer_attributes(), scope=ldap3.BASE
        )
        return parse_computer(reply.entries[0], self._settings.marker_attribute) if reply.entries else None

    def find_computer_by_marker(self, marker: str) -> ComputerObject | None:
        query = _filter(values.equals(self._settings.marker_attribute, marker))
        reply = self._search(
            self._settings.base_dn, query, attributes=self._computer_attributes(), scope=ldap3.SUBTREE
        )
        if len(reply.entries) > 1:
            raise DirectoryError(f"{len(reply.entries)} computers carry {marker}", code="ambiguous")
        return parse_computer(reply.entries[0], self._settings.marker_attribute) if reply.entries else None

    def computer_names_in_use(self, names: Collection[str]) -> set[str]:
        wanted = {name.upper() for name in names}
        terms = [
            values.equals("sAMAccountName", f"{name}$") + values.equals("dNSHostName", self._host_name(name))
            for name in sorted(wanted)
        ]
        found: set[str] = set()
        attributes = ["sAMAccountName", "dNSHostName"]
        for item in many.items(self._kept, self._settings.base_dn, terms, "(|{})", attributes):
            found |= {values.text_of(item, name).upper() for name in attributes}
        return {name for name in wanted if f"{name}$" in found or self._host_name(name).upper() in found}

    def scan_computers(self, base_dn: str) -> Iterator[list[ComputerObject]]:
        for reply in scanning.pages(self._kept, base_dn, _filter(), self._computer_attributes()):
            yield [parse_computer(item, self._settings.marker_attribute) for item in reply.entries]

    def count_below_computer(self, guid: UUID) -> int:
        computer = self.find_computer_by_guid(guid)
        if computer is None:
            raise NotFound(f"no computer with GUID {guid}", code=str(errors.NO_SUCH_OBJECT))
        # By no class: that of a recovery key may be hidden from the service account.
        found = [
            str(item["dn"])
            for reply in scanning.pages(self._kept, computer.dn, _ANY_CLASS, ["1.1"])
            for item in reply.entries
        ]
        return sum(dn.casefold() != computer.dn.casefold() for dn in found)

    # Writing

    def create_computer(self, computer: NewComputer) -> ComputerObject:
        _check(computer)
        dn = values.child_dn(computer.name, computer.container_dn)
        attributes = {
            "objectClass": [b"top", b"person", b"organizationalPerson", b"user", b"computer"],
            "sAMAccountName": [f"{computer.name}$".encode()],
            "userAccountControl": [str(WORKSTATION_ACCOUNT).encode()],
            # Never the name in lower case, as Windows proposes: everybody could join as this machine.
            "unicodePwd": [values.encode_password(_random_password())],
            self._settings.marker_attribute: [computer.marker.encode()],
        }
        if computer.description:
            attributes["description"] = [computer.description.encode()]
        reply = self._kept.write(lambda connection: connection.add(dn, attributes=attributes))
        if not reply.ok:
            raise _creation_error(reply, computer.container_dn)
        try:
            # By its DN: whoever moves it in this moment makes the outcome unknown, and the marker finds it.
            found = self._search(
                dn, _filter(), attributes=self._computer_attributes(), scope=ldap3.BASE
            ).entries
            return parse_computer(found[0], self._settings.marker_attribute)
        except (DirectoryError, ValueError, LookupError) as error:
            raise OutcomeUnknown(
                "the computer was added but could not be read back", code="not_read_back"
            ) from error

    def enable_computer(self, guid: UUID) -> None:
        self._set_computer_disabled(guid, disabled=False)

    def disable_computer(self, guid: UUID) -> None:
        self._set_computer_disabled(guid, disabled=True)

    def move_computer(self, guid: UUID, container_dn: str) -> None:
        computer, _ = self._writable_computer(guid)
        if computer.container_dn.casefold() == container_dn.casefold():
            return
        rdn = computer.dn[: -len(computer.container_dn) - 1]
        reply = self._kept.write(
            lambda connection: connection.modify_dn(computer.dn, rdn, new_superior=container_dn)
        )
        if not reply.ok:
            # A missing source and a missing target may look the same.
            if reply.result == errors.NO_SUCH_OBJECT and self.find_computer_by_guid(guid) is None:
                raise NotFound(reply.message, code=reply.code)
            raise errors.placement_error(reply, container_dn)

    def delete_computer(self, guid: UUID) -> None:
        self._writable_computer(guid)
        reply = self._kept.write(lambda connection: connection.delete(values.guid_dn(guid)))
        if reply.result == _NOT_LEAF:
            # BitLocker recovery keys and service connection points lie below the machine that they are of.
            reply = self._kept.write(
                lambda connection: connection.delete(values.guid_dn(guid), controls=[_SUBTREE_DELETE])
            )
        if not reply.ok:
            raise errors.write_error(reply)

    # Parts

    def _computer_attributes(self) -> list[str]:
        return [*_ATTRIBUTES, self._settings.marker_attribute]

    def _host_name(self, name: str) -> str:
        return f"{name}.{self._settings.domain}"

    def _writable_computer(self, guid: UUID) -> tuple[ComputerObject, bytes]:
        """The object and its userAccountControl as stored, before a write. Raises NotFound and Privileged."""
        reply = self._search(
            values.guid_dn(guid), _filter(), attributes=self._computer_attributes(), scope=ldap3.BASE
        )
        if not reply.entries:
            raise NotFound(f"no computer with GUID {guid}", code=str(errors.NO_SUCH_OBJECT))
        computer = parse_computer(reply.entries[0], self._settings.marker_attribute)
        if computer.protected:
            raise Privileged(f"{computer.name} is a controller or protected", code="protected")
        if not computer.dn.casefold().endswith(f",{self._settings.root_ou}".casefold()):
            raise Privileged(f"{computer.dn} is not below {self._settings.root_ou}", code="outside")
        return computer, values.text_of(reply.entries[0], "userAccountControl").encode()

    def _set_computer_disabled(self, guid: UUID, *, disabled: bool) -> None:
        _, old = self._writable_computer(guid)
        bit = values.ACCOUNT_DISABLED
        new = str(int(old) | bit if disabled else int(old) & ~bit).encode()
        if new == old:
            return
        # Only this bit is ours: whoever changes another one at the same moment must not be overwritten.
        change = [(ldap3.MODIFY_DELETE, [old]), (ldap3.MODIFY_ADD, [new])]
        reply = self._kept.write(
            lambda connection: connection.modify(values.guid_dn(guid), {"userAccountControl": change})
        )
        if not reply.ok:
            raise errors.guarded_error(reply)


def _check(computer: NewComputer) -> None:
    if reasons := computer_name_reasons(computer.name):
        raise InvalidValue(", ".join(reasons), code=reasons[0], attribute="name")
    for field, found in (
        ("description", validate_description(computer.description)),
        ("marker", validate_marker(computer.marker)),
    ):
        if found:
            raise InvalidValue(f"{field}: {', '.join(found)}", code="rule", attribute=field)


def _creation_error(reply: Reply, container_dn: str) -> DirectoryError:
    if reply.win32 == _QUOTA_USED_UP:
        return AccessDenied(reply.message, code=reply.code)
    return errors.placement_error(reply, container_dn)


def _random_password() -> str:
    """Meets every policy and is forgotten at once: 256 bits, with characters of all kinds."""
    return f"Aa1-{secrets.token_urlsafe(32)}"
