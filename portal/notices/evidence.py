"""Mail that was handed to the relay is evidence; the head of the log goes out by mail (SEC-02)."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.notices import messages, places
from portal.notices.models import Notice
from portal.trail import checkpoints
from portal.trail.mailing import TEMPLATE
from portal.trail.models import Checkpoint
from portal.trail.sources import register_source


def register() -> None:
    """Called once at start."""
    register_source(
        name="notices.sent",
        label=_("mail sent"),
        table="notices_notice",
        columns="id uid organisation_id template to_user_id to_address application_number context created_at sent_at",
        when="t.status = 'SENT'",
        settled="sent_at",
    )
    messages.provide(TEMPLATE, _values_for_mail)
    places.provide(TEMPLATE, lambda notice: reverse("evidence"))


def _values_for_mail(notice: Notice) -> dict[str, Any]:
    """The signed text itself is not stored in the queue."""
    found = Checkpoint.objects.get(pk=notice.context["checkpoint"])
    return {
        "size": found.size,
        "printed": checkpoints.printed(found),
        "note": found.note,
        "evidence_url": messages.link("evidence"),
    }
