"""What people call that of which layouts are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.imports.layout import AUTO, CP932, EPOCH, ISO, SLASHES, UTF8

ENCODINGS: Mapping[str, Any] = {
    AUTO: _("UTF-8 or Shift_JIS, found out"),
    UTF8: "UTF-8",
    CP932: "Shift_JIS (CP932)",
}
DELIMITERS: Mapping[str, Any] = {",": _("comma"), "\t": _("tab")}
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
