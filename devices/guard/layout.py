"""How the CSV file of the list is written: a mapping that operations edit, as data, because its layout is the product's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg import sql

from devices.guard.models import Mode
from portal.fulfilment.mappings import Column

ENCODINGS = {
    "cp932": "Shift_JIS (CP932)",
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16-le": "UTF-16",
}
_BOMS = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe"}
FIXED, MODE = "fixed", "mode"

_MACS = {
    "": "upper(listed.mac)",
    "xx:xx": "listed.mac",
    "XX-XX": "upper(replace(listed.mac, ':', '-'))",
    "xx-xx": "replace(listed.mac, ':', '-')",
    "XXXXXXXXXXXX": "upper(replace(listed.mac, ':', ''))",
    "xxxxxxxxxxxx": "replace(listed.mac, ':', '')",
    "xxxx.xxxx.xxxx": "regexp_replace(replace(listed.mac, ':', ''), '^(.{4})(.{4})', '\\1.\\2.')",
}
_DAYS = {"": "YYYY-MM-DD", "YYYY-MM-DD": "YYYY-MM-DD", "YYYY/MM/DD": "YYYY/MM/DD", "YYYYMMDD": "YYYYMMDD"}
_APPROVED = "to_char(listed.approved_at AT TIME ZONE 'Asia/Tokyo', '{}')"
_ENDS = "coalesce(to_char(listed.valid_until, '{}'), '')"


@dataclass(frozen=True)
class Field:
    """A value that a column may hold: SQL by format. None: the format is a text of its own."""

    label: Any
    by_format: Mapping[str, str] | None


FIELDS: dict[str, Field] = {
    "mac": Field(gettext_lazy("MAC address"), _MACS),
    "ip": Field(gettext_lazy("IP address"), {"": "host(listed.ip)"}),
    "name": Field(gettext_lazy("Computer name"), {"": "listed.name", "lower": "lower(listed.name)"}),
    "kind": Field(gettext_lazy("Code of the kind of machine"), {"": "listed.kind"}),
    "organisation": Field(gettext_lazy("Code of the organisation"), {"": "organisation.code"}),
    "segment": Field(gettext_lazy("Segment"), {"": "listed.segment"}),
    "vlan": Field(gettext_lazy("VLAN"), {"": "coalesce(listed.vlan::text, '')"}),
    "approved_on": Field(
        gettext_lazy("Day of the approval"), {name: _APPROVED.format(form) for name, form in _DAYS.items()}
    ),
    "valid_until": Field(
        gettext_lazy("Last day of validity"), {name: _ENDS.format(form) for name, form in _DAYS.items()}
    ),
    MODE: Field(gettext_lazy("Cut off or monitor mode (format: two texts, such as 1/0)"), None),
    FIXED: Field(gettext_lazy("Fixed text (the text is the format)"), None),
}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The whole mapping. The portal's own until operations save one."""

    encoding: str = "cp932"
    delimiter: str = ","
    has_header: bool = True
    quote_all: bool = False
    columns: tuple[Column, ...] = (
        Column(heading="MACアドレス", field="mac"),
        Column(heading="IPアドレス", field="ip"),
        Column(heading="コンピュータ名", field="name"),
        Column(heading="種別", field="kind"),
        Column(heading="連合会コード", field="organisation"),
        Column(heading="セグメント", field="segment"),
        Column(heading="許可日", field="approved_on", format="YYYY/MM/DD"),
        Column(heading="有効期限", field="valid_until", format="YYYY/MM/DD"),
        Column(heading="遮断", field=MODE, format="1/0"),
    )

    def to_json(self) -> dict[str, Any]:
        """For ExportMapping.definition."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layout:
        """What `to_json` wrote."""
        return cls(**{**data, "columns": tuple(Column(**column) for column in data["columns"])})

    def head(self) -> bytes:
        """The mark of the encoding and the headings."""
        line = io.StringIO()
        if self.has_header:
            quoting: Any = csv.QUOTE_ALL if self.quote_all else csv.QUOTE_MINIMAL
            writer = csv.writer(line, delimiter=self.delimiter, quoting=quoting, lineterminator="\n")
            writer.writerow([column.heading for column in self.columns])
        return _BOMS.get(self.encoding, b"") + self.encoded(line.getvalue().encode())

    def encoded(self, block: bytes) -> bytes:
        """Lines of the database, which are UTF-8 and end in a line feed, as the file has them."""
        block = block.replace(b"\n", b"\r\n")
        if self.encoding in ("utf-8", "utf-8-sig"):
            return block
        return block.decode().encode(self.encoding)

    def expressions(self, modes: Mapping[str, str]) -> Iterator[sql.Composable]:
        """Each column as the database writes it."""
        for column in self.columns:
            known = FIELDS[column.field].by_format
            if known is not None:
                yield sql.SQL(known[column.format])  # type: ignore[arg-type]
            elif column.field == FIXED:
                yield sql.SQL("{}::text").format(sql.Literal(column.format))
            else:
                yield _mode(column.format, modes)


def _mode(texts: str, modes: Mapping[str, str]) -> sql.Composable:
    cut, watched = texts.split("/")
    codes = sorted(code for code, mode in modes.items() if mode == Mode.BLOCK)
    return sql.SQL("CASE WHEN organisation.code = ANY({}::text[]) THEN {} ELSE {} END").format(
        sql.Literal(codes), sql.Literal(cut), sql.Literal(watched)
    )


def problem_of(column: Column) -> str:
    """Why a column cannot be written; "" when it can."""
    known = FIELDS[column.field].by_format
    if column.field == MODE and column.format.count("/") != 1:
        return _(
            "Enter the text for cut off and the text for monitor mode with a slash between them, such as 1/0."
        )
    if known is None or column.format in known:
        return ""
    formats = ", ".join(name for name in known if name)
    if not formats:
        return _("This value has no format. Leave it empty.")
    return _("Enter one of these formats, or leave it empty: %(formats)s") % {"formats": formats}
