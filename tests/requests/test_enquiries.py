"""Enquiries: who asks, answers and closes, whose turn it is, what nobody of a federation sees, and the calendar (REQ-11)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.notices.models import Notice
from portal.orgs.models import Membership, User
from portal.orgs.permissions import Role
from requests.enquiries import selectors, services, upkeep
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused
from requests.enquiries.models import Enquiry, EnquiryFile, EnquiryMessage
from tests import factories
from tests.roles import client_of

pytestmark = pytest.mark.django_db

MORNING = dt.datetime(2026, 11, 4, 0, 0, tzinfo=dt.UTC)  # a Wednesday, 9:00 in Japan


@dataclass
class People:
    asker: User = field(default_factory=lambda: factories.applicant("13"))
    colleague: User = field(default_factory=lambda: factories.approver("13"))
    stranger: User = field(default_factory=lambda: factories.applicant("14"))
    operator: User = field(default_factory=factories.operator)
    second: User = field(default_factory=factories.operator)
    central: User = field(default_factory=lambda: factories.user(Role.AUDIT_REVIEWER, code="central"))


@pytest.fixture
def people() -> People:
    return People()


def asked(people: People, subject: str = "CSVの文字化け", now: dt.datetime = MORNING, **more: Any) -> Enquiry:
    values = {
        "organisation": people.asker.organisation,
        "desk": "OPERATIONS",
        "category": "PORTAL",
        "subject": subject,
        "text": "一覧のCSVが文字化けします。",
        "actor": people.asker,
        "now": now,
    } | more
    return services.ask(**values)


def step(service: Any, enquiry: Enquiry, actor: User, now: dt.datetime = MORNING, **more: Any) -> Enquiry:
    enquiry.refresh_from_db()
    return service(enquiry_id=enquiry.pk, version=enquiry.version, actor=actor, now=now, **more)


def mails(template: str) -> list[int | None]:
    return list(Notice.system.filter(template=template).order_by("pk").values_list("to_user_id", flat=True))


def test_req_11_the_state_says_whose_turn_it_is_and_those_concerned_are_told(people: People) -> None:
    enquiry = asked(people)
    assert (enquiry.state, enquiry.due_on) == ("OPEN", dt.date(2026, 11, 9))
    assert set(mails("enquiry_new")) == {people.operator.pk, people.second.pk}

    step(services.answer, enquiry, people.operator, text="どの画面ですか。", asks_back=True)
    enquiry.refresh_from_db()
    assert (enquiry.state, enquiry.assigned_to) == ("WAITING", people.operator)
    assert mails("enquiry_asked_back") == [people.asker.pk]

    step(services.reply, enquiry, people.colleague, text="アカウント一覧です。")
    enquiry.refresh_from_db()
    assert enquiry.state == "OPEN"
    assert mails("enquiry_reply") == [people.operator.pk]  # who has it, nobody else

    step(services.answer, enquiry, people.operator, text="Excel形式をお使いください。")
    enquiry.refresh_from_db()
    assert enquiry.state == "ANSWERED"
    assert set(mails("enquiry_answered")) == {people.asker.pk, people.colleague.pk}

    step(services.close, enquiry, people.asker, text="")
    enquiry.refresh_from_db()
    assert (enquiry.state, enquiry.closed_by) == ("CLOSED", people.asker)
    with pytest.raises(ChangedMeanwhile):
        step(services.reply, enquiry, people.asker, text="もう一つ")
    assert [m.kind for m in selectors.messages_of(people.asker, enquiry)] == [
        "QUESTION",
        "ASKED_BACK",
        "REPLY",
        "ANSWER",
        "CLOSED",
    ]


def test_req_11_only_the_asker_closes_and_a_colleague_when_the_asker_left(people: People) -> None:
    enquiry = asked(people)

    for person in (people.colleague, people.operator, people.stranger):
        with pytest.raises(NotAllowed):
            step(services.close, enquiry, person)
    Membership.system.filter(user=people.asker).update(ended_at=MORNING, valid_until=dt.date(2020, 5, 1))

    assert step(services.close, enquiry, people.colleague).closed_by == people.colleague


def test_req_11_who_may_ask_and_who_answers(people: People) -> None:
    with pytest.raises(NotAllowed):
        asked(people, actor=people.stranger)
    with pytest.raises(NotAllowed):
        asked(people, actor=factories.user(Role.AUDITOR))
    enquiry = asked(people)
    with pytest.raises(NotAllowed):
        step(services.answer, enquiry, people.central, text="回答")  # the other desk's
    with pytest.raises(NotAllowed):
        step(services.answer, enquiry, people.asker, text="回答")
    with pytest.raises(Refused):
        step(services.answer, enquiry, people.operator, text="  ")

    due = dt.date(2026, 11, 30)
    step(services.route, enquiry, people.operator, desk="CENTRAL", assigned_to=None, due_on=due)
    step(services.answer, enquiry, people.central, text="中央会から回答します。")

    enquiry.refresh_from_db()
    assert (enquiry.desk, enquiry.state, enquiry.due_on) == ("CENTRAL", "ANSWERED", due)
    assert people.central.pk in mails("enquiry_new")


def test_req_11_assigning_tells_the_person_and_takes_nobody_of_another_desk(people: People) -> None:
    enquiry = asked(people)
    routing = {"desk": "OPERATIONS", "due_on": dt.date(2026, 11, 10)}

    with pytest.raises(Refused) as refused:
        step(services.route, enquiry, people.operator, assigned_to=people.central, **routing)
    assert refused.value.field == "assigned_to"
    with pytest.raises(Refused):
        step(
            services.route,
            enquiry,
            people.operator,
            assigned_to=None,
            **(routing | {"due_on": dt.date(2026, 11, 1)}),
        )
    step(services.route, enquiry, people.operator, assigned_to=people.second, **routing)

    assert mails("enquiry_assigned") == [people.second.pk]
    assert [m.internal for m in EnquiryMessage.system.filter(enquiry=enquiry, kind="ROUTED")] == [True]


def test_req_11_internal_notes_and_their_files_are_never_shown_to_a_federation(people: People) -> None:
    enquiry = asked(people)
    services.add_note(
        enquiry_id=enquiry.pk,
        text="himitsu 保守に照会中",
        files=[("himitsu.txt", b"log")],
        actor=people.operator,
        now=MORNING,
    )
    note_file = EnquiryFile.system.get()
    page, address = reverse("enquiry", args=[enquiry.number]), [enquiry.number, note_file.pk]

    own, theirs = client_of(people.asker), client_of(people.operator)
    assert "himitsu" not in own.get(page).content.decode()
    assert "himitsu" in theirs.get(page).content.decode()
    assert own.get(reverse("enquiry_file", args=address)).status_code == 404
    assert theirs.get(reverse("enquiry_file", args=address)).status_code == 200
    assert "himitsu" not in own.get(f"/api/v1/enquiries/{enquiry.number}/").content.decode()
    assert not selectors.enquiries(people.asker, "himitsu").exists()
    with pytest.raises(NotAllowed):
        services.add_note(enquiry_id=enquiry.pk, text="x", actor=people.asker, now=MORNING)


def test_org_02_another_federation_finds_nothing(people: People) -> None:
    enquiry = asked(people, files=[("画面.txt", "添付".encode())])
    file = EnquiryFile.system.get()
    stranger, colleague = client_of(people.stranger), client_of(people.colleague)

    for name, args in (("enquiry", [enquiry.number]), ("enquiry_file", [enquiry.number, file.pk])):
        assert stranger.get(reverse(name, args=args)).status_code == 404
        assert colleague.get(reverse(name, args=args)).status_code == 200
    assert enquiry.number not in stranger.get(reverse("enquiry_list")).content.decode()
    assert stranger.get("/api/v1/enquiries/").json()["results"] == []
    assert [e.number for e in selectors.enquiries(people.colleague, "ｃｓｖ 文字化け")] == [enquiry.number]
    assert stranger.post(reverse("enquiry", args=[enquiry.number]), {"step": "reply"}).status_code == 404


def test_req_11_what_somebody_else_wrote_meanwhile_is_read_first_and_nothing_is_lost(people: People) -> None:
    enquiry = asked(people)
    seen = enquiry.version
    step(services.reply, enquiry, people.asker, text="補足です。")
    browser, page = client_of(people.operator), reverse("enquiry", args=[enquiry.number])

    late = browser.post(page, {"step": "answer", "write-version": seen, "write-text": "古い内容への回答"})
    text = late.content.decode()
    enquiry.refresh_from_db()
    again = {"step": "answer", "write-version": enquiry.version, "write-text": "回答"}
    sent, twice = browser.post(page, again), browser.post(page, again)

    assert late.status_code == 422
    assert "古い内容への回答" in text
    assert f'value="{enquiry.version}"' in text
    assert ">\n古い内容への回答</textarea>" in text  # as it was typed, not as a list
    assert (sent.status_code, twice.status_code) == (302, 422)
    assert EnquiryMessage.system.filter(enquiry=enquiry, kind="ANSWER").count() == 1


def test_req_11_asking_on_the_screen_with_files_that_are_what_they_say(people: People) -> None:
    browser, page = client_of(people.asker), reverse("enquiry_new")
    values = {"subject": "帳票", "category": "AUDIT", "desk": "CENTRAL", "text": "質問です。"}
    wrong = SimpleUploadedFile("a.pdf", b"no pdf")
    good = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"b")]

    nothing = browser.post(page, {})
    refused = browser.post(page, values | {"attachments": wrong})
    made = browser.post(page, values | {"attachments": good})

    assert (nothing.status_code, refused.status_code, made.status_code) == (422, 422, 302)
    assert "質問です。" in refused.content.decode()
    assert list(EnquiryFile.system.values_list("name", flat=True)) == ["a.txt", "b.txt"]
    assert browser.get(made["Location"]).status_code == 200
    assert client_of(people.operator).get(page).status_code == 403


def test_sec_02_what_was_written_is_never_changed(people: People) -> None:
    enquiry = asked(people)

    with pytest.raises(DatabaseError), transaction.atomic():
        EnquiryMessage.system.filter(enquiry=enquiry).update(text="x")


def test_req_11_an_overdue_one_is_reminded_of_each_business_day_once(people: People) -> None:
    enquiry = asked(people)
    late, holiday = MORNING + dt.timedelta(days=6), MORNING + dt.timedelta(days=10)  # Tuesday, Saturday

    upkeep.look_after(now=MORNING + dt.timedelta(days=5))  # the day itself is not over
    assert mails("enquiry_overdue") == []
    for moment in (late, late, holiday):
        upkeep.look_after(now=moment)

    assert set(mails("enquiry_overdue")) == {people.operator.pk, people.second.pk}
    assert len(mails("enquiry_overdue")) == 2
    assert enquiry.pk in set(selectors.enquiries(people.operator, whose="late").values_list("pk", flat=True))


def test_req_11_without_a_reply_it_is_closed_after_a_notice_never_without(people: People) -> None:
    settings.ENQUIRIES["close_days"], settings.ENQUIRIES["notice_days"] = 10, 3
    enquiry = asked(people)
    step(services.answer, enquiry, people.operator, text="回答です。")
    much_later = MORNING + dt.timedelta(days=61)  # the portal stood still: the notice still comes first

    assert upkeep.look_after(now=MORNING + dt.timedelta(days=1)).endswith("announced 0, closed 0")
    assert "announced 1, closed 0" in upkeep.look_after(now=much_later)
    assert "announced 0, closed 0" in upkeep.look_after(now=much_later)
    assert mails("enquiry_closing") == [people.asker.pk]
    enquiry.refresh_from_db()
    assert enquiry.closes_on is not None
    assert enquiry.closes_on > much_later.date()

    end = dt.datetime.combine(enquiry.closes_on, dt.time(1), tzinfo=dt.UTC)
    upkeep.look_after(now=end)
    enquiry.refresh_from_db()
    assert (enquiry.state, enquiry.closed_by) == ("CLOSED", None)
    assert people.asker.pk in mails("enquiry_closed")


def test_req_11_a_reply_stops_the_closing(people: People) -> None:
    enquiry = asked(people)
    step(services.answer, enquiry, people.operator, text="回答です。")
    upkeep.look_after(now=MORNING + dt.timedelta(days=40))

    step(services.reply, enquiry, people.asker, MORNING + dt.timedelta(days=41), text="まだ直りません。")
    upkeep.look_after(now=MORNING + dt.timedelta(days=47))

    enquiry.refresh_from_db()
    assert (enquiry.state, enquiry.closes_on) == ("OPEN", None)


def test_the_list_costs_the_same_statements_for_one_and_for_thirty(people: People) -> None:
    browser, counts = client_of(people.operator), []
    browser.get(reverse("enquiry_list"))
    for number in range(30):
        asked(people, f"件名{number}", now=timezone.now())
        if number in (0, 29):
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(reverse("enquiry_list")).status_code == 200
            counts.append(len(queries))
    assert counts[0] == counts[1]
    for name in ("export", "print"):
        assert browser.get(reverse(f"enquiry_{name}") + "?format=csv&state=OPEN").status_code == 200
