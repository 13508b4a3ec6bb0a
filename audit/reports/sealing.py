"""No step of a report rests on evidence that nobody has sealed: each one seals first, and is refused while that fails (SEC-02)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from audit.reports.errors import Refused
from portal.trail import notes, sealing
from portal.trail.errors import EvidenceError, SealNotFresh

R = TypeVar("R")


def seal_now(now: datetime) -> None:
    """Seal what was written until now, before any lock is taken; what hinders it is told by `require_sealed`.

    Within a transaction (a repeated request of the REST interface) nothing can be sealed: then the seal of the last minutes counts.
    """
    if not connection.in_atomic_block:
        with suppress(EvidenceError, notes.WrongSignature, OSError):
            sealing.seal(now=now)


def require_sealed(now: datetime) -> None:
    """Asked by a step once it is known that the person may do it. Raises Refused while there has been no seal for too long."""
    try:
        sealing.require_fresh_seal(now)
    except SealNotFresh as error:
        text = _(
            "The evidence log has not been sealed for %(minutes)d minutes. The step was not done, and what you entered is still here. Try again in some minutes; network operations see why in the check of the evidence."
        )
        raise Refused("", text % {"minutes": settings.EVIDENCE["fresh_minutes"]}) from error


def sealed(step: Callable[..., R]) -> Callable[..., R]:
    """A service that seals before it begins; called with keywords only, one of them `now`."""

    @wraps(step)
    def sealing_first(**values: Any) -> R:
        seal_now(values["now"])
        return step(**values)

    return sealing_first
