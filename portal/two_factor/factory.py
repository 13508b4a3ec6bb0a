"""The two-factor system of this installation, as the settings name it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from portal.gateways.exchange_folder import ExchangeFolder
from portal.gateways.two_factor import TwoFactor

EXCHANGE, SCIM = "exchange", "scim"


def is_in_use() -> bool:
    """Whether this installation has a two-factor system; without one kinds have no operation at it (ACC-05)."""
    return bool(settings.TWO_FACTOR["adapter"])


def uses_exchange() -> bool:
    """Whether it is reached through files in a folder."""
    return bool(settings.TWO_FACTOR["adapter"] == EXCHANGE)


def get_two_factor() -> TwoFactor:
    """The adapter that `settings.TWO_FACTOR` names. Raises ValueError for an unknown one or none."""
    from portal.two_factor.exchange import ExchangeTwoFactor

    options: dict[str, Any] = settings.TWO_FACTOR
    if options["adapter"] == EXCHANGE:
        return ExchangeTwoFactor()
    if options["adapter"] == SCIM:
        from portal.gateways.two_factor_scim import scim_two_factor

        return scim_two_factor(options)
    raise ValueError(f"unknown two-factor adapter {options['adapter']!r}")


def exchange_folder() -> ExchangeFolder:
    """The folder of the exchange."""
    return ExchangeFolder(Path(settings.TWO_FACTOR["folder"]))
