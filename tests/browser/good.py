"""What every page must be: free of axe findings, no wider than its window, all in Japanese."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import Desk

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = [1280, 390]
CATALOGUE = Path(__file__).resolve().parents[2] / "locale" / "ja" / "LC_MESSAGES" / "django.po"
_SEEN = Path(__file__).with_name("seen.js").read_text()
# What depends on the room that there is; colours are judged look by look.
_OF_LAYOUT = ["target-size", "scrollable-region-focusable"]
# What compares a part of the page with the others.
_OF_THE_WHOLE = [
    "accesskeys",
    "heading-order",
    "landmark-no-duplicate-banner",
    "landmark-no-duplicate-contentinfo",
    "landmark-unique",
    "region",
]
# Only what is wrong comes back: the thousands of checks that passed take longer to describe than to make. Nothing is
# loaded for them beforehand: style sheets only serve a rule about turned screens, which is not among the tags.
_RUN_AXE = """async ({only, frameToo, whole}) => {
    const options = {rules: {"color-contrast": {enabled: false}}, resultTypes: ["violations"], preload: false};
    const frame = [...document.querySelectorAll(".l-head, .l-nav, .l-nav-m, .l-foot")];
    const parts = frameToo || !frame.length ? document : {exclude: frame};
    const found = [await axe.run(parts, {runOnly: only, ...options})];
    if (parts !== document && whole.length) found.push(await axe.run({runOnly: whole, ...options}));
    return found.flatMap(part => part.violations.map(rule => [rule.id, rule.nodes.map(node => node.target)]));
}"""
_JUDGE_LOOKS = """looks => axe
    .run(
        {include: looks.flatMap(look => textsOfLook.get(look))},
        {runOnly: ["color-contrast"], resultTypes: ["violations", "passes"], preload: false},
    )
    .then(found => {
        const nodes = found.passes.flatMap(rule => rule.nodes);
        const passed = new Set(nodes.map(node => document.querySelector(node.target[0])));
        return {
            wrong: found.violations.map(rule => [rule.id, rule.nodes.map(node => node.target)]),
            good: looks.filter(look => textsOfLook.get(look).some(text => passed.has(text))),
        };
    })"""
# Found good by axe on a page of this run: looks of texts, kinds of elements that one of the widths has alone, and at
# which width head, menu and foot as they are.
_good_looks: set[str] = set()
_good_kinds: set[str] = set()
_good_frames: set[tuple[int, str]] = set()


@cache
def english_msgids() -> frozenset[str]:
    """Every English text of two words and more that the catalogue translates."""
    text = CATALOGUE.read_text()
    found = re.findall(r'^msgid "(.+)"$', text, re.MULTILINE)
    return frozenset(msgid for msgid in found if " " in msgid and msgid.isascii() and "%" not in msgid)


def findings(page: Page) -> list[Any]:
    """What is wrong with the page as it is drawn now: rule and places of axe's findings, and what else a page must be.

    At the first width every rule is asked. At the next ones those that depend on the room, and every rule again where
    elements came or went of a kind that was not judged so before. Head, menu and foot are judged on the first page that
    has them so.
    """
    seen = page.evaluate(_SEEN)
    size = page.viewport_size
    assert size is not None
    kinds = set(seen["changed"]) - _good_kinds
    every = size["width"] == WIDTHS[0] or bool(kinds)
    frame = (size["width"], seen["frame"])
    found: list[Any] = page.evaluate(
        _RUN_AXE,
        {
            "only": TAGS if every else _OF_LAYOUT,
            "frameToo": bool(kinds) or frame not in _good_frames,
            "whole": _OF_THE_WHOLE if every else [],
        },
    )
    if not found:
        _good_frames.add(frame)
        if size["width"] != WIDTHS[0]:
            _good_kinds.update(kinds)
    found += _colours(page, set(seen["looks"]))
    if seen["wide"]:
        found.append("scrolls sideways")
    lines = {line.strip() for line in seen["text"].splitlines()}
    return found + sorted(lines & english_msgids())


def _colours(page: Page, looks: set[str]) -> list[Any]:
    """What axe says about the contrast of looks that it has not found good yet."""
    new = sorted(looks - _good_looks)
    if not new:
        return []
    judged = page.evaluate(_JUDGE_LOOKS, new)
    found: list[Any] = judged["wrong"]
    if not found:
        _good_looks.update(judged["good"])
    return found


def expect_good(desk: Desk, path: str) -> None:
    """A page that answers 200 and is good."""
    desk.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    desk.open(path)
    assert desk.page.url == desk.address + path, "led to another page"
    expect_good_here(desk)


def expect_good_here(desk: Desk) -> None:
    """The page as it stands, drawn at both widths; the window stays at the narrow one."""
    for width in WIDTHS:
        desk.page.set_viewport_size({"width": width, "height": 900})
        assert findings(desk.page) == [], f"{desk.page.url} at {width}"
