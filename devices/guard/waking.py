"""Calling the publisher: whoever writes or ends an entry does it here, in the same transaction (MAC-07)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from devices.guard.models import PendingRemoval
from portal.common import bell

PUBLISH_TASK = "devices.tasks.publish_whitelist"
FULL = "full"


def entries_written() -> None:
    """Entries were approved or changed: the publisher comes after the commit; a lost ring costs a minute."""
    ring()


def entries_ended(entry_ids: Iterable[int], now: datetime) -> None:
    """Entries ended: from the commit on no pull gives them away, and the publisher comes at once."""
    PendingRemoval.objects.bulk_create([PendingRemoval(entry_id=pk, at=now) for pk in entry_ids])
    ring()


def ring() -> None:
    """After the commit of the running transaction."""
    bell.ring_on_commit(PUBLISH_TASK)


def ring_for_all() -> None:
    """The same, when files change although the list does not."""
    bell.ring_on_commit(PUBLISH_TASK, FULL)
