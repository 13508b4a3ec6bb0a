"""From a ticket and what Active Directory holds to the settings object that shall be there (REQ-03)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from portal.gateways.directory_policies import (
    PasswordSettings,
    SettingsReason,
    WantedSettings,
    refusals,
)
from requests.password_settings import effects
from requests.password_settings.known import base_rules, longer, setting, target_group
from requests.password_settings.lookups import Seen
from requests.password_settings.payloads import StartLifetime

PLANNED = "planned"  # in place of the operation, while there is none


def new_settings(line: StartLifetime, seen: Seen, marker: str = PLANNED, number: str = "") -> WantedSettings:
    """The object of a ticket. Raises ValueError when the lifetime is not longer or the accounts are under several policies."""
    base = base_rules(seen, for_group=bool(line.group))
    if base is None:
        raise ValueError("several policies")
    return WantedSettings(
        name=line.full_name,
        precedence=effects.next_precedence(seen.survey, setting("first_precedence")),
        rules=longer(base, line.lifetime_days),
        marker=marker,
        accounts=frozenset() if line.group else frozenset(a.guid for a in seen.accounts),
        group_dn=seen.group.dn if seen.group else "",
        description=describe(number, line.last_day),
    )


def extended(
    held: PasswordSettings, until: date, days: int, marker: str = PLANNED, number: str = ""
) -> WantedSettings:
    """The object as it is, with another last day and, unless 0, another lifetime."""
    rules = replace(held.rules, maximum_age=timedelta(days=days)) if days else held.rules
    group = target_group(held)
    return WantedSettings(
        name=held.name,
        precedence=held.precedence,
        rules=rules,
        marker=marker,
        accounts=frozenset() if group else frozenset(target.guid for target in held.targets),
        group_dn=group,
        description=describe(number, until),
    )


def describe(number: str, until: date) -> str:
    """What administrators read in Active Directory: which application, until when."""
    return f"{number} (until {until.isoformat()})".strip()


def impossible(wanted: WantedSettings) -> list[SettingsReason]:
    """What the port would refuse before it asks the directory."""
    return refusals(wanted)
