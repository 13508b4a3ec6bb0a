"""Monitor mode: until its move is finished a federation is watched and nothing is cut; operations decide the day (MAC-04)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from devices.guard import waking
from devices.guard.models import Mode, ModeDecision
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, RUN_OPERATIONS
from portal.trail import services as trail


class NotAllowed(Exception):
    """Only people of operations decide it."""


class ModeRefused(Exception):
    """The decision cannot be taken; `reason` is a sentence, `field` where it belongs."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def codes_on(day: date) -> dict[str, str]:
    """The mode of every federation on a day, by its code. Without a decision: monitor mode."""
    found = dict.fromkeys(
        Organisation.objects.filter(kind__in=FEDERATIONS).order_by("code").values_list("code", flat=True),
        str(Mode.MONITOR),
    )
    rows = ModeDecision.system.filter(valid_from__lte=day).order_by("valid_from", "id")
    found |= {code: mode for code, mode in rows.values_list("organisation__code", "mode") if code in found}
    return found


@transaction.atomic
def decide(
    *, organisation: Organisation, mode: str, valid_from: date, reason: str, actor: User, now: datetime
) -> ModeDecision:
    """From `valid_from` on the federation is in `mode`. Every decision is kept. Raises NotAllowed, ModeRefused."""
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations decide the mode")
    if organisation.kind not in FEDERATIONS:
        raise ModeRefused("organisation", _("Only federations have segments of machines."))
    if mode not in Mode.values:
        raise ModeRefused("mode", _("Choose one of the modes."))
    if valid_from < today(now):
        raise ModeRefused("valid_from", _("Enter today or a later day: what was in force stays as it was."))
    if not reason.strip():
        raise ModeRefused("reason", _("Enter the reason."))
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    made: ModeDecision = ModeDecision.system.create(
        organisation=organisation,
        mode=mode,
        valid_from=valid_from,
        reason=reason.strip(),
        decided_by=actor,
        decided_at=now,
    )
    trail.record(
        action="guard.mode",
        now=now,
        actor=actor,
        object_type="guard_mode",
        object_id=made.pk,
        object_label=organisation.code,
        object_organisation_id=organisation.pk,
        detail={"mode": mode, "valid_from": valid_from.isoformat(), "reason": made.reason},
    )
    waking.ring()
    return made
