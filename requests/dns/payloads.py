"""What one line of a DNS ticket says. JSON values only: the engine stores them as they are."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.gateways.dns import RecordType


class Action(TextChoices):
    """What shall happen to a record."""

    ADD = "ADD", _("add")
    CHANGE = "CHANGE", _("change")
    DELETE = "DELETE", _("delete")


ADDRESS_TYPES = frozenset({RecordType.A.value, RecordType.AAAA.value})


@dataclass(frozen=True, kw_only=True)
class DnsLine:
    """One record that comes, changes or goes (REQ-05).

    ADD: `value` comes to `name`. CHANGE: `value` takes the place of `old_value`; the same value is a change of the TTL.
    DELETE: `value` goes. `ttl` 0 leaves the TTL as it is; a record set has one TTL, so it counts for all its records.
    `with_ptr`: the PTR record of the address follows.
    """

    action: str
    type: str
    name: str
    value: str
    old_value: str = ""
    ttl: int = 0
    with_ptr: bool = False

    @property
    def comes(self) -> str:
        """The value that is there afterwards; "" in a deletion."""
        return "" if self.action == Action.DELETE else self.value

    @property
    def goes(self) -> str:
        """The value that is gone afterwards; "" when none is."""
        if self.action == Action.DELETE:
            return self.value
        return self.old_value if self.old_value != self.value else ""

    @property
    def moving_addresses(self) -> tuple[str, ...]:
        """The addresses whose PTR follows, the one that goes first."""
        wanted = self.with_ptr and self.type in ADDRESS_TYPES and self.goes != self.comes
        return tuple(filter(None, (self.goes, self.comes))) if wanted else ()
