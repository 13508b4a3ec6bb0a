"""Queued mail goes out once, in one thread per application, and nothing is lost when the server fails."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import connection

from portal.embedded.mailcatcher import MailCatcher
from portal.notices import delivery, messages, tasks
from portal.notices.delivery import Result
from portal.notices.models import Notice
from portal.orgs import outbox
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from tests import factories
from tests.notices.support import NOW, NUMBER, notice, server_answering

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.notices.urls")]

TEMPLATES = [
    "approval_request",
    "application_returned",
    "application_rejected",
    "application_completed",
    "application_needs_attention",
    "application_withdrawn",
]


def send(at: dt.datetime = NOW, **options: Any) -> Result:
    return delivery.send_due(now_fn=lambda: at, **options)


def received(catcher: MailCatcher) -> list[EmailMessage]:
    """Parsed mails, oldest first."""
    raw = [catcher.store.directory / f"{mail.key}.eml" for mail in reversed(catcher.messages())]
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in raw]  # type: ignore[misc]


def test_a_queued_mail_is_sent_once(mail_catcher: MailCatcher) -> None:
    queued = notice()

    assert send() == Result(sent=1)
    assert send() == Result()

    queued.refresh_from_db()
    assert (queued.status, queued.sent_at, queued.attempts) == ("SENT", NOW, 1)
    (mail,) = received(mail_catcher)
    assert mail["To"] == "shounin@kokuho13.example.jp"
    assert mail["From"] == "portal@kokuho.example.jp"
    assert mail["Message-ID"] == f"<{queued.uid}@kokuho.example.jp>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    assert mail.get_content_charset() == "utf-8"
    assert "Bcc" not in mail


def test_all_mails_of_an_application_are_one_thread(mail_catcher: MailCatcher) -> None:
    for template in ("approval_request", "application_returned", "application_completed"):
        notice(template)
    notice(application_number="A-2026-000999")

    send()

    threads = [(mail["In-Reply-To"], mail["References"]) for mail in received(mail_catcher)]
    thread = "<a-2026-000123@kokuho.example.jp>"
    assert threads[:3] == [(thread, thread)] * 3
    assert threads[3][0] == "<a-2026-000999@kokuho.example.jp>"


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_mail_names_the_application_links_to_it_and_names_nobody(
    mail_catcher: MailCatcher, template: str
) -> None:
    person = factories.approver(display_name="国保 花子", login_name="tk13hanako")
    notice(
        template, to_user=person, context={"due_on": "2026-11-25", "revision": 2, "stage_label": "approval"}
    )

    send()

    (mail,) = received(mail_catcher)
    text = f"{mail['Subject']}\n{mail.get_content()}"
    assert NUMBER in mail["Subject"]
    assert f"http://127.0.0.1:8000/applications/{NUMBER}/" in text
    assert "国保 花子" not in text
    assert "tk13hanako" not in text
    assert "{" not in text
    assert text.endswith("返信されてもお答えできません。\n")


def test_the_approver_is_told_the_due_date_in_the_japanese_calendar(mail_catcher: MailCatcher) -> None:
    notice(context={"due_on": "2026-11-25", "revision": 2})

    send()

    text = received(mail_catcher)[0].get_content()
    assert "令和8年11月25日（水）" in text
    assert "第2版" in text


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"outcome": "COMPLETED", "not_done": 0}, "反映がすべて完了しました"),
        ({"outcome": "COMPLETED", "not_done": 2}, "2件は反映していません"),
        ({"outcome": "NOT_DONE", "not_done": 1}, "反映を行わずに終了しました"),
    ],
)
def test_the_applicant_is_told_what_became_of_it(
    mail_catcher: MailCatcher, result: dict[str, Any], words: str
) -> None:
    notice("application_completed", context=result)

    send()

    assert words in received(mail_catcher)[0].get_content()


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "421 4.3.2 closing"])
def test_a_temporary_refusal_waits_longer_each_time(mail_catcher: MailCatcher, reply: str) -> None:
    queued = notice()
    at, waits = NOW, []

    with mail_catcher.refusing(reply=reply):
        for _ in range(7):
            assert send(at) == Result(later=1)
            queued.refresh_from_db()
            waits.append((queued.not_before - at).total_seconds() / 60)
            at = queued.not_before
    assert send(at) == Result(sent=1)

    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert queued.error_code == reply[:3]
    queued.refresh_from_db()
    assert (queued.status, queued.error_code) == ("SENT", "")


def test_an_address_that_says_later_for_days_is_given_up(mail_catcher: MailCatcher) -> None:
    queued = notice()

    with mail_catcher.refusing(reply="450 mailbox full"):
        assert send(NOW + dt.timedelta(days=5, minutes=1)) == Result(refused=1)

    queued.refresh_from_db()
    assert queued.status == "FAILED"


def test_a_refused_address_is_shown_and_recorded_and_the_others_go(mail_catcher: MailCatcher) -> None:
    gone = notice(to_address="gone@kokuho13.example.jp")
    notice()

    with mail_catcher.refusing("gone@kokuho13.example.jp", reply="550 5.1.1 No such user"):
        assert send() == Result(sent=1, refused=1)

    gone.refresh_from_db()
    assert (gone.status, gone.error_code, gone.error_message) == ("FAILED", "550", "5.1.1 No such user")
    entry = TrailEntry.objects.get()
    assert (entry.action, entry.object_label, entry.object_organisation_id) == (
        "notice.failed",
        NUMBER,
        gone.organisation_id,
    )


def test_a_stopped_server_keeps_everything_for_later(mail_catcher: MailCatcher) -> None:
    for _ in range(3):
        notice()
    mail_catcher.stop()

    assert send() == Result(later=3)
    mail_catcher.start()

    assert send(NOW + dt.timedelta(minutes=1)) == Result(sent=3)
    assert set(Notice.system.values_list("status", flat=True)) == {"SENT"}


def test_a_break_after_the_text_is_tried_again_with_the_same_message_id(
    settings: Any, mail_catcher: MailCatcher
) -> None:
    queued = notice()
    with server_answering(settings, None) as broken:
        assert send() == Result(later=1)
    assert broken.received == 1

    assert send(NOW + dt.timedelta(minutes=1)) == Result(sent=1)

    assert received(mail_catcher)[0]["Message-ID"] == f"<{queued.uid}@kokuho.example.jp>"


def test_a_text_that_the_server_refuses_for_good_goes_to_operations(settings: Any) -> None:
    queued = notice()

    with server_answering(settings, "554 5.7.1 looks like spam"):
        assert send() == Result(refused=1)

    queued.refresh_from_db()
    assert (queued.status, queued.error_code, queued.error_message) == ("FAILED", "554", "")


@pytest.mark.parametrize(
    "address",
    [
        "a@kokuho13.example.jp\r\nBcc: b@evil.example.com",
        "a@kokuho13.example.jp, b@evil.example.com",
        "a@kokuho13.example.jp>\nDATA",
        "花子@kokuho13.example.jp",
        "@kokuho13.example.jp",
        "kokuho13",
    ],
)
def test_an_address_cannot_smuggle_in_a_header_or_a_second_recipient(
    mail_catcher: MailCatcher, address: str
) -> None:
    queued = notice(to_address=address)

    assert send() == Result(refused=1)

    queued.refresh_from_db()
    assert (queued.status, queued.error_code) == ("FAILED", "address")
    assert mail_catcher.messages() == []


def test_a_line_break_in_a_value_never_becomes_a_header(mail_catcher: MailCatcher) -> None:
    notice(application_number="A\r\nBcc: b@evil.jp")

    assert send() == Result(later=1)  # it cannot be made

    assert received(mail_catcher) == []


def test_a_mail_that_cannot_be_made_does_not_hold_up_the_others(mail_catcher: MailCatcher) -> None:
    broken = notice("no_such_template")
    notice()

    assert send() == Result(sent=1, later=1)

    broken.refresh_from_db()
    assert broken.error_code == "TemplateDoesNotExist"


def test_one_connection_carries_a_whole_batch(
    mail_catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    connect = delivery.Relay._connect
    monkeypatch.setattr(delivery.Relay, "_connect", lambda self: opened.append(1) or connect(self))
    for _ in range(5):
        notice()

    send()

    assert (len(opened), len(mail_catcher.messages())) == (1, 5)


def test_the_task_sends_more_than_one_batch(
    mail_catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = delivery.send_due
    monkeypatch.setattr(delivery, "send_due", lambda now_fn: original(now_fn=lambda: NOW, limit=2))
    monkeypatch.setattr(delivery, "BATCH", 2)
    for _ in range(5):
        notice()

    tasks.send_notices()

    assert len(mail_catcher.messages()) == 5


def test_queueing_rings_after_the_commit(rings: list[str], django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        notice()
        notice()

    assert rings == ["portal.notices.tasks.send_notices"]


def test_the_floor_below_queues_through_the_same_service(mail_catcher: MailCatcher) -> None:
    person: User = factories.operator()

    outbox.queue(template="break_glass_used", now=NOW, organisation_id=person.organisation_id, to_user=person)
    send()

    assert "http://127.0.0.1:8000/trail/" in received(mail_catcher)[0].get_content()


def test_another_room_adds_a_link_that_is_not_stored(
    mail_catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "_providers", {})
    messages.provide(
        "recipient_confirmation", lambda queued: {"confirm_url": f"https://x/{queued.context['id']}"}
    )
    notice("recipient_confirmation", application_number="", context={"id": 7})

    send()

    assert "https://x/7" in received(mail_catcher)[0].get_content()


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_mail_once(mail_catcher: MailCatcher) -> None:
    for _ in range(20):
        notice()
    barrier = threading.Barrier(2)

    def work(_: int) -> int:
        barrier.wait(timeout=10)
        try:
            return sum(send(limit=3).sent for _ in range(8))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(work, range(2)))

    assert sum(counts) == 20
    assert len(mail_catcher.messages()) == 20
