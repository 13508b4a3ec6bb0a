"""The register of computer objects: what AD held when it was last read, and what is to happen to it (REQ-02)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.gateways.directory_names import parent_dn
from portal.orgs.models import Organisation
from portal.orgs.scoping import ScopedModel


class ComputerObject(ScopedModel, TimestampedModel):
    """A computer object below the unit of an organisation. objectGUID is the key that survives renames and moves.

    Written by fulfilment and by reading AD; it stays when the object is gone.
    """

    class State(models.TextChoices):
        """What AD said at the last reading."""

        ENABLED = "ENABLED", _("in use")
        DISABLED = "DISABLED", _("disabled")
        DELETED = "DELETED", _("deleted")  # disabled and moved away: can be restored until remove_on
        REMOVED = "REMOVED", _("removed")  # not in AD any more

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="computer_objects", verbose_name=_("organisation")
    )
    object_guid = models.UUIDField(_("objectGUID"), unique=True)
    name = models.CharField(_("computer name"), max_length=64)  # upper case; longer than 15 only by hand
    distinguished_name = models.CharField(max_length=1000)
    description = models.CharField(_("description"), max_length=1024, blank=True)
    operating_system = models.CharField(_("OS"), max_length=64, blank=True)  # what the machine says of itself
    last_logon_at = models.DateTimeField(_("last logon"), null=True, blank=True)  # up to 14 days late
    made_by_portal = models.BooleanField(_("made by the portal"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ENABLED)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    remove_on = models.DateField(_("to be removed on"), null=True, blank=True)
    # What a restoration gives back: {"container": path, "enabled": bool}.
    before_deletion = models.JSONField(default=dict, blank=True)
    # Set under the row's lock right before the final removal: from then on nothing is restored.
    removal_began_at = models.DateTimeField(null=True, blank=True)
    last_line = models.ForeignKey(
        "workflow.ApplicationLine", models.PROTECT, null=True, blank=True, related_name="+"
    )  # None: no application spoke of it yet
    verified_at = models.DateTimeField(_("last read"))
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="computerobject_org"),
            models.Index(fields=["name"], name="computerobject_name"),
            models.Index(fields=["remove_on"], name="computerobject_removal", condition=Q(state="DELETED")),
            *search_indexes("computerobject"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Upper("name"), condition=~Q(state="REMOVED"), name="computerobject_name_once"
            ),
            models.CheckConstraint(
                name="computerobject_days",
                condition=~Q(state="DELETED") | Q(remove_on__isnull=False, deleted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def container_dn(self) -> str:
        """The organisational unit that holds the object."""
        return parent_dn(self.distinguished_name)

    @property
    def is_there(self) -> bool:
        """Whether AD has it, also as a deleted one."""
        return self.state != self.State.REMOVED

    @property
    def application_number(self) -> Any:
        """Of the application that spoke of it last; "" when none did."""
        return self.last_line.application.number if self.last_line else ""


class ComputerObjectEvent(ScopedModel):
    """The history of a computer object. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    class Verb(models.TextChoices):
        """What happened."""

        MADE = "MADE", _("made in advance")
        FOUND = "FOUND", _("found in Active Directory")
        DELETED = "DELETED", _("disabled, to be removed")
        RESTORED = "RESTORED", _("given back")
        REMOVED = "REMOVED", _("removed for good")
        POSTPONED = "POSTPONED", _("final removal closed, another day was set")
        CHANGED = "CHANGED", _("changed in Active Directory by somebody else")
        GONE = "GONE", _("gone from Active Directory by somebody else's hand")

    computer_object = models.ForeignKey(ComputerObject, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    verb = models.CharField(max_length=20, choices=Verb)
    application_number = models.CharField(max_length=20, blank=True)
    changes = models.JSONField(default=list, blank=True)  # [{"label": msgid, "before": [], "after": []}]

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [
            models.Index(fields=["computer_object", "id"], name="computerobjectevent_object")
        ]
