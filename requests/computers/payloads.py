"""What one line about a computer object says. JSON values only: the engine stores them as they are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AddComputer:
    """An object that is made before its machine joins the domain."""

    name: str  # upper case, at most 15 characters
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class NamedComputer:
    """An object that is there already."""

    name: str


@dataclass(frozen=True, kw_only=True)
class RemoveComputer(NamedComputer):
    """An object that is disabled at once and removed for good days later."""


@dataclass(frozen=True, kw_only=True)
class RestoreComputer(NamedComputer):
    """A removed object that is given back before it is gone for good."""
