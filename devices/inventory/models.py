"""A campaign for each quarter, a sheet in it for each federation, a line for each registered device (DEV-07)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.permits.models import Device, DevicePermit
from devices.permits.source import DeviceKind
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel
from portal.workflow.models import Application


class InventoryCampaign(models.Model):
    """The inventory of one quarter over the whole country. It holds dates and numbers only, so everybody may read it."""

    class Status(models.TextChoices):
        """Whether decisions are still taken."""

        OPEN = "OPEN", pgettext_lazy("inventory", "open")
        CLOSED = "CLOSED", pgettext_lazy("inventory", "closed")

    starts_on = models.DateField(_("quarter"), unique=True)  # one campaign each quarter, whoever opens it
    due_on = models.DateField(_("decide until"))
    closes_on = models.DateField(_("closes on"))  # its last day; the portal closes it the day after
    unused_days = models.PositiveSmallIntegerField()  # as the setting was
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 over every line as it was at the closing

    class Meta:
        ordering = ("-starts_on",)

    def __str__(self) -> str:
        return f"{self.starts_on:%Y-%m}"

    @property
    def unused_since(self) -> date:
        """The day on which, or before which, the last use of an unused device lies."""
        return self.starts_on - timedelta(days=self.unused_days)

    @property
    def is_open(self) -> bool:
        """Whether decisions are taken."""
        return self.status == self.Status.OPEN


class InventorySheet(ScopedModel):
    """One federation's part of a campaign."""

    class Status(models.TextChoices):
        """Where it stands."""

        OPEN = "OPEN", _("not decided")
        ANSWERED = "ANSWERED", pgettext_lazy("inventory", "decided")
        CLOSED = "CLOSED", _("closed with rows that nobody decided")

    campaign = models.ForeignKey(InventoryCampaign, models.PROTECT, related_name="sheets")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="inventory_sheets")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    answered_at = models.DateTimeField(pgettext_lazy("inventory", "decided"), null=True, blank=True)
    reminded_on = models.DateField(null=True, blank=True)  # the last day on which a reminder went out

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "organisation"], name="inventory_sheet_once")
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.organisation.code}"


class InventoryLine(ScopedModel):
    """One registered device as it was when the campaign was opened, with what was found out and decided."""

    class Usage(models.TextChoices):
        """What the usage import says: people look at the exceptions."""

        RECENT = "RECENT", _("used recently")
        UNUSED = "UNUSED", _("not used")
        NEVER = "NEVER", _("never used")  # DEV-07: a group of its own
        UNKNOWN = "UNKNOWN", _("use not known")

    class Decision(models.TextChoices):
        """One row, one decision."""

        KEEP = "KEEP", _("keep")
        REMOVE = "REMOVE", pgettext_lazy("inventory", "remove")
        MISSING = "MISSING", _("missing")

    class Reply(models.TextChoices):
        """What the user of the device answered."""

        NEEDED = "NEEDED", _("I still need it")
        NOT_NEEDED = "NOT_NEEDED", _("I do not need it any more")
        NOT_HERE = "NOT_HERE", _("I do not have it")

    sheet = models.ForeignKey(InventorySheet, models.PROTECT, related_name="lines")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, models.PROTECT, related_name="inventory_lines")
    permit = models.ForeignKey(DevicePermit, models.PROTECT, related_name="+")
    # As it was: what the register says later changes nothing here.
    number = models.CharField(_("device number"), max_length=20)
    kind = models.CharField(_("kind of device"), max_length=20, choices=DeviceKind)
    name = models.CharField(_("device"), max_length=210)
    computers = models.TextField(_("machines"), blank=True)
    end_user = models.CharField(_("user of the device"), max_length=60)
    registered_at = models.DateTimeField(_("registered in SKYSEA"))
    # From the usage import, read again while nobody has decided.
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    usage_as_of = models.DateTimeField(null=True, blank=True)
    usage = models.CharField(_("use"), max_length=10, choices=Usage)
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)  # its label was scanned
    seen_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decision = models.CharField(_("decision"), max_length=10, choices=Decision, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(pgettext_lazy("inventory", "decided"), null=True, blank=True)
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, blank=True, related_name="inventory_lines"
    )
    # The permit ended while nobody had decided: nothing is left to decide.
    gone_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(_("user asked"), null=True, blank=True)
    question_digest = models.CharField(max_length=64, blank=True)  # of the mailed link; the link is not kept
    reply = models.CharField(_("answer of the user"), max_length=12, choices=Reply, blank=True)
    reply_text = models.CharField(max_length=200, blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)
    search_text = models.TextField(blank=True)
    version = models.PositiveSmallIntegerField(default=1)  # rises with every change: the screen's guard

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["sheet", "-id"], name="inventory_line_sheet"),
            models.Index(
                fields=["sheet"], name="inventory_line_open", condition=Q(decision="", gone_at__isnull=True)
            ),
            models.Index(
                fields=["question_digest"], name="inventory_question", condition=~Q(question_digest="")
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sheet", "device"], name="inventory_line_once"),
            # DEV-07: nothing is kept without a reason, nothing is decided by nobody.
            models.CheckConstraint(
                name="inventory_reason", condition=Q(decision__in=["", "REMOVE"]) | ~Q(reason="")
            ),
            models.CheckConstraint(
                name="inventory_decision_has_a_person",
                condition=Q(decision="", decided_by=None, decided_at=None)
                | (~Q(decision="") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def choice(self) -> str:
        """How a form names this line as it was shown."""
        return f"{self.pk}:{self.version}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to decide."""
        return not self.decision and self.gone_at is None


class WrongLink(models.Model):
    """A link to a question that nobody mailed, kept for two days to slow guessing down."""

    ip = models.GenericIPAddressField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ip", "at"], name="inventory_wrong_link")]
