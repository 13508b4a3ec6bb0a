"""What may be allotted (図2-32, 図2-33), and what the central association allotted by which application (REQ-09)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel
from portal.workflow.models import ApplicationLine


class Use(models.TextChoices):
    """For whom a 独自処理システム stands there."""

    FEDERATION = "FEDERATION", _("for the federation")
    INSURER = "INSURER", _("for prefecture and insurers")


class SegmentPool(models.Model):
    """One row of the tables of 図2-32 and 図2-33: a VLAN and 10.P.octet.0/24 of every federation, P its prefecture number.

    Reference data of the source, entered by a migration.
    """

    figure = models.CharField(max_length=10)
    use = models.CharField(_("use"), max_length=12, choices=Use)
    vlan = models.PositiveSmallIntegerField(_("VLAN"), unique=True)
    octet = models.PositiveSmallIntegerField(unique=True)
    may_be_half = models.BooleanField(default=False)  # "/24 もしくは /25"

    class Meta:
        ordering = ("figure", "pk")

    def __str__(self) -> str:
        return f"{self.figure} VLAN {self.vlan}"


class Allotment(ScopedModel, TimestampedModel):
    """Who gave which segment to a federation, for which application. Its dates stand in the register of segments."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    line = models.OneToOneField(ApplicationLine, models.PROTECT, related_name="allotment")
    application_number = models.CharField(_("application number"), max_length=20)
    network = models.CharField(_("network"), max_length=18)
    vlan = models.PositiveSmallIntegerField(_("VLAN"))
    use = models.CharField(_("use"), max_length=12, choices=Use)
    purpose = models.CharField(_("purpose"), max_length=100)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)  # once given back
    allotted_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("allotted by"))
    allotted_at = models.DateTimeField(_("allotted"))
    given_back_by = models.ForeignKey(
        ApplicationLine, models.PROTECT, null=True, blank=True, related_name="+"
    )
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="allotment_org"),
            *search_indexes("allotment"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["network"], condition=models.Q(valid_until=None), name="allotment_once"
            ),
        ]

    def __str__(self) -> str:
        return self.network
