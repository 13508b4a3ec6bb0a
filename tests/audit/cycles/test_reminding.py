"""Mail about steps: before the due day, to the owner, to those above; each at most once (AUD-08)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from importlib import import_module

import pytest
from django.db import connection

from audit.cycles import reminding
from audit.cycles.models import AuditCycle, Closure, StepMail
from audit.reports.models import AuditReport, ReportStatus
from portal.notices.errors import NothingToSay
from portal.notices.messages import build
from portal.notices.models import Notice
from portal.orgs.models import User
from tests import factories
from tests.audit import world
from tests.audit.world import jst
from tests.threads import at_once


@pytest.fixture
def cycle(db: None) -> AuditCycle:
    return world.open_cycle(dt.date(2026, 8, 1))


@pytest.fixture
def cast(db: None) -> dict[str, User]:
    return {
        "operator": factories.user("OPERATOR", code="operations"),
        "above_operator": factories.user("APPROVER", code="operations"),
        "reviewer": factories.user("AUDIT_REVIEWER", code="central"),
        "approver": factories.user("APPROVER", code="central"),
        "officer": factories.user("SECURITY_OFFICER", code="13"),
        "manager": factories.user("SECURITY_MANAGER", code="13"),
    }


def sent(cast: dict[str, User]) -> Counter[tuple[str, str, int]]:
    """Who got which mail, and how often."""
    names = {person.pk: name for name, person in cast.items()}
    rows = Notice.system.filter(template__startswith="audit_step").order_by("pk")
    return Counter((names[n.to_user_id], n.template, n.context["step"]) for n in rows if n.to_user_id)


def every_day(first: dt.date, last: dt.date) -> None:
    """The job on each of these days, twice a day as after a lost run."""
    day = first
    while day <= last:
        reminding.remind(now=jst(day.year, day.month, day.day, 8, 45))
        reminding.remind(now=jst(day.year, day.month, day.day, 9, 45))
        day += dt.timedelta(days=1)


def test_operations_are_reminded_and_escalated_each_once(cycle: AuditCycle, cast: dict[str, User]) -> None:
    every_day(
        dt.date(2026, 8, 21), dt.date(2026, 8, 28)
    )  # due on Friday the 28th: 3, 1 and 0 working days before

    assert sent(cast) == {("operator", "audit_step_due", 1): 3}
    assert list(StepMail.system.values_list("days", flat=True).order_by("-days")) == [3, 1, 0]
    every_day(dt.date(2026, 8, 29), dt.date(2026, 8, 30))  # a weekend
    assert StepMail.system.count() == 3
    every_day(dt.date(2026, 8, 31), dt.date(2026, 9, 30))
    assert sent(cast) == {
        ("operator", "audit_step_due", 1): 3,
        ("operator", "audit_step_late", 1): 1,
        ("above_operator", "audit_step_late", 1): 1,
    }
    levels = dict(StepMail.system.exclude(level="BEFORE").values_list("level", "sent_at"))
    assert levels == {"OWNER": jst(2026, 8, 31, 8, 45), "SUPERVISOR": jst(2026, 9, 2, 8, 45)}


def test_a_federation_is_told_of_its_own_report_only(cycle: AuditCycle, cast: dict[str, User]) -> None:
    world.all_reports(cycle, ReportStatus.COPY_STORED)
    world.report(cycle, "13", ReportStatus.PROVIDED, provided_at=jst(2026, 9, 24, 10))
    stranger = factories.user("SECURITY_OFFICER", code="27")

    every_day(dt.date(2026, 9, 24), dt.date(2026, 10, 9))

    # From Friday the 25th to Tuesday the 29th: two working days before, one, and the day itself.
    assert sent(cast) == {
        ("officer", "audit_step_due", 4): 3,
        ("officer", "audit_step_late", 4): 1,
        ("manager", "audit_step_late", 4): 1,
    }
    assert not Notice.system.filter(to_user=stranger).exists()
    assert {n.organisation.code for n in Notice.system.filter(template__startswith="audit_step")} == {"13"}


def test_aud_08_a_new_revision_is_told_of_anew_when_it_is_late(
    cycle: AuditCycle, cast: dict[str, User]
) -> None:
    world.all_reports(cycle, ReportStatus.COPY_STORED)
    first = world.report(cycle, "13", ReportStatus.PROVIDED, provided_at=jst(2026, 9, 24, 10))
    every_day(dt.date(2026, 9, 30), dt.date(2026, 10, 9))
    AuditReport.system.filter(pk=first.pk).update(status=ReportStatus.SUPERSEDED, is_current=False)
    AuditReport.system.create(
        cycle=cycle,
        organisation=first.organisation,
        revision=2,
        status=ReportStatus.PROVIDED,
        provided_at=jst(2026, 10, 20, 10),
    )

    every_day(dt.date(2026, 10, 21), dt.date(2026, 11, 9))

    late = StepMail.system.exclude(level="BEFORE").order_by("day").values_list("level", "day")
    assert list(late) == [
        ("OWNER", dt.date(2026, 9, 30)),
        ("SUPERVISOR", dt.date(2026, 10, 2)),
        ("OWNER", dt.date(2026, 10, 21)),
        ("SUPERVISOR", dt.date(2026, 10, 23)),
    ]
    assert sum(sent(cast).values()) == 4


def test_aud_08_one_mail_a_day_tells_of_all_that_became_late_and_no_report_uses_up_the_mail_of_another(
    cycle: AuditCycle, cast: dict[str, User]
) -> None:
    world.all_reports(cycle, ReportStatus.COPY_STORED)
    for code in ("13", "14"):  # step 7 is due on the 30th of September
        world.report(cycle, code, ReportStatus.RETURNED, returned_at=jst(2026, 9, 30, 16))
    every_day(dt.date(2026, 10, 1), dt.date(2026, 10, 1))
    assert sent(cast) == {("reviewer", "audit_step_late", 7): 1}
    assert Notice.system.get(template="audit_step_late").context["count"] == 2

    world.report(cycle, "27", ReportStatus.RETURNED, returned_at=jst(2026, 10, 1, 16))
    every_day(dt.date(2026, 10, 2), dt.date(2026, 10, 6))

    days = StepMail.system.order_by("day").values_list("level", "day")
    assert [(level, day.day) for level, day in days] == [
        ("OWNER", 1),
        ("OWNER", 2),
        ("SUPERVISOR", 5),
        ("SUPERVISOR", 6),
    ]


def test_mails_of_before_the_migration_count_for_the_reports_that_were_with_their_party_then(
    cycle: AuditCycle, cast: dict[str, User]
) -> None:
    world.all_reports(cycle, ReportStatus.COPY_STORED)
    world.report(cycle, "13", ReportStatus.PROVIDED, provided_at=jst(2026, 9, 24, 10))
    world.report(cycle, "27", ReportStatus.RETURNED, returned_at=jst(2026, 9, 28, 10))
    AuditReport.system.filter(cycle=cycle).update(created_at=jst(2026, 8, 21, 9))
    every_day(dt.date(2026, 9, 24), dt.date(2026, 10, 9))
    before = sent(cast)
    assert before["reviewer", "audit_step_late", 7] == 1
    StepMail.system.update(reports=[], day=dt.date(2026, 1, 1))

    with connection.cursor() as cursor:
        cursor.execute(import_module("audit.migrations.0012_mails_of_each_report").FILL)
    every_day(dt.date(2026, 10, 13), dt.date(2026, 10, 14))
    assert sent(cast) == before

    world.report(cycle, "40", ReportStatus.RETURNED, returned_at=jst(2026, 10, 14, 16))
    every_day(dt.date(2026, 10, 15), dt.date(2026, 10, 15))
    assert sent(cast) - before == {("reviewer", "audit_step_late", 7): 1}


def test_a_step_that_only_those_above_can_do_is_told_to_them_from_the_start(
    cycle: AuditCycle, cast: dict[str, User]
) -> None:
    world.all_reports(cycle, ReportStatus.CENTRAL_CONFIRMED, central_confirmed_at=jst(2026, 9, 18, 10))

    every_day(dt.date(2026, 9, 18), dt.date(2026, 9, 24))

    assert sent(cast) == {
        ("reviewer", "audit_step_due", 3): 1,
        ("approver", "audit_step_due", 3): 1,
    }
    every_day(dt.date(2026, 10, 9), dt.date(2026, 10, 9))  # after an outage, late for both levels at once
    assert sent(cast)["approver", "audit_step_late", 3] == 1


def test_what_an_outage_swallowed_comes_once_and_not_three_times(
    cycle: AuditCycle, cast: dict[str, User]
) -> None:
    every_day(dt.date(2026, 8, 27), dt.date(2026, 8, 27))

    assert sent(cast) == {("operator", "audit_step_due", 1): 1}
    every_day(dt.date(2026, 9, 9), dt.date(2026, 9, 9))
    assert sent(cast) == {
        ("operator", "audit_step_due", 1): 1,
        ("operator", "audit_step_late", 1): 1,
        ("above_operator", "audit_step_late", 1): 1,
    }


def test_nobody_is_mailed_on_a_local_closure(cycle: AuditCycle, cast: dict[str, User]) -> None:
    Closure.objects.create(day=dt.date(2026, 8, 27), name="開所記念日")

    assert reminding.remind(now=jst(2026, 8, 27, 8, 45)) == ""
    assert reminding.remind(now=jst(2026, 8, 28, 8, 45)) == "1"


def test_without_an_officer_the_manager_is_told(cycle: AuditCycle) -> None:
    manager = factories.user("SECURITY_MANAGER", code="13")
    world.report(cycle, "13", ReportStatus.PROVIDED, provided_at=jst(2026, 9, 24, 10))

    reminding.remind(now=jst(2026, 9, 28, 8, 45))

    assert [n.to_user for n in Notice.system.filter(organisation__code="13")] == [manager]


def test_the_mail_names_month_step_and_day_and_no_person(cycle: AuditCycle, cast: dict[str, User]) -> None:
    reminding.remind(now=jst(2026, 8, 27, 8, 45))
    notice = Notice.system.get(template="audit_step_due")

    mail = build(notice, now=jst(2026, 8, 27, 8, 45))
    text = mail.get_content()
    assert mail["Subject"] == (
        "【期限のお知らせ】監査報告 2026年8月分 工程1「監査報告レポートの作成」（令和8年8月28日（金）まで）"
    )
    assert "47連合会分" in text
    assert "/audit/cycles/2026-08/" in text
    assert not any(person.display_name in text for person in cast.values())

    world.all_reports(cycle, ReportStatus.CREATED)
    with pytest.raises(NothingToSay):  # done before the mail went out
        build(notice, now=jst(2026, 8, 27, 8, 50))


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_mail_once() -> None:
    world.open_cycle(dt.date(2026, 8, 1))
    factories.user("OPERATOR", code="operations")
    now = jst(2026, 8, 27, 8, 45)

    results = at_once(*[lambda: reminding.remind(now=now)] * 2)

    assert sorted(results) == ["", "1"]
    assert Notice.system.filter(template="audit_step_due").count() == 1
