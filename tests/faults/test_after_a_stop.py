"""After a restore or a long stop the portal reconciles before it writes (ACC-12, fault case 22)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Finding
from portal.fulfilment import gate, services
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import NewAccount
from portal.workflow.models import Status
from tests import journeys
from tests.lab import Lab

pytestmark = pytest.mark.slow
OWN_PASSWORD = "Vm-chosen-58!"


def make_by_hand(lab: Lab, operation: Operation) -> None:
    """What operations do from the work sheet: every attribute, the marker, and the person logs on once."""
    payload = operation.line.payload
    root = lab.directory_server.env["AD_ROOT_OU"]
    account = NewAccount(
        login_name=payload["login_name"],
        display_name=f"{payload['family_name']} {payload['given_name']}",
        family_name=payload["family_name"],
        given_name=payload["given_name"],
        kana=f"{payload['family_kana']} {payload['given_kana']}",
        department=payload["department"],
        company=operation.organisation.name,
        mail=None,
        container_dn=f"OU=Users,OU={operation.organisation.ou_name},{root}",
        marker=str(operation.marker),
        description=payload.get("description", ""),
    )
    guid = lab.directory.create_account(account, initial_password="Qx34-Ry79-Wt3f").guid
    lab.directory.change_password(guid, old_password="Qx34-Ry79-Wt3f", new_password=OWN_PASSWORD)


def hold(lab: Lab) -> None:
    gate.close(actor=None, note="昨夜のバックアップから復元した。", now=timezone.now())


# fault case 22
def test_work_done_by_hand_meanwhile_is_recognised_and_not_done_twice(either_lab: Lab) -> None:
    lab = either_lab
    application = journeys.approved(lab.cast)
    operation = journeys.operations(application)[0]
    hold(lab)
    make_by_hand(lab, operation)

    assert services.run_next(target="directory", now_fn=timezone.now) is None
    assert gate.run_checks(timezone.now()), gate.state().report

    operation.refresh_from_db()
    application.refresh_from_db()
    assert (operation.status, application.status) == (OperationStatus.DONE, Status.COMPLETED)
    assert operation.evidence["initial_password"] == "by_hand"
    assert operation.attempts == 0
    assert lab.passwords() == []  # none was drawn, none was mailed


# fault case 22
def test_while_the_directory_is_down_the_gate_stays_closed_and_opens_afterwards(lab: Lab) -> None:
    application = journeys.approved(lab.cast)
    hold(lab)
    lab.directory_server.stop()

    assert not gate.run_checks(timezone.now())
    assert gate.is_closed()
    assert services.run_next(target="directory", now_fn=timezone.now) is None

    lab.directory_server.start()
    assert gate.run_checks(timezone.now() + timedelta(hours=1)), gate.state().report
    lab.go_on()
    application.refresh_from_db()
    assert application.status == Status.COMPLETED


# fault case 22
def test_what_a_restored_database_does_not_know_is_found_before_anything_is_written(either_lab: Lab) -> None:
    """Yesterday's database knows neither the account nor the operation that made it."""
    lab = either_lab
    operation = journeys.operations(journeys.approved(lab.cast))[0]
    make_by_hand(lab, operation)
    Operation.system.filter(pk=operation.pk).update(status=OperationStatus.CLOSED)  # as if it had never been
    hold(lab)

    later = timezone.now() + timedelta(hours=12)  # old enough not to be somebody else's work of this moment
    assert gate.run_checks(later), gate.state().report

    # Among others on a directory that is not the test's alone.
    finding = Finding.system.get(login_name=operation.line.payload["login_name"])
    assert finding.kind == "UNKNOWN"
