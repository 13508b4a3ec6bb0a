"""The contract of the port portal.gateways.two_factor, kept by both adapters: each order once, looked for first, seen to be done.

The exchange folder has somebody at its other end who acknowledges; the SCIM server is a real one on loopback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import DirectoryAccount
from accounts.two_factor import person_of
from portal.gateways.two_factor import Action, Applied, HandedOver, Order, Refused, TwoFactor
from portal.gateways.two_factor_scim import ScimTwoFactor
from portal.two_factor import batches, factory, services
from portal.two_factor.exchange import ExchangeTwoFactor
from tests.two_factor.scim_server import TOKEN, ScimServer
from tests.two_factor.world import registered, use_exchange

pytestmark = pytest.mark.django_db


@dataclass
class Side:
    """One adapter, with what makes its other end do its work."""

    adapter: TwoFactor
    settle: Callable[[], None]
    writes: Callable[[], int]
    refuse: Callable[[Order], Any]
    reason: str  # that the other end gives then


@pytest.fixture(params=["exchange", "scim"])
def side(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Iterator[Side]:
    if request.param == "scim":
        with ScimServer() as server:
            adapter = ScimTwoFactor(server.url, token=TOKEN)
            yield Side(
                adapter,
                settle=lambda: None,
                writes=lambda: sum(map(server.requests, ("POST", "PUT", "DELETE"))),
                refuse=lambda one: server.faults.update(POST=["400"]),
                reason="fault",
            )
        return
    other_side = use_exchange(settings, tmp_path / "exchange")

    def settle() -> None:
        folder = factory.exchange_folder()
        batches.close_batches(folder, timezone.now())
        batches.publish_batches(folder, timezone.now())
        if other_side.references():
            other_side.acknowledge(name=f"ack-{timezone.now():%H%M%S%f}.csv")
        services.exchange(timezone.now())

    def refuse(one: Order) -> None:
        adapter.carry_out(one, before_write=lambda: None)
        folder = factory.exchange_folder()
        batches.close_batches(folder, timezone.now())
        batches.publish_batches(folder, timezone.now())
        other_side.acknowledge("NG", "ログイン名がありません")
        services.exchange(timezone.now())

    adapter = ExchangeTwoFactor()
    yield Side(adapter, settle, lambda: len(other_side.references()), refuse, "ログイン名がありません")


def order(action: Action = Action.ADD, **changes: Any) -> Order:
    """An order of an operation of its own."""
    [operation] = registered()
    account = DirectoryAccount.system.get(last_line=operation.line)
    enabled = action not in (Action.DISABLE, Action.REMOVE)
    return Order(
        marker=str(operation.marker),
        action=action,
        person=replace(person_of(account, enabled=enabled), **changes),
    )


def follow_up(first: Order, action: Action, **changes: Any) -> Order:
    """A later order about the same person."""
    later = order(action)
    return replace(later, person=replace(first.person, enabled=later.person.enabled, **changes))


def carried_out(side: Side, one: Order) -> Applied:
    """Carry an order out, with its other end doing its part; what was applied."""
    receipt = side.adapter.carry_out(one, before_write=lambda: None)
    if isinstance(receipt, HandedOver):
        side.settle()
        receipt = side.adapter.carry_out(one, before_write=lambda: None)
    assert isinstance(receipt, Applied)
    return receipt


def test_the_system_answers_a_ping(side: Side) -> None:
    side.adapter.ping()


def test_an_unknown_order_leaves_no_trace(side: Side) -> None:
    assert side.adapter.look(order()) is None


def test_an_order_is_applied_with_evidence(side: Side) -> None:
    one = order()

    receipt = carried_out(side, one)

    assert receipt.evidence
    assert side.adapter.look(one) == receipt


def test_repeating_an_order_does_it_once(side: Side) -> None:
    one = order()

    for _ in range(3):
        side.adapter.carry_out(one, before_write=lambda: None)
    side.settle()
    carried_out(side, one)

    assert side.writes() == 1


def test_before_each_write_the_caller_is_asked(side: Side) -> None:
    asked: list[bool] = []
    one = order()

    side.adapter.carry_out(one, before_write=lambda: asked.append(True))
    side.settle()
    side.adapter.carry_out(one, before_write=lambda: asked.append(True))

    assert asked == [True]


def test_who_is_no_longer_in_charge_writes_nothing(side: Side) -> None:
    def lost() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        side.adapter.carry_out(order(), before_write=lost)

    assert side.writes() == 0


@pytest.mark.parametrize("action", [Action.CHANGE, Action.DISABLE, Action.REMOVE])
def test_every_action_is_applied_after_the_add(side: Side, action: Action) -> None:
    one = order()
    carried_out(side, one)

    later = follow_up(one, action, department="総務課")
    receipt = carried_out(side, later)

    assert side.adapter.look(later) == receipt


def test_a_disabled_person_is_enabled_again(side: Side) -> None:
    one = order()
    carried_out(side, one)
    carried_out(side, follow_up(one, Action.DISABLE))

    again = follow_up(one, Action.ENABLE)
    carried_out(side, again)

    assert isinstance(side.adapter.look(again), Applied)


def test_a_refusal_reaches_the_caller_with_its_reason(side: Side) -> None:
    one = order()
    side.refuse(one)

    with pytest.raises(Refused) as caught:
        side.adapter.carry_out(one, before_write=lambda: None)

    assert side.reason in caught.value.message
