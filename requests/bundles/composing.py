"""From the rows of the form to the parts of a bundle: which application each machine needs, and in which order (REQ-13).

A part of a higher wave is carried out when those of lower waves of the same machine are done (docs/adr/0037).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from portal.orgs.machines import supported_systems
from portal.orgs.models import Organisation
from portal.workflow import hanging, kinds
from portal.workflow.hanging import Hanging, Machine
from requests.bundles.models import Action, BundleMachine, BundlePart, Column
from requests.bundles.names import Name, Names, line
from requests.dns.payloads import Action as DnsAction
from requests.zones.owners import KIND

REGISTER, RETIRE, WHITELIST = "devices.computer_register", "devices.computer_retire", "devices.whitelist"
OBJECT_ADD, OBJECT_REMOVE = "requests.computer_add", "requests.computer_remove"
ANTIVIRUS, MONITORING = "requests.antivirus", "requests.monitoring"
PERMIT_REMOVE = "devices.permit_remove"
DNS = KIND
KINDS = frozenset(
    {
        REGISTER,
        RETIRE,
        WHITELIST,
        OBJECT_ADD,
        OBJECT_REMOVE,
        ANTIVIRUS,
        MONITORING,
        PERMIT_REMOVE,
        DNS,
    }
)
# First what others build on, then the machine's place on the network, its name, what watches it; the register of what goes
# comes last, so that it says "in use" as long as anything is left.
FIRST, NETWORK, NAMED, WATCHED, OLD, LAST = 1, 2, 3, 4, 5, 9

_REGISTER_FIELDS = (
    "kind",
    "operating_system",
    "business_system",
    "has_own_skysea",
    "segment",
    "agents",
    "department",
    "place",
)
_SAME = {name: name for name in ("name", *_REGISTER_FIELDS)}
_MONITORED = ("ALIVE", "RESOURCE", "LOG")  # T 2-19: what is usual for a server


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that must happen to a machine, before it is stored."""

    row: int
    column: str
    kind: str
    wave: int
    key: str
    label: str
    line: Mapping[str, Any]
    fields: Mapping[str, str] = field(default_factory=dict)
    """Where an error of the application's field is shown in the row of the form."""
    is_base: bool = False
    """Whether the bundle makes no sense without it, so that it cannot be left out."""

    @property
    def choice(self) -> str:
        """Its name in a form: the same for the same part, whatever else changes."""
        return hashlib.sha256(f"{self.row}|{self.kind}|{self.key}".encode()).hexdigest()[:16]


