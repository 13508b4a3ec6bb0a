"""One row, one decision; the user's word; scans; removal drafts (DEV-06, DEV-07)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from devices.inventory import asking, closing, deciding, mailing, opening, removals, scanning, tidying, upkeep
from devices.inventory.errors import CampaignClosed, LinkInvalid, NotDue
from devices.inventory.models import InventoryLine, InventorySheet
from devices.inventory.scanning import Seen
from devices.permits.models import DevicePermit
from portal.notices import delivery, messages
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.errors import NotAllowed
from portal.workflow.models import Application
from portal.workflow.rounds.answers import Answer, InvalidAnswer, What
from tests import factories
from tests.devices.inventory import stock
from tests.devices.inventory.conftest import MONDAY, decide, open_for
from tests.devices.world import Cast
from tests.threads import at_once

pytestmark = pytest.mark.django_db

# Of stock's ten devices: 1 unknown, 2 and 3 unused, 4 to 9 used recently, 10 never used.
NEVER, UNUSED, RECENT = "DV-2026-130010", "DV-2026-130002", "DV-2026-130005"


@pytest.fixture
def sheet(cast: Cast) -> InventorySheet:
    """Ten devices of federation 13 in an open campaign."""
    stock.fill(factories.organisation("13"), 10)
    return open_for()


def line(sheet: InventorySheet, number: str) -> InventoryLine:
    return sheet.lines.get(number=number)


def test_keep_needs_a_reason_unless_it_was_used_recently(sheet: InventorySheet, cast: Cast) -> None:
    with pytest.raises(InvalidAnswer) as refused:
        decide(line(sheet, UNUSED), "KEEP", cast.officer)
    assert set(refused.value.errors) == {"reason"}
    with pytest.raises(InvalidAnswer):
        decide(line(sheet, UNUSED), "MISSING", cast.officer)

    assert decide(line(sheet, RECENT), "KEEP", cast.officer).what is What.TAKEN
    assert decide(line(sheet, UNUSED), "KEEP", cast.officer, "年度末に使うため").what is What.TAKEN

    assert "2026-12-24" in line(sheet, RECENT).reason
    kept = line(sheet, UNUSED)
    assert (kept.decision, kept.reason, kept.decided_by) == ("KEEP", "年度末に使うため", cast.officer)
    assert TrailEntry.objects.filter(action="inventory.decide").count() == 2


def test_all_that_were_used_recently_are_kept_at_once_and_a_full_sheet_is_decided(
    sheet: InventorySheet, cast: Cast
) -> None:
    assert deciding.keep_recent(sheet_id=sheet.pk, actor=cast.officer, now=MONDAY) == 6

    for one in sheet.lines.filter(decision=""):
        decide(one, "REMOVE", cast.officer)

    sheet.refresh_from_db()
    assert (sheet.status, sheet.answered_at) == ("ANSWERED", MONDAY)
    assert Application.system.filter(kind="devices.permit_remove").count() == 0  # the officer may not apply


def test_what_an_officer_wants_removed_an_applicant_applies_for(sheet: InventorySheet, cast: Cast) -> None:
    decide(line(sheet, NEVER), "REMOVE", cast.officer)

    with pytest.raises(NotAllowed):
        removals.write(sheet_id=sheet.pk, actor=cast.officer, now=MONDAY)
    draft = removals.write(sheet_id=sheet.pk, actor=cast.applicant, now=MONDAY)

    assert draft is not None
    assert [data.payload["number"] for data in draft.lines.all()] == [NEVER]
    assert line(sheet, NEVER).application == draft
    assert removals.write(sheet_id=sheet.pk, actor=cast.applicant, now=MONDAY) is None


def test_an_applicant_says_only_that_a_device_goes(sheet: InventorySheet, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        decide(line(sheet, RECENT), "KEEP", cast.applicant)
    with pytest.raises(NotAllowed):
        decide(line(sheet, RECENT), "REMOVE", factories.user(Role.SECURITY_OFFICER, code="27"))

    decide(line(sheet, NEVER), "REMOVE", cast.applicant)
    decide(line(sheet, UNUSED), "REMOVE", cast.applicant)
    draft = Application.system.get(kind="devices.permit_remove", status="DRAFT")
    assert draft.line_count == 2

    # Taken back, the draft loses it; an application that is under way stays, and so does the decision.
    decide(line(sheet, UNUSED), "KEEP", cast.officer, "必要")
    assert line(sheet, UNUSED).decision == "REMOVE"  # the applicant's draft is not the officer's to change
    services.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=MONDAY)
    assert decide(line(sheet, UNUSED), "KEEP", cast.officer, "必要").what is What.REFUSED


@pytest.mark.parametrize("decision", ["KEEP", "MISSING"])
def test_what_the_officer_decided_no_applicant_decides_away(
    sheet: InventorySheet, cast: Cast, decision: str
) -> None:  # DEV-07
    decide(line(sheet, UNUSED), decision, cast.officer, "引き出しになかった")

    assert decide(line(sheet, UNUSED), "REMOVE", cast.applicant).what is What.CHANGED

    assert line(sheet, UNUSED).decision == decision
    assert not Application.system.filter(kind="devices.permit_remove").exists()


def test_a_device_that_was_taken_out_of_the_application_is_decided_again(
    sheet: InventorySheet, cast: Cast
) -> None:
    for number in (NEVER, UNUSED):
        decide(line(sheet, number), "REMOVE", cast.applicant)
    draft = Application.system.get(kind="devices.permit_remove")
    services.save_draft(
        application_id=draft.pk,
        actor=cast.applicant,
        content=Content(reason="不要のため。", lines=({"number": NEVER},)),
        version=None,
        now=MONDAY,
    )
    assert tidying.decide_again(sheet.campaign, now=MONDAY) == 0  # a draft can still be changed
    services.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=MONDAY)

    assert tidying.decide_again(sheet.campaign, now=MONDAY) == 1

    assert line(sheet, UNUSED).is_open
    assert line(sheet, NEVER).application == draft


def test_what_ended_on_the_last_day_is_no_row_that_nobody_decided(sheet: InventorySheet, cast: Cast) -> None:
    decide(line(sheet, UNUSED), "REMOVE", cast.applicant)
    draft = Application.system.get(kind="devices.permit_remove")
    services.withdraw(application_id=draft.pk, actor=cast.applicant, comment="", now=MONDAY)
    DevicePermit.system.filter(device__number=NEVER).update(state="ENDING")
    after = dt.datetime.combine(sheet.campaign.closes_on + dt.timedelta(days=1), dt.time(9), MONDAY.tzinfo)

    upkeep.look_after(now=after)

    sheet.campaign.refresh_from_db()
    assert sheet.campaign.status == "CLOSED"
    assert line(sheet, NEVER).gone_at == after
    assert line(sheet, UNUSED).decision == ""  # the report does not say that it is being removed


@pytest.mark.parametrize("how", ["by hand", "next quarter"])
def test_a_campaign_that_ends_early_is_tidied_first(sheet: InventorySheet, cast: Cast, how: str) -> None:
    decide(line(sheet, UNUSED), "REMOVE", cast.applicant)
    draft = Application.system.get(kind="devices.permit_remove")
    services.withdraw(application_id=draft.pk, actor=cast.applicant, comment="", now=MONDAY)
    DevicePermit.system.filter(device__number=NEVER).update(state="ENDING")
    late = line(sheet, NEVER)

    if how == "by hand":
        day = sheet.campaign.due_on + dt.timedelta(days=1)
        operator = factories.operator()
        now = dt.datetime.combine(day, dt.time(9), MONDAY.tzinfo)
        closing.close(campaign_id=sheet.campaign_id, actor=operator, now=now)
    else:
        now = MONDAY.replace(month=4)
        opening.open_campaign(now=now, period=now)

    late.refresh_from_db()
    assert late.gone_at == now
    assert sheet.lines.get(number=UNUSED).decision == ""


def test_a_removal_without_result_is_decided_again(sheet: InventorySheet, cast: Cast) -> None:
    decide(line(sheet, NEVER), "REMOVE", cast.applicant)
    draft = Application.system.get(kind="devices.permit_remove")
    services.withdraw(application_id=draft.pk, actor=cast.applicant, comment="", now=MONDAY)

    assert tidying.decide_again(sheet.campaign, now=MONDAY) == 1
    assert line(sheet, NEVER).is_open


def test_a_permit_that_ended_needs_no_decision(sheet: InventorySheet, cast: Cast) -> None:
    DevicePermit.system.filter(device__number__in=[NEVER, UNUSED]).update(state="ENDING")

    assert decide(line(sheet, NEVER), "KEEP", cast.officer, "必要").what is What.OVER
    assert tidying.leave_out_ended(sheet.campaign, now=MONDAY) == 1

    assert line(sheet, UNUSED).gone_at == MONDAY


def test_missing_devices_are_told_to_the_security_manager(sheet: InventorySheet, cast: Cast) -> None:
    decide(line(sheet, UNUSED), "MISSING", cast.officer, "引き出しになかった")

    told = Notice.system.filter(template="inventory_missing")
    assert cast.manager in {notice.to_user for notice in told}
    assert all(notice.context["count"] == 1 for notice in told)


def test_a_scan_marks_a_device_as_seen_once_and_may_keep_it(sheet: InventorySheet, cast: Cast) -> None:
    def scan(text: str, **values: Any) -> scanning.Scan:
        return scanning.scan(sheet_id=sheet.pk, text=text, actor=cast.officer, now=MONDAY, **values)

    assert scan("ｄｖー２０２６－１３０００２ ").seen is Seen.NEW
    assert scan(UNUSED, keep=True, reason="現物を確認した").seen is Seen.AGAIN
    assert scan("DV-2026-270001").seen is Seen.UNKNOWN

    seen = line(sheet, UNUSED)
    assert (seen.seen_by, seen.decision, seen.reason) == (cast.officer, "KEEP", "現物を確認した")


def asked(sheet: InventorySheet, cast: Cast, *numbers: str) -> list[str]:
    """The tokens of the links that were mailed, one mail for all."""
    lines = sheet.lines.filter(number__in=numbers)
    asking.ask(sheet_id=sheet.pk, line_ids=lines.values_list("pk", flat=True), actor=cast.officer, now=MONDAY)
    body = messages.build(Notice.system.get(template="inventory_question"), now=MONDAY).get_content()
    return [part.split("/")[0] for part in body.split("/inventory/question/")[1:]]


def test_the_user_is_asked_by_mail_and_answers_each_link_once(sheet: InventorySheet, cast: Cast) -> None:
    unused, never = asked(sheet, cast, UNUSED, NEVER)

    asking.reply(token=unused, answer="NEEDED", text="年度末に使う", now=MONDAY)
    asking.reply(token=never, answer="NOT_NEEDED", text="", now=MONDAY)
    for token in (unused, never, "0" * 64):
        with pytest.raises(LinkInvalid):
            asking.reply(token=token, answer="NOT_NEEDED", text="", now=MONDAY)
    said = TrailEntry.objects.filter(action="inventory.reply").order_by("pk")
    assert [entry.detail["reply"] for entry in said] == ["NEEDED", "NOT_NEEDED"]  # also when asked anew
    outcomes = deciding.take_over_replies(sheet_id=sheet.pk, actor=cast.officer, now=MONDAY)

    assert [outcome.what for outcome in outcomes] == [What.TAKEN] * 2
    assert line(sheet, UNUSED).decision == "KEEP"
    assert "年度末に使う" in line(sheet, UNUSED).reason
    assert line(sheet, NEVER).decision == "REMOVE"
    assert not InventoryLine.system.exclude(question_digest="").exists()


def deliver() -> dict[str, list[str]]:
    """Send what is queued; the templates of the mails that went and of those that were not needed any more."""
    Notice.system.exclude(template__in=["inventory_question", "inventory_reminder"]).delete()
    delivery.send_due(now_fn=lambda: MONDAY + dt.timedelta(days=1))
    rows = Notice.system.order_by("pk").values_list("status", "template")
    return {status: [template for state, template in rows if state == status] for status, _template in rows}


def test_a_question_does_not_go_out_when_the_device_was_decided_meanwhile(
    sheet: InventorySheet, cast: Cast
) -> None:
    for number in (UNUSED, NEVER):
        ids = [line(sheet, number).pk]
        asking.ask(sheet_id=sheet.pk, line_ids=ids, actor=cast.officer, now=MONDAY)
    decide(line(sheet, UNUSED), "MISSING", cast.officer, "見つからない")
    DevicePermit.system.filter(device__number=NEVER).update(state="ENDING")

    assert deliver() == {"DROPPED": ["inventory_question"] * 2}


def test_a_reminder_does_not_go_out_when_the_sheet_was_settled_meanwhile(
    sheet: InventorySheet, cast: Cast
) -> None:
    mailing.remind(sheet, 3, MONDAY)
    count = Notice.system.filter(template="inventory_reminder").count()
    InventorySheet.system.filter(pk=sheet.pk).update(status="CLOSED")

    assert deliver() == {"DROPPED": ["inventory_reminder"] * count}
    assert count


def test_a_link_ends_with_the_decision_with_a_newer_one_and_with_the_campaign(
    sheet: InventorySheet, cast: Cast
) -> None:
    (first,) = asked(sheet, cast, UNUSED)
    Notice.system.filter(template="inventory_question").delete()
    asking.ask(
        sheet_id=sheet.pk,
        line_ids=[line(sheet, UNUSED).pk],
        actor=cast.officer,
        now=MONDAY + dt.timedelta(minutes=1),
    )
    second = asking.token_of(line(sheet, UNUSED))

    for token, when in ((first, MONDAY), (second, MONDAY + dt.timedelta(days=200))):
        with pytest.raises(LinkInvalid):
            asking.find(token=token, ip="192.0.2.1", now=when)
    assert asking.find(token=second, ip="192.0.2.1", now=MONDAY).number == UNUSED
    decide(line(sheet, UNUSED), "KEEP", cast.officer, "必要")
    with pytest.raises(LinkInvalid):
        asking.find(token=second, ip="192.0.2.1", now=MONDAY)


def test_an_applicant_who_has_left_is_not_asked(sheet: InventorySheet, cast: Cast) -> None:
    User.objects.filter(login_name="stock-applicant").update(is_active=False)
    ids = [line(sheet, UNUSED).pk]

    assert asking.ask(sheet_id=sheet.pk, line_ids=ids, actor=cast.officer, now=MONDAY) == (0, 1)
    assert not Notice.system.filter(template="inventory_question").exists()


def test_guessing_links_is_slowed_down(sheet: InventorySheet) -> None:
    from devices.inventory.errors import TooManyAttempts

    for n in range(20):
        with pytest.raises(LinkInvalid):
            asking.find(token=f"{n:064}", ip="192.0.2.1", now=MONDAY)

    with pytest.raises(TooManyAttempts):
        asking.find(token="1" * 64, ip="192.0.2.1", now=MONDAY)
    with pytest.raises(LinkInvalid):
        asking.find(token="1" * 64, ip="192.0.2.2", now=MONDAY)
    assert asking.purge(now=MONDAY + dt.timedelta(days=3)) == 21


def test_after_the_closing_nothing_is_decided(sheet: InventorySheet, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        closing.close(campaign_id=sheet.campaign_id, actor=cast.officer, now=MONDAY)
    with pytest.raises(NotDue):
        closing.close(campaign_id=sheet.campaign_id, actor=cast.operator, now=MONDAY)
    late = dt.datetime.combine(sheet.campaign.due_on + dt.timedelta(days=1), dt.time(9), MONDAY.tzinfo)
    closed = closing.close(campaign_id=sheet.campaign_id, actor=cast.operator, now=late)

    with pytest.raises(CampaignClosed):
        decide(line(sheet, UNUSED), "KEEP", cast.officer, "必要", now=late)
    sheet.refresh_from_db()
    assert (sheet.status, len(closed.digest)) == ("CLOSED", 64)
    # The digest is that of the lines: one changed behind the portal's back is seen.
    assert closing.digest_of(closed) == closed.digest
    InventoryLine.system.filter(number=UNUSED).update(usage="RECENT")
    assert closing.digest_of(closed) != closed.digest


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_decide_one_row_the_first_counts(sheet: InventorySheet, cast: Cast) -> None:
    other, seen = factories.user(Role.SECURITY_OFFICER), line(sheet, UNUSED)

    def run(actor: User) -> What:
        wanted = Answer(line_id=seen.pk, version=seen.version, answer="KEEP", reason=actor.login_name)
        (outcome,) = deciding.decide(sheet_id=sheet.pk, decisions=[wanted], actor=actor, now=MONDAY)
        return outcome.what

    results = at_once(lambda: run(cast.officer), lambda: run(other))

    assert sorted(what.value for what in results) == ["changed", "taken"]
    winner = (cast.officer, other)[results.index(What.TAKEN)]
    assert line(sheet, UNUSED).reason == winner.login_name
