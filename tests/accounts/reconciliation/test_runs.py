"""Comparing the register with AD: what is found, what is not, and what an interrupted run may say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.kinds import REGISTER
from accounts.models import Finding, ReconciliationRun
from accounts.reconciliation import runs
from accounts.reconciliation.models import FindingKind, FindingState
from portal.fulfilment import breaker
from portal.fulfilment.errors import NotAllowed
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import DirectoryUnavailable
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from tests import factories
from tests.accounts.reconciliation.conftest import Land, findings
from tests.fakes import BASE_DN, users_ou

OPEN, GONE = FindingState.OPEN, FindingState.GONE
GROUP = f"CN=審査課,OU=Groups,OU=13,OU=Federations,{BASE_DN}"


def test_a_register_that_agrees_with_ad_has_no_findings(land: Land) -> None:
    for n in range(3):
        land.account(f"tk{n}")

    run = land.full()

    assert (run.status, run.read_count, run.new_count) == ("DONE", 3, 0)
    assert findings() == []


def test_each_change_by_hand_is_found_as_what_it_is(land: Land) -> None:
    accounts = {
        name: land.account(name) for name in ("changed", "disabled", "moved", "renamed", "missing", "same")
    }
    off = land.account("reenabled", entry={"enabled": False})
    land.by_hand(accounts["changed"], department="会計課", groups=(GROUP,))
    land.by_hand(accounts["disabled"], enabled=False)
    land.directory.move(accounts["moved"].object_guid, users_ou("14"))
    land.directory.rename(accounts["renamed"].object_guid, "renamed2")
    land.directory.delete(accounts["missing"].object_guid)
    land.by_hand(off, enabled=True)
    land.stranger("stranger")

    run = land.full()

    assert findings() == [
        ("changed", "CHANGED", OPEN),
        ("disabled", "DISABLED", OPEN),
        ("missing", "MISSING", OPEN),
        ("moved", "MOVED", OPEN),
        ("reenabled", "RE_ENABLED", OPEN),
        ("renamed", "RENAMED", OPEN),
        ("stranger", "UNKNOWN", OPEN),
    ]
    assert run.new_by_kind == dict.fromkeys(FindingKind.values, 1)
    changed = Finding.system.get(kind="CHANGED")
    assert {d["field"]: (d["written"], d["found"]) for d in changed.differences} == {
        "department": ("情報管理課", "会計課"),
        "groups": ([], [GROUP]),
    }


def test_a_deleted_account_that_works_again_is_found(land: Land) -> None:
    account = land.account("gone", entry={"enabled": False}, state="DELETED")
    land.by_hand(account, enabled=True)

    land.full()

    assert findings() == [("gone", "RE_ENABLED", OPEN)]


def test_spelling_that_ad_does_not_tell_apart_is_no_difference(land: Land) -> None:
    account = land.account("tk1", entry={"groups": (GROUP,)})
    entry = land.entry(account)
    land.by_hand(account, dn=entry.dn.replace("OU=", "ou="), groups=(GROUP.replace("OU=", "ou="),))

    land.full()

    assert findings() == []


def test_an_account_written_before_written_states_were_kept_is_compared_with_the_register(land: Land) -> None:
    account = land.account("tk1", family_kana="", given_kana="", entry={"kana": "", "family_name": "表示"})
    land.by_hand(account, display_name=f"{account.family_name} {account.given_name}")
    account.written.delete()

    land.full()
    same = findings()
    land.by_hand(account, department="会計課", company="どこか")
    land.full()

    assert same == []
    assert findings() == [("tk1", "CHANGED", OPEN)]


def test_what_lies_outside_every_organisation_is_not_the_portals_business(land: Land) -> None:
    land.stranger("printer", container_dn=f"OU=Elsewhere,OU=Federations,{BASE_DN}")

    land.full()

    assert findings() == []


def test_an_unknown_object_belongs_to_the_organisation_of_its_ou(land: Land) -> None:
    land.stranger("odd", container_dn=f"OU=Deep,OU=Users,OU=27,OU=Federations,{BASE_DN}")

    land.full()

    assert Finding.system.get().organisation.code == "27"


def test_people_who_log_in_here_are_not_unknown(land: Land) -> None:
    entry = land.stranger("adm13")
    factories.user(Role.APPROVER, directory_guid=entry.guid)

    land.full()

    assert findings() == []


def test_a_finding_stays_one_and_closes_when_the_difference_is_gone(land: Land) -> None:
    account = land.account("tk1")
    land.by_hand(account, department="会計課")
    first = land.full()
    second = land.full(now=timezone.now() + timedelta(hours=1))
    finding = Finding.system.get()
    seen = (finding.first_run_id, finding.last_run_id, finding.first_seen_at < finding.last_seen_at)

    land.by_hand(account, department="情報管理課")
    third = land.full()

    assert seen == (first.pk, second.pk, True)
    assert (second.new_count, second.same_count, third.gone_count) == (0, 1, 1)
    assert findings() == [("tk1", "CHANGED", GONE)]
    land.by_hand(account, department="会計課")
    land.full()
    assert findings() == [("tk1", "CHANGED", GONE), ("tk1", "CHANGED", OPEN)]


def test_an_account_that_is_back_is_not_missing_any_more(land: Land) -> None:
    account = land.account("tk1")
    entry = land.entry(account)
    land.directory.delete(account.object_guid)
    land.full()

    land.directory.entries[entry.guid] = entry
    land.full()

    assert findings() == [("tk1", "MISSING", GONE)]


# --- What may not be concluded --------------------------------------------------------------------------------------------


def test_what_was_just_written_is_not_judged_until_every_domain_controller_has_heard_of_it(
    land: Land,
) -> None:
    account = land.account("tk1", verified_at=timezone.now() - timedelta(minutes=5))
    land.directory.delete(account.object_guid)
    fresh = land.account("tk2", verified_at=timezone.now() - timedelta(minutes=5))
    land.by_hand(fresh, department="会計課")
    land.stranger("new", created_at=timezone.now())

    first = land.nightly()
    early = findings()
    land.nightly(now=timezone.now() + timedelta(hours=2))

    assert early == []
    assert first.held_back_count == 2
    assert findings() == [("new", "UNKNOWN", OPEN), ("tk1", "MISSING", OPEN), ("tk2", "CHANGED", OPEN)]


def test_an_account_that_the_portal_is_working_on_is_left_alone(land: Land) -> None:
    account = land.account("tk1")
    paper = factories.application(kind=REGISTER, status="FULFILLING")
    line = factories.line({}, application=paper, subject_key="tk1")
    operation = factories.operation(line, status=OperationStatus.RUNNING, attempts=1)
    half_made = land.stranger("tk9", marker=str(operation.marker))
    land.by_hand(account, department="会計課")

    land.full()
    early = findings()
    operation.status = OperationStatus.CLOSED
    operation.save()
    land.full()

    assert early == []
    assert findings() == [("tk1", "CHANGED", OPEN), ("tk9", "UNKNOWN", OPEN)]
    assert half_made.guid == Finding.system.get(kind="UNKNOWN").object_guid


def test_a_run_that_ad_interrupts_says_nothing_about_whom_it_did_not_see(land: Land) -> None:
    changed = land.account("tk1")
    land.by_hand(changed, department="会計課")
    gone = land.account("tk2")
    land.directory.delete(gone.object_guid)
    land.directory.faults["next_page"] = [DirectoryUnavailable("down", code="down")]

    run = land.full()

    assert (run.status, run.error_code) == ("INTERRUPTED", "down")
    assert run.finished_at is not None
    assert findings() == [("tk1", "CHANGED", OPEN)], "what was seen is true; what was not seen is unknown"


def test_another_domain_controller_in_the_middle_ends_the_run(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = land.account("tk1")
    land.directory.delete(gone.object_guid)
    answers = iter(
        [land.directory.domain_controller(), replace(land.directory.domain_controller(), identity="dc2")]
    )
    monkeypatch.setattr(land.directory, "domain_controller", lambda: next(answers))

    run = land.full()

    assert (run.status, run.error_code) == ("INTERRUPTED", "controller_changed")
    assert findings() == []


def test_a_container_out_of_sight_proves_nothing(land: Land) -> None:
    account = land.account("tk1")
    del land.directory.entries[account.object_guid]
    land.directory.missing_containers.add(users_ou("13"))

    run = land.full()

    assert (run.status, run.unreadable_count, findings()) == ("DONE", 1, [])
    land.directory.deleted.add(account.object_guid)
    land.full()
    assert findings() == [("tk1", "MISSING", OPEN)], "its remains prove it"


def test_so_many_missing_that_it_cannot_be_true_is_no_finding(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_MISSING_ALWAYS_TOLD", 2)
    for n in range(5):
        account = land.account(f"tk{n}")
        if n < 3:
            del land.directory.entries[account.object_guid]

    run = land.full()

    assert (run.status, run.error_code, findings()) == ("INTERRUPTED", "implausible", [])


def test_many_that_are_really_gone_are_known_once_their_organisation_was_compared(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_MISSING_ALWAYS_TOLD", 2)
    for n in range(5):
        account = land.account(f"tk{n}")
        if n < 3:
            land.directory.delete(account.object_guid)
    land.full()

    own = land.full("13")
    every = land.full()

    assert (own.status, every.status, every.new_count) == ("DONE", "DONE", 0)
    assert findings() == [(f"tk{n}", "MISSING", OPEN) for n in range(3)]
    land.nightly()  # raises when it is interrupted


def test_a_run_whose_worker_was_lost_gives_way_to_the_next_one(land: Land) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    lost = ReconciliationRun.objects.create(status="RUNNING", asked_at=long_ago, heartbeat_at=long_ago)

    run = land.full()

    lost.refresh_from_db()
    assert (lost.status, lost.error_code, run.status) == ("INTERRUPTED", "lost", "DONE")


def test_two_runs_at_once_are_one_after_the_other(land: Land) -> None:
    ReconciliationRun.objects.create(status="RUNNING", asked_at=timezone.now(), heartbeat_at=timezone.now())

    run = land.full()

    assert run.status == "WAITING"
    with pytest.raises(runs.RunInterrupted):
        runs.reconcile_nightly(now=timezone.now())


def test_a_refused_service_account_is_not_tried_again_and_again(land: Land) -> None:
    refused = DirectoryUnavailable("refused", code="49/80090308/52e")
    land.directory.faults["domain_controller"] = [refused]

    first, second = land.full(), land.full()

    assert (first.status, second.status, second.error_code) == ("INTERRUPTED", "INTERRUPTED", "target_down")
    assert land.directory.calls.count("domain_controller") == 1
    assert breaker.state_of("directory").opened_at is not None


# --- Incremental ----------------------------------------------------------------------------------------------------------


def test_the_first_nightly_run_reads_everything_and_the_next_what_changed(land: Land) -> None:
    for n in range(3):
        land.account(f"tk{n}")
    first = land.nightly()
    changed = land.account("tk9")
    land.by_hand(changed, department="会計課")

    second = land.nightly()

    assert (first.mode, first.why_full, first.read_count) == ("FULL", "first", 3)
    assert (second.mode, second.read_count, findings()) == ("INCREMENTAL", 1, [("tk9", "CHANGED", OPEN)])


def test_the_nightly_run_sees_who_is_not_there_any_more(land: Land) -> None:
    account = land.account("tk1")
    land.nightly()
    land.directory.delete(account.object_guid)

    run = land.nightly()

    assert (run.mode, findings()) == ("INCREMENTAL", [("tk1", "MISSING", OPEN)])


def test_an_account_moved_out_of_every_ou_is_moved_and_not_missing(land: Land) -> None:
    account = land.account("tk1")
    land.nightly()
    land.directory.move(account.object_guid, f"CN=Users,{BASE_DN}")

    land.nightly()
    land.full()

    assert findings() == [("tk1", "MOVED", OPEN)]


@pytest.mark.parametrize(
    ("controller", "usn", "why"),
    [("dc2/0002", None, "other_controller"), ("dc1/0001", 5, "went_back")],
)
def test_numbers_that_mean_nothing_here_lead_to_reading_everything(
    land: Land, controller: str, usn: int | None, why: str
) -> None:
    land.account("tk1")
    land.nightly()
    land.directory.controller = controller
    land.directory.entries.usn = usn or land.directory.entries.usn

    run = land.nightly()

    assert (run.mode, run.why_full, run.read_count) == ("FULL", why, 1)


def test_the_run_of_one_organisation_reads_and_judges_only_its_accounts(land: Land) -> None:
    own, other = land.account("tk1"), land.account("tk2", code="27")
    for account in (own, other):
        land.directory.delete(account.object_guid)

    run = land.full("13")

    assert (run.expected_count, findings()) == (1, [("tk1", "MISSING", OPEN)])


# --- Telling, asking ------------------------------------------------------------------------------------------------------


def test_a_scheduled_run_with_new_findings_mails_operations_and_the_federation_once(land: Land) -> None:
    operator = factories.operator()
    manager, other = factories.user(Role.SECURITY_MANAGER), factories.user(Role.SECURITY_MANAGER, code="27")
    for n in range(2):
        land.by_hand(land.account(f"tk{n}"), department="会計課")

    land.nightly()
    land.nightly()

    sent = list(Notice.system.filter(template__startswith="reconciliation").order_by("pk"))
    assert [(n.template, n.to_user, n.context["count"]) for n in sent] == [
        ("reconciliation_findings", operator, 2),
        ("reconciliation_own", manager, 2),
    ]
    assert other.pk not in [notice.to_user_id for notice in sent]


def test_a_run_without_anything_new_mails_nobody(land: Land) -> None:
    factories.operator()
    land.account("tk1")

    land.nightly()

    assert ReconciliationRun.objects.exists()
    assert not Notice.system.exists()


def test_asking_twice_makes_one_run_and_only_operators_ask(land: Land) -> None:
    operator, clerk = factories.operator(), factories.applicant()
    now = timezone.now()

    first = runs.ask_for_run(organisation_id=None, actor=operator, now=now)
    second = runs.ask_for_run(organisation_id=None, actor=operator, now=now)
    done = runs.carry_out_waiting(timezone.now)

    assert (first.pk, done) == (second.pk, 1)
    with pytest.raises(NotAllowed):
        runs.ask_for_run(organisation_id=None, actor=clerk, now=now)


def test_before_the_queue_runs_again_the_report_says_whether_it_can_be_relied_on(land: Land) -> None:
    land.stranger("tk1", marker="3f9e6a0e-0000-0000-0000-000000000000")

    whole = runs.reconcile_before_queue(timezone.now())
    land.directory.faults["domain_controller"] = [DirectoryUnavailable("down", code="down")]
    broken = runs.reconcile_before_queue(timezone.now())

    assert (whole.complete, whole.new_by_kind) == (True, {"UNKNOWN": 1})
    assert (broken.complete, broken.reason) == (False, "down")


def test_the_number_of_statements_depends_on_pages_and_not_on_accounts(land: Land) -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert land.full().status == "DONE"
        return len(captured)

    for n in range(3):
        land.by_hand(land.account(f"a{n}"), department="会計課")
    few = statements()
    for n in range(40):
        land.by_hand(land.account(f"b{n}"), department="会計課")
        land.stranger(f"c{n}")

    assert statements() <= few + 3
