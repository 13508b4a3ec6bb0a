"""Whose a name is: by its addresses, else by the ticket that made it (ORG-02)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from portal.fulfilment.models import OperationStatus
from portal.gateways.dns import RecordSet, reverse_address
from portal.orgs import networks
from portal.orgs.networks import Holder
from portal.workflow.models import ApplicationLine

KIND, TARGET = "requests.dns", "dns"


_KEY_LENGTH = 200  # what a column of the engine takes


def key_of(name: str) -> str:
    """A name as lines are found and reserved by; a very long one by its digest."""
    return name if len(name) <= _KEY_LENGTH else f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def addresses_of(sets: Iterable[RecordSet]) -> set[str]:
    """The addresses that records are about: the values of A and AAAA, the place of a PTR."""
    found: set[str] = set()
    for each in sets:
        if each.type in ("A", "AAAA"):
            found |= set(each.values)
        elif each.type == "PTR" and (address := reverse_address(each.name)):
            found.add(address)
    return found


def owners(names: Mapping[str, Sequence[RecordSet]], day: date) -> dict[str, frozenset[int]]:
    """The organisations that hold each name; none where nobody is known."""
    addresses = {name: addresses_of(sets) for name, sets in names.items()}
    held = networks.holders(set().union(*addresses.values()), day)
    found = {name: holding(own, held) for name, own in addresses.items()}
    by_ticket = _by_ticket([name for name, known in found.items() if not known and names[name]])
    return {name: known or by_ticket.get(name, frozenset()) for name, known in found.items()}


def holding(addresses: Iterable[str], held: Mapping[str, Holder]) -> frozenset[int]:
    """The organisations in whose segments these addresses lie."""
    return frozenset(held[address].organisation_id for address in addresses if address in held)


def _by_ticket(names: Sequence[str]) -> dict[str, frozenset[int]]:
    """Who applied last for each of these names, of what was done."""
    if not names:
        return {}
    done = {f"result__{TARGET}__status": OperationStatus.DONE}
    keys = {key_of(name): name for name in names}
    rows = ApplicationLine.system.filter(application__kind=KIND, subject_key__in=list(keys), **done)
    pairs = rows.order_by("pk").values_list("subject_key", "organisation_id")
    return {keys[key]: frozenset({organisation_id}) for key, organisation_id in pairs}
