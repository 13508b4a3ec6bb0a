"""What every DNS adapter promises (portal.gateways.dns.Dns), seen by queries that do not go through the portal (REQ-05)."""

from __future__ import annotations

import pytest

from portal.gateways.dns import (
    Change,
    ChangedMeanwhile,
    Dns,
    NameConflict,
    OutcomeUnknown,
    Record,
    RecordSet,
    Said,
    Standing,
    ZoneMissing,
    look,
    set_of,
)
from tests.contract.dns_places import REVERSE, ZONE, Place, host, unused_reverse_name


def record_set(name: str, kind: str, *values: str, ttl: int = 600) -> RecordSet:
    return RecordSet(name, kind, ttl, values)


@pytest.fixture
def dns(place: Place) -> Dns:
    return place.connect()


SETS = [
    ("A", ("10.13.82.5",)),
    ("A", ("10.13.82.5", "10.13.82.6")),
    ("AAAA", ("2001:db8::5",)),
    ("CNAME", ("target.kokuho.pr",)),
    ("TXT", ('v=1; "quoted" \\092 and \\227\\129\\130',)),
    ("TXT", ("k=" + "abcdefghij" * 60,)),
    ("SRV", ("0 5 5060 sip1.kokuho.pr", "10 0 5060 sip2.kokuho.pr")),
]


@pytest.mark.parametrize(("kind", "values"), SETS)
def test_req_05_add_change_roll_back_and_delete(
    place: Place, dns: Dns, kind: str, values: tuple[str, ...]
) -> None:
    name = f"_sip._tcp.{host()}" if kind == "SRV" else host()
    added = record_set(name, kind, *values)
    other = {
        "A": "10.13.99.1",
        "AAAA": "2001:db8::9",
        "CNAME": "other.kokuho.pr",
        "TXT": "other",
        "SRV": "1 1 443 web.kokuho.pr",
    }[kind]
    changed = record_set(name, kind, other, ttl=900)
    add = Change.between(ZONE, None, added)
    change = Change.between(ZONE, added, changed)

    dns.replace(add)
    assert place.asked(name, kind) == added
    assert dns.read(ZONE, name) == [added]

    dns.replace(change)
    assert place.asked(name, kind) == changed

    dns.replace(change.inverse)
    assert place.asked(name, kind) == added

    dns.replace(add.inverse)
    assert place.asked(name, kind) is None
    assert dns.read(ZONE, name) == []


def test_req_05_a_ptr_lives_in_its_own_zone(place: Place, dns: Dns) -> None:
    name = unused_reverse_name()
    wanted = record_set(name, "PTR", "pc1.kokuho.pr")

    dns.replace(Change.between(REVERSE, None, wanted))

    assert place.asked(name, "PTR") == wanted
    dns.replace(Change.between(REVERSE, wanted, None))
    assert place.asked(name, "PTR") is None


def test_req_05_one_record_of_a_set_comes_and_goes_and_the_others_stay(place: Place, dns: Dns) -> None:
    name = host()
    place.put(Record(name, "A", 600, "10.13.82.5"), Record(name, "A", 600, "10.13.82.6"))
    place.put(Record(name, "TXT", 600, "stays"))
    before = set_of(dns.read(ZONE, name), "A")
    assert before is not None

    dns.replace(Change.between(ZONE, before, before.without("10.13.82.5")))

    assert place.asked(name, "A") == record_set(name, "A", "10.13.82.6")
    assert place.asked(name, "TXT") == record_set(name, "TXT", "stays")


def test_req_05_a_ttl_alone_can_be_changed(place: Place, dns: Dns) -> None:
    name = host()
    place.put(Record(name, "A", 600, "10.13.82.5"))

    dns.replace(
        Change.between(
            ZONE, record_set(name, "A", "10.13.82.5"), record_set(name, "A", "10.13.82.5", ttl=120)
        )
    )

    assert place.asked(name, "A") == record_set(name, "A", "10.13.82.5", ttl=120)


@pytest.mark.parametrize("expected", [None, ("10.13.82.9",), ("10.13.82.5", "10.13.82.9")])
def test_req_05_nothing_happens_when_the_set_is_no_longer_as_planned(
    place: Place, dns: Dns, expected: tuple[str, ...] | None
) -> None:
    name = host()
    place.put(Record(name, "A", 600, "10.13.82.5"))
    before = record_set(name, "A", *expected) if expected else None

    with pytest.raises(ChangedMeanwhile) as stale:
        dns.replace(Change.between(ZONE, before, record_set(name, "A", "10.13.82.1")))

    assert stale.value.found == record_set(name, "A", "10.13.82.5")
    assert place.asked(name, "A") == record_set(name, "A", "10.13.82.5")


