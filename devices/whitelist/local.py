"""Operations accept a locally administered address with a reason, and end that again (MAC-06)."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from devices.whitelist.addresses import is_local
from devices.whitelist.models import LocalAddress
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import ACCEPT_LOCAL, FEDERATIONS
from portal.trail import services as trail


class NotAllowed(Exception):
    """Only people of operations do this."""


class LocalRefused(Exception):
    """The address cannot be accepted; `reason` is a sentence, `field` where it belongs."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@transaction.atomic
def accept_local_address(
    *, organisation: Organisation, mac: str, reason: str, actor: User, now: datetime
) -> LocalAddress:
    """Accept an address for one organisation. Raises NotAllowed, LocalRefused."""
    _require(actor)
    if organisation.kind not in FEDERATIONS:
        raise LocalRefused("organisation", _("Only federations have entries on the whitelist."))
    if not is_local(mac):
        raise LocalRefused("mac", _("This is no locally administered address. It needs no acceptance."))
    if not reason.strip():
        raise LocalRefused("reason", _("Write why this address is accepted."))
    try:
        with transaction.atomic():
            accepted: LocalAddress = LocalAddress.system.create(
                organisation=organisation, mac=mac, reason=reason, accepted_by=actor, accepted_at=now
            )
    except IntegrityError as error:
        raise LocalRefused("mac", _("This address is accepted already.")) from error
    _record("whitelist.local_accept", accepted, actor, now)
    return accepted


@transaction.atomic
def end_local_address(*, local_id: int, actor: User, now: datetime) -> LocalAddress:
    """Accept the address no longer for new entries; those that live stay. Twice is once. Raises NotAllowed."""
    _require(actor)
    local: LocalAddress = LocalAddress.system.select_for_update(of=("self",)).get(pk=local_id)
    if local.ended_at is None:
        local.ended_at, local.ended_by = now, actor
        local.save(update_fields=["ended_at", "ended_by", "updated_at"])
        _record("whitelist.local_end", local, actor, now)
    return local


def _require(actor: User) -> None:
    if not actor.may(ACCEPT_LOCAL):
        raise NotAllowed("only people of operations accept local addresses")


def _record(action: str, local: LocalAddress, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="local_address",
        object_id=local.pk,
        object_label=local.mac,
        object_organisation_id=local.organisation_id,
        detail={"reason": local.reason},
    )
