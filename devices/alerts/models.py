"""Alerts, the files that brought them, and their history (DEV-08)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.computers.models import Computer
from devices.exchange.layout import ALERT_WORDS
from devices.permits.models import Device, DevicePermit
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class AlertImport(ScopedModel):
    """A file with alerts that was read for one federation. The same file is read once."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    imported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    imported_at = models.DateTimeField(_("read"))
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    new_count = models.PositiveIntegerField(_("new alerts"), default=0)
    known_count = models.PositiveIntegerField(default=0)  # an earlier file had them
    problems = models.JSONField(default=list)  # [{"row": number, "reasons": [text]}]

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "sha256"], name="alert_import_once")
        ]


class DeviceAlert(ScopedModel):
    """One alert. Open until the federation answers it; what SKYSEA said is never changed."""

    class Kind(models.TextChoices):
        """Table 2-35."""

        UNREGISTERED = "UNREGISTERED", ALERT_WORDS["UNREGISTERED"]
        FORBIDDEN = "FORBIDDEN", ALERT_WORDS["FORBIDDEN"]
        WRITE = "WRITE", ALERT_WORDS["WRITE"]

    class State(models.TextChoices):
        """Whether the federation answered."""

        OPEN = "OPEN", pgettext_lazy("finding", "to be answered")
        ANSWERED = "ANSWERED", _("answered")

    class Answer(models.TextChoices):
        """What the federation found out."""

        PROPER = "PROPER", _("proper use for work")
        INSTRUCTED = "INSTRUCTED", _("use stopped, person instructed")
        APPLIED = "APPLIED", _("permit is being applied for")
        INCIDENT = "INCIDENT", _("handled as an incident")

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    kind = models.CharField(_("kind of alert"), max_length=14, choices=Kind)
    at = models.DateTimeField(_("time"))
    reference = models.CharField(max_length=200, blank=True)  # the number that SKYSEA gave it
    computer_name = models.CharField(_("computer name"), max_length=200)  # as written
    computer = models.ForeignKey(Computer, models.PROTECT, null=True, blank=True, related_name="alerts")
    device = models.ForeignKey(Device, models.PROTECT, null=True, blank=True, related_name="alerts")
    permit = models.ForeignKey(DevicePermit, models.PROTECT, null=True, blank=True, related_name="alerts")
    covered = models.BooleanField(default=False)  # a permit allowed just this, there and then
    seen = models.JSONField(default=dict)  # the other fields of the row
    key = models.CharField(max_length=80)  # the same alert in another file
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    answer = models.CharField(_("answer"), max_length=12, choices=Answer, blank=True)
    reason = models.CharField(_("what was found out"), max_length=500, blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    source = models.ForeignKey(AlertImport, models.PROTECT, related_name="alerts")
    imported_at = models.DateTimeField(_("read"))
    reminded_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(
        default=1
    )  # rises with each answer: who answers names what they saw

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "state", "-id"], name="alert_org_state"),
            models.Index(fields=["organisation", "at"], name="alert_org_at"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "key"], name="alert_once"),
            models.CheckConstraint(
                name="alert_answered",
                condition=Q(state="OPEN")
                | (~Q(answer="") & ~Q(reason="") & Q(answered_by__isnull=False, answered_at__isnull=False)),
            ),
            # What nobody permits is never proper use (DEV-05).
            models.CheckConstraint(
                name="alert_proper_is_writing", condition=~Q(answer="PROPER") | Q(kind="WRITE")
            ),
        ]

    @property
    def choice(self) -> str:
        """How a form names this alert as it was shown."""
        return f"{self.pk}:{self.version}"

    @property
    def title(self) -> str:
        """Which device, as far as it is known."""
        if self.device is not None:
            return str(self.device)
        words = [self.seen.get(name, "") for name in ("kind", "maker", "model", "serial")]
        return " ".join(word for word in words if word)


class AlertEvent(ScopedModel):
    """What was said to an alert, each time. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    alert = models.ForeignKey(DeviceAlert, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=100)
    answer = models.CharField(max_length=12, choices=DeviceAlert.Answer)
    reason = models.CharField(max_length=500)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
