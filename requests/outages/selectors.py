"""Reading outages: everybody those that concern their organisations, and nothing about the others (ORG-02)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.search import matching
from portal.common.time import JST
from portal.orgs.models import Membership, Organisation, User
from portal.orgs.permissions import PLAN_OUTAGES, OrganisationKind, Role
from portal.workflow.banners import Banner
from portal.workflow.waiting import Waiting
from requests.outages.models import Confirmer, Outage, OutageEvent, OutagePart, Shown
from requests.outages.services import moment

_PLANNED = Outage.State.PLANNED
CONFIRMING = (Role.APPROVER, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER, Role.APPLICANT, Role.OPERATOR)


def outages(
    user: User, q: str = "", *, state: str = "", system: str = "", month: str = "", organisation: str = ""
) -> QuerySet[Outage]:
    """Those that concern the person's organisations, or that they confirm; all words of `q` occur.

    `state` is one of Shown, `month` such as 2026-12: what touches it.
    """
    rows: QuerySet[Outage] = Outage.objects.select_related("planned_by")
    if not user.scope.everything:
        parts = OutagePart.objects.visible_to(user).filter(outage=OuterRef("pk"))
        named = Confirmer.objects.visible_to(user).filter(outage=OuterRef("pk"), person=user)
        rows = rows.filter(Exists(parts) | Exists(named))
    if state:
        rows = rows.filter(_standing(state, timezone.now()))
    if system:
        rows = rows.filter(systems__contains=[system])
    if month:
        rows = _in_month(rows, month)
    if organisation:
        places = OutagePart.objects.visible_to(user).filter(outage=OuterRef("pk"))
        rows = rows.filter(Exists(places.filter(organisation__code=organisation)))
    return matching(rows, q)


def outage(user: User, number: str) -> Outage:
    """One that the person may see. Raises Outage.DoesNotExist."""
    return outages(user).get(number=number)


def _standing(state: str, now: datetime) -> Q:
    return {
        Shown.PLANNED.value: Q(state=_PLANNED, stops_at__gt=now),
        Shown.RUNNING.value: Q(state=_PLANNED, stops_at__lte=now, starts_at__gt=now),
        Shown.OVERDUE.value: Q(state=_PLANNED, starts_at__lte=now),
    }.get(state, Q(state=state))


def first_day(month: str) -> date | None:
    """The first day of "2026-12"; None for what is no month."""
    try:
        return datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007  a calendar day
    except ValueError:
        return None


def _in_month(rows: QuerySet[Outage], month: str) -> QuerySet[Outage]:
    first = first_day(month)
    if first is None:
        return rows.none()
    start = datetime.combine(first, time(), tzinfo=JST)
    end = datetime.combine((first + timedelta(days=32)).replace(day=1), time(), tzinfo=JST)
    return rows.filter(stops_at__lt=end, starts_at__gt=start)


def concerned(user: User, outage: Outage) -> list[Organisation]:
    """The organisations that it concerns, as far as the person sees them."""
    rows: Any = OutagePart.objects.visible_to(user).filter(outage=outage).select_related("organisation")
    return [row.organisation for row in rows.order_by("organisation__sort_order")]


def confirmers(user: User, outage: Outage) -> list[Confirmer]:
    """Who confirms, as far as the person sees their organisations."""
    rows: Any = Confirmer.objects.visible_to(user).filter(outage=outage)
    return list(rows.select_related("person", "organisation"))


def history(user: User, outage: Outage) -> QuerySet[OutageEvent]:
    """What happened; what other federations said about themselves is left out."""
    rows = OutageEvent.objects.filter(outage=outage)
    if user.scope.everything:
        return rows
    return rows.filter(Q(organisation=None) | Q(organisation__in=user.scope.organisation_ids))


def organisations(user: User) -> list[Organisation]:
    """For the filter."""
    rows = Organisation.objects.all()
    return list(rows if user.scope.everything else rows.filter(pk__in=user.scope.organisation_ids))


def banners(user: User, now: datetime) -> Iterable[Banner]:
    """What stops now or soon, for everybody concerned."""
    near = now + timedelta(days=settings.OUTAGES["banner_days"])
    rows = outages(user).filter(state=_PLANNED, stops_at__lte=near).order_by("stops_at")[:5]
    for each in rows:
        state = each.shown(now)
        title = {
            Shown.PLANNED: _("Planned outage: %(title)s"),
            Shown.RUNNING: _("Stopped now: %(title)s"),
            Shown.OVERDUE: _("Start not confirmed yet: %(title)s"),
        }[state]
        yield Banner(
            title=title % {"title": each.title},
            text=_("%(stops)s to %(starts)s, %(systems)s")
            % {
                "stops": moment(each.stops_at),
                "starts": moment(each.starts_at),
                "systems": each.system_labels,
            },
            url=reverse("outage", args=[each.number]),
            state="" if state == Shown.PLANNED else "warn",
        )


def waiting_for(user: User, now: datetime) -> Iterable[Waiting]:
    """For operations what nobody confirmed in time, for others what they are to confirm."""
    if user.may(PLAN_OUTAGES):
        url = f"{reverse('outage_list')}?state={Shown.OVERDUE.value}"
        count = outages(user).filter(_standing(Shown.OVERDUE.value, now)).count()
        label = gettext_lazy("Outages whose start nobody confirmed")
        yield Waiting(label=label, icon="warning", count=count, url=url, state="late")
        return
    named = Confirmer.objects.visible_to(user).filter(
        person=user, outage__state=_PLANNED, outage__stops_at__lte=now
    )
    count = named.exclude(result=Confirmer.Result.NORMAL).count()
    url = f"{reverse('outage_list')}"
    yield Waiting(label=gettext_lazy("Normality to confirm"), icon="check", count=count, url=url)


def people_who_confirm() -> list[User]:
    """Whom operations can name for confirming normality (REQ-10): people of operations first, then of the organisations."""
    rows: Any = Membership.system.valid_on(timezone.localdate())  # type: ignore[attr-defined]
    rows = rows.filter(role__in=CONFIRMING, user__is_active=True, user__is_break_glass=False)
    people = User.objects.filter(pk__in=rows.values("user_id")).select_related("organisation")
    found = list(people.order_by("organisation__sort_order", "pk"))
    return sorted(found, key=lambda person: person.organisation.kind != OrganisationKind.OPERATIONS)
