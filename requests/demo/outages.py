"""Planned outages of the demonstration: one next week, one tonight, one that was confirmed."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils import timezone

from portal.common.time import JST
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from requests.demo.enquiries import people_of
from requests.outages import services
from requests.outages.models import Confirmer, Outage
from requests.outages.services import Plan


def tell() -> int:
    """How many; none where there are some already, or nobody to confirm."""
    operations = Organisation.objects.get(kind=OrganisationKind.OPERATIONS)
    operators = people_of(Role.OPERATOR, operations)
    places = Organisation.objects.filter(kind__in=FEDERATIONS).order_by("sort_order")
    staffed = [(place, found[0]) for place in places if (found := people_of(Role.APPROVER, place))]
    if not operators or not staffed or Outage.objects.exists():
        return 0
    now = timezone.now()
    evening = datetime.combine(timezone.localdate(now), time(21), tzinfo=JST)
    place, approver = staffed[0]
    _plan(
        "仮想化基盤の計画停止（定期保守）",
        ["VIRTUAL"],
        evening + timedelta(days=6),
        [place],
        [approver],
        operators[0],
        now,
    )
    _plan(
        "連合会FWのファームウェア更新",
        ["NETWORK", "REMOTE"],
        evening + timedelta(days=12),
        [each for each, _person in staffed],
        operators[:1],
        operators[0],
        now,
    )
    # Told of a week ago, done the day before yesterday.
    past = now - timedelta(days=7)
    done = _plan(
        "ウイルス対策サーバの更新",
        ["SECURITY"],
        evening - timedelta(days=2),
        [place],
        [approver],
        operators[0],
        past,
    )
    after = done.starts_at - timedelta(minutes=20)
    services.confirm(
        outage_id=done.pk,
        result=Confirmer.Result.NORMAL,
        note="管理画面で接続を確認",
        actor=approver,
        now=after,
    )
    return 3


def _plan(
    title: str,
    systems: list[str],
    stops_at: datetime,
    places: list[Organisation],
    confirmers: list[User],
    actor: User,
    now: datetime,
) -> Outage:
    wanted = Plan(
        title=title,
        systems=systems,
        detail="停止中は対象のシステムを利用できません。作業の進み具合により、起動時刻が前後することがあります。",
        stops_at=stops_at,
        starts_at=stops_at + timedelta(hours=4),
        organisations=places,
        confirmers=confirmers,
    )
    return services.plan(wanted=wanted, actor=actor, now=now)
