"""Carrying out: the lock that was approved and no newer one, a true text for everything else (REQ-04, REQ-12)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import AccessDenied, ChangedMeanwhile, DirectoryUnavailable, OutcomeUnknown
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.workflow.models import Status
from requests.unlock.models import AccountUnlock
from tests import journeys
from tests.fakes import FakeDirectory, administrators_ou, users_ou
from tests.journeys import Crew
from tests.requests.unlock import world
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def test_req_04_unlocked_read_back_entered_and_told(crew: Crew, directory: FakeDirectory) -> None:
    entry = world.account(directory, "kanri-0412", container_dn=administrators_ou("13"))
    owner = world.person(entry, Role.USER)
    since = directory.locks[entry.guid]
    application = world.accepted(crew, entry.login_name)

    operation = world.carry_out(application)

    assert (application.status, operation.status) == (Status.COMPLETED, OperationStatus.DONE)
    assert not directory.entries[entry.guid].locked
    assert operation.evidence["locked"] is False
    unlock = AccountUnlock.system.get()
    assert (unlock.locked_since, unlock.attempts, unlock.unlocked_by) == (since, 5, crew.operator)
    assert (unlock.way, unlock.owner_told, unlock.by_hand) == (AccountUnlock.Way.VOUCHED, True, False)
    assert Notice.system.get(template="account_unlocked").to_user == owner
    assert Notice.system.get(template="application_completed").to_user == crew.applicant
    page = client_of(crew.applicant).get(reverse("application_detail", args=[application.number]))
    assert "読み取って確認した内容" in page.content.decode()
    reported = application.report.content["lines"][0]["operations"][0]["evidence"]
    assert reported["wrong_attempts"] == 5, "not taken for a secret"


def test_req_12_without_a_confirmed_address_nobody_is_mailed_and_the_applicant_is_told_so(
    crew: Crew, directory: FakeDirectory
) -> None:
    entry = world.account(directory)
    world.person(entry, Role.USER, confirmed=False)

    world.carry_out(world.accepted(crew, entry.login_name))

    assert not AccountUnlock.system.get().owner_told
    assert not Notice.system.filter(template="account_unlocked").exists()


@pytest.mark.parametrize(
    ("before", "code", "words"),
    [
        (lambda d, e: d.delete(e.guid), "account_missing", "ありません"),
        (lambda d, e: d.put(d.entries[e.guid], enabled=False), "account_disabled", "無効"),
        (lambda d, e: d.move(e.guid, users_ou("14")), "moved", "移動"),
        (lambda d, e: d.lock(e.guid, at=timezone.now()), "locked_anew", "あらためてロック"),
        (
            lambda d, e: d.faults.update(unlock=[ChangedMeanwhile("", code="locked_again")]),
            "locked_again",
            "再び",
        ),
        (lambda d, e: d.faults.update(unlock=[AccessDenied("", code="access")]), "access", "拒否"),
    ],
)
def test_req_04_what_came_between_goes_to_a_person_with_a_true_text(
    crew: Crew, directory: FakeDirectory, before: Any, code: str, words: str
) -> None:
    entry = world.account(directory)
    application = world.accepted(crew, entry.login_name)
    before(directory, entry)

    operation = world.carry_out(application)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, code)
    assert words in operation.error_message
    assert application.status == Status.NEEDS_ATTENTION
    assert not AccountUnlock.system.exists()
    if code == "moved":
        assert directory.entries[entry.guid].locked, "of another federation now (ORG-02)"


@pytest.mark.parametrize("fault", ["faults", "after"])
def test_req_04_a_lost_answer_is_settled_by_looking(crew: Crew, directory: FakeDirectory, fault: str) -> None:
    entry = world.account(directory)
    since = directory.locks[entry.guid]
    application = world.accepted(crew, entry.login_name)
    getattr(directory, fault)["unlock"] = [OutcomeUnknown("", code="no_answer")]

    first = world.carry_out(application)
    assert first.status == OperationStatus.OUTCOME_UNKNOWN
    fulfilment.drain("directory", now_fn=lambda: timezone.now() + dt.timedelta(minutes=30))

    first.refresh_from_db()
    assert first.status == OperationStatus.DONE
    assert AccountUnlock.system.get().locked_since == since, "noted before it was ended"


def test_acc_12_a_directory_that_is_down_is_tried_again(crew: Crew, directory: FakeDirectory) -> None:
    application = world.accepted(crew, world.account(directory).login_name)
    directory.faults["lock_state"] = [DirectoryUnavailable("", code="timeout")]

    assert world.carry_out(application).status == OperationStatus.WAITING


def test_req_04_a_lock_that_ended_by_itself_is_success_and_said_so(
    crew: Crew, directory: FakeDirectory
) -> None:
    entry = world.account(directory)
    application = world.accepted(crew, entry.login_name)
    directory.put(directory.entries[entry.guid], locked=False)

    operation = world.carry_out(application)

    assert operation.status == OperationStatus.DONE
    assert "unlock" not in directory.calls
    assert AccountUnlock.system.get().locked_since is None


def test_acc_12_done_by_hand_is_read_back(crew: Crew, directory: FakeDirectory) -> None:
    entry = world.account(directory)
    application = world.accepted(crew, entry.login_name)
    (operation,) = journeys.operations(application)
    now = timezone.now()
    step: Any = {"operation_id": operation.pk, "actor": crew.operator, "now": now}
    fulfilment.take_by_hand(**step)
    too_early = fulfilment.record_done(**step, note="解除した。")
    assert (too_early.status, too_early.error_code) == (OperationStatus.MANUAL, "still_locked")
    directory.unlock(entry.guid)

    fulfilment.record_done(**step, note="解除した。")

    operation.refresh_from_db()
    assert operation.status == OperationStatus.DONE
    assert AccountUnlock.system.get().by_hand
