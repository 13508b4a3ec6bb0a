"""The versions of the list: what changed since the last one is compared by the database, in one short transaction (MAC-07).

A version is made for what was removed at once, and for what was added with the next one at the latest. The list of every
version, and what changed since one, follow from ListedPair.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from devices.guard import modes
from devices.guard.models import ListedPair, PendingRemoval, WhitelistVersion
from devices.whitelist.models import WhitelistEntry
from portal.common.time import today
from portal.gateways.guard import Pair

_ONE_AT_A_TIME = 7_207_001  # advisory lock: versions are made one after the other

# Approved at this instant: the only place that says so for what goes out.
_LIVE = """
    SELECT entry.id, entry.organisation_id, entry.mac, entry.ip, computer.name,
           regexp_replace(kind.code, '[^A-Za-z0-9_-]', '', 'g') AS kind,
           coalesce(segment.network, '') AS segment, segment.vlan, entry.approved_at, entry.valid_until
    FROM devices_whitelistentry entry
    JOIN devices_computer computer ON computer.id = entry.computer_id
    JOIN devices_computerkind kind ON kind.id = computer.kind_id
    LEFT JOIN devices_segment segment ON segment.id = entry.segment_id
    WHERE entry.state = 'APPROVED' AND (entry.valid_until IS NULL OR entry.valid_until >= %(today)s)
"""

# The statements are put together of constants; every value is a parameter.
_REMOVE = f"""
    WITH live AS ({_LIVE})
    UPDATE devices_listedpair listed SET unlisted_in_id = %(number)s
    WHERE listed.unlisted_in_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM live WHERE live.id = listed.entry_id AND live.mac = listed.mac AND live.ip = listed.ip
          AND (live.name, live.kind, live.segment, live.organisation_id) =
              (listed.name, listed.kind, listed.segment, listed.organisation_id)
          AND live.vlan IS NOT DISTINCT FROM listed.vlan
          AND live.valid_until IS NOT DISTINCT FROM listed.valid_until)
"""  # noqa: S608
_ADD = f"""
    INSERT INTO devices_listedpair (entry_id, organisation_id, mac, ip, name, kind, segment, vlan, approved_at,
                                    valid_until, listed_in_id)
    SELECT live.id, live.organisation_id, live.mac, live.ip, live.name, live.kind, live.segment, live.vlan,
           live.approved_at, live.valid_until, %(number)s
    FROM ({_LIVE}) live
    WHERE NOT EXISTS (SELECT 1 FROM devices_listedpair listed
                      WHERE listed.entry_id = live.id AND listed.unlisted_in_id IS NULL)
    ORDER BY live.id
"""  # noqa: S608


_STANDING = """
    SELECT number, modes, made_at, EXISTS (SELECT 1 FROM devices_pendingremoval)
        OR EXISTS (SELECT 1 FROM devices_listedpair WHERE unlisted_in_id IS NULL AND valid_until < %s)
    FROM devices_whitelistversion ORDER BY number DESC LIMIT 1
"""
_PART = """
    SELECT organisation.id, part.number, version.made_at
    FROM orgs_organisation organisation
    CROSS JOIN LATERAL (
        SELECT greatest((SELECT max(listed_in_id) FROM devices_listedpair
                         WHERE organisation_id = organisation.id AND listed_in_id <= %(newest)s),
                        (SELECT max(unlisted_in_id) FROM devices_listedpair
                         WHERE organisation_id = organisation.id AND unlisted_in_id <= %(newest)s), 0) AS number) part
    LEFT JOIN devices_whitelistversion version ON version.number = part.number
    WHERE organisation.code = %(code)s OR organisation.id = ANY(%(keys)s)
    ORDER BY part.number DESC LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The newest version as whoever pulls needs it: read in one statement, hundreds of times a minute."""

    number: int
    modes: dict[str, str]
    made_at: datetime  # after a database was restored the same number is made again, with another list


def standing(now: datetime) -> Standing:
    """The list as it may be given away now. What ended since the newest version is taken out of it first."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [today(now)])
        row = cursor.fetchone()
    if row is None or row[3]:
        version = bring_up_to_date(now=now)
        return Standing(number=version.number, modes=version.modes, made_at=version.made_at)
    modes_ = row[1] if isinstance(row[1], dict) else json.loads(row[1])
    return Standing(number=row[0], modes=modes_, made_at=row[2])


def part_of(code: str, newest_: int) -> tuple[int, int, datetime | None] | None:
    """The key of an organisation, and the newest version up to `newest_` that changed its part of the list (0: none did)."""
    return _part({"code": code, "keys": [], "newest": newest_})


