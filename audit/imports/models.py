"""Logs as they came and as they are judged: files in chunks, rows in monthly partitions, machines, coverage (AUD-01, AUD-10)."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.imports.rows import LINE_BITS
from audit.reconciliation.models import LogKind
from portal.common.models import TimestampedModel
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel

_PATIENCE = timedelta(minutes=3)  # after which an import that nobody has needs a person to look


class LogMapping(models.Model):
    """How files are read (audit.imports.layout). Insert-only: the newest is in force. Operations edit it."""

    definition = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)


class ApplicationAccess(models.Model):
    """What counts as access through the application: account, program and client together. Insert-only: the newest is in force."""

    definition = models.JSONField()  # [{"account", "program", "client", "note"}], "*" at an end: anything
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)


class Host(ScopedModel, TimestampedModel):
    """A machine whose logs are expected. Its rows belong to its federation."""

    class Sends(models.TextChoices):
        """On which days it must have sent something."""

        DAILY = "DAILY", pgettext_lazy("logs of a machine", "every day")
        BUSINESS_DAYS = "BUSINESS_DAYS", pgettext_lazy("logs of a machine", "every business day")
        IRREGULAR = "IRREGULAR", pgettext_lazy("logs of a machine", "now and then")

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    name = models.CharField(_("machine"), max_length=100)  # as screens show it
    key = models.CharField(max_length=100, unique=True)  # audit.reconciliation.names.name_key
    sends_database = models.CharField(
        _("DB access logs"), max_length=14, choices=Sends, blank=True
    )  # "": none
    sends_takeout = models.CharField(_("file take-out logs"), max_length=14, choices=Sends, blank=True)
    involves_number = models.BooleanField(
        _("holds individual numbers"), default=True
    )  # AUD-09: 7 years, else 3
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    changed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(default=1)

    class Meta(ScopedModel.Meta):
        ordering = ("organisation", "name", "id")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="host_days_in_order", condition=Q(last_day=None) | Q(last_day__gte=F("first_day"))
            )
        ]

    def __str__(self) -> str:
        return self.name

    def sends(self, log_kind: str) -> str:
        """When it sends this log; "" for never."""
        return self.sends_database if log_kind == LogKind.DATABASE else self.sends_takeout


class LogImport(models.Model):
    """A file of log lines, from its upload to the last row. What it said stays; files of all federations are operations'."""

    class State(models.TextChoices):
        """How far it is."""

        UPLOADED = "UPLOADED", pgettext_lazy("log import", "to be looked at")
        RUNNING = "RUNNING", pgettext_lazy("log import", "being imported")
        DONE = "DONE", pgettext_lazy("log import", "imported")
        FAILED = "FAILED", pgettext_lazy("log import", "stopped")
        DISCARDED = "DISCARDED", pgettext_lazy("log import", "not imported")

    class Stand(models.TextChoices):
        """What is true of an import that was started: a state alone would say that it runs while no worker is there."""

        QUEUED = "QUEUED", pgettext_lazy("log import", "waits for its turn")
        RUNNING = "RUNNING", pgettext_lazy("log import", "being imported")
        INTERRUPTED = "INTERRUPTED", pgettext_lazy("log import", "interrupted, goes on by itself")

    log_kind = models.CharField(_("log"), max_length=10, choices=LogKind)
    month = models.DateField(_("month"))  # first day of the month of the audit that it was brought for
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)  # of the file as it was brought
    size = models.PositiveBigIntegerField(_("size"))  # of its content, unpacked
    encoding = models.CharField(_("encoding"), max_length=10)
    is_json = models.BooleanField(default=False)
    header = models.TextField(blank=True)  # the line of the headings
    line_count = models.PositiveIntegerField(_("lines"))
    chunk_count = models.PositiveIntegerField()
    is_cut = models.BooleanField(_("cut off"), default=False)  # it ends in the middle
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.UPLOADED)
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded"))
    mapping = models.ForeignKey(LogMapping, models.PROTECT, null=True, blank=True, related_name="+")
    allowed = models.ForeignKey(ApplicationAccess, models.PROTECT, null=True, blank=True, related_name="+")
    started_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # also the number that a worker holds it with
    chunks_done = models.PositiveIntegerField(default=0)
    lines_done = models.PositiveIntegerField(default=0)
    kept_count = models.PositiveIntegerField(_("rows kept"), default=0)
    duplicate_count = models.PositiveIntegerField(_("rows that were there already"), default=0)
    application_count = models.PositiveIntegerField(_("rows through the application"), default=0)
    held_count = models.PositiveIntegerField(_("rows of unknown machines"), default=0)
    refused_count = models.PositiveIntegerField(_("lines that cannot be read"), default=0)
    first_at = models.DateTimeField(_("first row"), null=True, blank=True)
    last_at = models.DateTimeField(_("last row"), null=True, blank=True)
    findings = models.JSONField(default=dict, blank=True)  # audit.imports.findings
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["sha256", "log_kind"], condition=~Q(state="DISCARDED"), name="logimport_file_once"
            ),
            models.CheckConstraint(name="logimport_progress", condition=Q(chunks_done__lte=F("chunk_count"))),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state"], condition=Q(state="RUNNING"), name="logimport_running")
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def stand(self) -> str:
        """The state, told apart by whether a worker has the file."""
        if self.state != self.State.RUNNING:
            return self.state
        if self.lease_until is None:
            return self.Stand.QUEUED
        return self.Stand.RUNNING if self.lease_until > timezone.now() else self.Stand.INTERRUPTED

    @property
    def stand_label(self) -> str:
        """The stand in words."""
        kinds = self.Stand if self.state == self.State.RUNNING else self.State
        return str(kinds(self.stand).label)

    @property
    def is_forgotten(self) -> bool:
        """Whether no worker came although the job of each minute asked for one: somebody has to look after the workers."""
        since = self.lease_until or (self.started_at if not self.attempts else None)
        waits = self.stand in (self.Stand.QUEUED, self.Stand.INTERRUPTED)
        return waits and since is not None and since < timezone.now() - _PATIENCE


