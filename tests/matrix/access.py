"""The words in which tests/matrix/policies says who gets what.

The roles are written out on purpose: these words must not follow a mistake in portal/orgs/permissions.py.
"""

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
OFFICER: Names = at("13", Role.SECURITY_OFFICER)
OPERATOR: Names = at("operations", Role.OPERATOR)
FOLLOWERS: Names = at("operations", Role.OPERATOR, Role.AUDITOR)
IN_SCOPE: Names = at("13") | at("central") | at("operations")  # what belongs to 13 exists for them


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


def by_operator(*statuses: int) -> Access:
    """For operators only."""
    return access(to(OPERATOR, *statuses), otherwise=REFUSED)


def acting_for_13(names: Names, *statuses: int) -> Access:
    """A step about something of 13: who reads it is refused, whoever reads other things does not find it."""
    return access(to(names, *statuses), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED)


EVERYONE_IN = access(to(LOGGED_IN, OK))
PUBLIC = access(to(ALL, OK))
READ_LIST = access(to(READERS, OK), otherwise=REFUSED)  # each sees the own rows
READ_13 = access(to(READERS_OF_13, OK), to(READERS, HIDDEN), otherwise=REFUSED)
READ_OPERATIONS = access(to(FOLLOWERS, OK), otherwise=REFUSED)


@dataclass(frozen=True)
class Policy:
    """The declared behaviour of one address."""

    get: Access | None = EVERYONE_IN
    post: Access | None = None
    kwargs: Callable[[World], dict[str, Any]] = lambda world: {}
    data: Callable[[World], dict[str, Any]] = lambda world: {}
    headers: Callable[[World], dict[str, str]] = lambda world: {}
