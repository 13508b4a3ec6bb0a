"""How a file of the quarantine server is read: headings and words as data that operations edit, since they are the vendor's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from devices.fields import folded

# What a column can hold. One of the first two names the machine; `result` and `checked_at` must be there.
FIELDS: Mapping[str, Any] = {
    "name": _("Computer name"),
    "mac": _("MAC address"),
    "result": _("Result"),
    "checked_at": _("Last check"),
    "system": _("Windows version"),
    "agent": _("Quarantine agent"),
    "patches": _("Security patches"),
    "patterns": _("Virus patterns"),
    "skysea": _("SKYSEA agent"),
    "splunk": _("Splunk agent"),
    "patches_since": _("Missing patch delivered on"),
    "patterns_since": _("Missing pattern delivered on"),
}
REQUIRED = ("result", "checked_at")
_HEADINGS = {
    "name": "コンピュータ名",
    "mac": "MACアドレス",
    "result": "検査結果",
    "checked_at": "最終検査日時",
    "system": "OS",
    "agent": "検疫エージェント",
    "patches": "セキュリティパッチ",
    "patterns": "パターンファイル",
    "skysea": "SKYSEAエージェント",
    "splunk": "Splunkエージェント",
    "patches_since": "パッチ配信日",
    "patterns_since": "パターン配信日",
}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The whole mapping."""

    headings: Mapping[str, str] = field(default_factory=lambda: dict(_HEADINGS))  # "" for no such column
    fit: tuple[str, ...] = ("適合", "OK")
    unfit: tuple[str, ...] = ("不適合", "NG", "隔離")
    good: tuple[str, ...] = ("○", "OK", "適合", "有", "適用済み")
    bad: tuple[str, ...] = ("×", "NG", "不適合", "無", "未適用")

    def to_json(self) -> dict[str, Any]:
        """For QuarantineMapping.definition."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layout:
        """What `to_json` wrote."""
        words = {name: tuple(data[name]) for name in ("fit", "unfit", "good", "bad")}
        return cls(headings=dict(data["headings"]), **words)

    def word(self, text: str, yes: tuple[str, ...], no: tuple[str, ...]) -> bool | None:
        """What a word means; None when it means neither."""
        wanted = folded(text)
        if wanted in {folded(word) for word in yes}:
            return True
        return False if wanted in {folded(word) for word in no} else None
