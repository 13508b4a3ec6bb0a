"""Mail that the portal sends, or has to send. The body is made when it is sent and never stored."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.notices.places import place_of
from portal.notices.titles import title_of
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel

INITIAL_PASSWORD = "initial_password"  # noqa: S105  the name of a template
PICKUP_CODE = "pickup_code"
_SECRET = frozenset({INITIAL_PASSWORD, PICKUP_CODE})


class NoticeStatus(models.TextChoices):
    """Whether the mail was handed to the relay."""

    QUEUED = "QUEUED", _("queued")
    SENT = "SENT", _("sent")
    FAILED = "FAILED", _("refused by the mail server")
    DROPPED = "DROPPED", _("not sent: settled before")


class Notice(ScopedModel):
    """One mail to one address (ACC-04, ACC-08). `context` holds ids and numbers only: no personal data, no secret."""

    uid = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False
    )  # also the left part of the Message-ID
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    template = models.CharField(_("template"), max_length=60)
    to_user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="notices")
    to_address = models.EmailField(_("address"))
    application_number = models.CharField(_("application number"), max_length=20, blank=True, db_index=True)
    context = models.JSONField(default=dict, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=NoticeStatus, default=NoticeStatus.QUEUED)
    created_at = models.DateTimeField(_("created"))
    not_before = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)  # in the portal's own list
    error_code = models.CharField(max_length=20, blank=True)
    error_message = models.CharField(max_length=300, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["not_before"], name="notice_queue", condition=Q(status="QUEUED")),
            models.Index(fields=["to_user", "-id"], name="notice_person"),
            models.Index(fields=["sent_at"], name="notice_sent", condition=Q(status="SENT")),  # evidence.py
        ]

    @property
    def title(self) -> str:
        """What it is about, in words."""
        return title_of(self.template)

    @property
    def url(self) -> str:
        """Where it leads in the portal; "" for nowhere."""
        return place_of(self)

    @property
    def can_be_sent_again(self) -> bool:
        """Whether operations may send it again: a refused one, but never a password (ACC-10)."""
        return self.status == NoticeStatus.FAILED and self.template not in _SECRET
