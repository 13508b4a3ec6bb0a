"""How the files of SKYSEA are written and read: headings and words as data, because the layout is the vendor's (DEV-13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext_lazy as _

from devices.fields import folded
from devices.permits.source import TABLE_2_33, DeviceKind, Grant

ORDERS, REGISTER, ALERTS = "orders", "register", "alerts"
ENCODINGS = {"cp932": "Shift_JIS (CP932)", "utf-8-sig": "UTF-8 (BOM)", "utf-8": "UTF-8", "utf-16": "UTF-16"}
DELIMITERS = {",": _("Comma"), "\t": _("Tab"), ";": _("Semicolon")}

FILES: Mapping[str, Any] = {
    ORDERS: _("File for SKYSEA: what to register and remove"),
    REGISTER: _("File of SKYSEA: what is registered and when it was used"),
    ALERTS: _("File of SKYSEA: alerts"),
}
LABELS: Mapping[str, Any] = {
    "action": _("What to do"),
    "number": _("Device number"),
    "organisation": _("Code of the organisation"),
    "kind": _("Kind of device"),
    "maker": _("Maker"),
    "model": _("Model"),
    "serial": _("Serial number"),
    "grant": _("Grant"),
    "computers": _("Machines"),
    "end_user": _("User of the device"),
    "valid_until": _("Valid until"),
    "application": _("Application"),
    "used": _("Last used"),
    "reference": _("Number of the alert"),
    "at": _("Time"),
    "alert": _("Kind of alert"),
    "computer": _("Computer name"),
    "person": _("Who used it"),
    "detail": _("Detail"),
}
_DEVICE = ("kind", "maker", "model", "serial")
FIELDS: Mapping[str, tuple[str, ...]] = {
    ORDERS: (
        "action",
        "number",
        "organisation",
        *_DEVICE,
        "grant",
        "computers",
        "end_user",
        "valid_until",
        "application",
    ),
    REGISTER: ("number", "organisation", *_DEVICE, "grant", "computers", "used"),
    ALERTS: ("reference", "organisation", "at", "alert", "computer", *_DEVICE, "person", "detail"),
}
# Without these a file says nothing.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    ORDERS: ("action", "number", "serial", "grant"),
    REGISTER: ("serial",),
    ALERTS: ("at", "alert", "computer"),
}

ACTIONS = {"REGISTER": _("register"), "REMOVE": _("remove")}
ALERT_WORDS = {
    "UNREGISTERED": _("device that is not in the register"),
    "FORBIDDEN": _("forbidden device"),
    "WRITE": _("writing to a medium"),
}
WORDS: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "action": (_("Words for what to do"), ACTIONS),
    "kind": (_("Words for kinds of devices"), dict(DeviceKind.choices)),
    "grant": (_("Words for grants"), dict(Grant.choices)),
    "alert": (_("Words for kinds of alerts"), ALERT_WORDS),
}

_HEADINGS: Mapping[str, Mapping[str, str]] = {
    ORDERS: {
        "action": "処理区分",
        "number": "管理番号",
        "organisation": "連合会コード",
        "kind": "デバイス種別",
        "maker": "メーカー",
        "model": "型番",
        "serial": "シリアル番号",
        "grant": "利用権限",
        "computers": "利用可能コンピューター",
        "end_user": "利用者",
        "valid_until": "有効期限",
        "application": "申請番号",
    },
    REGISTER: {
        "number": "管理番号",
        "organisation": "連合会コード",
        "kind": "デバイス種別",
        "maker": "メーカー",
        "model": "型番",
        "serial": "シリアル番号",
        "grant": "利用権限",
        "computers": "利用可能コンピューター",
        "used": "最終利用日時",
    },
    ALERTS: {
        "reference": "アラート番号",
        "organisation": "連合会コード",
        "at": "発生日時",
        "alert": "アラート種別",
        "computer": "コンピューター名",
        "kind": "デバイス種別",
        "maker": "メーカー",
        "model": "型番",
        "serial": "シリアル番号",
        "person": "ログオンユーザー",
        "detail": "詳細",
    },
}


@dataclass(frozen=True)
class Column:
    """One column: its heading in the file, and what stands in it."""

    field: str
    heading: str


def _default_columns() -> dict[str, tuple[Column, ...]]:
    return {of: tuple(Column(*pair) for pair in headings.items()) for of, headings in _HEADINGS.items()}


def _default_words() -> dict[str, dict[str, tuple[str, ...]]]:
    grants = {
        Grant.FORBIDDEN: ("利用禁止", "禁止"),
        Grant.READ_ONLY: ("読み取り専用", "読取専用"),
        Grant.READ_WRITE: ("読み書き可能", "読み書き可"),
        Grant.WRITE: ("書き込み許可", "書込許可"),
        Grant.USE: ("利用可能", "利用可"),
    }
    return {
        "action": {"REGISTER": ("登録",), "REMOVE": ("削除",)},
        "kind": {str(kind): row.words[:2] for kind, row in TABLE_2_33.items()},
        "grant": {str(grant): words for grant, words in grants.items()},
        "alert": {
            "UNREGISTERED": ("台帳登録外デバイス接続", "台帳登録外デバイス接続時"),
            "FORBIDDEN": ("禁止デバイス利用", "禁止デバイス利用時"),
            "WRITE": ("記憶媒体/メディア書き込み", "記憶媒体/メディア書き込み時"),
        },
    }


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The whole mapping. The portal brings one that operations change when the vendor's layout is known."""

    encoding: str = "cp932"
    delimiter: str = ","
    separator: str = ";"  # between the machines of one cell
    columns: Mapping[str, tuple[Column, ...]] = field(default_factory=_default_columns)
    words: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=_default_words)

    def to_json(self) -> dict[str, Any]:
        """For SkyseaMapping.definition; columns are lists, because the database keeps no order of keys."""
        return {
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "separator": self.separator,
            "columns": {of: [[c.field, c.heading] for c in columns] for of, columns in self.columns.items()},
            "words": {of: {code: list(w) for code, w in words.items()} for of, words in self.words.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layout:
        """What `to_json` wrote."""
        columns = {of: tuple(Column(*pair) for pair in pairs) for of, pairs in data["columns"].items()}
        words = {of: {c: tuple(w) for c, w in words.items()} for of, words in data["words"].items()}
        return cls(**{**data, "columns": columns, "words": words})

    def heading(self, of: str, name: str) -> str:
        """The heading of a field in a file; "" where it has no column."""
        return next((column.heading for column in self.columns[of] if column.field == name), "")

    def word(self, of: str, code: str) -> str:
        """How a code is written into a file."""
        return self.words[of][code][0]

    def code(self, of: str, word: str) -> str:
        """What a word of a file means; "" for a word that the mapping does not have."""
        return self._codes[of].get(folded(word), "")

    @cached_property
    def _codes(self) -> Mapping[str, Mapping[str, str]]:
        """Folded once: lists have tens of thousands of rows."""
        return {
            of: {folded(w): code for code, words in found.items() for w in words}
            for of, found in self.words.items()
        }
