"""Fault cases 3, 12, 13, 14, 21, 22 and 23 of drift and of a directory that refuses, against a real directory server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import ldap3
import pytest
from django.utils import timezone

from accounts import asking
from accounts.models import DirectoryAccount, Finding, ReconciliationRun
from accounts.reconciliation import runs
from accounts.reconciliation.answers import answer_finding, confirm_answer
from accounts.reconciliation.models import Answer, FindingState
from portal.embedded.directory.certificates import make_certificates
from portal.embedded.directory.faults import Fault
from portal.fulfilment import breaker, services
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways import _ldap3_connection
from portal.gateways.directory import DirectoryEntry, DirectoryUnavailable, NewAccount
from portal.gateways.directory_factory import make_directory, reset_directory
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from tests import factories, journeys
from tests.lab import Lab, admin

pytestmark = pytest.mark.slow

MUCH_LATER = timedelta(hours=2)  # every domain controller has heard of everything


def registered(lab: Lab, count: int = 1) -> list[DirectoryAccount]:
    """Accounts that went the whole way."""
    for _ in range(count):
        # Names of their own: the real directory keeps those of earlier runs.
        line = journeys.registration_line(lab.cast.recipient, login_name=f"d{token_hex(6)}")
        journeys.approved(lab.cast, line)
    services.drain("directory", now_fn=timezone.now)
    return list(DirectoryAccount.system.order_by("pk"))


def compare(mode: str = "FULL", after: timedelta = MUCH_LATER) -> ReconciliationRun:
    now = timezone.now() + after
    run = ReconciliationRun.objects.create(asked_at=now, mode=mode)
    return runs.carry_out(run, now)


def kinds(account: DirectoryAccount) -> set[str]:
    live = (FindingState.OPEN, FindingState.PROPOSED, FindingState.RESTORING)
    return set(Finding.system.filter(account=account, state__in=live).values_list("kind", flat=True))


def entry_of(lab: Lab, account: DirectoryAccount) -> DirectoryEntry:
    found = lab.directory.find_by_guid(account.object_guid)
    assert found is not None
    return found


def answer_with_two(finding: Finding, choice: str) -> None:
    first, second = factories.operator(), factories.operator()
    seen: dict[str, Any] = {"finding_id": finding.pk, "digest": finding.digest, "now": timezone.now()}
    answer_finding(**seen, answer=choice, reason="手作業の誤り", actor=first)
    confirm_answer(**seen, actor=second)


# fault case 3
def test_case_3_what_another_domain_controller_has_not_heard_of_is_not_absent(lab: Lab) -> None:
    (account,) = registered(lab)
    lab.directory.delete(account.object_guid)  # as a replica that is behind sees it

    now = timezone.now()
    early = runs.carry_out(ReconciliationRun.objects.create(asked_at=now), now)

    assert (early.status, kinds(account)) == ("DONE", set())


# fault case 12
def test_case_12_drift_by_hand_is_found_and_nothing_is_made_again(either_lab: Lab) -> None:
    lab = either_lab
    moved, renamed, disabled, deleted, same = registered(lab, 5)
    assert compare("INCREMENTAL").why_full == "first"
    directory = lab.directory
    directory.move(moved.object_guid, f"OU=Users,OU=14,{lab.directory_server.env['AD_ROOT_OU']}")
    directory.rename(renamed.object_guid, f"r{token_hex(6)}")
    directory.disable(disabled.object_guid)
    directory.delete(deleted.object_guid)

    run = compare("INCREMENTAL")
    lab.go_on()

    assert (run.status, run.mode) == ("DONE", "INCREMENTAL")
    assert [kinds(a) for a in (moved, renamed, disabled, deleted, same)] == [
        {"MOVED"},
        {"RENAMED"},
        {"DISABLED"},
        {"MISSING"},
        set(),
    ]
    assert directory.find_by_login_name(deleted.login_name) is None, "never made again by itself"
    assert not entry_of(lab, disabled).enabled


# fault case 12
def test_case_12_a_restore_goes_through_fulfilment_and_is_read_back(either_lab: Lab) -> None:
    lab = either_lab
    (account,) = registered(lab)
    before = entry_of(lab, account)
    lab.directory.update_account(account.object_guid, {"department": "会計課"})
    lab.directory.disable(account.object_guid)
    compare()

    for kind in ("CHANGED", "DISABLED"):
        compare()
        answer_with_two(Finding.system.get(account=account, kind=kind), Answer.RESTORE)
        services.drain("directory", now_fn=timezone.now)

    after = entry_of(lab, account)
    assert (after.department, after.enabled) == (before.department, True)
    assert set(Operation.system.filter(step__startswith="restore").values_list("status", flat=True)) == {
        "DONE"
    }
    compare()
    assert kinds(account) == set()


# fault case 12
def test_case_12_a_lost_reply_while_restoring_changes_nothing_twice(either_lab: Lab) -> None:
    lab = either_lab
    (account,) = registered(lab)
    lab.directory.update_account(account.object_guid, {"department": "会計課"})
    compare()
    answer_with_two(Finding.system.get(account=account), Answer.RESTORE)
    lab.directory_server.faults.add(Fault(operation="modify", action="lose_reply"))

    services.drain("directory", now_fn=timezone.now)
    first = Operation.system.latest("pk").status
    writes = lab.directory_server.faults.counts["modify"]
    lab.go_on()

    assert (first, Operation.system.latest("pk").status) == (OperationStatus.OUTCOME_UNKNOWN, "DONE")
    assert lab.directory_server.faults.counts["modify"] == writes


@pytest.fixture
def unlock(either_lab: Lab) -> Iterator[Callable[[], None]]:
    """What an administrator does with the locked service account; in any case after the test."""

    def service_account() -> None:
        connection = admin(either_lab)
        name = either_lab.directory_server.env["AD_BIND_DN"]
        connection.modify(name, {"lockoutTime": [(ldap3.MODIFY_REPLACE, ["0"])]})
        connection.unbind()

    yield service_account
    service_account()


# fault case 13
@pytest.mark.parametrize("how", ["password changed", "locked"])
def test_case_13_a_refused_service_account_is_tried_once_and_told_once(
    either_lab: Lab, settings: Any, unlock: Callable[[], None], how: str
) -> None:
    lab = either_lab
    application = journeys.approved(lab.cast)
    right = settings.DIRECTORY["bind_password"]
    settings.DIRECTORY = settings.DIRECTORY | {"bind_password": "changed-by-somebody"}
    if how == "locked":
        for _ in range(6):
            reset_directory()
            with pytest.raises(DirectoryUnavailable):
                make_directory(settings.DIRECTORY).ping()
        settings.DIRECTORY = settings.DIRECTORY | {"bind_password": right}
    reset_directory()
    tried: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        first = _ldap3_connection.connect_first
        patch.setattr(
            _ldap3_connection, "connect_first", lambda *args: (tried.append(args[2]), first(*args))[1]
        )

        for _round in range(5):
            services.drain("directory", now_fn=timezone.now)
            compare(after=timedelta())
            asking.forget()  # as five seconds later
            with pytest.raises(DirectoryUnavailable):
                asking.ask(lambda directory: directory.ping())
        # A worker and a screen in processes of their own find it as shut.
        assert lab.worker().wait() == 0

    state = breaker.state_of("directory")
    assert len(tried) == 1, "no storm that locks the account"
    assert state.reason.startswith("49")
    assert journeys.operations(application)[0].status == OperationStatus.WAITING
    told = Notice.system.filter(template="target_refused")
    assert list(told.values_list("to_user_id", flat=True)) == [lab.cast.operator.pk]

    # Set right: one probe, and everything goes on.
    unlock()
    settings.DIRECTORY = settings.DIRECTORY | {"bind_password": right}
    reset_directory()
    lab.go_on(after=timedelta(minutes=11), rounds=2)
    assert journeys.operations(application)[0].status == OperationStatus.DONE
    asking.forget()
    asking.ask(lambda directory: directory.ping())
    assert told.count() == 1


# fault case 13
def test_case_13_a_screen_that_is_refused_first_shuts_the_queue_too(lab: Lab, settings: Any) -> None:
    application = journeys.approved(lab.cast)
    settings.DIRECTORY = settings.DIRECTORY | {"bind_password": "changed-by-somebody"}
    reset_directory()
    binds = lab.directory_server.faults.counts["bind"]

    asking.forget()
    with pytest.raises(DirectoryUnavailable):
        asking.ask(lambda directory: directory.ping())
    services.drain("directory", now_fn=timezone.now)

    assert lab.directory_server.faults.counts["bind"] - binds == 1
    assert journeys.operations(application)[0].attempts == 0
    assert Notice.system.filter(template="target_refused").count() == 1


# fault case 13
@pytest.mark.parametrize(
    ("what", "why"), [("certificate", "verify failed"), ("expired", "has expired"), ("refused", "")]
)
def test_case_13_without_a_trusted_connection_everything_waits(
    lab: Lab, settings: Any, tmp_path: Path, what: str, why: str
) -> None:
    application = journeys.approved(lab.cast)
    if what == "certificate":
        make_certificates(tmp_path / "other", names=["dc1.kokuho.pr"], addresses=["127.0.0.1"])
        settings.DIRECTORY = settings.DIRECTORY | {"ca_file": str(tmp_path / "other" / "ca.pem")}
        reset_directory()
    elif what == "expired":
        lab.directory_server.stop()
        folder = Path(lab.directory_server.env["AD_CA_FILE"]).parent
        (folder / "cert.pem").unlink()
        names = [lab.directory_server.env["AD_TLS_SERVER_NAME"]]
        make_certificates(folder, names=names, addresses=["127.0.0.1"], lifetime=timedelta(hours=-1))
        lab.directory_server.start()
        reset_directory()
    else:
        lab.directory_server.faults.refuse_connections = True
        lab.directory.close()

    services.drain("directory", now_fn=timezone.now)
    run = compare()

    operation = journeys.operations(application)[0]
    assert (operation.status, operation.attempts) == (OperationStatus.WAITING, 0)
    assert run.status == "INTERRUPTED"
    assert not Finding.system.exists()
    with pytest.raises(DirectoryUnavailable, match=why):
        make_directory(settings.DIRECTORY).ping()


# fault case 14
def test_case_14_a_right_lost_on_one_unit_stops_that_operation_and_no_other(lab: Lab) -> None:
    refused, others = journeys.approved(lab.cast), [journeys.approved(lab.cast) for _ in range(2)]
    lab.directory_server.faults.add(
        Fault(operation="add", action="refuse", times=1, result=50, win32="00002098")
    )

    services.drain("directory", now_fn=timezone.now)

    stopped = journeys.operations(refused)[0]
    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "access_denied")
    assert {journeys.operations(a)[0].status for a in others} == {OperationStatus.DONE}
    assert breaker.state_of("directory").opened_at is None


# fault case 21
def test_case_21_more_than_a_page_with_referrals_is_a_complete_list(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.gateways._ldap3_scanning.PAGE_SIZE", 2)
    accounts = registered(lab, 5)
    lab.directory_server.faults.referrals = [
        "ldap://DomainDnsZones.kokuho.pr/DC=DomainDnsZones,DC=kokuho,DC=pr"
    ]

    run = compare()

    assert (run.status, run.read_count, run.new_count) == ("DONE", len(accounts), 0)
    assert lab.directory.find_by_login_name(accounts[0].login_name) is not None


# fault case 22
def test_case_22_a_restored_database_is_compared_before_the_queue_runs(either_lab: Lab) -> None:
    """What was made after the backup is in AD and not in the register."""
    lab = either_lab
    kept, lost = registered(lab, 2)
    Finding.system.all().delete()
    lost.written.delete()
    Operation.system.filter(line=lost.last_line).update(status=OperationStatus.CLOSED)
    DirectoryAccount.system.filter(pk=lost.pk).delete()
    adds = lab.directory_server.faults.counts["add"]

    report = runs.reconcile_before_queue(timezone.now() + MUCH_LATER)

    assert (report.complete, set(report.new_by_kind)) == (True, {"UNKNOWN"})
    assert Finding.system.get(object_guid=lost.object_guid).kind == "UNKNOWN"
    assert kinds(kept) == set()
    assert lab.directory_server.faults.counts["add"] == adds, "a comparison writes nothing"


# fault case 23
def test_case_23_a_stranger_with_our_name_is_never_adopted_by_a_retry(either_lab: Lab) -> None:
    lab = either_lab
    application = journeys.approved(lab.cast)
    lab.directory_server.faults.add(Fault(operation="add", action="lose_request"))
    services.drain("directory", now_fn=timezone.now)
    name = str(application.lines.get().payload["login_name"])
    stranger = lab.directory.create_account(
        NewAccount(
            login_name=name,
            display_name="別人",
            family_name="別人",
            given_name="",
            kana="",
            department="",
            company="",
            mail=None,
            container_dn=f"OU=Users,OU=13,{lab.directory_server.env['AD_ROOT_OU']}",
            marker="somebody-else",
        ),
        initial_password="Betsu-Jin-4747",
    )

    lab.go_on()
    compare()

    operation = journeys.operations(application)[0]
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "name_taken")
    found = lab.directory.find_by_guid(stranger.guid)
    assert found is not None
    assert (found.marker, found.display_name) == ("somebody-else", "別人")
    assert not DirectoryAccount.system.filter(object_guid=stranger.guid).exists()
    assert Finding.system.get(object_guid=stranger.guid).kind == "UNKNOWN"


def test_a_directory_that_goes_down_in_the_middle_says_nothing_about_the_unseen(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.gateways._ldap3_scanning.PAGE_SIZE", 1)
    accounts = registered(lab, 3)
    lab.directory.delete(accounts[2].object_guid)
    record = runs.Recorder.record_page

    def and_then_it_is_gone(self: runs.Recorder, page: Any) -> None:
        record(self, page)
        lab.directory_server.stop()

    monkeypatch.setattr(runs.Recorder, "record_page", and_then_it_is_gone)

    run = compare()

    assert (run.status, run.read_count) == ("INTERRUPTED", 1)
    assert not Finding.system.exists()


def test_only_security_managers_and_operators_are_told(lab: Lab) -> None:
    (account,) = registered(lab)
    manager = factories.user(Role.SECURITY_MANAGER)
    lab.directory.disable(account.object_guid)

    runs.reconcile_nightly(now=timezone.now() + MUCH_LATER)
    lab.mail.messages()

    told = Notice.system.filter(template__startswith="reconciliation").values_list("to_user_id", flat=True)
    assert set(told) == {manager.pk, lab.cast.operator.pk}
