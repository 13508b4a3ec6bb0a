"""Writing the register of password settings. Every change is history; nothing is ever removed (REQ-03)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from portal.common.text import search_key
from portal.gateways.directory_policies import PasswordSettings
from portal.orgs.models import User
from portal.workflow.models import ApplicationLine
from requests.password_settings.known import target_group
from requests.password_settings.models import PasswordLifetime, PasswordLifetimeEvent

Verb = PasswordLifetimeEvent.Verb
_UNTIL, _DAYS = gettext_noop("Last day"), gettext_noop("Password lifetime (days)")


@transaction.atomic
def enter(
    *,
    line: ApplicationLine,
    made: PasswordSettings,
    days_before: int,
    until: date,
    names: dict[str, str],
    affected: int,
    now: datetime,
) -> PasswordLifetime:
    """Enter settings as they were read back; as soon as they are in AD, so that they are taken back whatever comes after.

    Safe to repeat for the same line. `names` are display names by login name.
    """
    entered: PasswordLifetime | None = (
        PasswordLifetime.system.select_for_update(of=("self",), no_key=True).filter(line=line).first()
    )
    if entered is not None:
        entered.affected = affected
        entered.save(update_fields=["affected", "updated_at"])
        return entered
    age = made.rules.maximum_age
    row = PasswordLifetime(
        organisation_id=line.organisation_id,
        name=made.name,
        object_guid=made.guid,
        distinguished_name=made.dn,
        lifetime_days=age.days if age else 0,
        lifetime_before=days_before,
        precedence=made.precedence,
        rules=rules_json(made),
        until=until,
        affected=affected,
        started_at=now,
        line=line,
        last_line=line,
    )
    _take_targets(row, made, names)
    row.save()
    note(row, Verb.STARTED, now, line=line, counts={"affected": affected})
    return row


@transaction.atomic
def extend(
    *,
    lifetime_id: int,
    line: ApplicationLine,
    made: PasswordSettings,
    until: date,
    affected: int,
    now: datetime,
) -> PasswordLifetime:
    """Another last day, as read back; the review begins anew. Safe to repeat for the same line."""
    row = locked(lifetime_id)
    if row.last_line_id == line.pk:
        return row
    days = made.rules.maximum_age.days if made.rules.maximum_age else 0
    changes = [_change(_UNTIL, row.until.isoformat(), until.isoformat())]
    if days != row.lifetime_days:
        changes.append(_change(_DAYS, str(row.lifetime_days), str(days)))
    row.until, row.lifetime_days, row.rules, row.last_line = until, days, rules_json(made), line
    row.affected, row.told_for, row.reviewed_by, row.reviewed_at = affected, None, None, None
    row.save()
    note(row, Verb.EXTENDED, now, line=line, changes=changes)
    return row


@transaction.atomic
def end(
    *, lifetime_id: int, line: ApplicationLine, reason: str, counts: dict[str, int], now: datetime
) -> PasswordLifetime:
    """They are gone from AD. Safe to repeat."""
    row = locked(lifetime_id)
    if not row.is_in_force:
        return row
    row.state, row.end_reason, row.ended_at, row.last_line = PasswordLifetime.State.ENDED, reason, now, line
    row.save()
    note(row, Verb.ENDED, now, line=line, counts=counts)
    return row


def locked(lifetime_id: int) -> PasswordLifetime:
    """The row under its lock."""
    rows = PasswordLifetime.system.select_for_update(of=("self",), no_key=True)
    found: PasswordLifetime = rows.select_related("organisation", "last_line__application").get(
        pk=lifetime_id
    )
    return found


def note(
    row: PasswordLifetime,
    verb: str,
    now: datetime,
    *,
    line: ApplicationLine | None = None,
    actor: User | None = None,
    changes: list[dict[str, Any]] | None = None,
    counts: dict[str, int] | None = None,
) -> None:
    """One line of the history."""
    PasswordLifetimeEvent.system.create(
        lifetime=row,
        organisation_id=row.organisation_id,
        at=now,
        actor=actor,
        actor_name=actor.display_name if actor else "",
        verb=verb,
        application_number=line.application.number if line else "",
        changes=changes or [],
        counts=counts or {},
    )


def rules_json(made: PasswordSettings) -> dict[str, Any]:
    """The rules as JSON: spans in seconds."""
    return {
        name: value.total_seconds() if hasattr(value, "total_seconds") else value
        for name, value in vars(made.rules).items()
    }


def _take_targets(row: PasswordLifetime, made: PasswordSettings, names: dict[str, str]) -> None:
    row.group_dn = target_group(made)
    row.group_name = next((target.name for target in made.targets if target.is_group), "")
    row.accounts = [
        {"guid": str(target.guid), "login_name": target.name, "name": names.get(target.name, "")}
        for target in made.targets
        if not target.is_group
    ]
    people = [text for each in row.accounts for text in (each["login_name"], each["name"])]
    row.search_text = search_key(row.name, row.group_name, *people)


def _change(label: str, before: str, after: str) -> dict[str, Any]:
    return {"label": label, "before": [before], "after": [after]}
