"""What an import has to say beside its rows: how often, and on which lines first. Kept as data, worded when it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

_KEPT = 50  # lines that are named for each finding

# Lines that are not among the rows.
REFUSED: Mapping[str, Any] = {
    "UNREADABLE": _("The line is neither UTF-8 nor Shift_JIS, or holds characters that no text has."),
    "QUOTE": _(
        "A quotation mark is not closed where it should be. The line was left out; reading went on with the next one."
    ),
    "COLUMNS": _("The line has another number of columns than the headings."),
    "NO_TIME": _("The time cannot be read in the format of the mapping."),
    "OUT_OF_TIME": _("The time lies in the future or before every log that is kept."),
    "NO_HOST": _("The line names no machine."),
    "NO_NUMBER": _("The number of rows or bytes is no number."),
    "NO_MEANING": _("The mapping does not know whether this word means individual numbers."),
    "NO_JSON": _("The line is no JSON object."),
    "TOO_LONG": _("A value is longer than 4,000 characters: a quotation mark may be missing."),
    "CUT": _("The file ends in the middle of this line."),
}
# Lines that are rows nevertheless.
REMARKS: Mapping[str, Any] = {
    "OTHER_ENCODING": _("The line is in another encoding than the file. It was read in its own."),
    "SKEWED": _("The clocks of machine and collector differ by more than the mapping allows (minutes)."),
    "CONTINUED": _(
        "The line goes on with a value of the line before: together they were treated as one record."
    ),
    "TWO_WAYS": _(
        "This line and the next ones stand within quotation marks and were read as one record. Some of them look like rows: "
        "those were read as rows of their own as well. Check these lines in the log."
    ),
    "NO_LINE_END": _("The last line has no line end: the file may be incomplete."),
}


def merge(findings: dict[str, Any], problems: Iterable[tuple[int, str, str]]) -> int:
    """Add what a piece said; how many lines of it are no rows."""
    refused = 0
    for line, code, detail in problems:
        found = findings.setdefault(code, {"count": 0, "lines": []})
        found["count"] += 1
        refused += code in REFUSED
        if len(found["lines"]) < _KEPT:
            found["lines"].append([line, detail])
    return refused


def worded(findings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For the page, what is no row first."""
    return [
        {"code": code, "text": text, "refused": known is REFUSED, **findings[code]}
        for known in (REFUSED, REMARKS)
        for code, text in known.items()
        if code in findings
    ]
