"""The directory of this process, made once from the settings. ldap3 is loaded when it is asked for: most processes never do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from portal.gateways.directory import Directory

if TYPE_CHECKING:
    from portal.gateways._ldap3_connection import Guard, LdapSettings

_guards: list[Guard] = []


def guard_by(guard: Guard) -> None:
    """Whom the directory of this process asks before it signs in as the service account; told once, when apps are ready."""
    _guards[:] = [guard]


@cache
def get_directory() -> Directory:
    """The directory that `settings.DIRECTORY` names. Does not connect before the first operation."""
    return make_directory(settings.DIRECTORY, *_guards)


def make_directory(options: Mapping[str, Any], guard: Guard | None = None) -> Directory:
    """A directory of its own from options like those of `settings.DIRECTORY`.

    Raises ValueError for an address without TLS and TypeError for an unknown option.
    """
    from portal.gateways.directory_ldap3 import Ldap3Directory

    return Ldap3Directory(directory_settings(options), guard)


def directory_settings(options: Mapping[str, Any]) -> LdapSettings:
    """Options like those of `settings.DIRECTORY`, checked. Raises as `make_directory` does."""
    from portal.gateways._ldap3_connection import LdapSettings

    lists = {name: tuple(options.get(name, ())) for name in ("urls", "dc_urls")}
    return LdapSettings(**{**options, **lists})


def service_guards() -> list[Guard]:
    """Whom `guard_by` named: one or nobody."""
    return list(_guards)


def reset_directory() -> None:
    """Forget the directory, for tests that change the settings: the next call makes another one."""
    if get_directory.cache_info().currsize:
        get_directory().close()
    get_directory.cache_clear()
