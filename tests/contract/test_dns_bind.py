"""What is particular to servers with signed updates, on bind9 (REQ-05)."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

import dns.rcode
import dns.update
import pytest

from portal.embedded import services
from portal.embedded.bind import EmbeddedBind
from portal.embedded.process import ServerError
from portal.embedded.sockets import port_is_free
from portal.gateways import dns_rfc2136
from portal.gateways.dns import (
    AccessDenied,
    Change,
    ChangedMeanwhile,
    DnsUnavailable,
    NameConflict,
    NoEffect,
    OutcomeUnknown,
    Record,
    RecordSet,
    Said,
    Standing,
    ZoneMissing,
    look,
)
from tests.contract.dns_places import REVERSE, ZONE, BindPlace, _before, host
from tests.contract.proxy import CuttingProxy, Mode

pytestmark = pytest.mark.real


@pytest.fixture
def bind(_bind_place: BindPlace) -> BindPlace:
    return _bind_place


def address(name: str, *values: str) -> RecordSet:
    return RecordSet(name, "A", 600, values)


def test_bind_confirms_a_cname_beside_an_address_and_ignores_it(bind: BindPlace) -> None:
    name = host()
    bind.put(Record(name, "A", 600, "10.13.82.5"))

    reply = bind.update(name, [("add", 600, "CNAME", "b.kokuho.pr.")])

    assert reply.rcode() == dns.rcode.NOERROR
    assert bind.asked(name, "CNAME") is None


def test_req_05_a_confirmed_change_without_effect_is_found_by_reading_back(
    bind: BindPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = host()
    bind.put(Record(name, "A", 600, "10.13.82.5"))
    monkeypatch.setattr(dns_rfc2136, "check_possible", lambda *_: None)
    monkeypatch.setattr(dns.update.UpdateMessage, "absent", lambda *_: None)

    with pytest.raises(NoEffect) as nothing:
        bind.connect().replace(Change.between(ZONE, None, RecordSet(name, "CNAME", 600, ("b.kokuho.pr",))))

    assert nothing.value.found is None


@pytest.mark.parametrize(
    ("there", "comes", "stopped"),
    [
        (("A", "10.13.82.5"), ("A", "10.13.82.7"), ChangedMeanwhile),
        (None, ("A", "10.13.82.7"), ChangedMeanwhile),
        (None, ("CNAME", "b.kokuho.pr."), NameConflict),
    ],
)
def test_req_05_what_comes_between_reading_and_writing_stops_the_change(
    bind: BindPlace,
    there: tuple[str, str] | None,
    comes: tuple[str, str],
    stopped: type[Exception],
) -> None:
    """The server itself compares: what was read a moment ago is not trusted."""
    name, adapter = host(), bind.connect()
    if there:
        bind.put(Record(name, there[0], 600, there[1]))
    before, after = bind.asked(name, "A"), address(name, "10.13.82.6")
    _before(adapter, "_update", lambda: bind.update(name, [("add", 600, *comes)]))

    with pytest.raises(stopped):
        adapter.replace(Change.between(ZONE, before, after))

    assert bind.asked(name, "A") != after


def test_req_05_a_cname_does_not_come_beside_what_appeared_a_moment_ago(bind: BindPlace) -> None:
    name, adapter = host(), bind.connect()
    _before(adapter, "_update", lambda: bind.put(Record(name, "TXT", 600, "x")))

    with pytest.raises(NameConflict):
        adapter.replace(Change.between(ZONE, None, RecordSet(name, "CNAME", 600, ("b.kokuho.pr",))))

    assert bind.asked(name, "CNAME") is None


def test_req_05_what_appears_beside_the_set_is_no_obstacle(bind: BindPlace) -> None:
    name, adapter = host(), bind.connect()
    _before(adapter, "_update", lambda: bind.put(Record(name, "TXT", 600, "x")))

    adapter.replace(Change.between(ZONE, None, address(name, "10.13.82.5")))

    assert bind.asked(name, "A") == address(name, "10.13.82.5")
    assert bind.asked(name, "TXT") is not None


def test_req_05_a_server_that_is_behind_is_named_until_it_has_caught_up(bind: BindPlace) -> None:
    name, adapter = host(), bind.connect()
    wanted = address(name, "10.13.82.5")
    adapter.replace(Change.between(ZONE, None, wanted))

    first, second = adapter.query(ZONE, name, "A")

    assert (first.behind, first.shows(wanted)) == (False, True)
    assert (second.behind, second.said, second.shows(wanted)) == (True, Said.NO_NAME, False)
    assert first.serial is not None
    assert second.serial is not None
    assert second.serial < first.serial
    bind.server.refresh()
    deadline = time.monotonic() + 10
    while not (second := adapter.query(ZONE, name, "A")[1]).shows(wanted):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not second.behind


def test_req_05_a_silent_server_is_named_and_the_other_answers(bind: BindPlace) -> None:
    name = host()
    bind.put(Record(name, "A", 600, "10.13.82.5"))
    adapter = bind.connect(timeout=0.2)

    with paused(bind.server.pid("secondary")):
        first, second = adapter.query(ZONE, name, "A")

    assert first.shows(address(name, "10.13.82.5"))
    assert (second.said, second.spoke) == (Said.SILENT, False)
    assert second.server == adapter.servers[1]


def test_req_05_a_silent_server_is_waited_for_once_whatever_is_asked(bind: BindPlace) -> None:
    questions = [(host(), "A") for _ in range(20)]
    adapter = bind.connect(timeout=0.2)

    with paused(bind.server.pid("secondary")):
        start = time.monotonic()
        told = adapter.query_many(ZONE, questions)
        took = time.monotonic() - start

    assert [[answer.said for answer in told[question]] for question in questions] == [
        [Said.NO_NAME, Said.SILENT]
    ] * 20
    assert took < 2, took


def test_a_name_that_the_key_may_not_write_is_denied(bind: BindPlace) -> None:
    name = f"dns1.{ZONE}"
    held = bind.asked(name, "A")

    with pytest.raises(AccessDenied):
        bind.connect().replace(Change.between(ZONE, held, address(name, "10.13.82.5")))

    assert bind.asked(name, "A") == held


@pytest.mark.parametrize("wrong", [{"key_name": "other"}, {"key_secret": "AAAA"}])
def test_a_refused_key_is_unavailable_and_applies_nothing(bind: BindPlace, wrong: dict[str, str]) -> None:
    name, adapter = host(), bind.connect(**wrong)

    for act in (
        lambda: adapter.replace(Change.between(ZONE, None, address(name, "10.13.82.5"))),
        lambda: adapter.read(ZONE, name),
        adapter.ping,
        lambda: list(adapter.read_zone(ZONE)),
    ):
        with pytest.raises(DnsUnavailable) as refused:
            act()
        assert "AAAA" not in str(refused.value)
    assert bind.asked(name, "A") is None


def test_nobody_listening_is_unavailable(bind: BindPlace) -> None:
    adapter = bind.connect(servers=["127.0.0.1:1"], timeout=0.2)

    for act in (
        adapter.ping,
        lambda: adapter.read(ZONE, host()),
        lambda: list(adapter.read_zone(ZONE)),
        lambda: adapter.replace(Change.between(ZONE, None, address(host(), "10.13.82.5"))),
    ):
        with pytest.raises(DnsUnavailable):
            act()
    assert adapter.query(ZONE, host(), "A")[0].said is Said.SILENT


def test_a_hanging_server_leaves_the_outcome_unknown(bind: BindPlace) -> None:
    name, adapter = host(), bind.connect(timeout=0.3)
    change = Change.between(ZONE, None, address(name, "10.13.82.5"))
    pid = bind.server.pid("primary")
    _before(adapter, "_update", lambda: os.kill(pid, signal.SIGSTOP))

    try:
        with pytest.raises(OutcomeUnknown):
            adapter.replace(change)
    finally:
        os.kill(pid, signal.SIGCONT)

    # The request lay in the socket and was carried out after all: unknown was the right word.
    deadline = time.monotonic() + 10
    while look(bind.connect(), change) is not Standing.AFTER:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_confirmed_change_that_cannot_be_read_back_is_unknown(
    bind: BindPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = host()
    with CuttingProxy("127.0.0.1", bind.server.port("primary")) as proxy:
        adapter = bind.connect(update_server=f"127.0.0.1:{proxy.port}", timeout=0.3)
        real = dns_rfc2136._Line.carried_out

        def carried_out(line: dns_rfc2136._Line, update: dns.update.UpdateMessage, zone: str) -> bool:
            done = real(line, update, zone)
            proxy.mode = Mode.LOSE_REPLIES
            return done

        monkeypatch.setattr(dns_rfc2136._Line, "carried_out", carried_out)
        with pytest.raises(OutcomeUnknown) as unknown:
            adapter.replace(Change.between(ZONE, None, address(name, "10.13.82.5")))

    assert unknown.value.code == "not_read_back"


def test_a_zone_of_the_settings_that_the_server_does_not_have_is_missing(bind: BindPlace) -> None:
    adapter = bind.connect(zones=[ZONE, "nowhere.example"])
    wanted = address("a.nowhere.example", "10.13.82.5")

    for act in (
        adapter.zones,
        lambda: list(adapter.read_zone("nowhere.example")),
        lambda: adapter.replace(Change.between("nowhere.example", None, wanted)),
    ):
        with pytest.raises((ZoneMissing, AccessDenied)):
            act()


def test_options_that_cannot_work_are_refused_at_once(bind: BindPlace) -> None:
    for wrong in (
        {"servers": []},
        {"servers": ["dns1.kokuho.pr"]},
        {"update_server": "10.0.0.1:x"},
        {"key_secret": "no base64"},
        {"key_algorithm": "rot13"},
        {"backend": "hosts"},
    ):
        with pytest.raises(ValueError):
            bind.connect(**wrong)


def test_the_pair_starts_keeps_its_zones_and_ends_without_a_trace() -> None:
    server = EmbeddedBind(services.DIRECTORY / f"bind-{token_hex(4)}")
    try:
        server.start()
        place, name = BindPlace(server), host()
        ports = [server.port(role) for role in ("primary", "secondary")]
        place.connect().replace(Change.between(ZONE, None, address(name, "10.13.82.5")))
        secret = server.env["DNS_TSIG_SECRET"]
        assert server.answers()
        # Started to tell the secondary, it does so at once.
        deadline = time.monotonic() + 10
        while not all(answer.spoke and answer.found for answer in place.connect().query(ZONE, name, "A")):
            assert time.monotonic() < deadline
            time.sleep(0.05)

        server.stop()

        assert not server.answers()
        assert all(port_is_free("127.0.0.1", port) for port in ports)
        with pytest.raises(ServerError):
            server.pid("primary")
        server.start()
        assert place.asked(name, "A") == address(name, "10.13.82.5")
        assert server.env["DNS_TSIG_SECRET"] == secret
        assert {zone.name for zone in place.connect().zones()} == {ZONE, REVERSE}
    finally:
        server.stop()
        shutil.rmtree(server.directory)


@contextmanager
def paused(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
