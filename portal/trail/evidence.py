"""What this room gives to the evidence log, and the field-level history of django-auditlog, which has no room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.trail.sources import register_source


def register() -> None:
    """Called once at start."""
    register_source(
        name="trail.entry",
        label=_("audit trail"),
        table="trail_trailentry",
        columns="id at actor_id actor_name organisation_id ip action object_type object_id object_label"
        " object_organisation_id error_number detail",
        time="at",
    )
    register_source(
        name="trail.batch",
        label=_("seals"),
        table="trail_sealbatch",
        columns="id at first_leaf leaves next_xid floor_leaf",
    )
    register_source(
        name="trail.fields",
        label=_("changes of fields"),
        table="auditlog_logentry",
        columns="id content_type_id object_pk object_id object_repr serialized_data action changes_text changes actor_id"
        " cid remote_addr remote_port timestamp additional_data actor_email",
        time="timestamp",
    )
