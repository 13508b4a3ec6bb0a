"""Which way an organisation delivers initial passwords, and who can pick one up (ACC-08, ACC-09)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import recipients
from accounts.delivery.models import DeliveryChoice, DeliveryMode
from portal.orgs import errors, people
from portal.orgs.models import Organisation, PasswordRecipient, User
from portal.trail import services as trail


def mode_of(organisation: Organisation) -> DeliveryMode:
    """The way that holds now."""
    choice = organisation.delivery_choices.order_by("-id").first()
    return DeliveryMode(choice.mode) if choice else DeliveryMode.MAIL


def is_pickup(organisation: Organisation) -> bool:
    """Whether codes are mailed instead of passwords."""
    return mode_of(organisation) == DeliveryMode.PICKUP


def person_of(recipient: PasswordRecipient) -> User | None:
    """The person of the portal who reads the confirmed address: the only one who may pick up what is for it."""
    found = User.objects.filter(
        email__iexact=recipient.email, organisation_id=recipient.organisation_id, is_active=True
    )
    person = found.first()
    return person if person is not None and person.current_memberships else None


def cannot_pick_up(recipient: PasswordRecipient) -> str:
    """Why this recipient gets no code; "" when one can be sent."""
    if person_of(recipient) is not None:
        return ""
    text = _(
        "%(name)s cannot log in to the portal with this address, so no initial password can be picked up there. Choose another recipient."
    )
    return text % {"name": recipient.name}


@transaction.atomic
def choose(*, organisation_id: int, mode: str, actor: User, now: datetime) -> DeliveryChoice:
    """Choose the way for an organisation; it counts for applications that are completed from now on.

    Raises errors.NotAllowed, and errors.Refused (at "mode") for the pickup while a usable recipient has no login.
    """
    people.require_manager(actor, organisation_id)
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=organisation_id)
    before = mode_of(organisation)
    if mode == DeliveryMode.PICKUP:
        _require_logins(organisation)
    choice = DeliveryChoice.system.create(organisation=organisation, mode=mode, made_at=now, made_by=actor)
    trail.record(
        action="delivery.change",
        now=now,
        actor=actor,
        object_type="accounts.deliverychoice",
        object_id=choice.pk,
        object_label=organisation.short_name,
        object_organisation=organisation,
        detail={"before": before.value, "after": mode},
    )
    return choice


def _require_logins(organisation: Organisation) -> None:
    usable = list(recipients.usable(organisation))
    if not usable:
        raise errors.Refused("mode", _("Register a recipient with a confirmed address first."))
    without = [recipient.name for recipient in usable if person_of(recipient) is None]
    if without:
        text = _(
            "These recipients cannot log in to the portal with their address: %(names)s. Give them a role first, or end them."
        )
        raise errors.Refused("mode", text % {"names": "、".join(without)})
