"""From sheets to one encrypted file: a workbook and a PDF in a zip, readable with operations' private key only (ACC-12)."""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyrage

from portal.common import xlsx
from portal.common.workbook import begin_sheet, safe_value
from portal.continuity.errors import FolderUnusable, NotConfigured
from portal.continuity.parts import Sheet
from portal.documents.pdf import PdfUnavailable, render_pdf

_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
_TITLE_LENGTH = 31  # what Excel allows


def build_zip(sheets: Sequence[Sheet], now: datetime) -> tuple[bytes, bool]:
    """The pack in the clear, and whether a PDF could be made.

    The zip is in memory only. openpyxl spools each sheet to a temporary file while the workbook is saved and removes it
    (a workbook that is not write-only does so too); the units give the process a /tmp of its own (PrivateTmp).
    """
    buffer, has_pdf = io.BytesIO(), True
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("continuity.xlsx", _workbook(sheets))
        try:
            archive.writestr(
                "continuity.pdf", render_pdf("documents/sheets.html", {"sheets": sheets, "now": now})
            )
        except PdfUnavailable:
            has_pdf = False
    return buffer.getvalue(), has_pdf


def _workbook(sheets: Sequence[Sheet]) -> bytes:
    book, used = xlsx.Workbook(write_only=True), set[str]()
    for sheet in sheets:
        page = begin_sheet(book, _title(sheet.title, used), sheet.header)
        for row in sheet.rows:
            page.append([safe_value(page, value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _title(title: str, used: set[str]) -> str:
    """A sheet name as Excel allows it, each once."""
    plain = _NOT_IN_TITLES.sub(" ", title)[:_TITLE_LENGTH]
    name, number = plain, 2
    while name in used:
        name = f"{plain[: _TITLE_LENGTH - 4]} {number}"
        number += 1
    used.add(name)
    return name


def encrypt(data: bytes, recipients: Sequence[str]) -> bytes:
    """Encrypted to every one of these age public keys. Raises NotConfigured for none, or for one that is no key."""
    if not recipients:
        raise NotConfigured("no key")
    try:
        keys = [pyrage.x25519.Recipient.from_str(key) for key in recipients]
    except pyrage.RecipientError as error:
        raise NotConfigured("not a key") from error
    return bytes(pyrage.encrypt(data, keys))


def write(folder: Path, name: str, data: bytes) -> None:
    """Write the file so that it is there whole or not at all, for its owner only. Raises FolderUnusable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".part-", dir=folder)  # 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(part).rename(folder / name)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FolderUnusable(type(error).__name__) from error
