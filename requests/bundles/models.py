"""A bundle: machines that come, are exchanged or go, and the parts of each, which are applications of other kinds (REQ-13).

What became of a part is never stored here: it is read from its application (requests.bundles.states), so that the board
cannot say something else than the applications do.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class Action(models.TextChoices):
    """What happens to the machines."""

    INSTALL = "INSTALL", pgettext_lazy("bundle", "installation")
    REPLACE = "REPLACE", pgettext_lazy("bundle", "exchange")
    REMOVE = "REMOVE", pgettext_lazy("bundle", "removal")


class Column(models.TextChoices):
    """The columns of the board, one for each room that has to do with a machine."""

    REGISTER = "register", pgettext_lazy("bundle", "Register")
    OBJECT = "object", pgettext_lazy("bundle", "Computer object")
    WHITELIST = "whitelist", pgettext_lazy("bundle", "MAC and IP")
    DNS = "dns", "DNS"
    ANTIVIRUS = "antivirus", pgettext_lazy("bundle", "Antivirus")
    MONITORING = "monitoring", pgettext_lazy("bundle", "Monitoring")
    PERMIT = "permit", pgettext_lazy("bundle", "Device permits")


class Bundle(ScopedModel, TimestampedModel):
    """One paper about machines that come, are exchanged or go."""

    class State(models.TextChoices):
        """Where it stands. It is done when all its parts are, and only then."""

        DRAFT = "DRAFT", _("draft")
        OPEN = "OPEN", pgettext_lazy("bundle", "in progress")
        DONE = "DONE", pgettext_lazy("bundle", "done")
        CALLED_OFF = "CALLED_OFF", pgettext_lazy("bundle", "called off")

    number = models.CharField(_("number"), max_length=20, unique=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="bundles", verbose_name=_("organisation")
    )
    applicant = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("applicant"))
    action = models.CharField(pgettext_lazy("bundle", "what happens"), max_length=8, choices=Action)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    version = models.PositiveIntegerField(default=1)  # rises with every change of the draft
    reason = models.TextField(_("reason"), blank=True)
    desired_on = models.DateField(_("desired date"), null=True, blank=True)
    subject = models.CharField(max_length=200, blank=True)  # the names of the first machines
    machine_count = models.PositiveIntegerField(_("machines"), default=0)
    search_text = models.TextField(blank=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    reminded_on = models.DateField(null=True, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="bundle_org"),
            models.Index(fields=["submitted_at"], name="bundle_open", condition=Q(state="OPEN")),
            *search_indexes("bundle"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="bundle_finished",
                condition=Q(state__in=["DONE", "CALLED_OFF"], finished_at__isnull=False)
                | Q(state__in=["DRAFT", "OPEN"], finished_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class BundleMachine(ScopedModel):
    """One row of the form: a machine, and for an exchange the one whose place it takes."""

    bundle = models.ForeignKey(Bundle, models.CASCADE, related_name="machines")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=64, blank=True)
    old_name = models.CharField(max_length=64, blank=True)  # exchange: the machine that goes
    values: Any = models.JSONField(default=dict)  # as the form of a row takes them
    # The IP addresses that the machine had when the bundle was submitted: by them DNS names are found again at the end.
    addresses: Any = models.JSONField(default=list, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("position",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["bundle", "position"], name="bundlemachine_position")
        ]

    def __str__(self) -> str:
        return f"{self.old_name} → {self.name}" if self.old_name else self.name


class BundlePart(ScopedModel):
    """One thing that must happen to a machine: a line of a linked application, or left out with a reason."""

    bundle = models.ForeignKey(Bundle, models.CASCADE, related_name="parts")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    machine = models.ForeignKey(BundleMachine, models.CASCADE, related_name="parts")
    column = models.CharField(max_length=12, choices=Column)
    wave = models.PositiveSmallIntegerField()  # carried out when every part of a lower wave is done
    kind = models.CharField(max_length=60)  # of the application
    key = models.CharField(max_length=400)  # what it is about, within its kind
    label = models.CharField(max_length=300)
    line: Any = models.JSONField(default=dict)  # as the kind's form takes it
    # Another part of the same name comes first; it is applied for by itself when that is done.
    follows = models.BooleanField(default=False)
    # None: nothing was applied for yet.
    application = models.ForeignKey(
        "workflow.Application", models.PROTECT, null=True, blank=True, related_name="+"
    )
    position = models.PositiveIntegerField(null=True, blank=True)  # of its line in the application
    left_out_reason = models.CharField(max_length=500, blank=True)
    left_out_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    left_out_at = models.DateTimeField(null=True, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("machine__position", "wave", "id")
        indexes: ClassVar = [models.Index(fields=["application", "position"], name="bundlepart_line")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="bundlepart_left_out",
                condition=Q(left_out_at=None, left_out_by=None, left_out_reason="")
                | (Q(left_out_at__isnull=False, left_out_by__isnull=False) & ~Q(left_out_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return self.label


class BundleEvent(ScopedModel):
    """The history of a bundle. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    class Verb(models.TextChoices):
        """What happened."""

        CREATED = "CREATED", _("draft created")
        SUBMITTED = "SUBMITTED", _("submitted")
        LEFT_OUT = "LEFT_OUT", pgettext_lazy("bundle", "part left out")
        APPLIED_AGAIN = "APPLIED_AGAIN", pgettext_lazy("bundle", "applied for anew")
        FOUND = "FOUND", pgettext_lazy("bundle", "found before the end")
        CALLED_OFF = "CALLED_OFF", pgettext_lazy("bundle", "called off")
        DONE = "DONE", pgettext_lazy("bundle", "done")

    bundle = models.ForeignKey(Bundle, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=100, blank=True)  # as it was then; empty: the portal
    verb = models.CharField(max_length=20, choices=Verb)
    note = models.CharField(max_length=1000, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [models.Index(fields=["bundle", "id"], name="bundleevent_bundle")]
