"""Tables of the login names: rules in versions, names that are held for a draft, names that were used."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.naming.pattern import Pattern, make_pattern
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind
from portal.orgs.scoping import ScopedModel

DEFAULT_PATTERN = "{prefix}{-}{family}{-}{given1}"
_DEFAULT_PREFIXES = {
    OrganisationKind.STAGING: "stg",
    OrganisationKind.CENTRAL: "chuo",
    OrganisationKind.OPERATIONS: "unyo",
    OrganisationKind.MAINTENANCE: "hoshu",
}


class Suffix(models.TextChoices):
    """What a second person of the same name gets."""

    NUMBER = "{n}", _("2, 3, 4 …")
    TWO_DIGITS = "{nn}", _("02, 03, 04 …")
    HYPHEN_NUMBER = "-{n}", _("-2, -3, -4 …")


class NamingRule(ScopedModel):
    """How login names of one organisation are proposed (ACC-06). Each change is a new row; the newest counts. Insert-only."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="naming_rules")
    version = models.PositiveIntegerField(_("version"))
    pattern = models.CharField(_("pattern"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=8, blank=True)
    suffix = models.CharField(_("second person of the same name"), max_length=8, choices=Suffix)
    short_vowels = models.BooleanField(_("long vowels are written short"), default=True)
    made_at = models.DateTimeField(_("valid from"))
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-version",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "version"], name="namingrule_version")
        ]

    def compiled(self) -> Pattern:
        """The rule as it makes names. Raises PatternError."""
        number = self.organisation.prefecture_number
        return make_pattern(
            self.pattern,
            prefix=self.prefix,
            prefecture=f"{number:02}" if number else "",
            suffix=self.suffix,
            short_vowels=self.short_vowels,
        )


def default_rule(organisation: Organisation) -> NamingRule:
    """What holds until somebody enters a rule: k13-suzuki-i, then k13-suzuki-i2 (version 0, never stored)."""
    number = organisation.prefecture_number
    prefix = f"k{number:02}" if number else _DEFAULT_PREFIXES.get(OrganisationKind(organisation.kind), "")
    return NamingRule(
        organisation=organisation, version=0, pattern=DEFAULT_PATTERN, prefix=prefix, suffix=Suffix.NUMBER
    )


class NameReservation(ScopedModel):
    """A name that was proposed for an application which is still being written; nobody else is offered it until the end."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    application = models.ForeignKey("workflow.Application", models.CASCADE, related_name="+")
    folded = models.CharField(max_length=20, unique=True)  # in lower case, as AD compares
    ends_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="namereservation_end")]


class UsedLoginName(ScopedModel):
    """A name that an account has or had. Given again only some years after the account was removed for good."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    folded = models.CharField(max_length=20, unique=True)
    used_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)
    object_guid = models.UUIDField(null=True, db_index=True)  # whose it is, or was last

    class Meta(ScopedModel.Meta):
        pass
