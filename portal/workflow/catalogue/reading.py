"""The services of the common network as the source names them (services.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.common.text import search_key

# 図2-1: the group of a function.
GROUPS: Mapping[str, Any] = {
    "a": _("network services"),
    "b": _("security services"),
    "c": _("other services"),
    "－": _("for notices of the system only"),
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One row of table 2-2: what must be there before services can be used."""

    number: int
    name: str
    services: Sequence[int]
    lines: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Service:
    """One row of table 2-1."""

    number: int
    name: str
    group: str
    summary: str
    excluded: Sequence[str]
    excluded_source: str
    asked: str
    asked_source: str
    conditions: tuple[Condition, ...] = ()

    @property
    def group_label(self) -> Any:
        """The group in words."""
        return GROUPS[self.group]

    @property
    def text(self) -> str:
        """Everything that is said about it, folded for searching."""
        lines = [line for condition in self.conditions for line in condition.lines]
        return search_key(self.name, self.summary, self.asked, *self.excluded, *lines)


@cache
def services() -> tuple[Service, ...]:
    """Every row of table 2-1, with its rows of table 2-2."""
    data = _data()
    conditions = [Condition(**row) for row in data["conditions"]]
    return tuple(
        Service(**row, conditions=tuple(c for c in conditions if row["number"] in c.services))
        for row in data["services"]
    )


def precondition() -> str:
    """What table 2-2 puts before all its rows."""
    text: str = _data()["precondition"]
    return text


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "services.toml").read_text(encoding="utf-8"))