def parts_of(organisations: Iterable[int], newest_: int) -> tuple[int, datetime | None]:
    """The newest version up to `newest_` that changed the part of one of these; what happens to others is not told (ORG-02)."""
    row = _part({"code": "", "keys": list(organisations), "newest": newest_})
    return (row[1], row[2]) if row else (0, None)


def _part(values: dict[str, Any]) -> tuple[int, int, datetime | None] | None:
    with connection.cursor() as cursor:
        cursor.execute(_PART, values)
        row = cursor.fetchone()
    return (row[0], row[1], row[2]) if row else None


def mark_of(number: int, made_at: datetime | None) -> str:
    """What names a version for ever: after a database was restored its number is given again, its moment is not."""
    return f"{number}.{int(made_at.timestamp() * 1_000_000) if made_at else 0}"


def number_of(mark: str) -> int | None:
    """The version that a mark names; None when this database never made it."""
    number = int(mark.partition(".")[0])
    made_at = WhitelistVersion.objects.filter(pk=number).values_list("made_at", flat=True).first()
    return number if (made_at or not number) and mark == mark_of(number, made_at) else None


def newest() -> WhitelistVersion | None:
    """The version in which the list stands; None before the first."""
    return WhitelistVersion.objects.first()


def bring_up_to_date(*, now: datetime, at_once: bool = False) -> WhitelistVersion:
    """Make a version when the list differs from what is approved now, and give the newest.

    What only adds waits until the version before is some seconds old, so that a hundred approvals make a few versions;
    `at_once` lifts that. Whatever is removed takes along what was added: an entry that is replaced by itself is never absent.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        before = newest()
        seen = list(PendingRemoval.objects.values_list("pk", flat=True))
        number = before.number + 1 if before else 1
        values = {"number": number, "today": today(now)}
        removed = _run(_REMOVE, values)
        now_in_force = modes.codes_on(today(now))
        changed = before is None or before.modes != now_in_force
        batched = before is not None and now - before.made_at < timedelta(seconds=_batch_seconds())
        waits = batched and not at_once and not removed and not changed
        added = 0 if waits else _run(_ADD, values)
        PendingRemoval.objects.filter(pk__in=seen).delete()
        if before is not None and not (added or removed or changed):
            return before
        return WhitelistVersion.objects.create(
            number=number,
            made_at=now,
            added=added,
            removed=removed,
            total=ListedPair.system.filter(unlisted_in=None).count(),
            modes=now_in_force,
            modes_changed=changed,
        )


def has_removals(now: datetime) -> bool:
    """Whether the list still holds what ended meanwhile: two small indexes are asked."""
    ended = ListedPair.system.filter(unlisted_in=None, valid_until__lt=today(now))
    return PendingRemoval.objects.exists() or ended.exists()


def is_overtaken(version: int, now: datetime) -> bool:
    """Whether something of this version's list ended since, also when a newer version (made by a pull) says so already."""
    gone = ListedPair.system.filter(listed_in__lte=version, unlisted_in__gt=version)
    return has_removals(now) or gone.exists()


def pairs_of(version: int, organisations: Iterable[int] | None = None) -> QuerySet[ListedPair]:
    """The list as it stands in a version."""
    rows: QuerySet[ListedPair] = ListedPair.system.filter(listed_in__lte=version).filter(
        Q(unlisted_in=None) | Q(unlisted_in__gt=version)
    )
    return rows if organisations is None else rows.filter(organisation__in=organisations)


def gone_in(version: int, organisations: Iterable[int] | None = None) -> QuerySet[ListedPair]:
    """Pairs of ended entries that a version does not hold any more, nor in another entry that took their place."""
    again = pairs_of(version).filter(mac=OuterRef("mac"), ip=OuterRef("ip"))
    rows: QuerySet[ListedPair] = ListedPair.system.filter(
        ~Exists(again), unlisted_in__lte=version, entry__state=WhitelistEntry.State.ENDED
    )
    return rows if organisations is None else rows.filter(organisation__in=organisations)


def samples(version: int, organisations: Iterable[int] | None = None) -> tuple[list[Pair], list[Pair]]:
    """For the proof: an address that came with the newest changes and must pass, and one that went and must not."""
    rows = pairs_of(version, organisations).order_by("-listed_in", "-id")
    gone = ListedPair.system.filter(unlisted_in__lte=version).order_by("-unlisted_in", "-id")
    if organisations is not None:
        gone = gone.filter(organisation__in=organisations)
    must_pass = [Pair(mac=row.mac, ip=row.ip) for row in rows[:1]]
    # The same address may have come back with another machine.
    must_fail = [
        Pair(mac=row.mac, ip=row.ip) for row in gone[:5] if not pairs_of(version).filter(mac=row.mac).exists()
    ]
    return must_pass, must_fail[:1]


def _run(statement: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _batch_seconds() -> int:
    return int(settings.GUARD["batch_seconds"])
