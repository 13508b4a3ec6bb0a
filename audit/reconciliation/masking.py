"""Names of files and accounts without what they may say about a person; shown whole only on request (SEC-02)."""

from __future__ import annotations

import re

from audit.reconciliation.models import LogKind

_FOLDERS = re.compile(r"[\\/]")
_HIDDEN = "●●●"


def masked(name: str, log_kind: str) -> str:
    """A file without its folders and with the first letter and the ending of its name. Tables of a database say nothing."""
    if log_kind != LogKind.TAKEOUT or not name:
        return name
    last = _FOLDERS.split(name)[-1]
    stem, dot, ending = last.rpartition(".")
    if not dot or len(ending) > 5:
        stem, ending = last, ""
    return f"{stem[:1]}{_HIDDEN}{'.' if ending else ''}{ending}"


def masked_account(name: str) -> str:
    """An account with its first and its last letter: enough to see that a column holds accounts, and which kind."""
    return f"{name[:1]}{_HIDDEN}{name[-1:] if len(name) > 2 else ''}" if name else ""
