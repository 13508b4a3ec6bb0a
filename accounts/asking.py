"""Asking the directory for a screen: a directory that is down is asked once, not once for each line of each page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from portal.gateways import directory_factory
from portal.gateways.directory import Directory, DirectoryUnavailable

if TYPE_CHECKING:
    from accounts.together import KnownDirectory

T = TypeVar("T")

KNOWN = "accounts.directory"  # in LineContext.shared: what was asked for all lines together

# An application of 50 people would otherwise wait for 50 connect timeouts.
_PAUSE_SECONDS = 5.0
_down: tuple[Directory, float] | None = None


def ask(question: Callable[[Directory], T], shared: Mapping[str, Any] | None = None) -> T:
    """The answer to one or more reads. Raises DirectoryUnavailable, at once when it did moments ago, and DirectoryError.

    `shared` of a LineContext holds what was asked for all lines together; the question is answered from there.
    """
    global _down
    known: KnownDirectory | None = (shared or {}).get(KNOWN)
    if known is not None and known.failed is not None:
        raise known.failed
    directory = directory_factory.get_directory()
    if _down is not None and _down[0] is directory and time.monotonic() < _down[1]:
        raise DirectoryUnavailable("the directory did not answer a moment ago", code="paused")
    try:
        answer = question(known.over(directory) if known is not None else directory)
    except DirectoryUnavailable:
        _down = (directory, time.monotonic() + _PAUSE_SECONDS)
        raise
    _down = None
    return answer


def forget() -> None:
    """Ask again at once, whatever happened before."""
    global _down
    _down = None
