"""What can go wrong with an answer, in words that screens and the API translate."""

from __future__ import annotations


class DormancyError(Exception):
    """Base of this app's errors."""


class ListClosed(DormancyError):
    """The next list has replaced this one (409): the answer belongs there."""