def test_req_05_nothing_happens_when_the_record_vanished_since_the_plan(place: Place, dns: Dns) -> None:
    name = host()
    gone = record_set(name, "A", "10.13.82.5")

    for after in (None, record_set(name, "A", "10.13.82.1")):
        with pytest.raises(ChangedMeanwhile) as stale:
            dns.replace(Change.between(ZONE, gone, after))
        assert stale.value.found is None

    assert place.asked(name, "A") is None


def test_req_05_a_cname_never_comes_beside_other_data(place: Place, dns: Dns) -> None:
    name = host()
    place.put(Record(name, "A", 600, "10.13.82.5"))

    with pytest.raises(NameConflict) as conflict:
        dns.replace(Change.between(ZONE, None, record_set(name, "CNAME", "b.kokuho.pr")))

    assert conflict.value.beside == ("A",)
    assert [found.type for found in dns.read(ZONE, name)] == ["A"]


def test_req_05_other_data_never_come_beside_a_cname(place: Place, dns: Dns) -> None:
    name = host()
    place.put(Record(name, "CNAME", 600, "b.kokuho.pr"))

    with pytest.raises(NameConflict) as conflict:
        dns.replace(Change.between(ZONE, None, record_set(name, "A", "10.13.82.5")))

    assert conflict.value.beside == ("CNAME",)
    assert [found.type for found in dns.read(ZONE, name)] == ["CNAME"]


def test_req_05_a_name_that_was_deleted_can_be_used_again(place: Place, dns: Dns) -> None:
    name = host()
    first, second = record_set(name, "A", "10.13.82.5"), record_set(name, "CNAME", "b.kokuho.pr")
    dns.replace(Change.between(ZONE, None, first))
    dns.replace(Change.between(ZONE, first, None))

    dns.replace(Change.between(ZONE, None, second))

    assert dns.read(ZONE, name) == [second]
    assert place.asked(name, "CNAME") == second


def test_req_05_after_a_lost_reply_looking_tells_what_became_of_it(place: Place, dns: Dns) -> None:
    name = host()
    change = Change.between(ZONE, None, record_set(name, "A", "10.13.82.5"))
    assert look(dns, change) is Standing.BEFORE

    with place.losing_replies() as cut_off, pytest.raises(OutcomeUnknown):
        cut_off.replace(change)

    assert look(dns, change) is Standing.AFTER
    with pytest.raises(ChangedMeanwhile):  # not a second time
        dns.replace(change)
    place.put(Record(name, "A", 600, "10.13.82.7"))
    assert look(dns, change) is Standing.OTHER


def test_a_zone_is_read_whole_in_pages(place: Place, dns: Dns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.page, 50)
    prefix = host()
    names = [f"n{number}.{prefix}" for number in range(200)]
    for name in names:
        dns.replace(Change.between(ZONE, None, record_set(name, "A", "10.13.82.5")))
    dns.replace(Change.between(ZONE, None, record_set(names[0], "TXT", "beside")))

    pages = list(dns.read_zone(ZONE))

    found = [each for page in pages for each in page if each.name.endswith(prefix)]
    assert len(pages) > 1
    assert {each.name for each in found} == set(names)
    assert len(found) == 201
    both = [page for page in pages if any(each.name == names[0] for each in page)]
    assert len(both) == 1
    many = dns.read_many(ZONE, [*names, f"none.{prefix}"])
    assert many[f"none.{prefix}"] == []
    assert [each.type for each in many[names[0]]] == ["A", "TXT"]
    assert all(many[name] == [record_set(name, "A", "10.13.82.5")] for name in names[1:])


def test_the_zones_are_known_with_serial_and_negative_ttl(place: Place, dns: Dns) -> None:
    zones = {zone.name: zone for zone in dns.zones()}

    assert {ZONE, REVERSE} <= set(zones)
    assert zones[REVERSE].is_reverse
    assert zones[ZONE].serial is not None
    assert zones[ZONE].negative_ttl is not None


