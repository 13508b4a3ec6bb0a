"""The exchange with SKYSEA: mapping, files for it, lists of it, and what of them does not fit the register (DEV-13)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.permits.models import Device, DevicePermit
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class SkyseaMapping(models.Model):
    """How files are written and read (devices.exchange.layout). Insert-only: the newest counts. Operations edit it."""

    definition = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)


class OrderFile(ScopedModel):
    """A file that says what to register in SKYSEA and what to remove from it. Kept as it was handed out."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made"))
    row_count = models.PositiveIntegerField(_("rows"))
    left_out = models.JSONField(default=list)  # [{"device": number, "reason": text}]: to be done by hand
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)


class SkyseaImport(ScopedModel):
    """A list of SKYSEA that was read for one federation. The same list of the same moment is read once."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    as_of = models.DateTimeField(_("list taken"))
    complete = models.BooleanField(_("lists every device"))
    imported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    imported_at = models.DateTimeField(_("read"))
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    matched_count = models.PositiveIntegerField(_("devices recognised"), default=0)
    usage_count = models.PositiveIntegerField(_("uses updated"), default=0)
    new_count = models.PositiveIntegerField(_("new findings"), default=0)
    same_count = models.PositiveIntegerField(default=0)
    gone_count = models.PositiveIntegerField(default=0)
    outdated = models.BooleanField(default=False)  # a newer list was read before: uses only
    problems = models.JSONField(
        default=list
    )  # [{"row": number, "reasons": [text]}]: rows that cannot be used

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "sha256", "as_of"], name="skysea_import_once")
        ]


class SkyseaFinding(ScopedModel):
    """One way in which SKYSEA and the register differ. Open until a person answers or the difference is gone."""

    class Kind(models.TextChoices):
        """How they differ."""

        UNKNOWN = "UNKNOWN", _("not in the register")
        FORBIDDEN = "FORBIDDEN", _("kind that nobody can permit")
        ELSEWHERE = "ELSEWHERE", _("device of another federation")
        NOT_PERMITTED = "NOT_PERMITTED", _("registered in SKYSEA without a permit")
        STILL_THERE = "STILL_THERE", _("removed here, still in SKYSEA")
        NOT_RECORDED = "NOT_RECORDED", _("registered in SKYSEA, not recorded here")
        REMOVAL_NOT_RECORDED = "REMOVAL_NOT_RECORDED", _("removed from SKYSEA, not recorded here")
        MISSING = "MISSING", _("permitted, not in SKYSEA")
        GRANT = "GRANT", _("other grant in SKYSEA")
        COMPUTERS = "COMPUTERS", _("other machines in SKYSEA")
        DETAILS = "DETAILS", _("other kind, maker or model in SKYSEA")

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "OPEN", pgettext_lazy("finding", "to be answered")
        ANSWERED = "ANSWERED", _("answered")
        GONE = "GONE", _("no longer differs")

    class Answer(models.TextChoices):
        """What a person said."""

        CORRECTED = "CORRECTED", _("corrected in SKYSEA")
        RECORDED = "RECORDED", _("recorded here")
        KEPT = "KEPT", _("may stay as it is")

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    device = models.ForeignKey(Device, models.PROTECT, null=True, blank=True, related_name="findings")
    permit = models.ForeignKey(DevicePermit, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(_("finding"), max_length=24, choices=Kind)
    key = models.CharField(max_length=300)  # which difference it is, from list to list
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    seen = models.JSONField(default=dict)  # the row as SKYSEA has it, by field; {} where there is none
    differences = models.JSONField(default=list)  # [{"field", "here": text, "there": text}]
    digest = models.CharField(max_length=64)  # of the difference: what may stay does so while it is the same
    again = models.BooleanField(default=False)  # it was said to be corrected, and is there again
    first_import = models.ForeignKey(SkyseaImport, models.PROTECT, related_name="first_findings")
    last_import = models.ForeignKey(SkyseaImport, models.PROTECT, related_name="findings")
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    answer = models.CharField(_("answer"), max_length=10, choices=Answer, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "state", "-id"], name="skysea_finding_state"),
            models.Index(fields=["organisation", "key"], name="skysea_finding_key"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "key"], condition=Q(state="OPEN"), name="skysea_finding_once_open"
            ),
            models.CheckConstraint(
                name="skysea_finding_answered",
                condition=~Q(state="ANSWERED") | (~Q(answer="") & Q(answered_by__isnull=False)),
            ),
            # DEV-04, DEV-05: what nobody permitted never stays, whoever calls.
            models.CheckConstraint(
                name="skysea_finding_may_stay",
                condition=~Q(answer="KEPT") | Q(kind__in=["MISSING", "DETAILS"]),
            ),
        ]

    @property
    def title(self) -> str:
        """Which device it is about."""
        if self.device is not None:
            return str(self.device)
        words = (self.seen.get("maker", ""), self.seen.get("model", ""), self.seen.get("serial", ""))
        return " ".join(word for word in words if word) or self.seen.get("number", "")
