"""What can go wrong when an operation is carried out or taken over, in words that views translate to a status code."""

from __future__ import annotations


class FulfilmentError(Exception):
    """Base of the errors that the services of this room raise."""


class LeaseLost(FulfilmentError):
    """Another worker or a person has the operation now: stop at once and record nothing."""


class NotAllowed(FulfilmentError):
    """The person may not do this (403)."""


class MoveNotAllowed(FulfilmentError):
    """The operation is not in a state from which this step is possible (409)."""

    def __init__(self, operation_id: int, status: str, step: str) -> None:
        super().__init__(f"operation {operation_id}: {step} is not possible while {status}")
        self.operation_id, self.status, self.step = operation_id, status, step


class TextMissing(FulfilmentError):
    """A note or reason is required and was empty (422)."""
