"""What the services of enquiries and of the FAQ refuse."""

from __future__ import annotations


class NotAllowed(Exception):
    """The person may not do this here; `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(Exception):
    """What was entered cannot be taken; `field` is where the sentence `reason` belongs ("" for the whole form)."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class ChangedMeanwhile(Refused):
    """Somebody else was faster: the person looks again, nothing that was typed is lost."""
