"""Planned outages: who plans, who is told, what the clock says, who confirms, what others see (REQ-10)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.common.time import JST
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from requests.outages import selectors, services, upkeep
from requests.outages.errors import ChangedMeanwhile, NotAllowed, Refused
from requests.outages.models import Outage, OutageEvent, Shown
from requests.outages.services import Plan
from tests import factories
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@dataclass
class People:
    operator: User = field(default_factory=factories.operator)
    confirmer: User = field(default_factory=lambda: factories.approver("13"))
    applicant: User = field(default_factory=lambda: factories.applicant("13"))
    other: User = field(default_factory=lambda: factories.approver("14"))
    stranger: User = field(default_factory=lambda: factories.applicant("15"))


@pytest.fixture
def people() -> People:
    return People()


def wanted(people: People, now: dt.datetime, hours: int = 72, **more: Any) -> Plan:
    stops = now + dt.timedelta(hours=hours)
    values = {
        "title": "仮想化基盤の計画停止",
        "systems": ["VIRTUAL"],
        "detail": "仮想サーバが停止します。",
        "stops_at": stops,
        "starts_at": stops + dt.timedelta(hours=4),
        "organisations": [factories.organisation("13"), factories.organisation("14")],
        "confirmers": [people.confirmer, people.other],
    } | more
    return Plan(**values)


def planned(people: People, now: dt.datetime | None = None, **more: Any) -> Outage:
    now = now or timezone.now()
    return services.plan(wanted=wanted(people, now, **more), actor=people.operator, now=now)


def told(template: str) -> set[int | None]:
    return set(Notice.system.filter(template=template).values_list("to_user_id", flat=True))


def confirm(outage: Outage, actor: User, now: dt.datetime, result: str = "NORMAL", note: str = "") -> Outage:
    return services.confirm(outage_id=outage.pk, result=result, note=note, actor=actor, now=now)


def test_req_10_everybody_concerned_is_told_of_plan_change_and_cancellation(people: People) -> None:
    now = timezone.now()
    outage = planned(people)
    concerned = {people.confirmer.pk, people.applicant.pk, people.other.pk}
    assert told("outage_planned") == concerned
    third = factories.applicant("16")

    plan = wanted(
        people, now, title="変更後", organisations=[factories.organisation(c) for c in ("13", "16")]
    )
    with pytest.raises(Refused):  # the person of 14 belongs to nobody concerned now
        services.change(outage_id=outage.pk, version=1, wanted=plan, actor=people.operator, now=now)
    plan = replace(plan, confirmers=[people.confirmer])
    services.change(outage_id=outage.pk, version=1, wanted=plan, actor=people.operator, now=now)
    assert told("outage_changed") == {people.confirmer.pk, people.applicant.pk, people.other.pk, third.pk}
    with pytest.raises(ChangedMeanwhile):
        services.cancel(outage_id=outage.pk, version=1, reason="x", actor=people.operator, now=now)
    with pytest.raises(Refused):
        services.cancel(outage_id=outage.pk, version=2, reason=" ", actor=people.operator, now=now)
    services.cancel(outage_id=outage.pk, version=2, reason="部品の納期遅延", actor=people.operator, now=now)

    assert told("outage_cancelled") == {people.confirmer.pk, people.applicant.pk, third.pk}
    outage.refresh_from_db()
    assert outage.shown(now + dt.timedelta(days=9)) == Shown.CANCELLED
    changed = OutageEvent.objects.get(verb="CHANGED").text
    assert "変更後" in changed
    with pytest.raises(DatabaseError), transaction.atomic():
        OutageEvent.objects.update(text="x")


def test_req_10_an_unchanged_change_tells_nobody(people: People) -> None:
    now = timezone.now()
    outage = planned(people, now)

    services.change(
        outage_id=outage.pk, version=1, wanted=wanted(people, now), actor=people.operator, now=now
    )

    assert told("outage_changed") == set()


def test_req_10_the_state_says_what_is_true_at_the_moment(people: People) -> None:
    outage = planned(people)
    minute = dt.timedelta(minutes=1)

    for at, shown in (
        (outage.stops_at - minute, Shown.PLANNED),
        (outage.stops_at, Shown.RUNNING),
        (outage.starts_at - minute, Shown.RUNNING),
        (outage.starts_at, Shown.OVERDUE),
    ):
        assert outage.shown(at) == shown


def test_req_10_the_named_persons_confirm_and_the_report_reaches_all_concerned(people: People) -> None:
    outage = planned(people)
    after = outage.starts_at + dt.timedelta(minutes=5)
    for person in (people.applicant, people.operator):
        with pytest.raises(NotAllowed):
            confirm(outage, person, after)
    with pytest.raises(Refused):
        confirm(outage, people.confirmer, outage.stops_at - dt.timedelta(minutes=1))
    with pytest.raises(Refused):
        confirm(outage, people.confirmer, after, "TROUBLE")

    confirm(outage, people.confirmer, after, "TROUBLE", "共有フォルダが開かない")
    assert told("outage_trouble") == {people.operator.pk}
    confirm(outage, people.other, after)
    outage.refresh_from_db()
    assert outage.shown(after) == Shown.OVERDUE
    confirm(outage, people.confirmer, after, "NORMAL", "復旧を確認")
    with pytest.raises(ChangedMeanwhile):
        confirm(outage, people.confirmer, after)

    outage.refresh_from_db()
    assert outage.shown(after) == Shown.CONFIRMED
    assert told("outage_confirmed") == {people.confirmer.pk, people.applicant.pk, people.other.pk}
    own = [event.verb for event in selectors.history(people.confirmer, outage)]
    others = [event.verb for event in selectors.history(people.other, outage)]
    assert own == ["PLANNED", "TROUBLE", "NORMAL", "ENDED"]
    assert others == ["PLANNED", "NORMAL", "ENDED"]  # its own word only


def test_req_10_reminder_before_and_alert_after_once_for_each_time(people: People) -> None:
    now = timezone.now()
    outage = planned(people, now)
    day_before = outage.stops_at - dt.timedelta(hours=20)

    assert upkeep.look_after(now=now) == ""
    assert upkeep.look_after(now=day_before) == "reminded 1, alerted 0"
    assert upkeep.look_after(now=day_before) == ""
    assert told("outage_reminder") == {people.confirmer.pk, people.applicant.pk, people.other.pk}
    late = outage.starts_at + dt.timedelta(minutes=1)
    confirm(outage, people.other, late)
    assert upkeep.look_after(now=late) == "reminded 0, alerted 1"
    assert upkeep.look_after(now=late) == ""
    assert told("outage_overdue") == {people.operator.pk, people.confirmer.pk}  # not who confirmed

    longer = wanted(people, now, starts_at=late + dt.timedelta(hours=2))
    outage.refresh_from_db()
    services.change(
        outage_id=outage.pk, version=outage.version, wanted=longer, actor=people.operator, now=late
    )
    outage.refresh_from_db()
    assert outage.shown(late) == Shown.RUNNING
    assert upkeep.look_after(now=late) == ""
    assert upkeep.look_after(now=late + dt.timedelta(hours=3)) == "reminded 0, alerted 1"


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ({"hours": -1}, "stops_on"),
        ({"starts_at": dt.datetime(2020, 1, 1, tzinfo=JST)}, "starts_on"),
        ({"starts_at": dt.datetime(2090, 1, 1, tzinfo=JST)}, "starts_on"),
        ({"organisations": []}, "organisations"),
        ({"confirmers": []}, "confirmers"),
    ],
)
def test_req_10_a_plan_that_cannot_be_is_refused_at_its_field(
    values: dict[str, Any], at: str, people: People
) -> None:
    with pytest.raises(Refused) as refused:
        planned(people, **values)

    assert refused.value.field == at


def test_req_10_operations_plan_on_the_screen_and_wrong_input_loses_nothing(people: People) -> None:
    browser, page = client_of(people.operator), reverse("outage_new")
    day = timezone.localdate() + dt.timedelta(days=10)
    values = {
        "title": "ＦＷ更改",
        "systems": ["NETWORK", "REMOTE"],
        "detail": "通信が止まります。",
        "stops_on": f"{day:%Y/%m/%d}",
        "stops_clock": "１８：３０",
        "starts_on": f"{day:%Y/%m/%d}",
        "starts_clock": "22:00",
        "organisations": ["13"],
        "confirmers": [str(people.confirmer.pk)],
    }

    nothing = browser.post(page, {})
    wrong = browser.post(page, values | {"starts_clock": "25:00"})
    early = browser.post(page, values | {"starts_clock": "18:00"})
    made = browser.post(page, values)

    assert [a.status_code for a in (nothing, wrong, early, made)] == [422, 422, 422, 302]
    assert "通信が止まります。" in wrong.content.decode()
    outage = Outage.objects.get()
    assert outage.stops_at.astimezone(JST).strftime("%H:%M") == "18:30"
    change = reverse("outage_change", args=[outage.number])
    form = browser.get(change).content.decode()
    assert "18:30" in form
    assert browser.post(change, values | {"version": 1, "everybody": "on"}).status_code == 302
    assert outage.parts.count() > 47
    stale = browser.post(change, values | {"version": 1, "title": "別名"})
    assert stale.status_code == 422
    for person in (people.confirmer, people.applicant):
        assert client_of(person).get(page).status_code == 403
        assert client_of(person).get(change).status_code == 403
    gone = browser.post(
        reverse("outage", args=[outage.number]),
        {"step": "cancel", "cancel-version": 2, "cancel-reason": "延期"},
    )
    assert gone.status_code == 302


def test_org_02_those_whom_it_does_not_concern_find_nothing(people: People) -> None:
    outage = planned(people, organisations=[factories.organisation("13")], confirmers=[people.confirmer])
    stranger, own = client_of(people.stranger), client_of(factories.user(Role.USER, code="13"))

    for name, args in (("outage", [outage.number]), ("outage_ics", [outage.number])):
        assert stranger.get(reverse(name, args=args)).status_code == 404
        assert own.get(reverse(name, args=args)).status_code == 200
    for name in ("outage_list", "home"):
        assert outage.title not in stranger.get(reverse(name)).content.decode()
        assert outage.title in own.get(reverse(name)).content.decode(), name
    calendar = reverse("calendar") + f"?on={outage.stops_at.astimezone(JST):%Y-%m-%d}"
    for code, is_shown in (("13", True), ("14", False)):
        page = client_of(factories.applicant(code)).get(calendar).content.decode()
        assert (outage.title in page) is is_shown
    assert stranger.get("/api/v1/outages/").json()["results"] == []
    assert own.get("/api/v1/outages/?state=PLANNED").json()["results"][0]["number"] == outage.number


def test_org_02_a_federation_does_not_learn_who_else_is_concerned(people: People) -> None:
    outage = planned(people)

    page = client_of(people.confirmer).get(reverse("outage", args=[outage.number])).content.decode()
    whole = client_of(people.operator).get(reverse("outage", args=[outage.number])).content.decode()

    assert people.other.display_name not in page
    assert factories.organisation("14").short_name not in page
    assert people.other.display_name in whole


def test_req_10_the_person_confirms_on_the_page(people: People) -> None:
    now = timezone.now()
    outage = planned(people, now, organisations=[factories.organisation("13")], confirmers=[people.confirmer])
    Outage.objects.update(stops_at=now - dt.timedelta(hours=2), starts_at=now - dt.timedelta(hours=1))
    browser, page = client_of(people.confirmer), reverse("outage", args=[outage.number])

    home = browser.get(reverse("home")).content.decode()
    empty = browser.post(page, {"step": "confirm"})
    done = browser.post(page, {"step": "confirm", "confirm-result": "NORMAL", "confirm-note": "画面で確認"})
    again = browser.post(page, {"step": "confirm", "confirm-result": "NORMAL"})

    assert outage.title in home
    assert (empty.status_code, done.status_code, again.status_code) == (422, 302, 422)
    outage.refresh_from_db()
    assert outage.state == "CONFIRMED"


def test_req_10_list_file_print_calendar_and_icalendar(people: People) -> None:
    outage = planned(people, detail="一行目\n二行目, ; 長い説明" + "あ" * 60)
    browser = client_of(people.confirmer)

    for name, query in (("list", "?state=PLANNED&system=VIRTUAL"), ("print", ""), ("export", "?format=csv")):
        answer = browser.get(reverse(f"outage_{name}") + query)
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode(
            "utf-8-sig"
        )
        assert outage.title in text, name
    assert browser.get(reverse("outage_export") + "?format=xlsx").status_code == 200
    day = {"view": "day", "on": f"{outage.starts_at.astimezone(JST):%Y-%m-%d}"}
    assert outage.number in browser.get(reverse("calendar"), day).content.decode()
    ics = browser.get(reverse("outage_ics", args=[outage.number])).content.decode()
    assert f"SUMMARY:計画停止 {outage.title}" in ics
    assert all(len(line.encode()) <= 75 for line in ics.split("\r\n"))
    assert "一行目\\n二行目\\, \\;" in ics.replace("\r\n ", "")


def test_the_list_costs_the_same_statements_for_one_and_for_twenty(people: People) -> None:
    browser, counts = client_of(people.confirmer), []
    planned(people)
    browser.get(reverse("outage_list"))
    for more in (0, 19):
        for _n in range(more):
            planned(people)
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("outage_list"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
