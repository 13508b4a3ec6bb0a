"""Who made a network card, by the first digits of its address, from a list kept inside the project (MAC-06).

The list is that of the IEEE (MA-L, MA-M, MA-S, IAB; public domain), made compact. An unknown maker is a hint, never an
error: the list grows every week. Operations bring a newer one with `manage.py update_oui`, without the internet.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from django.conf import settings

_PACKAGED = Path(__file__).with_name("oui.tsv.gz")
_LENGTHS = (9, 7, 6)  # the longest prefix knows best
_LEAST = 20_000  # a list that is much shorter is no list of the IEEE
_NAME_LENGTH = 48


class ListRefused(ValueError):
    """The files are not the lists of the IEEE."""


def vendor(mac: str) -> str:
    """The maker of a stored address; "" when the list does not know it, as for addresses made up by software."""
    digits = mac.replace(":", "").upper()
    known = _known()
    return next((known[digits[:n]] for n in _LENGTHS if digits[:n] in known), "")


def list_file() -> Path:
    """Where the list in force lies: that of operations, else the one that came with the portal."""
    own = settings.DEVICES["oui_file"]
    return Path(own) if own and Path(own).exists() else _PACKAGED


def read_ieee(texts: Iterable[str]) -> dict[str, str]:
    """Prefixes and makers from the CSV files of the IEEE. Raises ListRefused."""
    found: dict[str, str] = {}
    for text in texts:
        for row in csv.DictReader(io.StringIO(text)):
            prefix, name = (row.get("Assignment") or "").strip().upper(), row.get("Organization Name") or ""
            name = " ".join(name.split())[:_NAME_LENGTH]
            if len(prefix) in _LENGTHS and name and name != "IEEE Registration Authority":
                found[prefix] = name
    if len(found) < _LEAST or "000000" not in found:
        raise ListRefused(f"{len(found)} prefixes: these are not the lists of the IEEE")
    return found


def write_list(found: Mapping[str, str], target: Path) -> None:
    """Write the compact list, whole or not at all. The same prefixes give the same bytes."""
    text = "".join(f"{prefix}\t{name}\n" for prefix, name in sorted(found.items()))
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_suffix(".new")
    made.write_bytes(gzip.compress(text.encode(), mtime=0))
    made.replace(target)
    _known.cache_clear()


@cache
def _known() -> Mapping[str, str]:
    lines = gzip.decompress(list_file().read_bytes()).decode().splitlines()
    return dict(line.split("\t", 1) for line in lines)  # type: ignore[arg-type]
