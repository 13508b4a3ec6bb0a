"""Answers to findings: a person decides, AD is asked before, and what changes AD takes two (ORG-04, docs/adr/0017)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import DirectoryAccount, Finding
from accounts.reconciliation.answers import answer_finding, confirm_answer, take_back_proposal
from accounts.reconciliation.choices import possible_answers
from accounts.reconciliation.errors import AlreadyAnswered, AnswerRefused, ChangedSince
from accounts.reconciliation.models import Answer, FindingState
from portal.fulfilment import services
from portal.fulfilment.errors import NotAllowed
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import DirectoryUnavailable, OutcomeUnknown
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from portal.workflow.models import Application, ApprovalStage
from tests import factories
from tests.accounts.reconciliation.conftest import Land, findings
from tests.fakes import BASE_DN, users_ou

GROUP = f"CN=審査課,OU=Groups,OU=13,OU=Federations,{BASE_DN}"


@pytest.fixture
def first(db: None) -> User:
    return factories.operator()


@pytest.fixture
def second(db: None) -> User:
    return factories.operator()


def answer(finding: Finding, by: User, choice: str, **values: Any) -> Finding:
    given = {"reason": "電話で確認した", "digest": finding.digest} | values
    return answer_finding(finding_id=finding.pk, answer=choice, actor=by, now=timezone.now(), **given)


def confirm(finding: Finding, by: User, **values: Any) -> Finding:
    given = {"digest": finding.digest} | values
    return confirm_answer(finding_id=finding.pk, actor=by, now=timezone.now(), **given)


def carried_out() -> Operation:
    """The newest operation after the workers had their turn."""
    services.drain("directory", now_fn=timezone.now)
    return Operation.system.latest("pk")


def later(land: Land) -> list[tuple[str, str, str]]:
    """What a full comparison finds when every domain controller has heard of everything."""
    land.full(now=timezone.now() + timedelta(hours=2))
    return findings(state__in=[FindingState.OPEN])


# --- Accept ---------------------------------------------------------------------------------------------------------------


def test_accept_makes_the_register_say_what_ad_has(land: Land, first: User) -> None:
    account = land.account("tk1")
    land.by_hand(
        account, department="会計課", family_name="田中", display_name="田中 tk1", kana="タナカ ハナ"
    )
    land.full()

    answered = answer(Finding.system.get(), first, Answer.ACCEPT)

    account.refresh_from_db()
    assert answered.state == FindingState.ANSWERED
    assert (account.department, account.family_name, account.family_kana) == ("会計課", "田中", "タナカ")
    assert "田中" in account.search_text
    assert later(land) == []


def test_accept_of_one_finding_leaves_the_others_open(land: Land, first: User) -> None:
    account = land.account("tk1")
    land.by_hand(account, department="会計課", enabled=False)
    land.full()

    answer(Finding.system.get(kind="CHANGED"), first, Answer.ACCEPT)

    assert later(land) == [("tk1", "DISABLED", "OPEN")]
    answer(Finding.system.get(kind="DISABLED"), first, Answer.ACCEPT)
    account.refresh_from_db()
    assert account.state == "DISABLED"
    assert later(land) == []


def test_accept_of_a_missing_account_takes_it_out_of_the_register(land: Land, first: User) -> None:
    account = land.account("tk1")
    land.directory.delete(account.object_guid)
    land.full()

    answer(Finding.system.get(), first, Answer.ACCEPT)

    account.refresh_from_db()
    assert account.state in ("REMOVED", "DELETED")


def test_accept_of_a_move_or_a_new_name_keeps_the_account_in_its_organisation(
    land: Land, first: User
) -> None:
    moved, away, renamed = land.account("moved"), land.account("away"), land.account("old")
    land.directory.move(moved.object_guid, f"OU=審査課,{users_ou('13')}")
    land.directory.move(away.object_guid, users_ou("27"))
    land.directory.rename(renamed.object_guid, "new")
    land.full()

    for name in ("moved", "old"):
        answer(Finding.system.get(login_name=name), first, Answer.ACCEPT)
    with pytest.raises(AnswerRefused):
        answer(Finding.system.get(login_name="away"), first, Answer.ACCEPT)

    renamed.refresh_from_db()
    assert (renamed.login_name, renamed.distinguished_name) == ("new", f"CN=new,{users_ou('13')}")
    assert later(land) == [("away", "MOVED", "OPEN")]


def test_accept_of_an_unknown_object_is_not_asked_again_until_it_changes(land: Land, first: User) -> None:
    stranger = land.stranger("printer")
    land.full()
    answer(Finding.system.get(), first, Answer.ACCEPT)

    quiet = later(land)
    land.directory.put(stranger, enabled=False)

    assert quiet == []
    assert later(land) == [("printer", "UNKNOWN", "OPEN")]


def test_an_account_that_works_again_by_hand_is_accepted_by_two_people_only(
    land: Land, first: User, second: User
) -> None:
    account = land.account("tk1", entry={"enabled": False})
    land.by_hand(account, enabled=True)
    land.full()

    proposed = answer(Finding.system.get(), first, Answer.ACCEPT)
    account.refresh_from_db()
    state_before = account.state
    confirm(proposed, second)

    account.refresh_from_db()
    assert (proposed.state, state_before, account.state) == (FindingState.PROPOSED, "DISABLED", "ENABLED")


# --- Restore --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["values", "disabled", "enabled", "moved", "renamed"])
def test_restore_sets_ad_back_after_a_second_person_agreed(
    land: Land, first: User, second: User, what: str
) -> None:
    account = land.account("tk1", entry={"enabled": what != "enabled", "groups": (GROUP,)})
    before = land.entry(account)
    if what == "values":
        land.by_hand(account, department="会計課", mail=None, groups=())
    elif what in ("disabled", "enabled"):
        land.by_hand(account, enabled=what == "enabled")
    elif what == "moved":
        land.directory.move(account.object_guid, users_ou("27"))
    else:
        land.directory.rename(account.object_guid, "tk2")
    land.full()
    land.directory.calls.clear()

    proposed = answer(Finding.system.get(), first, Answer.RESTORE)
    writes = set(land.directory.calls) - {"find_by_guid"}
    confirm(proposed, second)
    operation = carried_out()

    assert writes == set(), "an answer itself never writes to AD"
    assert (operation.status, operation.step) == (OperationStatus.DONE, "restore_state")
    assert Finding.system.get().state == FindingState.ANSWERED
    after = land.entry(account)
    assert (after.dn, after.login_name, after.department, after.mail, after.enabled, after.groups) == (
        before.dn,
        before.login_name,
        before.department,
        before.mail,
        before.enabled,
        before.groups,
    )
    assert later(land) == []


def test_an_account_can_be_restored_again_and_again(land: Land, first: User, second: User) -> None:
    account = land.account("tk1")
    steps = []
    for _turn in range(3):
        land.by_hand(account, department="会計課")
        land.full(now=timezone.now() + timedelta(hours=2))
        proposed = answer(Finding.system.get(state=FindingState.OPEN), first, Answer.RESTORE)
        confirm(proposed, second)
        operation = carried_out()
        steps.append((operation.step, operation.status, str(operation.step_label)))

    assert [step for step, _status, _label in steps] == [
        "restore_state",
        "restore_state#2",
        "restore_state#3",
    ]
    assert {status for _step, status, _label in steps} == {OperationStatus.DONE}
    assert len({label for _step, _status, label in steps}) == 1


def test_the_person_who_proposed_does_not_confirm(land: Land, first: User) -> None:
    land.by_hand(land.account("tk1"), department="会計課")
    land.full()
    proposed = answer(Finding.system.get(), first, Answer.RESTORE)

    with pytest.raises(NotAllowed):
        confirm(proposed, first)
    with pytest.raises(IntegrityError), transaction.atomic():
        Finding.system.filter(pk=proposed.pk).update(confirmed_by=first)
    with pytest.raises(IntegrityError), transaction.atomic():
        Finding.system.filter(pk=proposed.pk).update(state=FindingState.RESTORING)

    assert not Operation.system.filter(step__startswith="restore").exists()


def test_a_proposal_is_void_when_ad_changed_again(land: Land, first: User, second: User) -> None:
    account = land.account("tk1")
    land.by_hand(account, department="会計課")
    land.full()
    proposed = answer(Finding.system.get(), first, Answer.RESTORE)
    land.by_hand(account, department="総務課")

    with pytest.raises(ChangedSince) as refused:
        confirm(proposed, second)
    land.full()

    assert [(d.field, d.written, d.found) for d in refused.value.differences] == [
        ("department", "会計課", "総務課")
    ]
    finding = Finding.system.get()
    assert (finding.state, finding.answer, finding.answered_by) == (FindingState.OPEN, "", None)


def test_restore_never_overwrites_what_somebody_did_after_the_answer(
    land: Land, first: User, second: User
) -> None:
    account = land.account("tk1")
    land.by_hand(account, department="会計課")
    land.full()
    confirm(answer(Finding.system.get(), first, Answer.RESTORE), second)
    land.by_hand(account, department="総務課")

    operation = carried_out()
    services.close(operation_id=operation.pk, actor=first, reason="新しい相違に回答する", now=timezone.now())

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "changed_meanwhile")
    assert land.entry(account).department == "総務課"
    finding = Finding.system.get()
    assert (finding.state, finding.answer, finding.operation) == (FindingState.OPEN, "", None)


def test_a_lost_reply_while_restoring_is_looked_at_and_not_written_twice(
    land: Land, first: User, second: User
) -> None:
    account = land.account("tk1")
    land.by_hand(account, department="会計課")
    land.full()
    confirm(answer(Finding.system.get(), first, Answer.RESTORE), second)
    land.directory.after["update_account"] = [OutcomeUnknown("no answer", code="timeout")]

    unknown = carried_out()
    services.drain("directory", now_fn=lambda: timezone.now() + timedelta(minutes=1))
    unknown_then = unknown.status
    unknown.refresh_from_db()

    assert (unknown_then, unknown.status) == (OperationStatus.OUTCOME_UNKNOWN, OperationStatus.DONE)
    assert land.directory.calls.count("update_account") == 1


def test_restore_done_by_hand_is_verified(land: Land, first: User, second: User) -> None:
    account = land.account("tk1")
    land.by_hand(account, department="会計課")
    land.full()
    confirm(answer(Finding.system.get(), first, Answer.RESTORE), second)
    operation = Operation.system.latest("pk")
    services.take_by_hand(operation_id=operation.pk, actor=first, now=timezone.now())

    early = services.record_done(operation_id=operation.pk, actor=first, note="済", now=timezone.now())
    early_status = early.status
    land.by_hand(account, department="情報管理課")
    done = services.record_done(operation_id=operation.pk, actor=first, note="済", now=timezone.now())

    assert (early_status, done.status) == (OperationStatus.MANUAL, OperationStatus.DONE)
    assert Finding.system.get().state == FindingState.ANSWERED


def test_the_marker_is_never_written_over(land: Land, first: User, second: User) -> None:
    account = land.account("tk1", entry={"marker": "ours"})
    land.by_hand(account, marker="somebody's", department="会計課")
    land.full()

    confirm(answer(Finding.system.get(), first, Answer.RESTORE), second)
    operation = carried_out()

    assert operation.status == OperationStatus.DONE
    assert (land.entry(account).marker, land.entry(account).department) == ("somebody's", "情報管理課")
    assert later(land) == [("tk1", "CHANGED", "OPEN")], "a strange marker stays a finding"
    assert possible_answers(Finding.system.get(state="OPEN")) == [Answer.ACCEPT]


def test_a_protected_account_is_read_and_never_touched(land: Land, first: User) -> None:
    account = land.account("tk1")
    land.by_hand(account, department="会計課", privileged=True)
    land.stranger("admin", privileged=True)
    land.full()

    for finding in Finding.system.all():
        assert possible_answers(finding) == [Answer.ACCEPT]
        with pytest.raises(AnswerRefused):
            answer(finding, first, Answer.RESTORE)


# --- Adopt ----------------------------------------------------------------------------------------------------------------


def test_an_adopted_object_is_an_account_with_a_paper_that_two_people_signed(
    land: Land, first: User, second: User
) -> None:
    stranger = land.stranger(
        "tk9", marker="old-tool-7", family_name="山田", given_name="一郎", kana="ヤマダ イチロウ"
    )
    land.full()

    confirm(answer(Finding.system.get(), first, Answer.ADOPT), second)

    account = DirectoryAccount.system.get(object_guid=stranger.guid)
    paper = account.last_line.application
    stage = ApprovalStage.system.get(application=paper)
    assert (account.organisation.code, account.family_name, account.given_kana) == ("13", "山田", "イチロウ")
    assert (paper.status, paper.applicant, stage.decided_by) == ("COMPLETED", first, second)
    assert land.directory.entries[stranger.guid] == stranger, (
        "nothing is written to AD, the marker least of all"
    )
    assert later(land) == []


def test_an_adopted_account_can_be_restored_later(land: Land, first: User, second: User) -> None:
    stranger = land.stranger("tk9")
    land.full()
    confirm(answer(Finding.system.get(), first, Answer.ADOPT), second)
    land.directory.put(stranger, department="会計課")
    land.full(now=timezone.now() + timedelta(hours=2))

    confirm(answer(Finding.system.get(kind="CHANGED"), first, Answer.RESTORE), second)

    assert carried_out().status == OperationStatus.DONE
    assert land.directory.entries[stranger.guid].department == "情報管理課"


@pytest.mark.parametrize(
    "object_",
    [
        {"login_name": "taken"},
        {"login_name": "reserved"},
        {"login_name": "なまえ"},
        {"login_name": "tk9", "family_name": ""},
        {"login_name": "tk9", "container_dn": f"OU=Administrators,OU=13,OU=Federations,{BASE_DN}"},
    ],
)
def test_an_object_that_the_register_cannot_hold_is_not_adopted(
    land: Land, first: User, object_: dict[str, Any]
) -> None:
    land.account("kept")
    factories.directory_account(login_name="taken", state="DELETED")
    factories.line({}, is_open=True, reservation_key="login:reserved")
    stranger = land.stranger(object_.pop("login_name"), **object_)
    land.full()
    finding = Finding.system.get(object_guid=stranger.guid)

    with pytest.raises(AnswerRefused):
        answer(finding, first, Answer.ADOPT)

    assert Finding.system.get(pk=finding.pk).state == FindingState.OPEN
    assert not Application.system.filter(kind="accounts.adopt").exists()


# --- Every answer ---------------------------------------------------------------------------------------------------------


def test_an_answer_to_what_is_not_so_any_more_is_refused_with_what_changed(land: Land, first: User) -> None:
    account = land.account("tk1")
    land.by_hand(account, department="会計課")
    land.full()
    finding = Finding.system.get()
    land.by_hand(account, department="総務課", enabled=False)

    with pytest.raises(ChangedSince) as refused:
        answer(finding, first, Answer.ACCEPT)

    assert {d.field for d in refused.value.differences} == {"department", "enabled"}
    account.refresh_from_db()
    assert account.department == "情報管理課"


def test_two_answers_to_one_finding_are_one(land: Land, first: User, second: User) -> None:
    land.by_hand(land.account("tk1"), department="会計課")
    land.full()
    finding = Finding.system.get()
    answer(finding, first, Answer.ACCEPT)

    with pytest.raises(AlreadyAnswered):
        answer(finding, second, Answer.RESTORE)


def test_a_proposal_can_be_taken_back(land: Land, first: User, second: User) -> None:
    land.by_hand(land.account("tk1"), department="会計課")
    land.full()
    proposed = answer(Finding.system.get(), first, Answer.RESTORE)

    take_back_proposal(finding_id=proposed.pk, actor=second, now=timezone.now())

    with pytest.raises(AlreadyAnswered):
        confirm(proposed, second)
    assert Finding.system.get().state == FindingState.OPEN


def test_only_operators_answer(land: Land) -> None:
    land.by_hand(land.account("tk1"), department="会計課")
    land.full()

    for role in ("SECURITY_MANAGER", "APPROVER"):
        with pytest.raises(NotAllowed):
            answer(Finding.system.get(), factories.user(role), Answer.ACCEPT)


def test_without_ad_nothing_is_decided(land: Land, first: User) -> None:
    land.by_hand(land.account("tk1"), department="会計課")
    land.full()
    land.directory.faults["find_by_guid"] = [DirectoryUnavailable("down", code="down")]

    with pytest.raises(AnswerRefused):
        answer(Finding.system.get(), first, Answer.ACCEPT)


def test_the_trail_names_who_answered_what_and_why(land: Land, first: User, second: User) -> None:
    land.by_hand(land.account("tk1"), department="会計課")
    land.full()

    confirm(answer(Finding.system.get(), first, Answer.RESTORE, reason="誤操作"), second)

    rows = TrailEntry.objects.filter(action__startswith="finding.").order_by("pk")
    assert [(r.action, r.actor, r.object_organisation.code) for r in rows] == [
        ("finding.propose", first, "13"),
        ("finding.confirm", second, "13"),
    ]
    assert rows[0].detail["reason"] == "誤操作"
    assert rows[0].detail["differences"][0]["found"] == "会計課"
