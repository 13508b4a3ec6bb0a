"""The work that an approval causes: one Operation per line and target (docs/adr/0006)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.fulfilment import registry
from portal.fulfilment.verbs import Verb
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class OperationStatus(models.TextChoices):
    """What is known about an operation. A lost reply is UNKNOWN, never failed."""

    WAITING = "WAITING", _("waiting")
    RUNNING = "RUNNING", _("running")
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN", _("outcome unknown")
    ATTENTION = "ATTENTION", _("a person must decide")
    MANUAL = "MANUAL", _("taken by hand")
    DONE = "DONE", _("done and verified")
    CLOSED = "CLOSED", _("closed without result")


QUEUED = (OperationStatus.WAITING, OperationStatus.OUTCOME_UNKNOWN)
SETTLED = (OperationStatus.DONE, OperationStatus.CLOSED)


class Operation(ScopedModel):
    """One change at one target. Claimed with a lease and a fencing number, verified by reading back."""

    marker = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False
    )  # written into the target with a create
    line = models.ForeignKey("workflow.ApplicationLine", models.PROTECT, related_name="operations")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=60)
    target = models.CharField(_("target"), max_length=30)
    # Which of the changes that a line causes at its target, one after another in time: "" is what was applied for,
    # others follow by the calendar, such as the removal thirty days after a deletion.
    step = models.CharField(_("step"), max_length=20, blank=True, default="")
    application_number = models.CharField(_("application number"), max_length=20, db_index=True)
    subject = models.CharField(_("subject"), max_length=200)
    status = models.CharField(
        _("status"), max_length=20, choices=OperationStatus, default=OperationStatus.WAITING
    )
    created_at = models.DateTimeField(_("created"))
    not_before = models.DateTimeField(_("not before"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    fence = models.PositiveIntegerField(default=0)  # rises with each claim; a late worker's number is too low
    lease_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    progress = models.JSONField(
        default=dict, blank=True
    )  # what is certain so far: objectGUID, mail handed over …
    evidence = models.JSONField(default=dict, blank=True)  # what was read back
    taken_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    manual_note = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [
            models.Index(
                fields=["target", "not_before", "id"],
                name="operation_queue",
                condition=Q(status__in=["WAITING", "OUTCOME_UNKNOWN"]),
            ),
            models.Index(fields=["lease_until"], name="operation_leases", condition=Q(status="RUNNING")),
            models.Index(fields=["status", "-id"], name="operation_status"),
            models.Index(
                fields=["settled_at"], name="operation_settled", condition=Q(settled_at__isnull=False)
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["line", "target", "step"], name="operation_once")
        ]

    @property
    def target_label(self) -> str:
        """What people call the target."""
        return registry.target_label(self.target)

    @property
    def waits_for(self) -> str:
        """What an operation that is well waits for, for everybody's eyes (registry.Waits); "" for any other."""
        is_waiting = self.status == OperationStatus.WAITING and self.error_code.startswith(registry.WAITS_FOR)
        return self.error_message if is_waiting else ""

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for its effective date (発効日), and for nothing else."""
        waits = self.status == OperationStatus.WAITING and self.attempts == 0 and not self.error_code
        return waits and self.not_before > timezone.now()

    @property
    def step_label(self) -> str:
        """What people call a later step; "" for what was applied for."""
        return registry.step_label(self.step)


class OperationEvent(ScopedModel):
    """The history of an operation; insert-only."""

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    verb = models.CharField(max_length=40)
    code = models.CharField(max_length=60, blank=True)
    message = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)

    @property
    def label(self) -> str:
        """What happened, in words."""
        return str(Verb(self.verb).label)


class OperationFile(ScopedModel):
    """A file that shows what was done by hand (REQ-12): part of the result report. Insert-only; lists defer `data`."""

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="files")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        ordering = ("id",)


class TargetState(models.Model):
    """The circuit breaker of one target: closed, or open until the next probe."""

    target = models.CharField(max_length=30, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    next_probe_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )  # maintenance mode
    paused_at = models.DateTimeField(null=True, blank=True)

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self.opened_at is not None or self.paused_at is not None


class QueueGate(models.Model):
    """One row: whether the queue may run, and when the portal was last seen alive (portal.fulfilment.gate)."""

    heartbeat_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=20, blank=True)
    note = models.CharField(max_length=500, blank=True)
    checking_since = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(default=dict, blank=True)  # what each check said last
    opened_at = models.DateTimeField(null=True, blank=True)
    opened_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")


from portal.fulfilment.freezes.models import FreezeException, FreezePeriod  # noqa: E402, F401 - one app, one place for its tables
