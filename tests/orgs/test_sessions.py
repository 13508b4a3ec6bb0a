"""A session goes on while the person works, and ends by itself (SEC-01)."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.orgs.middleware import BY_ITSELF
from portal.orgs.permissions import Role
from tests.roles import client_for

pytestmark = pytest.mark.django_db

IDLE = dt.timedelta(minutes=30)


@pytest.fixture
def client() -> Client:
    made = client_for(Role.APPLICANT)
    made.get("/session/extend/")  # the first request writes when it was
    return made


def ends_in() -> dt.timedelta:
    return Session.objects.get().expire_date - timezone.now()


def test_a_request_within_the_same_minute_writes_no_session(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get("/profile/")

    assert not [query for query in queries if "UPDATE" in query["sql"] and "django_session" in query["sql"]]
    assert ends_in() > IDLE


def test_a_later_request_moves_the_end_on(client: Client) -> None:
    session = client.session
    session["renewed_at"] -= 60
    session.save()
    Session.objects.update(expire_date=timezone.now() + dt.timedelta(seconds=5))

    client.get("/profile/")

    assert ends_in() > IDLE


def test_the_end_is_never_earlier_than_half_an_hour_after_a_request(client: Client) -> None:
    session = client.session
    session["renewed_at"] -= 59  # as late as a request can come without writing
    session.save()
    Session.objects.update(expire_date=Session.objects.get().expire_date - dt.timedelta(seconds=59))

    page = client.get("/profile/").content.decode()

    assert ends_in() > IDLE
    assert 'data-session-seconds="1800"' in page


def test_who_is_not_logged_in_gets_no_session_for_it() -> None:
    Client().get("/help/")

    assert not Session.objects.exists()


def test_what_a_page_asks_by_itself_does_not_move_the_end_on(client: Client) -> None:
    session = client.session
    session["renewed_at"] -= 60
    session.save()
    end = timezone.now() + dt.timedelta(seconds=5)
    Session.objects.update(expire_date=end)

    assert client.get("/profile/", headers={BY_ITSELF: "1"}).status_code == 200

    assert Session.objects.get().expire_date == end


def test_every_part_of_a_page_that_asks_by_itself_says_so() -> None:
    asking = [
        tag
        for path in Path("templates").rglob("*.html")
        for tag in re.findall(r"<\w[^>]*hx-trigger=\"every[^>]*>", path.read_text())
    ]

    assert len(asking) >= 6
    assert [tag for tag in asking if f'hx-headers=\'{{"{BY_ITSELF}": "1"}}\'' not in tag] == []


def test_a_session_ends_after_twelve_hours_however_busy_and_what_is_sent_then_is_not_lost(
    client: Client,
) -> None:
    session = client.session
    session["began_at"] -= 12 * 60 * 60
    session.save()

    assert client.post("/session/extend/").status_code == 204
    answer = client.get("/profile/")

    assert answer.headers["Location"] == "/auth/login/?next=%2Fprofile%2F"
    assert not Session.objects.exists()


def test_what_is_sent_half_an_hour_after_the_end_asks_for_the_login_too(client: Client) -> None:
    session = client.session
    session["began_at"] -= 12 * 60 * 60 + 30 * 60
    session.save()

    assert client.post("/session/extend/").status_code == 302
