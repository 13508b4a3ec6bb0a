"""The register of accounts in Active Directory. Written by fulfilment only (ACC-01, ACC-06)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.reconciliation.models import Finding, ReconciliationRun, WrittenState
from accounts.reminder.models import ConfirmedAddress, ExpiryNotice, PasswordReminder, SelfServiceAttempt
from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.gateways.directory_names import parent_dn
from portal.orgs.models import Organisation
from portal.orgs.scoping import ScopedModel

__all__ = [
    "ConfirmedAddress",
    "DeliveryChoice",
    "DirectoryAccount",
    "ExpiryNotice",
    "Finding",
    "InitialPassword",
    "PasswordReminder",
    "ReconciliationRun",
    "SelfServiceAttempt",
    "WrittenState",
]


class DirectoryAccount(ScopedModel, TimestampedModel):
    """An account as last verified in AD. objectGUID is the key that survives renames and moves."""

    class State(models.TextChoices):
        """What the register says about the account."""

        ENABLED = "ENABLED", _("in use")
        DISABLED = "DISABLED", _("disabled")
        DELETED = (
            "DELETED",
            _("deleted"),
        )  # disabled and moved away: holds its name, can be restored until remove_on
        REMOVED = "REMOVED", _("removed")  # not in AD any more

    class AccountType(models.TextChoices):
        """What the account is for (ACC-01)."""

        WINDOWS = "WINDOWS", _("Windows user account")
        ADMINISTRATOR = "ADMINISTRATOR", _("administrator account")

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="directory_accounts", verbose_name=_("organisation")
    )
    account_type = models.CharField(
        _("type of account"), max_length=20, choices=AccountType, default=AccountType.WINDOWS
    )
    object_guid = models.UUIDField(_("objectGUID"), unique=True)
    distinguished_name = models.CharField(max_length=400)
    login_name = models.CharField(_("login name"), max_length=20)
    family_name = models.CharField(_("family name"), max_length=40)
    given_name = models.CharField(_("given name"), max_length=40)
    family_kana = models.CharField(_("family name (kana)"), max_length=40, blank=True)
    given_kana = models.CharField(_("given name (kana)"), max_length=40, blank=True)
    department = models.CharField(_("department"), max_length=64, blank=True)
    staff_number = models.CharField(_("staff number"), max_length=16, blank=True)
    description = models.CharField(_("note for Active Directory"), max_length=200, blank=True)
    groups = models.JSONField(
        _("groups"), default=list, blank=True
    )  # paths below OU=Groups, as last verified
    expires_on = models.DateField(_("last day of use"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ENABLED)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    remove_on = models.DateField(_("to be removed on"), null=True, blank=True)
    # What a restoration gives back: {"container": path, "groups": [paths]}.
    before_deletion = models.JSONField(default=dict, blank=True)
    # Set under the row's lock right before the final removal: from then on nothing is restored.
    removal_began_at = models.DateTimeField(null=True, blank=True)
    search_text = models.TextField(blank=True)
    last_line = models.ForeignKey("workflow.ApplicationLine", models.PROTECT, related_name="+")
    verified_at = models.DateTimeField(_("verified in AD"))

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="directoryaccount_org"),
            # The unique constraint below leaves removed accounts out; the check of a new name does not (ACC-06).
            models.Index(Lower("login_name"), name="directoryaccount_any_login"),
            models.Index(
                fields=["expires_on"], name="directoryaccount_expiring", condition=Q(state="ENABLED")
            ),
            models.Index(fields=["remove_on"], name="directoryaccount_removal", condition=Q(state="DELETED")),
            *search_indexes("directoryaccount"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("login_name"), condition=~Q(state="REMOVED"), name="directoryaccount_login_name"
            )
        ]

    def __str__(self) -> str:
        return f"{self.family_name} {self.given_name} ({self.login_name})"

    @property
    def container_dn(self) -> str:
        """The organisational unit that holds the account."""
        return parent_dn(self.distinguished_name)


# Tables of this app that live beside what uses them.
from accounts.delivery.models import DeliveryChoice, InitialPassword  # noqa: E402
from accounts.naming.models import NameReservation, NamingRule, UsedLoginName  # noqa: E402

__all__ = [
    "DeliveryChoice",
    "DirectoryAccount",
    "InitialPassword",
    "NameReservation",
    "NamingRule",
    "UsedLoginName",
]
