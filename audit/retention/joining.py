"""What disposals tell other rooms: each decision is evidence itself, and explains what is gone (SEC-02, AUD-09)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.trail.sources import register_source


def register_all() -> None:
    """Called once when the portal starts."""
    register_source(
        name="audit.disposal",
        label=_("disposals"),
        table="audit_disposal",
        columns=(
            "id kind month state reason proposed_by_id proposed_at decided_by_id decided_at answer counts digest gone"
        ),
        when="t.state <> 'PROPOSED'",
        settled="decided_at",
    )
