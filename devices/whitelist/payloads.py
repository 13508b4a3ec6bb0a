"""What one line of an application for the whitelist says. JSON values only: the engine stores them as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Action(TextChoices):
    """What shall happen to an entry."""

    ADD = "ADD", _("new entry")
    REPLACE = "REPLACE", _("replaces an entry")
    REMOVE = "REMOVE", _("entry removed")


@dataclass(frozen=True, kw_only=True)
class WhitelistLine:
    """One entry that comes, takes another one's place, or goes (MAC-01, MAC-06).

    ADD: `computer` gets `mac` and `ip`. REPLACE: the same, and the entry of `old_mac` ends in the same moment.
    REMOVE: the entry of `mac` ends; `computer` and `ip` say which it was when it was applied for.
    """

    action: str
    computer: str
    mac: str
    ip: str = ""
    old_mac: str = ""
    valid_until: str = ""  # ISO day; "": without an end

    @property
    def last_day(self) -> date | None:
        """The last day on which the entry holds."""
        return date.fromisoformat(self.valid_until) if self.valid_until else None

    @property
    def ends(self) -> str:
        """The MAC address whose entry ends by this line; "" when none does."""
        return {Action.REPLACE: self.old_mac, Action.REMOVE: self.mac}.get(Action(self.action), "")
