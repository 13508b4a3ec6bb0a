"""Batches: many rows become one file that appears whole, once, and is removed in the end (ACC-05, ADR 0014).

A batch goes PREPARING -> STAGED -> WRITTEN. The file is complete in .staging/ before STAGED is recorded, and one rename hands
it over. Whoever dies in between: the next worker finds the staged file and renames it, or finds it gone and records that.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from portal.common.text import without_control_characters
from portal.fulfilment import breaker
from portal.fulfilment.models import Operation, OperationEvent, OperationStatus
from portal.fulfilment.verbs import Verb
from portal.gateways.exchange_folder import ExchangeFolder, NameTakenByOthers
from portal.gateways.two_factor import TARGET, Action, Person, Unavailable
from portal.two_factor.exchange import answer_due, waiting_message
from portal.two_factor.layout import BatchData, Layout, RowData, Unwritable, digest, render_file, render_row
from portal.two_factor.mappings import current_mapping, layout_of
from portal.two_factor.models import BatchState, ExchangeBatch, ExchangeRow, RowState
from portal.two_factor.waiting import WAITS_FOR_ANSWER

_ONE_AT_A_TIME = (
    7_205_001  # advisory lock: two workers must not make two small batches of what belongs together
)


def close_batches(folder: ExchangeFolder, now: datetime) -> int:
    """Put what waits into batches when the oldest has waited long enough or there is enough for one; their number.

    What the folder knows as handed over, and a database that was restored does not, is never written again (case 22).
    """
    try:
        known = folder.handed_over()
    except Unavailable:
        return 0  # nothing could be handed over either
    count = 0
    while _close_batch(known, now):
        count += 1
    return count


@transaction.atomic
def _close_batch(known: Mapping[str, int], now: datetime) -> bool:
    if not _alone():
        return False
    # An operation that a person took by hand meanwhile is not WAITING: its row stays where it is.
    rows = list(
        ExchangeRow.system.filter(state=RowState.PENDING, operation__status=OperationStatus.WAITING)
        .select_related("operation")
        .order_by("id")[: settings.TWO_FACTOR["batch_rows"]]
    )
    if not _is_due(rows, now):
        return False
    mapping = current_mapping()
    layout = layout_of(mapping)
    if sent := [row for row in rows if row.reference in known]:
        _adopt(sent, known, layout, now)
        return True
    last = ExchangeBatch.objects.aggregate(last=Max("number"))["last"] or 0
    number = max(last, *known.values(), 0) + 1
    written = _render(layout, BatchData(number=number, created_at=now), rows, now)
    if written:
        batch = ExchangeBatch.objects.create(
            number=number,
            mapping=mapping,
            file_name=layout.file_name(number),
            row_count=len(written),
            created_at=now,
        )
        for row in written:
            row.batch = batch
    ExchangeRow.system.bulk_update(
        rows, ["state", "batch", "position", "sha256", "reason", "answered_at"], batch_size=500
    )
    return True


def _adopt(rows: Sequence[ExchangeRow], known: Mapping[str, int], layout: Layout, now: datetime) -> None:
    """Rows that were handed over before the database was restored wait for their acknowledgement, as they did then."""
    for row in rows:
        number = known[row.reference]
        values = {"state": BatchState.WRITTEN, "written_at": now, "created_at": now, "row_count": 0}
        row.batch, _made = ExchangeBatch.objects.get_or_create(
            number=number, defaults=values | {"file_name": layout.file_name(number)}
        )
        row.state = RowState.WRITTEN
        row.save(update_fields=["state", "batch"])
        Operation.system.filter(pk=row.operation_id, status=OperationStatus.WAITING).update(
            error_message=waiting_message(row.batch), not_before=answer_due(row.batch)
        )


def _render(
    layout: Layout, batch: BatchData, rows: Sequence[ExchangeRow], now: datetime
) -> list[ExchangeRow]:
    """Number the rows that can be written and say of the others why not; gives the former."""
    written: list[ExchangeRow] = []
    for row in rows:
        try:
            line = render_row(layout, batch, row_data(row))
        except Unwritable as problem:
            row.state, row.reason, row.answered_at = RowState.UNWRITABLE, problem.reason, now
            continue
        written.append(row)
        row.state, row.position, row.sha256 = RowState.WRITTEN, len(written), digest(line)
    return written


def _is_due(rows: Sequence[ExchangeRow], now: datetime) -> bool:
    if not rows:
        return False
    wait = timedelta(seconds=int(settings.TWO_FACTOR["batch_seconds"]))
    return len(rows) >= settings.TWO_FACTOR["batch_rows"] or rows[0].created_at + wait <= now


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        return bool(cursor.fetchone()[0])


def publish_batches(folder: ExchangeFolder, now: datetime) -> int:
    """Hand over every batch that is not handed over yet, in order; how many. A folder that is down stops the target."""
    state = breaker.state_of(TARGET)
    if not breaker.is_worth_trying(state, now):
        return 0
    count = 0
    for batch in _open(BatchState.PREPARING, BatchState.STAGED).order_by("number"):
        try:
            count += publish(batch, folder, now)
        except Unavailable as error:
            text = _("The exchange folder cannot be used: %(detail)s") % {"detail": error.message}
            breaker.note_failure(TARGET, now, code=error.code, message=text)
            _note_problem(batch, text)
            break
        breaker.note_success(state, now)
    return count


def publish(batch: ExchangeBatch, folder: ExchangeFolder, now: datetime) -> bool:
    """Carry a batch on from wherever it stands; whether it is handed over now. Raises Unavailable."""
    if batch.state == BatchState.PREPARING and not _stage(batch, folder):
        return False
    references = ExchangeRow.system.filter(batch=batch).values_list("reference", flat=True)
    if not set(references) <= folder.handed_over().keys():
        folder.note_handed_over(batch.number, references)
    try:
        folder.publish(batch.staged_name, batch.file_name)
    except NameTakenByOthers:
        text = _("A file named %(name)s that the portal did not write lies in the folder. Move it away.")
        _note_problem(batch, text % {"name": batch.file_name})
        return False
    written = _record_written(batch, now)
    # Only now: while a batch is not handed over, a staged file may be the one that another worker is about to record.
    folder.unstage_others(batch.file_name)
    return written


def _stage(batch: ExchangeBatch, folder: ExchangeFolder) -> bool:
    """Write the file where nobody looks, and record its name; False when another worker was faster.

    The name is this attempt's own, so that a late worker never puts back what was handed over already.
    """
    known = folder.handed_over()
    references = set(ExchangeRow.system.filter(batch=batch).values_list("reference", flat=True))
    if references and references <= known.keys():  # before the database was restored
        gone = f"{batch.file_name}.handed-over"  # staged by nobody: like a file that was renamed already
        ExchangeBatch.objects.filter(pk=batch.pk, state=BatchState.PREPARING).update(
            state=BatchState.STAGED, staged_name=gone
        )
        batch.refresh_from_db()
        return True
    data = content_of(batch)
    staged = f"{batch.file_name}.{uuid.uuid4().hex[:8]}"
    folder.stage(staged, data)
    mine = ExchangeBatch.objects.filter(pk=batch.pk, state=BatchState.PREPARING)
    if not mine.update(state=BatchState.STAGED, staged_name=staged, sha256=digest(data)):
        folder.unstage(staged)
        return False
    batch.refresh_from_db()
    return True


@transaction.atomic
def _record_written(batch: ExchangeBatch, now: datetime) -> bool:
    """Record that the file is out, and tell its operations what they wait for now."""
    staged = ExchangeBatch.objects.filter(pk=batch.pk, state=BatchState.STAGED)
    if not staged.update(state=BatchState.WRITTEN, written_at=now, problem=""):
        return False
    batch.refresh_from_db()
    rows = ExchangeRow.system.filter(batch=batch).values_list(
        "operation_id", "organisation_id", "position", "reference"
    )
    events = [
        OperationEvent(
            operation_id=operation,
            organisation_id=organisation,
            at=now,
            verb=Verb.HANDED_OVER,
            data={"batch": batch.number, "row": position, "reference": reference},
        )
        for operation, organisation, position, reference in rows
    ]
    OperationEvent.system.bulk_create(events, batch_size=500)
    waiting = Operation.system.filter(
        exchange_rows__batch=batch, status=OperationStatus.WAITING, error_code=WAITS_FOR_ANSWER
    )
    waiting.update(error_message=waiting_message(batch), not_before=answer_due(batch))
    return True


def content_of(batch: ExchangeBatch) -> bytes:
    """The bytes of a batch's file, the same whenever it is asked for."""
    rows = ExchangeRow.system.filter(batch=batch).order_by("position")
    data = BatchData(number=batch.number, created_at=batch.created_at)
    return render_file(layout_of(batch.mapping), data, [row_data(row) for row in rows])


