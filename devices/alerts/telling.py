"""Who is told about alerts, and the reminders until they are answered (DEV-08)."""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min

from devices.alerts.models import AlertImport, DeviceAlert
from portal.common.time import business_days_between, is_business_day, today
from portal.notices import services as notices
from portal.notices.messages import link
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import people

TEMPLATES = ("alerts_new", "alerts_open", "alerts_incident")


def tell_new(made: AlertImport, count: int, actor: User, now: datetime) -> None:
    """The security officers of the federation, except who read the file."""
    if count:
        _tell("alerts_new", Role.SECURITY_OFFICER, made.organisation_id, now, {actor.pk}, count)


def tell_incident(alerts: list[DeviceAlert], actor: User, now: datetime) -> None:
    """The security managers, each federation its own."""
    for organisation_id in sorted({alert.organisation_id for alert in alerts}):
        count = sum(alert.organisation_id == organisation_id for alert in alerts)
        _tell("alerts_incident", Role.SECURITY_MANAGER, organisation_id, now, {actor.pk}, count)


def remind(*, now: datetime) -> int:
    """Each business day: officers of federations with alerts open for some days, later their managers too; how many."""
    day = today(now)
    if not is_business_day(day):
        return 0
    open_ = DeviceAlert.system.filter(state=DeviceAlert.State.OPEN)
    ids = open_.order_by("organisation_id").values_list("organisation_id", flat=True).distinct()
    return sum(_remind(organisation_id, day, now) for organisation_id in list(ids))


@transaction.atomic
def _remind(organisation_id: int, day: date, now: datetime) -> bool:
    rows = DeviceAlert.system.filter(organisation_id=organisation_id, state=DeviceAlert.State.OPEN)
    if not list(
        rows.select_for_update().order_by("pk").values_list("pk", flat=True)
    ):  # the job may run twice
        return False
    found = rows.aggregate(oldest=Min("imported_at"), last=Max("reminded_on"))
    every, waited = (
        int(settings.DEVICES["alert_remind_days"]),
        business_days_between(today(found["oldest"]), day),
    )
    if waited < every or (found["last"] and business_days_between(found["last"], day) < every):
        return False
    count = rows.count()
    _tell("alerts_open", Role.SECURITY_OFFICER, organisation_id, now, set(), count)
    if waited >= int(settings.DEVICES["alert_escalate_days"]):
        _tell("alerts_open", Role.SECURITY_MANAGER, organisation_id, now, set(), count)
    rows.update(reminded_on=day)
    return True


def _tell(
    template: str, role: str, organisation_id: int, now: datetime, excluded: Container[int], count: int
) -> None:
    for pk, person in people.holders(role, organisation_id, today(now)).items():
        if pk not in excluded:
            notices.queue(
                template=template,
                now=now,
                organisation_id=organisation_id,
                to_user=person,
                context={"count": count},
            )


def values_for_mail(notice: Notice) -> dict[str, Any]:
    """The address that the mails name."""
    return {"url": link("alert_list") + "?state=OPEN"}
