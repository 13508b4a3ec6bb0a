"""How a log is read, as data: format, encoding, time, which column is which field, which word means what. What people call it: wording.

Splunk's and SKYSEA's exports are laid out by whoever exports them; headings that the mapping does not name stay unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.reconciliation.kinds import DATABASE, TAKEOUT

AUTO, UTF8, CP932 = "auto", "utf-8", "cp932"
MOST_LINES = 200  # of one record whose values hold line breaks: more is a quotation mark that is never closed
ISO, SLASHES, EPOCH = "ISO", "SLASHES", "EPOCH"

# The fields of a row in the order of the page.
FIELDS = (
    "event_at",
    "indexed_at",
    "source_id",
    "host",
    "db_name",
    "db_user",
    "os_user",
    "client",
    "program",
    "session_id",
    "action",
    "object_name",
    "target",
    "volume",
    "return_code",
    "medium_type",
    "medium_serial",
    "involves_number",
)
REQUIRED: Mapping[str, frozenset[str]] = {
    DATABASE: frozenset({"event_at", "host", "db_user", "action"}),
    TAKEOUT: frozenset({"event_at", "host", "os_user", "action", "object_name"}),
}
_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "medium_type": {
        "REMOVABLE": ("USB", "USBメモリ", "リムーバブル", "外付けHDD", "CD/DVD", "スマートフォン"),
        "NETWORK": ("ネットワーク", "共有フォルダ"),
        "PRINTER": ("プリンタ", "印刷"),
        "MAIL": ("メール",),
        "WEB": ("Web", "アップロード"),
    },
    "involves_number": {"YES": ("1", "true", "有", "あり"), "NO": ("0", "false", "無", "なし")},
}
_HEADINGS: Mapping[str, Mapping[str, str]] = {
    DATABASE: {
        "event_at": "_time",
        "indexed_at": "_indextime",
        "source_id": "event_id",
        "host": "host",
        "db_name": "db_name",
        "db_user": "db_user",
        "os_user": "os_user",
        "client": "client",
        "program": "program",
        "session_id": "session_id",
        "action": "action",
        "object_name": "object",
        "volume": "rows",
        "return_code": "return_code",
    },
    TAKEOUT: {
        "event_at": "日時",
        "host": "端末名",
        "os_user": "ログオンユーザー名",
        "program": "プロセス名",
        "action": "操作",
        "object_name": "ファイル名",
        "target": "コピー先",
        "volume": "サイズ",
        "medium_type": "媒体種別",
        "medium_serial": "シリアル番号",
    },
}


@dataclass(frozen=True)
class Layout:
    """The mapping of one log. As it stands: what the portal brings for that log."""

    log_kind: str
    headings: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: _WORDS)
    encoding: str = AUTO
    delimiter: str = ","
    time_format: str = ISO
    zone: str = "+09:00"
    skew_minutes: int = 10

    @classmethod
    def brought(cls, log_kind: str) -> Layout:
        """What holds while nobody has changed it."""
        time_format = SLASHES if log_kind == TAKEOUT else ISO
        return cls(log_kind, dict(_HEADINGS[log_kind]), time_format=time_format)

    @classmethod
    def from_json(cls, log_kind: str, definition: Mapping[str, Any]) -> Layout:
        """As a mapping keeps it."""
        words = {
            name: {code: tuple(found) for code, found in codes.items()}
            for name, codes in definition["words"].items()
        }
        plain = {name: definition[name] for name in _PLAIN}
        return cls(log_kind, dict(definition["headings"]), words, **plain)

    def to_json(self) -> dict[str, Any]:
        """As a mapping keeps it."""
        words = {
            name: {code: list(found) for code, found in codes.items()} for name, codes in self.words.items()
        }
        return {
            "headings": dict(self.headings),
            "words": words,
            **{name: getattr(self, name) for name in _PLAIN},
        }


_PLAIN = ("encoding", "delimiter", "time_format", "zone", "skew_minutes")
