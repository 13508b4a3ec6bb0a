"""The services of this room: the round of the exchange, and what people of operations do with its files."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.fulfilment import breaker
from portal.fulfilment.errors import NotAllowed
from portal.gateways.exchange_folder import safe_name
from portal.gateways.two_factor import TARGET, Unavailable
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS
from portal.trail import services as trail
from portal.two_factor import acknowledgements, batches, factory, waiting
from portal.two_factor.acknowledgements import KnownFile
from portal.two_factor.mappings import save_mapping
from portal.two_factor.models import AnswerFile, ExchangeBatch

__all__ = [
    "KnownFile",
    "Round",
    "after_drain",
    "download_batch",
    "exchange",
    "remove_old_files",
    "save_mapping",
    "upload_answer",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """What one round of the exchange did."""

    closed: int = 0
    published: int = 0
    read: int = 0
    woken: int = 0


def exchange(now: datetime) -> Round:
    """Each minute: hand over what is due, read what was answered, wake whom nobody woke."""
    if not factory.is_in_use():
        return Round()
    if not factory.uses_exchange():
        return Round(woken=waiting.wake_missed(now))
    folder = factory.exchange_folder()
    closed = batches.close_batches(folder, now)
    published = batches.publish_batches(folder, now)
    read = 0
    try:
        read = acknowledgements.read_acknowledgements(folder, now)
    except Unavailable as error:
        message = _("The exchange folder cannot be used: %(detail)s") % {"detail": error.message}
        breaker.note_failure(TARGET, now, code=error.code, message=message)
    return Round(closed, published, read, waiting.wake_missed(now))


def after_drain(now: datetime) -> None:
    """A worker has carried out all that was due: what makes a full batch goes out at once, not at the next minute."""
    if factory.uses_exchange():
        folder = factory.exchange_folder()
        batches.close_batches(folder, now)
        batches.publish_batches(folder, now)


def remove_old_files(now: datetime) -> int:
    """Remove files with personal data that were answered long ago; how many."""
    if not factory.uses_exchange():
        return 0
    return batches.remove_old(factory.exchange_folder(), now)


def upload_answer(*, actor: User, name: str, data: bytes, now: datetime) -> AnswerFile:
    """Apply an acknowledgement file that a person brings. Raises NotAllowed, KnownFile."""
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations bring acknowledgements")
    with transaction.atomic():
        file = acknowledgements.apply(name=safe_name(name), data=data, now=now, uploaded_by=actor)
        trail.record(
            action="exchange.upload",
            now=now,
            actor=actor,
            object_type="exchange_answer",
            object_id=file.pk,
            object_label=file.name,
            detail={"sha256": file.sha256, "done": file.done_count, "refused": file.refused_count},
        )
    return file


def download_batch(*, actor: User, batch: ExchangeBatch, now: datetime) -> bytes:
    """The content of a batch; it names people, so the reading is recorded (SEC-02). Raises NotAllowed."""
    if not actor.may(READ_OPERATIONS):
        raise NotAllowed("only people of operations read batches")
    trail.record(
        action="exchange.download",
        now=now,
        actor=actor,
        object_type="exchange_batch",
        object_id=batch.number,
        object_label=batch.file_name,
    )
    return batches.content_of(batch)
