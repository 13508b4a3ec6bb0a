"""What the network and a hanging server do to us: unknown is not failed, and a dead connection revives."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.embedded.directory.certificates import make_certificates
from portal.gateways.directory import (
    BindResult,
    Directory,
    DirectoryEntry,
    DirectoryUnavailable,
    NewAccount,
    OutcomeUnknown,
)
from tests.contract.conftest import (
    INITIAL_PASSWORD,
    OWN_PASSWORD,
    Server,
    make_account,
    new_account,
    read,
    unique_name,
)
from tests.contract.proxy import CuttingProxy, Mode

SHORT = 2


@pytest.fixture
def proxy(server: Server) -> Iterator[CuttingProxy]:
    with CuttingProxy.before(server.url) as made:
        yield made


@pytest.fixture
def through_proxy(server: Server, proxy: CuttingProxy) -> Directory:
    """The adapter on a connection that is open and used already."""
    directory = server.connect(urls=[proxy.url], receive_timeout=SHORT, connect_timeout=SHORT)
    directory.ping()
    return directory


def eventually_found(directory: Directory, wanted: NewAccount) -> DirectoryEntry:
    """The account of the marker, as soon as the server has got round to it."""
    for _ in range(100):
        found = directory.find_by_marker(wanted.marker)
        if found is not None:
            return found
        time.sleep(0.1)
    raise AssertionError("the account never appeared")


@pytest.mark.parametrize("mode", [Mode.CUT_ON_REPLY, Mode.LOSE_REPLIES])
def test_a_lost_reply_is_an_unknown_outcome_and_the_account_exists(
    server: Server, directory: Directory, proxy: CuttingProxy, through_proxy: Directory, mode: Mode
) -> None:
    wanted = new_account(server)
    proxy.mode = mode

    with pytest.raises(OutcomeUnknown):
        through_proxy.create_account(wanted, initial_password=INITIAL_PASSWORD)

    found = eventually_found(directory, wanted)
    assert found.login_name == wanted.login_name
    assert directory.authenticate(wanted.login_name, INITIAL_PASSWORD) is BindResult.MUST_CHANGE


def test_a_lost_request_is_an_unknown_outcome_and_nothing_exists(
    server: Server, directory: Directory, proxy: CuttingProxy, through_proxy: Directory
) -> None:
    wanted = new_account(server)
    proxy.mode = Mode.LOSE_REQUESTS

    with pytest.raises(OutcomeUnknown):
        through_proxy.create_account(wanted, initial_password=INITIAL_PASSWORD)

    assert directory.find_by_marker(wanted.marker) is None
    proxy.mode = Mode.PASS
    through_proxy.create_account(wanted, initial_password=INITIAL_PASSWORD)


def test_an_account_that_cannot_be_read_back_is_an_unknown_outcome(
    server: Server, directory: Directory, proxy: CuttingProxy, through_proxy: Directory
) -> None:
    wanted = new_account(server)
    real_search = through_proxy._search  # type: ignore[attr-defined]

    def cut_then_search(*args: object, **options: object) -> object:
        proxy.close()
        return real_search(*args, **options)

    through_proxy._search = cut_then_search  # type: ignore[attr-defined]

    with pytest.raises(OutcomeUnknown):
        through_proxy.create_account(wanted, initial_password=INITIAL_PASSWORD)

    assert directory.find_by_marker(wanted.marker) is not None


@pytest.mark.parametrize(
    "act",
    [
        lambda directory, account: directory.disable(account.guid),
        lambda directory, account: directory.unlock(account.guid),
        lambda directory, account: directory.rename(account.guid, unique_name()),
        lambda directory, account: directory.delete(account.guid),
        lambda directory, account: directory.reset_password(account.guid, new_password=INITIAL_PASSWORD),
    ],
    ids=["disable", "unlock", "rename", "delete", "reset"],
)
def test_every_write_without_an_answer_is_unknown(
    account: DirectoryEntry,
    proxy: CuttingProxy,
    through_proxy: Directory,
    act: Callable[[Directory, DirectoryEntry], None],
) -> None:
    kept = through_proxy._kept  # type: ignore[attr-defined]
    real_write = kept.write

    def cut_then_write(operation: object) -> object:
        proxy.mode = Mode.CUT_ON_REPLY
        return real_write(operation)

    kept.write = cut_then_write

    with pytest.raises(OutcomeUnknown):
        act(through_proxy, account)


def test_a_read_without_an_answer_is_unavailable(
    account: DirectoryEntry, proxy: CuttingProxy, through_proxy: Directory
) -> None:
    proxy.mode = Mode.LOSE_REPLIES

    with pytest.raises(DirectoryUnavailable):
        through_proxy.find_by_guid(account.guid)

    proxy.mode = Mode.PASS
    assert through_proxy.find_by_guid(account.guid) == account


def test_a_dead_connection_revives_for_reading_and_for_writing(
    server: Server, account: DirectoryEntry, proxy: CuttingProxy, through_proxy: Directory
) -> None:
    proxy.cut_all()
    assert through_proxy.find_by_guid(account.guid) == account

    proxy.cut_all()
    through_proxy.create_account(new_account(server), initial_password=INITIAL_PASSWORD)

    assert proxy.connections == 3


def test_a_read_that_is_cut_off_is_repeated_once_and_a_write_never(
    server: Server, account: DirectoryEntry, proxy: CuttingProxy, through_proxy: Directory
) -> None:
    proxy.mode = Mode.CUT_ONCE
    assert through_proxy.find_by_guid(account.guid) == account

    proxy.mode = Mode.CUT_ONCE
    with pytest.raises(OutcomeUnknown):
        through_proxy.create_account(new_account(server), initial_password=INITIAL_PASSWORD)

    assert proxy.connections == 2


def test_a_connection_that_was_quiet_for_long_is_replaced_before_it_is_used(
    server: Server, proxy: CuttingProxy, through_proxy: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By now every pause is a long one: before the add, and before the reading back.
    monkeypatch.setattr("portal.gateways._ldap3_connection._IDLE_SECONDS", -1.0)

    through_proxy.create_account(new_account(server), initial_password=INITIAL_PASSWORD)

    assert proxy.connections == 3


def test_one_connection_serves_many_operations(
    account: DirectoryEntry, proxy: CuttingProxy, through_proxy: Directory
) -> None:
    for _ in range(5):
        through_proxy.disable(account.guid)
        through_proxy.enable(account.guid)

    assert proxy.connections == 1


def test_signing_in_never_uses_the_service_connection(
    directory: Directory, account: DirectoryEntry, proxy: CuttingProxy, through_proxy: Directory
) -> None:
    directory.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=OWN_PASSWORD)

    assert through_proxy.authenticate(account.login_name, OWN_PASSWORD) is BindResult.OK

    assert proxy.connections == 2
    through_proxy.disable(account.guid)  # still as the service account
    assert proxy.connections == 2


def test_a_hanging_server_is_waited_for_no_longer_than_allowed(
    server: Server, directory: Directory, account: DirectoryEntry
) -> None:
    kept = server.connect(receive_timeout=SHORT, connect_timeout=SHORT)
    kept.ping()
    fresh = server.connect(receive_timeout=SHORT, connect_timeout=SHORT)
    wanted = new_account(server)

    with server.paused():
        with pytest.raises(OutcomeUnknown):
            kept.create_account(wanted, initial_password=INITIAL_PASSWORD)
        with pytest.raises(DirectoryUnavailable):
            fresh.find_by_guid(account.guid)
        with pytest.raises(DirectoryUnavailable):
            fresh.authenticate(account.login_name, INITIAL_PASSWORD)

    # The request lay in the socket and was carried out after all: unknown was the right word.
    assert eventually_found(directory, wanted).login_name == wanted.login_name
    assert read(kept, account) == account


def test_nobody_listening_is_unavailable(server: Server) -> None:
    nowhere = server.connect(urls=["ldaps://127.0.0.1:1", "ldaps://127.0.0.1:2"])

    for act in (
        nowhere.ping,
        lambda: nowhere.find_by_login_name("x"),
        lambda: nowhere.create_account(new_account(server), initial_password=INITIAL_PASSWORD),
        lambda: nowhere.authenticate("x", "y"),
    ):
        with pytest.raises(DirectoryUnavailable):
            act()


def test_a_dead_server_is_passed_over_for_a_living_one(server: Server) -> None:
    directory = server.connect(urls=["ldaps://127.0.0.1:1", server.url])

    account = make_account(directory, server)

    assert directory.authenticate(account.login_name, INITIAL_PASSWORD) is BindResult.MUST_CHANGE


def test_a_refused_service_account_is_unavailable_with_its_code(server: Server) -> None:
    wrong = server.connect(bind_dn=f"CN={unique_name()},{server.users_ou}", bind_password="Wrong-every-1")

    with pytest.raises(DirectoryUnavailable) as refused:
        wrong.ping()

    assert refused.value.code.endswith("/52e")
    assert "Wrong-every-1" not in str(refused.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(server: Server, tmp_path: Path) -> None:
    make_certificates(tmp_path, names=["other.example.jp"], addresses=[])

    with pytest.raises(DirectoryUnavailable):
        server.connect(ca_file=str(tmp_path / "ca.pem")).ping()
    with pytest.raises(DirectoryUnavailable):
        server.connect(ca_file=str(tmp_path / "missing.pem")).ping()


def test_a_certificate_of_another_name_is_refused(server: Server) -> None:
    # 127.0.0.2 is this machine too, and in no certificate.
    with CuttingProxy.before(server.url, host="127.0.0.2") as other:
        with pytest.raises(DirectoryUnavailable):
            server.connect(urls=[other.url], tls_server_name="dc9.kokuho.pr").ping()

        server.connect(urls=[other.url]).ping()


def test_only_tls_will_do(server: Server) -> None:
    with pytest.raises(ValueError, match="TLS"):
        server.connect(urls=[server.url.replace("ldaps://", "ldap://")])


def test_no_error_tells_a_password(server: Server, proxy: CuttingProxy, through_proxy: Directory) -> None:
    canary = "Canary-77-Kz!q"
    kept = through_proxy._kept  # type: ignore[attr-defined]
    connection = kept._connection
    proxy.mode = Mode.CUT_ON_REPLY

    with pytest.raises(OutcomeUnknown) as unknown:
        through_proxy.create_account(new_account(server), initial_password=canary)  # ACC-10

    chain: BaseException | None = unknown.value
    while chain is not None:
        assert canary not in f"{chain!r} {chain.__dict__}"
        chain = chain.__cause__
    remains = f"{vars(kept)} {through_proxy!r} {vars(connection)} {vars(connection.strategy)}"
    assert canary not in remains
    assert repr(canary.encode("utf-16-le"))[2:-1] not in remains


def test_the_kept_connection_forgets_what_it_sent(
    server: Server, account: DirectoryEntry, through_proxy: Directory
) -> None:
    canary = "Canary-77-Kz!q"

    through_proxy.reset_password(account.guid, new_password=canary)

    connection = through_proxy._kept._connection  # type: ignore[attr-defined]
    remains = f"{vars(connection)} {vars(connection.strategy)}"  # ACC-10
    assert canary not in remains
    assert repr(canary.encode("utf-16-le"))[2:-1] not in remains
    assert server.env["AD_BIND_PASSWORD"] not in remains


def _use_in_child(directory: Directory, guid: object, answer: object) -> None:
    found = directory.find_by_guid(guid)  # type: ignore[arg-type]
    answer.send(found)  # type: ignore[attr-defined]


def test_a_forked_worker_takes_its_own_connection_and_leaves_the_parents_alone(
    account: DirectoryEntry, proxy: CuttingProxy, through_proxy: Directory
) -> None:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_use_in_child, args=(through_proxy, account.guid, sender))

    child.start()
    assert receiver.poll(20)
    assert receiver.recv() == account
    child.join(20)
    assert proxy.connections == 2

    assert through_proxy.find_by_guid(account.guid) == account
    assert proxy.connections == 2
