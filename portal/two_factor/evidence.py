"""What this room gives to the evidence log (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.trail.sources import register_source


def register() -> None:
    """Called once at start."""
    register_source(
        name="two_factor.mapping",
        label=_("mappings of the two-factor exchange"),
        table="two_factor_exchangemapping",
        columns="id definition made_by_id made_at",
    )
