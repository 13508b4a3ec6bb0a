"""What every app's `register_all` does: kinds become known to the engine, their handlers to fulfilment."""

from __future__ import annotations

from typing import Any

from portal.fulfilment.registry import Handler, register_handler
from portal.workflow import kinds
from portal.workflow.kinds import ApplicationKind


def register_kinds(*pairs: tuple[ApplicationKind[Any], Handler]) -> None:
    """Register kinds, each with its handler at the first of its targets.

    Raises ValueError as kinds.register and register_handler do.
    """
    for kind, handler in pairs:
        kinds.register(kind)
        register_handler(kind.code, kind.targets[0], handler)
