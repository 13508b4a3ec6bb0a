"""One step of a report under its lock: judged anew, written with its event and its mails, in one transaction.

Slow work (sealing, documents) is done before the lock is taken; what it rested on is compared under the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.reports import access, telling
from audit.reports.access import Acting
from audit.reports.errors import ChangedMeanwhile, NotAllowed, Refused
from audit.reports.models import AuditReport, ReportEvent, ReportStatus
from audit.reports.sealing import require_sealed
from audit.reports.verbs import Verb
from portal.common.time import plain_moment
from portal.orgs.models import User
from portal.orgs.permissions import FEDERATIONS, Permission
from portal.trail import services as trail
from portal.workflow import people

# Fields of the people of a half that another half must not be done by (AUD: creator is not confirmer).
MAKERS = ("created_by_id", "created_for_id")
CENTRAL_CONFIRMERS = ("central_checked_by_id", "central_checked_for_id")

Check = Callable[[AuditReport], None]
Effect = Callable[[AuditReport, Acting, datetime, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Move:
    """A step on the way: from where to where, by whom, what must be true, and what it writes."""

    verb: Verb
    label: Any  # of the button, gettext_lazy
    before: ReportStatus
    after: ReportStatus
    permission: Permission
    check: Check
    effect: Effect  # sets the fields; gives the detail of the event
    apart: tuple[str, ...] = ()


def place_of(permission: Permission, report: AuditReport) -> int:
    """The organisation in which somebody must hold the permission for a step of this report."""
    if permission.kinds <= FEDERATIONS:
        return report.organisation_id
    (kind,) = permission.kinds
    return people.organisation_of(kind).pk


def judge(move: Move, report: AuditReport, actor: User, now: datetime) -> Acting:
    """How the person may do the step as things stand. Raises NotAllowed, Refused."""
    place = place_of(move.permission, report)
    found = access.acting(actor, move.permission, place, now, apart=_apart(move, report))
    require_ready(move, report)
    return found


def require_ready(move: Move, report: AuditReport) -> None:
    """It is the turn of the step, and everything is there. Raises Refused."""
    if report.status != move.before or not report.is_current:
        text = _("This step cannot be done: the report is “%(state)s”.")
        raise Refused("", text % {"state": report.get_status_display()})
    move.check(report)


def _apart(move: Move, report: AuditReport) -> set[int]:
    return {getattr(report, name) for name in move.apart} - {None}


def take(
    move: Move, *, report_id: int, version: int, actor: User, now: datetime, **values: Any
) -> AuditReport:
    """Do the step. Raises NotAllowed, Refused, ChangedMeanwhile."""
    with transaction.atomic():
        report = locked(report_id, version)
        found = judge(move, report, actor, now)
        require_sealed(now)
        detail = move.effect(report, found, now, values)
        record(report, move.verb, found, now, to=move.after, detail=detail)
        telling.tell_next(report, now)
    return report


def locked(report_id: int, version: int) -> AuditReport:
    """The report with its lock, as the person saw it. Raises ChangedMeanwhile with who was faster."""
    rows = AuditReport.system.select_for_update(of=("self",))
    report: AuditReport = rows.select_related("cycle", "organisation", "reconciliation").get(pk=report_id)
    if report.version != version:
        raise ChangedMeanwhile("", who_was_faster(report))
    return report


def who_was_faster(report: AuditReport) -> str:
    """Who did what last, in a sentence."""
    last = report.events.order_by("-id").first()
    if last is None:
        return _("The report changed meanwhile. Look again.")
    text = _("%(who)s was faster: “%(what)s” at %(when)s. Nothing was done twice. Look again.")
    who = last.actor_name or _("The portal")
    return text % {"who": who, "what": last.get_verb_display(), "when": plain_moment(last.at)}


def record(
    report: AuditReport,
    verb: Verb,
    found: Acting,
    now: datetime,
    *,
    to: ReportStatus | None = None,
    text: str = "",
    detail: Mapping[str, Any] | None = None,
) -> ReportEvent:
    """Save the report, and write what happened into its history and into the trail (SEC-02)."""
    before, more = report.status, dict(detail or {})
    if found.acts_for is not None:
        more["acts_for"] = found.acts_for.display_name
    report.status = to or report.status
    report.version += 1
    report.save()
    trail.record(
        action=f"audit_report.{verb}",
        now=now,
        actor=found.person,
        object_type="audit_report",
        object_id=report.pk,
        object_label=str(report),
        object_organisation_id=report.organisation_id,
        detail=more,
    )
    return ReportEvent.objects.create(
        report=report,
        at=now,
        actor=found.person,
        actor_name=found.person.display_name,
        verb=verb,
        from_status=before,
        to_status=report.status,
        text=text,
        detail=more,
    )


def why_not(move: Move, report: AuditReport, actor: User, now: datetime, role: Acting | None = None) -> str:
    """Why the person cannot do the step now; "" when they can. `role`: how they may do it for other reports of the place."""
    own = role is not None and role.acts_for is None and actor.pk not in _apart(move, report)
    try:
        if own:
            require_ready(move, report)
        else:
            judge(move, report, actor, now)
    except (NotAllowed, Refused) as refusal:
        return refusal.reason
    return ""


def require_any(
    actor: User, permissions: Collection[Permission], report: AuditReport, now: datetime
) -> Acting:
    """By the first of these permissions that the person has. Raises NotAllowed."""
    for permission in permissions:
        try:
            return access.acting(actor, permission, place_of(permission, report), now)
        except NotAllowed as error:
            last = error
    raise last
