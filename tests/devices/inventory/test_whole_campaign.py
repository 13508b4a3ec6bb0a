"""47 federations with 300 devices each go through a whole quarter, and one says nothing (DEV-07)."""

from __future__ import annotations

import datetime as dt

import pytest

from devices.inventory import deciding, reporting, selectors
from devices.inventory.models import InventoryCampaign, InventoryLine, InventorySheet
from portal.common.time import JST
from portal.jobs import services as jobs
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.schedule import JOBS
from portal.workflow.rounds.answers import Answer
from tests import factories
from tests.devices.inventory import stock

SILENT = "47"
DEVICES = 300
OWN = [job for job in JOBS if job.name in ("open_inventory", "look_after_inventory")]


def morning(month: int, day: int) -> dt.datetime:
    return dt.datetime(2027, month, day, 9, 0, tzinfo=JST)


def beat(now: dt.datetime) -> None:
    """The scheduler fires twice."""
    for _ in range(2):
        for run in jobs.run_due(now, OWN):
            assert run.status == "DONE", run.summary


def answer(sheet: InventorySheet) -> None:
    """What the officer of a federation does: what was used lately at once, then the exceptions."""
    officer = User.objects.get(memberships__role=Role.SECURITY_OFFICER, organisation=sheet.organisation)
    deciding.keep_recent(sheet_id=sheet.pk, actor=officer, now=morning(1, 12))
    rest = sheet.lines.filter(decision="").order_by("number")
    decisions = [
        Answer(
            line_id=line.pk,
            version=line.version,
            answer="REMOVE" if line.usage == "NEVER" else "KEEP",
            reason="" if line.usage == "NEVER" else "確認済み",
        )
        for line in rest
    ]
    deciding.decide(sheet_id=sheet.pk, decisions=decisions, actor=officer, now=morning(1, 12))


@pytest.mark.django_db
def test_a_whole_campaign() -> None:
    operator = factories.operator()
    for organisation in stock.federations():
        stock.fill(organisation, DEVICES)

    # 1 January: opened once, with every device, sorted out by its use.
    beat(morning(1, 1))
    campaign = InventoryCampaign.objects.get()
    lines = InventoryLine.system.filter(sheet__campaign=campaign)
    assert lines.count() == 47 * DEVICES
    assert Notice.system.filter(template="inventory_opened").count() == 47
    usages = {
        usage: lines.filter(usage=usage).count() / lines.count() for usage in InventoryLine.Usage.values
    }
    assert usages == {"RECENT": 0.6, "UNUSED": 0.2, "NEVER": 0.1, "UNKNOWN": 0.1}

    # One federation answers row by row as people do; for the others one statement stands in. One says nothing.
    sheets = InventorySheet.system.filter(campaign=campaign).select_related("organisation")
    answer(sheets.get(organisation__code="13"))
    others = sheets.exclude(organisation__code__in=("13", SILENT)).filter(status="OPEN")
    lines.filter(sheet__in=others).update(
        decision="KEEP", reason="確認済み", decided_by=operator, decided_at=morning(1, 12)
    )
    InventorySheet.system.filter(pk__in=others.values("pk")).update(
        status="ANSWERED", answered_at=morning(1, 12)
    )

    # Reminders before the date, escalation after it: to that federation's people and to operations only.
    for day in (15, 22, 28):
        beat(morning(1, day))
    reminders = Notice.system.filter(template="inventory_reminder")
    assert set(reminders.values_list("organisation__code", flat=True)) == {SILENT}
    assert 1 <= reminders.count() <= 3
    over = campaign.due_on + dt.timedelta(days=1)
    beat(morning(over.month, over.day + 2))  # after the weekend
    overdue = Notice.system.filter(template="inventory_overdue")
    assert {notice.organisation.code for notice in overdue} == {SILENT}
    assert operator in {notice.to_user for notice in overdue}
    late = [row for row in selectors.report(operator, campaign, over).rows if row.is_late]
    assert [row.sheet.organisation.code for row in late] == [SILENT]

    # After its last day it is closed, and the report names every row that nobody decided.
    last = campaign.closes_on + dt.timedelta(days=1)
    beat(morning(last.month, last.day))
    campaign.refresh_from_db()
    assert campaign.status == "CLOSED"
    context = reporting.context_of(operator, campaign, "", morning(last.month, last.day))
    unanswered = {line.number for section in context["sections"] for line in section.open}
    assert unanswered == set(lines.filter(sheet__organisation__code=SILENT).values_list("number", flat=True))
    assert len(unanswered) == DEVICES
    assert [row.sheet.organisation.code for row in context["late"]] == [SILENT]
    assert context["total"].removing == DEVICES // 10

    # 1 April: what is still registered is asked for anew, once.
    beat(morning(4, 1))
    assert InventoryCampaign.objects.count() == 2
    assert InventoryLine.system.count() == 2 * 47 * DEVICES
