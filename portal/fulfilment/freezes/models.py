"""Times in which nothing is changed (凍結期間), as data of network operations."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class Effect(models.TextChoices):
    """What a freeze does."""

    REFUSE = "REFUSE", _("nothing is carried out")
    WARN = "WARN", _("only told")


class FreezePeriod(models.Model):
    """From when to when what is frozen, and why. Empty organisation, kind, target: all of them.

    Nothing of it is changed once it is entered but its end, which operations may bring forward.
    """

    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("organisation")
    )
    kind = models.CharField(_("kind"), max_length=60, blank=True, default="")
    target = models.CharField(_("target"), max_length=30, blank=True, default="")
    effect = models.CharField(_("effect"), max_length=6, choices=Effect)
    # Whether people of operations may have single changes carried out all the same, with a reason.
    may_override = models.BooleanField(_("operations may make exceptions"), default=False)
    reason = models.CharField(_("reason"), max_length=300)
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="freeze_ends")]
        constraints: ClassVar = [
            models.CheckConstraint(name="freeze_has_length", condition=Q(starts_at__lt=F("ends_at")))
        ]

    def __str__(self) -> str:
        return self.reason


class FreezeException(ScopedModel):
    """One operation that is carried out in spite of every freeze that allows it; insert-only."""

    operation = models.OneToOneField("fulfilment.Operation", models.PROTECT, related_name="freeze_exception")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=500)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
