"""Entries of a search as bytes only. Private to the directory adapter.

ldap3 makes two dictionaries that fold the case of names for each entry, and text of every value, copies it all once more, and reads 4 KB
at a time from TLS records of 16 KB: for thousands of accounts that takes as long as the domain controller does. The adapter wants bytes.
"""

from __future__ import annotations

from typing import Any

import ldap3

_ENTRY = 4  # the protocol operation SearchResultEntry (RFC 4511)
_TLS_RECORD = 16 * 1024


class _Entry(dict[str, Any]):
    """One search result. Nobody changes it, so whoever copies it gets itself."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Entry:
        return self


def read_bytes_only(connection: ldap3.Connection) -> None:
    """Let entries of this connection have `dn` and `raw_attributes`, and nothing else beside their type."""
    strategy = connection.strategy
    others = strategy.decode_response_fast

    def decode(message: dict[str, Any]) -> dict[str, Any]:
        if message["protocolOp"] != _ENTRY or message["controls"]:
            return others(message)  # type: ignore[no-any-return]
        name, attributes = (part[3] for part in message["payload"])
        raw = {each[0][3].decode(): [value[3] for value in each[1][3]] for each in (a[3] for a in attributes)}
        return _Entry(type="searchResEntry", dn=name.decode("utf-8", "replace"), raw_attributes=raw)

    strategy.decode_response_fast = decode
    strategy.socket_size = _TLS_RECORD
