"""New versions of the deadlines and local closures: for the future only, by two parties only, with a preview (AUD-08)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from audit.cycles import services
from audit.cycles.models import Closure, DeadlinePolicy, Step
from portal.trail.models import TrailEntry
from tests import factories
from tests.audit import world
from tests.audit.world import jst
from tests.roles import client_for

NOW = jst(2026, 9, 25, 10)
NEW = "/audit/deadlines/new/"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def values(**changed: Any) -> dict[str, Any]:
    """The default version as its form sends it, from November on."""
    found: dict[str, Any] = {"valid_from": "2026-11", "opens_day": 21, "covers_from_day": 21, "note": "試行"}
    for rule in DeadlinePolicy.objects.earliest("valid_from").steps.all():
        row = {
            name: getattr(rule, name)
            for name in (
                "month_offset", "due_day", "roll", "min_working_days",
                "escalate_owner", "escalate_supervisor", "escalate_central",
            )
        }  # fmt: skip
        row |= {"remind_before": ",".join(map(str, rule.remind_before))}
        row |= {"together": "on"} if rule.together else {}
        found |= {f"s{rule.step}-{name}": value for name, value in row.items()}
    return found | {name.replace("__", "-"): value for name, value in changed.items()}


def test_a_preview_keeps_nothing_and_shows_twelve_months() -> None:
    reviewer = client_for("AUDIT_REVIEWER", code="central")

    page = reviewer.post(NEW, values(s4__min_working_days=4, do="preview"))

    text = page.content.decode()
    assert page.status_code == 200
    assert text.count('<th scope="row" role="rowheader" class="u-num u-nowrap">') == 12
    assert "2027/10" in text
    assert "必要な4日に足りないため" in text
    assert 'value="keep"' in text
    assert DeadlinePolicy.objects.count() == 1
    assert not TrailEntry.objects.filter(action="audit_deadlines.enter").exists()


def test_a_version_holds_from_its_month_on_and_not_before() -> None:
    reviewer = client_for("AUDIT_REVIEWER", code="central")

    page = reviewer.post(NEW, values(s1__due_day=27, s1__remind_before="２、５、2", do="keep"))

    assert page["Location"] == "/audit/deadlines/2026-11/"
    made = DeadlinePolicy.objects.get(valid_from=dt.date(2026, 11, 1))
    assert (made.note, made.made_by_name) == ("試行", reviewer.user.display_name)  # type: ignore[attr-defined]
    first = made.steps.get(step=Step.CREATE)
    assert (first.due_day, first.owner, first.remind_before) == (27, "OPERATIONS", [5, 2])
    assert made.steps.get(step=Step.PRESENT).optional
    entry = TrailEntry.objects.get(action="audit_deadlines.enter")
    assert entry.detail["steps"][0]["due_day"] == 27
    opened = services.open_due_cycles(jst(2026, 10, 21)) + services.open_due_cycles(jst(2026, 11, 21))
    assert [cycle.policy == made for cycle in opened] == [False, True]
    assert reviewer.get("/audit/deadlines/").status_code == 200


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"valid_from": "2026-09"}, "表示されているものから選び直してください"),
        ({"s2__due_day": 27, "s2__month_offset": 0}, "前の工程の期限日より前の日です。"),
        ({"covers_from_day": 25}, "開始日は、報告対象の期間が終わった後の日にしてください。"),
        ({"s1__together": "on"}, "最初の工程には、前の工程がありません。"),
        ({"s3__escalate_owner": 9}, "担当者、上位者、中央会の赤表示の順に"),
        ({"s4__due_day": 29}, "28"),
        ({"s4__remind_before": "いつも"}, "3,1,0"),
        ({"s4__remind_before": "21"}, "20営業日前まで"),
        ({"note": ""}, "理由"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place_and_nothing_is_lost(
    changed: dict[str, Any], message: str
) -> None:
    page = client_for("OPERATOR", code="operations").post(NEW, values(**changed, s7__due_day=28, do="keep"))

    text = page.content.decode()
    assert page.status_code == 422
    assert message in text
    assert 'name="s4-min_working_days" value="3"' in text
    assert DeadlinePolicy.objects.count() == 1


def test_a_month_has_one_version_and_only_one_that_has_not_begun_is_withdrawn() -> None:
    operator = client_for("OPERATOR", code="operations")
    operator.post(NEW, values(do="keep"))

    again = operator.post(NEW, values(do="keep"))
    assert again.status_code == 422
    assert "この月から有効になる版が登録済みです" in again.content.decode()
    assert operator.post("/audit/deadlines/2020-01/").status_code == 302  # holds already
    assert DeadlinePolicy.objects.count() == 2
    operator.post("/audit/deadlines/2026-11/")
    assert DeadlinePolicy.objects.get().valid_from == dt.date(2020, 1, 1)
    told = TrailEntry.objects.get(action="audit_deadlines.withdraw")
    assert len(told.detail["steps"]) == 7


def test_only_operations_and_the_central_association_settle_deadlines_and_closures() -> None:
    for role, code in (("SECURITY_MANAGER", "13"), ("APPROVER", "central"), ("AUDITOR", "operations")):
        browser = client_for(role, code=code)

        assert browser.get("/audit/deadlines/2020-01/").status_code == 200
        assert browser.get(NEW).status_code == 403
        assert browser.post(NEW, values(do="keep")).status_code == 403
        assert browser.post("/audit/closures/", {"first": "2026/10/20", "name": "x"}).status_code == 403
    assert (DeadlinePolicy.objects.count(), Closure.objects.count()) == (1, 0)


def test_a_closure_moves_later_months_and_says_which_open_days_it_does_not_move() -> None:
    world.open_cycle()
    operator = client_for("OPERATOR", code="operations")

    page = operator.post(
        "/audit/closures/", {"first": "R8.10.20", "last": "2026/10/25", "name": "臨時休業"}, follow=True
    )

    text = page.content.decode()
    # The 24th and 25th are a weekend and need no entry.
    assert list(Closure.objects.order_by("day").values_list("day", flat=True)) == [
        dt.date(2026, 10, day) for day in (20, 21, 22, 23)
    ]
    assert "2026-09分は開始済みのため、工程2の期限は2026-10-20のまま変わりません。" in text
    assert "2026-09分は開始済みのため、工程3の期限は2026-10-21のまま変わりません。" in text
    detail = TrailEntry.objects.get(action="audit_closure.enter").detail
    assert detail["days"][0] == "2026-10-20"


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"first": "2026/9/24", "name": "x"}, "この日は過ぎています。"),
        ({"first": "2026/10/20", "last": "2026/10/19", "name": "x"}, "31日以内"),
        ({"first": "2026/10/1", "last": "2026/11/1", "name": "x"}, "31日以内"),
        ({"first": "2026/10/24", "name": "x"}, "もともと休業日です"),
        ({"first": "2026/10/20", "name": "x", "works": "1"}, "もともと営業日です"),
        ({"first": "2026/10/26", "name": "x"}, "登録済みです"),
        ({"first": "2026/10/20", "name": ""}, "名称"),
        ({"first": "10月20日", "name": "x"}, "2026/12/1"),
    ],
)
def test_a_closure_that_cannot_be_is_refused(sent: dict[str, str], message: str) -> None:
    Closure.objects.create(day=dt.date(2026, 10, 26), name="開所記念日")

    page = client_for("OPERATOR", code="operations").post("/audit/closures/", sent)

    assert page.status_code == 422
    assert message in page.content.decode()
    assert Closure.objects.count() == 1


def test_a_closure_is_removed_before_its_day_only() -> None:
    past = Closure.objects.create(day=dt.date(2026, 9, 24), name="過去", made_by=factories.operator())
    coming = Closure.objects.create(day=dt.date(2026, 9, 25), name="当日")
    operator = client_for("OPERATOR", code="operations")

    for row in (past, coming):
        assert operator.post(f"/audit/closures/{row.pk}/remove/").status_code == 302
    assert list(Closure.objects.all()) == [past]
    assert operator.post(f"/audit/closures/{coming.pk}/remove/").status_code == 404


def test_the_list_of_closures_costs_the_same_for_1_and_30(django_assert_num_queries: Any) -> None:
    operator = client_for("OPERATOR", code="operations")
    made_by = factories.operator()
    Closure.objects.create(day=dt.date(2027, 1, 4), name="x", made_by=made_by)
    operator.get("/audit/closures/")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as one:
        operator.get("/audit/closures/")
    Closure.objects.bulk_create(
        Closure(day=dt.date(2027, 2, 1) + dt.timedelta(days=n), name="x", made_by=made_by) for n in range(29)
    )
    with django_assert_num_queries(len(one)):
        operator.get("/audit/closures/")
