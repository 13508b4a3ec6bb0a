"""What people do with a file: hand it in, correct its rows, take it over as one application, discard it (ACC-13)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.common.text import without_control_characters
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.trail import services as trail
from portal.workflow import drafts, kinds
from portal.workflow.bulk import checking
from portal.workflow.bulk.columns import chosen, columns_of, shown
from portal.workflow.bulk.errors import AlreadyUploaded, FileRefused
from portal.workflow.bulk.models import Upload, UploadState
from portal.workflow.bulk.tables import Table, read_table
from portal.workflow.content import Content, text_problem
from portal.workflow.errors import ContentChanged, InvalidApplication, NotAllowed
from portal.workflow.kinds import ApplicationKind, LineContext
from portal.workflow.models import OPEN, Application, ApplicationLine

CELL_LENGTH = 1000
_KNOWN_FOR = timedelta(days=90)


def upload_file(
    *,
    kind: str,
    organisation_id: int,
    actor: User,
    name: str,
    data: bytes,
    again_reason: str = "",
    now: datetime,
) -> Upload:
    """Read a file for an organisation in which `actor` may apply. Its rows are checked by `checking.check`.

    Raises FileRefused, AlreadyUploaded (unless `again_reason` says why once more) and NotAllowed.
    """
    known = kinds.get(kind)
    organisation = _place(known, organisation_id, actor, now)
    if len(data) > settings.BULK_MAX_BYTES:
        most = settings.BULK_MAX_BYTES // (1024 * 1024)
        raise FileRefused(_("This file is larger than %(most)d MB.") % {"most": most})
    context = LineContext(organisation=organisation, actor=actor, application=None, today=today(now))
    columns = columns_of(known, context)
    table = read_table(name, data, columns, max_rows=known.max_bulk_lines)
    _limit_cells(table)
    upload = Upload(
        organisation=organisation,
        kind=kind,
        name=without_control_characters(name)[-200:] or "table",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        rows_sha256=_digest(table.rows),
        uploaded_by=actor,
        uploaded_at=now,
        again_reason=again_reason.strip()[:200],
        letters=table.letters,
        notes=table.notes,
        rows=table.rows,
        row_count=len(table.rows),
    )
    return _keep_new(upload, actor, now)


@transaction.atomic
def _keep_new(upload: Upload, actor: User, now: datetime) -> Upload:
    # Two uploads of one file at the same moment wait for each other here.
    Organisation.objects.select_for_update(no_key=True).get(pk=upload.organisation_id)
    earlier = _earlier(upload, now)
    if earlier is not None and not upload.again_reason:
        raise AlreadyUploaded(earlier)
    upload.save()
    detail = {"rows": upload.row_count, "sha256": upload.sha256}
    if earlier is not None:
        detail |= {"again": upload.again_reason, "earlier": earlier.pk}
    _record(upload, "upload", actor, now, detail)
    checking.check_soon(upload.pk)
    return upload


def reopen(*, application_id: int, actor: User, now: datetime) -> Upload:
    """The lines of a draft as a table to be corrected: the file that they came from, or a new table of them.

    Raises NotAllowed and MoveNotAllowed.
    """
    application = Application.system.select_related("organisation", "applicant").get(pk=application_id)
    drafts.require_editor(application, actor, now)
    kind = kinds.get(application.kind)
    context = LineContext(
        organisation=application.organisation, actor=actor, application=application, today=today(now)
    )
    names = {column.name for column in columns_of(kind, context)}
    with transaction.atomic():
        upload = application.uploads.select_for_update(no_key=True).order_by("-pk").first()
        before = {position: row["n"] for position, row in enumerate(upload.rows)} if upload else {}
        rows = [_row_of(kind, line, names, before) for line in application.lines.all()]
        if upload is None:
            upload = Upload(
                organisation=application.organisation,
                kind=kind.code,
                name=application.number,
                sha256="",
                rows_sha256="",
                uploaded_by=actor,
                uploaded_at=now,
                application=application,
            )
        upload.rows, upload.row_count = rows, len(rows)
        upload.state, upload.lease_until, upload.version = UploadState.WAITING, None, upload.version + 1
        upload.save()
        checking.check_soon(upload.pk)
    return upload


def _row_of(
    kind: ApplicationKind[Any], line: ApplicationLine, names: set[str], before: Mapping[int, int]
) -> dict[str, Any]:
    data = drafts.current_data(kind, line)
    values = {name: value for name, value in data.items() if name in names and value not in ("", None, [])}
    return {"n": before.get(line.position, line.position + 2), "v": values, "p": {}}


@transaction.atomic
def correct(
    *,
    upload_id: int,
    actor: User,
    values: Mapping[int, Mapping[str, str]],
    removed: set[int] = frozenset(),  # type: ignore[assignment]
    version: int | None,
    now: datetime,
) -> Upload:
    """Put what was typed on the screen into the rows (by row number) and drop the removed ones; then they are checked anew.

    Raises ContentChanged, NotAllowed, and InvalidApplication for what cannot be kept.
    """
    upload = _lock(upload_id, actor, now)
    if version is not None and version != upload.version:
        raise ContentChanged
    context = checking.context_of(upload, now)
    columns = {column.name: column for column in columns_of(kinds.get(upload.kind), context)}
    for row in upload.rows:
        for name, text in values.get(row["n"], {}).items():
            if name not in columns or text == shown(columns[name], row["v"].get(name)):
                continue
            if problem := text_problem(text, CELL_LENGTH):
                raise InvalidApplication({f"rows.{row['n']}.{name}": [problem]})
            row["v"][name] = chosen(columns[name], text.strip())
            row.get("p", {}).pop(name, None)
    upload.rows = [row for row in upload.rows if row["n"] not in removed]
    upload.row_count = len(upload.rows)
    upload.version += 1
    upload.state, upload.lease_until = UploadState.WAITING, None
    upload.save(update_fields=["rows", "row_count", "version", "state", "lease_until"])
    _record(upload, "upload_correct", actor, now, {"rows": sorted(values)[:100], "removed": sorted(removed)})
    checking.check_soon(upload.pk)
    return upload


@transaction.atomic
def take_over(
    *, upload_id: int, actor: User, version: int | None, reason: str = "", now: datetime
) -> Application:
    """Make the rows the lines of one draft, all or nothing; a draft that they came from gets them back.

    Raises ContentChanged, NotAllowed and InvalidApplication (rows with errors, rows that were not checked).
    """
    upload = _lock(upload_id, actor, now)
    if version is not None and version != upload.version:
        raise ContentChanged
    if upload.state != UploadState.CHECKED or upload.error_count or not upload.rows:
        raise InvalidApplication({"rows": [_("Correct every row first. Then the application can be made.")]})
    lines = tuple(row["d"] for row in upload.rows)
    application = upload.application
    if application is None:
        content = Content(reason=reason or upload.again_reason, lines=lines)
        application = drafts.create_draft(
            kind=upload.kind, organisation_id=upload.organisation_id, actor=actor, content=content, now=now
        )
    else:
        content = Content(reason=application.reason, desired_on=application.desired_on, lines=lines)
        drafts.save_draft(application_id=application.pk, actor=actor, content=content, version=None, now=now)
    upload.application, upload.state = application, UploadState.TAKEN
    upload.save(update_fields=["application", "state"])
    _record(upload, "upload_taken", actor, now, {"application": application.number})
    return application


@transaction.atomic
def discard(*, upload_id: int, actor: User, now: datetime) -> Upload:
    """Throw the rows away; the same file may come again. Raises NotAllowed."""
    upload = _lock(upload_id, actor, now)
    upload.state, upload.rows, upload.version = UploadState.DISCARDED, [], upload.version + 1
    upload.save(update_fields=["state", "rows", "version"])
    _record(upload, "upload_discarded", actor, now, {})
    return upload


def purge(*, now: datetime) -> int:
    """Remove rows that became no application and that nobody went on with; how many files."""
    rows = Upload.system.filter(application=None, uploaded_at__lt=now - _KNOWN_FOR)
    return rows.delete()[0]


def _place(kind: ApplicationKind[Any], organisation_id: int, actor: User, now: datetime) -> Organisation:
    drafts.require_may_apply(actor, organisation_id, now)
    organisation = Organisation.objects.get(pk=organisation_id)
    if kind not in kinds.kinds_for(organisation):  # ACC-15, ORG-06
        raise NotAllowed(_("%(kind)s is not offered to this organisation.") % {"kind": kind.label})
    return organisation


def _lock(upload_id: int, actor: User, now: datetime) -> Upload:
    """The upload with its row locked, for the person who handed it in, while its rows can still be changed."""
    upload = (
        Upload.system.select_for_update(of=("self",), no_key=True)
        .select_related("organisation", "uploaded_by", "application")
        .get(pk=upload_id)
    )
    if upload.uploaded_by_id != actor.pk:
        raise NotAllowed(_("Only the person who handed in the file can change its rows."))
    drafts.require_may_apply(actor, upload.organisation_id, now)
    if upload.state in (UploadState.TAKEN, UploadState.DISCARDED):
        raise NotAllowed(_("The rows of this file were taken over or discarded already."))
    return upload


def _earlier(upload: Upload, now: datetime) -> Upload | None:
    """The same file or the same rows: lately, or in an application that is not finished."""
    same = Upload.system.filter(
        Q(sha256=upload.sha256) | Q(rows_sha256=upload.rows_sha256),
        organisation_id=upload.organisation_id,
        kind=upload.kind,
    ).exclude(state=UploadState.DISCARDED)
    recent = Q(uploaded_at__gte=now - _KNOWN_FOR) | Q(application__status__in=OPEN)
    return same.filter(recent).select_related("application", "uploaded_by").order_by("-pk").first()


def _limit_cells(table: Table) -> None:
    for row in table.rows:
        for name, value in row["v"].items():
            for part in value if isinstance(value, list) else [value]:
                if problem := text_problem(str(part), CELL_LENGTH):
                    row["p"][name] = [problem]
        row["v"] = {name: value for name, value in row["v"].items() if name not in row["p"]}


def _digest(rows: list[dict[str, Any]]) -> str:
    """The same whatever the order of the rows: a file with errors lists those first."""
    values = [json.dumps(row["v"], sort_keys=True, ensure_ascii=False, separators=(",", ":")) for row in rows]
    text = "\n".join(sorted(values))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _record(upload: Upload, action: str, actor: User, now: datetime, detail: dict[str, Any]) -> None:
    trail.record(
        action=f"application.{action}",
        now=now,
        actor=actor,
        object_type="upload",
        object_id=upload.pk,
        object_label=upload.name,
        object_organisation_id=upload.organisation_id,
        detail=detail,
    )
