"""What this app gives to the evidence log (SEC-02)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.trail.sources import register_source


def register() -> None:
    """Called once at start."""
    register_source(
        name="accounts.delivery_choice",
        label=_("ways of delivering initial passwords"),
        table="accounts_deliverychoice",
        columns="id organisation_id mode made_at made_by_id",
    )
    register_source(
        name="accounts.naming_rule",
        label=_("naming rules"),
        table="accounts_namingrule",
        columns="id organisation_id version pattern prefix suffix short_vowels made_at made_by_id",
    )
