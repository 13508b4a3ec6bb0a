"""Who did what and who read what (SEC-02)."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TrailEntry(models.Model):
    """One action or one reading of personal data. Insert-only by a database trigger."""

    at = models.DateTimeField(_("time"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(_("person"), max_length=100, blank=True)  # as it was then
    organisation = models.ForeignKey(
        "orgs.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    ip = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    action = models.CharField(
        _("action"), max_length=60
    )  # "application.view", "login", "membership.change" …
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=60, blank=True)
    object_label = models.CharField(_("subject"), max_length=200, blank=True)  # number or name
    object_organisation = models.ForeignKey(
        "orgs.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    error_number = models.CharField(max_length=20, blank=True)  # of the request, as shown on an error page
    detail = models.JSONField(default=dict, blank=True)  # never a secret

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["object_type", "object_id", "-id"], name="trail_object"),
            models.Index(fields=["actor", "-id"], name="trail_actor"),
            models.Index(fields=["object_organisation", "-id"], name="trail_organisation"),
            models.Index(fields=["action", "-id"], name="trail_action"),
        ]
