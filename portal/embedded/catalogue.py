"""Translations: compiles .po to .mo without gettext, and finds what is not translated.

    python -m portal.embedded.catalogue compile    every locale/*/LC_MESSAGES/*.po
    python -m portal.embedded.catalogue check      extract anew in a copy; untranslated or fuzzy entries are errors

Compiling is our own because a fresh machine has no msgfmt, and without .mo files the screens would be English.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_LINE = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s+(".*")')
_MAGIC = 0x950412DE


@dataclass
class Entry:
    """One message. `texts` are the translations, one for each plural form."""

    line: int
    fuzzy: bool = False
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The English text; "" for the header."""
        return self.parts.get("msgid", "")

    @property
    def texts(self) -> list[str]:
        """The translations in the order of the plural forms."""
        return [text for name, text in sorted(self.parts.items()) if name.startswith("msgstr")]

    @property
    def complete(self) -> bool:
        """Whether it would be shown translated."""
        return not self.fuzzy and all(self.texts)

    @property
    def key(self) -> str:
        """How a .mo file names it."""
        context = f"{self.parts['msgctxt']}\x04" if "msgctxt" in self.parts else ""
        plural = f"\x00{self.parts['msgid_plural']}" if "msgid_plural" in self.parts else ""
        return f"{context}{self.source}{plural}"


class CatalogueError(Exception):
    """A .po file that cannot be read; names file and line."""


def read(path: Path) -> Iterator[Entry]:
    """The live entries of a .po file, the header (empty source) first."""
    entry, name = None, ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            # A comment after the translation belongs to the next entry.
            if entry is not None and any(part.startswith("msgstr") for part in entry.parts):
                yield entry
                entry = None
            if line.startswith("#,"):
                entry = entry or Entry(number)
                entry.fuzzy = entry.fuzzy or "fuzzy" in line
            continue
        found = _LINE.fullmatch(line)
        if found is None and not (line.startswith('"') and entry is not None and name):
            raise CatalogueError(f"{path}:{number}: not understood: {line}")
        if found is None:
            assert entry is not None
            entry.parts[name] += _unquote(line)
            continue
        name = found[1]
        if (
            entry is not None
            and name in ("msgctxt", "msgid")
            and any(p.startswith("msgstr") for p in entry.parts)
        ):
            yield entry
            entry = None
        entry = entry or Entry(number)
        entry.parts[name] = _unquote(found[2])
    if entry is not None and entry.parts:
        yield entry


def compile_file(path: Path) -> Path:
    """Write the .mo file beside the .po file. Fuzzy and empty entries are left out, as msgfmt does."""
    pairs = sorted(
        (entry.key.encode(), "\x00".join(entry.texts).encode())
        for entry in read(path)
        if entry.complete or not entry.source
    )
    table, body = [], b""
    start = 28 + 16 * len(pairs)
    for side in (0, 1):
        for pair in pairs:
            table += [len(pair[side]), start + len(body)]
            body += pair[side] + b"\x00"
    head = struct.pack("<7I", _MAGIC, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    made = path.with_suffix(".mo")
    part = path.with_suffix(".mo.part")
    part.write_bytes(head + struct.pack(f"<{len(table)}I", *table) + body)
    part.replace(made)
    return made


def find_gaps() -> list[str]:
    """What a fresh extraction finds untranslated or fuzzy, as `file: message` lines.

    Raises CatalogueError when gettext is not installed.
    """
    if shutil.which("xgettext") is None:
        raise CatalogueError("xgettext is missing. As root: apt-get install gettext")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(
            ROOT,
            copy,
            ignore=shutil.ignore_patterns(".git", ".venv", "var", "*.mo", "__pycache__", ".*_cache"),
        )
        extract = [
            sys.executable,
            "manage.py",
            "makemessages",
            "--all",
            "--ignore=tests/*",
            "--ignore=portal/embedded/*.txt",
        ]
        done = subprocess.run(extract, cwd=copy, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CatalogueError(f"makemessages failed:\n{done.stderr}")
        return [
            f"{path.relative_to(copy)}: {entry.source!r}{' (fuzzy)' if entry.fuzzy else ''}"
            for path in sorted(copy.glob("locale/*/LC_MESSAGES/*.po"))
            for entry in read(path)
            if entry.source and not entry.complete and path.parts[-3] != "en"
        ]


def _unquote(text: str) -> str:
    # A .po string has C's escapes, which are Python's too.
    return str(ast.literal_eval(text))


def main() -> int:
    """Compile or check; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m portal.embedded.catalogue", description=__doc__)
    parser.add_argument("command", choices=["compile", "check"])
    try:
        if parser.parse_args().command == "compile":
            for path in sorted(ROOT.glob("locale/*/LC_MESSAGES/*.po")):
                compile_file(path)
            return 0
        gaps = find_gaps()
    except CatalogueError as problem:
        print(problem, file=sys.stderr)
        return 1
    print("\n".join(gaps) if gaps else "Every message is translated.")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
