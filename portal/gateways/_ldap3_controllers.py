"""Each domain controller by itself: which there are, and what only it knows (lastLogon is not replicated)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import ldap3
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.utils.conv import escape_bytes

from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import (
    Guard,
    LdapSettings,
    Reply,
    connect_as_service,
    discard,
    make_reply,
)
from portal.gateways.directory import DirectoryUnavailable

# The groups of domain controllers and of read-only ones: their well-known numbers.
CONTROLLERS = "(&(objectClass=computer)(|(primaryGroupID=516)(primaryGroupID=521)))"
# A filter of this many GUIDs is far below what AD takes, and one answer stays below its page of 1,000.
_BATCH = 200


def addresses(settings: LdapSettings, found: Callable[[], Reply]) -> Sequence[str]:
    """Where the domain controllers are: as set, else as the domain names them (`found`), else as for everything."""
    if settings.dc_urls:
        return settings.dc_urls
    raw = [
        {name.lower(): texts for name, texts in item["raw_attributes"].items()} for item in found().entries
    ]
    hosts = {bytes(item["dnshostname"][0]).decode().lower() for item in raw if item.get("dnshostname")}
    return tuple(f"ldaps://{host}:636" for host in sorted(hosts)) or settings.urls


def last_logons(
    settings: LdapSettings, guard: Guard, url: str, guids: Sequence[UUID]
) -> dict[UUID, datetime | None]:
    """lastLogon of those accounts that this controller has. Raises DirectoryUnavailable, also for half an answer."""
    found = ask(settings, guard, url, guids, ["lastLogon"])
    return {guid: values.from_filetime(int(raw.get("lastlogon", b"0"))) for guid, raw in found.items()}


def ask(
    settings: LdapSettings, guard: Guard, url: str, guids: Sequence[UUID], attributes: list[str]
) -> dict[UUID, dict[str, bytes]]:
    """Single values, by lower-case name, as this one controller has them. Raises as `last_logons`."""
    connection, _ = connect_as_service(settings, guard, [url])
    try:
        return {
            guid: found
            for start in range(0, len(guids), _BATCH)
            for guid, found in _ask(settings, connection, url, guids[start : start + _BATCH], attributes)
        }
    finally:
        discard(connection)


def _ask(
    settings: LdapSettings,
    connection: ldap3.Connection,
    url: str,
    guids: Sequence[UUID],
    attributes: list[str],
) -> Iterator[tuple[UUID, dict[str, bytes]]]:
    terms = "".join(f"(objectGUID={escape_bytes(guid.bytes_le)})" for guid in guids)
    query = values.account_filter(f"(|{terms})")
    try:
        reply = make_reply(connection.search(settings.base_dn, query, attributes=["objectGUID", *attributes]))
    except (LDAPExceptionError, OSError) as error:
        raise DirectoryUnavailable(f"{url}: {error}", code=type(error).__name__) from None
    if not reply.ok:
        refused = errors.write_error(reply)
        raise DirectoryUnavailable(f"{url}: {refused.message}", code=refused.code)
    for item in reply.entries:
        raw = {name.lower(): bytes(found[0]) for name, found in item["raw_attributes"].items() if found}
        yield UUID(bytes_le=raw["objectguid"]), raw
