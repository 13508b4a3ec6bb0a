"""Types of work: their versions, which one counts on a day, and entering a new version (AUD-03)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from audit.ledgers.models import WorkType
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import MANAGE_WORK_TYPES
from portal.trail import services as trail
from requests.enquiries.errors import NotAllowed, Refused


@dataclass(frozen=True, kw_only=True)
class NewVersion:
    """What a version says."""

    code: str
    name: str
    tolerance_minutes: int
    volume_factor: Decimal
    offered: bool
    valid_from: date
    note: str


class KnownTypes:
    """Every version, read once: which one counts on the day on which a work was planned."""

    def __init__(self) -> None:
        self._versions: dict[str, list[WorkType]] = {}
        for version in WorkType.objects.all():  # by code, the newest first
            self._versions.setdefault(version.code, []).append(version)

    def on(self, code: str, day: date) -> WorkType | None:
        """The version that counts on `day`; the first one for a day before it; None for an unknown code."""
        versions = self._versions.get(code, [])
        begun = [version for version in versions if version.valid_from <= day]
        return begun[0] if begun else versions[-1] if versions else None

    def current(self, day: date) -> Mapping[str, WorkType]:
        """Of each type the version that counts on `day`, by code."""
        return {code: found for code in self._versions if (found := self.on(code, day)) is not None}

    def offered(self, day: date) -> list[tuple[str, str]]:
        """What an entry can choose: code and name."""
        return [(code, found.name) for code, found in self.current(day).items() if found.offered]


def add_version(*, wanted: NewVersion, actor: User, now: datetime) -> WorkType:
    """A new type, or a new version of one from a day on. What works were judged by before does not change.

    Raises NotAllowed, and Refused for a day in the past: months that are over keep their tolerances.
    """
    if not actor.may(MANAGE_WORK_TYPES):
        raise NotAllowed(_("Only the reviewers of the central association change types of work."))
    if wanted.valid_from < today(now):
        raise Refused("valid_from", _("Choose today or a later day: what is over keeps its tolerances."))
    with transaction.atomic():
        made: WorkType = WorkType.objects.create(**vars(wanted), made_by=actor, made_at=now)
        trail.record(
            action="work_type.change",
            now=now,
            actor=actor,
            object_type="work_type",
            object_id=made.pk,
            object_label=made.code,
            detail={
                "tolerance_minutes": made.tolerance_minutes,
                "volume_factor": str(made.volume_factor),
                "offered": made.offered,
                "valid_from": made.valid_from.isoformat(),
                "note": made.note,
            },
        )
    return made
