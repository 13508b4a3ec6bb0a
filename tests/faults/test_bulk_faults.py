"""Fault case 18: a large file, a worker killed in its second round, the same file twice, a check that is killed half-way (ACC-13)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.kinds import REGISTER
from portal.fulfilment import running
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import OperationStatus
from portal.workflow import services as workflow
from portal.workflow.bulk import checking, services
from portal.workflow.bulk.errors import AlreadyUploaded
from portal.workflow.bulk.models import Upload, UploadState
from portal.workflow.models import Application, Status
from tests import journeys
from tests.bulk.books import book, person
from tests.lab import ROOT, Lab

pytestmark = pytest.mark.slow

ROWS, KILLED_AT = 350, 277
assert running.DRAIN_LIMIT < KILLED_AT  # the second round; a third and a fourth would be like it


def handed_in(lab: Lab, data: bytes, again_reason: str = "") -> Upload:
    return services.upload_file(
        kind=REGISTER,
        organisation_id=lab.cast.applicant.organisation_id,
        actor=lab.cast.applicant,
        name="採用.xlsx",
        data=data,
        again_reason=again_reason,
        now=timezone.now(),
    )


def file_of(lab: Lab, count: int) -> bytes:
    return book([person(number, lab.cast.recipient.email) for number in range(count)])


def approved(lab: Lab, upload: Upload) -> Application:
    checking.check(upload_id=upload.pk, now=timezone.now())
    made = services.take_over(
        upload_id=upload.pk, actor=lab.cast.applicant, version=None, reason="4月の採用", now=timezone.now()
    )
    workflow.submit(application_id=made.pk, actor=lab.cast.applicant, version=None, now=timezone.now())
    journeys.approve(made, lab.cast.approver)
    return journeys.approve(made, lab.cast.operator)


# fault case 18
@pytest.mark.once
def test_a_kill_at_row_277_of_350_resumes_with_one_account_for_each_row(lab: Lab) -> None:
    application = approved(lab, handed_in(lab, file_of(lab, ROWS)))

    lab.worker_dies_at(f"row_{KILLED_AT}", timeout=600)
    in_between = Counter(operation.status for operation in journeys.operations(application))
    late = timezone.now() + timedelta(minutes=10)
    fulfilment.sweep(late)
    while fulfilment.drain("directory", now_fn=lambda: late):
        pass

    assert in_between[OperationStatus.DONE] == KILLED_AT - 1
    operations = journeys.operations(application)
    assert Counter(operation.status for operation in operations) == {OperationStatus.DONE: ROWS}
    found = Counter(
        entry.marker
        for entry in lab.directory.search_accounts(lab.directory_server.env["AD_ROOT_OU"])
        if entry.login_name.endswith("-suzuki")
    )
    assert found == {str(operation.marker): 1 for operation in operations}
    application.refresh_from_db()
    assert application.status in (Status.COMPLETED, Status.PARTLY_COMPLETED)


# fault case 18
def test_the_same_file_twice_is_recognised_and_nothing_is_made_twice(lab: Lab) -> None:
    data = file_of(lab, 3)
    application = approved(lab, handed_in(lab, data))

    with pytest.raises(AlreadyUploaded) as caught:
        handed_in(lab, data)
    again = handed_in(lab, data, again_reason="誤って")
    checking.check(upload_id=again.pk, now=timezone.now())

    assert caught.value.earlier.application == application
    again.refresh_from_db()
    assert again.error_count == 3  # the names are taken: nothing could be made twice


# fault case 18
def test_a_check_that_is_killed_half_way_is_done_again(lab: Lab) -> None:
    upload = handed_in(lab, file_of(lab, 400))
    code = (
        "import os, signal, django; django.setup();"
        "from portal.workflow.bulk import checking; from portal.gateways import clock;"
        "checking._keep = lambda *args: os.kill(os.getpid(), signal.SIGKILL);"
        f"checking.check(upload_id={upload.pk}, now=clock.now())"
    )

    died = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | lab.environment(), check=False, timeout=120
    )
    upload.refresh_from_db()
    in_between = upload.state
    missed = checking.check_missed(timezone.now() + timedelta(minutes=5))
    checking.check(upload_id=upload.pk, now=timezone.now() + timedelta(minutes=5))

    upload.refresh_from_db()
    assert died.returncode == -signal.SIGKILL
    assert (in_between, missed) == (UploadState.CHECKING, 1)
    assert (upload.state, upload.error_count, upload.row_count) == (UploadState.CHECKED, 0, 400)
