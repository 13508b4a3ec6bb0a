"""Importing a file: one piece after the other, each with its rows, its coverage and the progress in one transaction.

A worker that dies leaves the file at a piece; the next one goes on there. Where the same fault comes again and again at one
piece, a person has to look. While PostgreSQL takes the rows of a piece, the next one is read by a process beside (`reader`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from audit.imports import afterwards, findings, mappings, writing
from audit.imports.errors import NotAllowed, Refused
from audit.imports.models import Host, LogChunk, LogImport
from audit.imports.parsing import Known, KnownHost, MissingColumns, Parsed, Parser, places_of
from audit.imports.pieces import Piece
from audit.imports.readers import ReaderApart, ReaderHere, ReadingFailed
from audit.reconciliation.engine import micros
from portal.common import bell
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import IMPORT_LOGS
from portal.trail import services as trail

State = LogImport.State
NowFn = Callable[[], datetime]
IMPORT_TASK = "audit.tasks.import_log"
RECONCILE_TASK = "audit.tasks.reconcile_again"
_LEASE = timedelta(minutes=3)
_KEPT_YEARS = 7  # AUD-09
_MOST_FAULTS = 3  # alike, at one piece: it will not go by itself
_READ_HERE = 1  # so many pieces are read before another process would have begun
_FAULT = "fault"  # in the findings: what broke the piece at which the file stands, and how often
_REFUSED_AT_ONCE = 0.5  # of the first piece: a wrong mapping, not a file with a few broken lines


class _Lost(Exception):
    """Another worker has the file."""


@transaction.atomic
def start(*, import_id: int, actor: User, now: datetime) -> LogImport:
    """Have a worker import a file with the mapping and the list in force. Raises NotAllowed, Refused."""
    if not actor.may(IMPORT_LOGS):
        raise NotAllowed(_("Only network operations import logs."))
    made = LogImport.objects.select_for_update().get(pk=import_id)
    if made.state not in (State.UPLOADED, State.FAILED):
        raise Refused(_("This file is being imported already, or was."))
    if made.chunks_done == 0:  # what was begun goes on as it began
        made.mapping, made.allowed = mappings.current_mapping(), mappings.current_access()
    check_columns(made)
    made.state, made.problem, made.lease_until = State.RUNNING, "", None
    made.findings.pop(_FAULT, None)
    made.started_by, made.started_at, made.finished_at = actor, made.started_at or now, None
    made.save()
    trail.record(
        action="logs.import",
        now=now,
        actor=actor,
        object_type="log_import",
        object_id=made.pk,
        object_label=made.file_name,
        object_organisation_id=actor.organisation_id,
        detail={"sha256": made.sha256, "mapping": made.mapping_id, "application": made.allowed_id},
    )
    bell.ring_on_commit(IMPORT_TASK, str(made.pk))
    return made


@transaction.atomic
def discard(*, import_id: int, actor: User, now: datetime) -> LogImport:
    """Do not import a file that was only looked at. Its pieces stay, so that the record of the upload can be followed."""
    if not actor.may(IMPORT_LOGS):
        raise NotAllowed(_("Only network operations import logs."))
    made = LogImport.objects.select_for_update().get(pk=import_id)
    if made.state not in (State.UPLOADED, State.FAILED) or made.chunks_done:
        raise Refused(_("Rows of this file were imported. They stay."))
    made.state, made.finished_at = State.DISCARDED, now
    made.save()
    trail.record(
        action="logs.discard",
        now=now,
        actor=actor,
        object_type="log_import",
        object_id=made.pk,
        object_label=made.file_name,
        object_organisation_id=actor.organisation_id,
    )
    return made


def check_columns(made: LogImport) -> None:
    """Raise Refused when the file has not every column that the mapping needs."""
    if made.is_json:
        return
    try:
        places_of(mappings.layout_of(made.mapping, made.log_kind), made.header)
    except MissingColumns as missing:
        text = _("The file has no column “%(headings)s”. Choose the right log, or correct the mapping.")
        raise Refused(text % {"headings": _("”, “").join(missing.headings)}) from missing


def missed(now: datetime) -> list[int]:
    """Files whose import was never begun, or whose worker died."""
    rows = LogImport.objects.filter(state=State.RUNNING)
    return list(
        rows.filter(Q(lease_until=None) | Q(lease_until__lt=now)).order_by("pk").values_list("pk", flat=True)
    )


def run(*, import_id: int, now_fn: NowFn) -> LogImport | None:
    """Import a file, or what is left of it; None when there is nothing to do or another worker has it. Safe to repeat.

    An unexpected fault is raised, so that operations find it in the log of the worker; the job of each minute tries again.
    """
    made = _claim(import_id, now_fn())
    if made is None:
        return None
    try:
        _go_on(made, now_fn)
    except _Lost:
        return None
    except Refused as refused:
        _stop(made, refused.reason, now_fn())
    except Exception as error:
        kind = error.kind if isinstance(error, ReadingFailed) else type(error).__name__
        _note_fault(made, kind, now_fn())
        raise
    return made


@transaction.atomic
def _claim(import_id: int, now: datetime) -> LogImport | None:
    rows = LogImport.objects.select_for_update(skip_locked=True).filter(pk=import_id, state=State.RUNNING)
    made = rows.filter(Q(lease_until=None) | Q(lease_until__lt=now)).first()
    if made is None:
        return None
    made.attempts, made.lease_until = made.attempts + 1, now + _LEASE
    made.save(update_fields=["attempts", "lease_until"])
    return made


def _go_on(made: LogImport, now_fn: NowFn) -> None:
    parser = parser_of(made, now_fn())
    is_short = made.chunk_count - made.chunks_done <= _READ_HERE
    with ReaderHere(parser) if is_short else ReaderApart(parser) as reader:
        piece = _ask(reader, made, made.chunks_done)
        while piece is not None:
            piece = _store_next(reader, made, piece, now_fn())
    _finish(made, now_fn())


def _store_next(
    reader: ReaderHere | ReaderApart, made: LogImport, piece: Piece, now: datetime
) -> Piece | None:
    """Store the piece that was asked for, and have the one after it read meanwhile; which that is."""
    number, parsed = made.chunks_done, reader.take()
    following = _ask(reader, made, number + 1)
    if number == 0:
        _refuse_wrong_mapping(parsed)
    _store(made, piece.batch_id, number, parsed, now)
    return following


def parser_of(made: LogImport, now: datetime) -> Parser:
    """What reads the pieces of a file."""
    parser = Parser(
        layout=mappings.layout_of(made.mapping, made.log_kind),
        header=None if made.is_json else made.header,
        encoding=_encoding(made),
        import_id=made.pk,
        known=known(made, now),
    )
    if made.chunks_done:
        parser.forget_numbers()
    return parser


def _encoding(made: LogImport) -> str:
    layout = mappings.layout_of(made.mapping, made.log_kind)
    return made.encoding if layout.encoding == "auto" else layout.encoding


def known(made: LogImport, now: datetime) -> Known:
    """The register of machines and the list of the application, as they are now."""
    hosts = {
        key: KnownHost(pk, name, organisation_id, numbers)
        for pk, key, name, organisation_id, numbers in Host.system.values_list(
            "pk", "key", "name", "organisation_id", "involves_number"
        )
    }
    earliest = now.replace(year=now.year - _KEPT_YEARS, day=1)
    return Known(hosts, mappings.allow_list(made.allowed), micros(earliest), micros(now + timedelta(days=1)))


def _ask(reader: ReaderHere | ReaderApart, made: LogImport, number: int) -> Piece | None:
    """Have the piece of that number read; None after the last."""
    if number >= made.chunk_count:
        return None
    chunk = LogChunk.objects.get(log_import_id=made.pk, number=number)
    piece = Piece(
        packed=bytes(chunk.data),
        first_line=chunk.first_line,
        batch_id=writing.next_batch_id(),
        has_headings=number == 0 and not made.is_json,
        cut=made.line_count if made.is_cut and number == made.chunk_count - 1 else None,
    )
    reader.ask(piece)
    return piece


def _refuse_wrong_mapping(parsed: Parsed) -> None:
    refused = sum(code in findings.REFUSED for _line, code, _detail in parsed.problems)
    good = len(parsed.rows) + len(parsed.held)
    if refused <= max(good, 1) * _REFUSED_AT_ONCE:
        return
    line, code, detail = min(p for p in parsed.problems if p[1] in findings.REFUSED)
    text = _(
        "%(refused)d of the first %(all)d lines cannot be read; nothing was imported. Line %(line)d: %(why)s %(detail)s"
    )
    values = {
        "refused": refused,
        "all": refused + good,
        "line": line,
        "why": findings.REFUSED[code],
        "detail": detail,
    }
    raise Refused((text % values).strip())


@contextmanager
def _held(made: LogImport, number: int) -> Iterator[LogImport]:
    """The file under its lock while it is still ours and stands at this piece. Raises _Lost."""
    with transaction.atomic():
        row = (
            LogImport.objects.select_for_update()
            .filter(pk=made.pk, attempts=made.attempts, state=State.RUNNING, chunks_done=number)
            .first()
        )
        if row is None:
            raise _Lost
        yield row


def _store(made: LogImport, batch_id: int, number: int, parsed: Parsed, now: datetime) -> None:
    """Everything about one piece, or nothing."""
    with _held(made, number) as row:
        _commit_without_waiting()
        written = writing.write(row, batch_id, number, parsed, now)
        row.kept_count += written
        row.duplicate_count += len(parsed.rows) - written
        row.application_count += parsed.application
        row.held_count += len(parsed.held)
        row.refused_count += findings.merge(row.findings, parsed.problems)
        if parsed.coverage:
            first = min(each.first for each in parsed.coverage)
            last = max(each.last for each in parsed.coverage)
            row.first_at = min(filter(None, (row.first_at, writing.moment(first))))
            row.last_at = max(filter(None, (row.last_at, writing.moment(last))))
        row.chunks_done, row.lines_done = number + 1, row.lines_done + parsed.lines
        row.findings.pop(_FAULT, None)
        row.lease_until = now + _LEASE
        row.save()
    made.chunks_done, made.lines_done = number + 1, row.lines_done


def _commit_without_waiting() -> None:
    """This transaction need not have reached the disk when the next piece begins. After a power failure the file stands at an
    earlier piece and goes on there; what is committed later, the end of the file or a seal, waits for this one too."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def _finish(made: LogImport, now: datetime) -> None:
    with _held(made, made.chunk_count) as row:
        afterwards.note_months(row)
        if row.first_at and row.last_at:
            writing.note_sizes(today(row.first_at), today(row.last_at))
        row.state, row.finished_at, row.lease_until = State.DONE, now, None
        row.save()
        bell.ring_on_commit(RECONCILE_TASK)
    made.refresh_from_db()


