"""What operations go on with while the portal itself is down (ACC-12): packs that were made, and numbers kept for that day."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class ContinuityPack(models.Model):
    """One pack as it was written, encrypted, to operations' folder. The portal keeps its hash, never its content."""

    class Trigger(models.TextChoices):
        """Why it was made."""

        NIGHTLY = "NIGHTLY", _("every night")
        DEMAND = "DEMAND", _("on demand")

    made_at = models.DateTimeField(_("made"))
    trigger = models.CharField(_("occasion"), max_length=10, choices=Trigger)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    file_name = models.CharField(_("file"), max_length=80, unique=True)
    size = models.PositiveBigIntegerField(_("size"))
    sha256 = models.CharField(max_length=64)
    recipients = models.JSONField(default=list)  # the public keys that can open it
    counts = models.JSONField(default=dict)  # rows per sheet
    has_pdf = models.BooleanField(default=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.file_name


class EmergencyNumber(ScopedModel):
    """緊急受付番号: a number and a login name kept aside for an account that is made by hand while the portal is down.

    The number is written into the marker attribute of the object: it proves afterwards which entry the object belongs to.
    """

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="emergency_numbers")
    number = models.CharField(_("emergency number"), max_length=20, unique=True)
    login_name = models.CharField(_("login name"), max_length=20)
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    used_by_line = models.ForeignKey(
        "workflow.ApplicationLine", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta(ScopedModel.Meta):
        ordering = ("number",)
        constraints: ClassVar = [models.UniqueConstraint(Lower("login_name"), name="emergency_login_name")]

    def __str__(self) -> str:
        return self.number
