"""Records of changes that a federation made itself. Insert-only and chained: what was recorded cannot be changed unnoticed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class Subject(models.TextChoices):
    """What was changed."""

    L2SW = "L2SW", _("port of an L2 switch")
    POLICY = "POLICY", _("communication policy of a 独自処理システム")


class OwnChange(ScopedModel):
    """One change with before and after. Nobody approves it and operations do nothing (REQ-14).

    A database trigger refuses UPDATE and DELETE (SEC-02). `digest` is the SHA-256 of what was recorded and of the digest of the
    record before in the same organisation; it is in the sealed trail as well. A mistake is put right by a further record.
    """

    number = models.CharField(_("number"), max_length=20, unique=True)  # SW-2026-000123, FW-2026-000123
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    subject = models.CharField(_("what was changed"), max_length=8, choices=Subject)
    equipment = models.CharField(_("equipment"), max_length=60)
    item = models.CharField(_("port or policy"), max_length=60)
    item_key = models.CharField(max_length=60)  # without width, case and spaces
    system_name = models.CharField(_("federation's own system"), max_length=80, blank=True)
    before = models.JSONField(
        _("before"), default=dict
    )  # requests.own_changes.layout.PARTS, empty: not set up
    after = models.JSONField(_("after"), default=dict)
    differs = models.BooleanField(default=False)  # `before` is not what the record before left
    reason = models.TextField(_("reason"))
    changed_at = models.DateTimeField(_("changed"))
    changed_by = models.CharField(_("changed by"), max_length=100)
    recorded_at = models.DateTimeField(_("recorded"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("recorded by"))
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections", verbose_name=_("corrects")
    )
    digest = models.CharField(max_length=64)
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="ownchange_org"),
            models.Index(fields=["organisation", "equipment", "item_key", "-id"], name="ownchange_item"),
            *search_indexes("ownchange"),
        ]

    def __str__(self) -> str:
        return self.number
