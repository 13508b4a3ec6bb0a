"""Checking all rows of a file at once, by the very code that confirms and submits an application (ACC-13)."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.common import bell
from portal.common.time import today
from portal.workflow import kinds
from portal.workflow.bulk.columns import Column, columns_of
from portal.workflow.bulk.models import Upload, UploadState
from portal.workflow.content import CheckedLine, check_lines
from portal.workflow.kinds import ApplicationKind, LineContext
from portal.workflow.plans import WARNING

CHECK_TASK = "portal.workflow.tasks.check_upload"
_LEASE = timedelta(minutes=2)
_UPLOADS_PER_SWEEP = 50


def context_of(upload: Upload, now: datetime) -> LineContext:
    """What the kind may know about the rows."""
    return LineContext(
        organisation=upload.organisation,
        actor=upload.uploaded_by,
        application=upload.application,
        today=today(now),
    )


def check(*, upload_id: int, now: datetime) -> Upload | None:
    """Check every row and keep what was found; None when there is nothing to check (any more).

    Nothing is locked while targets are asked. A check that dies is done again after its lease; rows that were changed
    meanwhile are checked once more. Safe to repeat.
    """
    upload = _claim(upload_id, now)
    if upload is None:
        return None
    kind = kinds.get(upload.kind)
    context = context_of(upload, now)
    columns = columns_of(kind, context)
    _propose(kind, context, upload)
    values = [line_values(columns, row) for row in upload.rows]
    with _short_collections():
        checked, errors = check_lines(kind, context, values)
    _note(kind, columns, upload, checked, errors)
    return _keep(upload, now)


def _propose(kind: ApplicationKind[Any], context: LineContext, upload: Upload) -> None:
    """Fill in what rows may leave empty. What an earlier check proposed and nobody changed is proposed anew."""
    if not kind.proposed_fields:
        return
    for row in upload.rows:
        for name, value in row.pop("f", {}).items():
            if row["v"].get(name) == value:
                del row["v"][name]
    proposals = kind.propose(context, [row["v"] for row in upload.rows])
    for row, proposal in zip(upload.rows, proposals, strict=True):
        row["f"] = {name: value for name, value in proposal.items() if name not in row.get("p", {})}
        row["v"].update(row["f"])


def check_soon(upload_id: int) -> None:
    """Have a worker check it after this transaction."""
    bell.ring_on_commit(CHECK_TASK, str(upload_id))


def check_missed(now: datetime) -> int:
    """Ring again for files whose check was never begun or died; how many."""
    rows = Upload.system.filter(state__in=(UploadState.WAITING, UploadState.CHECKING))
    missed = rows.filter(Q(lease_until=None) | Q(lease_until__lt=now)).order_by("pk")[:_UPLOADS_PER_SWEEP]
    ids = list(missed.values_list("pk", flat=True))
    for pk in ids:
        bell.ring_now(CHECK_TASK, str(pk))
    return len(ids)


def line_values(columns: Sequence[Column], row: Mapping[str, Any]) -> dict[str, Any]:
    """What the form of a line gets: the values of the row, and the only choice where there is but one."""
    only = {c.name: c.choices[0][0] for c in columns if c.required and len(c.choices) == 1}
    return {**only, **row["v"]}


@contextmanager
def _short_collections() -> Iterator[None]:
    """The forms of a thousand rows make Python look for rubbish again and again: not among all that was there before."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@transaction.atomic
def _claim(upload_id: int, now: datetime) -> Upload | None:
    upload = (
        Upload.system.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("organisation", "uploaded_by", "application__organisation", "application__applicant")
        .filter(pk=upload_id, state__in=(UploadState.WAITING, UploadState.CHECKING))
        .first()
    )
    if upload is None or (
        upload.state == UploadState.CHECKING and upload.lease_until and upload.lease_until > now
    ):
        return None
    upload.state, upload.lease_until = UploadState.CHECKING, now + _LEASE
    upload.save(update_fields=["state", "lease_until"])
    return upload


def _note(
    kind: ApplicationKind[Any],
    columns: Sequence[Column],
    upload: Upload,
    checked: Sequence[CheckedLine | None],
    errors: Mapping[str, Sequence[str]],
) -> None:
    """Put what was found into the rows."""
    found: dict[int, dict[str, list[str]]] = defaultdict(dict)
    for path, texts in errors.items():
        _lines, number, *field = path.split(".", 2)
        found[int(number)]["".join(field)] = list(texts)
    numbers = {position: row["n"] for position, row in enumerate(upload.rows)}
    for position, (row, line) in enumerate(zip(upload.rows, checked, strict=True)):
        own = _named(found.get(position, {}), position, numbers)
        # A cell that could not be read says why; that it is missing too helps nobody.
        row["e"] = {**own, **row.get("p", {})}
        row["w"] = _warnings(line)
        row["c"] = _corrections(columns, row, line) if line is not None else []
        row["d"] = None if line is None or row["e"] else line.data
    upload.error_count = sum(bool(row["e"]) for row in upload.rows)
    upload.warning_count = sum(bool(row["w"]) for row in upload.rows)
    upload.corrected_count = sum(bool(row["c"]) for row in upload.rows)
    upload.row_count = len(upload.rows)


def _named(found: dict[str, list[str]], position: int, numbers: Mapping[int, int]) -> dict[str, list[str]]:
    """Errors that name another line name it by its row in the file."""
    text = _("Line %(number)d already applies for the same. Change one of the two.")
    others = (
        {text % {"number": n + 1}: _row_text() % {"number": numbers[n]} for n in range(position)}
        if found
        else {}
    )
    return {field: [others.get(said, said) for said in texts] for field, texts in found.items()}


def _row_text() -> str:
    return _("Row %(number)d of the file already applies for the same. Change one of the two.")


def _warnings(line: CheckedLine | None) -> list[str]:
    if line is None:
        return []
    return [_(check.text) % check.values for check in line.plan.checks if check.level == WARNING]


def _corrections(columns: Sequence[Column], row: Mapping[str, Any], line: CheckedLine) -> list[list[str]]:
    """自動補正: what was typed and what it became."""
    found = []
    for column in columns:
        was, now = row["v"].get(column.name), line.data.get(column.name)
        if column.name in row.get("f", {}):
            found.append([column.label, _("(empty)"), row["f"][column.name]])
        elif isinstance(was, str) and isinstance(now, str) and was and was != now and not column.is_date:
            found.append([column.label, was, now])
    return found


@transaction.atomic
def _keep(upload: Upload, now: datetime) -> Upload | None:
    """Store the result, unless the rows were changed or the upload ended while the targets were asked."""
    current = Upload.system.select_for_update(no_key=True).get(pk=upload.pk)
    if current.version != upload.version or current.state != UploadState.CHECKING:
        return None
    upload.state, upload.checked_at, upload.lease_until = UploadState.CHECKED, now, None
    upload.save(
        update_fields=[
            "state",
            "checked_at",
            "lease_until",
            "rows",
            "row_count",
            "error_count",
            "warning_count",
            "corrected_count",
        ]
    )
    return upload
