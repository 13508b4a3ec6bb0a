"""What can go wrong with a log file, in words for the person who brought it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.imports.models import LogImport


class LogFileError(Exception):
    """Base: `reason` is for the screen."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAllowed(LogFileError):
    """The person may not do this."""


class FileRefused(LogFileError):
    """Nothing of this file is taken."""


class Refused(LogFileError):
    """The step does not fit the state."""


class AlreadyThere(Exception):
    """This very file was brought before."""

    def __init__(self, earlier: LogImport) -> None:
        super().__init__(earlier.pk)
        self.earlier = earlier
