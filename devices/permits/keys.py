"""What makes two devices the same: the kind, the model and the serial number, however they are written."""

from __future__ import annotations

from devices.fields import folded

# What people write when there is none: it is no serial number, and two of them are not the same device.
_PLACEHOLDERS = frozenset(
    folded(word)
    for word in (
        "なし",
        "無し",
        "無",
        "不明",
        "未記入",
        "n/a",
        "none",
        "nil",
        "null",
        "unknown",
        "no serial",
        "tbd",
        "s/n",
    )
)


def is_placeholder(serial: str) -> bool:
    """Whether a text only says that there is no serial number: なし, n/a, 0000, ----."""
    word = folded(serial)
    return word == "" or word in _PLACEHOLDERS or len(set(word)) == 1


def serial_key(serial: str) -> str:
    """A serial number without case, width, spaces and dashes; "" for none."""
    return folded(serial)


def device_key(kind: str, model: str, serial: str) -> str:
    """The key of a device; "" when it has no serial number and so cannot be told from its like."""
    key = serial_key(serial)
    return f"{kind}:{folded(model)}:{key}" if key else ""