class Composer:
    """Finds the parts of all rows of a bundle together."""

    def __init__(self, *, action: str, organisation: Organisation, day: date) -> None:
        self._action, self._organisation, self._day = action, organisation, day
        self.names = Names(organisation, day)
        self._systems = {system.code: system.name for system in supported_systems(day)}

    def parts(self, rows: Sequence[BundleMachine]) -> list[Part]:
        """The parts of every row in the order of the rows. Kinds that this installation does not have are left out."""
        going = [_going(self._action, row) for row in rows]
        found = self.hanging({name: row.addresses for row, name in zip(rows, going, strict=True) if name})
        machines = hanging.machines(self._organisation, [name for name in going if name])
        parts: list[Part] = []
        for row, name in zip(rows, going, strict=True):
            on_it = found.get(name, [])
            match Action(self._action):
                case Action.INSTALL:
                    parts += self._install(row)
                case Action.REPLACE:
                    parts += self._replace(row, machines.get(name), on_it)
                case Action.REMOVE:
                    parts += self._remove(row, on_it)
        present = {kind.code for kind in kinds.all_kinds()}
        return [part for part in parts if part.kind in present]

    def hanging(self, machines: Mapping[str, Collection[str]]) -> dict[str, list[Hanging]]:
        """Everything that hangs on these machines, given addresses that are known besides those found on the whitelist."""
        found: dict[str, list[Hanging]] = {name: [] for name in machines}
        for each in hanging.hanging_on(self._organisation, list(machines), self._day):
            found[each.machine].append(each)
        addresses = {
            name: list(dict.fromkeys([*(h.address for h in found[name] if h.address), *known]))
            for name, known in machines.items()
        }
        for name in self.names.of(addresses):
            found[name.machine].append(_hanging_name(name))
        return found

    def _install(self, row: BundleMachine) -> Iterator[Part]:
        yield from self._new(row, row.values)
        values = row.values
        if values.get("mac"):
            yield _part(
                row, Column.WHITELIST, WHITELIST, NETWORK, _entering(row, values, "ADD"), key="mac", more=_NET
            )
        yield from self._new_name(row, values)

    def _new(self, row: BundleMachine, values: Mapping[str, Any]) -> Iterator[Part]:
        """What every machine that comes needs, whatever it replaces."""
        entry = {name: values.get(name) for name in _REGISTER_FIELDS} | {"name": row.name}
        agents = [agent for agent in values.get("agents") or () if agent not in ("ANTIVIRUS", "MONITORING")]
        agents += ["ANTIVIRUS"] if values.get("antivirus") else []
        entry["agents"] = agents + (["MONITORING"] if values.get("monitoring") else [])
        yield _part(row, Column.REGISTER, REGISTER, FIRST, entry, more=_SAME, is_base=True)
        if values.get("computer_object"):
            about = " ".join(filter(None, (values.get("department"), values.get("place"))))
            made = {"name": row.name, "description": about}
            yield _part(row, Column.OBJECT, OBJECT_ADD, NETWORK, made, more={"name": "computer_object"})
        if values.get("antivirus"):
            yield _part(
                row,
                Column.ANTIVIRUS,
                ANTIVIRUS,
                NETWORK,
                _antivirus(row, values, self._systems),
                more={"name": "antivirus"},
            )
        if values.get("monitoring"):
            yield _part(
                row, Column.MONITORING, MONITORING, WATCHED, _monitoring(row, values), more=_MONITORING
            )

    def _new_name(self, row: BundleMachine, values: Mapping[str, Any]) -> Iterator[Part]:
        name, address = values.get("dns_name") or self.names.proposal(row.name), values.get("ip") or ""
        if values.get("dns"):
            record = line(DnsAction.ADD, "A", name, address, with_ptr=_takes_ptr(self.names, address))
            yield _part(row, Column.DNS, DNS, NAMED, record, label=f"{name} A {address}", more=_DNS)

    def _replace(self, row: BundleMachine, old: Machine | None, found: Sequence[Hanging]) -> Iterator[Part]:
        """The new machine takes the old one's place: its values, its address, its names; what was the old one's alone ends."""
        entries = [each for each in found if each.column == Column.WHITELIST] if found else []
        values = taken_over(row.values, old, entries)
        yield from self._new(row, values)
        for number, entry in enumerate(entries):
            if number == 0 and values.get("mac"):
                new = _entering(row, values, "REPLACE") | {"old_mac": entry.more["mac"]}
                label = f"{entry.label} → {values['mac']} {values.get('ip') or ''}".strip()
                yield _part(row, Column.WHITELIST, WHITELIST, NETWORK, new, key="mac", label=label, more=_NET)
            else:
                yield _ends(row, entry, NETWORK)
        if not entries and values.get("mac"):
            yield _part(
                row, Column.WHITELIST, WHITELIST, NETWORK, _entering(row, values, "ADD"), key="mac", more=_NET
            )
        yield from self._names_move(row, values, [each for each in found if each.column == Column.DNS])
        for each in found:
            if each.column == Column.REGISTER:
                yield replace(
                    _ends(row, each, LAST), line={**each.line, "replaced_by": row.name}, is_base=True
                )
            elif each.column not in (Column.WHITELIST, Column.DNS):
                yield _ends(row, each, OLD)

    def _names_move(
        self, row: BundleMachine, values: Mapping[str, Any], found: Sequence[Hanging]
    ) -> Iterator[Part]:
        """Names that came from the old machine's own become the new one's; other names keep pointing at the machine."""
        if not values.get("dns"):
            yield from (_ends(row, each, NAMED) for each in found)
            return
        new = values.get("dns_name") or self.names.proposal(row.name)
        old_label, address = f"{row.old_name.lower()}.", values.get("ip") or ""
        own = [each for each in found if each.line["name"].startswith(old_label)]
        stays = [each for each in own if each.line["type"] == "A" and each.line["value"] == address]
        yield from (
            _part(row, Column.DNS, DNS, NAMED, record, label=_dns_label(record), more=_DNS)
            for record in self._moved(row, new, address, found, own, is_same_address=bool(stays))
        )

    def _moved(
        self,
        row: BundleMachine,
        new: str,
        address: str,
        found: Sequence[Hanging],
        own: Sequence[Hanging],
        *,
        is_same_address: bool,
    ) -> Iterator[dict[str, Any]]:
        # One PTR record stands at an address: where the address stays, it is changed by itself and follows nobody.
        moves_ptr = is_same_address and any(each.line["with_ptr"] for each in own)
        yield line(
            DnsAction.ADD, "A", new, address, with_ptr=not moves_ptr and _takes_ptr(self.names, address)
        )
        if moves_ptr:
            old = next(each.line["name"] for each in own if each.line["with_ptr"])
            yield line(DnsAction.CHANGE, "PTR", address, new, old_value=old)
        goes = {each.line["name"] for each in own}
        for each in found:
            record = dict(each.line)
            if each in own:
                yield record | {"with_ptr": record["with_ptr"] and not moves_ptr}
            elif record["type"] in ("CNAME", "SRV") and record["value"].split()[-1] in goes:
                value = " ".join([*record["value"].split()[:-1], new])
                yield line(DnsAction.CHANGE, record["type"], record["name"], value, old_value=record["value"])
            elif record["type"] == "A" and record["value"] != address and address:
                yield line(
                    DnsAction.CHANGE,
                    "A",
                    record["name"],
                    address,
                    old_value=record["value"],
                    with_ptr=record["with_ptr"],
                )

    def _remove(self, row: BundleMachine, found: Sequence[Hanging]) -> Iterator[Part]:
        for each in found:
            is_last = each.column == Column.REGISTER
            yield replace(_ends(row, each, LAST if is_last else FIRST), is_base=is_last)
        if not any(each.column == Column.REGISTER for each in found):
            yield _part(
                row, Column.REGISTER, RETIRE, LAST, {"name": row.name}, more={"name": "name"}, is_base=True
            )


