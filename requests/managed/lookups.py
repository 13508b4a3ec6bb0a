"""Reading the registers for forms, checks and plans, for all lines of an application together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portal.common.computer_names import computer_name
from portal.orgs import machines, networks
from portal.orgs.machines import Machine
from portal.orgs.networks import Holder
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine
from requests.managed.models import ManagedMachine, Service
from requests.managed.payloads import ManagedLine, key_of


def reservation_of(service: str, organisation: str, key: str) -> str:
    """What two open applications must not both hold: one machine of one organisation under one service."""
    return f"{service.lower()}:{organisation}:{key}"


class Known:
    """What is known about the machines of one application: the two registers, open applications, segments."""

    def __init__(self, context: LineContext, service: str) -> None:
        self.context, self.service = context, service
        self._machines: dict[str, Machine | None] = {}
        self._managed: dict[str, ManagedMachine | None] = {}
        self._open: dict[str, bool] = {}
        self._holders: dict[str, Holder | None] = {}
        self.systems = machines.supported_systems(context.today)

    def read(self, names: Collection[str], addresses: Collection[str] = ()) -> None:
        """Read all that is asked about these names and addresses, each in one statement."""
        self._read_machines({computer_name(name) for name in names} - {""})
        keys = {key_of(name) for name in names} - {""}
        self._read_managed(keys)
        self._read_open(keys)
        self._read_holders(addresses)

    def machine(self, name: str) -> Machine | None:
        """The machine in use of that computer name anywhere; whose it is must not be told (ORG-02)."""
        wanted = computer_name(name)
        if wanted not in self._machines:
            self._read_machines([wanted])
        return self._machines[wanted]

    def own_machine(self, name: str) -> Machine | None:
        """The organisation's own machine of that name."""
        found = self.machine(name)
        return found if found and found.organisation_id == self.context.organisation.pk else None

    def managed(self, name: str) -> ManagedMachine | None:
        """The own machine that stands under the service now."""
        key = key_of(name)
        if key not in self._managed:
            self._read_managed([key])
        return self._managed[key]

    def is_open_elsewhere(self, name: str) -> bool:
        """Whether another application that is not finished names this machine for this service."""
        key = key_of(name)
        if key not in self._open:
            self._read_open([key])
        return self._open[key]

    def holder(self, address: str) -> Holder | None:
        """The segment in which an address lies."""
        if address not in self._holders:
            self._read_holders([address])
        return self._holders[address]

    def _read_machines(self, names: Collection[str]) -> None:
        found = machines.machines(names)
        self._machines |= {name: found.get(name) for name in names}

    def _read_managed(self, keys: Collection[str]) -> None:
        rows = ManagedMachine.system.filter(
            service=self.service,
            organisation=self.context.organisation,
            key__in=keys,
            state=ManagedMachine.State.MANAGED,
        )
        found = {row.key: row for row in rows} if keys else {}
        self._managed |= {key: found.get(key) for key in keys}

    def _read_open(self, keys: Collection[str]) -> None:
        code = self.context.organisation.code
        reservations = {reservation_of(self.service, code, key): key for key in keys}
        rows = ApplicationLine.system.filter(is_open=True, reservation_key__in=list(reservations))
        if self.context.application is not None:
            rows = rows.exclude(application=self.context.application)
        held = set(rows.values_list("reservation_key", flat=True)) if keys else set()
        self._open |= {key: reservation in held for reservation, key in reservations.items()}

    def _read_holders(self, addresses: Collection[str]) -> None:
        found = networks.holders(addresses, self.context.today)
        self._holders |= {address: found.get(address) for address in addresses}


def known(context: LineContext, service: str) -> Known:
    """What the lines of this application share."""
    found = context.shared.get(f"requests.managed.{service}")
    if found is None:
        found = context.shared[f"requests.managed.{service}"] = Known(context, service)
    return found  # type: ignore[no-any-return]


def read_ahead(service: Service) -> Any:
    """For a kind: read what the forms of raw lines ask, once for all."""

    def read(context: LineContext, lines: Sequence[Mapping[str, Any]]) -> None:
        known(context, service).read({str(line.get("name") or "")[:200] for line in lines})

    return read


def prepare(service: Service) -> Any:
    """For a kind: read what checks and plans ask, once for all and anew."""

    def read(context: LineContext, payloads: Sequence[ManagedLine]) -> None:
        context.shared.pop(f"requests.managed.{service}", None)
        addresses = {address for line in payloads if (address := getattr(line, "address", ""))}
        known(context, service).read({line.name for line in payloads}, addresses)

    return read
