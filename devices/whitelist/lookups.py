"""Reading the whitelist for forms and checks, for all lines of an application together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils.translation import ngettext

from devices.computers import lookups as computers
from devices.computers.models import Computer
from devices.whitelist.addresses import AddressRefused, parse_mac
from devices.whitelist.fitness import uncovered_reason
from devices.whitelist.models import LocalAddress, WhitelistEntry
from devices.whitelist.payloads import Action, WhitelistLine
from devices.whitelist.placement import Segments
from portal.common.computer_names import computer_name
from portal.workflow import linked
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine

CODE = "devices.whitelist"
_SHARED = "devices.whitelist"
_LIVE = WhitelistEntry.State.APPROVED


class Known:
    """What is known about the addresses of one application: live entries of the country, open applications, segments."""

    def __init__(self, context: LineContext) -> None:
        self._context = context
        self._segments: Segments | None = None
        self.by_mac: dict[str, WhitelistEntry | None] = {}
        self.by_ip: dict[str, WhitelistEntry | None] = {}
        self._open_macs: dict[str, bool] = {}
        self._open_ips: dict[str, bool] = {}
        self._local: dict[str, str] = {}
        self._first_ip: dict[str, WhitelistLine] = {}
        self._first_end: dict[str, WhitelistLine] = {}

    @property
    def segments(self) -> Segments:
        """The segments of the country today."""
        if self._segments is None:
            self._segments = Segments.read(self._context.today)
        return self._segments

    def read_live(self, macs: Collection[str], ips: Collection[str] = ()) -> None:
        """Read the live entries of these addresses, if they are not known."""
        macs, ips = set(macs) - set(self.by_mac), set(ips) - set(self.by_ip)
        if not macs and not ips:
            return
        rows = WhitelistEntry.system.filter(Q(mac__in=macs) | Q(ip__in=ips), state=_LIVE)
        found = list(rows.select_related("computer", "segment"))
        by_mac, by_ip = {e.mac: e for e in found}, {e.ip: e for e in found}
        self.by_mac |= {mac: by_mac.get(mac) for mac in macs}
        self.by_ip |= {ip: by_ip.get(ip) for ip in ips}

    def read_open(self, macs: Collection[str], ips: Collection[str]) -> None:
        """Read which of these addresses other open applications name."""
        if not macs and not ips:
            return
        named = (
            Q(payload__mac__in=list(macs)) | Q(payload__old_mac__in=list(macs)) | Q(payload__ip__in=list(ips))
        )
        rows = ApplicationLine.system.filter(named, is_open=True, application__kind=CODE)
        if self._context.application is not None:
            rows = rows.exclude(application=self._context.application)
        held_macs: set[str] = set()
        held_ips: set[str] = set()
        for payload in rows.values_list("payload", flat=True):
            held_macs |= {payload["mac"], payload["old_mac"]}
            if payload["action"] != Action.REMOVE:
                held_ips.add(payload["ip"])
        self._open_macs |= {mac: mac in held_macs for mac in macs}
        self._open_ips |= {ip: ip in held_ips for ip in ips}

    def read_accepted(self, macs: Collection[str]) -> None:
        """Read the local addresses of the organisation that operations accepted."""
        if macs:
            rows = LocalAddress.system.filter(
                organisation=self._context.organisation, mac__in=macs, ended_at=None
            )
            self._local |= dict.fromkeys(macs, "") | dict(rows.values_list("mac", "reason"))

    def own_entry(self, mac: str) -> WhitelistEntry | None:
        """The organisation's live entry of that address; another one's is as unknown as none (ORG-02)."""
        self.read_live([mac])
        entry = self.by_mac[mac]
        own = entry is not None and entry.organisation_id == self._context.organisation.pk
        return entry if own else None

    def is_open_mac(self, mac: str) -> bool:
        """Whether another open application names this MAC address, as new or as old one."""
        if mac not in self._open_macs:
            self.read_open([mac], [])
        return self._open_macs[mac]

    def is_open_ip(self, ip: str) -> bool:
        """Whether another open application wants this IP address."""
        if ip not in self._open_ips:
            self.read_open([], [ip])
        return self._open_ips[ip]

    def accepted_reason(self, mac: str) -> str:
        """Why operations accept this local address; "" when they do not."""
        if mac not in self._local:
            self.read_accepted([mac])
        return self._local[mac]

    def take_lines(self, lines: Sequence[WhitelistLine]) -> None:
        """Remember what the lines of the application want of each other."""
        self._first_ip, self._first_end = {}, {}
        for line in lines:
            if line.action != Action.REMOVE:
                self._first_ip.setdefault(line.ip, line)
            if line.ends:
                self._first_end.setdefault(line.ends, line)

    def ends_before(self, entry: WhitelistEntry, payload: WhitelistLine) -> bool:
        """Whether the entry ends before this line is written: by the line itself, or by one beside it (MAC-07).

        What counts is how the list stands after the whole application: two machines may swap their addresses.
        """
        return entry.mac == payload.ends or entry.mac in self._first_end

    def first_with_ip(self, payload: WhitelistLine) -> WhitelistLine:
        """The first line of the application that wants this IP address."""
        return self._first_ip.get(payload.ip, payload)

    def first_ending(self, payload: WhitelistLine) -> WhitelistLine:
        """The first line of the application by which the same entry ends."""
        return self._first_end.get(payload.ends, payload)


def known(context: LineContext) -> Known:
    """What the lines of this application share."""
    found = context.shared.get(_SHARED)
    if found is None:
        found = context.shared[_SHARED] = Known(context)
    return found  # type: ignore[no-any-return]


def read_ahead(context: LineContext, lines: Sequence[Mapping[str, Any]]) -> None:
    """What the forms ask: the machines, and the live entries that lines replace or remove."""
    written = (line.get("computer") for line in lines)
    names = {computer_name(name) for name in written if isinstance(name, str)}
    macs = set(_readable(line.get(field) for line in lines for field in ("mac", "old_mac")))
    known(context).read_live(macs)
    ending = {e.computer.name for mac in macs if (e := known(context).own_entry(mac)) is not None}
    computers.read_together(context, {name for name in names if name} | ending)


def prepare(context: LineContext, payloads: Sequence[WhitelistLine]) -> None:
    """Read addresses, machines, open applications and accepted addresses of all lines together."""
    found = known(context)
    found.take_lines(payloads)
    macs = {mac for line in payloads for mac in (line.mac, line.old_mac) if mac}
    ips = {line.ip for line in payloads if line.ip}
    found.read_live(macs, ips)
    found.read_open(macs, ips)
    found.read_accepted(macs)
    names = {line.computer for line in payloads}
    missing = names - set(context.shared.get(computers.NAMES, {}))
    if missing:
        computers.read_together(context, missing)


def in_the_way(computer_ids: Collection[int], context: LineContext | None = None) -> dict[int, str]:
    """Why machines must not be taken away: the guard would still let their addresses pass.

    What an application linked to that of `context` ends does not count (REQ-13).
    """
    live = WhitelistEntry.system.filter(computer__in=computer_ids, state=_LIVE)
    if context is not None:
        ending = [payload.ends for payload in linked.payloads(context, CODE) if payload.ends]
        live = live.exclude(mac__in=ending) if ending else live
    rows = live.values_list("computer", flat=True)
    counts: dict[int, int] = {}
    for pk in rows:
        counts[pk] = counts.get(pk, 0) + 1
    return {
        pk: ngettext(
            "%(count)d whitelist entry belongs to this machine. Apply for its removal first.",
            "%(count)d whitelist entries belong to this machine. Apply for their removal first.",
            count,
        )
        % {"count": count}
        for pk, count in counts.items()
    }


def in_the_way_of_becoming(before: Computer, after: Computer, day: date) -> Sequence[str]:
    """Why a machine with live entries must not become one that the guard does not cover (MAC-01, MAC-05)."""
    reason = uncovered_reason(after, day)
    if not reason or reason == uncovered_reason(before, day):
        return ()
    entries = in_the_way([before.pk]).get(before.pk)
    return (reason, entries) if entries else ()


def machine(context: LineContext, name: str) -> Computer | None:
    """The organisation's machine in use of that name, or the one that a linked application enters (REQ-13)."""
    return computers.own(context, name) or computers.coming(context, name)


def _readable(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        try:
            yield parse_mac(value)
        except AddressRefused:
            continue
