"""Locked accounts: since when, after how many attempts, and unlocking them (REQ-04)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.embedded.sockets import free_port
from portal.gateways.directory import AccountDisabled, BindResult, ChangedMeanwhile, NotFound
from portal.gateways.directory_lockouts import attempts_everywhere
from tests.contract.conftest import OWN_PASSWORD, Server, read
from tests.contract.policy_places import House, RealHouse, house, real_house
from tests.contract.test_directory_passwords import OTHER_PASSWORD

__all__ = ["house", "real_house"]  # fixtures


def test_req_04_a_lock_is_shown_ended_and_read_back(house: House) -> None:
    person = house.account()
    assert not house.directory.lock_state(person.guid).locked
    house.lock(person)

    state = house.directory.lock_state(person.guid)

    assert state.locked_since is not None
    assert abs(datetime.now(UTC) - state.locked_since) < timedelta(minutes=2)
    assert (state.login_name, state.enabled) == (person.login_name, True)
    after = house.directory.unlock(person.guid, since=state.locked_since)
    assert not after.locked
    assert not read(house.directory, person).locked
    # As after a lost answer: once more is success.
    assert house.directory.unlock(person.guid, since=state.locked_since) == after


def test_req_04_a_lock_that_began_since_is_not_ended(house: House) -> None:
    person = house.account()
    house.lock(person)
    seen = house.directory.lock_state(person.guid).locked_since
    assert seen is not None

    with pytest.raises(ChangedMeanwhile):
        house.directory.unlock(person.guid, since=seen - timedelta(seconds=1))

    assert house.directory.lock_state(person.guid).locked_since == seen


def test_req_04_a_disabled_and_a_deleted_account_are_told_apart(house: House) -> None:
    disabled, deleted = house.account(), house.account()
    for person in (disabled, deleted):
        house.lock(person)
    seen = house.directory.lock_state(disabled.guid).locked_since
    house.directory.disable(disabled.guid)
    house.directory.delete(deleted.guid)

    with pytest.raises(AccountDisabled):
        house.directory.unlock(disabled.guid, since=seen)
    assert not house.directory.lock_state(disabled.guid).enabled
    for act in (house.administrator.lock_state, house.administrator.unlock):
        with pytest.raises(NotFound) as gone:
            act(deleted.guid)
        assert gone.value.code == "deleted"


def test_req_04_every_controller_tells_what_it_counted(server: Server, real_house: RealHouse) -> None:
    person, calm = real_house.account(), real_house.account()
    for _ in range(2):
        real_house.directory.authenticate(person.login_name, OTHER_PASSWORD)
    silent = f"ldaps://127.0.0.1:{free_port()}"
    directory = server.connect(dc_urls=[server.url, silent], connect_timeout=1)

    found = attempts_everywhere(directory, person.guid)

    assert list(found) == [server.url, silent]
    assert found[silent] is None
    counted = found[server.url]
    assert counted is not None
    assert counted.count == 2
    assert counted.last_at is not None
    assert abs(datetime.now(UTC) - counted.last_at) < timedelta(minutes=2)
    assert directory.wrong_attempts(server.url, [calm.guid])[calm.guid].count == 0


def test_req_04_an_unlocked_person_comes_in_and_the_count_begins_anew(
    server: Server, real_house: RealHouse
) -> None:
    person = real_house.account()
    real_house.lock(person)
    assert real_house.directory.authenticate(person.login_name, OWN_PASSWORD) is BindResult.LOCKED

    real_house.directory.unlock(person.guid, since=real_house.directory.lock_state(person.guid).locked_since)

    assert real_house.directory.wrong_attempts(server.url, [person.guid])[person.guid].count == 0
    assert real_house.directory.authenticate(person.login_name, OWN_PASSWORD) is BindResult.OK
