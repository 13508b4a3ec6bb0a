"""The federation answers its alerts, one or many, and may correct an answer; each answer stays in the history (DEV-08)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from devices.alerts import telling
from devices.alerts.models import AlertEvent, DeviceAlert
from devices.exchange.errors import AnsweredMeanwhile, AnswerRefused, NotAllowed
from portal.orgs.models import User
from portal.orgs.permissions import ANSWER_ALERTS
from portal.trail import services as trail

Answer, State = DeviceAlert.Answer, DeviceAlert.State


def answers_to(alert: DeviceAlert) -> list[str]:
    """What can be said to it: only writing can have been proper use, and only what is not forbidden can be applied for."""
    possible = [Answer.INSTRUCTED, Answer.INCIDENT]
    if alert.kind == DeviceAlert.Kind.WRITE:
        possible.insert(0, Answer.PROPER)
    if alert.kind != DeviceAlert.Kind.FORBIDDEN:
        possible.append(Answer.APPLIED)
    return [str(answer) for answer in possible]


@transaction.atomic
def answer_alerts(
    *, seen: Mapping[int, int], actor: User, answer: str, reason: str, now: datetime
) -> list[DeviceAlert]:
    """Answer alerts together or none of them; an incident is told to the security managers.

    `seen` maps each alert to the version that the person saw: an answer that they did not see stays. Raises NotAllowed,
    AnswerRefused, AnsweredMeanwhile.
    """
    rows = DeviceAlert.system.select_for_update(of=("self",)).filter(pk__in=list(seen)).order_by("pk")
    alerts = list(rows.select_related("device"))
    if not alerts:
        raise AnswerRefused("", _("Choose at least one alert."))
    if any(not actor.may(ANSWER_ALERTS, alert.organisation_id) for alert in alerts):
        raise NotAllowed(_("Only the security officer or manager of the organisation answers alerts."))
    if any(alert.version != seen[alert.pk] for alert in alerts):
        raise AnsweredMeanwhile("", _("Somebody answered this meanwhile. Look again."))
    if any(answer not in answers_to(alert) for alert in alerts):
        text = _("This cannot be said to every alert that was chosen. Answer them one by one.")
        raise AnswerRefused("answer", text)
    if not reason.strip():
        raise AnswerRefused("reason", _("Say what was found out."))
    for alert in alerts:
        _answer(alert, actor, answer, reason, now)
    if answer == Answer.INCIDENT:
        telling.tell_incident(alerts, actor, now)
    return alerts


def _answer(alert: DeviceAlert, actor: User, answer: str, reason: str, now: datetime) -> None:
    alert.state, alert.answer, alert.reason = State.ANSWERED, answer, reason
    alert.answered_by, alert.answered_at = actor, now
    alert.version += 1
    alert.save(update_fields=["state", "answer", "reason", "answered_by", "answered_at", "version"])
    AlertEvent.system.create(
        alert=alert,
        organisation_id=alert.organisation_id,
        at=now,
        actor=actor,
        actor_name=actor.display_name,
        answer=answer,
        reason=reason,
    )
    trail.record(
        action="alert.answer",
        now=now,
        actor=actor,
        object_type="alert",
        object_id=alert.pk,
        object_label=alert.title,
        object_organisation_id=alert.organisation_id,
        detail={"kind": alert.kind, "answer": answer},
    )
