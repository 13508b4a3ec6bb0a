"""What the tickets about password settings say. JSON values only: the engine stores them as they are (REQ-03)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

START, EXTEND, END = "requests.pso", "requests.pso_extend", "requests.pso_end"
KINDS = frozenset({START, EXTEND, END})
TARGET = "directory"
TAKE_BACK = "take_back"  # the step that follows on the day after the last one


@dataclass(frozen=True, kw_only=True)
class StartLifetime:
    """A longer lifetime for named accounts or for one group, never for both.

    `name` is the part that people choose; `full_name`, with the organisation before it, is the one in Active Directory.
    `until` is the last day, as ISO text. Accounts are named as people type them: who they are is in the plan, by objectGUID.
    """

    name: str
    lifetime_days: int
    until: str
    login_names: list[str] = field(default_factory=list)
    group: str = ""
    full_name: str = ""

    @property
    def last_day(self) -> date:
        return date.fromisoformat(self.until)

    @property
    def whom(self) -> str:
        """For whom, in short."""
        return self.group or "、".join(self.login_names)


@dataclass(frozen=True, kw_only=True)
class ExtendLifetime:
    """Settings in force that shall last longer; `lifetime_days` 0 leaves the lifetime as it is."""

    name: str  # the whole name
    until: str
    lifetime_days: int = 0

    @property
    def last_day(self) -> date:
        return date.fromisoformat(self.until)


@dataclass(frozen=True, kw_only=True)
class EndLifetime:
    """Settings in force that shall end before their last day."""

    name: str  # the whole name


def settings_name(ou_name: str, name: str) -> str:
    """The name in Active Directory: no organisation can take one of another."""
    return f"PSO-{ou_name}-{name}"