_NET = {"mac": "mac", "ip": "ip", "computer": "name", "old_mac": "old_name"}
_DNS = {"name": "dns_name", "value": "ip", "with_ptr": "dns_name"}
_MONITORING = {"name": "monitoring", "address": "ip", "category": "monitoring"}


def taken_over(values: Mapping[str, Any], old: Machine | None, entries: Sequence[Hanging]) -> dict[str, Any]:
    """The values of an exchange: what was left empty is the old machine's."""
    found = dict(values)
    for name in _REGISTER_FIELDS if old is not None else ():
        if not found.get(name):
            found[name] = old.values[name]  # type: ignore[union-attr]
    if not found.get("ip") and entries:
        found["ip"] = entries[0].address
    return found


def group_of(part: Part | BundlePart) -> str:
    """Parts of one kind with one group cannot be in open applications at the same time: one name in DNS at once."""
    return str(part.line["name"]) if part.kind == DNS else part.key


def _going(action: str, row: BundleMachine) -> str:
    """The machine that goes by this row; "" when none does."""
    return {Action.REPLACE: row.old_name, Action.REMOVE: row.name}.get(Action(action), "")


def _part(
    row: BundleMachine,
    column: str,
    kind: str,
    wave: int,
    made: Mapping[str, Any],
    *,
    key: str = "name",
    label: str = "",
    more: Mapping[str, str] | None = None,
    is_base: bool = False,
) -> Part:
    told = _dns_label(made) if kind == DNS else str(made.get(key) or "")
    shown = label or " ".join(filter(None, (told, str(made.get("ip") or ""))))
    return Part(
        row=row.position,
        column=str(column),
        kind=kind,
        wave=wave,
        key=told.lower()[:400],
        label=shown[:300],
        line=made,
        fields=more or {},
        is_base=is_base,
    )


def _ends(row: BundleMachine, found: Hanging, wave: int) -> Part:
    """The part that ends something; what is wrong with it is told at the machine that goes."""
    return Part(
        row=row.position,
        column=found.column,
        kind=found.kind,
        wave=wave,
        key=found.key[:400],
        label=found.label[:300],
        line=dict(found.line),
    )


def _hanging_name(name: Name) -> Hanging:
    record = name.ends()
    return Hanging(
        machine=name.machine,
        column=Column.DNS.value,
        kind=DNS,
        key=name.key.lower(),
        label=name.key,
        line=record,
    )


def _dns_label(record: Mapping[str, Any]) -> str:
    value = f"{record['old_value']} → {record['value']}" if record.get("old_value") else record["value"]
    return f"{record['name']} {record['type']} {value}"


def _entering(row: BundleMachine, values: Mapping[str, Any], action: str) -> dict[str, Any]:
    return {"action": action, "computer": row.name, "mac": values["mac"], "ip": values.get("ip") or ""}


def _takes_ptr(names: Names, address: str) -> bool:
    try:
        return names.takes_ptr(address)
    except ValueError:  # no address: its own check says so
        return False


def _antivirus(row: BundleMachine, values: Mapping[str, Any], systems: Mapping[str, str]) -> dict[str, Any]:
    return {
        "action": "ADD",
        "name": row.name,
        "category": "SERVER" if values.get("kind") == "server" else "CLIENT",
        "operating_system": systems.get(str(values.get("operating_system") or ""), ""),
        "place": values.get("place") or "",
    }


def _monitoring(row: BundleMachine, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "action": "ADD",
        "name": row.name,
        "category": "SERVER",
        "address": values.get("ip") or "",
        "items": list(_MONITORED),
        "place": values.get("place") or "",
    }


def new_since(parts: Iterable[Any], found: Iterable[Hanging]) -> list[Hanging]:
    """What hangs on a machine and no part of the bundle speaks of."""
    known = {(part.kind, part.key) for part in parts}
    return [each for each in found if (each.kind, each.key[:400]) not in known]
