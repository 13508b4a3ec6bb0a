"""Entries of the FAQ and their versions. Everybody who is logged in reads what is published (REQ-11)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import User
from requests.enquiries.models import Category, Enquiry


class FaqEntry(TimestampedModel):
    """What is published now; empty until the first version was confirmed."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    category = models.CharField(_("category"), max_length=20, choices=Category)
    question = models.CharField(pgettext_lazy("faq", "question"), max_length=200, blank=True)
    answer = models.TextField(pgettext_lazy("faq", "answer"), blank=True)
    is_published = models.BooleanField(default=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    # For operations only: readers of the FAQ never learn who asked.
    enquiry = models.ForeignKey(Enquiry, models.PROTECT, null=True, blank=True, related_name="faq_entries")
    search_text = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [*search_indexes("faqentry")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="faqentry_published_has_text",
                condition=Q(is_published=False) | (~Q(question="") & ~Q(answer="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.question}"


class FaqVersion(models.Model):
    """One text of an entry: proposed by one person, published or refused by another one."""

    class State(models.TextChoices):
        """What became of it."""

        PROPOSED = "PROPOSED", _("waits for confirmation")
        PUBLISHED = "PUBLISHED", pgettext_lazy("faq", "published")
        REFUSED = "REFUSED", pgettext_lazy("faq", "sent back")

    entry = models.ForeignKey(FaqEntry, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField(_("version"))
    category = models.CharField(max_length=20, choices=Category)
    question = models.CharField(max_length=200)
    answer = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    prepared_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)  # why it was sent back

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry", "number"], name="faqversion_number"),
            models.UniqueConstraint(
                fields=["entry"], condition=Q(state="PROPOSED"), name="faqversion_one_proposed"
            ),
            models.CheckConstraint(
                name="faqversion_two_persons", condition=Q(decided_by=None) | ~Q(decided_by=F("prepared_by"))
            ),
            models.CheckConstraint(
                name="faqversion_decided",
                condition=Q(state="PROPOSED", decided_by=None, decided_at=None)
                | (~Q(state="PROPOSED") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
        ]
