"""What self-service remembers: attempts, reminders, confirmed addresses and expiry notices. No password, no code."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.orgs.models import User


class SelfServiceAttempt(models.Model):
    """One attempt at a page that needs no login, counted to slow guessing down; kept for two days.

    The typed name is kept as a keyed digest only: people type their password into the wrong field.
    """

    purpose = models.CharField(max_length=20)
    account_digest = models.CharField(max_length=64)
    ip = models.GenericIPAddressField(null=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["purpose", "at"], name="attempt_all"),
            models.Index(fields=["purpose", "account_digest", "at"], name="attempt_account"),
            models.Index(fields=["purpose", "ip", "at"], name="attempt_address"),
        ]


class PasswordReminder(models.Model):
    """Somebody without a login wants to prove who they are. Without `user` there is nobody to mail, and nobody learns that."""

    class Outcome(models.TextChoices):
        """How it ended."""

        DONE = "DONE", _("done")
        REPLACED = "REPLACED", _("replaced by a later one")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # known to that browser alone
    # What the person wants to do when both proofs are given; the proof of one purpose is none for another.
    purpose = models.CharField(max_length=20, default="password")
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="password_reminders")
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    code_digest = models.CharField(max_length=64, blank=True)
    code_sent_at = models.DateTimeField(null=True)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    code_proven_at = models.DateTimeField(null=True)
    factor_proven_at = models.DateTimeField(null=True)
    refusals = models.PositiveSmallIntegerField(default=0)  # by the history of AD, after a password was drawn
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["asked_at"], name="reminder_open", condition=models.Q(answered_at__isnull=True)
            ),
            models.Index(fields=["user", "asked_at"], name="reminder_person"),
        ]


class ConfirmedAddress(models.Model):
    """A person proved while logged in that they read mail at this address. Counts while it is their address still."""

    user = models.OneToOneField(User, models.CASCADE, related_name="confirmed_address")
    address = models.EmailField()
    confirmed_at = models.DateTimeField(null=True)
    code_digest = models.CharField(max_length=64, blank=True)
    code_sent_at = models.DateTimeField(null=True)
    wrong_codes = models.PositiveSmallIntegerField(default=0)


class ExpiryNotice(models.Model):
    """That a person was told about the end of a password, once for each threshold (ACC-07)."""

    object_guid = models.UUIDField()
    expires_on = models.DateField()  # in Japan; a longer lifetime by a PSO is another day and is told anew
    days = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["object_guid", "expires_on", "days"], name="expiry_told_once")
        ]
