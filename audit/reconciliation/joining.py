"""What the review of mismatches tells other rooms: where its mail leads."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from audit.reconciliation import telling
from audit.retention import decisions
from portal.notices import messages, places
from portal.trail.sources import register_source


def register_all() -> None:
    """Called once from AuditConfig.ready."""
    for template in telling.TEMPLATES:
        messages.provide(template, telling.values_for_mail)
        places.provide(template, lambda notice: reverse("incident", args=[notice.context["incident"]]))
    register_source(
        name=decisions.REASONS,
        label=_("reasons of mismatches"),
        table="audit_mismatchreason",
        columns=(
            "id",
            "mismatch_id",
            "organisation_id",
            "side",
            "code",
            "text",
            "given_by_id",
            "given_by_name",
            "given_at",
        ),
        time="given_at",
        going=decisions.going(decisions.REASONS),
    )