def remove_old(folder: ExchangeFolder, now: datetime) -> int:
    """Remove files with personal data once they are answered and old; how many. The ledger keeps what they held."""
    before = now - timedelta(days=int(settings.TWO_FACTOR["keep_days"]))
    count = folder.remove_answers_before(before)
    for batch in _open(BatchState.ACKNOWLEDGED).filter(acknowledged_at__lt=before):
        folder.remove_published(batch.file_name)
        folder.unstage_others(batch.file_name)
        ExchangeBatch.objects.filter(pk=batch.pk).update(removed_at=now)
        count += 1
    return count


def row_data(row: ExchangeRow) -> RowData:
    """A row as the layout renders it."""
    return RowData(reference=row.reference, action=Action(row.action), person=Person(**row.values))


def sample_data(reference: str = "4f6c8c5e-0000-4000-8000-000000000001") -> RowData:
    """An invented person for the preview of a mapping."""
    person = Person(
        external_id="0b1f2d3c-0000-4000-8000-000000000002",
        login_name="tk0412-suzuki",
        principal_name=f"tk0412-suzuki@{settings.DIRECTORY['domain']}",
        display_name="鈴木 美咲",
        family_name="鈴木",
        given_name="美咲",
        kana="スズキ ミサキ",
        department="審査第二課",
        organisation_code="13",
        organisation_name="東京都国民健康保険団体連合会",
        enabled=True,
    )
    return RowData(reference=reference, action=Action.ADD, person=person)


def _open(*states: str) -> QuerySet[ExchangeBatch]:
    rows: QuerySet[ExchangeBatch] = ExchangeBatch.objects.filter(state__in=states, removed_at=None)
    return rows.select_related("mapping")


def _note_problem(batch: ExchangeBatch, text: str) -> None:
    ExchangeBatch.objects.filter(pk=batch.pk).update(problem=without_control_characters(text)[:500])
