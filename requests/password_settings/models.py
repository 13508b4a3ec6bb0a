"""The password settings that the portal made, and their history. Written by fulfilment and by the review only (REQ-03)."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel

_LINE = "workflow.ApplicationLine"


class PasswordLifetime(ScopedModel, TimestampedModel):
    """Password settings as last verified in AD: a longer lifetime for some, until a day. The row stays after the end."""

    class State(models.TextChoices):
        """Whether the settings are in Active Directory."""

        IN_FORCE = "IN_FORCE", pgettext_lazy("password settings", "in force")
        ENDED = "ENDED", pgettext_lazy("password settings", "ended")

    class EndReason(models.TextChoices):
        """Why they ended."""

        EXPIRED = "EXPIRED", _("last day over")
        APPLIED_FOR = "APPLIED_FOR", _("early end applied for")

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    name = models.CharField(_("name"), max_length=64)
    object_guid = models.UUIDField(_("objectGUID"), unique=True)
    distinguished_name = models.CharField(max_length=400)
    lifetime_days = models.PositiveIntegerField(_("password lifetime (days)"))
    lifetime_before = models.PositiveIntegerField(_("lifetime without it (days)"))
    precedence = models.PositiveIntegerField(_("precedence"))
    rules = models.JSONField(default=dict)  # all of them, as read back
    # For whom: a group, or accounts as [{"guid", "login_name", "name"}], as read back.
    group_dn = models.CharField(max_length=400, blank=True)
    group_name = models.CharField(_("group"), max_length=256, blank=True)
    accounts = models.JSONField(_("accounts"), default=list, blank=True)
    affected = models.PositiveIntegerField(_("accounts affected"), default=0)  # when last verified
    until = models.DateField(_("last day"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.IN_FORCE)
    started_at = models.DateTimeField(_("in force since"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(max_length=12, choices=EndReason, blank=True)
    # The review before the last day: for which one the mail went out, and who said that it may end.
    told_for = models.DateField(null=True, blank=True)
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    search_text = models.TextField(blank=True)
    line = models.OneToOneField(_LINE, models.PROTECT, related_name="+")
    last_line = models.ForeignKey(_LINE, models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "state", "-id"], name="lifetime_org_state"),
            models.Index(fields=["until"], name="lifetime_ending", condition=Q(state="IN_FORCE")),
            *search_indexes("lifetime"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), condition=Q(state="IN_FORCE"), name="lifetime_name_once"),
            models.CheckConstraint(
                name="lifetime_end_complete", condition=Q(state="IN_FORCE") | Q(ended_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_in_force(self) -> bool:
        return self.state == self.State.IN_FORCE

    @property
    def is_overdue(self) -> bool:
        """Whether the last day is over and they are still in Active Directory."""
        return self.is_in_force and self.until < timezone.localdate()

    @property
    def whom(self) -> str:
        """For whom, in short: the group, or the first accounts."""
        names = [f"{each['name']} ({each['login_name']})" for each in self.accounts[:3]]
        more = f" +{len(self.accounts) - 3}" if len(self.accounts) > 3 else ""
        return self.group_name or "、".join(names) + more

    def is_to_be_reviewed(self, days: int) -> bool:
        """Whether somebody still has to say that they may end (so many days before the last one)."""
        near = self.until - timedelta(days=days) <= timezone.localdate()
        return self.is_in_force and not self.is_overdue and near and self.reviewed_at is None


class PasswordLifetimeEvent(ScopedModel):
    """The history of password settings. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    class Verb(models.TextChoices):
        """What happened."""

        STARTED = "STARTED", pgettext_lazy("password settings", "put in force")
        EXTENDED = "EXTENDED", pgettext_lazy("password settings", "last day moved")
        TOLD = "TOLD", pgettext_lazy("password settings", "review asked for")
        REVIEWED = "REVIEWED", pgettext_lazy("password settings", "may end on its last day")
        ENDED = "ENDED", pgettext_lazy("password settings", "taken back")

    lifetime = models.ForeignKey(PasswordLifetime, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=100, blank=True)  # as it was then; empty: the portal
    verb = models.CharField(max_length=20, choices=Verb)
    application_number = models.CharField(max_length=20, blank=True)
    changes = models.JSONField(default=list, blank=True)  # [{"label": msgid, "before": [], "after": []}]
    counts = models.JSONField(default=dict, blank=True)  # numbers of accounts: affected, expired

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [models.Index(fields=["lifetime", "id"], name="lifetimeevent_of")]
