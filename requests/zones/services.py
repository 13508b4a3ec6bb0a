"""Operations register the zones in which records can be applied for, open and close them, and end them (REQ-05)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.gateways import dns_factory
from portal.gateways.dns import DnsError
from portal.gateways.dns_rules import canonical_name
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, MANAGE_ZONES
from portal.trail import services as trail
from requests.zones.models import DnsZone


class ZoneRefused(Exception):
    """The zone cannot be registered; `reason` is a sentence, `field` where it belongs."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class NotAllowed(Exception):
    """Only people of operations do this."""


def add_zone(
    *, name: str, organisation: Organisation | None, is_open: bool, actor: User, now: datetime
) -> DnsZone:
    """Register a zone that the DNS servers hold, valid from today on. Raises NotAllowed, ZoneRefused."""
    _require(actor)
    wanted = canonical_name(name)
    if organisation is not None and organisation.kind not in FEDERATIONS:
        raise ZoneRefused("organisation", _("Choose a federation, or leave it empty for a common zone."))
    try:
        held = {zone.name for zone in dns_factory.get_dns().zones()}
    except DnsError as error:
        text = _("The DNS servers do not answer just now (%(code)s). Try again later.")
        raise ZoneRefused("name", text % {"code": error.code or type(error).__name__}) from error
    if wanted not in held:
        text = _("The DNS servers hold no such zone for the portal. They hold: %(zones)s")
        raise ZoneRefused("name", text % {"zones": ", ".join(sorted(held)) or "–"})
    try:
        with transaction.atomic():
            zone = DnsZone.objects.create(
                name=wanted,
                backend=settings.DNS["backend"],
                organisation=organisation,
                is_open=is_open,
                valid_from=today(now),
                registered_by=actor,
            )
            _record("zone.add", zone, actor, now)
    except IntegrityError as error:
        raise ZoneRefused("name", _("This zone is registered already.")) from error
    return zone


@transaction.atomic
def set_open(*, zone_id: int, is_open: bool, actor: User, now: datetime) -> DnsZone:
    """Open a zone for tickets or close it; applications on their way stop at a closed one. Raises NotAllowed."""
    _require(actor)
    zone = DnsZone.objects.select_for_update().get(pk=zone_id)
    if zone.is_open != is_open:
        zone.is_open = is_open
        zone.save(update_fields=["is_open", "updated_at"])
        _record("zone.open" if is_open else "zone.close", zone, actor, now)
    return zone


@transaction.atomic
def end_zone(*, zone_id: int, actor: User, now: datetime) -> DnsZone:
    """The portal knows the zone no longer: its records leave the register. Twice is once. Raises NotAllowed."""
    _require(actor)
    zone = DnsZone.objects.select_for_update().get(pk=zone_id)
    if zone.valid_until is None:
        zone.valid_until = max(today(now) - timedelta(days=1), zone.valid_from)
        zone.is_open = False
        zone.save(update_fields=["valid_until", "is_open", "updated_at"])
        zone.records.all().delete()
        _record("zone.end", zone, actor, now)
    return zone


def note_refresh(*, zone: DnsZone, actor: User, now: datetime) -> None:
    """Somebody of operations has the zone read now. Raises NotAllowed."""
    _require(actor)
    _record("zone.refresh", zone, actor, now)


def _require(actor: User) -> None:
    if not actor.may(MANAGE_ZONES):
        raise NotAllowed("only people of operations register zones")


def _record(action: str, zone: DnsZone, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="dns_zone",
        object_id=zone.pk,
        object_label=zone.name,
        object_organisation_id=zone.organisation_id,
    )
