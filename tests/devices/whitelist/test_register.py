"""The one service that writes the whitelist: one transaction, one live entry per address, history of everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from devices.computers.models import Computer, Segment
from devices.whitelist import register
from devices.whitelist.models import WhitelistEntry, WhitelistEvent
from devices.whitelist.payloads import WhitelistLine
from devices.whitelist.register import (
    AddressTaken,
    EntryMissing,
    LocalNotAccepted,
    MachineMissing,
    SegmentMissing,
)
from tests import factories
from tests.devices import world

pytestmark = pytest.mark.django_db


def line_of(computer: Computer, **values: Any) -> WhitelistLine:
    fields = {"action": "ADD", "computer": computer.name, "mac": "00:1b:a9:00:00:01", "ip": "10.13.20.5"}
    return WhitelistLine(**(fields | values))


def write(payload: WhitelistLine, segment: Segment, line: Any = None) -> WhitelistEntry:
    line = line or factories.line(code=segment.organisation.prefecture_number or "13")
    return register.write_line(line=line, payload=payload, segment_id=segment.pk, now=timezone.now())


@pytest.fixture
def segment() -> Segment:
    return world.segment(network="10.13.20.0/24")


@pytest.fixture
def computer() -> Computer:
    return world.computer("KK13-PC01")


def test_a_new_entry_is_written_once_however_often_its_line_is_carried_out(
    segment: Segment, computer: Computer
) -> None:
    line = factories.line(code="13")

    first = write(line_of(computer), segment, line)
    again = write(line_of(computer), segment, line)

    assert first.pk == again.pk
    assert first.state == "APPROVED"
    assert [event.verb for event in first.events.all()] == ["PERMITTED"]


@pytest.mark.parametrize(
    ("field", "values"), [("mac", {"ip": "10.13.20.6"}), ("ip", {"mac": "00:1b:a9:00:00:02"})]
)
def test_mac06_one_live_entry_per_mac_and_per_ip(
    segment: Segment, computer: Computer, field: str, values: dict[str, str]
) -> None:
    write(line_of(computer), segment)

    with pytest.raises(AddressTaken) as taken:
        write(line_of(computer, **values), segment)

    assert taken.value.field == field
    assert WhitelistEntry.system.count() == 1


def test_mac06_a_replacement_ends_the_old_entry_in_the_same_transaction(
    segment: Segment, computer: Computer
) -> None:
    old = write(line_of(computer), segment)
    payload = line_of(computer, action="REPLACE", mac="00:1b:a9:00:00:02", old_mac=old.mac)

    new = write(payload, segment)

    old.refresh_from_db()
    assert (old.state, old.end_reason, old.replaced_by) == ("ENDED", "REPLACED", new)
    assert (old.ended_at, new.ip) == (new.approved_at, old.ip)
    assert [event.verb for event in old.events.all()] == ["PERMITTED", "REPLACED"]


def test_mac06_a_replacement_that_cannot_be_written_leaves_the_old_entry_alive(
    segment: Segment, computer: Computer
) -> None:
    old = write(line_of(computer), segment)
    write(line_of(computer, mac="00:1b:a9:00:00:03", ip="10.13.20.9"), segment)
    payload = line_of(computer, action="REPLACE", mac="00:1b:a9:00:00:03", old_mac=old.mac)

    with pytest.raises(AddressTaken) as taken:
        write(payload, segment)

    old.refresh_from_db()
    assert taken.value.field == "mac"
    assert old.state == "APPROVED"


def test_a_removal_ends_the_entry_once(segment: Segment, computer: Computer) -> None:
    entry = write(line_of(computer), segment)
    line = factories.line(code="13")

    write(line_of(computer, action="REMOVE"), segment, line)
    write(line_of(computer, action="REMOVE"), segment, line)

    entry.refresh_from_db()
    assert (entry.state, entry.end_reason) == ("ENDED", "REMOVED")
    assert [event.verb for event in entry.events.all()] == ["PERMITTED", "REMOVED"]
    with pytest.raises(EntryMissing):
        write(line_of(computer, action="REMOVE"), segment)


def test_an_address_that_ended_can_come_again(segment: Segment, computer: Computer) -> None:
    write(line_of(computer), segment)
    write(line_of(computer, action="REMOVE"), segment)

    write(line_of(computer), segment)

    assert WhitelistEntry.system.filter(mac="00:1b:a9:00:00:01").count() == 2


def test_org02_nobody_ends_another_federations_entry(segment: Segment, computer: Computer) -> None:
    entry = write(line_of(computer), segment)
    payload = line_of(world.computer("KK27-PC01", code="27"), action="REMOVE", mac=entry.mac)

    with pytest.raises(EntryMissing):
        write(payload, segment, factories.line(code="27"))

    entry.refresh_from_db()
    assert entry.is_live


def test_machine_segment_and_local_address_are_looked_at_again_when_written(
    segment: Segment, computer: Computer
) -> None:
    other = world.segment(code="27", network="10.27.20.0/24")
    ended = world.segment(network="10.13.30.0/24", valid_until=factories.LONG_AGO)

    with pytest.raises(SegmentMissing):
        register.write_line(
            line=factories.line(code="13"),
            payload=line_of(computer, ip="10.13.30.5"),
            segment_id=ended.pk,
            now=timezone.now(),
        )
    with pytest.raises(SegmentMissing):
        write(line_of(computer), other, factories.line(code="13"))
    with pytest.raises(LocalNotAccepted):
        write(line_of(computer, mac="02:1b:a9:00:00:01"), segment)
    Computer.system.filter(pk=computer.pk).update(state="RETIRED")
    with pytest.raises(MachineMissing):
        write(line_of(computer), segment)
    assert not WhitelistEntry.system.exists()


def test_mac06_entries_end_after_their_last_day_in_japan(segment: Segment, computer: Computer) -> None:
    day = timezone.localdate()
    entry = write(line_of(computer, valid_until=day.isoformat()), segment)
    write(line_of(computer, mac="00:1b:a9:00:00:02", ip="10.13.20.6"), segment)

    assert register.expire_entries(timezone.now()) == 0
    assert register.expire_entries(timezone.now() + timedelta(days=1)) == 1
    assert register.expire_entries(timezone.now() + timedelta(days=1)) == 0

    entry.refresh_from_db()
    assert (entry.state, entry.end_reason) == ("ENDED", "EXPIRED")


def test_mac07_exported_and_verified_are_noted_once_with_history(
    segment: Segment, computer: Computer
) -> None:
    entry = write(line_of(computer), segment)
    now = timezone.now()

    counts = [
        record(entry_ids=[entry.pk], now=now)
        for record in (register.record_exported, register.record_verified)
        for _again in range(2)
    ]
    assert register.record_removal_verified(entry_ids=[entry.pk], now=now) == 0
    write(line_of(computer, action="REMOVE"), segment)
    counts += [
        register.record_removal_exported(entry_ids=[entry.pk], now=now),
        register.record_removal_verified(entry_ids=[entry.pk], now=now),
    ]

    entry.refresh_from_db()
    assert counts == [1, 0, 1, 0, 1, 1]
    assert (entry.exported_at, entry.verified_at, entry.removal_verified_at) == (now, now, now)
    assert [event.verb for event in entry.events.all()] == [
        "PERMITTED",
        "EXPORTED",
        "VERIFIED",
        "REMOVED",
        "REMOVAL_VERIFIED",
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: WhitelistEntry.system.filter(pk=entry.pk).update(mac="00:1b:a9:00:00:09"),
        lambda entry: WhitelistEntry.system.filter(pk=entry.pk).update(ip="10.13.20.99"),
        lambda entry: entry.delete(),
        lambda entry: WhitelistEvent.system.filter(entry=entry).update(note="x"),
        lambda entry: WhitelistEvent.system.filter(entry=entry).delete(),
    ],
)
def test_sec02_the_database_keeps_addresses_and_history_as_they_were(
    segment: Segment, computer: Computer, change: Any
) -> None:
    entry = write(line_of(computer), segment)

    with pytest.raises((DatabaseError, Exception)), transaction.atomic():
        change(entry)

    entry.refresh_from_db()
    assert entry.events.get().verb == "PERMITTED"


@pytest.mark.parametrize(
    "mac", ["00:00:00:00:00:00", "01:00:5e:00:00:01", "00:1B:A9:00:00:01", "001ba9000001"]
)
def test_mac06_the_database_takes_one_form_only(segment: Segment, computer: Computer, mac: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        WhitelistEntry.system.create(
            organisation=segment.organisation,
            computer=computer,
            mac=mac,
            ip="10.13.20.5",
            segment=segment,
            approved_at=timezone.now(),
            line=computer.last_line,
            last_line=computer.last_line,
        )
