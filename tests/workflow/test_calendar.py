"""The calendar of changes: what was, is and will be changed, for whom it concerns (ORG-02)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.common.time import JST
from portal.fulfilment.freezes import services
from portal.fulfilment.freezes.services import NewFreeze
from portal.fulfilment.models import Operation
from portal.orgs.permissions import Role
from portal.workflow.calendar import entries, ical, pages
from portal.workflow.calendar.entries import Entry
from tests import factories
from tests.roles import client_of
from tests.workflow import cards

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()
NOON = dt.datetime.combine(TODAY, dt.time(12), JST)
SOON = TODAY + dt.timedelta(days=2)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    """The day does not end while a test runs, nor between two of them."""
    with time_machine.travel(NOON):
        yield


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> cards.Office:
    cards.use_kind(monkeypatch)
    return cards.Office()


def carried_out(office: cards.Office, *names: str, day: dt.date = TODAY) -> str:
    made = cards.approved(office.applicant, office.approver, office.operator, names=names)
    at = dt.datetime.combine(day, dt.time(12), JST)
    Operation.system.filter(application_number=made.number).update(status="DONE", settled_at=at)
    return str(made.number)


def freeze(office: cards.Office, **values: Any) -> None:
    start = dt.datetime.combine(SOON, dt.time(9), JST)
    defaults = {
        "starts_at": start,
        "ends_at": start + dt.timedelta(days=2),
        "effect": "WARN",
        "reason": "点検",
    }
    services.enter(NewFreeze(**defaults | values), actor=office.operator, now=timezone.now())


def test_each_day_shows_what_is_planned_running_and_done(office: cards.Office) -> None:
    reviewed = cards.submitted(office.applicant, "ito", desired_on=SOON)
    planned = cards.approved_by(
        cards.submitted(office.applicant, "mori", desired_on=SOON), office.approver, office.operator
    )
    running = cards.approved(office.applicant, office.approver, office.operator, names=("oda", "abe"))
    done = carried_out(office, "sato")
    freeze(office)

    found = client_of(office.approver).get(f"/api/v1/calendar/?since={TODAY}&until={SOON}").json()

    states = {(entry["application"], entry["entry_state"], entry["first_day"]) for entry in found}
    assert states == {
        (reviewed.number, "PLANNED", str(SOON)),
        (planned.number, "PLANNED", str(SOON)),
        (running.number, "RUNNING", str(TODAY)),
        (done, "DONE", str(TODAY)),
        ("", "FREEZE", str(SOON)),
    }
    assert next(e["title"] for e in found if e["application"] == running.number) == "abe +1"
    for view in pages.VIEWS:
        page = client_of(office.approver).get(f"/calendar/?view={view}&on={SOON}").content.decode()
        assert planned.number in page
        assert "点検" in page
    month = client_of(office.approver).get(f"/calendar/?on={TODAY}").content.decode()
    assert "反映 1件" in month


def test_org_02_another_federation_sees_only_what_concerns_all(office: cards.Office) -> None:
    number = carried_out(office, "sato")
    cards.submitted(office.applicant, "himitsu", desired_on=SOON)
    freeze(office, reason="13のみ", organisation=factories.organisation("13"))
    freeze(office, reason="全国")
    other = client_of(factories.approver("27"))

    addresses = [f"/calendar/?view={view}&on={SOON}" for view in pages.VIEWS]
    addresses += [f"/calendar/export/?on={SOON}&format={kind}" for kind in ("csv", "ics")]
    addresses += ["/api/v1/calendar/", "/api/v1/calendar/feed/", "/calendar/freezes/"]
    for address in addresses:
        response = other.get(address)
        text = b"".join(response).decode() if response.streaming else response.content.decode()
        assert number not in text
        assert "himitsu" not in text
        assert "13のみ" not in text
    assert "全国" in other.get("/calendar/freezes/").content.decode()
    assert client_of(factories.user(Role.USER)).get("/calendar/").status_code == 403


def test_a_stretch_with_more_than_is_shown_says_so(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MOST", 2)
    browser = client_of(office.approver)
    feed, words = f"/api/v1/calendar/?since={SOON}&until={SOON}", "表示しきれない予定があります"

    for name in ("ito", "mori"):
        cards.submitted(office.applicant, name, desired_on=SOON)
    assert words not in browser.get(f"/calendar/?on={SOON}").content.decode()
    assert "Calendar-Cut" not in browser.get(feed)
    cards.submitted(office.applicant, "abe", desired_on=SOON)

    assert words in browser.get(f"/calendar/?on={SOON}").content.decode()
    response = browser.get(feed)
    assert len(response.json()) == 2
    assert "Calendar-Cut" in response
    export = b"".join(browser.get(f"/calendar/export/?on={SOON}&format=csv")).decode()
    assert "ほかにもあります" in export
    for address in (f"/calendar/export/?on={SOON}&format=ics", "/api/v1/calendar/feed/"):
        assert "ほかにもあります" in browser.get(address).content.decode().replace("\r\n ", "")


def test_the_calendar_costs_the_same_for_one_and_for_thirty(office: cards.Office) -> None:
    browser, counts = client_of(office.operator), []
    browser.get("/calendar/")
    for more in (1, 4):
        for n in range(more):
            cards.submitted(office.applicant, f"n{more}{n}", desired_on=SOON)
            carried_out(office, f"d{more}{n}")
        with CaptureQueriesContext(connection) as captured:
            assert browser.get("/calendar/").status_code == 200
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_icalendar_escapes_folds_and_ends_the_day_after(office: cards.Office) -> None:
    entry = Entry(
        uid="x", day=SOON, until=SOON, state="PLANNED", title="あ;い,う\\え\nお" * 8, url="/applications/K-1/"
    )

    text = ical.calendar_of([entry], timezone.now())

    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    unfolded = text.replace("\r\n ", "")
    assert "あ\\;い\\,う\\\\え\\nお" in unfolded
    assert f"DTEND;VALUE=DATE:{SOON + dt.timedelta(days=1):%Y%m%d}" in unfolded


@pytest.mark.parametrize(
    "query", ["on=9999-99-99", "view=year", "kind=x&organisation=%3C&state=y", "on=0001-01-01"]
)
def test_what_cannot_be_read_counts_as_the_month_of_today(office: cards.Office, query: str) -> None:
    assert client_of(office.approver).get(f"/calendar/?{query}").status_code == 200


def test_operations_enter_and_end_a_freeze_on_the_page(office: cards.Office) -> None:
    browser = client_of(office.operator)
    values = {"first": str(SOON), "last": str(TODAY), "effect": "REFUSE", "reason": "年末"}

    page = browser.post("/calendar/freezes/", values)
    assert page.status_code == 422
    assert "年末" in page.content.decode()
    assert browser.post("/calendar/freezes/", values | {"last": str(SOON)}).status_code == 302
    listed = browser.get("/calendar/freezes/").content.decode()
    assert "年末" in listed
    from portal.fulfilment.freezes.models import FreezePeriod

    made = FreezePeriod.objects.get()
    assert made.ends_at - made.starts_at == dt.timedelta(days=1)
    assert browser.post(f"/calendar/freezes/{made.pk}/end/").status_code == 302
    assert client_of(office.approver).post("/calendar/freezes/", values).status_code == 403