def test_a_zone_that_nobody_has_is_missing(place: Place, dns: Dns) -> None:
    wanted = record_set("a.nowhere.example", "A", "10.13.82.5")

    with pytest.raises(ZoneMissing):
        dns.read("nowhere.example", "a.nowhere.example")
    with pytest.raises(ZoneMissing):
        list(dns.read_zone("nowhere.example"))
    with pytest.raises(ZoneMissing):
        dns.replace(Change.between("nowhere.example", None, wanted))


def test_req_05_every_server_is_asked_and_named(place: Place, dns: Dns) -> None:
    name = host()
    wanted = record_set(name, "A", "10.13.82.5")
    dns.replace(Change.between(ZONE, None, wanted))

    answers = dns.query(ZONE, name, "A")

    assert tuple(answer.server for answer in answers) == dns.servers
    first = answers[0]
    assert (first.said, first.found) == (Said.ANSWER, wanted)
    assert first.serial is not None
    assert first.shows(wanted)
    assert not first.shows(None)
    assert dns.query(ZONE, name, "TXT")[0].said is Said.NO_DATA
    assert dns.query(ZONE, host(), "A")[0].said is Said.NO_NAME
    assert dns.query(ZONE, host(), "A")[0].shows(None)
    assert dns.query("nowhere.example", "a.nowhere.example", "A")[0].said is Said.REFUSED


def test_req_05_many_questions_have_the_answers_of_each(place: Place, dns: Dns) -> None:
    there, not_there = host(), host()
    place.put(Record(there, "A", 600, "10.13.82.5"))

    told = dns.query_many(ZONE, [(there, "A"), (there, "TXT"), (not_there, "A")])

    first = {question: answers[0].said for question, answers in told.items()}
    assert first == {
        (there, "A"): Said.ANSWER,
        (there, "TXT"): Said.NO_DATA,
        (not_there, "A"): Said.NO_NAME,
    }
    assert told[there, "A"][0] == dns.query(ZONE, there, "A")[0]
    assert dns.query_many(ZONE, []) == {}


def test_req_05_a_query_for_an_address_does_not_follow_an_alias(place: Place, dns: Dns) -> None:
    target, alias = host(), host()
    place.put(Record(target, "A", 600, "10.13.82.5"), Record(alias, "CNAME", 600, target))

    told = dns.query(ZONE, alias, "A")[0]

    assert (told.said, told.found) == (Said.NO_DATA, None)


def test_req_05_a_wildcard_is_written_and_a_name_below_it_is_still_nobodys(place: Place, dns: Dns) -> None:
    parent = host()
    name, same, deeper = f"web.{parent}", f"same.{parent}", f"*.deeper.{parent}"
    wild = record_set(f"*.{parent}", "A", "10.13.82.5")
    added = record_set(name, "TXT", "own")
    alike = record_set(same, "A", "10.13.82.5")
    assert place.asked(name, "A") is None

    dns.replace(Change.between(ZONE, None, wild))

    assert place.asked(name, "A") == record_set(name, "A", "10.13.82.5")
    many = dns.read_many(ZONE, [wild.name, name, same, deeper])
    assert many == {wild.name: [wild], name: [], same: [], deeper: []}
    dns.replace(Change.between(ZONE, None, added))
    dns.replace(Change.between(ZONE, None, alike))
    assert (place.asked(name, "A"), place.asked(name, "TXT")) == (None, added)
    many = dns.read_many(ZONE, [name, same])
    assert many == {name: [added], same: [alike]}
    dns.replace(Change.between(ZONE, added, None))
    assert dns.read(ZONE, name) == []
    assert place.asked(name, "A") == record_set(name, "A", "10.13.82.5")
    dns.replace(Change.between(ZONE, wild, None))
    assert place.asked(name, "A") is None
    assert place.asked(same, "A") == alike


def test_req_05_a_wildcard_that_is_an_alias_stands_beside_nothing(place: Place, dns: Dns) -> None:
    wild = f"*.{host()}"
    place.put(Record(wild, "A", 600, "10.13.82.5"))

    with pytest.raises(NameConflict) as conflict:
        dns.replace(Change.between(ZONE, None, record_set(wild, "CNAME", "b.kokuho.pr")))

    assert conflict.value.beside == ("A",)


def test_names_of_the_directory_are_recognised(place: Place, dns: Dns) -> None:
    assert dns.owned_by_directory(f"_ldap._tcp.{ZONE}")
    assert dns.owned_by_directory(f"dc1.{ZONE}")
    assert not dns.owned_by_directory(host())
