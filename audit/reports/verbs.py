"""What can happen to a report, as its history names it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


class Verb(models.TextChoices):
    """One step or decision (AUD-02…AUD-07)."""

    CREATED = "created", pgettext_lazy("audit report", "report made")
    CENTRAL_CONFIRMED = "central_confirmed", pgettext_lazy("audit report", "confirmed by 中央会")
    PROVIDED = "provided", pgettext_lazy("audit report", "provided to the federation")
    FEDERATION_CONFIRMED = (
        "federation_confirmed",
        pgettext_lazy("audit report", "confirmed by the federation"),
    )
    PRESENTED = "presented", pgettext_lazy("audit report", "presented to prefecture and insurers")
    NOT_PRESENTED = "not_presented", pgettext_lazy("audit report", "not presented")
    RETURNED = "returned", pgettext_lazy("audit report", "sent back")
    COPY_STORED = "copy_stored", pgettext_lazy("audit report", "copy kept by 中央会")
    SUPERSEDED = "superseded", pgettext_lazy("audit report", "replaced by a new revision")
    CORRECTED = "corrected", pgettext_lazy("audit report", "opened as a correction")
    SUPPLEMENTED = "supplemented", pgettext_lazy("audit report", "opened as a supplement")
    CENTRAL_ACKNOWLEDGED = (
        "central_acknowledged",
        pgettext_lazy("audit report", "correction acknowledged by 中央会"),
    )
    FEDERATION_ACKNOWLEDGED = (
        "federation_acknowledged",
        pgettext_lazy("audit report", "correction acknowledged by the federation"),
    )
    ASKED = "asked", pgettext_lazy("audit report", "enquiry sent")
    CARRIED_OVER = "carried_over", pgettext_lazy("audit report", "enquiry carried over")
