"""What an application says about one machine. JSON values only: the engine stores them as they are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RegisterComputer:
    """A machine that comes. Kinds and systems are named by their codes, a segment by its network."""

    name: str
    kind: str
    business_system: str
    operating_system: str = ""  # "": has none, as printers
    has_own_skysea: bool = False
    segment: str = ""
    agents: list[str]  # values of Agent
    department: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangeComputer(RegisterComputer):
    """A machine as it shall be afterwards, whole; `name` is what it is called now."""

    new_name: str = ""  # "": it keeps its name

    @property
    def name_afterwards(self) -> str:
        """What it will be called."""
        return self.new_name or self.name


@dataclass(frozen=True, kw_only=True)
class RetireComputer:
    """A machine that goes."""

    name: str
    replaced_by: str = ""  # the machine that stands in its place; "": none does
