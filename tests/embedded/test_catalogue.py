"""The compiler of translations gives Django what msgfmt would."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from portal.embedded.catalogue import CatalogueError, compile_file, read

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'


def compiled(tmp_path: Path, body: str) -> gettext.GNUTranslations:
    path = tmp_path / "django.po"
    path.write_text(HEADER + body, encoding="utf-8")
    with compile_file(path).open("rb") as made:
        return gettext.GNUTranslations(made)


def test_plain_plural_context_and_escaped_texts(tmp_path: Path) -> None:
    catalogue = compiled(
        tmp_path,
        'msgid "Approve"\nmsgstr "承認"\n\n'
        'msgctxt "noun"\nmsgid "Return"\nmsgstr "返却"\n'
        '#: a.py:1\n#, python-format\nmsgid "%(n)d day"\nmsgid_plural "%(n)d days"\nmsgstr[0] "%(n)d日"\n\n'
        'msgid ""\n"two \\"quoted\\"\\n"\n"lines"\nmsgstr "二行"\n',
    )

    assert catalogue.gettext("Approve") == "承認"
    assert catalogue.pgettext("noun", "Return") == "返却"
    assert catalogue.ngettext("%(n)d day", "%(n)d days", 3) == "%(n)d日"
    assert catalogue.gettext('two "quoted"\nlines') == "二行"


def test_fuzzy_empty_and_obsolete_entries_are_not_shown(tmp_path: Path) -> None:
    catalogue = compiled(
        tmp_path,
        '#, fuzzy\nmsgid "A"\nmsgstr "誤"\n\nmsgid "B"\nmsgstr ""\n\n#~ msgid "C"\n#~ msgstr "古"\n\nmsgid "D"\nmsgstr "四"\n',
    )

    assert [catalogue.gettext(text) for text in "ABCD"] == ["A", "B", "C", "四"]


def test_gaps_are_found_by_entry(tmp_path: Path) -> None:
    path = tmp_path / "django.po"
    path.write_text(
        HEADER + '#, fuzzy\nmsgid "A"\nmsgstr "誤"\n\nmsgid "B"\nmsgstr ""\n\nmsgid "D"\nmsgstr "四"\n'
    )

    assert [entry.source for entry in read(path) if entry.source and not entry.complete] == ["A", "B"]


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "django.po"
    path.write_text('msgid "A"\nmsgstr "B\n')

    with pytest.raises(CatalogueError, match=r"django\.po:2"):
        list(read(path))
