"""The kinds of application about devices: permit, renewal, removal (DEV-01, DEV-06)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from devices.computers import checks as computers
from devices.computers.kinds import TARGET as REGISTER_TARGET
from devices.permits import checks, elsewhere, forms, handlers, lookups
from devices.permits.payloads import PermitDevice, RemovePermit, RenewPermit
from devices.permits.register import EXPIRE, TARGET
from portal.fulfilment.registry import name_step, name_target, register_handler
from portal.orgs.permissions import FEDERATIONS, Role
from portal.workflow import hanging, registering
from portal.workflow.kinds import ApplicationKind, StageSpec

PERMIT = "devices.permit"
RENEW = "devices.permit_renew"
REMOVE = lookups.REMOVE

# DEV-01: the officer checks and files, the manager decides; the officer who registers is a third person.
_FILING = StageSpec(label=gettext_noop("Check and filing"), role=Role.SECURITY_OFFICER)
_APPROVAL = StageSpec(label=gettext_noop("Approval"), role=Role.SECURITY_MANAGER)
# DEV-06: the officer ends it at once, the manager is told.
_REMOVAL = StageSpec(
    label=gettext_noop("Removal by the security officer"), role=Role.SECURITY_OFFICER, business_days=1
)

PERMIT_KIND: ApplicationKind[PermitDevice] = ApplicationKind(
    code=PERMIT,
    label=_("Device permit: new"),
    description=_("A USB memory, drive, card reader or scanner shall be used on PCs of the organisation."),
    number_prefix="V",
    services=(14,),
    icon="device",
    payload_class=PermitDevice,
    form_class=forms.PermitForm,
    default_route=(_FILING, _APPROVAL),
    subject_key=lambda payload: lookups.key_of(payload)[:200].lower(),
    subject=lambda payload: payload.label,
    prepare=lookups.prepare_permit,
    plan=checks.plan_permit,
    check=checks.check_permit,
    reservation_key=lookups.reservation_of,
    reservation_field="serial",
    search_terms=lambda payload: (
        payload.maker,
        payload.model,
        payload.serial,
        payload.end_user,
        *payload.computers,
    ),
    line_template="devices/line_permit.html",
    targets=(TARGET,),
    organisation_kinds=FEDERATIONS,
)

RENEW_KIND: ApplicationKind[RenewPermit] = ApplicationKind(
    code=RENEW,
    label=_("Device permit: renewal"),
    description=_("A permit that ends soon shall last longer."),
    number_prefix="W",
    services=(14,),
    icon="cycle",
    payload_class=RenewPermit,
    form_class=forms.RenewForm,
    default_route=(_FILING, _APPROVAL),
    subject_key=lambda payload: payload.number.lower(),
    subject=lambda payload: f"{payload.number} {payload.label}".strip(),
    read_ahead=lookups.read_numbers,
    prepare=lookups.prepare_named,
    plan=checks.plan_renew,
    check=checks.check_renew,
    reservation_key=lambda payload: f"permit:{payload.number}",
    reservation_field="number",
    search_terms=lambda payload: (payload.number, payload.label),
    line_template="devices/line_named.html",
    targets=(REGISTER_TARGET,),
    organisation_kinds=FEDERATIONS,
)

REMOVE_KIND: ApplicationKind[RemovePermit] = ApplicationKind(
    code=REMOVE,
    label=_("Device permit: removal"),
    description=_("A device is no longer used. Its permit ends as soon as the security officer accepts it."),
    number_prefix="X",
    services=(14,),
    icon="minus",
    payload_class=RemovePermit,
    form_class=forms.RemoveForm,
    default_route=(_REMOVAL,),
    subject_key=lambda payload: payload.number.lower(),
    subject=lambda payload: f"{payload.number} {payload.label}".strip(),
    read_ahead=lookups.read_numbers,
    prepare=lookups.prepare_named,
    plan=checks.plan_remove,
    check=checks.check_remove,
    reservation_key=lambda payload: f"permit:{payload.number}",
    reservation_field="number",
    search_terms=lambda payload: (payload.number, payload.label),
    line_template="devices/line_named.html",
    targets=(TARGET,),
    organisation_kinds=FEDERATIONS,
)


def register_all() -> None:
    """Register the kinds with the engine, their handlers with fulfilment, and what machines must mind."""
    name_target(TARGET, "SKYSEA")
    name_step(EXPIRE, _("end of the validity"))
    registering.register_kinds(
        (PERMIT_KIND, handlers.PermitHandler()),
        (RENEW_KIND, handlers.RenewalWriter()),
        (REMOVE_KIND, handlers.RemovalHandler()),
    )
    register_handler(PERMIT, TARGET, handlers.ExpireHandler(), step=EXPIRE)
    computers.in_the_way.append(lookups.in_the_way)
    hanging.register(elsewhere.hanging_on)