class LogChunk(models.Model):
    """A piece of an uploaded file that ends with a whole line: what a worker reads in one go. Insert-only."""

    log_import = models.ForeignKey(LogImport, models.PROTECT, related_name="chunks")
    number = models.PositiveIntegerField()  # from 0
    first_line = models.PositiveIntegerField()  # from 1
    line_count = models.PositiveIntegerField()
    data = models.BinaryField()  # zlib
    sha256 = models.CharField(max_length=64)  # of the content

    class Meta:
        ordering = ("log_import", "number")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["log_import", "number"], name="logchunk_once")
        ]


class LogBatch(models.Model):
    """The rows that were written together: one leaf of the evidence (SEC-02). Insert-only."""

    log_import = models.ForeignKey(LogImport, models.PROTECT, related_name="batches")
    chunk = models.PositiveIntegerField(null=True, blank=True)  # null: rows that had waited for their machine
    row_count = models.PositiveIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["log_import", "chunk"], condition=Q(chunk__isnull=False), name="logbatch_once"
            )
        ]


class LogRow(ScopedModel):
    """One line of a log. Insert-only, in partitions: what holds individual numbers and what does not, each by month (AUD-09).

    `id` is its import and its line number. Nothing here has a foreign key in the database: a check for each of a million rows
    would take longer than the rows themselves, and a partition must be able to go.
    """

    id = models.BigIntegerField(primary_key=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(
        LogBatch, models.PROTECT, related_name="rows", db_constraint=False, db_index=False
    )
    log_kind = models.CharField(_("log"), max_length=10, choices=LogKind)
    event_at = models.DateTimeField(_("time"))
    indexed_at = models.DateTimeField(_("time of arrival"), null=True, blank=True)
    host = models.TextField(_("machine"))
    db_name = models.TextField(_("database"), blank=True)
    db_user = models.TextField(_("DB user"), blank=True)
    os_user = models.TextField(_("OS user"), blank=True)
    client = models.TextField(_("client"), blank=True)
    program = models.TextField(_("program"), blank=True)
    session_id = models.TextField(_("session"), blank=True)
    action = models.TextField(_("action"), blank=True)
    object_name = models.TextField(_("object"), blank=True)  # table, or file that was taken
    target = models.TextField(_("target"), blank=True)  # where it was taken to
    volume = models.BigIntegerField(_("volume"), default=0)  # rows (DB) or bytes (files)
    return_code = models.TextField(_("return code"), blank=True)
    source_id = models.TextField(_("number at the source"), blank=True)
    medium_type = models.TextField(_("kind of medium"), blank=True)
    medium_serial = models.TextField(_("serial number of the medium"), blank=True)
    involves_number = models.BooleanField(_("individual numbers"), default=True)
    is_application = models.BooleanField(_("through the application"), default=False)
    is_skewed = models.BooleanField(_("clocks differ"), default=False)
    line_hash = models.BinaryField()  # SHA-256 of the line as it came

    class Meta(ScopedModel.Meta):
        ordering = ("event_at", "id")
        indexes: ClassVar = [
            models.Index(fields=["organisation", "event_at"], name="logrow_org"),
            BrinIndex(fields=["batch"], name="logrow_batch", pages_per_range=16),
        ]

    @property
    def line_number(self) -> int:
        """Its line in the file."""
        return self.id & ((1 << LINE_BITS) - 1)

    @property
    def import_id(self) -> int:
        """The import that brought it."""
        return self.id >> LINE_BITS


class HeldLine(models.Model):
    """A line whose machine nobody has registered yet: kept as it came until somebody says whose it is."""

    log_import = models.ForeignKey(LogImport, models.PROTECT, related_name="held")
    line_number = models.PositiveIntegerField()
    host = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    event_at = models.DateTimeField()
    raw = models.BinaryField()

    class Meta:
        ordering = ("log_import", "line_number")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["log_import", "line_number"], name="heldline_once")
        ]
        indexes: ClassVar = [models.Index(fields=["key", "event_at"], name="heldline_key_time")]


class LogCoverage(ScopedModel):
    """How many rows of a machine and day an import brought: a day without any is a gap, not "no access" (AUD-10)."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    host = models.ForeignKey(Host, models.PROTECT, related_name="coverage")
    log_kind = models.CharField(max_length=10, choices=LogKind)
    day = models.DateField()  # in Japan
    log_import = models.ForeignKey(LogImport, models.PROTECT, related_name="coverage")
    row_count = (
        models.PositiveIntegerField()
    )  # also rows through the application and those that were there already
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        ordering = ("host", "day")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["log_import", "host", "log_kind", "day"], name="logcoverage_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organisation", "log_kind", "day"], name="logcoverage_org_day"),
            models.Index(fields=["host", "log_kind", "day"], name="logcoverage_host_day"),
        ]