@transaction.atomic
def _stop(made: LogImport, reason: str, now: datetime) -> None:
    LogImport.objects.filter(pk=made.pk, attempts=made.attempts).update(
        state=State.FAILED, problem=reason[:300], finished_at=now, lease_until=None
    )
    made.refresh_from_db()


@transaction.atomic
def _note_fault(made: LogImport, error: str, now: datetime) -> None:
    """Remember what broke a piece; stop the file where it is the same for the third time. The class of an error holds nothing
    of the rows, its text may. Where the database itself is away nothing can be noted, and nothing has to be."""
    rows = LogImport.objects.select_for_update().filter(
        pk=made.pk, attempts=made.attempts, state=State.RUNNING
    )
    row = rows.first()
    if row is None:  # another worker has it
        return
    fault = row.findings.get(_FAULT, {})
    times = fault.get("times", 0) + 1 if fault.get("error") == error else 1
    row.findings[_FAULT] = {"error": error, "times": times}
    row.save(update_fields=["findings"])
    if times >= _MOST_FAULTS:
        text = _(
            "It broke off %(times)d times at the same place (after line %(line)d) with a fault that nobody expected: %(error)s. "
            "What was imported stays. Have the log of the worker looked at; after that the import goes on from here."
        )
        _stop(made, text % {"times": times, "line": row.lines_done, "error": error}, now)
