"""SCIM 2.0 against a real server: lost replies are looked for, strangers are never adopted, nothing newer is overwritten."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import OperationStatus, TargetState
from portal.gateways.two_factor import (
    TARGET,
    AccessRefused,
    Action,
    Applied,
    Conflict,
    Order,
    OutcomeUnknown,
    Person,
    Unavailable,
)
from portal.gateways.two_factor_scim import ScimTwoFactor
from portal.orgs.permissions import Role
from tests import factories
from tests.two_factor.scim_server import TOKEN, ScimServer
from tests.two_factor.world import drain, fresh, registered, state

PERSON = Person(
    external_id="0b1f2d3c-0000-4000-8000-000000000002",
    login_name="tk0412-suzuki",
    principal_name="tk0412-suzuki@kokuho.pr",
    display_name="鈴木 美咲",
    family_name="鈴木",
    given_name="美咲",
    kana="スズキ ミサキ",
    department="審査第二課",
    organisation_code="13",
    organisation_name="東京都国民健康保険団体連合会",
    enabled=True,
)
ADD = Order(marker="m", action=Action.ADD, person=PERSON)


@pytest.fixture
def server() -> Iterator[ScimServer]:
    with ScimServer() as running:
        yield running


@pytest.fixture
def scim(server: ScimServer) -> ScimTwoFactor:
    return ScimTwoFactor(server.url, token=TOKEN)


def put(scim: ScimTwoFactor, action: Action, **changes: Any) -> Any:
    person = replace(PERSON, enabled=action not in (Action.DISABLE, Action.REMOVE), **changes)
    return scim.carry_out(Order(marker="m", action=action, person=person), before_write=lambda: None)


@pytest.mark.parametrize(
    ("method", "action"), [("POST", Action.ADD), ("PUT", Action.CHANGE), ("DELETE", Action.REMOVE)]
)
@pytest.mark.parametrize("fault", ["lose_reply", "lose_request", "500", "504"])
def test_a_lost_answer_to_a_write_is_unknown_and_found_by_the_next_attempt(
    server: ScimServer, scim: ScimTwoFactor, method: str, action: Action, fault: str
) -> None:
    if method != "POST":
        put(scim, Action.ADD)
    server.faults[method] = [fault]

    with pytest.raises(OutcomeUnknown):
        put(scim, action, department="総務課")
    again = put(scim, action, department="総務課")

    assert isinstance(again, Applied)
    assert server.requests(method) == (1 if fault == "lose_reply" else 2)


def test_a_lost_answer_to_a_read_applied_nothing(server: ScimServer, scim: ScimTwoFactor) -> None:
    scim.ping()
    server.faults["GET"] = ["lose_reply"]

    with pytest.raises(Unavailable):
        put(scim, Action.ADD)

    assert server.requests("POST") == 0


@pytest.mark.parametrize("status", ["429", "503"])
def test_a_busy_server_applied_nothing(server: ScimServer, scim: ScimTwoFactor, status: str) -> None:
    server.faults["POST"] = [status]

    with pytest.raises(Unavailable):
        put(scim, Action.ADD)


def test_a_stranger_with_the_same_login_name_is_never_adopted(
    server: ScimServer, scim: ScimTwoFactor
) -> None:
    put(scim, Action.ADD, external_id="somebody-else")

    with pytest.raises(Conflict):
        put(scim, Action.ADD)


def test_our_own_create_that_came_through_late_is_no_conflict(
    server: ScimServer, scim: ScimTwoFactor
) -> None:
    original = scim._find
    answers: list[Any] = [None]  # the first look is too early to see it
    put(scim, Action.ADD)
    scim._find = lambda external_id: answers.pop() if answers else original(external_id)  # type: ignore[method-assign]

    receipt = put(scim, Action.ADD)

    assert isinstance(receipt, Applied)


def test_writes_carry_the_version_that_was_read(server: ScimServer, scim: ScimTwoFactor) -> None:
    put(scim, Action.ADD)
    put(scim, Action.CHANGE, department="総務課")
    put(scim, Action.REMOVE)

    versions = [h.get("HTTP_IF_MATCH") for method, h in server.seen if method in ("PUT", "DELETE")]
    assert versions == ['W/"1"', 'W/"2"']


def test_what_changed_since_it_was_read_is_looked_at_again(server: ScimServer, scim: ScimTwoFactor) -> None:
    put(scim, Action.ADD)
    server.faults["PUT"] = ["412"]

    with pytest.raises(OutcomeUnknown):
        put(scim, Action.CHANGE, department="総務課")

    assert isinstance(put(scim, Action.CHANGE, department="総務課"), Applied)


def test_who_is_not_there_is_as_good_as_disabled_and_removed(scim: ScimTwoFactor) -> None:
    assert put(scim, Action.DISABLE).evidence["present"] is False
    assert put(scim, Action.REMOVE).evidence["present"] is False


def test_a_change_of_somebody_who_was_never_added_adds_them(scim: ScimTwoFactor) -> None:
    assert put(scim, Action.CHANGE).evidence["active"] is True


def test_a_wrong_token_refuses_the_portal_itself(server: ScimServer) -> None:
    with pytest.raises(AccessRefused):
        ScimTwoFactor(server.url, token="wrong").ping()


def test_an_unreachable_server_is_unavailable(server: ScimServer, scim: ScimTwoFactor) -> None:
    url = server.url
    with ScimServer() as other:
        url = other.url

    with pytest.raises(Unavailable):
        ScimTwoFactor(url, token=TOKEN).ping()


def test_the_certificate_is_always_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    original = httpx.Client.__init__

    def note(self: httpx.Client, **options: Any) -> None:
        seen.update(options)
        original(self, **options)

    monkeypatch.setattr(httpx.Client, "__init__", note)
    ScimTwoFactor("https://scim.example.jp/v2", token=TOKEN)

    assert seen["verify"].verify_mode == ssl.CERT_REQUIRED
    assert seen["verify"].check_hostname
    assert seen["follow_redirects"] is False
    assert seen["trust_env"] is False


@pytest.fixture
def scim_in_use(server: ScimServer, settings: Any) -> ScimServer:
    values = {"adapter": "scim", "scim_url": server.url, "scim_token": TOKEN, "scim_ca_file": ""}
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, **values}
    return server


@pytest.mark.django_db
def test_an_operation_is_done_with_what_was_read_back(scim_in_use: ScimServer) -> None:
    [operation] = registered()

    drain()
    done = fresh(operation)

    assert done.status == OperationStatus.DONE, done.error_message
    assert done.evidence["active"] is True


@pytest.mark.django_db
def test_a_lost_reply_is_unknown_first_and_one_person_in_the_end(scim_in_use: ScimServer) -> None:
    [operation] = registered()
    scim_in_use.faults["POST"] = ["lose_reply"]

    drain()
    first = state(operation)
    drain(timezone.now() + timedelta(minutes=10))

    assert first == (OperationStatus.OUTCOME_UNKNOWN, "no_answer")
    assert fresh(operation).status == OperationStatus.DONE
    assert scim_in_use.requests("POST") == 1


@pytest.mark.django_db
def test_a_refused_token_opens_the_breaker_at_once(scim_in_use: ScimServer, settings: Any) -> None:
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, "scim_token": "wrong"}
    [operation] = registered()

    drain()

    assert state(operation) == (OperationStatus.WAITING, "auth")
    assert fresh(operation).attempts == 0
    assert TargetState.objects.get(target=TARGET).opened_at is not None


@pytest.mark.django_db
def test_done_by_hand_is_verified_by_reading_the_server(scim_in_use: ScimServer) -> None:
    from accounts.models import DirectoryAccount
    from accounts.two_factor import person_of
    from portal.two_factor.factory import get_two_factor

    [operation] = registered()
    person = factories.user(Role.OPERATOR, code="operations")
    fulfilment.take_by_hand(operation_id=operation.pk, actor=person, now=timezone.now())

    def record() -> Any:
        return fulfilment.record_done(
            operation_id=operation.pk, actor=person, note="画面で登録", now=timezone.now()
        )

    before = record()
    account = DirectoryAccount.system.get(last_line=operation.line)
    order = Order(marker="hand", action=Action.ADD, person=person_of(account, enabled=True))
    get_two_factor().carry_out(order, before_write=lambda: None)
    after = record()

    assert (before.status, before.error_code) == (OperationStatus.MANUAL, "not_there")
    assert after.status == OperationStatus.DONE


@pytest.mark.django_db
def test_a_conflict_goes_to_a_person(scim_in_use: ScimServer) -> None:
    from accounts.models import DirectoryAccount
    from portal.two_factor.factory import get_two_factor

    [operation] = registered()
    login_name = DirectoryAccount.system.get(last_line=operation.line).login_name
    stranger = replace(PERSON, login_name=login_name, external_id="stranger")
    get_two_factor().carry_out(replace(ADD, person=stranger), before_write=lambda: None)

    drain()

    assert state(operation) == (OperationStatus.ATTENTION, "conflict")
