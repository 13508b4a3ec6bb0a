"""Mail that this floor wants sent. Notices, one floor above, say how when the portal starts (NoticesConfig.ready)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from portal.orgs.models import User


class Queue(Protocol):
    """portal.notices.services.queue."""

    def __call__(
        self,
        *,
        template: str,
        now: datetime,
        organisation_id: int,
        to_user: User | None = None,
        to_address: str = "",
        application_number: str = "",
        context: dict[str, Any] | None = None,
    ) -> object: ...


_queues: list[Queue] = []


def deliver_through(queue: Queue) -> None:
    """Name the function that queues mail; called once at start."""
    _queues[:] = [queue]


def queue(
    *,
    template: str,
    now: datetime,
    organisation_id: int,
    to_user: User | None = None,
    to_address: str = "",
    context: dict[str, Any] | None = None,
) -> None:
    """Queue one mail in the caller's transaction. `context` holds ids only.

    Raises RuntimeError when nobody said how mail is sent.
    """
    if not _queues:
        raise RuntimeError("portal.notices did not register itself")
    _queues[0](
        template=template,
        now=now,
        organisation_id=organisation_id,
        to_user=to_user,
        to_address=to_address,
        context=context,
    )
