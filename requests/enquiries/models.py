"""Enquiries, what was written in them, and the files that came along (REQ-11)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind
from portal.orgs.scoping import ScopedModel


class Category(models.TextChoices):
    """What an enquiry or a FAQ entry is about."""

    ACCOUNTS = "ACCOUNTS", _("accounts and passwords")
    DEVICES = "DEVICES", _("PCs and devices")
    NETWORK = "NETWORK", _("network and DNS")
    SECURITY = "SECURITY", _("antivirus and quarantine")
    AUDIT = "AUDIT", _("audit reports")
    INTRODUCTION = "INTRODUCTION", _("introduction of the system")
    PORTAL = "PORTAL", _("use of this portal")
    OTHER = "OTHER", _("other")


class Enquiry(ScopedModel, TimestampedModel):
    """A conversation between a federation and the desk that answers. The state says whose turn it is."""

    class Desk(models.TextChoices):
        """Who answers."""

        OPERATIONS = OrganisationKind.OPERATIONS.value, _("network operations")
        CENTRAL = OrganisationKind.CENTRAL.value, _("central association")

    class State(models.TextChoices):
        """Whose turn it is."""

        OPEN = "OPEN", pgettext_lazy("enquiry", "to be answered")
        ANSWERED = "ANSWERED", pgettext_lazy("enquiry", "answered")
        WAITING = "WAITING", pgettext_lazy("enquiry", "waits for the asker")
        CLOSED = "CLOSED", pgettext_lazy("enquiry", "closed")

    number = models.CharField(_("number"), max_length=20, unique=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    asker = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asker"))
    desk = models.CharField(_("answered by"), max_length=20, choices=Desk, default=Desk.OPERATIONS)
    category = models.CharField(_("category"), max_length=20, choices=Category)
    subject = models.CharField(pgettext_lazy("enquiry", "subject"), max_length=100)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    state_since = models.DateTimeField()
    asked_at = models.DateTimeField(_("asked"))
    due_on = models.DateField(_("due"))  # while it is to be answered; the desk may set another day
    assigned_to = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("assigned to")
    )
    follows = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    # The day on which the portal closes it unless the asker replies; set when the asker is told.
    closes_on = models.DateField(null=True, blank=True)
    reminded_on = models.DateField(null=True, blank=True)  # the desk, of an overdue one
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    # Nobody: the portal, after the notice.
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(
        default=1
    )  # rises with each step: who writes names what they have read
    search_text = models.TextField(blank=True)  # never of internal notes: the asker searches it too
    desk_search_text = models.TextField(blank=True)  # with them: for those who may read them only

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="enquiry_org"),
            models.Index(fields=["state", "due_on"], name="enquiry_due", condition=~Q(state="CLOSED")),
            *search_indexes("enquiry"),
            *search_indexes("enquiry_desk", "desk_search_text"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="enquiry_closed",
                condition=Q(state="CLOSED", closed_at__isnull=False)
                | (~Q(state="CLOSED") & Q(closed_at=None, closed_by=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"

    @property
    def is_closed(self) -> bool:
        """Nobody writes to it any more."""
        return self.state == self.State.CLOSED


class EnquiryMessage(ScopedModel):
    """What somebody wrote or did. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    class Kind(models.TextChoices):
        """What the message is."""

        QUESTION = "QUESTION", pgettext_lazy("enquiry", "question")
        REPLY = "REPLY", pgettext_lazy("enquiry", "reply of the asker")
        ANSWER = "ANSWER", pgettext_lazy("enquiry", "answer")
        ASKED_BACK = "ASKED_BACK", pgettext_lazy("enquiry", "question to the asker")
        NOTE = "NOTE", _("internal note")
        ROUTED = "ROUTED", _("assignment")
        CLOSED = "CLOSED", pgettext_lazy("enquiry", "closing")

    enquiry = models.ForeignKey(Enquiry, models.PROTECT, related_name="messages")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    internal = models.BooleanField(default=False)  # never shown to the federation
    at = models.DateTimeField()
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    author_name = models.CharField(max_length=100)
    author_organisation = models.CharField(max_length=100)
    text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        constraints: ClassVar = [
            models.CheckConstraint(
                name="enquirymessage_notes_are_internal",
                condition=~Q(kind__in=["NOTE", "ROUTED"]) | Q(internal=True),
            ),
        ]


class EnquiryFile(ScopedModel):
    """A file of a message; whoever sees the message sees it. Insert-only as the message is."""

    message = models.ForeignKey(EnquiryMessage, models.PROTECT, related_name="files")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)


class EnquiryFileContent(models.Model):
    """The bytes of a file, apart from it so that lists never load them."""

    file = models.OneToOneField(EnquiryFile, models.PROTECT, related_name="content", primary_key=True)
    data = models.BinaryField()
