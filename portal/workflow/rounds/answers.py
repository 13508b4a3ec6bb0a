"""One line, one answer of one person, and what became of it. Each room judges its own lines under its own locks."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from portal.common.text import squeeze
from portal.workflow.content import text_problem
from portal.workflow.errors import WorkflowError

REASON_LENGTH = 200
Line = TypeVar("Line")


class What(enum.Enum):
    """What became of one answer."""

    TAKEN = "taken"
    OVER = "over"
    """The line needs no answer any more, and says why."""
    CHANGED = "changed"
    """Somebody else was quicker: the line shows who."""
    SAME = "same"
    """It says so already: a click that came twice."""
    REFUSED = "refused"
    """It cannot be changed any more; `text` says why."""


class InvalidAnswer(WorkflowError):
    """The answer cannot be taken as it stands (422). `errors` maps a field to a translated sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = dict(errors)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer to one line as the person saw it (`version`)."""

    line_id: int
    version: int
    answer: str
    reason: str = ""

    def checked(self, known: Collection[str], *, field: str, unknown: str) -> Answer:
        """Itself with the reason trimmed. Raises InvalidAnswer, with the sentence `unknown` for what is not known."""
        reason = squeeze(self.reason)
        if self.answer not in known:
            raise InvalidAnswer({field: unknown})
        if problem := text_problem(reason, REASON_LENGTH):
            raise InvalidAnswer({"reason": problem})
        return replace(self, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[Line]):
    """One answer and what became of it."""

    line: Line
    what: What
    text: str = ""
