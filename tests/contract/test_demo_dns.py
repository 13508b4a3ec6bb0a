"""What is particular to the DNS of the demo directory: faults on command, long answers, aliases, a restart (REQ-05)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import pytest

from portal.embedded.directory import DemoDirectory
from portal.embedded.directory.faults import Fault
from portal.gateways.dns import Change, Dns, Record, RecordSet, Said
from tests.contract.dns_places import REVERSE, ZONE, AdPlace, host


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoDirectory]:
    with DemoDirectory(tmp_path_factory.mktemp("directory"), seed=False) as running:
        yield running


@pytest.fixture
def place(demo: DemoDirectory) -> Iterator[AdPlace]:
    made = AdPlace("demo", demo.env)
    yield made
    made.close()


@pytest.fixture
def adapter(place: AdPlace) -> Dns:
    return place.connect(timeout=0.3)


def raw(place: AdPlace, message: dns.message.Message, *, tcp: bool = False) -> dns.message.Message:
    address, _, port = place.env["DNS_SERVERS"].split(",")[0].rpartition(":")
    send = dns.query.tcp if tcp else dns.query.udp
    return send(message, address, timeout=5, port=int(port))


def test_two_servers_answer_and_each_can_fall_silent_or_refuse(demo: DemoDirectory, adapter: Dns) -> None:
    name = host()
    wanted = RecordSet(name, "A", 600, ("10.13.82.5",))
    adapter.replace(Change.between(ZONE, None, wanted))

    assert [answer.shows(wanted) for answer in adapter.query(ZONE, name, "A")] == [True, True]
    with demo.faults.active(Fault("dns2", "lose_request", times=None)):
        first, second = adapter.query(ZONE, name, "A")
        assert (first.said, second.said) == (Said.ANSWER, Said.SILENT)
    with demo.faults.active(Fault("dns1", "refuse", times=None)):
        first, second = adapter.query(ZONE, name, "A")
        assert (first.said, second.said) == (Said.REFUSED, Said.ANSWER)
        assert first.message.startswith("SERVFAIL")
    with demo.faults.active(Fault("dns1", "lose_request", times=1)):  # a lost datagram is asked for again
        assert adapter.query(ZONE, name, "A")[0].said is Said.ANSWER


def test_an_answer_too_long_for_a_datagram_comes_over_tcp(place: AdPlace, adapter: Dns) -> None:
    name = host()
    long = RecordSet(name, "TXT", 600, ("x" * 2000,))
    adapter.replace(Change.between(ZONE, None, long))

    cut = raw(place, dns.message.make_query(f"{name}.", "TXT"))

    assert cut.flags & dns.flags.TC
    assert cut.answer == []
    assert place.asked(name, "TXT") == long
    assert adapter.query(ZONE, name, "TXT")[0].found == long


def test_an_alias_is_followed_for_clients_and_a_circle_ends(place: AdPlace) -> None:
    target, alias, circle = host(), host(), host()
    place.put(
        Record(target, "A", 600, "10.13.82.5"),
        Record(alias, "CNAME", 600, target),
        Record(circle, "CNAME", 600, circle),
    )

    told = raw(place, dns.message.make_query(f"{alias}.", "A"))
    round_and_round = raw(place, dns.message.make_query(f"{circle}.", "A"))

    assert [answer.rdtype for answer in told.answer] == [5, 1]
    assert told.flags & dns.flags.AA
    assert round_and_round.rcode() == dns.rcode.NOERROR


def test_a_name_exists_while_others_lie_below_it(place: AdPlace) -> None:
    above = host()
    place.put(Record(f"below.{above}", "A", 600, "10.13.82.5"))

    reply = raw(place, dns.message.make_query(f"{above}.", "A"))

    assert reply.rcode() == dns.rcode.NOERROR
    assert [each.rdtype for each in reply.authority] == [6]


def test_it_only_answers_questions(place: AdPlace) -> None:
    notice = dns.message.make_query(f"{ZONE}.", "SOA")
    notice.set_opcode(dns.opcode.NOTIFY)

    for tcp in (False, True):
        assert raw(place, notice, tcp=tcp).rcode() == dns.rcode.NOTIMP


def test_zones_and_records_outlive_a_restart(tmp_path: Path) -> None:
    name = host()
    wanted = RecordSet(name, "A", 600, ("10.13.82.5",))
    for _ in range(2):
        with DemoDirectory(tmp_path, seed=False) as running:
            place = AdPlace("demo", running.env)
            if place.asked(name, "A") is None:
                place.connect().replace(Change.between(ZONE, None, wanted))
            assert place.asked(name, "A") == wanted
            assert {zone.name for zone in place.connect().zones()} == {ZONE, REVERSE}
            place.close()
