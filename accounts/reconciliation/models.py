"""What was written last, the runs that compare it with AD, and the findings that a person answers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.fulfilment.models import Operation
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class WrittenState(ScopedModel):
    """What AD held when the portal read an account back after its last write: the middle one of the three states."""

    account = models.OneToOneField(
        "accounts.DirectoryAccount", models.CASCADE, primary_key=True, related_name="written"
    )
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    values = models.JSONField()  # accounts.reconciliation.snapshot
    usn = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        pass


class ReconciliationRun(models.Model):
    """One comparison of the register with AD. Not scoped: only network operations see runs."""

    class Mode(models.TextChoices):
        """What was read: what changed since the last run, or everything."""

        INCREMENTAL = "INCREMENTAL", _("what changed since the last run")
        FULL = "FULL", _("everything")

    class Status(models.TextChoices):
        """How far it came. Only a run that is DONE has read everything that it set out to read."""

        WAITING = "WAITING", _("waiting")
        RUNNING = "RUNNING", _("running")
        DONE = "DONE", pgettext_lazy("reconciliation run", "completed")
        INTERRUPTED = "INTERRUPTED", _("interrupted")

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("organisation")
    )
    mode = models.CharField(_("extent"), max_length=12, choices=Mode, default=Mode.FULL)
    why_full = models.CharField(
        max_length=40, blank=True
    )  # when a run that was to be incremental could not be
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(_("asked for"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    controller = models.CharField(max_length=400, blank=True)
    controller_name = models.CharField(_("domain controller"), max_length=255, blank=True)
    highest_usn = models.BigIntegerField(default=0)
    # Where the next incremental run goes on: below whatever this one could not judge yet.
    resume_usn = models.BigIntegerField(default=0)
    expected_count = models.PositiveIntegerField(default=0)
    read_count = models.PositiveIntegerField(_("accounts read"), default=0)
    new_count = models.PositiveIntegerField(_("new findings"), default=0)
    same_count = models.PositiveIntegerField(default=0)
    gone_count = models.PositiveIntegerField(default=0)
    held_back_count = models.PositiveIntegerField(default=0)
    unreadable_count = models.PositiveIntegerField(default=0)
    new_by_kind = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar = [
            # Two at once would only see each other's half.
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="RUNNING"), name="reconciliation_one_running"
            )
        ]

    @property
    def is_open(self) -> bool:
        """Whether it still changes."""
        return self.status in {self.Status.WAITING, self.Status.RUNNING}

    @property
    def percent(self) -> int:
        """How much was read, of what the register lets expect."""
        if not self.expected_count:
            return 0
        return min(100, 100 * self.read_count // self.expected_count)


class FindingKind(models.TextChoices):
    """How AD differs from what was written last."""

    MISSING = "MISSING", _("missing in AD")
    CHANGED = "CHANGED", _("changed by hand")
    UNKNOWN = "UNKNOWN", _("not in the register")
    MOVED = "MOVED", _("moved by hand")
    RE_ENABLED = "RE_ENABLED", _("enabled again by hand")
    DISABLED = "DISABLED", _("disabled by hand")
    RENAMED = "RENAMED", _("renamed by hand")


class FindingState(models.TextChoices):
    """Where a finding stands between being seen and being answered."""

    OPEN = "OPEN", pgettext_lazy("finding", "to be answered")
    PROPOSED = "PROPOSED", _("waits for a second person")
    RESTORING = "RESTORING", _("being restored")
    ANSWERED = "ANSWERED", _("answered")
    GONE = "GONE", _("no longer differs")


LIVE = (FindingState.OPEN, FindingState.PROPOSED, FindingState.RESTORING)


class Answer(models.TextChoices):
    """What a person decides about a finding."""

    ACCEPT = "ACCEPT", _("accept what AD has")
    RESTORE = "RESTORE", _("restore what was written")
    ADOPT = "ADOPT", _("adopt into the register")


class Finding(ScopedModel):
    """One way in which one object differs. Open until a person answers, or until the difference is gone by itself."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="findings", verbose_name=_("organisation")
    )
    account = models.ForeignKey(
        "accounts.DirectoryAccount", models.PROTECT, null=True, blank=True, related_name="findings"
    )  # None: an object that the register does not know
    object_guid = models.UUIDField(_("objectGUID"))
    kind = models.CharField(_("finding"), max_length=12, choices=FindingKind)
    state = models.CharField(_("state"), max_length=12, choices=FindingState, default=FindingState.OPEN)
    login_name = models.CharField(_("login name"), max_length=256)
    name = models.CharField(_("name"), max_length=256, blank=True)
    privileged = models.BooleanField(default=False)  # read, never touched
    differences = models.JSONField(default=list)  # [{"field", "written", "found"}]
    found = models.JSONField(null=True, blank=True)  # the whole object as it was seen; None: not there
    digest = models.CharField(max_length=64)  # of `found`: an answer names what its person saw
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    first_run = models.ForeignKey(ReconciliationRun, models.PROTECT, related_name="first_findings")
    last_run = models.ForeignKey(ReconciliationRun, models.PROTECT, related_name="findings")
    answer = models.CharField(_("answer"), max_length=8, choices=Answer, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    operation = models.OneToOneField(
        Operation, models.PROTECT, null=True, blank=True, related_name="finding"
    )  # that restores it
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="finding_org"),
            models.Index(fields=["state", "-id"], name="finding_state"),
            models.Index(fields=["object_guid"], name="finding_object"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["object_guid", "kind"], condition=Q(state__in=LIVE), name="finding_once_open"
            ),
            # Four eyes where AD changes or an account comes to life (docs/adr/0017), whoever calls.
            models.CheckConstraint(
                name="finding_two_people", condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("answered_by"))
            ),
            models.CheckConstraint(
                name="finding_restored_by_two",
                condition=~Q(answer="RESTORE")
                | ~Q(state__in=["RESTORING", "ANSWERED"])
                | Q(confirmed_by__isnull=False),
            ),
        ]
