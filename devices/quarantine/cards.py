"""What the page of a machine shows of its quarantine result."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from devices.computers.models import Computer
from devices.quarantine import selectors
from devices.quarantine.tables import grace_text
from portal.orgs.models import User


def card_of(user: User, computer: Computer) -> dict[str, Any]:
    """For templates/devices/_quarantine_card.html."""
    found = selectors.status_of(computer)
    return {
        "quarantine": found,
        "graces": [grace_text(grace) for grace in found.graces(timezone.now())] if found else [],
        "quarantine_events": selectors.history_of(user, computer)[:10] if found else [],
    }
