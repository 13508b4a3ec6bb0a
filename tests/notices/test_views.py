"""The list of notices: one's own, and for operations what was not delivered."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.notices import services
from portal.notices.errors import NotAllowed
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.notices.support import NUMBER, notice
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db


def test_a_person_sees_own_notices_only() -> None:
    mine, other = factories.approver(), factories.approver()
    notice(to_user=mine, application_number="A-2026-000001")
    notice(to_user=other, application_number="A-2026-000002")

    shown = client_of(mine).get("/notices/").content.decode()

    assert "A-2026-000001" in shown
    assert "A-2026-000002" not in shown


def test_reading_counts_only_for_oneself() -> None:
    mine, other = factories.approver(), factories.approver()
    notice(to_user=mine)
    notice(to_user=other)

    client_of(mine).post("/notices/read/")

    assert Notice.system.get(to_user=mine).read_at is not None
    assert Notice.system.get(to_user=other).read_at is None


@pytest.mark.parametrize(
    ("role", "code"), [(Role.APPLICANT, "13"), (Role.AUDITOR, "13"), (Role.AUDITOR, "central")]
)
def test_what_was_not_delivered_is_for_operations(role: str, code: str) -> None:
    failed = notice()
    Notice.system.update(status="FAILED")
    client = client_for(role, code=code)

    assert "shounin@kokuho13.example.jp" not in client.get("/notices/?tab=undelivered").content.decode()
    assert client.post(f"/notices/{failed.pk}/send-again/").status_code in (403, 404)


def test_operations_see_refused_and_long_waiting_mails() -> None:
    for address, changes in {
        "refused@x.example.jp": {"status": "FAILED"},
        "late@x.example.jp": {"attempts": 3},
        "fresh@x.example.jp": {"attempts": 1},
        "sent@x.example.jp": {"status": "SENT", "attempts": 5},
    }.items():
        Notice.system.filter(pk=notice(to_address=address).pk).update(**changes)

    shown = client_for(Role.OPERATOR, code="operations").get("/notices/?tab=undelivered").content.decode()

    assert "refused@x.example.jp" in shown
    assert "late@x.example.jp" in shown
    assert "fresh@" not in shown
    assert "sent@" not in shown


def test_a_refused_mail_goes_again_to_the_address_of_today() -> None:
    person = factories.approver(email="old@kokuho13.example.jp")
    failed = notice(to_user=person, to_address="")
    Notice.system.update(status="FAILED", error_code="550", attempts=1)
    type(person).objects.filter(pk=person.pk).update(email="new@kokuho13.example.jp")
    client = client_for(Role.OPERATOR, code="operations")

    response = client.post(f"/notices/{failed.pk}/send-again/")

    failed.refresh_from_db()
    assert response.status_code == 302
    assert (failed.status, failed.to_address, failed.error_code, failed.attempts) == (
        "QUEUED",
        "new@kokuho13.example.jp",
        "",
        0,
    )
    assert TrailEntry.objects.filter(action="notice.send_again").count() == 1


def test_a_password_is_never_sent_again() -> None:
    failed = notice("initial_password")
    Notice.system.update(status="FAILED")
    client = client_for(Role.OPERATOR, code="operations")

    client.post(f"/notices/{failed.pk}/send-again/")

    failed.refresh_from_db()
    assert failed.status == "FAILED"
    assert f"/notices/{failed.pk}/send-again/" not in client.get("/notices/?tab=undelivered").content.decode()


def test_an_auditor_of_operations_reads_and_does_not_send() -> None:
    failed = notice()
    Notice.system.update(status="FAILED")
    client = client_for(Role.AUDITOR, code="operations")

    assert NUMBER in client.get("/notices/?tab=undelivered").content.decode()
    assert client.post(f"/notices/{failed.pk}/send-again/").status_code == 403
    with pytest.raises(NotAllowed):
        services.send_again(notice_id=failed.pk, actor=factories.applicant(), now=timezone.now())


def test_without_login_nothing_is_shown(client: Client) -> None:
    assert client.get("/notices/").status_code == 302


def test_the_list_asks_the_database_as_often_for_one_row_as_for_thirty() -> None:
    person = factories.approver()
    client = client_of(person)
    counts = []
    for rows in (1, 29):
        for _ in range(rows):
            notice(to_user=person)
        client.get("/notices/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/notices/")
        counts.append(len(queries))

    assert counts[0] == counts[1]
