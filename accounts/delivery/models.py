"""Which way an organisation chose, and one row for each initial password: never the password, of a code the digest only."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.fulfilment.models import Operation
from portal.orgs.models import Organisation, PasswordRecipient, User
from portal.orgs.scoping import ScopedModel


class DeliveryMode(models.TextChoices):
    """How the recipient gets an initial password."""

    MAIL = "MAIL", _("by mail")
    PICKUP = "PICKUP", _("shown in the portal for a mailed code")
    BY_HAND = "BY_HAND", _("by hand")


class DeliveryChoice(ScopedModel):
    """The way that an organisation chose. Each change is a new row; the newest counts, none means mail. Insert-only."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="delivery_choices")
    mode = models.CharField(_("delivery"), max_length=10, choices=DeliveryMode)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)


class InitialPassword(ScopedModel):
    """What became of the initial password that one operation set. The newest row of an account is the one that counts."""

    operation = models.OneToOneField(Operation, models.PROTECT, related_name="initial_password")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    application_number = models.CharField(max_length=20, db_index=True)
    account_guid = models.UUIDField(db_index=True)
    login_name = models.CharField(max_length=20)
    recipient = models.ForeignKey(PasswordRecipient, models.PROTECT, null=True, blank=True, related_name="+")
    mode = models.CharField(max_length=10, choices=DeliveryMode)
    made_at = models.DateTimeField()
    delivered_at = models.DateTimeField(
        null=True, blank=True
    )  # mail accepted, of the password or of the code
    # The code of PICKUP: a keyed digest (accounts.delivery.codes), its end, wrong entries, how often a password was drawn.
    code_digest = models.CharField(max_length=64, blank=True)
    code_ends_at = models.DateTimeField(null=True, blank=True)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    draws = models.PositiveSmallIntegerField(default=0)
    drawing_until = models.DateTimeField(null=True, blank=True)  # one window at a time draws and writes
    taken_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(
        null=True, blank=True
    )  # when the portal saw that the person has chosen a password
    reminded_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)  # unused for too long
    enabled_again_at = models.DateTimeField(null=True, blank=True)  # by a reset

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(
                fields=["organisation", "delivered_at"],
                name="initialpassword_open",
                condition=models.Q(used_at=None, disabled_at=None),
            )
        ]

    @property
    def since(self) -> datetime:
        """From when on it counts as unused."""
        return self.taken_at or self.delivered_at or self.made_at

    @property
    def state(self) -> str:
        """UNUSED_DISABLED, IN_USE, TAKEN or WAITING; of a mailed one TAKEN means that the mail server took it."""
        if self.disabled_at is not None and self.enabled_again_at is None:
            return "UNUSED_DISABLED"
        if self.used_at is not None:
            return "IN_USE"
        if self.taken_at is not None or (self.mode != DeliveryMode.PICKUP and self.delivered_at):
            return "TAKEN" if self.mode == DeliveryMode.PICKUP else "DELIVERED"
        return "WAITING"

    @property
    def state_label(self) -> str:
        """The state in words."""
        return str(STATES[self.state])


STATES = {
    "UNUSED_DISABLED": _("not used in time, account disabled"),
    "IN_USE": _("used by the person"),
    "TAKEN": _("picked up"),
    "DELIVERED": _("mailed, not used yet"),
    "WAITING": _("not picked up yet"),
}
