"""Fault cases 15 and 20: a policy that was tightened or cannot be met, and diagnostic texts that nobody should store as they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

import ldap3
import pytest
from django.utils import timezone

from portal.embedded.directory.faults import Fault
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationEvent, OperationStatus
from tests import journeys
from tests.lab import Lab, admin
from tests.roles import client_of

pytestmark = pytest.mark.slow


@pytest.fixture
def tighten(either_lab: Lab) -> Iterator[Callable[[int], None]]:
    """Sets the least length of passwords of the domain, which is as before after the test."""
    base = either_lab.directory_server.env["AD_BASE_DN"]

    def set_length(length: int) -> None:
        connection = admin(either_lab)
        assert connection.modify(base, {"minPwdLength": [(ldap3.MODIFY_REPLACE, [str(length)])]})
        connection.unbind()

    yield set_length
    set_length(8)


# fault case 15
def test_case_15_a_policy_tightened_after_the_approval_draws_longer_passwords(
    either_lab: Lab, tighten: Callable[[int], None]
) -> None:
    lab = either_lab
    application = journeys.approved(lab.cast)
    tighten(18)

    services.drain("directory", now_fn=timezone.now)

    (operation,) = journeys.operations(application)
    assert operation.status == OperationStatus.DONE, operation.error_message
    assert len(lab.passwords()[-1]) >= 18
    assert lab.last_password_works(application.lines.get().payload["login_name"])


# fault case 15
def test_case_15_a_policy_that_cannot_be_met_stops_with_its_reason_and_leaves_nothing(
    either_lab: Lab, tighten: Callable[[int], None]
) -> None:
    """AD never says which rule was broken, and the portal cannot read the policy: it does not draw without end."""
    lab = either_lab
    application = journeys.approved(lab.cast)
    tighten(26)

    services.drain("directory", now_fn=timezone.now)
    stopped = journeys.operations(application)[0]
    tighten(8)
    services.retry(operation_id=stopped.pk, actor=lab.cast.operator, now=timezone.now())
    services.drain("directory", now_fn=timezone.now)

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "password_policy")
    assert "パスワード" in stopped.error_message
    assert journeys.operations(application)[0].status == OperationStatus.DONE
    assert len(lab.passwords()) == 1


TEXTS = {
    "NUL": b"0000\x00202B: the server is unwilling\x00\x00",
    "binary": bytes(range(256)),
    "64 KiB": "長い".encode() * 11_000,
    "Japanese": "サーバーは処理を拒否しました。\r\n\x1b[31m".encode(),
}


# fault case 20
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_case_20_any_diagnostic_text_is_stored_clean_and_short_with_its_code(lab: Lab, text: bytes) -> None:
    application = journeys.approved(lab.cast)
    lab.directory_server.faults.add(
        Fault(operation="add", action="refuse", result=53, win32="0000202B", text=text)
    )

    services.drain("directory", now_fn=timezone.now)

    (operation,) = journeys.operations(application)
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "directory_error")
    assert "53/0000202B" in operation.error_message
    page = client_of(lab.cast.operator).get(f"/operations/{operation.pk}/")
    kept = [operation.error_message, *OperationEvent.system.values_list("message", flat=True)]
    assert page.status_code == 200
    assert max(map(len, kept)) <= 1000
    assert not any(unicodedata.category(character) == "Cc" for message in kept for character in message)
    if text == TEXTS["Japanese"]:
        assert "サーバーは処理を拒否しました。" in operation.error_message
    # Nothing of it stops the work that comes after.
    assert Operation.system.count() == 1
    services.retry(operation_id=operation.pk, actor=lab.cast.operator, now=timezone.now())
    services.drain("directory", now_fn=timezone.now)
    assert journeys.operations(application)[0].status == OperationStatus.DONE
