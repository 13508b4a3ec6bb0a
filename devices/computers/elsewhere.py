"""What other rooms of the portal are told about machines (portal.workflow.hanging)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from django.urls import reverse

from devices.computers import lookups
from devices.computers.forms import values_of
from devices.computers.models import Computer
from portal.orgs.models import Organisation
from portal.workflow.hanging import Hanging, Machine

RETIRE = "devices.computer_retire"


def machines_of(organisation: Organisation, names: Collection[str]) -> dict[str, Machine]:
    """The organisation's machines in use of these names."""
    return {
        name: Machine(name=name, url=reverse("computer_detail", args=[c.uid]), values=values_of(c))
        for name, c in _own(organisation, names)
    }


def hanging_on(organisation: Organisation, names: Collection[str], day: date) -> Iterator[Hanging]:
    """The entry of the register itself."""
    for name, computer in _own(organisation, names):
        yield Hanging(
            machine=name,
            column="register",
            kind=RETIRE,
            key=name.lower(),
            label=f"{name} {computer.kind.name}",
            line={"name": name},
        )


def _own(organisation: Organisation, names: Collection[str]) -> Iterator[tuple[str, Computer]]:
    for name, computer in lookups.in_use(names).items():
        if computer.organisation_id == organisation.pk:
            yield name, computer
