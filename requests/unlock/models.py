"""What this room remembers: unlocked accounts, and who proved for which application that the account is theirs (REQ-04)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class UnlockProof(models.Model):
    """The person proved by mailed code and second factor that they are the owner of the account of this application."""

    application = models.OneToOneField(
        "workflow.Application", models.PROTECT, related_name="unlock_proof", primary_key=True
    )
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    object_guid = models.UUIDField()
    proven_at = models.DateTimeField()


class AccountUnlock(ScopedModel):
    """One account whose unlocking was carried out and read back. Written by fulfilment only."""

    class Way(models.TextChoices):
        """Who vouched that the account's user asked."""

        PROVEN = "PROVEN", _("proven by the person")
        VOUCHED = "VOUCHED", _("vouched for by the approver")

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    line = models.OneToOneField("workflow.ApplicationLine", models.PROTECT, related_name="unlock")
    application_number = models.CharField(_("application number"), max_length=20)
    object_guid = models.UUIDField("objectGUID")
    login_name = models.CharField(_("login name"), max_length=64)
    display_name = models.CharField(_("name"), max_length=256)
    way = models.CharField(_("identity"), max_length=10, choices=Way)
    # None: it was not locked any more when its turn came.
    locked_since = models.DateTimeField(_("locked since"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("wrong passwords"), null=True, blank=True)
    sources = models.CharField(_("from where"), max_length=200, blank=True)
    unlocked_at = models.DateTimeField(_("unlocked"))
    unlocked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    by_hand = models.BooleanField(default=False)
    is_repeated = models.BooleanField(_("several in short time"), default=False)
    owner_told = models.BooleanField(_("user told by mail"), default=False)
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="accountunlock_org"),
            models.Index(fields=["object_guid", "unlocked_at"], name="accountunlock_account"),
            *search_indexes("accountunlock"),
        ]

    def __str__(self) -> str:
        return f"{self.login_name} {self.unlocked_at:%Y-%m-%d}"
