"""What this room gives to the evidence log (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.trail.sources import register_source


def register() -> None:
    """Called once at start."""
    register_source(
        name="fulfilment.operation_event",
        label=_("history of operations"),
        table="fulfilment_operationevent",
        columns="id operation_id organisation_id at actor_id verb code message data",
        time="at",
    )
    register_source(
        name="fulfilment.freeze_exception",
        label=_("exceptions from freezes"),
        table="fulfilment_freezeexception",
        columns="id operation_id organisation_id reason by_id at",
    )
    register_source(
        name="fulfilment.operation_file",
        label=_("files that show what was done by hand"),
        table="fulfilment_operationfile",
        columns="id operation_id organisation_id name content_type size sha256 data added_by_id added_at",
        time="added_at",
    )
