"""Which machines the guard covers at all (MAC-01, MAC-05). The wording is that of T 2-39, T 2-43 and CNS ⑤(e)."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from devices.computers.models import Agent, Computer, Segment


def uncovered_reason(computer: Computer, day: date) -> str:
    """Why this machine gets no entry on that day; "" when it can have one."""
    kind, system, segment = computer.kind, computer.operating_system, computer.segment
    if not kind.is_guarded:
        return _("%(kind)s: the guard covers client PCs and printers only (T 2-39).") % {"kind": kind.name}
    in_own = segment is not None and segment.purpose == Segment.Purpose.OWN_SYSTEM
    if computer.business_system.is_own or in_own:
        return _("The machine belongs to a 独自処理システム. The guard does not cover it (CNS ⑤(e)).")
    if kind.has_system and (system is None or not system.takes_devices or not system.is_valid_on(day)):
        name = system.name if system else _("(none)")
        return _("%(system)s does not pass the quarantine check (T 2-43 no. 1).") % {"system": name}
    return ""


def lacks_agent(computer: Computer) -> bool:
    """Whether the guard cuts it off although it is permitted: a PC without the quarantine agent (MAC-03)."""
    return computer.kind.has_system and Agent.QUARANTINE not in computer.agents
