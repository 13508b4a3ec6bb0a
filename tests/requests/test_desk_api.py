"""Writing over REST what the screens write: enquiries, outages, own changes (REQ-10, REQ-11, REQ-14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.notices.models import Notice
from portal.orgs.permissions import Role
from requests.enquiries import selectors, services
from requests.enquiries.models import Enquiry, EnquiryMessage
from requests.outages.models import Outage
from requests.own_changes.models import OwnChange
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db

QUESTION = {
    "organisation": "13",
    "category": "PORTAL",
    "subject": "CSVの文字化け",
    "text": "一覧のCSVが文字化けします。",
}


def test_req_11_an_enquiry_is_asked_answered_and_closed_by_programs() -> None:
    asker, operator = factories.applicant("13"), factories.operator()
    ours, desk, other = Api(asker), Api(operator), Api(factories.applicant("14"))

    made = ours.post("enquiries/", QUESTION, 201, Idempotency_Key="a")
    again = ours.post("enquiries/", QUESTION, 201, Idempotency_Key="a")
    assert made["number"] == again["number"] == Enquiry.system.get().number
    assert ours.last["Location"].endswith(f"/enquiries/{made['number']}/")
    assert (made["state"], made["messages"][0]["text"]) == ("OPEN", QUESTION["text"])
    place = f"enquiries/{made['number']}/messages/"
    seen = made["version"]
    answered = desk.post(place, {"kind": "ANSWER", "version": seen, "text": "UTF-8です。"})
    assert answered["state"] == "ANSWERED"
    assert Notice.system.filter(template="enquiry_answered", to_user=asker).count() == 1

    stale = ours.post(place, {"kind": "REPLY", "version": seen, "text": "ありがとう。"}, 409)
    assert stale["code"] == "changed-meanwhile"
    empty = ours.post(place, {"kind": "REPLY", "version": answered["version"], "text": " "}, 422)
    assert empty["errors"][0]["path"] == "text"
    ours.post(place, {"kind": "ANSWER", "version": answered["version"], "text": "x"}, 403)
    other.post(place, {"kind": "REPLY", "version": answered["version"], "text": "x"}, 404)
    desk.post(place, {"kind": "NOTE", "version": 1, "text": "himitsu"})
    closed = ours.post(place, {"kind": "CLOSED", "version": answered["version"]})
    assert closed["state"] == "CLOSED"
    assert [message["kind"] for message in closed["messages"]] == ["QUESTION", "ANSWER", "CLOSED"]
    assert EnquiryMessage.system.filter(kind="NOTE", internal=True).count() == 1


def test_org_03_nobody_asks_for_another_federation() -> None:
    clerk = Api(factories.applicant("14"))

    refused = clerk.post("enquiries/", QUESTION, 422)

    assert refused["errors"][0]["path"] == "organisation"
    assert not Enquiry.system.exists()


def test_req_11_internal_notes_are_found_by_those_who_read_them_and_by_nobody_else() -> None:
    asker, operator = factories.applicant("13"), factories.operator()
    values: dict[str, Any] = {**QUESTION, "organisation": asker.organisation, "desk": "OPERATIONS"}
    enquiry = services.ask(**values, actor=asker, now=timezone.now())
    services.add_note(enquiry_id=enquiry.pk, text="保守業者へ照会済", actor=operator, now=timezone.now())

    assert list(selectors.enquiries(operator, "保守業者 文字化け")) == [enquiry]
    assert list(selectors.enquiries(asker, "文字化け")) == [enquiry]
    assert not selectors.enquiries(asker, "保守業者").exists()
    assert not selectors.enquiries(operator, "保守業者 別件").exists()


def plan(**more: Any) -> dict[str, Any]:
    """An outage of two federations in three days."""
    stops = timezone.now() + timedelta(days=3)
    return {
        "title": "仮想化基盤の計画停止",
        "systems": ["VIRTUAL"],
        "detail": "仮想サーバが停止します。",
        "stops_at": stops.isoformat(),
        "starts_at": (stops + timedelta(hours=4)).isoformat(),
        "organisations": ["13", "14"],
    } | more


def test_req_10_an_outage_is_planned_changed_confirmed_and_cancelled_by_programs() -> None:
    confirmer, stranger = factories.approver("13"), factories.applicant("15")
    factories.organisation("14")
    desk = Api(factories.operator())
    body = plan(confirmers=[confirmer.login_name])

    made = desk.post("outages/", body, 201)
    assert (made["standing"], made["organisations"]) == ("PLANNED", ["13", "14"])
    assert [each["login_name"] for each in made["confirmers"]] == [confirmer.login_name]
    assert Notice.system.filter(template="outage_planned", to_user=confirmer).count() == 1
    place = f"outages/{made['number']}/"
    Api(stranger).get(place, 404)
    Api(confirmer).post(f"{place}cancel/", {"version": 1, "reason": "x"}, 403)
    wrong = desk.post(place, body | {"version": 1, "starts_at": body["stops_at"]}, 422)
    assert wrong["errors"][0]["path"] == "starts_at"
    unknown = desk.post(place, body | {"version": 1, "organisations": ["13", "99"], "confirmers": ["x"]}, 422)
    assert {error["path"] for error in unknown["errors"]} == {"organisations/1", "confirmers/0"}
    changed = desk.post(place, body | {"version": 1, "title": "変更後"})
    assert (changed["title"], changed["version"]) == ("変更後", 2)
    desk.post(place, body | {"version": 1}, 409)
    early = Api(confirmer).post(f"{place}confirm/", {"result": "NORMAL"}, 422)
    assert early["errors"][0]["path"] == "result"
    Outage.objects.update(stops_at=timezone.now(), starts_at=timezone.now())
    Api(factories.applicant("13")).post(f"{place}confirm/", {"result": "NORMAL"}, 403)
    done = Api(confirmer).post(f"{place}confirm/", {"result": "NORMAL", "note": "確認した。"})
    assert done["standing"] == "CONFIRMED"
    other = desk.post("outages/", body | {"organisations": ["ALL"]}, 201)
    gone = desk.post(f"outages/{other['number']}/cancel/", {"version": 1, "reason": "部品の納期遅延"})
    assert (gone["standing"], gone["reason"]) == ("CANCELLED", "部品の納期遅延")


def made_change(**more: Any) -> dict[str, Any]:
    """A port that got a VLAN."""
    return {
        "subject": "L2SW",
        "equipment": "連合会サーバL2SW#1",
        "item": "24",
        "after": {"vlan": "120"},
        "reason": "独自処理システムの追加のため。",
        "changed_at": "2026-11-01T10:00:00+09:00",
        "changed_by": "情報 太郎",
    } | more


def test_req_14_own_changes_are_recorded_all_or_none_with_every_wrong_field_named() -> None:
    clerk = Api(factories.user(Role.APPLICANT))
    later = made_change(item="２４", after={"vlan": "130"})

    wrong = [made_change(), later | {"after": {"vlan": "9999", "colour": "red"}, "equipment": "x"}]
    refused = clerk.post("own-changes/", {"organisation": "13", "changes": wrong}, 422)
    assert {error["path"] for error in refused["errors"]} == {
        "changes/1/after/vlan",
        "changes/1/after/colour",
        "changes/1/equipment",
    }
    future = made_change(changed_at=(timezone.now() + timedelta(days=1)).isoformat())
    ahead = clerk.post("own-changes/", {"organisation": "13", "changes": [future]}, 422)
    assert ahead["errors"][0]["path"] == "changes/0/changed_at"
    same = {"organisation": "13", "changes": [made_change(), later | {"after": {"vlan": "120"}}]}
    assert clerk.post("own-changes/", same, 422)["errors"][0]["path"] == "changes/1/after"
    assert not OwnChange.system.exists()

    made = clerk.post("own-changes/", {"organisation": "13", "changes": [made_change(), later]}, 201)
    assert [each["after"]["vlan"] for each in made] == ["120", "130"]
    assert made[1]["before"]["vlan"] == "120"
    foreign = clerk.post("own-changes/", {"organisation": "14", "changes": [made_change()]}, 422)
    assert foreign["errors"][0]["path"] == "organisation"
    Api(factories.operator()).post("own-changes/", {"organisation": "13", "changes": [later]}, 403)
