"""Why something is not disposed of."""

from __future__ import annotations


class Refused(Exception):
    """`reason` says in the person's language why not."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAllowed(Refused):
    """The person's role does not allow it (403)."""
