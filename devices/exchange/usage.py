"""When a device was last used, as SKYSEA knows it. Written by the import only (DEV-07 leans on it)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from devices.permits.models import Device
from portal.common.search import batched


@transaction.atomic
def set_usage(*, readings: Mapping[int, datetime | None], as_of: datetime) -> int:
    """Note for each device (by pk) when it was last used, None for never; `as_of` is when the list was taken.

    An older list never takes back what a newer one said, and a later use is never forgotten: SKYSEA forgets the use of a
    device that was removed there and registered anew. How many devices it said something new of. No row of history: the use
    of a device is a reading, not something that was done to it.
    """
    count = 0
    rows = Device.system.select_for_update(no_key=True).filter(pk__in=list(readings)).order_by("pk")
    for batch in batched(rows.iterator(chunk_size=1000), 1000):
        changed = [device for device in batch if _read(device, readings[device.pk], as_of)]
        count += Device.system.bulk_update(changed, ["last_used_at", "usage_as_of"]) if changed else 0
    return count


def _read(device: Device, used: datetime | None, as_of: datetime) -> bool:
    before = (device.last_used_at, device.usage_as_of)
    if used is not None and (device.last_used_at is None or used > device.last_used_at):
        device.last_used_at = used
    if device.usage_as_of is None or as_of > device.usage_as_of:
        device.usage_as_of = as_of
    return before != (device.last_used_at, device.usage_as_of)
