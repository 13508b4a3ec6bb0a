"""Passwords, locks and signing in (ACC-07, ACC-08, ACC-10, ACC-11): the same on every directory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import ldap3
import pytest

from portal.gateways.directory import (
    AccountLocked,
    BindResult,
    ChangedMeanwhile,
    Directory,
    DirectoryEntry,
    NotFound,
    PolicyRefused,
    WrongPassword,
)
from tests.contract.conftest import (
    INITIAL_PASSWORD,
    OWN_PASSWORD,
    Server,
    after_reading,
    expect_ok,
    make_account,
    read,
    unique_name,
)

SECOND_INITIAL = "Ay79-Tw34-Qf3x"
OTHER_PASSWORD = "Other-time-61?"
LOCKOUT_THRESHOLD = 5
DAY = 24 * 3600 * 10**7


def lock(directory: Directory, account: DirectoryEntry) -> None:
    for _ in range(LOCKOUT_THRESHOLD):
        directory.authenticate(account.login_name, "Wrong-every-1")


def encoded(password: str) -> bytes:
    return f'"{password}"'.encode("utf-16-le")


# Initial passwords


def test_an_initial_password_must_be_changed_before_it_lets_anybody_in(
    directory: Directory, account: DirectoryEntry
) -> None:
    assert directory.authenticate(account.login_name, INITIAL_PASSWORD) is BindResult.MUST_CHANGE

    directory.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=OWN_PASSWORD)

    assert directory.authenticate(account.login_name, OWN_PASSWORD) is BindResult.OK
    found = read(directory, account)
    assert not found.must_change_password
    assert found.password_last_set is not None
    assert found.last_logon is not None


def test_an_unused_initial_password_is_replaced_by_a_fresh_one(
    directory: Directory, account: DirectoryEntry
) -> None:
    directory.replace_initial_password(account.guid, new_password=SECOND_INITIAL)

    assert read(directory, account).must_change_password
    with pytest.raises(WrongPassword):
        directory.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=OWN_PASSWORD)
    directory.change_password(account.guid, old_password=SECOND_INITIAL, new_password=OWN_PASSWORD)
    assert directory.authenticate(account.login_name, OWN_PASSWORD) is BindResult.OK


def test_a_password_that_its_owner_chose_is_never_replaced(
    directory: Directory, settled: DirectoryEntry
) -> None:
    with pytest.raises(ChangedMeanwhile):
        directory.replace_initial_password(settled.guid, new_password=SECOND_INITIAL)

    assert directory.authenticate(settled.login_name, OWN_PASSWORD) is BindResult.OK
    assert read(directory, settled).password_last_set == settled.password_last_set


def test_a_password_chosen_between_our_reading_and_our_writing_is_not_replaced(
    server: Server, directory: Directory, account: DirectoryEntry
) -> None:
    retry = server.connect()

    def choose() -> None:
        directory.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=OWN_PASSWORD)

    after_reading(retry, choose)

    with pytest.raises(ChangedMeanwhile) as refused:
        retry.replace_initial_password(account.guid, new_password=SECOND_INITIAL)

    assert refused.value.code.startswith("16")  # so said the server, not our own comparison
    assert directory.authenticate(account.login_name, OWN_PASSWORD) is BindResult.OK
    assert directory.authenticate(account.login_name, SECOND_INITIAL) is BindResult.WRONG


def test_of_owner_and_retry_at_the_same_moment_the_owner_wins(
    server: Server, directory: Directory, account: DirectoryEntry
) -> None:
    start = threading.Barrier(2)
    refused: list[Exception] = []

    def run(act: Any) -> None:
        mine = server.connect(receive_timeout=15)
        mine.ping()
        start.wait()
        try:
            act(mine)
        except (ChangedMeanwhile, WrongPassword) as error:
            refused.append(error)
        finally:
            mine.close()

    def choose(mine: Directory) -> None:
        mine.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=OWN_PASSWORD)

    def retry(mine: Directory) -> None:
        mine.replace_initial_password(account.guid, new_password=SECOND_INITIAL)

    threads = [threading.Thread(target=run, args=(act,)) for act in (choose, retry)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Either the owner came first and the retry was refused, or the old password was void for the owner.
    (error,) = refused
    chosen = directory.authenticate(account.login_name, OWN_PASSWORD)
    assert chosen is (BindResult.OK if isinstance(error, ChangedMeanwhile) else BindResult.WRONG)


# Changing with the old password


def test_a_change_needs_the_old_password(directory: Directory, account: DirectoryEntry) -> None:
    for wrong in ("Wrong-every-1", ""):
        with pytest.raises(WrongPassword):
            directory.change_password(account.guid, old_password=wrong, new_password=OWN_PASSWORD)

    assert directory.authenticate(account.login_name, INITIAL_PASSWORD) is BindResult.MUST_CHANGE


@pytest.mark.parametrize("weak", ["Ab-1", "allsmallletters", "", "Abc-12\x00345"])
def test_a_weak_new_password_changes_nothing(
    directory: Directory, account: DirectoryEntry, weak: str
) -> None:
    with pytest.raises(PolicyRefused):
        directory.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=weak)
    with pytest.raises(PolicyRefused):
        directory.reset_password(account.guid, new_password=weak)

    assert directory.authenticate(account.login_name, INITIAL_PASSWORD) is BindResult.MUST_CHANGE


def test_a_password_may_not_be_changed_again_within_a_day(
    directory: Directory, settled: DirectoryEntry
) -> None:
    with pytest.raises(PolicyRefused) as refused:  # ACC-07
        directory.change_password(settled.guid, old_password=OWN_PASSWORD, new_password=OTHER_PASSWORD)

    assert refused.value.code == "19/0000052D"
    assert directory.authenticate(settled.login_name, OWN_PASSWORD) is BindResult.OK


def test_a_change_remembers_old_passwords_and_a_reset_does_not(
    directory: Directory, settled: DirectoryEntry
) -> None:
    directory.reset_password(settled.guid, new_password=SECOND_INITIAL)

    with pytest.raises(PolicyRefused):
        directory.change_password(settled.guid, old_password=SECOND_INITIAL, new_password=OWN_PASSWORD)

    directory.reset_password(settled.guid, new_password=OWN_PASSWORD)
    assert directory.authenticate(settled.login_name, OWN_PASSWORD) is BindResult.MUST_CHANGE


def test_a_reset_names_the_password_that_it_replaces(
    server: Server, directory: Directory, settled: DirectoryEntry
) -> None:
    directory.reset_password(settled.guid, new_password=SECOND_INITIAL, last_set=settled.password_last_set)
    assert directory.authenticate(settled.login_name, SECOND_INITIAL) is BindResult.MUST_CHANGE

    with pytest.raises(ChangedMeanwhile):
        directory.reset_password(
            settled.guid, new_password=OTHER_PASSWORD, last_set=settled.password_last_set
        )
    assert directory.authenticate(settled.login_name, SECOND_INITIAL) is BindResult.MUST_CHANGE


def test_a_password_set_between_our_reading_and_our_reset_is_not_replaced(
    server: Server, directory: Directory, settled: DirectoryEntry
) -> None:
    late = server.connect()
    after_reading(late, lambda: directory.reset_password(settled.guid, new_password=SECOND_INITIAL))

    with pytest.raises(ChangedMeanwhile) as refused:
        late.reset_password(settled.guid, new_password=OTHER_PASSWORD, last_set=settled.password_last_set)

    assert refused.value.code.startswith("16")  # so said the server, not our own comparison
    assert directory.authenticate(settled.login_name, SECOND_INITIAL) is BindResult.MUST_CHANGE


def test_wide_and_kana_characters_mean_what_was_typed(directory: Directory, account: DirectoryEntry) -> None:
    # Text preparation on the way would turn the wide letters into narrow ones.
    wide = "ＡＢc-1かなxyz"

    directory.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=wide)

    assert directory.authenticate(account.login_name, wide) is BindResult.OK
    assert directory.authenticate(account.login_name, "ABc-1かなxyz") is BindResult.WRONG


def test_the_password_before_the_last_change_still_lets_in_for_a_while(
    directory: Directory, settled: DirectoryEntry, admin: ldap3.Connection
) -> None:
    expect_ok(admin.modify(settled.dn, {"unicodePwd": [(ldap3.MODIFY_REPLACE, [encoded(OTHER_PASSWORD)])]}))

    assert directory.authenticate(settled.login_name, OTHER_PASSWORD) is BindResult.OK
    assert directory.authenticate(settled.login_name, OWN_PASSWORD) is BindResult.OK


def test_an_ordinary_person_may_change_nothing_but_their_own_password(
    server: Server, directory: Directory, settled: DirectoryEntry
) -> None:
    victim = make_account(directory, server)
    person = server.raw(f"{settled.login_name}@{server.env['AD_DOMAIN']}", OWN_PASSWORD)

    attempts = [
        person.modify(victim.dn, {"department": [(ldap3.MODIFY_REPLACE, ["x"])]}),
        person.modify(settled.dn, {"department": [(ldap3.MODIFY_REPLACE, ["x"])]}),
        person.modify(settled.dn, {"unicodePwd": [(ldap3.MODIFY_REPLACE, [encoded(OTHER_PASSWORD)])]}),
        person.delete(victim.dn),
        person.modify_dn(victim.dn, "CN=moved"),
    ]

    assert [answer[1]["result"] for answer in attempts] == [50] * 5
    assert read(directory, victim) == victim
    person.unbind()


def test_nobody_may_nothing_without_signing_in(server: Server, account: DirectoryEntry) -> None:
    nobody = server.raw("", "")

    search = nobody.search(server.env["AD_BASE_DN"], "(objectClass=user)", attributes=["cn"])
    change = nobody.modify(account.dn, {"department": [(ldap3.MODIFY_REPLACE, ["x"])]})

    assert search[1]["result"] == 1
    assert change[1]["result"] in (1, 50)
    nobody.unbind()


def test_a_password_must_come_quoted_and_in_utf_16(account: DirectoryEntry, admin: ldap3.Connection) -> None:
    for malformed in (b"Plain-text-12", "Unquoted-text-12".encode("utf-16-le")):
        answer = admin.modify(account.dn, {"unicodePwd": [(ldap3.MODIFY_REPLACE, [malformed])]})

        assert answer[1]["result"] == 53


# Resetting and unlocking


def test_a_reset_must_be_changed_and_ends_a_lock(directory: Directory, settled: DirectoryEntry) -> None:
    lock(directory, settled)
    assert read(directory, settled).locked

    directory.reset_password(settled.guid, new_password=SECOND_INITIAL)

    found = read(directory, settled)
    assert not found.locked
    assert found.must_change_password
    assert directory.authenticate(settled.login_name, SECOND_INITIAL) is BindResult.MUST_CHANGE


def test_a_new_password_alone_does_not_unlock(
    directory: Directory, settled: DirectoryEntry, admin: ldap3.Connection
) -> None:
    lock(directory, settled)

    expect_ok(admin.modify(settled.dn, {"unicodePwd": [(ldap3.MODIFY_REPLACE, [encoded(OTHER_PASSWORD)])]}))

    assert directory.authenticate(settled.login_name, OTHER_PASSWORD) is BindResult.LOCKED


def test_five_wrong_passwords_lock_and_unlocking_opens(directory: Directory, settled: DirectoryEntry) -> None:
    lock(directory, settled)

    assert directory.authenticate(settled.login_name, OWN_PASSWORD) is BindResult.LOCKED
    with pytest.raises(AccountLocked):
        directory.change_password(settled.guid, old_password=OWN_PASSWORD, new_password=OTHER_PASSWORD)
    directory.unlock(settled.guid)
    directory.unlock(settled.guid)
    assert not read(directory, settled).locked
    assert directory.authenticate(settled.login_name, OWN_PASSWORD) is BindResult.OK


def test_a_deleted_account_cannot_be_given_a_password(directory: Directory, account: DirectoryEntry) -> None:
    directory.delete(account.guid)

    with pytest.raises(NotFound):
        directory.reset_password(account.guid, new_password=SECOND_INITIAL)
    with pytest.raises(NotFound):
        directory.unlock(account.guid)


# Signing in


def test_wrong_password_and_unknown_name_look_the_same(directory: Directory, settled: DirectoryEntry) -> None:
    assert directory.authenticate(settled.login_name, "Wrong-every-1") is BindResult.WRONG
    assert directory.authenticate(unique_name(), OWN_PASSWORD) is BindResult.WRONG


def test_signing_in_minds_no_case_of_the_name(directory: Directory, settled: DirectoryEntry) -> None:
    assert directory.authenticate(settled.login_name.upper(), OWN_PASSWORD) is BindResult.OK


def test_an_empty_password_is_refused_without_asking(server: Server, settled: DirectoryEntry) -> None:
    # Asked, the server would call a name without a password an anonymous success.
    nowhere = server.connect(urls=["ldaps://127.0.0.1:1"])

    assert nowhere.authenticate(settled.login_name, "") is BindResult.WRONG
    assert nowhere.authenticate("", OWN_PASSWORD) is BindResult.WRONG
    assert nowhere.authenticate("somebody@example.jp", OWN_PASSWORD) is BindResult.WRONG


def test_a_disabled_account_cannot_sign_in(directory: Directory, settled: DirectoryEntry) -> None:
    directory.disable(settled.guid)

    assert directory.authenticate(settled.login_name, OWN_PASSWORD) is BindResult.DISABLED


def test_an_expired_account_cannot_sign_in(directory: Directory, settled: DirectoryEntry) -> None:
    directory.update_account(settled.guid, {"account_expires": date(2026, 3, 31)})

    assert directory.authenticate(settled.login_name, OWN_PASSWORD) is BindResult.EXPIRED


# Age


def test_a_password_expires_ninety_days_after_its_change(
    directory: Directory, account: DirectoryEntry, settled: DirectoryEntry
) -> None:
    assert account.password_expires_at is None
    assert settled.password_last_set is not None
    assert settled.password_expires_at == settled.password_last_set + timedelta(days=90)  # ACC-07


def password_settings(precedence: int, days: int) -> dict[str, str]:
    return {
        "msDS-PasswordSettingsPrecedence": str(precedence),
        "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
        "msDS-PasswordHistoryLength": "24",
        "msDS-PasswordComplexityEnabled": "TRUE",
        "msDS-MinimumPasswordLength": "12",
        "msDS-MinimumPasswordAge": str(-DAY),
        "msDS-MaximumPasswordAge": str(-days * DAY),
        "msDS-LockoutThreshold": "5",
        "msDS-LockoutObservationWindow": str(-DAY // 48),
        "msDS-LockoutDuration": str(-DAY // 48),
    }


@pytest.fixture
def settings_container(server: Server, admin: ldap3.Connection) -> Iterator[str]:
    container = f"CN=Password Settings Container,CN=System,{server.env['AD_BASE_DN']}"
    yield container
    found = admin.search(container, "(cn=t*)", attributes=["cn"])
    for entry in found[2]:
        admin.delete(entry["dn"])


def test_password_settings_of_the_person_go_before_those_of_a_group(
    directory: Directory,
    server: Server,
    settled: DirectoryEntry,
    admin: ldap3.Connection,
    settings_container: str,
) -> None:
    group, own, name = f"CN=g{unique_name()},{server.users_ou}", f"CN={unique_name()}", unique_name()
    expect_ok(admin.add(group, ["top", "group"], {"sAMAccountName": name, "groupType": "-2147483646"}))
    directory.add_to_group(group, settled.guid)
    by_group = {**password_settings(1, 180), "msDS-PSOAppliesTo": group}
    expect_ok(admin.add(f"CN={name},{settings_container}", "msDS-PasswordSettings", by_group))
    assert lifetime(read(directory, settled)) == timedelta(days=180)

    personal = {**password_settings(9, 120), "msDS-PSOAppliesTo": settled.dn}
    expect_ok(admin.add(f"{own},{settings_container}", "msDS-PasswordSettings", personal))

    assert lifetime(read(directory, settled)) == timedelta(days=120)
    with pytest.raises(PolicyRefused):
        directory.reset_password(settled.guid, new_password="Short-12345")  # 11, and 12 are needed


def lifetime(account: DirectoryEntry) -> timedelta:
    expires, set_at = account.password_expires_at, account.password_last_set
    assert isinstance(expires, datetime)
    assert isinstance(set_at, datetime)
    return expires - set_at
