"""Reminders, deletions that came to nothing, and lists that AD held up (ACC-14)."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.dormancy import upkeep
from accounts.dormancy.models import DormantLine, DormantReview, DormantRun
from portal.common.time import JST
from portal.gateways.directory import DirectoryUnavailable
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.workflow.models import Status
from tests import factories
from tests.accounts.dormancy.conftest import NOW, Office, line_of

# The list of 1 December 2026 is due on Tuesday, 15 December.
MORNINGS = [dt.datetime(2026, 12, 2, 8, 40, tzinfo=JST) + dt.timedelta(days=n) for n in range(32)]


def mails(template: str) -> list[int | None]:
    return sorted(notice.to_user_id or 0 for notice in Notice.system.filter(template=template))


def test_reminders_come_seven_and_three_business_days_before_and_then_each_week(office: Office) -> None:
    office.account("away")
    operator = factories.operator()
    office.list()

    days: dict[str, list[str]] = {"dormant_reminder": [], "dormant_overdue": []}
    for morning in MORNINGS:
        for _again in range(2):  # never twice a day
            upkeep.remind(now=morning)
        for template, found in days.items():
            if Notice.system.filter(template=template, created_at=morning).exists():
                found.append(f"{morning:%m-%d}")

    assert days["dormant_reminder"] == ["12-04", "12-10"]
    # Five business days apart; 29 December to 3 January are none.
    assert days["dormant_overdue"] == ["12-16", "12-23"]
    assert mails("dormant_reminder") == sorted([office.applicant.pk, office.manager.pk] * 2)
    assert mails("dormant_overdue") == sorted([operator.pk, office.manager.pk] * 2)


def test_a_reminder_that_an_outage_swallowed_is_sent_on_the_next_morning(office: Office) -> None:
    office.account("away")
    office.list()

    upkeep.remind(now=dt.datetime(2026, 12, 7, 8, 40, tzinfo=JST))

    assert Notice.system.filter(template="dormant_reminder").count() == 2


def test_who_has_answered_is_not_reminded_and_holidays_are_quiet(office: Office) -> None:
    office.account("away")
    review = office.list()

    assert upkeep.remind(now=dt.datetime(2026, 12, 19, 8, 40, tzinfo=JST)) == 0  # Saturday
    DormantReview.system.filter(pk=review.pk).update(status=DormantReview.Status.ANSWERED)
    assert upkeep.remind(now=dt.datetime(2026, 12, 21, 8, 40, tzinfo=JST)) == 0


def test_without_a_security_manager_those_who_answer_are_told_that_it_is_overdue(office: Office) -> None:
    office.account("away", code="27")
    applicant = factories.user(Role.APPLICANT, code="27")
    office.list()

    upkeep.remind(now=dt.datetime(2026, 12, 16, 8, 40, tzinfo=JST))

    assert mails("dormant_overdue") == [applicant.pk]


def test_the_mail_links_to_the_list_and_names_nobody(office: Office) -> None:
    office.account("himitsu-taro", display_name="秘密 太郎")
    office.list()
    upkeep.remind(now=dt.datetime(2026, 12, 4, 8, 40, tzinfo=JST))
    upkeep.remind(now=dt.datetime(2026, 12, 16, 8, 40, tzinfo=JST))

    for template in ("dormant_list", "dormant_reminder", "dormant_overdue"):
        notice = Notice.system.filter(template=template).first()
        assert notice is not None
        mail = messages.build(notice, now=NOW)
        text = mail.get_content()
        assert "/dormant/2026-12/13/" in text
        assert "2026年12月" in str(mail["Subject"])
        assert "令和8年12月15日" in text
        assert "1件" in text
        assert "秘密" not in text
        assert "himitsu" not in text


@pytest.mark.parametrize(
    ("status", "asked"),
    [(Status.WITHDRAWN, 1), (Status.REJECTED, 1), (Status.NOT_DONE, 1), (Status.COMPLETED, 0)],
)
def test_a_deletion_that_came_to_nothing_is_asked_again(office: Office, status: str, asked: int) -> None:
    office.account("away")
    review = office.list()
    paper = factories.application(applicant=office.applicant, status=status)
    line = line_of(review, "away")
    DormantLine.system.filter(pk=line.pk).update(
        answer="DELETE", application=paper, answered_by=office.applicant, answered_at=NOW
    )
    DormantReview.system.filter(pk=review.pk).update(status=DormantReview.Status.ANSWERED, closed_at=NOW)

    assert upkeep.ask_again(now=NOW) == asked
    assert upkeep.ask_again(now=NOW) == 0

    review.refresh_from_db()
    assert line_of(review, "away").is_open is bool(asked)
    assert (review.status == DormantReview.Status.OPEN) is bool(asked)


def test_the_morning_finishes_a_list_that_ad_held_up_and_reminds_even_while_it_does(office: Office) -> None:
    office.account("away")
    office.list()
    office.directory.faults["search_accounts"] = [DirectoryUnavailable("down", code="52")] * 2
    with pytest.raises(DirectoryUnavailable):
        office.list(dt.datetime(2027, 1, 1, 3, 30, tzinfo=JST))

    text = upkeep.look_after(now=dt.datetime(2027, 1, 4, 8, 40, tzinfo=JST))

    assert "52" in text
    assert Notice.system.filter(template="dormant_overdue").exists()
    upkeep.look_after(now=dt.datetime(2027, 1, 5, 8, 40, tzinfo=JST))
    assert not DormantRun.objects.exclude(status=DormantRun.Status.DONE).exists()
    assert DormantReview.system.filter(run__period=dt.date(2027, 1, 1), organisation__code="13").exists()
