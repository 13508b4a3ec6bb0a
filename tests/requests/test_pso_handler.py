"""From the approval to the proof and back: true states, nothing lost, nothing done twice (REQ-03, REQ-12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.common.time import JST
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways import clock
from portal.gateways.directory import DirectoryUnavailable, OutcomeUnknown
from portal.gateways.directory_policies import WantedSettings
from portal.notices.models import Notice
from portal.workflow.errors import ContentChanged, InvalidApplication
from portal.workflow.models import Status
from requests.password_settings import handlers, services
from requests.password_settings.models import PasswordLifetime, PasswordLifetimeEvent
from requests.password_settings.payloads import END, EXTEND, TAKE_BACK, TARGET
from tests import journeys
from tests.fake_policies import DOMAIN_RULES
from tests.fakes import FakeDirectory
from tests.journeys import Cast
from tests.requests import pso_world as world
from tests.requests.pso_world import account, group, line

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
Verb = PasswordLifetimeEvent.Verb


@pytest.fixture
def cast() -> Cast:
    return Cast()


def at(monkeypatch: pytest.MonkeyPatch, days: int, hour: int = 1) -> datetime:
    """The clock of the portal moved to an hour of a later day in Japan."""
    moment = datetime.combine(world.day(days), time(hour), JST)
    monkeypatch.setattr(clock, "now", lambda: moment)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    return moment


def expiry(directory: FakeDirectory, entry: Any) -> datetime | None:
    (found,) = directory.account_policies([entry.guid])
    return found.password_expires_at


def test_req_03_a_group_lives_longer_until_the_last_day_and_then_as_before(
    cast: Cast, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = account(directory, "tk13-ito", days_ago=50), account(directory, "tk13-abe", days_ago=5)
    group(directory, "g13-shinsa", old, new)
    set_at = old.password_last_set
    assert set_at is not None

    application = world.approved(cast, line(group="g13-shinsa"))
    operation = world.carry_out(application)

    assert application.status == Status.COMPLETED
    assert expiry(directory, old) == set_at + 180 * DAY
    row = PasswordLifetime.system.get()
    assert (row.name, row.group_name, row.affected, row.lifetime_before) == (world.NAME, "g13-shinsa", 2, 90)
    assert operation.evidence["affected"] == 2
    assert [each["login_name"] for each in operation.evidence["read_back"]] == ["tk13-abe", "tk13-ito"]

    # On the last day nothing happens yet; after two days of standstill it is caught up.
    now = at(monkeypatch, world.UNTIL, 23)
    assert services.enqueue_ends(now=now) == 0
    now = at(monkeypatch, world.UNTIL + 3)
    assert (services.enqueue_ends(now=now), services.enqueue_ends(now=now)) == (1, 0)
    taken_back = world.carry_out(application, now)

    assert (taken_back.step, taken_back.status) == (TAKE_BACK, OperationStatus.DONE)
    assert (taken_back.evidence["affected"], taken_back.evidence["expired"]) == (2, 1)
    assert {each["settings"] for each in taken_back.evidence["read_back"]} == {""}
    assert expiry(directory, old) == set_at + 90 * DAY
    assert not directory.settings
    row.refresh_from_db()
    assert (row.state, row.end_reason) == ("ENDED", "EXPIRED")
    assert [event.verb for event in row.events.all()] == [Verb.STARTED, Verb.ENDED]
    assert services.enqueue_ends(now=now) == 0


def test_req_03_a_plan_that_changed_meanwhile_voids_the_approval(
    cast: Cast, directory: FakeDirectory
) -> None:
    from portal.workflow import selectors
    from portal.workflow import services as workflow

    first = account(directory, "tk13-ito")
    dn = group(directory, "g13-shinsa", first)
    application = world.submitted(cast, line(group="g13-shinsa"))
    seen = selectors.decision_view(cast.approver, application, timezone.now())
    directory.add_to_group(dn, account(directory, "tk13-new").guid)
    assert seen.stage is not None

    with pytest.raises(ContentChanged) as voided:
        workflow.approve(
            application_id=application.pk,
            stage_id=seen.stage.pk,
            actor=cast.approver,
            content_hash=application.content_hash,
            plan_digest=seen.plan_digest,
            comment="",
            now=timezone.now(),
        )

    assert any("tk13-new" in name for change in voided.value.changes for name in change.after)


def test_req_03_a_password_that_somebody_changes_voids_nothing(cast: Cast, directory: FakeDirectory) -> None:
    first = account(directory, "tk13-ito")
    application = world.submitted(cast, line("tk13-ito"))
    journeys.approve(application, cast.approver)
    directory.put(first, password_last_set=timezone.now())
    application = journeys.approve(application, cast.operator)

    assert world.carry_out(application).status == OperationStatus.DONE


def _renamed(directory: FakeDirectory, entry: Any) -> None:
    directory.put(entry, login_name="tk13-other")


def _deleted(directory: FakeDirectory, entry: Any) -> None:
    directory.delete(entry.guid)


def _made_anew(directory: FakeDirectory, entry: Any) -> None:
    directory.delete(entry.guid)
    account(directory, "tk13-ito")


def _protected(directory: FakeDirectory, entry: Any) -> None:
    directory.put(entry, privileged=True)


def _policy_changed(directory: FakeDirectory, entry: Any) -> None:
    directory.domain_rules = replace(DOMAIN_RULES, history_length=12)


def _name_taken(directory: FakeDirectory, entry: Any) -> None:
    rules = replace(DOMAIN_RULES, maximum_age=100 * DAY)
    directory.put_settings(WantedSettings(name="pso-13-SHINSA", precedence=5, rules=rules, marker=""))


def _settings_of_their_own(directory: FakeDirectory, entry: Any) -> None:
    rules = replace(DOMAIN_RULES, maximum_age=100 * DAY)
    directory.put_settings(
        WantedSettings(name="strict", precedence=5, rules=rules, marker="", accounts=frozenset({entry.guid}))
    )


@pytest.mark.parametrize(
    ("happens", "code", "words"),
    [
        (_deleted, "account_missing", "tk13-ito"),
        (_renamed, "account_missing", "tk13-ito"),
        (_made_anew, "changed_meanwhile", "適用先"),
        (_protected, "privileged", "tk13-ito"),
        (_policy_changed, "changed_meanwhile", "pwdHistoryLength=12"),
        (_name_taken, "name_taken", "名前"),
        (_settings_of_their_own, "changed_meanwhile", "有効期間"),
    ],
)
def test_req_03_what_happens_after_the_approval_is_told_and_nothing_is_written(
    cast: Cast, directory: FakeDirectory, happens: Any, code: str, words: str
) -> None:
    entry = account(directory, "tk13-ito")
    application = world.approved(cast, line("tk13-ito"))
    happens(directory, entry)
    before = set(directory.settings)

    operation = world.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, code)
    assert words in operation.error_message
    assert "変更していません" in operation.error_message
    assert set(directory.settings) == before
    assert not PasswordLifetime.system.exists()


def test_req_03_who_joins_the_group_after_the_approval_belongs_to_it(
    cast: Cast, directory: FakeDirectory
) -> None:
    dn = group(directory, "g13-shinsa", account(directory, "tk13-ito"))
    application = world.approved(cast, line(group="g13-shinsa"))
    directory.add_to_group(dn, account(directory, "tk13-new").guid)

    assert world.carry_out(application).evidence["affected"] == 2


def test_req_03_a_lost_reply_is_not_known_and_the_next_look_finds_it(
    cast: Cast, directory: FakeDirectory
) -> None:
    account(directory, "tk13-ito")
    application = world.approved(cast, line("tk13-ito"))
    directory.after["create_password_settings"] = [OutcomeUnknown]

    first = world.carry_out(application)
    assert (first.status, len(directory.settings)) == (OperationStatus.OUTCOME_UNKNOWN, 1)
    again = world.carry_out(application, timezone.now() + timedelta(minutes=15))

    assert again.status == OperationStatus.DONE
    assert (len(directory.settings), PasswordLifetime.system.count()) == (1, 1)
    assert directory.calls.count("create_password_settings") == 1


def test_req_03_settings_that_do_not_count_are_told_and_taken_back_all_the_same(
    cast: Cast, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(directory, "tk13-ito")
    application = world.approved(cast, line("tk13-ito"))
    real = directory.account_policies
    answers = [real, real]  # the look before, and the look for the register

    def lying(guids: Any) -> Any:
        found = real(guids)
        return answers.pop(0)(guids) if answers else [replace(a, settings_dn="") for a in found]

    monkeypatch.setattr(directory, "account_policies", lying)
    operation = world.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "not_in_force")
    assert "tk13-ito" in operation.error_message
    assert PasswordLifetime.system.get().is_in_force
    assert services.enqueue_ends(now=at(monkeypatch, world.UNTIL + 1)) == 1


def test_acc_12_what_nobody_saw_is_not_carried_out_and_an_outage_waits(
    cast: Cast, directory: FakeDirectory
) -> None:
    account(directory, "tk13-ito")
    directory.faults["policy_survey"] = [DirectoryUnavailable] * 40
    application = world.approved(cast, line("tk13-ito"))

    waiting = world.carry_out(application)
    assert (waiting.status, waiting.error_message[:16]) == (OperationStatus.WAITING, "Active Directory")
    directory.faults.clear()
    operation = world.carry_out(application, timezone.now() + timedelta(minutes=15))

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "no_plan")
    assert not directory.settings


def test_req_03_a_name_that_the_register_has_in_force_is_never_made_again(
    cast: Cast, directory: FakeDirectory
) -> None:
    """The object was removed by hand: a new one could not be entered, and so would never be taken back."""
    account(directory, "tk13-ito")
    account(directory, "tk13-abe")
    later = world.approved(cast, line("tk13-abe"))
    made = world.carry_out(later)
    PasswordLifetime.system.update(name="PSO-13-other")
    application = world.approved(cast, line("tk13-ito", name="abe"))
    PasswordLifetime.system.update(name="PSO-13-abe")
    directory.settings.clear()

    operation = world.carry_out(application)

    assert made.status == OperationStatus.DONE
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "name_in_force")
    assert not directory.settings
    with pytest.raises(InvalidApplication, match="適用中"):
        world.submitted(cast, line("tk13-ito", name="ABE"))


def test_req_03_two_tickets_approved_together_get_two_precedences(
    cast: Cast, directory: FakeDirectory
) -> None:
    account(directory, "tk13-ito")
    account(directory, "tk13-abe")
    first = world.approved(cast, line("tk13-ito"))
    second = world.approved(cast, line("tk13-abe", name="second"))

    world.carry_out(first)
    world.carry_out(second)

    assert sorted(each.precedence for each in directory.settings.values()) == [1000, 1001]


def test_req_03_an_extension_moves_the_last_day_and_a_queued_end_gives_way(
    cast: Cast, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = account(directory, "tk13-ito")
    row = world.in_force(cast, line("tk13-ito"))
    values = {"name": row.name, "until": world.day(90).isoformat(), "lifetime_days": 240}
    extension = world.approved(cast, values, EXTEND)
    services.enqueue_ends(now=(now := at(monkeypatch, world.UNTIL + 1)))

    # The extension comes first in the queue, being older; the end then finds a later last day.
    fulfilment.drain(TARGET, now_fn=lambda: now)

    row.refresh_from_db()
    assert (row.until.isoformat(), row.lifetime_days, row.is_in_force) == (values["until"], 240, True)
    assert entry.password_last_set is not None
    assert expiry(directory, entry) == entry.password_last_set + 240 * DAY
    assert row.last_line.application_id == extension.pk
    end = Operation.system.get(step=TAKE_BACK)
    assert (end.status, end.evidence) == (OperationStatus.DONE, {"nothing_to_do": "changed_meanwhile"})
    (made,) = directory.settings.values()
    assert extension.number in made.description


def test_req_03_an_extension_whose_own_last_day_passed_is_not_carried_out(
    cast: Cast, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(directory, "tk13-ito")
    row = world.in_force(cast, line("tk13-ito"))
    later = world.day(world.UNTIL + 5)
    values = {"name": row.name, "until": later.isoformat(), "lifetime_days": 0}
    application = world.approved(cast, values, EXTEND)
    now = at(monkeypatch, world.UNTIL + 6)

    operation = world.carry_out(application, now)

    row.refresh_from_db()
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "until_passed")
    assert row.until == world.day(world.UNTIL), "it is due, and the calendar takes it back"


def test_req_03_an_early_end_is_applied_for_and_a_removal_by_hand_is_told(
    cast: Cast, directory: FakeDirectory
) -> None:
    account(directory, "tk13-ito", days_ago=100)
    account(directory, "tk13-abe")
    row = world.in_force(cast, line("tk13-ito"))
    other = world.in_force(cast, line("tk13-abe", name="other"))

    application = world.submitted(cast, {"name": row.name}, END)
    plan = application.lines.get().plan
    assert any(
        check["code"] == "expired" and "tk13-ito" in check["values"]["names"] for check in plan["checks"]
    )
    journeys.approve(application, cast.approver)
    ended = world.carry_out(journeys.approve(application, cast.operator))
    del directory.settings[other.object_guid]
    by_hand = world.carry_out(world.approved(cast, {"name": other.name}, END))

    assert (ended.evidence["affected"], ended.evidence["expired"]) == (1, 1)
    told = Notice.system.get(template=services.ENDED)  # who is not hit now is told by the usual reminders
    assert (told.to_address, told.context["usual_days"]) == ("tk13-ito@kokuho13.example.jp", 90)
    assert by_hand.evidence["removed_by_hand"]
    assert set(PasswordLifetime.system.values_list("state", "end_reason")) == {("ENDED", "APPLIED_FOR")}


def test_req_12_an_end_whose_record_was_lost_still_reports_what_it_ended(
    cast: Cast, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(directory, "tk13-ito")
    row = world.in_force(cast, line("tk13-ito"))
    application = world.approved(cast, {"name": row.name}, END)
    real = handlers.read_back_json
    monkeypatch.setattr(handlers, "read_back_json", lambda read: 1 / 0)  # the worker dies after the register
    first = world.carry_out(application)
    assert (first.status == OperationStatus.DONE, PasswordLifetime.system.get().state) == (False, "ENDED")
    monkeypatch.setattr(handlers, "read_back_json", real)
    Operation.system.filter(pk=first.pk).update(status=OperationStatus.WAITING, not_before=timezone.now())

    second = world.carry_out(application)

    assert second.status == OperationStatus.DONE
    assert second.evidence == {
        "settings": row.name,
        "object_guid": str(row.object_guid),
        "affected": 1,
        "expired": 0,
    }


def test_req_03_an_account_that_is_deleted_meanwhile_does_not_stop_the_end(
    cast: Cast, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = account(directory, "tk13-ito")
    account(directory, "tk13-abe")
    row = world.in_force(cast, line("tk13-ito", "tk13-abe"))
    directory.delete(gone.guid)
    now = at(monkeypatch, world.UNTIL + 1)
    services.enqueue_ends(now=now)
    directory.after["remove_password_settings"] = [OutcomeUnknown]

    first = world.carry_out(row.line.application, now)
    second = world.carry_out(row.line.application, now + timedelta(minutes=15))

    assert first.status == OperationStatus.OUTCOME_UNKNOWN
    assert (second.status, second.evidence["affected"]) == (OperationStatus.DONE, 1)
    assert "removed_by_hand" not in second.evidence


def test_req_03_settings_that_lost_the_mark_are_left_to_a_person(
    cast: Cast, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(directory, "tk13-ito")
    row = world.in_force(cast, line("tk13-ito"))
    directory.settings[row.object_guid] = replace(directory.settings[row.object_guid], marker="")
    now = at(monkeypatch, world.UNTIL + 1)
    services.enqueue_ends(now=now)

    operation = world.carry_out(row.line.application, now)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "privileged")
    row.refresh_from_db()
    assert row.is_overdue


def test_req_03_before_the_end_those_who_decide_and_those_who_are_hit_are_mailed_once(
    cast: Cast, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(directory, "tk13-ito", days_ago=60)
    account(directory, "tk13-abe", days_ago=1)
    row = world.in_force(cast, line("tk13-ito", "tk13-abe"))
    before = list(Notice.system.values_list("pk", flat=True))
    assert services.ask_for_reviews(now=at(monkeypatch, world.UNTIL - 15)) == 0

    now = at(monkeypatch, world.UNTIL - 10)
    assert (services.ask_for_reviews(now=now), services.ask_for_reviews(now=now)) == (1, 0)

    told = Notice.system.exclude(pk__in=before).order_by("pk")
    reviewers = told.filter(template=services.REVIEW)
    assert {notice.to_user_id for notice in reviewers} == {cast.applicant.pk, cast.approver.pk}
    assert {(n.context["affected"], n.context["expired"], n.context["days"]) for n in reviewers} == {
        (2, 1, 10)
    }
    hit = told.get(template=services.ENDS)
    assert hit.to_address == "tk13-ito@kokuho13.example.jp"
    with pytest.raises(services.NotAllowed):
        services.let_end(lifetime_id=row.pk, actor=journeys.Crew("14").applicant, now=now)
    services.let_end(lifetime_id=row.pk, actor=cast.approver, now=now)
    with pytest.raises(services.MoveNotAllowed):
        services.let_end(lifetime_id=row.pk, actor=cast.applicant, now=now)
    assert [event.verb for event in row.events.all()] == [Verb.STARTED, Verb.TOLD, Verb.REVIEWED]
