"""A file of log lines goes into the database in pieces that end with a whole line, so that any worker goes on with it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from audit.imports.errors import AlreadyThere, FileRefused, NotAllowed
from audit.imports.layout import CP932, MOST_LINES, UTF8
from audit.imports.models import LogChunk, LogImport
from portal.orgs.models import User
from portal.orgs.permissions import IMPORT_LOGS
from portal.trail import services as trail

PIECE = 1024 * 1024
_READ = 1024 * 1024
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_BEGINNING = 6  # bytes of a line, enough for "2026-0"
_FORMS = bytes(
    ord("9" if chr(n).isdigit() else "a" if chr(n).isalpha() else chr(n)) if n < 128 else n
    for n in range(256)
)
_PACKED = (b"PK\x03\x04", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")


def store_file(
    *, log_kind: str, month: date, name: str, file: IO[bytes], actor: User, now: datetime
) -> LogImport:
    """Keep a file as it came, to be looked at before it is imported. A file is kept whole or not at all.

    Raises NotAllowed, FileRefused, AlreadyThere.
    """
    if not actor.may(IMPORT_LOGS):
        raise NotAllowed(_("Only network operations import logs."))
    digest = _digest(file)
    if earlier := _earlier(log_kind, digest):
        raise AlreadyThere(earlier)
    content = _Content(file)
    with transaction.atomic():
        made = LogImport.objects.create(
            log_kind=log_kind,
            month=month.replace(day=1),
            file_name=name[:200],
            sha256=digest,
            size=0,
            encoding=UTF8,
            line_count=0,
            chunk_count=0,
            uploaded_by=actor,
            uploaded_at=now,
        )
        _store_pieces(made, content)
        made.is_cut = content.cut
        made.save()
        trail.record(
            action="logs.upload",
            now=now,
            actor=actor,
            object_type="log_import",
            object_id=made.pk,
            object_label=made.file_name,
            object_organisation_id=actor.organisation_id,
            detail={"sha256": digest, "lines": made.line_count, "log": log_kind},
        )
    return made


def _earlier(log_kind: str, digest: str) -> LogImport | None:
    rows = LogImport.objects.filter(log_kind=log_kind, sha256=digest)
    return rows.exclude(state=LogImport.State.DISCARDED).first()


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while data := file.read(_READ):
        digest.update(data)
    file.seek(0)
    return digest.hexdigest()


def _store_pieces(made: LogImport, content: _Content) -> None:
    line, encoding = 1, ""
    for number, piece in enumerate(pieces(content)):
        if number == 0:
            made.is_json = piece.lstrip().startswith(b"{")
        if not encoding and not piece.isascii():
            encoding = _encoding_of(next(line for line in piece.split(b"\n") if not line.isascii()))
        lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
        LogChunk.objects.create(
            log_import=made,
            number=number,
            first_line=line,
            line_count=lines,
            data=zlib.compress(piece, 1),
            sha256=hashlib.sha256(piece).hexdigest(),
        )
        if number == 0 and not made.is_json:
            first = piece.split(b"\n", 1)[0].rstrip(b"\r")
            made.header = first.decode(_encoding_of(first), "replace").replace("\0", "")[:10_000]
        line += lines
        made.chunk_count, made.size = number + 1, made.size + len(piece)
    made.line_count, made.encoding = line - 1, encoding or UTF8
    if made.line_count < (1 if made.is_json else 2):
        raise FileRefused(_("There is no row in this file."))


def _encoding_of(piece: bytes) -> str:
    try:
        piece.decode(UTF8)
    except UnicodeDecodeError:
        return CP932
    return UTF8


@dataclass
class _Content:
    """The content of a file, unpacked where it is packed. `cut`: it ended in the middle."""

    file: IO[bytes]
    cut: bool = False

    def __iter__(self) -> Iterator[bytes]:
        start = self.file.read(4)
        self.file.seek(0)
        if not start:
            raise FileRefused(_("This file is empty."))
        if start.startswith(_PACKED):
            raise FileRefused(_("Only gzip can be unpacked here. Unpack the file, or pack it with gzip."))
        total, first = 0, True
        for data in self._unpacked() if start.startswith(_GZIP) else iter(lambda: self.file.read(_READ), b""):
            if first:
                if data.startswith(_WIDE):
                    raise FileRefused(_("This file is in UTF-16. Save it in UTF-8 or Shift_JIS."))
                data, first = data.removeprefix(_BOM), False
            total += len(data)
            if total > settings.AUDIT_LOG_MAX_BYTES:
                text = _("This file is larger than %(most)d MB. Split it.")
                raise FileRefused(text % {"most": settings.AUDIT_LOG_MAX_BYTES // 1024 // 1024})
            yield data

    def _unpacked(self) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(31)
        try:
            while data := self.file.read(_READ):
                while data:
                    if unpacker.eof:  # several gzip files one after the other
                        unpacker = zlib.decompressobj(31)
                    if out := unpacker.decompress(data, _READ):
                        yield out
                    data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            while not unpacker.eof and (out := unpacker.decompress(b"", _READ)):
                yield out
        except zlib.error:
            pass  # what comes after the broken place cannot be had
        self.cut = not unpacker.eof


def pieces(content: Iterator[bytes] | _Content, size: int = PIECE) -> Iterator[bytes]:
    """The content in pieces of about `size` that end with a whole line, and with a whole record where its end can be told. A record
    that is torn nevertheless is refused by its lines' numbers, not lost unsaid."""
    held, form = bytearray(), b""
    for data in content:
        held += data
        form = form or _form(held, held.find(b"\n") + 1)  # of the line under the headings
        while len(held) >= 2 * size:
            end = _cut(held, size, form)
            if end is None:
                break
            yield bytes(held[:end])
            del held[:end]
    while len(held) > size and (end := _cut(held, size, form)) is not None and end < len(held):
        yield bytes(held[:end])
        del held[:end]
    if held:
        yield bytes(held)


def _form(held: bytearray, start: int) -> bytes:
    """How a line begins: where others are digits and letters too."""
    return bytes(held[start : start + _BEGINNING]).translate(_FORMS)


def _cut(held: bytearray, size: int, form: bytes) -> int | None:
    """Where a piece ends: before a line that begins like the first row, when the quotes so far pair. One quote that is never
    closed turns that round for the whole piece; then the beginning of the line counts more. Where rows do not begin alike (a
    number of their own comes first), or a line of a value begins like a row, that may be within a record."""
    first = end = held.find(b"\n", size) + 1
    if not end:
        return None
    quotes = held.count(b'"', 0, end)
    alike = paired = 0
    for _line in range(MOST_LINES):
        is_paired = quotes % 2 == 0
        is_alike = end == len(held) or _form(held, end) == form
        if is_paired and is_alike:
            return end
        alike, paired = alike or is_alike * end, paired or is_paired * end
        following = held.find(b"\n", end) + 1
        if not following:
            break
        quotes += held.count(b'"', end, following)
        end = following
    return alike or paired or first
