"""A row of a register as HTML, and a select: made in Python, so what a template would escape is proven here."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.html import format_html

from portal.common.tables import Column, Table, link


def row_of(value: Any, **fields: Any) -> str:
    """One row whose second cell holds the value."""
    columns = [
        Column[Any](name="key", label="Key", text=lambda _row: "<k>"),
        Column[Any](name="value", label='A "value"', text=lambda _row: value, **fields),
    ]
    shown = Table[Any](name="t", url_name="home", columns=columns).with_columns(None)
    return "".join(shown.rows([object()]))


def test_text_of_a_row_is_escaped_and_html_of_a_cell_is_not() -> None:
    assert "&lt;k&gt;</th>" in row_of("<b>")
    assert ">&lt;b&gt;</td>" in row_of("<b>")
    assert "><b>&amp;</b></td>" in row_of("x", cell=lambda _row: format_html("<b>{}</b>", "&"))


def test_a_cell_says_its_label_and_its_class() -> None:
    assert 'class="u-num" data-l="A &quot;value&quot;">7</td>' in row_of(7, css="u-num")
    assert "data-l" not in row_of("x", css="who")
    assert "data-l" not in row_of("x", css="st")


def test_an_empty_cell_shows_a_dash_and_leaves_a_card() -> None:
    for nothing in (None, ""):
        assert ' data-empty><span class="u-sub">–</span></td>' in row_of(nothing)
    assert "data-empty" not in row_of(0)
    assert "data-empty" not in row_of(None, css="st")


def test_days_and_numbers_are_shown_as_the_pages_show_them() -> None:
    assert "2026年12月1日" in row_of(dt.date(2026, 12, 1))


def test_a_row_leads_to_its_page_by_an_escaped_word() -> None:
    assert link("application_detail", "A-2026-000001", "<b>") == (
        '<a class="u-mono u-nowrap" href="/applications/A-2026-000001/">&lt;b&gt;</a>'
    )


def test_a_select_is_escaped_and_knows_what_is_chosen_and_what_is_grouped() -> None:
    class Form(forms.Form):
        one = forms.ChoiceField(
            required=False,
            choices=[("", "All"), ("<", 'A & "B"'), ("Group <1>", [("2", "Two")])],
            widget=forms.Select(attrs={"class": "c-input", "disabled": True, "data-x": False}),
        )

    html = str(Form(initial={"one": "2"})["one"])

    assert html == (
        '<select name="one" class="c-input" id="id_one" disabled><option value="">All</option>'
        '<option value="&lt;">A &amp; &quot;B&quot;</option>'
        '<optgroup label="Group &lt;1&gt;"><option value="2" selected>Two</option></optgroup></select>'
    )
