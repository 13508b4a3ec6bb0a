"""Which lines of an application are written together: those that free each other's addresses (MAC-07).

A line can need an address that another line of its application gives up: by a removal, or because the other machine gets
another one. Two machines that swap their addresses need each other. So a line takes along every line that it waits for,
in one transaction: all entries that end are ended before any begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from devices.whitelist import register
from devices.whitelist.models import WhitelistEntry
from devices.whitelist.payloads import Action, WhitelistLine
from devices.whitelist.placement import Misplaced, Segments, place
from devices.whitelist.register import Item
from portal.common.time import today
from portal.workflow import kinds
from portal.workflow.models import ApplicationLine

_LOCK = 7_207_052  # with the application: its lines are written one after the other


def write(line: ApplicationLine, now: datetime) -> WhitelistEntry:
    """Write one approved line with those that it needs; safe to repeat.

    Raises what register.write_lines raises, and Misplaced. Then nothing was changed; `line` of the error says whose it is.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, line.application_id % 2**31])
        written = register.written(line)
        if written is not None:
            return written
        lines = _needed(line)
        segments = Segments.read(today(now))
        return register.write_lines([_item(each, segments) for each in lines], now)


def payload_of(line: ApplicationLine) -> WhitelistLine:
    """What the line says."""
    payload: WhitelistLine = kinds.get(line.application.kind).load(line.payload, line.payload_version)
    return payload


def _needed(line: ApplicationLine) -> list[ApplicationLine]:
    """The line, and every open line beside it that ends an entry whose address one of them wants."""
    found, news = {line.pk: line}, [line]
    while news:
        news = [each for each in _freeing(news) if each.pk not in found]
        found |= {each.pk: each for each in news}
    return list(found.values())


def _freeing(lines: Iterable[ApplicationLine]) -> Iterable[ApplicationLine]:
    payloads = [payload_of(line) for line in lines]
    entering = [payload for payload in payloads if payload.action != Action.REMOVE]
    held = register.live_with(macs={p.mac for p in entering}, ips={p.ip for p in entering})
    held -= {payload.ends for payload in payloads}
    if not held:
        return ()
    ends = Q(payload__action=Action.REMOVE, payload__mac__in=list(held)) | Q(
        payload__action=Action.REPLACE, payload__old_mac__in=list(held)
    )
    application = next(iter(lines)).application
    beside = ApplicationLine.system.filter(ends, application=application, is_open=True)
    return list(beside.select_related("application").order_by("pk"))


def _item(line: ApplicationLine, segments: Segments) -> Item:
    payload, segment_id = payload_of(line), None
    if payload.action != Action.REMOVE:
        try:
            segment_id = place(payload.ip, organisation_id=line.organisation_id, segments=segments).pk
        except Misplaced as error:
            error.line = line
            raise
    return Item(line=line, payload=payload, segment_id=segment_id)
