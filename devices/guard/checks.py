"""Looked at before the portal starts: settings of the guard that would cut people off (MAC-07)."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from devices.guard.factory import INTERFACE

_FEDERATION = re.compile(r"0[1-9]|[1-3][0-9]|4[0-7]|staging")  # ORG-01


def settings_of_the_guard(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Codes that no federation has would make a list without entries; a wrong interface cuts the way up."""
    chosen = settings.GUARD
    errors: list[CheckMessage] = [
        Error(
            f"GUARD_NFTABLES_ORGANISATIONS: {code!r} is the code of no federation (01 to 47, staging).",
            id="guard.E001",
        )
        for code in chosen["nftables_organisations"]
        if not _FEDERATION.fullmatch(code)
    ]
    errors += [
        Error(f"GUARD_NFTABLES_UPLINKS: {name!r} is no name of an interface.", id="guard.E002")
        for name in chosen["nftables_uplinks"]
        if not INTERFACE.fullmatch(name)
    ]
    if not 1 <= chosen["mass_percent"] <= 100 or chosen["mass_entries"] < 1:
        text = "GUARD_MASS_REMOVAL_PERCENT is 1 to 100, GUARD_MASS_REMOVAL_ENTRIES 1 or more."
        errors.append(Error(text, id="guard.E003"))
    return errors
