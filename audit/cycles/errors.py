"""Why something about the months of the audit was refused."""

from __future__ import annotations


class NotAllowed(Exception):
    """The person may not do this (403)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(Exception):
    """What was entered cannot be so. `problems` are sentences for the person, each with its field ("" for none)."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(text for _field, text in problems))
        self.problems = problems


class NoDeadlines(RuntimeError):
    """No version of the deadlines holds in a month that is to be opened."""
