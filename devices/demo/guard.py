"""The guard in the demonstration: one federation has moved and is cut off, one is about to, and the list is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from devices.guard import modes, publishing
from devices.guard.models import Mode, ModeDecision
from portal.common.time import today
from portal.orgs.models import Organisation, User

_DECIDED = ((0, "本移行が完了したため。"), (14, "本移行が予定どおり進んでいるため。"))


def scene(organisations: Sequence[Organisation], operator: User) -> None:
    """Tell it once."""
    now = timezone.now()
    if not ModeDecision.system.exists():
        for organisation, (days, reason) in zip(organisations, _DECIDED, strict=False):
            modes.decide(
                organisation=organisation,
                mode=Mode.BLOCK,
                valid_from=today(now) + timedelta(days=days),
                reason=reason,
                actor=operator,
                now=now,
            )
    publishing.publish(now_fn=timezone.now, at_once=True)
