"""Entries that end soon are told 14, 7 and 1 days before, once, in one mail for a federation and day (MAC-06)."""

from __future__ import annotations

import datetime as dt

import pytest

from devices.whitelist import reminding
from devices.whitelist.models import WhitelistEntry
from portal.common.time import JST
from portal.notices import delivery, messages
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.schedule import JOBS
from tests import factories
from tests.devices.guard import world

pytestmark = pytest.mark.django_db

LAST = dt.date(2027, 2, 20)


def morning(days_before: int) -> dt.datetime:
    return dt.datetime.combine(LAST - dt.timedelta(days=days_before), dt.time(8, 15), JST)


def told() -> list[Notice]:
    return list(Notice.system.filter(template=reminding.TEMPLATE).order_by("pk"))


def test_mac06_an_entry_is_told_14_7_and_1_days_before_its_end_and_once_each() -> None:
    applicant = factories.applicant()
    world.entry(valid_until=LAST)
    world.entry()  # without an end

    days = [
        n for n in range(20, -1, -1) if reminding.remind(now=morning(n)) + reminding.remind(now=morning(n))
    ]

    assert days == [14, 7, 1]
    assert [notice.to_user for notice in told()].count(applicant) == 3


def test_mac06_one_mail_lists_what_ends_in_a_federation_and_nothing_of_others() -> None:
    applicant, other = factories.applicant(), factories.applicant(code="27")
    officer = factories.user(Role.SECURITY_OFFICER)
    first, second = world.entry(valid_until=LAST), world.entry(valid_until=LAST - dt.timedelta(days=7))
    theirs = world.entry("27", valid_until=LAST)

    assert reminding.remind(now=morning(14)) == 3

    mails = {notice.to_user: messages.build(notice, now=morning(14)).get_content() for notice in told()}
    assert {applicant, officer, other} <= set(mails)
    assert len(mails) == len(told())  # one for each person
    assert not [user for user in mails if user and user.organisation.code not in ("13", "27")]
    assert first.shown_mac in mails[applicant]
    assert second.shown_mac in mails[applicant]
    assert theirs.shown_mac not in mails[applicant]
    assert theirs.shown_mac in mails[other]
    assert first.shown_mac not in mails[other]


def test_mac06_after_an_outage_an_entry_is_told_of_once_with_the_nearest() -> None:
    factories.applicant()
    entry = world.entry(valid_until=LAST)

    assert [reminding.remind(now=morning(n)) for n in (3, 2)] == [1, 0]

    entry.refresh_from_db()
    assert entry.reminded_days == 7
    assert reminding.remind(now=morning(1)) == 1


def test_mac06_what_was_replaced_before_the_mail_went_is_not_in_it() -> None:
    factories.applicant()
    world.end(world.entry(valid_until=LAST))
    world.entry(valid_until=LAST)
    reminding.remind(now=morning(14))
    world.end(WhitelistEntry.system.get(state="APPROVED"))

    delivery.send_due(now_fn=lambda: morning(14))

    assert {notice.status for notice in told()} == {"DROPPED"}


def test_the_scheduler_reminds_each_morning() -> None:
    (job,) = [job for job in JOBS if job.name == "remind_of_entries"]

    assert len(list(job.times.between(morning(2), morning(1)))) == 1
