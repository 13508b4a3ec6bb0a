"""MAC and IP addresses as people and spreadsheets write them: one strict reading, one stored form (MAC-06).

What is not surely an address is refused with what to do; nothing is guessed. Values that a spreadsheet turned into a
number, a truth value or a date are no addresses any more: leading zeros are gone, and nobody can know how many.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import unicodedata
from typing import Any

from django.utils.translation import gettext as _

# What people write for a hyphen, a colon or a dot and NFKC leaves as it is; the long vowel mark comes from the Japanese keyboard.
_SIGNS = str.maketrans({**dict.fromkeys("ー‐‑‒–—―−ｰ─━", "-"), **dict.fromkeys("∶։ː", ":"), "・": "."})
_GROUPS = {(2,) * 6, (4,) * 3, (6,) * 2, (12,)}
_SEPARATOR = re.compile(r" ?[-:.] ?| ")
_SPACES = re.compile(r"\s+")
_EXPONENT = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d+")
_NO_HEX = re.compile(r"[^0-9a-fA-F]")
_FOUR_NUMBERS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_MULTICAST, _LOCAL = 0x01, 0x02
_LENGTH = 12

# Makers of virtual network cards: the whitelist is of PCs and printers that stand somewhere (T 2-39).
_VIRTUAL = ("00:05:69", "00:0c:29", "00:15:5d", "00:16:3e", "00:1c:14", "00:1c:42", "00:50:56", "08:00:27")


class AddressRefused(ValueError):
    """The value is no address that the whitelist takes. `code` is stable, `reason` a sentence that says what to do."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def parse_mac(value: Any) -> str:
    """A MAC address as it is stored, 00:11:22:aa:bb:cc. Raises AddressRefused.

    Locally administered addresses are read; whether one is accepted is not told by the address (`is_local`).
    """
    text = _text(value, _("the MAC address"))
    if not text:
        raise AddressRefused("empty", _("Enter the MAC address."))
    digits = "".join(_groups(text)).lower()
    mac = ":".join(digits[at : at + 2] for at in range(0, _LENGTH, 2))
    if set(digits) == {"0"}:
        raise AddressRefused("zero", _("A MAC address of zeros only is no address. Read it from the device."))
    if set(digits) == {"f"}:
        raise AddressRefused("broadcast", _("This is the broadcast address, not the address of a device."))
    if int(digits[:2], 16) & _MULTICAST:
        text = _(
            "This is a multicast address, not the address of a device. Read the address from the device."
        )
        raise AddressRefused("multicast", text)
    return mac


def is_local(mac: str) -> bool:
    """Whether a stored MAC address is locally administered: made up by software, often at random (MAC-06)."""
    return bool(int(mac[:2], 16) & _LOCAL)


def is_virtual(mac: str) -> bool:
    """Whether the address belongs to a virtual network card."""
    return mac.startswith(_VIRTUAL)


def shown_mac(mac: str) -> str:
    """As the guard's screen shows it (図2-13): 00:11:22:AA:BB:CC."""
    return mac.upper()


def parse_ip(value: Any) -> str:
    """An IPv4 address as it is stored, 10.13.20.5. Raises AddressRefused."""
    text = _text(value, _("the IP address")).replace(" ", "")
    if not text:
        raise AddressRefused("empty", _("Enter the IP address."))
    if "/" in text:
        raise AddressRefused("network", _("Enter the address of one device, without /24 or the like."))
    if not _FOUR_NUMBERS.fullmatch(text):
        raise AddressRefused("not_ip", _("Enter four numbers with dots between them, such as 10.13.20.5."))
    parts = text.split(".")
    if any(len(part) > 1 and part.startswith("0") for part in parts):
        text = _("Write the numbers without leading zeros: %(address)s.")
        address = ".".join(str(int(part)) for part in parts)
        raise AddressRefused("leading_zero", text % {"address": address})
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        text = _("Each of the four numbers is between 0 and 255.")
        raise AddressRefused("out_of_range", text) from error


def _text(value: Any, what: str) -> str:
    """The value as one line in half-width signs. Anything but a text is a trap of a spreadsheet."""
    if value is None:
        return ""
    if isinstance(value, bool):
        text = _("A yes or no stands where %(what)s belongs. Enter it as text.")
        raise AddressRefused("boolean", text % {"what": what})
    if isinstance(value, int | float):
        text = _(
            "The spreadsheet made a number of %(what)s; leading zeros may be lost. Format the cell as text and enter it again."
        )
        raise AddressRefused("number", text % {"what": what})
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        text = _("The spreadsheet made a date of %(what)s. Format the cell as text and enter it again.")
        raise AddressRefused("date", text % {"what": what})
    if not isinstance(value, str):
        raise AddressRefused("not_text", _("Enter %(what)s as text.") % {"what": what})
    folded = unicodedata.normalize("NFKC", value.translate(_SIGNS)).translate(_SIGNS)
    return _SPACES.sub(" ", folded).strip()


def _groups(text: str) -> list[str]:
    """The groups of digits of a MAC address; only the usual groupings, so that nothing is filled up or left out."""
    if _EXPONENT.fullmatch(text) and ("." in text or "+" in text):
        sentence = _(
            "The spreadsheet shortened the address to a number (%(text)s); its digits are lost. Format the cell as text and enter it again."
        )
        raise AddressRefused("exponent", sentence % {"text": text})
    groups = _SEPARATOR.split(text)
    digits = "".join(groups)
    if strange := "".join(dict.fromkeys(_NO_HEX.findall(digits))):
        raise AddressRefused("strange", _strange(strange))
    if len(digits) != _LENGTH:
        raise AddressRefused(*_wrong_length(digits, groups))
    if tuple(map(len, groups)) not in _GROUPS:
        sentence = _("Write the 12 digits in pairs, such as 00-11-22-AA-BB-CC, each pair with both digits.")
        raise AddressRefused("grouping", sentence)
    return groups


def _strange(characters: str) -> str:
    if any(c in "OoIl" for c in characters):
        return _(
            "A MAC address has the digits 0 to 9 and the letters A to F. Is this the letter O for 0, or I for 1? Found: %(characters)s"
        ) % {"characters": characters}
    return _(
        "A MAC address has only the digits 0 to 9 and the letters A to F. These characters cannot be used: %(characters)s"
    ) % {"characters": characters}


def _wrong_length(digits: str, groups: list[str]) -> tuple[str, str]:
    count = len(digits)
    if count < _LENGTH and len(groups) == 1 and digits.isdecimal():
        return "lost_zeros", _(
            "A MAC address has 12 digits (here %(count)d). A spreadsheet may have dropped leading zeros: read the address from the device and enter it as text."
        ) % {"count": count}
    if count == 16:
        return "eui64", _("This has 16 digits (EUI-64). Enter the MAC address with 12 digits.")
    return "length", _("A MAC address has 12 digits (here %(count)d).") % {"count": count}
