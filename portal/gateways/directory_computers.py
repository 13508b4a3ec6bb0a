"""The part of the directory port about computer objects: made in advance, disabled, moved, removed (REQ-02)."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from portal.gateways.directory_names import parent_dn

COMPUTER_NAME_LENGTH = 15

_GOOD_NAME = re.compile(r"[A-Z0-9](?:[A-Z0-9-]*[A-Z0-9])?", re.IGNORECASE)
# Names that Windows keeps for its own principals: a computer of this name cannot be told from them.
_RESERVED = frozenset(
    [
        "ANONYMOUS",
        "BATCH",
        "BUILTIN",
        "DIALUP",
        "INTERACTIVE",
        "INTERNET",
        "LOCAL",
        "NETWORK",
        "NULL",
        "PROXY",
        "RESTRICTED",
        "SELF",
        "SERVER",
        "SERVICE",
        "SYSTEM",
        "USERS",
        "WORLD",
    ]
)


class ComputerNameReason(enum.StrEnum):
    """Why a computer cannot have a name."""

    MALFORMED = "malformed"
    TOO_LONG = "too_long"
    ONLY_DIGITS = "only_digits"
    RESERVED = "reserved"


def computer_name_reasons(name: str) -> list[ComputerNameReason]:
    """Why a computer cannot have this name; none when it can. AD would take what NetBIOS and Windows cannot use."""
    reasons = {
        ComputerNameReason.MALFORMED: not _GOOD_NAME.fullmatch(name),
        ComputerNameReason.TOO_LONG: len(name) > COMPUTER_NAME_LENGTH,
        ComputerNameReason.ONLY_DIGITS: name.isdigit(),
        ComputerNameReason.RESERVED: name.upper() in _RESERVED,
    }
    return [reason for reason, is_so in reasons.items() if is_so]


@dataclass(frozen=True, kw_only=True)
class NewComputer:
    """All that one atomic add writes. `marker` says which operation of ours made the object."""

    name: str
    container_dn: str
    marker: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class ComputerObject:
    """One computer object as the directory holds it now. Texts are "" where the attribute is absent."""

    guid: UUID
    dn: str
    name: str
    """sAMAccountName without its final $, as it is written there."""
    enabled: bool
    description: str
    marker: str
    dns_host_name: str
    operating_system: str
    last_logon: datetime | None
    """lastLogonTimestamp: up to 14 days behind the truth; None before the machine joined."""
    created_at: datetime
    protected: bool
    """A domain controller or a member of a protected group: never touched."""
    usn_changed: int = 0

    @property
    def container_dn(self) -> str:
        """The DN of the organisational unit that holds the object."""
        return parent_dn(self.dn)

    @property
    def joined(self) -> bool:
        """Whether a machine has ever used the object: what it says of itself when it joins the domain."""
        return bool(self.operating_system or self.dns_host_name or self.last_logon)


class Computers(Protocol):
    """What the portal may do with computer objects; faults as in Directory, of which this is a part.

    Writes raise Privileged for a domain controller, a protected object and everything outside the root OU.
    """

    def find_computers(self, names: Collection[str]) -> list[ComputerObject]:
        """The computer objects of these names in the whole domain, whatever their case; in no order."""
        ...

    def find_computer_by_guid(self, guid: UUID) -> ComputerObject | None: ...

    def find_computer_by_marker(self, marker: str) -> ComputerObject | None:
        """The object that one of our operations made. Several with one marker raise DirectoryError."""
        ...

    def computer_names_in_use(self, names: Collection[str]) -> set[str]:
        """Those of these names, in upper case, that any object of the domain holds as NAME$ or as DNS host name."""
        ...

    def scan_computers(self, base_dn: str) -> Iterator[list[ComputerObject]]:
        """All computer objects below `base_dn` in pages of 1,000; none when it does not exist.

        Raises DirectoryError when the pages cannot be read to the end.
        """
        ...

    def count_below_computer(self, guid: UUID) -> int:
        """How many objects lie below the computer, BitLocker recovery keys above all; as far as the portal may see them.

        They go with it and cannot be had back. Raises NotFound.
        """
        ...

    def create_computer(self, computer: NewComputer) -> ComputerObject:
        """Add a workstation account in one atomic operation, enabled, with a random password that nobody keeps; read back.

        Joining the domain sets another password. Raises NameTaken, ContainerMissing, InvalidValue with a ComputerNameReason
        as code; OutcomeUnknown also when it was added but could not be read back.
        """
        ...

    def enable_computer(self, guid: UUID) -> None:
        """Already enabled is success. Raises NotFound, ChangedMeanwhile."""
        ...

    def disable_computer(self, guid: UUID) -> None:
        """Already disabled is success. Raises NotFound, ChangedMeanwhile."""
        ...

    def move_computer(self, guid: UUID, container_dn: str) -> None:
        """Move to another organisational unit; already there is success. Raises NotFound, ContainerMissing, NameTaken."""
        ...

    def delete_computer(self, guid: UUID) -> None:
        """Delete the object with everything below it. Raises NotFound."""
        ...
