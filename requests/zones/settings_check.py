"""What of settings.DNS cannot work, told at the start and not at the first ticket (REQ-05)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from portal.gateways.directory_factory import directory_settings
from portal.gateways.dns_factory import make_dns


def settings_of_dns(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An unknown backend, addresses that are none, a key that is incomplete, times that are none. Connects to nothing."""
    options = settings.DNS
    errors: list[CheckMessage] = []
    try:
        make_dns(options, directory_settings(settings.DIRECTORY)).close()
    except ValueError as error:
        errors.append(Error(f"settings.DNS: {error}.", id="change_requests.E001"))
    if options["timeout"] <= 0 or options["proof_seconds"] <= 0:
        text = "DNS_TIMEOUT and DNS_PROOF_SECONDS are seconds, 1 or more."
        errors.append(Error(text, id="change_requests.E002"))
    return errors
