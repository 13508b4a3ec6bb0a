"""People are told 14, 7 and 1 days before their password ends, once for each (ACC-07)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from accounts import expiry
from accounts.models import ExpiryNotice
from portal.common.time import JST
from portal.gateways.directory import DirectoryEntry, DirectoryUnavailable
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.models import User
from tests import factories
from tests.fakes import FakeDirectory
from tests.orgs.conftest import with_account

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 20, 8, 0, tzinfo=JST)
DAY = dt.timedelta(days=1)


@pytest.fixture
def person(directory: FakeDirectory) -> User:
    return with_account(directory, factories.approver(login_name="kanri-0412"))


def ends(
    directory: FakeDirectory, user: User, moment: dt.datetime | None, **values: object
) -> DirectoryEntry:
    assert user.directory_guid is not None
    entry = replace(directory.entries[user.directory_guid], password_expires_at=moment, **values)  # type: ignore[arg-type]
    directory.entries[user.directory_guid] = entry
    return entry


def test_each_threshold_is_told_once(directory: FakeDirectory, person: User) -> None:
    ends(directory, person, NOW + 20 * DAY)

    told = [expiry.tell_expiring(now=NOW + day * DAY) for day in range(21) for _twice in (1, 2)]

    assert [index // 2 for index, count in enumerate(told) if count] == [6, 13, 19]
    assert [notice.context["days"] for notice in Notice.system.order_by("pk")] == [14, 7, 1]
    assert Notice.system.first().to_user == person


def test_after_downtime_one_mail_goes_out_and_not_three(directory: FakeDirectory, person: User) -> None:
    ends(directory, person, NOW + DAY)

    assert expiry.tell_expiring(now=NOW) == 1
    assert expiry.tell_expiring(now=NOW) == 0
    assert ExpiryNotice.objects.get().days == 1


def test_a_longer_lifetime_by_a_pso_is_told_anew(directory: FakeDirectory, person: User) -> None:
    ends(directory, person, NOW + 7 * DAY)
    expiry.tell_expiring(now=NOW)
    ends(directory, person, NOW + 90 * DAY)

    in_between = expiry.tell_expiring(now=NOW + DAY)

    assert (in_between, expiry.tell_expiring(now=NOW + 76 * DAY)) == (0, 1)


@pytest.mark.parametrize(
    ("moment", "values"),
    [
        (None, {}),
        (NOW - DAY, {}),
        (NOW + 15 * DAY, {}),
        (NOW + DAY, {"enabled": False}),
        (NOW + DAY, {"must_change_password": True}),
    ],
)
def test_who_has_nothing_to_do_is_not_told(
    directory: FakeDirectory, person: User, moment: dt.datetime | None, values: dict[str, object]
) -> None:
    ends(directory, person, moment, **values)

    assert expiry.tell_expiring(now=NOW) == 0


def test_the_mail_has_no_link_and_names_the_day(directory: FakeDirectory, person: User) -> None:
    ends(directory, person, NOW + 7 * DAY)
    expiry.tell_expiring(now=NOW)

    mail = messages.build(Notice.system.get(), now=NOW)

    assert "http" not in mail.get_content()
    assert "11月27日" in mail["Subject"]


def test_an_account_of_nobody_the_portal_knows_is_left_alone(directory: FakeDirectory) -> None:
    directory.add("stranger", password_expires_at=NOW + DAY)

    assert expiry.tell_expiring(now=NOW) == 0


def test_the_database_keeps_one_notice_for_each_threshold(person: User) -> None:
    values = {"object_guid": person.directory_guid, "expires_on": NOW.date(), "days": 7, "at": NOW}
    ExpiryNotice.objects.create(**values)

    with pytest.raises(IntegrityError), transaction.atomic():
        ExpiryNotice.objects.create(**values)


def test_an_unreachable_directory_fails_the_job_so_that_it_is_tried_again(
    directory: FakeDirectory, person: User
) -> None:
    directory.faults["search_accounts"] = [DirectoryUnavailable]

    with pytest.raises(DirectoryUnavailable):
        expiry.tell_expiring(now=NOW)
