"""Where the present work comes from: the address and the number of the request that is being answered.

PersonMiddleware sets it, portal.trail.services reads it, so that no service has to carry it along (SEC-02).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The address the request came from (None for workers and commands) and the number on its error page."""

    ip: str | None = None
    error_number: str = ""


_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("trail_origin", default=_NOWHERE)


def current() -> Origin:
    """The origin of the work at hand; empty outside a request."""
    return _origin.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Everything recorded inside carries this origin."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)
