"""Which computer objects in Active Directory hang on machines (portal.workflow.hanging, REQ-02)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from portal.orgs.models import Organisation
from portal.workflow.hanging import Hanging
from portal.workflow.kinds import LineContext
from requests.bundles.composing import OBJECT_REMOVE
from requests.bundles.models import Column
from requests.computers import lookups
from requests.computers.models import ComputerObject


def hanging_on(organisation: Organisation, names: Collection[str], day: date) -> Iterator[Hanging]:
    """The objects of these names below the organisation's unit; while AD does not answer, those of the register (ACC-12).

    One that is disabled and waits for its final removal is gone already.
    """
    known = lookups.known(LineContext(organisation=organisation, actor=None, application=None, today=day))
    known.read(names)
    for name in names:
        row, found = known.own_row(name), known.own_object(name)
        if row is not None and row.state == ComputerObject.State.DELETED:
            continue
        if found is None and (row is None or known.error is None):
            continue
        yield Hanging(
            machine=name,
            column=Column.OBJECT.value,
            kind=OBJECT_REMOVE,
            key=name.lower(),
            label=name,
            line={"name": name},
        )
