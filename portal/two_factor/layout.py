"""How a batch file is written and an acknowledgement file is read: a mapping that operations edit, as data (ADR 0014)."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import jaconv
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.time import JST
from portal.fulfilment.mappings import Column
from portal.gateways.two_factor import Action, Person

ENCODINGS = {"cp932": "Shift_JIS (CP932)", "utf-8": "UTF-8", "utf-8-sig": "UTF-8 (BOM)", "utf-16": "UTF-16"}
REFERENCE = "reference"
FIXED = "fixed"
DATES = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYY/MM/DD": "%Y/%m/%d",
    "YYYYMMDD": "%Y%m%d",
    "YYYYMMDDhhmmss": "%Y%m%d%H%M%S",
}
TEXTS: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "halfwidth": lambda text: jaconv.z2h(text, ascii=True, digit=True, kana=True),
}


@dataclass(frozen=True)
class Field:
    """A value that a column may hold. `formats` are the formats that it knows besides none; None: any text."""

    label: Any
    formats: tuple[str, ...] | None = tuple(TEXTS)


FIELDS: dict[str, Field] = {
    REFERENCE: Field(
        gettext_lazy("Reference of the row (comes back in the acknowledgement)"), ("upper", "lower")
    ),
    "action": Field(gettext_lazy("What to do"), ()),
    "external_id": Field(gettext_lazy("objectGUID")),
    "login_name": Field(gettext_lazy("Login name")),
    "principal_name": Field(gettext_lazy("Principal name")),
    "display_name": Field(gettext_lazy("Display name")),
    "family_name": Field(gettext_lazy("Family name")),
    "given_name": Field(gettext_lazy("Given name")),
    "kana": Field(gettext_lazy("Display name (kana)")),
    "department": Field(gettext_lazy("Department")),
    "organisation_code": Field(gettext_lazy("Code of the organisation")),
    "organisation_name": Field(gettext_lazy("Name of the organisation")),
    "enabled": Field(gettext_lazy("In use (format: yes/no, such as 1/0)"), None),
    "batch": Field(gettext_lazy("Number of the batch"), ()),
    "written_on": Field(gettext_lazy("Date of the batch"), tuple(DATES)),
    FIXED: Field(gettext_lazy("Fixed text (the text is the format)"), None),
}


@dataclass(frozen=True, kw_only=True)
class Answers:
    """How an acknowledgement file is read. A column is named by its heading, or by its number from 1 without headings."""

    encoding: str = "cp932"
    delimiter: str = ","
    has_header: bool = True
    key: str = "照合番号"
    result: str = "結果"
    reason: str = "理由"
    done: tuple[str, ...] = ("OK", "0", "正常")
    refused: tuple[str, ...] = ("NG", "1", "異常")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The whole mapping."""

    prefix: str = "kokuho"
    encoding: str = "cp932"
    delimiter: str = ","
    has_header: bool = True
    quote_all: bool = False
    columns: tuple[Column, ...] = (
        Column(heading="照合番号", field=REFERENCE),
        Column(heading="処理区分", field="action"),
        Column(heading="利用者ID", field="external_id"),
        Column(heading="ログイン名", field="login_name"),
        Column(heading="氏名", field="display_name"),
        Column(heading="カナ", field="kana"),
        Column(heading="所属", field="department"),
        Column(heading="連合会コード", field="organisation_code"),
        Column(heading="有効", field="enabled", format="1/0"),
    )
    actions: Mapping[str, str] = field(
        default_factory=lambda: {"add": "A", "change": "U", "disable": "S", "enable": "R", "remove": "D"}
    )
    answers: Answers = Answers()

    def to_json(self) -> dict[str, Any]:
        """For ExchangeMapping.definition."""
        return {**asdict(self), "actions": dict(self.actions)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layout:
        """What `to_json` wrote."""
        answers = dict(data["answers"])
        for name in ("done", "refused"):
            answers[name] = tuple(answers[name])
        columns = tuple(Column(**column) for column in data["columns"])
        return cls(**{**data, "columns": columns, "answers": Answers(**answers)})

    def file_name(self, number: int) -> str:
        """The name of a batch, the same whenever it is asked for."""
        return f"{self.prefix}-{number:06d}.csv"


@dataclass(frozen=True, kw_only=True)
class RowData:
    """What a row is rendered from."""

    reference: str
    action: Action
    person: Person


@dataclass(frozen=True, kw_only=True)
class BatchData:
    """What all rows of a batch share."""

    number: int
    created_at: datetime


class Unwritable(Exception):
    """A row cannot be written with this layout; `reason` is a sentence for operations."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def render_row(layout: Layout, batch: BatchData, row: RowData) -> str:
    """One line of the file, with its end. Raises Unwritable, naming the character that the encoding lacks."""
    cells = [_cell(layout, batch, row, column) for column in layout.columns]
    for column, cell in zip(layout.columns, cells, strict=True):
        for character in cell:
            if not _can_encode(character, layout.encoding):
                text = _(
                    "The character %(character)s of the column %(column)s does not exist in %(encoding)s."
                )
                names = {
                    "character": character,
                    "column": column.heading,
                    "encoding": ENCODINGS[layout.encoding],
                }
                raise Unwritable(text % names)
    return _line(layout, cells)


def render_file(layout: Layout, batch: BatchData, rows: Sequence[RowData]) -> bytes:
    """The file of a batch. The same rows and layout give the same bytes. Raises Unwritable."""
    header = _line(layout, [column.heading for column in layout.columns]) if layout.has_header else ""
    text = header + "".join(render_row(layout, batch, row) for row in rows)
    return text.encode(layout.encoding)


def digest(data: bytes | str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def format_problem(name: str, chosen: str) -> str:
    """Why a field cannot have this format; "" when it can."""
    known = FIELDS[name].formats
    if name == "enabled" and chosen.count("/") != 1:
        return _("Enter the text for yes and the text for no with a slash between them, such as 1/0.")
    if known is None or not chosen or chosen in known:
        return ""
    if not known:
        return _("This value has no format. Leave it empty.")
    return _("Enter one of these formats, or leave it empty: %(formats)s") % {"formats": ", ".join(known)}


def _cell(layout: Layout, batch: BatchData, row: RowData, column: Column) -> str:
    if column.field == FIXED:
        return column.format
    if column.field == REFERENCE:
        return TEXTS[column.format](row.reference) if column.format else row.reference
    if column.field == "action":
        return layout.actions[row.action]
    if column.field == "batch":
        return str(batch.number)
    if column.field == "written_on":
        return f"{batch.created_at.astimezone(JST):{DATES[column.format or 'YYYY-MM-DD']}}"
    if column.field == "enabled":
        return column.format.split("/")[0 if row.person.enabled else 1]
    value = str(getattr(row.person, column.field))
    return TEXTS[column.format](value) if column.format else value


def _line(layout: Layout, cells: Sequence[str]) -> str:
    out = io.StringIO()
    quoting: Any = csv.QUOTE_ALL if layout.quote_all else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=layout.delimiter, quoting=quoting, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _can_encode(character: str, encoding: str) -> bool:
    if character.isascii():
        return True
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
