"""What can go wrong with an answer, in words that screens and the API translate."""

from __future__ import annotations

from collections.abc import Mapping


class DormancyError(Exception):
    """Base of this app's errors."""


class ListClosed(DormancyError):
    """The next list has replaced this one (409): the answer belongs there."""


class InvalidAnswer(DormancyError):
    """The answer cannot be taken as it stands (422). `errors` maps a field to a translated sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = dict(errors)
