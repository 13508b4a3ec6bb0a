"""Taking a DNS ticket back: a new draft with the inverse of every line that was carried out (REQ-05)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.models import User
from portal.orgs.permissions import APPLY
from portal.workflow import records, services
from portal.workflow.content import Content
from portal.workflow.models import Application, Status
from portal.workflow.related import Related
from requests.zones.owners import KIND, TARGET


def inverse_lines(application: Application) -> list[dict[str, Any]]:
    """The prepared inverse of each change that was made, the last one first."""
    done = Operation.system.filter(
        line__application=application, target=TARGET, step="", status=OperationStatus.DONE
    )
    evidence = done.order_by("-line__position").values_list("evidence", flat=True)
    return [line for found in evidence for line in reversed(found.get("inverse", []))]


def may_roll_back(user: User, application: Application) -> bool:
    """Whether this person may apply for it and there is something to take back."""
    is_own = application.kind == KIND and user.may(APPLY, application.organisation_id)
    return is_own and bool(inverse_lines(application))


@transaction.atomic
def draft_rollback(*, application: Application, actor: User, now: datetime) -> Application:
    """The draft with the inverse lines, one for each person however often they click; approved like every other ticket.

    Raises portal.workflow.errors.NotAllowed.
    """
    records.lock(application.pk)
    reason = _("Takes back %(number)s.") % {"number": application.number}
    own = Application.system.filter(kind=KIND, applicant=actor, organisation=application.organisation_id)
    begun = own.filter(status=Status.DRAFT, reason=reason).first()
    return begun or services.create_draft(
        kind=KIND,
        organisation_id=application.organisation_id,
        actor=actor,
        content=Content(reason=reason, lines=tuple(inverse_lines(application))),
        now=now,
    )


def links(user: User, application: Application) -> Iterable[Related]:
    """The way to it on the page of a ticket."""
    if may_roll_back(user, application):
        yield Related(
            label=gettext_lazy("Was it wrong?"),
            text=_("Roll these records back"),
            url=reverse("dns_rollback", args=[application.number]),
        )
