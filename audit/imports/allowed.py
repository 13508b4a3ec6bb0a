"""What counts as the application: account, program and client together, as a versioned list.

The account of the application from another program or another machine is not the application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.reconciliation.names import account_key, name_key


@dataclass(frozen=True)
class Allowed:
    """One way in which the application reaches the database. "*" at the end of a word stands for anything."""

    account: str
    program: str
    client: str
    note: str = ""


class AllowList:
    """A version of the list."""

    def __init__(self, entries: Iterable[Mapping[str, str] | Allowed] = ()) -> None:
        self.entries = [entry if isinstance(entry, Allowed) else Allowed(**entry) for entry in entries]
        self._rules = [
            (account_key(entry.account), name_key(entry.program), name_key(entry.client))
            for entry in self.entries
        ]

    def passes(self, account: str, program: str, client: str) -> bool:
        """Whether an access is the application's."""
        seen = account_key(account), name_key(program), name_key(client)
        return any(all(map(_fits, rule, seen)) for rule in self._rules)


def _fits(rule: str, value: str) -> bool:
    return value.startswith(rule[:-1]) if rule.endswith("*") else value == rule
