"""Operations add a choice or give it its last day. Nothing is ever deleted: machines keep what they have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.computers.forms import is_transmission_client
from devices.reference import BusinessSystem, ComputerKind, DatedEntry, OperatingSystem
from portal.orgs.models import User
from portal.orgs.permissions import MANAGE_REFERENCE
from portal.trail import services as trail

LISTS: Mapping[str, tuple[type[DatedEntry], object]] = {
    "kinds": (ComputerKind, gettext_lazy("Kinds of machines")),
    "systems": (OperatingSystem, gettext_lazy("Operating systems")),
    "business": (BusinessSystem, gettext_lazy("Business systems")),
}
_FLAGS: Mapping[str, tuple[str, ...]] = {
    "kinds": ("takes_devices", "has_system"),
    "systems": ("takes_devices",),
    "business": ("is_own",),
}


class ChoiceRefused(Exception):
    """The choice cannot be added or ended like this; `reason` is a sentence, `field` where it belongs."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class NotAllowed(Exception):
    """Only people of operations do this."""


@transaction.atomic
def add_choice(
    *,
    of: str,
    code: str,
    name: str,
    valid_from: date,
    flags: Mapping[str, bool],
    actor: User,
    now: datetime,
) -> DatedEntry:
    """A new choice. Raises KeyError for an unknown list, NotAllowed, ChoiceRefused."""
    _require(actor)
    model, _label = LISTS[of]
    if of == "kinds" and is_transmission_client(name, code):  # DEV-11: in no list, whoever writes it
        text = _("A 伝送クライアント cannot be registered (CNS ③(e)).")
        raise ChoiceRefused("name", text)
    values = {flag: bool(flags.get(flag)) for flag in _FLAGS[of]}
    position = (model.objects.order_by("-position").values_list("position", flat=True).first() or 0) + 1
    try:
        with transaction.atomic():
            entry: DatedEntry = model.objects.create(
                code=code, name=name, valid_from=valid_from, position=position, **values
            )
    except IntegrityError as error:
        raise ChoiceRefused("code", _("This code was used already. Choose another one.")) from error
    _record("choice.add", of, entry, actor, now, **values)
    return entry


@transaction.atomic
def end_choice(*, of: str, code: str, valid_until: date, actor: User, now: datetime) -> DatedEntry:
    """Give a choice its last day, or another one. Raises KeyError, DatedEntry's DoesNotExist, NotAllowed, ChoiceRefused."""
    _require(actor)
    model, _label = LISTS[of]
    entry: DatedEntry = model.objects.select_for_update().get(code=code)
    if valid_until < entry.valid_from:
        raise ChoiceRefused("valid_until", _("The last day lies before the first."))
    entry.valid_until = valid_until
    entry.save(update_fields=["valid_until"])
    _record("choice.end", of, entry, actor, now, valid_until=valid_until.isoformat())
    return entry


def _require(actor: User) -> None:
    if not actor.may(MANAGE_REFERENCE):
        raise NotAllowed("only people of operations change what can be chosen")


def _record(action: str, of: str, entry: DatedEntry, actor: User, now: datetime, **detail: object) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type=f"device_{of}",
        object_id=entry.pk,
        object_label=entry.name,
        detail=dict(detail),
    )
