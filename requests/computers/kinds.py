"""The kinds of application about computer objects (REQ-02): they come, go, and are given back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from portal.fulfilment.registry import name_step, on_settled, register_handler
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from portal.workflow import kinds
from portal.workflow.kinds import ApplicationKind, StageSpec
from portal.workflow.registering import register_kinds
from portal.workflow.reports.facts import name_facts
from requests.computers import checks, forms, lookups, planning
from requests.computers.handlers import AddHandler, RemoveHandler, RestoreHandler
from requests.computers.payloads import AddComputer, NamedComputer, RemoveComputer, RestoreComputer
from requests.computers.removing import REMOVE, RESTORE, FinalRemoval, operations_settled
from requests.computers.work import TARGET

ADD = "requests.computer_add"
REMOVE_KIND = "requests.computer_remove"

# T 2-15 no. 1: the federation applies, operations carry out.
_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.APPROVER)
_ACCEPTANCE = StageSpec(
    label=gettext_noop("Acceptance by network operations"),
    role=Role.OPERATOR,
    decided_in=kinds.OPERATIONS,
    business_days=1,
)
_MAY_APPLY = FEDERATIONS | {OrganisationKind.OPERATIONS}


def _terms(line: AddComputer) -> Iterable[str]:
    return (line.name, line.description)


def _named_terms(line: NamedComputer) -> Iterable[str]:
    return (line.name,)


def _kind(**own: Any) -> ApplicationKind[Any]:
    """One of the three, which differ in what they say, check and plan alone."""
    shared: dict[str, Any] = {
        "services": (7,),
        "default_route": (_APPROVAL, _ACCEPTANCE),
        "subject_key": lambda line: line.name.lower(),
        "subject": lambda line: line.name,
        "prepare": lookups.prepare,
        "reservation_key": lookups.reservation_of,
        "subjects": lookups.subjects_of,
        "reservation_field": "name",
        "search_terms": _named_terms,
        "line_template": "requests/line_computer.html",
        "targets": (TARGET,),
        "organisation_kinds": _MAY_APPLY,
    }
    return ApplicationKind(**shared | own)


ADD_KIND: ApplicationKind[AddComputer] = _kind(
    code=ADD,
    label=_("Computer object: registration"),
    description=_("A computer object is made in Active Directory before its PC joins the domain."),
    number_prefix="Q",
    icon="computer",
    payload_class=AddComputer,
    form_class=forms.AddForm,
    plan=planning.plan_add,
    check=checks.check_add,
    search_terms=_terms,
)

REMOVAL: ApplicationKind[RemoveComputer] = _kind(
    code=REMOVE_KIND,
    label=_("Computer object: deletion"),
    description=_("A PC was taken away: its object stops working at once and is removed later."),
    number_prefix="S",
    icon="minus",
    payload_class=RemoveComputer,
    form_class=forms.RemoveForm,
    plan=planning.plan_remove,
    check=checks.check_remove,
)

RESTORATION: ApplicationKind[RestoreComputer] = _kind(
    code=RESTORE,
    label=_("Computer object: restoration"),
    description=_("A deleted object is given back as it was, as long as it was not removed for good."),
    number_prefix="T",
    icon="back",
    payload_class=RestoreComputer,
    form_class=forms.RestoreForm,
    plan=planning.plan_restore,
    check=checks.check_restore,
)


def register_all() -> None:
    """Register the kinds with the engine, their handlers with fulfilment, and the way to the register."""
    register_kinds((ADD_KIND, AddHandler()), (REMOVAL, RemoveHandler()), (RESTORATION, RestoreHandler()))
    register_handler(REMOVE_KIND, TARGET, FinalRemoval(), step=REMOVE)
    name_step(REMOVE, _("final removal"))
    on_settled(operations_settled)
    name_facts(description=_("Description"), removed_below=_("Objects that went with it"))
