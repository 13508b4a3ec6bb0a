"""What a record says of each subject: its parts before and after, and the equipment that it can be about."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from requests.own_changes.models import Subject

# T 2-4: the switches of a federation.
SWITCHES: Sequence[str] = (
    *(f"連合会サーバL2SW#{n}" for n in (1, 2)),
    *(f"連合会DMZL2SW#{n}" for n in (1, 2)),
    *(f"連合会関係機関L2SW#{n}" for n in (1, 2)),
    *(f"連合会クライアントL2SW#{n}" for n in (1, 2, 3, 4)),
    *(f"連合会運用クライアントL2SW#{n}" for n in (1, 2)),
)
# T 2-25: the firewalls that stand before a 独自処理システム.
FIREWALLS: Sequence[str] = ("連合会独自向けFW（仮想）", *(f"連合会関係機関向けFW#{n}" for n in (1, 2)))
EQUIPMENT: Mapping[str, Sequence[str]] = {Subject.L2SW: SWITCHES, Subject.POLICY: FIREWALLS}

PARTS: Mapping[str, Mapping[str, Any]] = {
    Subject.L2SW: {"vlan": _("VLAN"), "device": _("Connected device"), "setting": _("Other settings")},
    Subject.POLICY: {
        "source": _("Source"),
        "destination": _("Destination"),
        "service": _("Protocol and port"),
        "action": _("Permit or deny"),
        "setting": _("Other settings"),
    },
}
LENGTHS: Mapping[str, int] = {
    "device": 100,
    "source": 200,
    "destination": 200,
    "service": 200,
    "action": 20,
    "setting": 300,
}
PREFIXES: Mapping[str, str] = {Subject.L2SW: "SW", Subject.POLICY: "FW"}


def item_key(text: str) -> str:
    """A port or policy without width, case and spaces: two that differ in these only are one."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())[:60]


def in_words(subject: str, values: Mapping[str, str]) -> str:
    """One side of a change in one line; "" for nothing set up."""
    return " / ".join(
        f"{label}: {values[name]}" for name, label in PARTS[subject].items() if values.get(name)
    )
