"""The first adapter: orders become rows of files in a folder, answers come back in acknowledgement files (ADR 0014).

What was ordered, written and answered stands in the ledger (models.py), so an order that was written is never written
again: a second attempt finds its row. Only a person's retry after a refusal makes another row, with another reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.utils.translation import gettext as _

from portal.common.time import JST
from portal.fulfilment.models import Operation, OperationEvent
from portal.fulfilment.verbs import BY_A_PERSON
from portal.gateways import clock
from portal.gateways.two_factor import Applied, HandedOver, Order, Overdue, Receipt, Refused
from portal.two_factor import factory
from portal.two_factor.models import FAILED, ExchangeBatch, ExchangeRow, RowState

# A row that is not in a file yet is not looked at before this; the batch that takes it moves the date.
_LOOK_AT_PENDING = timedelta(hours=1)


class ExchangeTwoFactor:
    """portal.gateways.two_factor.TwoFactor over the exchange folder."""

    can_be_read = False

    def ping(self) -> None:
        """Raise Unavailable unless a file can be written into the folder."""
        factory.exchange_folder().ping()

    def carry_out(self, order: Order, *, before_write: Callable[[], None]) -> Receipt:
        """See the port. The order waits for the next batch; many orders make one file."""
        operation = Operation.system.get(marker=order.marker)
        row = latest_row(operation)
        if row is None or (row.state in FAILED and _person_since(operation, row.answered_at)):
            factory.exchange_folder().require()
            before_write()
            row = _new_row(operation, order, 1 if row is None else row.round + 1)
        return _receipt(operation, row)

    def look(self, order: Order) -> Receipt | None:
        """See the port: what the ledger knows."""
        operation = Operation.system.get(marker=order.marker)
        row = latest_row(operation)
        return None if row is None else _receipt(operation, row)


def latest_row(operation: Operation) -> ExchangeRow | None:
    """The newest row of an operation, with its batch and answer."""
    rows = ExchangeRow.system.filter(operation=operation).select_related("batch", "answer")
    return rows.order_by("-round").first()


def _new_row(operation: Operation, order: Order, number: int) -> ExchangeRow:
    reference = str(operation.marker) if number == 1 else f"{operation.marker}-{number}"
    return ExchangeRow.system.create(
        organisation_id=operation.organisation_id,
        operation=operation,
        round=number,
        reference=reference,
        action=order.action,
        values=asdict(order.person),
        created_at=clock.now(),
    )


def _receipt(operation: Operation, row: ExchangeRow) -> Receipt:
    """What the state of a row means. Raises Refused and Overdue."""
    if row.state == RowState.DONE:
        return Applied(evidence=evidence_of(row))
    if row.state in FAILED:
        code = "refused" if row.state == RowState.REFUSED else "unwritable"
        raise Refused(row.reason, code=code)
    if row.state == RowState.PENDING or row.batch is None or row.batch.written_at is None:
        text = _("It is written into the next file for the two-factor system.")
        return HandedOver(message=text, until=clock.now() + _LOOK_AT_PENDING)
    due = answer_due(row.batch, _last_person_at(operation))
    if due <= clock.now():
        raise Overdue(waiting_message(row.batch), code="answer_overdue")
    return HandedOver(message=waiting_message(row.batch), until=due)


def waiting_message(batch: ExchangeBatch) -> str:
    """What an operation says while its row waits for the acknowledgement."""
    moment = batch.written_at
    assert moment is not None
    text = _("Handed over in batch %(number)s on %(moment)s. The acknowledgement is awaited.")
    return text % {"number": batch.number, "moment": f"{moment.astimezone(JST):%Y/%m/%d %H:%M}"}


def answer_due(batch: ExchangeBatch, extended_at: datetime | None = None) -> datetime:
    """Until when the acknowledgement is patiently awaited; a person's retry starts the time anew."""
    assert batch.written_at is not None
    start = max(filter(None, (batch.written_at, extended_at)))
    return start + timedelta(hours=int(settings.TWO_FACTOR["answer_hours"]))


def evidence_of(row: ExchangeRow) -> dict[str, object]:
    """What proves that a row was carried out."""
    return {
        "batch": row.batch.number if row.batch else None,
        "batch_file": row.batch.file_name if row.batch else "",
        "row": row.position,
        "row_sha256": row.sha256,
        "reference": row.reference,
        "acknowledgement": row.answer.name if row.answer else "",
        "acknowledged_at": row.answered_at.isoformat() if row.answered_at else "",
    }


def _person_since(operation: Operation, moment: datetime | None) -> bool:
    """Whether a person asked for another try after that moment."""
    last = _last_person_at(operation)
    return last is not None and (moment is None or last > moment)


def _last_person_at(operation: Operation) -> datetime | None:
    events = OperationEvent.system.filter(operation=operation, verb__in=BY_A_PERSON)
    last: datetime | None = events.aggregate(last=Max("at"))["last"]
    return last
