"""Applications about computer objects on their way, with a directory in memory."""

from __future__ import annotations

import uuid
from typing import Any

from auditlog.context import disable_auditlog
from django.utils import timezone

from portal.common.text import search_key
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.models import Application
from requests.computers.kinds import ADD, REMOVE_KIND
from requests.computers.models import ComputerObject
from requests.computers.removing import RESTORE
from tests import factories, journeys

__all__ = ["ADD", "REMOVE_KIND", "RESTORE"]
Cast = journeys.Crew


def unit(path: str, code: str = "13") -> str:
    """A unit of a federation."""
    return f"OU={path},OU={code},OU=Federations,DC=kokuho,DC=pr"


def submitted(cast: Cast, kind: str, *names: str, **more: Any) -> Application:
    """An application that waits for the federation's approver."""
    draft = services.create_draft(
        kind=kind,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        content=Content(reason="端末の入替のため。", lines=[{"name": name} | more for name in names]),
        now=timezone.now(),
    )
    return services.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=timezone.now())


def approved(cast: Cast, kind: str, *names: str, **more: Any) -> Application:
    """An application that waits to be carried out."""
    application = submitted(cast, kind, *names, **more)
    journeys.approve(application, cast.approver)
    return journeys.approve(application, cast.operator)


def carry_out(application: Application, now: Any = None) -> Operation:
    """What a worker does; the operation of the first line."""
    fulfilment.drain("directory", now_fn=(lambda: now) if now else timezone.now)
    application.refresh_from_db()
    return journeys.operations(application)[0]


def done(cast: Cast, kind: str, *names: str, **more: Any) -> Operation:
    """An application all the way."""
    return carry_out(approved(cast, kind, *names, **more))


def entered(name: str = "KK13-PC1", code: str = "13", **fields: Any) -> ComputerObject:
    """An object as a reading left it in the register."""
    values = {
        "object_guid": uuid.uuid4(),
        "organisation": factories.organisation(code),
        "distinguished_name": f"CN={name},{unit('Computers', code)}",
        "verified_at": timezone.now(),
    } | fields
    with disable_auditlog():
        made = ComputerObject(name=name, **values)
        made.search_text = search_key(made.name, made.description, made.operating_system)
        made.save()
    return made


def row(name: str = "KK13-PC1") -> ComputerObject:
    """The newest row of the register with this name."""
    found = ComputerObject.system.filter(name=name).order_by("-pk").first()
    assert found is not None
    return found
