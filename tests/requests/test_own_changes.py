"""What a federation changes itself is recorded with before and after, and nobody changes it unnoticed (REQ-14, REQ-09)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from requests.demo import own_changes as demo
from requests.own_changes import services
from requests.own_changes.models import OwnChange
from tests import factories
from tests.requests.own_changes import change, values
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(db: None) -> Any:
    return factories.user(Role.APPLICANT)


def typed(**more: Any) -> dict[str, Any]:
    """What somebody types into the form of a port."""
    return {
        "changed_on": "2026/11/1",
        "changed_time": "10:00",
        "changed_by": "情報 太郎",
        "equipment": "連合会サーバL2SW#1",
        "item": "24",
        "after_vlan": "120",
        "reason": "独自処理システムの追加のため。",
    } | more


def test_req_14_a_port_is_recorded_without_approval_and_its_next_record_knows_what_was_there(
    clerk: Any,
) -> None:
    browser = client_of(clerk)

    first = browser.post(reverse("own_change_switch"), typed())
    second = browser.post(reverse("own_change_switch"), typed(item="２４", after_vlan="130"))

    assert (first.status_code, second.status_code) == (302, 302)
    newer, older = OwnChange.system.all()
    assert (older.before, older.after) == ({}, {"vlan": "120", "device": "", "setting": ""})
    assert (newer.before, newer.differs) == (older.after, False)
    assert older.number.startswith("SW-")
    page = browser.get(reverse("own_change", args=[newer.number])).content.decode()
    assert older.number in page
    assert TrailEntry.objects.filter(action="own_change.record").count() == 2


def test_req_14_a_before_that_nobody_recorded_is_told(clerk: Any) -> None:
    change(clerk)
    browser = client_of(clerk)

    refused = browser.post(reverse("own_change_switch"), typed(before_vlan="99", after_vlan="130"))
    taken = browser.post(
        reverse("own_change_switch"), typed(before_vlan="99", after_vlan="130", differs="on")
    )

    assert refused.status_code == 422
    assert "VLAN: 120" in refused.content.decode()
    assert taken.status_code == 302
    assert OwnChange.system.first().differs is True


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"after_vlan": "4095"}, "4094"),
        ({"changed_on": "2999/1/1"}, "未来"),
        ({"equipment": "連合会基幹共通L3SW#1"}, "機器"),
        ({"after_vlan": ""}, "変更前と変更後が同じ"),
        ({"reason": ""}, "理由"),
    ],
)
def test_req_14_what_cannot_be_is_refused_with_everything_kept(
    clerk: Any, more: dict[str, Any], words: str
) -> None:
    answer = client_of(clerk).post(reverse("own_change_switch"), typed(**more))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "情報 太郎" in answer.content.decode()
    assert not OwnChange.system.exists()


def test_sec_02_no_record_is_changed_unnoticed(clerk: Any) -> None:
    first = change(clerk)
    change(clerk, item="25")
    with pytest.raises(DatabaseError), transaction.atomic():
        OwnChange.system.update(reason="changed")
    assert services.first_broken(clerk.organisation) is None
    page = reverse("own_change", args=[first.number]) + "?verify=1"
    assert "c-banner" in client_of(clerk).get(page).content.decode()

    with connection.cursor() as cursor:  # somebody who owns the database
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE change_requests_ownchange DISABLE TRIGGER USER")
        cursor.execute("UPDATE change_requests_ownchange SET changed_by = 'x' WHERE id = %s", [first.pk])
        cursor.execute("ALTER TABLE change_requests_ownchange ENABLE TRIGGER USER")

    assert services.first_broken(clerk.organisation) == first
    assert 'data-s="err"' in client_of(clerk).get(page).content.decode()


def workbook(*rows: list[Any]) -> SimpleUploadedFile:
    """The template, filled in."""
    from requests.own_changes.forms import SwitchForm
    from requests.own_changes.reading import headings

    book = Workbook()
    book.active.append(headings(SwitchForm))
    for row in rows:
        book.active.append(row)
    data = BytesIO()
    book.save(data)
    return SimpleUploadedFile("ports.xlsx", data.getvalue())


def row(port: Any, vlan: Any) -> list[Any]:
    start = ["2026/11/1", "10:00", "情報 太郎", "連合会サーバL2SW#1", port, "国保システム"]
    return [*start, None, vlan, None, None, None, None, None, "更改のため。"]


def test_req_14_a_file_is_recorded_whole_or_not_at_all(clerk: Any) -> None:
    browser, address = client_of(clerk), reverse("own_change_switch_file")

    template = browser.get(address)
    wrong = browser.post(address, {"file": workbook(row(1, 110), row(2, 9999))})
    twice = browser.post(address, {"file": workbook(row(1, 110), row(1, 110))})
    right = browser.post(address, {"file": workbook(row(1, 110), row(2, 120), row(1, 130))})

    heads = [cell.value for cell in load_workbook(BytesIO(b"".join(template.streaming_content))).active[1]]
    assert heads[3:5] == ["機器", "ポート"]
    assert (wrong.status_code, twice.status_code, right.status_code) == (422, 422, 302)
    assert "3行目" in wrong.content.decode()
    assert "3行目" in twice.content.decode()
    assert [c.after["vlan"] for c in OwnChange.system.order_by("id")] == ["110", "120", "130"]


def test_the_register_as_list_file_print_and_over_rest(clerk: Any) -> None:
    own, foreign = change(clerk), change(factories.user(Role.APPLICANT, code="27"), item="31")
    browser = client_of(clerk)

    for name, query in (("list", "?q=l2sw 24"), ("print", ""), ("export", "?format=csv")):
        answer: Any = browser.get(reverse(f"own_change_{name}") + query)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert own.number in body.decode("utf-8-sig")
        assert foreign.number not in body.decode("utf-8-sig")
    assert browser.get(reverse("own_change_export") + "?format=xlsx").status_code == 200
    assert [r["number"] for r in browser.get("/api/v1/own-changes/?subject=L2SW").json()["results"]] == [
        own.number
    ]
    assert browser.get(reverse("own_change", args=[foreign.number])).status_code == 404


def test_org_03_only_people_of_the_federation_record(clerk: Any) -> None:
    for other in (factories.operator(), factories.user(Role.AUDITOR), factories.user(Role.APPROVER)):
        assert client_of(other).post(reverse("own_change_switch"), typed()).status_code == 403
        with pytest.raises(services.NotAllowed):
            services.record(
                organisation=clerk.organisation, values=[values()], actor=other, now=timezone.now()
            )
    assert "own-changes/new" in client_of(clerk).get(reverse("application_new")).content.decode()


def test_a_list_costs_the_same_for_many_rows(
    clerk: Any, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    browser, address = client_of(clerk), reverse("own_change_list")
    change(clerk)
    browser.get(address)
    with django_assert_max_num_queries(24) as first:
        browser.get(address)
    for n in range(29):
        change(clerk, item=f"p{n}")
    with django_assert_num_queries(len(first)):
        browser.get(address)


def test_the_demonstration_has_records(clerk: Any) -> None:
    factories.user("SECURITY_MANAGER")

    assert demo.tell(federations=1) == 1
    assert demo.tell(federations=1) == 0
