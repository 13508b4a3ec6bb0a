"""Where a request comes from, and under which name a login counts."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal.common.text import ascii_identifier


def client_ip(request: HttpRequest, *args: Any) -> str | None:
    """The address of the client; None when there is none (a unix socket without a proxy header).

    `X-Forwarded-For` is believed only when the connection comes from one of TRUSTED_PROXIES (or from a unix socket that
    is named there as "unix"), and only its last entry: the one that our own proxy wrote.
    """
    peer = request.META.get("REMOTE_ADDR") or "unix"
    if peer in settings.TRUSTED_PROXIES:
        peer = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(peer))
    except ValueError:
        return None


def axes_client_ip(request: HttpRequest) -> str:
    """The address as axes counts it; a request without one counts as coming from this machine."""
    return client_ip(request) or "127.0.0.1"


def axes_username(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The login name as axes counts it: without regard to case and width, as AD compares it."""
    given = (credentials or {}).get("username") or request.POST.get("login", "")
    return ascii_identifier(str(given)).casefold()[:255]
