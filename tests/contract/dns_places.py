"""The DNS servers under contract, and how a test looks at them from outside of the portal."""

from __future__ import annotations

from contextlib import AbstractContextManager
from secrets import token_hex
from typing import Any, Protocol

from portal.gateways.dns import Dns, Record, RecordSet, reverse_name
from tests.fake_dns import FakeDns


class Place(Protocol):
    """Servers with a zone for names and one for addresses (10.13.*)."""

    name: str
    zone: str
    reverse: str

    def connect(self, **overrides: Any) -> Dns:
        """The adapter under test, with short timeouts."""
        ...

    def asked(self, name: str, record_type: str) -> RecordSet | None:
        """What clients are told now: a query that does not go through the portal's code."""
        ...

    def put(self, *records: Record) -> None:
        """What somebody else does, not through the port. The set at the name is replaced."""
        ...

    def losing_replies(self, **overrides: Any) -> AbstractContextManager[Dns]:
        """The adapter on a way on which its changes arrive and the answers do not."""
        ...


class FakePlace:
    """The stand-in itself has to keep the contract."""

    name = "fake"
    zone, reverse = "kokuho.pr", "13.10.in-addr.arpa"

    def __init__(self) -> None:
        self.dns = FakeDns(zone_names=(self.zone, self.reverse))

    def connect(self, **overrides: Any) -> Dns:
        return self.dns

    def asked(self, name: str, record_type: str) -> RecordSet | None:
        return self.dns.sets.get((name, record_type))

    def put(self, *records: Record) -> None:
        for record in records:
            self.dns.sets.pop((record.name, record.type), None)
        self.dns.put(*records)

    def losing_replies(self, **overrides: Any) -> AbstractContextManager[Dns]:
        from contextlib import nullcontext

        from portal.gateways.dns import OutcomeUnknown

        self.dns.after["replace"] = [OutcomeUnknown("lost")]
        return nullcontext(self.dns)


def host(place: Place) -> str:
    """A name that nobody has used."""
    return f"t{token_hex(6)}.{place.zone}"


_addresses = iter(range(1, 65000))


def unused_reverse_name() -> str:
    """The reverse name of an address that no other test of this run has used."""
    number = next(_addresses)
    return reverse_name(f"10.13.{number // 250}.{number % 250 + 1}")
