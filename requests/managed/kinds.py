"""The kinds of application for machines under a service (REQ-07, REQ-08)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from portal.fulfilment.registry import name_target, on_settled
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import related
from portal.workflow.kinds import ApplicationKind, StageSpec
from portal.workflow.registering import register_kinds
from portal.workflow.reports.facts import name_facts
from requests.managed import checks, forms, lookups, register
from requests.managed.handlers import HANDLERS
from requests.managed.models import Service
from requests.managed.payloads import Action, AntivirusLine, ManagedLine, MonitoringLine
from requests.managed.selectors import machines_of

ANTIVIRUS, MONITORING = "requests.antivirus", "requests.monitoring"
ANTIVIRUS_TARGET, MONITORING_TARGET = "antivirus", "monitoring"
# T 2-49 no. 4 and T 2-21 no. 3: the federation applies and approves, operations carry out.
_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.APPROVER)


def _subject(line: ManagedLine) -> str:
    return f"{line.name} {Action(line.action).label}"


def _kind(service: Service, **own: Any) -> ApplicationKind[Any]:
    """One of the two, which differ in what they say, check and plan alone."""
    shared: dict[str, Any] = {
        "default_route": (_APPROVAL,),
        "subject_key": lambda line: line.key,
        "subject": _subject,
        "read_ahead": lookups.read_ahead(service),
        "prepare": lookups.prepare(service),
        "reservation_key": lambda line: lookups.reservation_of(service, line.organisation, line.key),
        "reservation_field": "name",
    }
    return ApplicationKind(**shared | own)


ANTIVIRUS_KIND: ApplicationKind[AntivirusLine] = _kind(
    Service.ANTIVIRUS,
    code=ANTIVIRUS,
    label=_("Antivirus: add or remove a managed machine"),
    description=_(
        "A PC or server comes under the antivirus service or leaves it. Network operations do it on the antivirus server."
    ),
    number_prefix="AV",
    services=(19,),
    icon="shield",
    payload_class=AntivirusLine,
    form_class=forms.AntivirusForm,
    plan=checks.plan_antivirus,
    check=checks.check_antivirus,
    search_terms=lambda line: (line.name, line.operating_system, line.place),
    line_template="requests/line_antivirus.html",
    targets=(ANTIVIRUS_TARGET,),
    organisation_kinds=FEDERATIONS,
)

MONITORING_KIND: ApplicationKind[MonitoringLine] = _kind(
    Service.MONITORING,
    code=MONITORING,
    label=_("Monitoring: add, change or remove a machine"),
    description=_(
        "A server or network device comes under monitoring, is monitored otherwise, or leaves it (構成変更)."
    ),
    number_prefix="MO",
    services=(11,),
    icon="eye",
    payload_class=MonitoringLine,
    form_class=forms.MonitoringForm,
    plan=checks.plan_monitoring,
    check=checks.check_monitoring,
    search_terms=lambda line: (line.name, line.address, line.place),
    line_template="requests/line_monitoring.html",
    targets=(MONITORING_TARGET,),
    organisation_kinds=FEDERATIONS | {OrganisationKind.OPERATIONS, OrganisationKind.MAINTENANCE},
)


def register_all() -> None:
    """Register the kinds with the engine, their handlers with fulfilment, and what a finished one changes."""
    name_target(ANTIVIRUS_TARGET, _("Antivirus server"))
    name_target(MONITORING_TARGET, _("Monitoring server"))
    register_kinds(
        (ANTIVIRUS_KIND, HANDLERS[Service.ANTIVIRUS]), (MONITORING_KIND, HANDLERS[Service.MONITORING])
    )
    on_settled(register.enter_results)
    name_facts(
        done=_("What was done"),
        done_at=_("When it was done"),
        done_by=_("Who did it"),
        seen=_("What shows that it is done"),
    )
    for code in register.SERVICES:
        related.register(code, machines_of)
