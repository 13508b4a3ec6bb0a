"""Reading AD, both registers and open applications for checks and plans, for all lines of an application together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryError, NotFound
from portal.gateways.directory_computers import ComputerObject as Found
from portal.orgs import machines
from portal.orgs.machines import Machine
from portal.workflow import linked
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine
from portal.workflow.subjects import Subject
from requests.computers.models import ComputerObject
from requests.computers.payloads import AddComputer, NamedComputer
from requests.computers.places import path_of

_SHARED = "requests.computers"
_REGISTER = "devices.computer_register"
_COUNT_BELOW = 50  # objects of one application below which recovery keys are counted, one question each


def reservation_of(line: AddComputer | NamedComputer) -> str:
    """What two open applications must not both hold: one name over the country."""
    return f"computer_object:{line.name}"


def subjects_of(line: AddComputer | NamedComputer) -> tuple[Subject, ...]:
    """The PC, for every kind of application about it."""
    return (Subject(space="computer", key=line.name, label=line.name, shared=True),)


class Known:
    """What is known about the names of one application."""

    def __init__(self, context: LineContext) -> None:
        self.context = context
        self.own = context.organisation.pk
        self.error: DirectoryError | None = None
        """Why AD could not be asked; then only the registers speak."""
        self._found: dict[str, Found] = {}
        self._taken: set[str] = set()
        self._rows: dict[str, ComputerObject] = {}
        self._machines: dict[str, Machine] = {}
        self._needed: dict[str, str] = {}
        self._reserved: dict[str, set[int]] = {}
        self._coming: dict[str, set[int]] = {}
        self._below: dict[str, int] = {}
        self._read: set[str] = set()

    def read(self, names: Collection[str]) -> None:
        """Read everything about these names: two searches in AD for a hundred of them, five statements for all."""
        fresh = set(names) - self._read
        if not fresh:
            return
        self._read |= fresh
        rows = ComputerObject.system.filter(name__in=fresh).exclude(state=ComputerObject.State.REMOVED)
        self._rows |= {row.name: row for row in rows}
        self._machines |= machines.machines(fresh)
        self._needed |= machines.needed(fresh)
        self._read_open(fresh)
        if self.error is None:
            self._ask(fresh)

    def _read_open(self, names: Collection[str]) -> None:
        coming = machines.reserving(names)
        held = {reservation_of(NamedComputer(name=name)): name for name in names}
        rows = ApplicationLine.system.filter(is_open=True, reservation_key__in=[*coming, *held])
        if self.context.application is not None:
            rows = rows.exclude(application=self.context.application)
        for key, organisation in rows.values_list("reservation_key", "organisation_id"):
            if key in held:
                self._reserved.setdefault(held[key], set()).add(organisation)
            elif key in coming:
                self._coming.setdefault(coming[key], set()).add(organisation)

    def _ask(self, names: Collection[str]) -> None:
        directory = directory_factory.get_directory()
        try:
            self._found |= {each.name.upper(): each for each in directory.find_computers(names)}
            self._taken |= directory.computer_names_in_use(names)
        except DirectoryError as error:
            self.error = error

    def found(self, name: str) -> Found | None:
        """The object in AD, wherever it lies and whosever it is."""
        self.read([name])
        return self._found.get(name)

    def own_object(self, name: str) -> Found | None:
        """The organisation's object in AD; another one's is as unknown as none (ORG-02)."""
        found = self.found(name)
        return found if found is not None and path_of(found.container_dn, self.context.organisation) else None

    def own_row(self, name: str) -> ComputerObject | None:
        """The organisation's object in the register, unless it is gone."""
        self.read([name])
        row = self._rows.get(name)
        return row if row is not None and row.organisation_id == self.own else None

    def own_machine(self, name: str) -> Machine | None:
        """The organisation's machine of that name."""
        self.read([name])
        found = self._machines.get(name)
        return found if found is not None and found.organisation_id == self.own else None

    def is_coming(self, name: str) -> bool:
        """Whether the organisation has applied for the registration of a machine of that name."""
        self.read([name])
        beside = linked.payloads(self.context, _REGISTER)  # opened together with this one (REQ-13)
        return self.own in self._coming.get(name, set()) or any(payload.name == name for payload in beside)

    def is_taken(self, name: str) -> bool:
        """Whether anybody has the name: in AD, in a register, or in an open application. Whose it is must not be told (ORG-02)."""
        self.read([name])
        machine = self._machines.get(name)
        return (
            name in self._taken
            or name in self._rows
            or (machine is not None and machine.organisation_id != self.own)
            or bool(self._coming.get(name, set()) - {self.own})
        )

    def is_applied_for(self, name: str) -> bool:
        """Whether another open application about a computer object holds the name."""
        self.read([name])
        return bool(self._reserved.get(name))

    def needed(self, name: str) -> str:
        """Why the organisation's machine of that name is still needed; "" when it is not."""
        return self._needed.get(name, "") if self.own_machine(name) else ""

    def count_below(self, found: Found) -> int:
        """How many objects would go with this one; counted for the first lines of a long application only."""
        if found.name not in self._below and len(self._below) < _COUNT_BELOW and self.error is None:
            try:
                self._below[found.name] = directory_factory.get_directory().count_below_computer(found.guid)
            except NotFound:
                self._below[found.name] = 0
            except DirectoryError as error:
                self.error = error
        return self._below.get(found.name, 0)


def known(context: LineContext) -> Known:
    """What the lines of this application share."""
    found = context.shared.get(_SHARED)
    if found is None:
        found = context.shared[_SHARED] = Known(context)
    return found  # type: ignore[no-any-return]


def prepare(context: LineContext, payloads: Sequence[AddComputer | NamedComputer]) -> None:
    """Read the names of all lines together."""
    known(context).read([payload.name for payload in payloads])
