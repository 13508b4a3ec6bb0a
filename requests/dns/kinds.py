"""The kind of application for DNS records (REQ-05)."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from portal.fulfilment.registry import name_target, on_settled
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import kinds, related
from portal.workflow.kinds import ApplicationKind, StageSpec
from portal.workflow.registering import register_kinds
from requests.dns import checks, entering, forms, lookups, rollback
from requests.dns.handlers import DnsWriter
from requests.dns.payloads import Action, DnsLine
from requests.zones.owners import KIND, TARGET, key_of

# A directory or DNS server writes a record in milliseconds: the statements of the queue would cost more than the work.
_AT_ONCE = 20

# T 2-15 no. 5: the federation applies, operations carry out.
_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.APPROVER)
_ACCEPTANCE = StageSpec(
    label=gettext_noop("Acceptance by network operations"),
    role=Role.OPERATOR,
    decided_in=kinds.OPERATIONS,
    business_days=1,
)


def _subject(line: DnsLine) -> str:
    return f"{line.name} {line.type} {Action(line.action).label}"


def _terms(line: DnsLine) -> Iterable[str]:
    return (line.name, line.type, line.value[:200], line.old_value[:200])


DNS: ApplicationKind[DnsLine] = ApplicationKind(
    code=KIND,
    label=_("DNS records: add, change and delete"),
    description=_(
        "Names and addresses in the registered DNS zones, mainly for equipment of 独自処理システム."
    ),
    number_prefix="R",
    services=(9,),
    icon="route",
    payload_class=DnsLine,
    form_class=forms.DnsForm,
    default_route=(_APPROVAL, _ACCEPTANCE),
    subject_key=lambda line: key_of(line.name),
    subject=_subject,
    prepare=lookups.prepare,
    plan=checks.plan_line,
    check=checks.check_line,
    reservation_key=checks.reservation_of,
    subjects=checks.subjects_of,
    reservation_field="name",
    search_terms=_terms,
    line_template="requests/line_dns.html",
    targets=(TARGET,),
    organisation_kinds=FEDERATIONS | {OrganisationKind.OPERATIONS},
)


def register_all() -> None:
    """Register the kind with the engine, its handler with fulfilment, and the way back."""
    register_kinds((DNS, DnsWriter()))
    name_target(TARGET, "DNS", at_once=_AT_ONCE)
    on_settled(entering.operations_settled)
    related.register(KIND, rollback.links)
