"""The part of the directory in memory about computer objects (portal.gateways.directory_computers)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from portal.gateways.directory import (
    ContainerMissing,
    InvalidValue,
    NameTaken,
    NotFound,
    Privileged,
)
from portal.gateways.directory_computers import ComputerObject, NewComputer, computer_name_reasons


class _Around:
    """What the directory in memory has besides."""

    deleted: set[uuid.UUID]
    missing_containers: set[str]
    root_ou: str

    def _enter(self, name: str) -> None: ...

    def _leave(self, name: str) -> None: ...


@dataclass
class FakeComputers(_Around):
    """Computer objects in memory."""

    computers: dict[uuid.UUID, ComputerObject] = field(default_factory=dict)
    below: dict[uuid.UUID, int] = field(default_factory=dict)  # how many objects lie below a computer

    # --- for tests -------------------------------------------------------------------------------------------------
    def add_computer(self, name: str, container_dn: str = "", **values: Any) -> ComputerObject:
        """Put a computer into the directory as it stands, as somebody does by hand."""
        container = container_dn or f"OU=Computers,OU=13,{self.root_ou}"
        made = ComputerObject(
            **{
                "guid": uuid.uuid4(),
                "dn": f"CN={name},{container}",
                "name": name,
                "enabled": True,
                "description": "",
                "marker": "",
                "dns_host_name": "",
                "operating_system": "",
                "last_logon": None,
                "created_at": datetime.now(UTC),
                "protected": False,
            }
            | values
        )
        self.computers[made.guid] = made
        return made

    def put_computer(self, computer: ComputerObject, **values: Any) -> ComputerObject:
        """Change a computer as somebody does in AD by hand; returns it as it is then."""
        self.computers[computer.guid] = replace(self.computers[computer.guid], **values)
        return self.computers[computer.guid]

    # --- the port --------------------------------------------------------------------------------------------------
    def find_computers(self, names: Collection[str]) -> list[ComputerObject]:
        self._enter("find_computers")
        wanted = {name.upper() for name in names}
        return [each for each in self.computers.values() if each.name.upper() in wanted]

    def find_computer_by_guid(self, guid: uuid.UUID) -> ComputerObject | None:
        self._enter("find_computer_by_guid")
        return self.computers.get(guid)

    def find_computer_by_marker(self, marker: str) -> ComputerObject | None:
        self._enter("find_computer_by_marker")
        return next((each for each in self.computers.values() if each.marker == marker), None)

    def computer_names_in_use(self, names: Collection[str]) -> set[str]:
        self._enter("computer_names_in_use")
        held = {each.name.upper() for each in self.computers.values()}
        held |= {each.dns_host_name.partition(".")[0].upper() for each in self.computers.values()}
        return {name.upper() for name in names} & held

    def scan_computers(self, base_dn: str) -> Iterator[list[ComputerObject]]:
        self._enter("scan_computers")
        found = [each for each in self.computers.values() if _lies_below(each.dn, base_dn)]
        for start in range(0, len(found), 1000):
            yield found[start : start + 1000]
            self._enter("next_page")

    def count_below_computer(self, guid: uuid.UUID) -> int:
        self._enter("count_below_computer")
        if guid not in self.computers:
            raise NotFound
        return self.below.get(guid, 0)

    def create_computer(self, computer: NewComputer) -> ComputerObject:
        self._enter("create_computer")
        if reasons := computer_name_reasons(computer.name):
            raise InvalidValue(code=reasons[0], attribute="name")
        if computer.container_dn in self.missing_containers:
            raise ContainerMissing(dn=computer.container_dn)
        if any(each.name.upper() == computer.name.upper() for each in self.computers.values()):
            raise NameTaken(attribute="sAMAccountName")
        made = self.add_computer(
            computer.name, computer.container_dn, marker=computer.marker, description=computer.description
        )
        self._leave("create_computer")
        return made

    def enable_computer(self, guid: uuid.UUID) -> None:
        self._change(guid, "enable_computer", enabled=True)

    def disable_computer(self, guid: uuid.UUID) -> None:
        self._change(guid, "disable_computer", enabled=False)

    def move_computer(self, guid: uuid.UUID, container_dn: str) -> None:
        if container_dn in self.missing_containers:
            raise ContainerMissing(dn=container_dn)
        name = self.computers[guid].name if guid in self.computers else ""
        self._change(guid, "move_computer", dn=f"CN={name},{container_dn}")

    def delete_computer(self, guid: uuid.UUID) -> None:
        self._enter("delete_computer")
        self._writable_computer(guid)
        del self.computers[guid]
        self.below.pop(guid, None)
        self.deleted.add(guid)
        self._leave("delete_computer")

    def _change(self, guid: uuid.UUID, name: str, **values: Any) -> None:
        self._enter(name)
        self.computers[guid] = replace(self._writable_computer(guid), **values)
        self._leave(name)

    def _writable_computer(self, guid: uuid.UUID) -> ComputerObject:
        if guid not in self.computers:
            raise NotFound
        found = self.computers[guid]
        if found.protected or not _lies_below(found.dn, self.root_ou):
            raise Privileged
        return found


def _lies_below(dn: str, base_dn: str) -> bool:
    return dn.lower().endswith(f",{base_dn}".lower())
