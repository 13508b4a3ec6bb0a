"""A list for each month and organisation, with one line for each dormant account and its answer (ACC-14)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel
from portal.workflow.models import Application


class DormantRun(models.Model):
    """The search of one month. It holds numbers and names of domain controllers only, so everybody may read it."""

    class Status(models.TextChoices):
        """Whether every organisation has its list."""

        RUNNING = "RUNNING", _("running")
        DONE = "DONE", _("done")

    period = models.DateField(
        _("month"), unique=True
    )  # its first day: one list each month, whoever starts it
    cut_off = models.DateTimeField(_("no logon since"))
    months = models.PositiveSmallIntegerField()  # as the setting was
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.RUNNING)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    controllers = models.JSONField(default=list)  # names of the domain controllers that were asked
    missing = models.JSONField(default=list)  # those of them that did not answer at the last search
    candidates = models.PositiveIntegerField(default=0)  # by lastLogonTimestamp
    dropped = models.PositiveIntegerField(default=0)  # of these, a domain controller knew of a later logon
    elsewhere = models.PositiveIntegerField(default=0)  # of these, in no organisation's OU
    organisations = models.PositiveSmallIntegerField(default=0)  # that get a list
    organisations_done = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("-period",)

    def __str__(self) -> str:
        return f"{self.period:%Y-%m}"

    @property
    def answered_controllers(self) -> list[str]:
        """The domain controllers whose answers the list stands on."""
        return [name for name in self.controllers if name not in self.missing]


class DormantReview(ScopedModel):
    """One organisation's list of one month, to be answered until `due_on`."""

    class Status(models.TextChoices):
        """Where the list stands."""

        OPEN = "OPEN", _("to be answered")
        ANSWERED = "ANSWERED", _("answered")
        SUPERSEDED = "SUPERSEDED", _("replaced by the next list")

    run = models.ForeignKey(DormantRun, models.PROTECT, related_name="reviews")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="dormant_reviews")
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.OPEN)
    due_on = models.DateField(_("answer until"))
    created_at = models.DateTimeField(_("created"))
    closed_at = models.DateTimeField(null=True, blank=True)
    missing = models.JSONField(default=list)  # domain controllers that did not answer when this list was made
    reminded_on = models.DateField(null=True, blank=True)  # the last day on which a reminder went out

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["due_on"], name="dormant_review_open", condition=Q(status="OPEN"))
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "organisation"], name="dormant_review_once")
        ]

    def __str__(self) -> str:
        return f"{self.run} {self.organisation.code}"


class DormantLine(ScopedModel):
    """One dormant account as it was found, with the answer and what AD said at the moment of answering."""

    class Answer(models.TextChoices):
        """What the federation says."""

        KEEP = "KEEP", _("keep")
        DELETE = "DELETE", _("delete")

    class Left(models.TextChoices):
        """Why a line needs no answer any more."""

        LOGGED_ON = "LOGGED_ON", _("has logged on since")
        DISABLED = "DISABLED", _("was disabled")
        GONE = "GONE", _("was deleted")

    review = models.ForeignKey(DormantReview, models.PROTECT, related_name="lines")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    previous = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    object_guid = models.UUIDField(_("objectGUID"))
    login_name = models.CharField(_("login name"), max_length=20)
    display_name = models.CharField(_("name"), max_length=256)
    department = models.CharField(_("department"), max_length=64, blank=True)
    is_administrator = models.BooleanField(_("administrator account"), default=False)
    made_at = models.DateTimeField(_("made in AD"))
    last_logon = models.DateTimeField(_("last logon"), null=True, blank=True)  # the newest of all answers
    last_logon_from = models.CharField(max_length=255, blank=True)  # who said so
    must_change = models.BooleanField(_("initial password never used"), default=False)
    answer = models.CharField(_("answer"), max_length=6, choices=Answer, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    # What AD said when it was answered: {"asked": …, "missing": […], "last_logon": …, "from": …}.
    evidence = models.JSONField(default=dict, blank=True)
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, blank=True, related_name="dormant_lines"
    )
    left = models.CharField(max_length=10, choices=Left, blank=True)
    search_text = models.TextField(blank=True)  # folded by portal.common.text.search_key
    version = models.PositiveSmallIntegerField(default=1)  # rises with every change: the screen's guard

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "object_guid"], name="dormant_line_account")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["review", "object_guid"], name="dormant_line_once"),
            # ACC-14: nothing is kept without a reason, nothing is answered by nobody.
            models.CheckConstraint(
                name="dormant_keep_has_a_reason", condition=~Q(answer="KEEP") | ~Q(reason="")
            ),
            models.CheckConstraint(
                name="dormant_answer_has_a_person",
                condition=Q(answer="", answered_by=None, answered_at=None)
                | (~Q(answer="") & Q(answered_by__isnull=False, answered_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.login_name

    @property
    def never_logged_on(self) -> bool:
        """No domain controller that answered knows of a logon."""
        return self.last_logon is None

    @property
    def choice(self) -> str:
        """How a form names this line as it was shown."""
        return f"{self.pk}:{self.version}"

    @property
    def is_open(self) -> bool:
        """Whether the federation still owes an answer."""
        return not self.answer and not self.left
