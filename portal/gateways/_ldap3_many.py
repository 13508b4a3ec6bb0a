"""Questions about many names at once: one search for a hundred of them, in pages. Private to the adapter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any
from uuid import UUID

from ldap3.utils.conv import escape_bytes

from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import KeptConnection
from portal.gateways._ldap3_scanning import pages
from portal.gateways.directory import DirectoryEntry

# AD takes thousands of terms; its time grows with them, and so does what one lost page has to read again.
NAMES_PER_SEARCH = 100


def login_names_in_use(
    kept: KeptConnection, base: str, login_names: Collection[str], principal_name: Callable[[str], str]
) -> set[str]:
    """See Directory.login_names_in_use."""
    wanted = {name.lower() for name in login_names}
    terms = [
        values.equals("sAMAccountName", name) + values.equals("userPrincipalName", principal_name(name))
        for name in sorted(wanted)
    ]
    found: set[str] = set()
    for item in items(kept, base, terms, "(|{})", ["sAMAccountName", "userPrincipalName"]):
        found |= {
            text.lower() for name in ("sAMAccountName", "userPrincipalName") for text in _texts(item, name)
        }
    return {name for name in wanted if name in found or principal_name(name).lower() in found}


def group_addresses(kept: KeptConnection, base: str, mails: Collection[str]) -> frozenset[str]:
    """See Directory.group_addresses."""
    wanted = {mail.lower() for mail in mails}
    terms = [
        values.equals("mail", mail) + values.equals("proxyAddresses", f"smtp:{mail}")
        for mail in sorted(wanted)
    ]
    found: set[str] = set()
    for item in items(kept, base, terms, "(&(objectClass=group)(|{}))", ["mail", "proxyAddresses"]):
        found |= {text.lower() for text in _texts(item, "mail")}
        found |= {text.lower().removeprefix("smtp:") for text in _texts(item, "proxyAddresses")}
    return frozenset(wanted & found)


def find_accounts(
    kept: KeptConnection, base: str, marker: str, attribute: str, wanted: Collection[str | UUID]
) -> list[DirectoryEntry]:
    """The accounts below `base` that have one of these values."""
    terms = [
        guid_term(value) if isinstance(value, UUID) else values.equals(attribute, value)
        for value in sorted(wanted, key=str)
    ]
    query = values.account_filter("(|{})")
    return [
        values.parse_entry(item, marker)
        for item in items(kept, base, terms, query, values.read_attributes(marker))
    ]


def guid_term(guid: UUID) -> str:
    """The filter term for one objectGUID."""
    return f"(objectGUID={escape_bytes(guid.bytes_le)})"


def items(
    kept: KeptConnection, base: str, terms: list[str], query: str, attributes: list[str]
) -> Iterator[dict[str, Any]]:
    """What meets one of the terms, each in place of the {} of the query."""
    for start in range(0, len(terms), NAMES_PER_SEARCH):
        part = query.replace("{}", "".join(terms[start : start + NAMES_PER_SEARCH]))
        for reply in pages(kept, base, part, attributes):
            yield from reply.entries


def _texts(item: dict[str, Any], name: str) -> list[str]:
    found: list[bytes] = next(
        (v for key, v in item["raw_attributes"].items() if key.lower() == name.lower()), []
    )
    return [bytes(value).decode("utf-8", "replace") for value in found]
