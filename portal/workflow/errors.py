"""What can go wrong with an application, in words that views and the API translate to a message and a status code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class WorkflowError(Exception):
    """Base of the errors that the services of this room raise."""


class MoveNotAllowed(WorkflowError):
    """The application is not in a state from which this step is possible (409)."""

    def __init__(self, number: str, status: str, target: str) -> None:
        super().__init__(f"{number}: {status} -> {target}")
        self.number, self.status, self.target = number, status, target


class AlreadyDecided(WorkflowError):
    """Somebody else decided first (409). `stage` is the stage as it stands now, with who and when."""

    def __init__(self, stage: Any) -> None:
        super().__init__(f"stage {stage.pk} is {stage.status}")
        self.stage = stage


class ContentChanged(WorkflowError):
    """The application or its plan is no longer what the person saw (409). `changes` says what differs."""

    def __init__(self, changes: Sequence[Any] = ()) -> None:
        super().__init__("changed since it was shown")
        self.changes = tuple(changes)


class NotAllowed(WorkflowError):
    """The person may not do this (403). `reason` is a translated sentence for the screen."""

    def __init__(self, reason: str) -> None:
        super().__init__(str(reason))
        self.reason = reason


class NobodyCanDecide(WorkflowError):
    """A stage would have nobody who can act, and no fallback either (ORG-04, four eyes)."""

    def __init__(self, stage_label: str) -> None:
        super().__init__(stage_label)
        self.stage_label = stage_label


class InvalidApplication(WorkflowError):
    """The content cannot be submitted.

    `errors` maps a path to messages: "reason", "desired_on", "lines", or "lines.0.login_name" (0-based line, field).
    """

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{path}: {' '.join(map(str, texts))}" for path, texts in errors.items()))
        self.errors = {path: list(texts) for path, texts in errors.items()}
