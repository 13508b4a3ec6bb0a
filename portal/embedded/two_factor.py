"""The other end of the exchange folder in the embedded default: answers every file, as the two-factor system does.

    python -m portal.embedded.two_factor --dir var/two-factor

It takes each file of out/, acknowledges its rows as done in in/ and removes the file. A row whose login name begins with
"refuse" is refused, so that people can see that too. It finds the references by their form and so needs no mapping of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

_REFERENCE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-\d+)?", re.IGNORECASE)
_ENCODINGS = ("utf-8-sig", "cp932", "utf-16")
_PAUSE_SECONDS = 2.0


def answer_all(folder: Path) -> int:
    """Answer what lies there; the number of files."""
    count = 0
    with contextlib.suppress(FileNotFoundError):  # the folder is made by the first file
        for path in sorted((folder / "out").glob("*.csv")):
            rows = [*_answers(path.read_bytes())]
            out = io.StringIO()
            csv.writer(out).writerows([("照合番号", "結果", "理由"), *rows])
            _put(folder / "in" / f"ack-{path.name}", out.getvalue().encode("cp932"))
            path.unlink(missing_ok=True)
            count += 1
    return count


def _answers(data: bytes) -> Iterator[tuple[str, str, str]]:
    """One answer for each line that holds a reference, whatever the order of its columns."""
    for cells in csv.reader(io.StringIO(_decoded(data), newline="")):
        references = [cell for cell in cells if _REFERENCE.fullmatch(cell)]
        if not references:
            continue
        refused = any(cell.lower().startswith("refuse") for cell in cells)
        yield (references[0], "NG", "利用者を登録できません") if refused else (references[0], "OK", "")


def _decoded(data: bytes) -> str:
    for encoding in _ENCODINGS:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def _put(path: Path, data: bytes) -> None:
    """Whole or not at all, as an honest counterpart does."""
    part = path.with_suffix(".part")
    part.write_bytes(data)
    os.rename(part, path)


def main() -> None:
    """Answer for ever."""
    parser = argparse.ArgumentParser(prog="python -m portal.embedded.two_factor", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    folder: Path = parser.parse_args().dir
    while True:
        answer_all(folder)
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main()
