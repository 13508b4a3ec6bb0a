"""The kinds of application for password settings (REQ-03)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from portal.fulfilment.registry import name_step, register_handler
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import kinds
from portal.workflow.kinds import ApplicationKind, StageSpec
from portal.workflow.registering import register_kinds
from portal.workflow.reports.facts import name_facts
from requests.password_settings import checks, forms, planning
from requests.password_settings.ending import EndHandler, TakeBackHandler
from requests.password_settings.handlers import ExtendHandler, StartHandler
from requests.password_settings.payloads import (
    END,
    EXTEND,
    START,
    TAKE_BACK,
    TARGET,
    EndLifetime,
    ExtendLifetime,
    StartLifetime,
)

# T 2-15 no. 2: the federation applies, operations carry out.
_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.APPROVER)
_ACCEPTANCE = StageSpec(
    label=gettext_noop("Acceptance by network operations"),
    role=Role.OPERATOR,
    decided_in=kinds.OPERATIONS,
    business_days=1,
)
_COMMON: dict[str, Any] = {
    "number_prefix": "L",
    "services": (7,),
    "icon": "key",
    "default_route": (_APPROVAL, _ACCEPTANCE),
    "reservation_field": "name",
    "line_template": "requests/line_pso.html",
    "targets": (TARGET,),
    "organisation_kinds": FEDERATIONS | {OrganisationKind.OPERATIONS},
    # One object, one application: who approves sees all whom it touches on one page.
    "max_lines": 1,
    "max_bulk_lines": 1,
}


def _terms(line: StartLifetime) -> Iterable[str]:
    return (line.full_name, line.group, *line.login_names)


START_KIND: ApplicationKind[StartLifetime] = ApplicationKind(
    code=START,
    label=_("Longer password lifetime"),
    description=_(
        "Passwords of named accounts or of a group live longer until a day (PSO), such as in a busy season."
    ),
    payload_class=StartLifetime,
    form_class=forms.StartForm,
    subject_key=lambda line: line.full_name.lower(),
    subject=lambda line: f"{line.whom} {line.lifetime_days} → {line.until}"[:200],
    plan=planning.plan_start,
    check=checks.check_start,
    reservation_key=lambda line: checks.reservation_of(line.full_name),
    search_terms=_terms,
    **_COMMON,
)

EXTEND_KIND: ApplicationKind[ExtendLifetime] = ApplicationKind(
    code=EXTEND,
    label=_("Longer password lifetime: extend"),
    description=_("Settings in force get a later last day, perhaps a longer lifetime."),
    payload_class=ExtendLifetime,
    form_class=forms.ExtendForm,
    subject_key=lambda line: line.name.lower(),
    subject=lambda line: f"{line.name} → {line.until}",
    plan=planning.plan_extend,
    check=checks.check_extend,
    reservation_key=lambda line: checks.reservation_of(line.name),
    search_terms=lambda line: (line.name,),
    **_COMMON,
)

END_KIND: ApplicationKind[EndLifetime] = ApplicationKind(
    code=END,
    label=_("Longer password lifetime: end early"),
    description=_("Settings in force are taken back before their last day."),
    payload_class=EndLifetime,
    form_class=forms.EndForm,
    subject_key=lambda line: line.name.lower(),
    subject=lambda line: line.name,
    plan=planning.plan_end,
    check=checks.check_end,
    reservation_key=lambda line: checks.reservation_of(line.name),
    search_terms=lambda line: (line.name,),
    **_COMMON,
)


def register_all() -> None:
    """Register the kinds with the engine and their handlers with fulfilment; the end by the calendar follows on both lines."""
    register_kinds((START_KIND, StartHandler()), (EXTEND_KIND, ExtendHandler()), (END_KIND, EndHandler()))
    take_back = TakeBackHandler()
    for kind in (START, EXTEND):
        register_handler(kind, TARGET, take_back, step=TAKE_BACK)
    name_step(TAKE_BACK, _("taking back on the last day"))
    name_facts(
        settings=_("Name of the settings"),
        precedence=_("Precedence"),
        lifetime_days=_("Password lifetime (days)"),
        until=_("Last day"),
        affected=_("Accounts affected"),
        expired=_("Passwords expired at once"),
        read_back_count=_("Accounts read back from Active Directory"),
        read_back=_("What Active Directory said of each account"),
        expires_at=_("Password expires"),
    )
