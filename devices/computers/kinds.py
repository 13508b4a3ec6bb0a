"""The kinds of application about machines: they come, change and go (issue of the register; REQ-13 links them later)."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from devices.computers import checks, elsewhere, forms, lookups, register
from devices.computers.handlers import RegisterWriter
from devices.computers.payloads import ChangeComputer, RegisterComputer, RetireComputer
from portal.fulfilment.registry import name_target
from portal.orgs.permissions import FEDERATIONS, Role
from portal.workflow import hanging, registering
from portal.workflow.kinds import ApplicationKind, StageSpec

REGISTER = lookups.REGISTER
CHANGE = "devices.computer_change"
RETIRE = elsewhere.RETIRE
TARGET = "device_register"

_CHECK = StageSpec(label=gettext_noop("Check by the security officer"), role=Role.SECURITY_OFFICER)


def _terms(payload: RegisterComputer) -> Iterable[str]:
    return (payload.name, payload.department, payload.place, payload.segment)


REGISTER_KIND: ApplicationKind[RegisterComputer] = ApplicationKind(
    code=REGISTER,
    label=_("PC, server or printer: registration"),
    description=_("A machine comes into the register. Device permits and whitelist entries refer to it."),
    number_prefix="G",
    services=(13,),
    icon="computer",
    payload_class=RegisterComputer,
    form_class=forms.RegisterComputerForm,
    default_route=(_CHECK,),
    subject_key=lambda payload: payload.name.lower(),
    subject=lambda payload: payload.name,
    prepare=checks.prepare_register,
    plan=checks.plan_register,
    check=checks.check_register,
    reservation_key=lambda payload: checks.reservation_of(payload.name),
    subjects=lambda payload: checks.subjects_of(payload.name),
    reservation_field="name",
    search_terms=_terms,
    line_template="devices/line_computer.html",
    targets=(TARGET,),
    organisation_kinds=FEDERATIONS,
)

CHANGE_KIND: ApplicationKind[ChangeComputer] = ApplicationKind(
    code=CHANGE,
    label=_("PC, server or printer: change"),
    description=_("A machine gets another name, system, segment or place. Before and after are shown."),
    number_prefix="H",
    services=(13,),
    icon="copy",
    payload_class=ChangeComputer,
    form_class=forms.ChangeComputerForm,
    default_route=(_CHECK,),
    subject_key=lambda payload: payload.name.lower(),
    subject=lambda payload: payload.name,
    read_ahead=checks.read_ahead,
    prepare=checks.prepare_change,
    plan=checks.plan_change,
    check=checks.check_change,
    reservation_key=lambda payload: checks.reservation_of(payload.name_afterwards),
    subjects=lambda payload: checks.subjects_of(payload.name, payload.name_afterwards),
    reservation_field="name",
    search_terms=lambda payload: (*_terms(payload), payload.new_name),
    line_template="devices/line_computer.html",
    targets=(TARGET,),
    organisation_kinds=FEDERATIONS,
)

RETIRE_KIND: ApplicationKind[RetireComputer] = ApplicationKind(
    code=RETIRE,
    label=_("PC, server or printer: removal"),
    description=_("A machine was taken away. Its name becomes free."),
    number_prefix="J",
    services=(13,),
    icon="minus",
    payload_class=RetireComputer,
    form_class=forms.RetireComputerForm,
    default_route=(_CHECK,),
    subject_key=lambda payload: payload.name.lower(),
    subject=lambda payload: payload.name,
    read_ahead=checks.read_ahead,
    prepare=checks.prepare_retire,
    plan=checks.plan_retire,
    check=checks.check_retire,
    reservation_key=lambda payload: checks.reservation_of(payload.name),
    subjects=lambda payload: checks.subjects_of(payload.name),
    reservation_field="name",
    search_terms=lambda payload: (payload.name,),
    line_template="devices/line_computer.html",
    targets=(TARGET,),
    organisation_kinds=FEDERATIONS,
)


def register_all() -> None:
    """Register the kinds with the engine and their handlers with fulfilment."""
    name_target(TARGET, _("Register of devices"))
    hanging.register_reader(elsewhere.machines_of)
    hanging.register(elsewhere.hanging_on)
    registering.register_kinds(
        (REGISTER_KIND, RegisterWriter(register.enter_computer)),
        (CHANGE_KIND, RegisterWriter(register.change_computer)),
        (RETIRE_KIND, RegisterWriter(register.retire_computer)),
    )
