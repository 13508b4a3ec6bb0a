"""Labels to stick on devices: the device number as a QR code and in letters, 24 on a sheet of A4 (DEV-07)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import qrcode
from qrcode.util import MODE_ALPHA_NUM, QRData

from devices.permits.models import Device

MOST = 240  # ten sheets of one print
_BORDER = 4  # modules of white around it: less is against ISO/IEC 18004


@dataclass(frozen=True, kw_only=True)
class Label:
    """One label. `path` draws the black modules in a square of `size` modules."""

    number: str
    name: str
    organisation: str
    path: str
    size: int


def matrix(number: str) -> Sequence[Sequence[bool]]:
    """The modules of a QR code that holds the number and nothing else, so that a scanner types just that."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=_BORDER)
    code.add_data(QRData(number.encode("ascii"), mode=MODE_ALPHA_NUM))
    code.make(fit=True)
    found: Sequence[Sequence[bool]] = code.get_matrix()
    return found


def path_of(modules: Sequence[Sequence[bool]]) -> str:
    """An SVG path of one square for each black module."""
    return "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(modules) for x, black in enumerate(row) if black
    )


def labels(devices: Iterable[Device]) -> list[Label]:
    """The labels of these devices."""
    found = []
    for device in devices:
        modules = matrix(device.number)
        found.append(
            Label(
                number=device.number,
                name=f"{device.maker} {device.model}",
                organisation=device.organisation.short_name,
                path=path_of(modules),
                size=len(modules),
            )
        )
    return found
