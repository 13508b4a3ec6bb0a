"""Locked accounts and applications to unlock them, on their way."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from accounts.reminder.models import ConfirmedAddress
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.gateways.directory import DirectoryEntry
from portal.orgs.models import User
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.models import Application
from requests.unlock.models import AccountUnlock
from requests.unlock.payloads import KIND, TARGET
from tests import factories, journeys
from tests.fakes import FakeDirectory, users_ou
from tests.journeys import Crew


def account(
    directory: FakeDirectory, login_name: str = "tk13-0001", *, code: str = "13", **values: Any
) -> DirectoryEntry:
    """A Windows account of a federation that is locked since five minutes, unless values say otherwise."""
    is_locked = values.pop("is_locked", True)
    entry = directory.add(login_name, container_dn=values.pop("container_dn", users_ou(code)), **values)
    if is_locked:
        directory.lock(entry.guid, at=timezone.now() - dt.timedelta(minutes=5))
    return entry


def person(entry: DirectoryEntry, *roles: str, confirmed: bool = True, code: str = "13") -> User:
    """The person of the portal to whom the account belongs."""
    user = factories.user(*roles, code=code, login_name=entry.login_name, directory_guid=entry.guid)
    if confirmed:
        ConfirmedAddress.objects.create(user=user, address=user.email, confirmed_at=timezone.now())
    return user


def draft(crew: Crew, *login_names: str) -> Application:
    """What the federation's applicant writes."""
    return services.create_draft(
        kind=KIND,
        organisation_id=crew.applicant.organisation_id,
        actor=crew.applicant,
        content=Content(
            reason="本人から電話で依頼があったため。", lines=tuple({"login_name": n} for n in login_names)
        ),
        now=timezone.now(),
    )


def submitted(crew: Crew, *login_names: str) -> Application:
    """An application that waits for the federation's approver."""
    made = draft(crew, *login_names)
    return services.submit(application_id=made.pk, actor=crew.applicant, version=None, now=timezone.now())


def vouched(crew: Crew, *login_names: str) -> Application:
    """An application that waits for network operations."""
    application = submitted(crew, *login_names)
    return journeys.approve(application, crew.approver)


def accepted(crew: Crew, *login_names: str) -> Application:
    """An application that waits to be carried out."""
    return journeys.approve(vouched(crew, *login_names), crew.operator)


def carry_out(application: Application) -> Operation:
    """What a worker does; the operation of the first line."""
    fulfilment.drain(TARGET, now_fn=timezone.now)
    application.refresh_from_db()
    return journeys.operations(application)[0]


def earlier(entry: DirectoryEntry, days: int, code: str = "13") -> AccountUnlock:
    """An unlock of some days ago."""
    at = timezone.now() - dt.timedelta(days=days)
    line = factories.line(code=code)
    return AccountUnlock.system.create(
        organisation=factories.organisation(code),
        line=line,
        application_number=line.application.number,
        object_guid=entry.guid,
        login_name=entry.login_name,
        display_name=entry.display_name,
        way=AccountUnlock.Way.VOUCHED,
        locked_since=at,
        unlocked_at=at,
        search_text=entry.login_name,
    )
