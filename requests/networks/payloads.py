"""What one line of an application for a segment says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

KIND, TARGET = "requests.network", "network_plan"


class Action(TextChoices):
    """What shall happen."""

    TAKE = "TAKE", _("a new segment")
    GIVE_BACK = "GIVE_BACK", _("give a segment back")


@dataclass(frozen=True, kw_only=True)
class NetworkLine:
    """TAKE: a segment of `size` network bits for `use`, from the day `on`. GIVE_BACK: `network`, whose last day is `on`."""

    action: str
    on: str  # ISO date
    use: str = ""
    size: int = 0
    purpose: str = ""
    network: str = ""

    @property
    def day(self) -> date:
        """`on` as a date."""
        return date.fromisoformat(self.on)
