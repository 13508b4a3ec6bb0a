"""Which services watch machines: antivirus and monitoring (portal.workflow.hanging, REQ-07, REQ-08)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from portal.orgs.models import Organisation
from portal.workflow.hanging import Hanging
from requests.bundles.composing import ANTIVIRUS, MONITORING
from requests.bundles.models import Column
from requests.managed.models import ManagedMachine, Service
from requests.managed.payloads import Action, key_of

_PLACES = {
    Service.ANTIVIRUS.value: (Column.ANTIVIRUS.value, ANTIVIRUS),
    Service.MONITORING.value: (Column.MONITORING.value, MONITORING),
}


def hanging_on(organisation: Organisation, names: Collection[str], day: date) -> Iterator[Hanging]:
    """The services under which these machines stand now."""
    keys = {key_of(name): name for name in names}
    rows = ManagedMachine.system.filter(
        organisation=organisation, key__in=keys, state=ManagedMachine.State.MANAGED
    )
    for machine in rows.order_by("pk"):
        column, kind = _PLACES[machine.service]
        yield Hanging(
            machine=keys[machine.key],
            column=column,
            kind=kind,
            key=machine.key,
            label=machine.name,
            line={"action": Action.REMOVE.value, "name": machine.name},
        )
