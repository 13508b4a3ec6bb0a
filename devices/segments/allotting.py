"""The register of segments for the room that allots them to 独自処理システム (portal.orgs.networks, REQ-09)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from devices.computers.models import Segment
from devices.segments import services
from devices.segments.services import SegmentRefused
from portal.orgs.models import Organisation, User
from portal.orgs.networks import Registered, Taken


class SegmentRegister:
    """See portal.orgs.networks.Register."""

    def live(self, day: date) -> list[Registered]:
        """With those whose first day lies ahead."""
        rows = Segment.system.filter(Q(valid_until=None) | Q(valid_until__gte=day)).order_by("pk")
        return [
            Registered(
                organisation_id=row.organisation_id,
                network=row.network,
                vlan=row.vlan,
                is_own_system=row.purpose == Segment.Purpose.OWN_SYSTEM,
                note=row.note,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
            )
            for row in rows
        ]

    def enter(
        self,
        *,
        organisation_id: int,
        network: str,
        vlan: int,
        note: str,
        valid_from: date,
        actor: User,
        now: datetime,
    ) -> None:
        """The same rules as for a segment that operations register; only who may differs. Raises Taken."""
        organisation = Organisation.objects.get(pk=organisation_id)
        purpose = Segment.Purpose.OWN_SYSTEM
        try:
            found = services.parse_network(network)
            services.refuse_overlaps(found)
            services.refuse_live_entries(found, organisation, purpose)
            with transaction.atomic():
                segment: Segment = Segment.system.create(
                    organisation=organisation,
                    network=str(found),
                    purpose=purpose,
                    vlan=vlan,
                    note=note[:100],
                    valid_from=valid_from,
                    registered_by=actor,
                )
        except SegmentRefused as error:
            raise Taken(str(error)) from error
        except IntegrityError as error:
            raise Taken(_("This segment is registered already.")) from error
        services.record("segment.add", segment, actor, now)

    @transaction.atomic
    def end(self, *, organisation_id: int, network: str, last_day: date, now: datetime) -> bool:
        """Its last day is `last_day`, or its first one where it never began."""
        rows = Segment.system.select_for_update(of=("self",))
        wanted = rows.filter(organisation_id=organisation_id, network=network, valid_until=None)
        segment = wanted.filter(purpose=Segment.Purpose.OWN_SYSTEM).first()
        if segment is None:
            return False
        segment.valid_until = max(last_day, segment.valid_from)
        segment.save(update_fields=["valid_until", "updated_at"])
        services.record("segment.end", segment, None, now)
        return True
