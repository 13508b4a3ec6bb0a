"""Why a step of the exchange is not taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devices.exchange.models import SkyseaImport


class NotAllowed(Exception):
    """This person may not do it; `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AlreadyImported(Exception):
    """The very file was read before; nothing was changed."""

    def __init__(self, earlier: Any) -> None:
        super().__init__(str(earlier.pk))
        self.earlier: SkyseaImport | Any = earlier


class ImportRefused(Exception):
    """The list cannot be taken; `field` is where it belongs on the form, `reason` a sentence."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class NothingToDo(Exception):
    """No device waits to be registered or removed."""


class AnswerRefused(Exception):
    """The finding cannot be answered like this; `field` and `reason` for the form."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class AnsweredMeanwhile(AnswerRefused):
    """It is no longer what the person saw (409): what somebody else said meanwhile stays."""
