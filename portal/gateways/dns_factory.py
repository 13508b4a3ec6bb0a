"""The DNS of this process, made once from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from portal.gateways.directory_factory import directory_settings, service_guards
from portal.gateways.dns import Dns

if TYPE_CHECKING:
    from portal.gateways._ldap3_connection import Guard, LdapSettings

AD, RFC2136 = "ad", "rfc2136"


@cache
def get_dns() -> Dns:
    """The DNS that `settings.DNS` names. Does not connect before the first operation."""
    # The guard minds the account of the directory; another account is not locked by the tries of this one.
    guards = [] if settings.DNS["bind_dn"] else service_guards()
    return make_dns(settings.DNS, directory_settings(settings.DIRECTORY), *guards)


def make_dns(options: Mapping[str, Any], directory: LdapSettings, guard: Guard | None = None) -> Dns:
    """A DNS of its own from options like those of `settings.DNS`. Raises ValueError for options that cannot work."""
    common = {
        "zones": tuple(zone.lower() for zone in options["zones"]),
        "protected": tuple(options["protected"]),
        "timeout": options["timeout"],
    }
    servers = tuple(options["servers"])
    # Each with what it needs: dnspython takes 5 MB, in processes too that never ask a DNS server.
    if options["backend"] == RFC2136:
        from portal.gateways.dns_rfc2136 import Rfc2136Dns, UpdateSettings

        return Rfc2136Dns(
            UpdateSettings(
                servers=servers,
                server=options["update_server"],
                key_name=options["key_name"],
                key_secret=options["key_secret"],
                key_algorithm=options["key_algorithm"],
                domain=directory.domain,
                **common,
            )
        )
    if options["backend"] != AD:
        raise ValueError(f"DNS_BACKEND is {AD} or {RFC2136}, not {options['backend']!r}")
    from portal.gateways.dns_ldap3 import AdDns, AdDnsSettings

    if options["bind_dn"]:
        directory = directory.as_account(options["bind_dn"], options["bind_password"])
    return AdDns(AdDnsSettings(directory=directory, servers=servers, **common), guard)


def reset_dns() -> None:
    """Forget it, for tests that change the settings: the next call makes another one."""
    if get_dns.cache_info().currsize:
        get_dns().close()
    get_dns.cache_clear()
