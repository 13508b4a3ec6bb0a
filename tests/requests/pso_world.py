"""Accounts, groups and the people of federation 13, with a directory in memory; tickets about password settings."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from portal.common.time import JST
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.gateways.directory import DirectoryEntry
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.models import Application
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import START, TARGET
from tests import journeys
from tests.fakes import FakeDirectory, users_ou
from tests.journeys import Cast

UNTIL = 60  # days from today
NAME = "PSO-13-shinsa"


def account(
    directory: FakeDirectory, name: str, *, code: str = "13", days_ago: int = 10, **values: Any
) -> DirectoryEntry:
    """An account whose password was set so many days ago."""
    moment = timezone.now() - timedelta(days=days_ago)
    values = {"password_last_set": moment} | values
    return directory.add(name, container_dn=users_ou(code), **values)


def group(
    directory: FakeDirectory, name: str, *members: DirectoryEntry, code: str = "13", **values: Any
) -> str:
    from tests.fakes import groups_ou

    made = directory.add_group(name, groups_ou(code), **values)
    for member in members:
        directory.add_to_group(made.dn, member.guid)
    return made.dn


def day(days: int = UNTIL) -> date:
    """So many days from the real today, whatever the clock of the portal says."""
    return datetime.now(JST).date() + timedelta(days=days)


def line(*login_names: str, group: str = "", days: int = 180, **more: Any) -> dict[str, Any]:
    """The raw values of a ticket."""
    return {
        "name": "shinsa",
        "login_names": list(login_names),
        "group": group,
        "lifetime_days": days,
        "until": day().isoformat(),
    } | more


def submitted(
    cast: Cast, values: dict[str, Any], kind: str = START, desired_on: date | None = None
) -> Application:
    """A ticket that waits for the federation's approver."""
    now = timezone.now()
    draft = services.create_draft(
        kind=kind,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        content=Content(reason="審査の繁忙期のため。", desired_on=desired_on, lines=(values,)),
        now=now,
    )
    return services.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=now)


def approved(cast: Cast, values: dict[str, Any], kind: str = START) -> Application:
    """A ticket that waits to be carried out."""
    application = submitted(cast, values, kind)
    journeys.approve(application, cast.approver)
    return journeys.approve(application, cast.operator)


def carry_out(application: Application, now: datetime | None = None) -> Operation:
    """What a worker does; the newest operation of the application."""
    fulfilment.drain(TARGET, now_fn=lambda: now or timezone.now())
    application.refresh_from_db()
    return journeys.operations(application)[-1]


def in_force(cast: Cast, values: dict[str, Any]) -> PasswordLifetime:
    """A ticket carried out."""
    application = approved(cast, values)
    carry_out(application)
    return PasswordLifetime.system.get(line__application=application)
