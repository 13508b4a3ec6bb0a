"""How a log is read, as data: format, encoding, time, which column is which field, which word means what.

Splunk's and SKYSEA's exports are laid out by whoever exports them; headings that the mapping does not name stay unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.reconciliation.models import LogKind

AUTO, UTF8, CP932 = "auto", "utf-8", "cp932"
ENCODINGS: Mapping[str, Any] = {
    AUTO: _("UTF-8 or Shift_JIS, found out"),
    UTF8: "UTF-8",
    CP932: "Shift_JIS (CP932)",
}
DELIMITERS: Mapping[str, Any] = {",": _("comma"), "\t": _("tab")}
MOST_LINES = 200  # of one record whose values hold line breaks: more is a quotation mark that is never closed
ISO, SLASHES, EPOCH = "ISO", "SLASHES", "EPOCH"
TIMES: Mapping[str, Any] = {
    ISO: "2026-09-01 12:34:56",
    SLASHES: "2026/09/01 12:34:56",
    EPOCH: _("seconds since 1970"),
}
# Hours from UTC. Japan has no summer time, and no other clock is expected; a zone in the value itself counts before this.
ZONES: Mapping[str, Any] = {"+09:00": _("Japan (+09:00)"), "+00:00": "UTC"}

# The fields of a row in the order of the page.
LABELS: Mapping[str, Any] = {
    "event_at": _("time"),
    "indexed_at": _("time of arrival"),
    "source_id": _("number at the source"),
    "host": _("machine"),
    "db_name": _("database"),
    "db_user": _("DB user"),
    "os_user": _("OS user"),
    "client": _("client"),
    "program": _("program"),
    "session_id": _("session"),
    "action": _("action"),
    "object_name": _("object"),
    "target": _("target"),
    "volume": _("rows or bytes"),
    "return_code": _("return code"),
    "medium_type": _("kind of medium"),
    "medium_serial": _("serial number of the medium"),
    "involves_number": _("individual numbers"),
}
FIELDS = tuple(LABELS)
REQUIRED: Mapping[str, frozenset[str]] = {
    LogKind.DATABASE: frozenset({"event_at", "host", "db_user", "action"}),
    LogKind.TAKEOUT: frozenset({"event_at", "host", "os_user", "action", "object_name"}),
}
# Values that mean something to the reconciliation: which words of the log stand for them.
MEANINGS: Mapping[str, Mapping[str, Any]] = {
    "medium_type": {
        "REMOVABLE": pgettext_lazy("medium", "medium to carry away"),
        "NETWORK": pgettext_lazy("medium", "network folder"),
        "PRINTER": pgettext_lazy("medium", "printer"),
        "MAIL": pgettext_lazy("medium", "mail"),
        "WEB": pgettext_lazy("medium", "upload"),
    },
    "involves_number": {"YES": _("with individual numbers"), "NO": _("without individual numbers")},
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
    LogKind.DATABASE: {
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
    LogKind.TAKEOUT: {
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
        time_format = SLASHES if log_kind == LogKind.TAKEOUT else ISO
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
