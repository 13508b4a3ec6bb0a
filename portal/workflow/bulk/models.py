"""A file that was read: its rows as they are being corrected, until they are the lines of an application."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class UploadState(models.TextChoices):
    """Where the rows of a file stand."""

    WAITING = "WAITING", _("waiting to be checked")
    CHECKING = "CHECKING", _("being checked")
    CHECKED = "CHECKED", _("checked")
    TAKEN = "TAKEN", _("taken into an application")
    DISCARDED = "DISCARDED", _("discarded")


class Upload(ScopedModel):
    """The rows of one file. The file itself is never kept: what it says is here, what it must not say was refused.

    `rows` is a list of {"n": row number in the file, "v": values as typed, "p": problems of cells, "e": errors by field,
    "w": warnings, "c": [label, typed, corrected], "d": the checked payload}; the last four come from the check.
    """

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64)  # of the file
    rows_sha256 = models.CharField(
        max_length=64
    )  # of what its rows say: the same table saved again is the same
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    again_reason = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=12, choices=UploadState, default=UploadState.WAITING)
    version = models.PositiveIntegerField(default=1)  # rises with each change of the rows
    lease_until = models.DateTimeField(null=True, blank=True)  # of the check that runs
    checked_at = models.DateTimeField(null=True, blank=True)
    letters = models.JSONField(default=dict)  # column number in the file by field
    notes = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    row_count = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)  # rows with errors
    warning_count = models.PositiveIntegerField(default=0)
    corrected_count = models.PositiveIntegerField(default=0)
    application = models.ForeignKey(
        "workflow.Application", models.SET_NULL, null=True, blank=True, related_name="uploads"
    )

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "kind", "sha256"], name="upload_file"),
            models.Index(fields=["organisation", "kind", "rows_sha256"], name="upload_rows"),
            models.Index(
                fields=["lease_until"],
                name="upload_unchecked",
                condition=models.Q(state__in=["WAITING", "CHECKING"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name
