"""The kind of application for the whitelist: new, replaced and removed entries in one application (MAC-01, T 2-40)."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from devices.computers import checks as computers
from devices.computers import register as machines
from devices.computers.kinds import TARGET
from devices.whitelist import checks, elsewhere, forms, lookups, register
from devices.whitelist.addresses import shown_mac
from devices.whitelist.handlers import WhitelistWriter
from devices.whitelist.payloads import WhitelistLine
from portal.orgs.permissions import FEDERATIONS, Role
from portal.workflow import hanging, kinds, registering
from portal.workflow.kinds import ApplicationKind, StageSpec

WHITELIST = lookups.CODE

# T 2-40: the federation applies, operations permit.
_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.APPROVER)
_PERMIT = StageSpec(
    label=gettext_noop("Permit by network operations"),
    role=Role.OPERATOR,
    decided_in=kinds.OPERATIONS,
    business_days=1,
)


def _subject(payload: WhitelistLine) -> str:
    return f"{payload.computer} {shown_mac(payload.mac)}".strip()


def _terms(payload: WhitelistLine) -> Iterable[str]:
    addresses = [mac for mac in (payload.mac, payload.old_mac) if mac]
    return (payload.computer, payload.ip, *addresses, *(mac.replace(":", "") for mac in addresses))


WHITELIST_KIND: ApplicationKind[WhitelistLine] = ApplicationKind(
    code=WHITELIST,
    label=_("MAC whitelist: new, replaced and removed entries"),
    description=_(
        "PCs and printers that come, are exchanged or go: which MAC address may be on the network with which IP address."
    ),
    number_prefix="K",
    services=(16,),
    icon="shield",
    payload_class=WhitelistLine,
    form_class=forms.WhitelistForm,
    default_route=(_APPROVAL, _PERMIT),
    subject_key=lambda payload: payload.mac,
    subject=_subject,
    read_ahead=lookups.read_ahead,
    prepare=lookups.prepare,
    plan=checks.plan_line,
    check=checks.check_line,
    reservation_key=checks.reservation_of,
    subjects=checks.subjects_of,
    reservation_field="mac",
    search_terms=_terms,
    line_template="devices/line_whitelist.html",
    targets=(TARGET,),
    organisation_kinds=FEDERATIONS,
)


def register_all() -> None:
    """Register the kind with the engine, its handler with fulfilment, and what machines must mind."""
    registering.register_kinds((WHITELIST_KIND, WhitelistWriter()))
    computers.in_the_way_of_retiring.append(lookups.in_the_way)
    computers.in_the_way_of_becoming.append(lookups.in_the_way_of_becoming)
    hanging.register(elsewhere.hanging_on)
    machines.followers.append(register.follow_machine)
