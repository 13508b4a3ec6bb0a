"""The file for SKYSEA: what is to be registered and what is to be removed, through the mapping (DEV-13)."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from devices.exchange.errors import NothingToDo
from devices.exchange.imports import lock, require
from devices.exchange.layout import ORDERS, Layout
from devices.exchange.mappings import current_layout
from devices.exchange.models import OrderFile
from devices.permits.models import DevicePermit
from portal.common.csvfile import FORMULA_SIGNS
from portal.orgs.models import Organisation, User
from portal.trail import services as trail

_TO_DO = (DevicePermit.State.APPROVED, DevicePermit.State.ENDING)


@transaction.atomic
def make_orders(*, organisation: Organisation, actor: User, now: datetime) -> OrderFile:
    """Write what waits in a federation into a file that is kept. Recording what was done stays with a person (DEV-01).

    Raises NotAllowed, NothingToDo.
    """
    require(actor, organisation)
    lock(organisation.pk)
    rows = DevicePermit.system.filter(organisation=organisation, state__in=_TO_DO).order_by("pk")
    rows = rows.select_related("device", "last_line__application").prefetch_related("computers")
    permits = list(rows)
    if not permits:
        raise NothingToDo
    content, left_out, count = render(permits, current_layout(), organisation.code)
    made: OrderFile = OrderFile.system.create(
        organisation=organisation,
        made_by=actor,
        made_at=now,
        row_count=count,
        left_out=left_out,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    trail.record(
        action="skysea.orders",
        now=now,
        actor=actor,
        object_type="skysea_orders",
        object_id=made.pk,
        object_organisation_id=organisation.pk,
        detail={"rows": count, "left_out": len(left_out), "sha256": made.sha256},
    )
    return made


def render(permits: list[DevicePermit], layout: Layout, code: str) -> tuple[bytes, list[dict[str, str]], int]:
    """The bytes of a file, the devices that it cannot name with the reason, and how many it names."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=layout.delimiter, lineterminator="\r\n")
    columns = layout.columns[ORDERS]
    writer.writerow([column.heading for column in columns])
    left_out, count = [], 0
    for permit in permits:
        with translation.override("ja"):
            values = [value_of(column.field, permit, layout, code) for column in columns]
            reason = next(_unwritable(values, layout), "")
        if reason:
            left_out.append({"device": permit.device.number, "reason": reason})
            continue
        writer.writerow(values)
        count += 1
    return buffer.getvalue().encode(layout.encoding), left_out, count


def value_of(name: str, permit: DevicePermit, layout: Layout, code: str) -> str:
    """What stands in one cell."""
    device = permit.device
    if name == "action":
        ends = permit.state == DevicePermit.State.ENDING
        return layout.word("action", "REMOVE" if ends else "REGISTER")
    if name == "computers":
        return layout.separator.join(sorted(computer.name for computer in permit.computers.all()))
    values = {
        "number": device.number,
        "organisation": code,
        "kind": layout.word("kind", device.kind),
        "maker": device.maker,
        "model": device.model,
        "serial": device.serial,
        "grant": layout.word("grant", permit.grant),
        "end_user": permit.end_user,
        "valid_until": f"{permit.valid_until:%Y/%m/%d}",
        "application": permit.last_line.application.number,
    }
    return values[name]


def _unwritable(values: list[str], layout: Layout) -> Iterator[str]:
    """Why a row cannot be written as it is: nothing is put in its place, because SKYSEA would believe it."""
    for value in values:
        if value.startswith(FORMULA_SIGNS):
            text = _("“%(value)s” begins like a formula. Enter this device by hand.")
            yield text % {"value": value[:40]}
        try:
            value.encode(layout.encoding)
        except UnicodeEncodeError:
            text = _("“%(value)s” has characters that the file cannot hold. Enter this device by hand.")
            yield text % {"value": value[:40]}
