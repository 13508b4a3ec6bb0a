"""What other rooms of the portal ask about machines (portal.orgs.machines)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from devices import reference
from devices.computers import checks, lookups
from portal.orgs.machines import Machine, OperatingSystem


class MachineRegister:
    """See portal.orgs.machines.Register."""

    def machines(self, names: Collection[str]) -> dict[str, Machine]:
        """The machines in use under these names, over the whole country."""
        return {
            name: Machine(
                organisation_id=computer.organisation_id,
                name=name,
                uid=computer.uid,
                kind=computer.kind.name,
                joins_domain=computer.kind.has_system,
                place=computer.place,
                system=computer.operating_system.code if computer.operating_system else "",
                is_server=not computer.kind.is_guarded,  # the connection guard watches all others (T 2-39)
                is_own_system=computer.business_system.is_own,
            )
            for name, computer in lookups.in_use(names).items()
        }

    def needed(self, names: Collection[str]) -> dict[str, str]:
        """What must be ended before each machine is taken away; the first of several."""
        by_pk = {computer.pk: name for name, computer in lookups.in_use(names).items()}
        found: dict[str, str] = {}
        for ask in [*checks.in_the_way, *checks.in_the_way_of_retiring] if by_pk else ():
            found = {by_pk[pk]: text for pk, text in ask(list(by_pk), None).items() if text} | found
        return found

    def reserving(self, names: Collection[str]) -> dict[str, str]:
        """An open registration holds its name over the country."""
        return {checks.reservation_of(name): name for name in names}

    def systems(self, day: date) -> list[OperatingSystem]:
        """What device control supports, the other services support too: each names the same list (REQ-06)."""
        rows = reference.OperatingSystem.objects.valid_on(day).filter(takes_devices=True)
        return [OperatingSystem(code=row.code, name=row.name) for row in rows]
