"""The port to DNS beside bare loops on the same servers: 200 record sets read, and written and proven (issue 5, REQ-05)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

from django.conf import settings

from portal.gateways.directory_factory import directory_settings
from portal.gateways.dns import Change, Dns, Record, RecordSet
from portal.gateways.dns_factory import make_dns
from tests.contract.dns_places import ZONE, AdPlace, blob_of, host
from tests.perf.report import Report

ROUNDS, RECORDS, BATCH = 3, 200, 40


def measure(report: Report, directory: str) -> None:
    """Over LDAP. Both in turn, so that a machine that gets slower does so for both."""
    dns = make_dns(settings.DNS, directory_settings(settings.DIRECTORY))
    place = AdPlace(directory, os.environ)
    try:
        _measure_reading(report, dns, place, directory)
        _measure_writing(report, dns, place, directory)
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
