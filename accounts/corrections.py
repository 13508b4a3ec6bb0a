"""What operations may put right when an initial password cannot be delivered (ACC-08, ACC-09)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import recipients
from accounts.administrators import separation
from accounts.delivery import modes
from accounts.provisioning import UNDELIVERED, payload_of
from portal.fulfilment import services as fulfilment
from portal.fulfilment.by_hand import MAY_RETRY
from portal.fulfilment.claiming import add_event
from portal.fulfilment.errors import MoveNotAllowed, NotAllowed
from portal.fulfilment.models import Operation
from portal.fulfilment.verbs import Verb
from portal.orgs.models import PasswordRecipient, User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail


class RecipientNotUsable(Exception):
    """The chosen person may not receive initial passwords for this organisation. `reason` is a translated sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def change_recipient(*, operation_id: int, recipient_id: int, actor: User, now: datetime) -> Operation:
    """Send the initial password of one line to another recipient of the same organisation, and go on.

    The application stays as it was approved; the change is in the operation's history and in the trail (SEC-02).
    Only for a password that could not be delivered to the approved recipient, and never to the actor or somebody whom
    the actor registered: nobody alone leads a password to themself. That of an administrator account never goes to the
    applicant (ORG-04). A password that an earlier attempt set is void: a new one is drawn.
    Raises NotAllowed, MoveNotAllowed (also when the password was delivered already) and RecipientNotUsable.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations correct a recipient")
    operation = (
        Operation.system.select_for_update(of=("self",), no_key=True)
        .select_related("organisation", "line__application__applicant")
        .get(pk=operation_id)
    )
    undelivered = operation.error_code in UNDELIVERED and "password" not in operation.progress
    if operation.status not in MAY_RETRY or not undelivered:
        raise MoveNotAllowed(operation_id, operation.status, "change_recipient")
    if problems := recipients.problems(operation.organisation, recipient_id):
        raise RecipientNotUsable(problems[0])
    chosen = operation.organisation.password_recipients.get(pk=recipient_id)
    if hindrance := hindrances(operation, actor)(chosen):
        raise RecipientNotUsable(hindrance)
    before = operation.progress.get("recipient_id")
    # Who chose is looked at once more right before the password is made.
    operation.progress = {**operation.progress, "recipient_id": recipient_id, "recipient_by": actor.pk}
    operation.save(update_fields=["progress"])
    _record(operation, before, recipient_id, actor, now)
    return fulfilment.retry(operation_id=operation_id, actor=actor, now=now)


def hindrances(operation: Operation, actor: User) -> Callable[[PasswordRecipient], str]:
    """Says of a usable recipient why this person may not choose them for this line; "" when they may."""
    kept = separation.kept_from(operation.line.application, payload_of(operation), chooser=actor)
    is_pickup = modes.is_pickup(operation.organisation)

    def hindrance(recipient: PasswordRecipient) -> str:
        if problem := kept.problem(recipient):
            return problem
        if recipient.registered_by_id == actor.pk:
            return _(
                "You registered this recipient yourself. Another person of network operations must choose them."
            )
        return modes.cannot_pick_up(recipient) if is_pickup else ""

    return hindrance


def _record(operation: Operation, before: int | None, after: int, actor: User, now: datetime) -> None:
    detail = {"recipient_before": before, "recipient_after": after}
    message = _("Another recipient of the initial password was chosen.")
    add_event(operation, Verb.CORRECTED, now=now, actor=actor, message=message, data=detail)
    trail.record(
        action="operation.change_recipient",
        now=now,
        actor=actor,
        object_type="operation",
        object_id=operation.pk,
        object_label=operation.application_number,
        object_organisation_id=operation.organisation_id,
        detail=detail,
    )
