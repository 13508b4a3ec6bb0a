"""What was on the list in which version, what each guard obeys, and whether a federation is watched only or cut off."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from devices.whitelist.models import WhitelistEntry
from portal.gateways.guard import Step
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel

MAC_FORM = r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}$"
NAME_FORM = r"^[A-Z0-9-]{1,15}$"


class Mode(models.TextChoices):
    """What happens to a machine that is not on the list (MAC-04)."""

    MONITOR = "MONITOR", _("monitor mode: counted, not cut off")
    BLOCK = "BLOCK", _("cut off")


class WhitelistVersion(models.Model):
    """One published change of the list. A database trigger refuses UPDATE and DELETE."""

    number = models.BigIntegerField(primary_key=True)
    made_at = models.DateTimeField()
    added = models.PositiveIntegerField()
    removed = models.PositiveIntegerField()
    total = models.PositiveIntegerField()  # entries on the list from this version on
    modes = models.JSONField(default=dict)  # organisation code -> Mode, of all federations
    modes_changed = models.BooleanField(default=False)

    class Meta:
        ordering = ("-number",)

    def __str__(self) -> str:
        return str(self.number)


class ListedPair(ScopedModel):
    """A pair of addresses as it stands on the list from one version until another: the list of every version is data.

    Its columns go into files that machines read, so the database itself lets nothing else in (no free text, no DEFAULT).
    """

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    entry = models.ForeignKey(WhitelistEntry, models.PROTECT, related_name="listings")
    mac = models.CharField(max_length=17)
    ip = models.GenericIPAddressField(protocol="IPv4")
    name = models.CharField(max_length=15)
    kind = models.CharField(max_length=30)
    segment = models.CharField(max_length=18, blank=True)
    vlan = models.PositiveSmallIntegerField(null=True)
    approved_at = models.DateTimeField()
    valid_until = models.DateField(null=True)
    listed_in = models.ForeignKey(WhitelistVersion, models.PROTECT, related_name="added_pairs")
    unlisted_in = models.ForeignKey(
        WhitelistVersion, models.PROTECT, null=True, blank=True, related_name="removed_pairs"
    )

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "listed_in"], name="listedpair_org_in"),
            models.Index(fields=["organisation", "unlisted_in"], name="listedpair_org_out"),
            models.Index(fields=["valid_until"], name="listedpair_end", condition=Q(unlisted_in=None)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mac"], condition=Q(unlisted_in=None), name="listedpair_mac"),
            models.UniqueConstraint(fields=["ip"], condition=Q(unlisted_in=None), name="listedpair_ip"),
            models.UniqueConstraint(fields=["entry"], condition=Q(unlisted_in=None), name="listedpair_entry"),
            models.CheckConstraint(
                name="listedpair_tokens",
                condition=Q(mac__regex=MAC_FORM)
                & Q(name__regex=NAME_FORM)
                & Q(kind__regex=r"^[A-Za-z0-9_-]{0,30}$")
                & Q(segment__regex=r"^[0-9./]{0,18}$"),
            ),
            models.CheckConstraint(
                name="listedpair_versions",
                condition=Q(unlisted_in=None) | Q(unlisted_in__gt=F("listed_in")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mac} {self.ip}"


class PendingRemoval(models.Model):
    """An entry that ended and is on the list still: written with the end, gone with the next version.

    A pull asks this small table, so that it never hands out what ended a moment ago.
    """

    entry = models.ForeignKey(WhitelistEntry, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)


class ModeDecision(ScopedModel):
    """Operations decided from which day on a federation is watched only or cut off. Never changed: the newest counts."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="guard_modes", verbose_name=_("organisation")
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode)
    valid_from = models.DateField(_("valid from"))
    reason = models.TextField(_("reason"))
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [models.Index(fields=["organisation", "-id"], name="modedecision_org")]


class GuardState(models.Model):
    """How one guard stands. Written by the publisher that holds the lease."""

    class Outcome(models.TextChoices):
        """What the last try said."""

        NEW = "NEW", _("nothing was published yet")
        IN_FORCE = "IN_FORCE", _("in force")
        HANDED_OVER = "HANDED_OVER", _("handed over")
        FAILED = "FAILED", _("not in force")

    name = models.SlugField(max_length=20, unique=True)
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.NEW)
    swapped = models.ForeignKey(WhitelistVersion, models.PROTECT, null=True, related_name="+")
    verified = models.ForeignKey(WhitelistVersion, models.PROTECT, null=True, related_name="+")
    verified_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)  # of the list that lies there
    row_count = models.PositiveIntegerField(default=0)
    baseline = models.JSONField(
        default=dict
    )  # organisation code -> entries, against which a mass removal is measured
    tried_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=10, blank=True, choices=[(step.value, step.value) for step in Step])
    problem = models.TextField(blank=True)
    failed_since = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # operations were mailed about the failure that lasts
    lease_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Publication(models.Model):
    """What happened at a guard: a version in force, or the first of failures that are alike. Insert-only by trigger."""

    guard = models.SlugField(max_length=20)
    version = models.ForeignKey(WhitelistVersion, models.PROTECT, related_name="publications")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=GuardState.Outcome)
    step = models.CharField(max_length=10, blank=True)
    detail = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField(default=0)  # from the beginning of the try
    row_count = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-id",)


class ExportMapping(models.Model):
    """How the CSV file is written: a mapping that operations edit. The newest is in force, every one is kept."""

    definition: Any = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
