"""Applications that one form opened together: what one of them may take for granted because another one does it before.

A PC that comes is entered into the register by one application and put on the whitelist by the next. Looked at alone, the
second one names a machine that does not exist. Kinds therefore ask here what the applications beside theirs will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from portal.workflow.kinds import LineContext
from portal.workflow.models import Application

_SHARED = "workflow.linked"


@dataclass(frozen=True, kw_only=True)
class LinkedLine:
    """One line of an application beside this one, as a payload of its kind."""

    kind: str
    payload: Any


Provider = Callable[[Application], Iterable[LinkedLine]]
Together = Callable[[Application], Iterable[int]]

_providers: list[Provider] = []
_together: list[Together] = []


def register(provider: Provider) -> None:
    """Let a room tell which lines are linked to an application: only those that are carried out before it, or were."""
    if provider not in _providers:
        _providers.append(provider)


def register_together(provider: Together) -> None:
    """Let a room tell the ids of the applications that one form opened with an application."""
    if provider not in _together:
        _together.append(provider)


def opened_with(application: Application | None) -> frozenset[int]:
    """The applications that one form opened with this one: they speak of one machine on purpose."""
    if application is None or application.pk is None:
        return frozenset()
    return frozenset(pk for provider in _together for pk in provider(application))


def announce(context: LineContext, lines: Iterable[LinkedLine]) -> None:
    """Say what is linked to an application that does not exist yet."""
    context.shared[_SHARED] = list(lines)


def payloads(context: LineContext, kind: str) -> list[Any]:
    """The payloads of this kind among what is linked to the application; read once for all its lines."""
    found: list[LinkedLine] | None = context.shared.get(_SHARED)
    if found is None:
        application = context.application
        asked = _providers if application is not None else ()
        found = [line for provider in asked for line in provider(application)]  # type: ignore[arg-type]
        context.shared[_SHARED] = found
    return [line.payload for line in found if line.kind == kind]
