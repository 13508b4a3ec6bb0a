"""Longer password lifetimes in the demonstration, made through the portal's own services: one near its end, one waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryError
from portal.orgs.models import Membership, Organisation, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import selectors, services
from portal.workflow.content import Content
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, StageStatus
from requests.password_settings.lookups import organisation_ou
from requests.password_settings.models import PasswordLifetime
from requests.password_settings.payloads import START, TARGET

_NEEDED = 4  # accounts


def tell(*, federations: int) -> int:
    """Let so many federations apply; how many did. Without Active Directory there is no story, and none twice."""
    operations = Organisation.objects.get(kind=OrganisationKind.OPERATIONS)
    operator = _holder(Role.OPERATOR, operations)
    if operator is None or PasswordLifetime.system.exists():
        return 0
    staffed = Organisation.objects.filter(kind__in=FEDERATIONS, memberships__role=Role.SECURITY_MANAGER)
    places = staffed.distinct().order_by("sort_order")[:federations]
    return sum(_story(organisation, operator) for organisation in places)


def _story(organisation: Organisation, operator: User) -> bool:
    applicant, approver = (_holder(role, organisation) for role in (Role.APPLICANT, Role.APPROVER))
    names = _accounts(organisation)
    if applicant is None or approver is None or len(names) < _NEEDED:
        return False
    today = timezone.localdate()
    try:
        done = _submitted(
            organisation,
            applicant,
            "月次審査の繁忙期に、パスワード変更の作業を避けるため。",
            _line("shinsa", names[:3], 180, today + timedelta(days=10)),
        )
        _approve(done, approver)
        _approve(done, operator)
        fulfilment.drain(TARGET, now_fn=timezone.now)
        _submitted(
            organisation,
            applicant,
            "システム更改の作業期間中に、担当者のパスワードが期限切れになるのを防ぐため。",
            _line("koukai", names[3:], 150, today + timedelta(days=60)),
        )
    except InvalidApplication:
        return False  # the accounts of this demonstration do not fit
    return True


def _accounts(organisation: Organisation) -> list[str]:
    """Some accounts of the organisation whose owner has chosen a password."""
    directory = directory_factory.get_directory()
    try:
        found = directory.search_accounts(organisation_ou(organisation), enabled_only=True)
        fit = [entry for entry in found if entry.password_expires_at is not None and not entry.privileged]
    except DirectoryError:
        return []
    return sorted(entry.login_name for entry in fit)[: _NEEDED + 1]


def _line(name: str, login_names: list[str], days: int, until: Any) -> dict[str, Any]:
    return {
        "name": name,
        "login_names": login_names,
        "group": "",
        "lifetime_days": days,
        "until": until.isoformat(),
    }


def _submitted(organisation: Organisation, applicant: User, reason: str, line: dict[str, Any]) -> Application:
    now = timezone.now()
    content = Content(reason=reason, lines=(line,))
    draft = services.create_draft(
        kind=START, organisation_id=organisation.pk, actor=applicant, content=content, now=now
    )
    return services.submit(application_id=draft.pk, actor=applicant, version=None, now=now)


def _approve(application: Application, actor: User) -> None:
    now = timezone.now()
    view = selectors.decision_view(actor, application, now)
    services.approve(
        application_id=application.pk,
        stage_id=application.stages.get(status=StageStatus.OPEN).pk,
        actor=actor,
        content_hash=application.content_hash,
        plan_digest=view.plan_digest,
        comment="",
        now=now,
    )


def _holder(role: str, organisation: Organisation) -> User | None:
    """Somebody who holds the role there."""
    row = Membership.system.filter(organisation=organisation, role=role, ended_at=None).order_by("pk").first()
    return row.user if row else None
