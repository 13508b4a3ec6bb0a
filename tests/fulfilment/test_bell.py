"""The bell is a convenience: a broker that is dead or hangs neither breaks nor slows a request."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import transaction

from portal.common import bell
from portal.embedded.valkey import EmbeddedValkey
from portal.fulfilment import services
from tests.fulfilment.support import NOW, TARGET, line

_real_send = bell._send


@pytest.fixture
def real_bell(rings: object, monkeypatch: pytest.MonkeyPatch, valkey: EmbeddedValkey) -> EmbeddedValkey:
    monkeypatch.setattr(bell, "_send", _real_send)
    bell.forget_failures()
    return valkey


def test_a_ring_reaches_the_broker(real_bell: EmbeddedValkey) -> None:
    assert bell.ring_now("portal.fulfilment.tasks.drain_target", TARGET) is True


@pytest.mark.django_db(transaction=True)
def test_an_approval_commits_while_the_broker_is_dead(real_bell: EmbeddedValkey) -> None:
    of_line = line()
    real_bell.stop()
    try:
        with transaction.atomic():
            queued = services.enqueue(
                line_id=of_line.pk,
                organisation_id=of_line.organisation_id,
                kind="k",
                target=TARGET,
                application_number="",
                subject="",
                now=NOW,
            )
    finally:
        real_bell.start()

    queued.refresh_from_db()
    assert queued.status == "WAITING"


def test_a_hanging_broker_is_given_up_and_then_left_alone(
    real_bell: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert real_bell.process is not None
    tried: list[str] = []

    def counted(task: str, args: tuple[str, ...]) -> None:
        tried.append(task)
        _real_send(task, args)

    monkeypatch.setattr(bell, "_send", counted)
    os.kill(real_bell.process.pid, signal.SIGSTOP)
    try:
        results = [bell.ring_now("a"), bell.ring_now("b"), bell.ring_now("c")]
    finally:
        os.kill(real_bell.process.pid, signal.SIGCONT)

    assert results == [False, False, False]
    assert tried == ["a"]


@pytest.mark.django_db(transaction=True)
def test_a_ring_of_a_savepoint_that_was_rolled_back_does_not_swallow_the_next(
    rings: list[tuple[str, ...]],
) -> None:
    with transaction.atomic():
        with transaction.atomic():
            bell.ring_on_commit("t", TARGET)
            transaction.set_rollback(True)
        bell.ring_on_commit("t", TARGET)
        bell.ring_on_commit("t", TARGET)

    assert rings == [(TARGET,)]
