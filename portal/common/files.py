"""Files that people bring: what they are is decided by their content, never by what the browser says; how a form takes them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _

from portal.common.text import without_control_characters

Upload = tuple[str, bytes]  # name and content
NAME_LENGTH = 200
_ZIP_ENTRIES = 10_000
_FORBIDDEN = re.compile(r'[<>:"|?*\ud800-\udfff]')


def _starts_with(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(signatures)


def _office(member: str) -> Callable[[bytes], bool]:
    """A test for an Office file whose main part is `member`; one with macros is not what its name says."""

    def test(data: bytes) -> bool:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                names = set(archive.namelist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
            return False
        has_macros = any(name.lower().endswith("vbaproject.bin") for name in names)
        return len(names) <= _ZIP_ENTRIES and {"[Content_Types].xml", member} <= names and not has_macros

    return test


def _is_text(data: bytes) -> bool:
    """UTF-8 or the Shift JIS of Windows, without the NUL that no text file holds."""
    if b"\x00" in data:
        return False
    for encoding in ("utf-8-sig", "cp932"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DOCUMENT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_TYPES: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    ".pdf": ("application/pdf", _starts_with(b"%PDF-")),
    ".png": ("image/png", _starts_with(b"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", _starts_with(b"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", _starts_with(b"\xff\xd8\xff")),
    ".xlsx": (_SHEET, _office("xl/workbook.xml")),
    ".docx": (_DOCUMENT, _office("word/document.xml")),
    ".csv": ("text/csv", _is_text),
    ".txt": ("text/plain", _is_text),
}
ACCEPTED = tuple(_TYPES)


class FileRefused(Exception):
    """A file that the portal does not take; `reason` says why, in the person's language."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def clean_name(name: str) -> str:
    """A file name without folders and without characters that are invisible or that Windows refuses."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    base = without_control_characters(_FORBIDDEN.sub("_", base)).strip(". ")
    path = PurePosixPath(base or "file")
    return path.stem[: NAME_LENGTH - len(path.suffix)] + path.suffix if len(base) > NAME_LENGTH else path.name


def content_type_of(name: str, data: bytes) -> str:
    """What a file is, by its content. Raises FileRefused."""
    limit = settings.ATTACHMENT_MAX_BYTES
    if not data:
        raise FileRefused(_("%(name)s is empty. Choose the right file.") % {"name": name})
    if len(data) > limit:
        raise FileRefused(
            _("%(name)s is too large. A file may have at most %(size)d MB.")
            % {"name": name, "size": limit // (1024 * 1024)}
        )
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in _TYPES:
        accepted = ", ".join(kind.lstrip(".") for kind in ACCEPTED)
        raise FileRefused(
            _("%(name)s cannot be attached. Accepted are: %(kinds)s.") % {"name": name, "kinds": accepted}
        )
    content_type, matches = _TYPES[suffix]
    if not matches(data):
        raise FileRefused(
            _("The content of %(name)s is not what its ending says. Save it again in the right format.")
            % {"name": name}
        )
    return content_type


def check(files: Sequence[Upload]) -> list[tuple[str, str, bytes]]:
    """Name, type and content of each file. Raises FileRefused."""
    if len(files) > settings.ATTACHMENTS_PER_APPLICATION:
        text = _("At most %(count)d files can be attached. Remove one first.")
        raise FileRefused(text % {"count": settings.ATTACHMENTS_PER_APPLICATION})
    found = []
    for name, data in files:
        cleaned = clean_name(name)
        found.append((cleaned, content_type_of(cleaned, data), data))
    return found


class FilesInput(forms.FileInput):
    """Several files at once."""

    allow_multiple_selected = True

    def __init__(self) -> None:
        super().__init__(attrs={"accept": ",".join(ACCEPTED)})


class FilesField(forms.FileField):
    """Several files, read up to one byte more than is allowed: enough to refuse."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Upload]:
        """Names and contents."""
        found = data if isinstance(data, list | tuple) else [data] if data else []
        most = settings.ATTACHMENTS_PER_APPLICATION + 1
        return [(file.name or "", file.read(settings.ATTACHMENT_MAX_BYTES + 1)) for file in found[:most]]
