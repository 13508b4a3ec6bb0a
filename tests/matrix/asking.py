"""Who is asked at an address: everybody whose role opens it, alone; those who are refused, together.

What opens a door is a role that one has, never one that one lacks: `User.may` is an `any` over the memberships, a scope their
union. So a person of an organisation who holds all the roles that a policy refuses alike, and is refused like that, shows
it for each of these roles; with one role that opens the door the person would be in. Whoever a role lets in is asked with
this role and no other. So are those whom something else than a role keeps out, or might let in: federation 13's things were
applied for, decided and confirmed by two of the personas.

By the same reasoning an address that is open to everybody is asked twice for each organisation: by a person without any
role, who shows that none is needed, and by one with all of them, who sees the most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.test import Client

from portal.orgs.models import Membership
from tests import factories
from tests.matrix.access import HIDDEN, OUTSIDERS, REFUSED, Access, Statuses
from tests.matrix.world import ANONYMOUS, DEACTIVATED, NOBODY, PERSONAS, World

# What has no handler for a method refuses everybody alike: that is not asked 34 times.
_SAMPLE = ("13:APPLICANT", "27:APPLICANT", ANONYMOUS)
# Something in the world is theirs, or no role is what keeps them out.
_ALONE = frozenset({"13:APPLICANT", "13:APPROVER", NOBODY, DEACTIVATED, ANONYMOUS})
_KEEPS_OUT = frozenset({REFUSED, HIDDEN})


@dataclass(frozen=True)
class Asked:
    """One who is asked: a persona, or several of one organisation in one person, or what they are without a role."""

    personas: tuple[str, ...]
    without_roles: bool = False

    def __str__(self) -> str:
        return ("nobody, neither " if self.without_roles else "") + " + ".join(self.personas)

    @property
    def persona(self) -> str:
        """Any of them: the policy says the same about all."""
        return self.personas[0]

    @property
    def is_outsider(self) -> bool:
        """Whether they see nothing of federation 13."""
        return self.persona in OUTSIDERS

    def browser(self, world: World) -> Client:
        """Where they are logged in. Several roles are given here: within the transaction of the one request."""
        if len(self.personas) == 1:
            return world.browsers[self.persona]
        code = self.persona.split(":")[0]
        if self.without_roles:
            return world.browsers_of_several[code]
        values = {"organisation": factories.organisation(code), "valid_from": factories.LONG_AGO}
        Membership.system.bulk_create(
            Membership(user=world.of_several[code], role=persona.split(":")[1], **values)
            for persona in self.personas
        )
        return world.browsers_of_several[code]


def everybody(access: Access | None) -> Iterator[Asked]:
    """All who are asked at an address with this policy; None: it has no such method."""
    if access is None:
        yield from (Asked((persona,)) for persona in _SAMPLE)
        return
    without_a_role = access.expected(NOBODY)
    together: dict[tuple[str, Statuses], list[str]] = {}
    for persona in PERSONAS:
        code, statuses = persona.split(":")[0], access.expected(persona)
        if persona not in _ALONE and (statuses <= _KEEPS_OUT or statuses == without_a_role):
            together.setdefault((code, statuses), []).append(persona)
        else:
            yield Asked((persona,))
    for (_code, statuses), personas in together.items():
        yield Asked(tuple(personas))
        if len(personas) > 1 and not statuses <= _KEEPS_OUT:
            yield Asked(tuple(personas), without_roles=True)
