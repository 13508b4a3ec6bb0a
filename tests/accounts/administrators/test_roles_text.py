"""Roles as one line of text: a cell of a workbook, a value of JSON, a table of boxes (ORG-03)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.http import QueryDict

from accounts.administrators import roles
from accounts.administrators.fields import RolesField, RolesWidget
from portal.orgs.assignments import Term
from portal.orgs.permissions import Role

EVERY = list(Role)
MARCH, DECEMBER = dt.date(2027, 3, 31), dt.date(2026, 12, 1)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("承認者", [Term(role="APPROVER")]),
        ("approver", [Term(role="APPROVER")]),
        (
            "承認者；申請者（2027-03-31まで）",
            [Term(role="APPLICANT", valid_until=MARCH), Term(role="APPROVER")],
        ),
        ("申請者(令和8年12月1日から)", [Term(role="APPLICANT", valid_from=DECEMBER)]),
        (
            "申請者 (R8.12.1から2027/3/31まで)",
            [Term(role="APPLICANT", valid_from=DECEMBER, valid_until=MARCH)],
        ),
        ("申請者(2026/12/1～2027/3/31)", [Term(role="APPLICANT", valid_from=DECEMBER, valid_until=MARCH)]),
        ("APPLICANT(..R9.3.31)", [Term(role="APPLICANT", valid_until=MARCH)]),
        ("承認者、申請者", [Term(role="APPLICANT"), Term(role="APPROVER")]),
        ("なし", []),
        ("", []),
    ],
)
def test_roles_are_read_as_people_write_them_and_written_strictly(text: str, terms: list[Term]) -> None:
    found = roles.parse(text, EVERY)

    assert found == terms
    assert roles.read(roles.strict(found)) == terms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("王様", "王様"),
        ("承認者;承認者", "2回"),
        ("承認者(2027-03-31)", "読めません"),
        ("承認者(あしたまで)", "読めません"),
        ("承認者()", "読めません"),
        ("承認者(2027-03-31から2026-12-01まで)", "前"),
        ("承認者(2027-03-31まで", "承認者(2027-03-31まで"),
        ("監査確認者", "監査確認者"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(roles.Unreadable) as refused:
        roles.parse(text, [Role.APPLICANT, Role.APPROVER])

    assert said in refused.value.reason


def test_the_table_of_boxes_gives_the_same_text() -> None:
    data = QueryDict("r-shown=1&r-APPROVER=1&r-APPLICANT=1&r-APPLICANT-until=R9.3.31&r-USER-from=2026/12/1")

    typed = RolesWidget().value_from_datadict(data, {}, "r")

    field = RolesField()
    field.offer(EVERY)
    assert field.clean(typed) == "APPLICANT(..2027-03-31);APPROVER"


def test_a_table_without_a_tick_says_no_role_and_no_table_says_nothing() -> None:
    widget = RolesWidget()

    assert widget.value_from_datadict(QueryDict("r-shown=1"), {}, "r") == roles.NONE
    assert not widget.value_from_datadict(QueryDict(""), {}, "r")
    assert widget.value_from_datadict({"r": "承認者"}, {}, "r") == "承認者"


def test_days_that_are_none_stay_in_the_table_as_they_were_typed() -> None:
    widget = RolesWidget()
    widget.roles = EVERY
    data = QueryDict("r-shown=1&r-APPROVER=1&r-APPROVER-until=kinou")

    html = widget.render("r", widget.value_from_datadict(data, {}, "r"), {"id": "id_r"})

    assert 'value="kinou"' in html
    assert html.count("checked") == 1


def test_text_that_is_no_table_is_shown_as_it_was_written() -> None:
    widget = RolesWidget()
    widget.roles = EVERY

    assert "王様 &lt;b&gt;" in widget.render("r", "王様 <b>", {"id": "id_r"})
