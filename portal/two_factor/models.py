"""The ledger of the exchange with the two-factor system: what was written into which file, and what was answered (ADR 0014).

Mappings, batches and answers concern several federations and are for network operations; rows belong to one federation.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.fulfilment.models import Operation
from portal.gateways.two_factor import Action
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class ExchangeMapping(models.Model):
    """How files are written and answers are read (portal.two_factor.layout.Layout). Insert-only: the newest counts."""

    definition = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)


class BatchState(models.TextChoices):
    """How far a batch is. What is STAGED and not in .staging/ any more was handed over."""

    PREPARING = "PREPARING", _("being written")
    STAGED = "STAGED", _("being handed over")
    WRITTEN = "WRITTEN", _("waits for acknowledgement")
    ACKNOWLEDGED = "ACKNOWLEDGED", _("acknowledged")


class ExchangeBatch(models.Model):
    """One file for the two-factor system. Its content follows from its rows and its mapping, so it is not stored."""

    number = models.PositiveIntegerField(_("batch"), unique=True)
    mapping = models.ForeignKey(ExchangeMapping, models.PROTECT, null=True, blank=True, related_name="+")
    file_name = models.CharField(_("file"), max_length=100)
    staged_name = models.CharField(max_length=120, blank=True)
    state = models.CharField(_("state"), max_length=20, choices=BatchState, default=BatchState.PREPARING)
    row_count = models.PositiveIntegerField(_("rows"))
    sha256 = models.CharField(max_length=64, blank=True)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField(_("created"))
    written_at = models.DateTimeField(_("handed over"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)  # the file, not the rows

    class Meta:
        ordering = ("-number",)
        indexes: ClassVar = [
            models.Index(
                fields=["state", "number"], name="exchange_batch_open", condition=Q(removed_at__isnull=True)
            )
        ]


class AnswerFile(models.Model):
    """An acknowledgement file that was read or rejected. The same bytes are never applied twice."""

    name = models.CharField(_("file"), max_length=120)
    sha256 = models.CharField(max_length=64, unique=True)
    read_at = models.DateTimeField(_("read"))
    uploaded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    is_rejected = models.BooleanField(default=False)
    done_count = models.PositiveIntegerField(_("done"), default=0)
    refused_count = models.PositiveIntegerField(_("refused"), default=0)
    known_count = models.PositiveIntegerField(default=0)  # answered before, with the same result
    problems = models.JSONField(default=list, blank=True)  # [line, sentence]; line 0: the whole file
    put_away_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)


class RowState(models.TextChoices):
    """What is known about a row."""

    PENDING = "PENDING", _("for the next file")
    WRITTEN = "WRITTEN", _("waits for acknowledgement")
    DONE = "DONE", _("acknowledged as done")
    REFUSED = "REFUSED", _("refused")
    UNWRITABLE = "UNWRITABLE", _("cannot be written")


# What leads to a person; a person's retry makes a new row.
FAILED = (RowState.REFUSED, RowState.UNWRITABLE)
ANSWERED = (RowState.DONE, *FAILED)


class ExchangeRow(ScopedModel):
    """One order in one file. `reference` is written into the file and comes back in the answer."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    operation = models.ForeignKey(Operation, models.PROTECT, related_name="exchange_rows")
    round = models.PositiveSmallIntegerField(default=1)  # rises when a person has a refused row written again
    reference = models.CharField(max_length=50, unique=True)
    action = models.CharField(max_length=10, choices=[(action.value, action.value) for action in Action])
    values = models.JSONField()  # portal.gateways.two_factor.Person
    state = models.CharField(_("state"), max_length=12, choices=RowState, default=RowState.PENDING)
    batch = models.ForeignKey(ExchangeBatch, models.PROTECT, null=True, blank=True, related_name="rows")
    position = models.PositiveIntegerField(default=0)  # in the batch, from 1
    sha256 = models.CharField(max_length=64, blank=True)  # of the row as it was written
    answer = models.ForeignKey(AnswerFile, models.PROTECT, null=True, blank=True, related_name="rows")
    reason = models.TextField(blank=True)  # why it was refused or cannot be written
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [
            models.Index(
                fields=["state", "id"],
                name="exchange_row_open",
                condition=Q(state__in=["PENDING", "WRITTEN"]),
            ),
            models.Index(fields=["batch", "position"], name="exchange_row_batch"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["operation", "round"], name="exchange_row_round")
        ]
