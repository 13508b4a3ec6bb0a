"""Who did what and who read what (SEC-02)."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TrailEntry(models.Model):
    """One action or one reading of personal data. Insert-only by a database trigger."""

    at = models.DateTimeField(_("time"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField(_("person"), max_length=100, blank=True)  # as it was then
    organisation = models.ForeignKey(
        "orgs.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    ip = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    action = models.CharField(
        _("action"), max_length=60
    )  # "application.view", "login", "membership.change" …
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=60, blank=True)
    object_label = models.CharField(_("subject"), max_length=200, blank=True)  # number or name
    object_organisation = models.ForeignKey(
        "orgs.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    error_number = models.CharField(max_length=20, blank=True)  # of the request, as shown on an error page
    detail = models.JSONField(default=dict, blank=True)  # never a secret

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["object_type", "object_id", "-id"], name="trail_object"),
            models.Index(fields=["actor", "-id"], name="trail_actor"),
            models.Index(fields=["object_organisation", "-id"], name="trail_organisation"),
            models.Index(fields=["action", "-id"], name="trail_action"),
        ]


class Leaf(models.Model):
    """One sealed record: which, and the hash that it had. Insert-only; numbers have no gap (docs/adr/0040)."""

    number = models.BigIntegerField(primary_key=True)
    source = models.CharField(max_length=60)
    version = models.PositiveSmallIntegerField()
    row_key = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "row_key"], name="leaf_once")]


class SealBatch(models.Model):
    """The leaves that one seal took in one transaction. Insert-only, and a sealed record itself.

    `next_xid` is the first transaction that had not begun. `floor_leaf`: whatever has a key as low as one of the leaves below it
    is sealed by this batch at the latest; what comes with a lower key afterwards was put in behind the portal's back.
    """

    at = models.DateTimeField()
    first_leaf = models.BigIntegerField()
    leaves = models.PositiveIntegerField()  # its own among them, the last
    next_xid = models.BigIntegerField()
    floor_leaf = models.BigIntegerField()

    class Meta:
        ordering = ("-id",)


class Checkpoint(models.Model):
    """The signed head of the log at one moment. Insert-only. `note` is the text that the signing process gave."""

    at = models.DateTimeField(_("time"))
    size = models.BigIntegerField(_("records"))
    root = models.BinaryField()
    key_id = models.CharField(max_length=8)
    note = models.TextField()

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [models.Index(fields=["size"], name="checkpoint_size")]


class TreeNode(models.Model):
    """The root over 256 leaves, so that the proof for one record need not read them all. Insert-only."""

    number = models.BigIntegerField(primary_key=True)
    hash = models.BinaryField()
