"""The words in which tests/matrix/policies.py says who gets what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.world import ANONYMOUS, DEACTIVATED, EVERYBODY, NOBODY, PERSONAS, World

Names = frozenset[str]
Statuses = frozenset[int]

OK, FOUND, REFUSED, HIDDEN = 200, 302, 403, 404
WRONG_METHOD: Statuses = frozenset({405, 403})  # 403: refused before the method is looked at


def at(code: str, *roles: str) -> Names:
    """The personas of an organisation, of all roles unless some are named."""
    return frozenset(
        name
        for name in EVERYBODY
        if name.startswith(f"{code}:") and (not roles or name.split(":")[1] in roles)
    )


ALL: Names = frozenset(PERSONAS)
LOGGED_IN: Names = frozenset(EVERYBODY) | {NOBODY}
OUTSIDERS: Names = at("27") | at("maintenance") | {NOBODY, DEACTIVATED, ANONYMOUS}  # do not see federation 13
_READING = (
    Role.APPLICANT,
    Role.APPROVER,
    Role.SECURITY_OFFICER,
    Role.SECURITY_MANAGER,
    Role.OPERATOR,
    Role.AUDIT_REVIEWER,
    Role.AUDITOR,
)
READERS: Names = frozenset(name for name in EVERYBODY if name.split(":")[1] in _READING)  # of anything
READERS_OF_13: Names = READERS & (at("13") | at("central") | at("operations"))
APPLICANTS: Names = frozenset(name for name in EVERYBODY if name.endswith(":APPLICANT"))
OWNER: Names = at("13", Role.APPLICANT)
APPROVER: Names = at("13", Role.APPROVER)
OPERATOR: Names = at("operations", Role.OPERATOR)


@dataclass(frozen=True)
class Access:
    """The statuses that each persona gets; the first group that names the persona counts."""

    groups: tuple[tuple[Names, Statuses], ...]

    def expected(self, persona: str) -> Statuses:
        """What this persona must get; only asked for people who are logged in, or where anonymous people are named."""
        return next((statuses for names, statuses in self.groups if persona in names), frozenset())


def to(names: Names, *statuses: int) -> tuple[Names, Statuses]:
    """One group of an Access."""
    return names, frozenset(statuses)


def access(*groups: tuple[Names, Statuses], otherwise: int = HIDDEN) -> Access:
    """Groups in order; `otherwise` is for everybody else who is logged in."""
    return Access((*groups, to(LOGGED_IN, otherwise)))


EVERYONE_IN = access(to(LOGGED_IN, OK))


@dataclass(frozen=True)
class Policy:
    """The declared behaviour of one address."""

    get: Access | None = EVERYONE_IN
    post: Access | None = None
    kwargs: Callable[[World], dict[str, Any]] = lambda world: {}
    data: Callable[[World], dict[str, Any]] = lambda world: {}
    headers: Callable[[World], dict[str, str]] = lambda world: {}
