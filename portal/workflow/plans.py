"""What will change, before it changes: a plan is shown, frozen, shown again live and compared at execution."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

ADD, CHANGE, REMOVE, SET = "add", "change", "remove", "set"
PASSED, WARNING, BLOCKED = "passed", "warning", "blocked"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One value before and after. `label` is a msgid, `attribute` the technical name, values are shown as they are."""

    action: str  # ADD, CHANGE, REMOVE, SET
    label: str
    attribute: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Check:
    """One automatic check. `code` is stable, `text` a msgid with %(name)s places filled from `values`."""

    code: str
    level: str  # PASSED, WARNING, BLOCKED
    text: str
    values: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The changes and checks of one line. `unavailable` is set when a target could not be asked."""

    changes: tuple[Change, ...] = ()
    checks: tuple[Check, ...] = ()
    unavailable: str = ""

    @property
    def is_blocked(self) -> bool:
        """Whether a check forbids to go on."""
        return any(check.level == BLOCKED for check in self.checks)

    @property
    def digest(self) -> str:
        """SHA-256 of the changes; two plans with one digest do the same."""
        return hashlib.sha256(
            json.dumps([asdict(c) for c in self.changes], sort_keys=True).encode()
        ).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON for ApplicationLine.plan."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """The plan that `to_json` wrote."""
        return cls(
            changes=tuple(
                Change(**{**change, "before": tuple(change["before"]), "after": tuple(change["after"])})
                for change in data["changes"]
            ),
            checks=tuple(Check(**check) for check in data["checks"]),
            unavailable=data.get("unavailable", ""),
        )


def combined_digest(plans: Sequence[Plan]) -> str:
    """One digest over the plans of all lines, in order."""
    return hashlib.sha256("".join(plan.digest for plan in plans).encode()).hexdigest()
