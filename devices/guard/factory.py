"""The guards of this installation, from the settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.gateways.guard import FolderGuard, Guard
from portal.gateways.guard_nftables import NftablesGuard
from portal.gateways.guard_radius import RadiusGuard

LABELS = {
    "folder": _("File for the guard's product"),
    "radius": _("FreeRADIUS"),
    "nftables": _("nftables"),
    "pull": _("Fetching over REST"),
}
INTERFACE = re.compile(r"^[A-Za-z0-9_.\-]{1,15}$")


def guards() -> list[Guard]:
    """Every guard that the settings name; none where the list is only pulled."""
    chosen: dict[str, Any] = settings.GUARD
    found: list[Guard] = []
    if chosen["folder_file"]:
        found.append(FolderGuard(path=Path(chosen["folder_file"]), check_command=chosen["folder_check"]))
    if chosen["radius_file"]:
        found.append(
            RadiusGuard(
                path=Path(chosen["radius_file"]),
                staged_path=Path(chosen["radius_checked_file"] or f"{chosen['radius_file']}.new"),
                check_command=chosen["radius_check"],
                reload_command=chosen["radius_reload"],
                server=chosen["radius_server"],
                secret=chosen["radius_secret"],
                patience=chosen["radius_patience"],
            )
        )
    if chosen["nftables_file"]:
        found.append(NftablesGuard(path=Path(chosen["nftables_file"]), command=chosen["nftables_command"]))
    return found


def nftables_organisations() -> list[str]:
    """The codes of the organisations that the nftables guard stands before; none named: all."""
    return list(settings.GUARD["nftables_organisations"])


def nftables_uplinks() -> Sequence[str]:
    """The interfaces from which everything passes. What is no name of an interface is left out."""
    return [name for name in settings.GUARD["nftables_uplinks"] if INTERFACE.fullmatch(name)]
