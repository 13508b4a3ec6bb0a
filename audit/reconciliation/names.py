"""When two names of machines, accounts, media and objects are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_PARTS = re.compile(r"[\\/]")


@lru_cache(maxsize=65_536)
def name_key(name: str) -> str:
    """A name without width, case and white space at its ends."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


@lru_cache(maxsize=65_536)
def account_key(name: str) -> str:
    r"""An account without its domain: KOKUHO\tanaka and tanaka@kokuho.pr are tanaka."""
    return name_key(name).rpartition("\\")[2].partition("@")[0]


class Scope:
    """The tables and files that a work declared (R5). A name alone fits wherever it lies; none declared: everything."""

    def __init__(self, objects: Iterable[str]) -> None:
        keys = {name_key(name) for name in objects} - {""}
        self._all = not keys or "*" in keys
        self._exact = {key for key in keys if "*" not in key}
        self._heads = tuple(key[:-1] for key in keys if key.endswith("*") and key[:-1])
        self._tails = tuple(key[1:] for key in keys if key.startswith("*") and key[1:])

    def holds(self, name: str) -> bool:
        """Whether the object lies within."""
        key = name_key(name)
        if self._all or key in self._exact or key.startswith(self._heads) or key.endswith(self._tails):
            return True
        last = _PARTS.split(key)[-1]  # the file without its folder
        # The table without its owner; a file name has its dot before its ending.
        table = key.rpartition(".")[2] if last == key else last
        return last in self._exact or table in self._exact
