"""Who is told what about a permit. "Approved" and "registered" are two notices (DEV-02)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from devices.permits.models import Device, DevicePermit
from portal.common.time import today
from portal.notices import services as notices
from portal.notices.messages import link
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import people

TEMPLATES = (
    "device_approved",
    "device_to_register",
    "device_registered",
    "device_renewed",
    "device_renewal_due",
    "device_expired",
    "device_removal",
    "device_to_remove",
    "device_removed",
)


def tell_user(template: str, permit: DevicePermit, now: datetime, **context: Any) -> None:
    """The applicant, and the user of the device where another address was named."""
    _queue(template, permit, now, permit.applicant, "", context)
    if permit.end_user_mail and permit.end_user_mail.lower() != permit.applicant.email.lower():
        _queue(template, permit, now, None, permit.end_user_mail, context)


def tell_officers(template: str, permit: DevicePermit, now: datetime, **context: Any) -> None:
    """The security officers who can take the next step; never those who must not register (DEV-01)."""
    excluded = {permit.applicant_id, permit.approved_by_id, permit.approved_for_id}
    _tell(template, permit, now, _holders(Role.SECURITY_OFFICER, permit, now, excluded), context)


def tell_managers(template: str, permit: DevicePermit, now: datetime, **context: Any) -> None:
    """The security managers (DEV-06)."""
    _tell(template, permit, now, _holders(Role.SECURITY_MANAGER, permit, now, set()), context)


def _holders(role: str, permit: DevicePermit, now: datetime, excluded: set[int | None]) -> list[User]:
    found = people.holders(role, permit.organisation_id, today(now))
    return [user for pk, user in found.items() if pk not in excluded]


def _tell(
    template: str, permit: DevicePermit, now: datetime, persons: Iterable[User], context: dict[str, Any]
) -> None:
    for person in persons:
        _queue(template, permit, now, person, "", context)


def _queue(
    template: str,
    permit: DevicePermit,
    now: datetime,
    person: User | None,
    address: str,
    context: dict[str, Any],
) -> None:
    notices.queue(
        template=template,
        now=now,
        organisation_id=permit.organisation_id,
        to_user=person,
        to_address=address,
        application_number=permit.last_line.application.number,
        context={"device": permit.device.number, **context},
    )


def values_for_mail(notice: Notice) -> dict[str, Any]:
    """The addresses that a mail about a device names."""
    device = Device.system.filter(number=notice.context.get("device", "")).first()
    return {
        "device_url": link("device_detail", device.number) if device else "",
        "work_url": link("registration_list"),
    }
