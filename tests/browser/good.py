"""What every page must be: free of axe findings, no wider than its window, all in Japanese."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page

from tests.browser.conftest import Desk

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = [1280, 390]
CATALOGUE = Path(__file__).resolve().parents[2] / "locale" / "ja" / "LC_MESSAGES" / "django.po"
# Only what is wrong comes back: the thousands of checks that passed take longer to describe than to make.
_RUN_AXE = """tags => axe
    .run({runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]})
    .then(found => found.violations.map(rule => [rule.id, rule.nodes.map(node => node.target)]))"""


@cache
def _axe() -> str:
    return Path(AXE_FILE_PATH).read_text()


@cache
def english_msgids() -> frozenset[str]:
    """Every English text of two words and more that the catalogue translates."""
    text = CATALOGUE.read_text()
    found = re.findall(r'^msgid "(.+)"$', text, re.MULTILINE)
    return frozenset(msgid for msgid in found if " " in msgid and msgid.isascii() and "%" not in msgid)


def axe_findings(page: Page) -> list[Any]:
    """Rule and places of everything that axe finds wrong on the page as it stands."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_axe())
    found: list[Any] = page.evaluate(_RUN_AXE, TAGS)
    return found


def expect_good(desk: Desk, path: str) -> None:
    """A page that answers 200 and is good."""
    desk.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    desk.open(path)
    expect_good_here(desk)


def expect_good_here(desk: Desk) -> None:
    """The page as it stands, drawn at both widths; the window stays at the narrow one."""
    for width in WIDTHS:
        desk.page.set_viewport_size({"width": width, "height": 900})
        where = f"{desk.page.url} at {width}"
        assert axe_findings(desk.page) == [], where
        assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{where} scrolls sideways"
        )
        lines = {line.strip() for line in desk.page.inner_text("body").splitlines()}
        assert lines & english_msgids() == set(), f"{where}: not translated"
