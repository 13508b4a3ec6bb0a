"""Dates, deadlines, icons and chips as pages show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from portal.common.templatetags import portal as tags
from portal.orgs.models import Organisation  # noqa: F401  (the apps are loaded)


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> dt.date:
    """A fixed today: Friday, 20 November 2026."""
    today = dt.date(2026, 11, 20)
    monkeypatch.setattr(timezone, "localdate", lambda *args, **kwargs: today)
    return today


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (dt.date(2026, 12, 1), "令和8年12月1日（火）"),
        (dt.date(2019, 4, 30), "平成31年4月30日（火）"),
        (dt.date(2019, 5, 1), "令和元年5月1日（水）"),
        (None, ""),
    ],
)
def test_dates_are_shown_in_wareki(value: dt.date | None, shown: str) -> None:
    with translation.override("ja"):
        assert render("{{ value|wareki }}", value=value) == shown


def test_dates_are_western_with_the_english_catalogue() -> None:
    with translation.override("en"):
        assert tags.wareki(dt.date(2026, 12, 1)) == "2026-12-01"
        assert tags.moment(dt.datetime(2026, 11, 20, 0, 14, tzinfo=dt.UTC)) == "2026-11-20 09:14"


def test_moments_are_told_in_japanese_time() -> None:
    with translation.override("ja"):
        assert tags.moment(dt.datetime(2026, 11, 19, 15, 30, tzinfo=dt.UTC)) == "令和8年11月20日 00:30"


def test_short_dates_name_the_year_only_when_it_is_another(day: dt.date) -> None:
    with translation.override("ja"):
        assert tags.short_date(day) == "11/20(金)"
        assert tags.short_date(dt.date(2025, 11, 20)) == "2025/11/20"
        assert tags.short_moment(dt.datetime(2026, 11, 18, 0, 0, tzinfo=dt.UTC)) == "11/18 09:00"
        assert tags.short_moment(dt.datetime(2025, 11, 18, 0, 0, tzinfo=dt.UTC)) == "2025/11/18 09:00"


@pytest.mark.parametrize(
    ("offset", "words", "state"),
    [
        (4, "4 days left", ""),
        (1, "1 day left", "near"),
        (0, "due today", "near"),
        (-1, "1 day overdue", "over"),
    ],
)
def test_deadlines_are_told_in_words(day: dt.date, offset: int, words: str, state: str) -> None:
    value = day + dt.timedelta(days=offset)

    with translation.override("en"):
        assert tags.due(value) == words
    assert tags.due_state(value) == state


def test_a_chip_has_icon_and_word_and_escapes_the_word() -> None:
    chip = render('{% status_chip "IN_REVIEW" label %}', label="<b>review</b>")

    assert 'data-s="wait"' in chip
    assert "<svg" in chip
    assert "&lt;b&gt;review&lt;/b&gt;" in chip


def test_an_unknown_status_is_still_shown() -> None:
    assert "NEW_ONE" in render('{% status_chip "NEW_ONE" %}')


def test_an_icon_with_a_meaning_has_a_name_and_a_decoration_has_none() -> None:
    assert 'role="img" aria-label="passed"' in render('{% icon "check" label="passed" %}')
    assert 'aria-hidden="true"' in render('{% icon "check" %}')


@pytest.mark.parametrize(
    "filter_", [tags.wareki, tags.moment, tags.short_date, tags.short_moment, tags.due, tags.due_state]
)
def test_no_date_is_shown_as_nothing(filter_: Callable[[None], str]) -> None:
    assert filter_(None) == ""
