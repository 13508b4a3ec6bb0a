"""The port to DNS, and whole tickets, beside bare loops on the same servers: 200 record sets read, and written and proven (REQ-05)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

from django.conf import settings
from django.utils import timezone

from portal.common.time import today
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory_factory import directory_settings
from portal.gateways.dns import Change, Dns, Record, RecordSet, reverse_name
from portal.gateways.dns_factory import make_dns
from portal.workflow import content, kinds
from requests.zones.owners import TARGET
from tests import journeys
from tests.contract.dns_places import REVERSE, ZONE, AdPlace, blob_of, host
from tests.devices import world as devices
from tests.perf.accounts import warm
from tests.perf.report import Report
from tests.requests import world

ROUNDS, RECORDS, BATCH, WORKERS, WARMING = 3, 200, 40, 2, 8


def measure(report: Report, directory: str) -> None:
    """Over LDAP. Both in turn, so that a machine that gets slower does so for both."""
    dns = make_dns(settings.DNS, directory_settings(settings.DIRECTORY))
    place = AdPlace(directory, os.environ)
    try:
        _measure_reading(report, dns, place, directory)
        _measure_writing(report, dns, place, directory)
        _measure_ticket(report, place, directory)
    finally:
        dns.close()


def _measure_reading(report: Report, dns: Dns, place: AdPlace, directory: str) -> None:
    names = [host() for _ in range(RECORDS)]
    place.put(*(Record(name, "A", 600, "10.13.82.5") for name in names))
    dns.read(ZONE, names[0])
    ours = _median(lambda: dns.read_many(ZONE, names))
    bare = _median(lambda: [place.blobs(name) for name in names])
    report.add(
        f"DNS: {RECORDS} names read over LDAP",
        ours,
        "s",
        reference=f"bare ldap3 reads, one by one, on the same {directory}",
        reference_value=bare,
    )


def _measure_writing(report: Report, dns: Dns, place: AdPlace, directory: str) -> None:
    """Each written, read back in the directory and asked of the DNS server."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(BATCH / _timed(lambda: [_bare(place, host()) for _ in range(BATCH)]))
        ours.append(BATCH / _timed(lambda: [_ours(dns, host()) for _ in range(BATCH)]))
    report.add(
        "DNS: records added over LDAP, each with its precondition, read back and asked of the server",
        median(ours),
        "records/s",
        reference=f"bare ldap3 loop: read, add, read, ask, on the same {directory}",
        reference_value=median(bare),
    )


def _measure_ticket(report: Report, place: AdPlace, directory: str) -> None:
    """A ticket of 200 addresses with their PTR records: its plan as the approver sees it, and one that is carried out."""
    for name in (ZONE, REVERSE):
        world.zone(name)
    devices.segment("14", network="10.14.0.0/16", purpose="OWN_SYSTEM")
    cast = world.Cast("14")
    lines = _lines(RECORDS, with_ptr=True)
    application = world.submitted(cast, *lines)
    kind, rows = kinds.get(application.kind), list(application.lines.order_by("position"))
    names = [name for line in lines for name in (line["name"], reverse_name(line["value"]))]
    report.add(
        f"DNS: plan of a ticket of {RECORDS} addresses with their PTR records",
        _median(lambda: content.plan_lines(kind, application, rows, today(timezone.now()))),
        "s",
        reference=f"bare ldap3 reads of the same {len(names)} names, one by one, on the same {directory}",
        reference_value=_median(lambda: [place.blobs(name) for name in names]),
    )
    before = _timed(lambda: [_bare(place, host()) for _ in range(RECORDS)])
    accepted, carried_out = _accepted_and_carried_out(cast, _lines(RECORDS))
    after = _timed(lambda: [_bare(place, host()) for _ in range(RECORDS)])
    bare = RECORDS / median([before, after])
    loop = f"bare ldap3 loop: read, add, read, ask, on the same {directory}"
    report.add(
        f"DNS: ticket of {RECORDS} records carried out, each proven and entered, {WORKERS} workers",
        RECORDS / carried_out,
        "records/s",
        reference=loop,
        reference_value=bare,
    )
    report.add(
        f"DNS: ticket of {RECORDS} records, the acceptance by operations with its plan before it",
        RECORDS / (accepted + carried_out),
        "records/s",
        reference=loop,
        reference_value=bare,
    )


def _lines(count: int, *, with_ptr: bool = False) -> list[dict[str, object]]:
    addresses = (f"10.14.{number // 250}.{number % 250 + 1}" for number in range(count))
    return [world.line(name=host(), value=address, ttl=600, with_ptr=with_ptr) for address in addresses]


def _accepted_and_carried_out(cast: world.Cast, lines: list[dict[str, object]]) -> tuple[float, float]:
    """Seconds of the acceptance by operations, and of the queue's workers, who have their connections as the loop has."""
    warming, application = world.submitted(cast, *_lines(WARMING)), world.submitted(cast, *lines)
    for each in (warming, application):
        journeys.approve(each, cast.approver)
    journeys.approve(warming, cast.operator)
    with warm(_work, WORKERS) as work:
        accepted = _timed(lambda: journeys.approve(application, cast.operator))
        carried_out = _timed(work)
    done = Operation.system.filter(line__application=application, status=OperationStatus.DONE).count()
    assert done == len(lines), f"only {done} of {len(lines)} were done"
    return accepted, carried_out


def _work() -> None:
    while fulfilment.drain(TARGET, now_fn=timezone.now, hands=int(settings.FULFILMENT["hands"])):
        pass


def _ours(dns: Dns, name: str) -> None:
    wanted = RecordSet(name, "A", 600, ("10.13.82.5",))
    dns.replace(Change.between(ZONE, None, wanted))
    assert dns.query(ZONE, name, "A")[0].shows(wanted)


def _bare(place: AdPlace, name: str) -> None:
    record = Record(name, "A", 600, "10.13.82.5")
    place.write(name, [blob_of(record)])
    assert place.blobs(name)
    assert place.asked(name, "A")


def _median(run: Callable[[], object]) -> float:
    return median(_timed(run) for _ in range(ROUNDS))


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
