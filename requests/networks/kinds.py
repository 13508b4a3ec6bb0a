"""The kind of application for segments of 独自処理システム (REQ-09)."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from portal.fulfilment.registry import name_target
from portal.notices import messages, places
from portal.orgs.permissions import FEDERATIONS, Role
from portal.workflow import kinds, waiting
from portal.workflow.kinds import ApplicationKind, StageSpec
from portal.workflow.registering import register_kinds
from portal.workflow.reports.facts import name_facts
from requests.networks import checks, forms, selectors
from requests.networks.handlers import NetworkHandler
from requests.networks.payloads import KIND, TARGET, Action, NetworkLine
from requests.networks.services import TEMPLATE

# T 2-76 and T 2-77 ③: the central association allots.
_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.APPROVER)
_CENTRAL = StageSpec(
    label=gettext_noop("Decision of the central association"), role=Role.APPROVER, decided_in=kinds.CENTRAL
)


def _subject(line: NetworkLine) -> str:
    what = line.network if line.action == Action.GIVE_BACK else f"/{line.size} {line.purpose}"
    return f"{what} {Action(line.action).label}"


NETWORK: ApplicationKind[NetworkLine] = ApplicationKind(
    code=KIND,
    label=_("Segment of a 独自処理システム"),
    description=_("A segment with its VLAN, allotted by the central association, or one that is given back."),
    number_prefix="NW",
    services=(2,),
    icon="route",
    payload_class=NetworkLine,
    form_class=forms.NetworkForm,
    default_route=(_APPROVAL, _CENTRAL),
    subject_key=lambda line: (line.network or f"{line.use} /{line.size}").lower(),
    subject=_subject,
    plan=checks.plan_line,
    check=checks.check_line,
    reservation_key=checks.reservation_of,
    reservation_field="network",
    search_terms=lambda line: (line.network, line.purpose),
    line_template="requests/line_network.html",
    targets=(TARGET,),
    organisation_kinds=FEDERATIONS,
)


def register_all() -> None:
    """Register the kind with the engine, its handler with fulfilment, its mail and its card."""
    register_kinds((NETWORK, NetworkHandler()))
    name_facts(
        network=_("Segment"),
        vlan=_("VLAN"),
        valid_from=_("Valid from"),
        allotted_by=_("Allotted by"),
        last_day=_("Last day"),
        free=_("Free again"),
    )
    name_target(TARGET, _("register of segments"))
    messages.provide(TEMPLATE, lambda n: {"url": messages.link("network_allot", n.context["line"])})
    places.provide(TEMPLATE, lambda notice: reverse("network_allot", args=[notice.context["line"]]))
    waiting.register(selectors.waiting_for)
