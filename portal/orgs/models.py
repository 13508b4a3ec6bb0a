"""Organisations, people and the roles that people hold for a time (ORG-01 … ORG-05)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.common.models import TimestampedModel
from portal.orgs.permissions import SEES_EVERYTHING, OrganisationKind, Permission, Role
from portal.orgs.scoping import Scope, ScopedModel


class Organisation(models.Model):
    """One party of the network (ORG-01). Reference data: made by a migration, never deleted."""

    code = models.CharField(
        _("code"), max_length=20, unique=True, help_text=_("01 to 47, or the party's word")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=OrganisationKind)
    name = models.CharField(_("name"), max_length=100)
    short_name = models.CharField(_("short name"), max_length=40)
    prefecture_number = models.PositiveSmallIntegerField(
        _("prefecture number"), null=True, blank=True, unique=True
    )
    ou_name = models.CharField(_("name of the OU"), max_length=64, unique=True)  # ORG-05
    sort_order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("sort_order", "code")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="organisation_prefecture_only_for_federations",
                condition=Q(
                    kind=OrganisationKind.FEDERATION, prefecture_number__gte=1, prefecture_number__lte=47
                )
                | (~Q(kind=OrganisationKind.FEDERATION) & Q(prefecture_number=None)),
            )
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """People are made from the directory or as break-glass accounts; there is no open registration."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(login_name__iexact=username)


class User(AbstractBaseUser, TimestampedModel):
    """A person who logs in (SEC-01). Administrator accounts live in AD; only a break-glass account has a local password."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    login_name = models.CharField(_("login name"), max_length=64, unique=True)
    display_name = models.CharField(_("name"), max_length=100)
    kana = models.CharField(_("kana"), max_length=100, blank=True)
    department = models.CharField(_("department"), max_length=64, blank=True)
    email = models.EmailField(_("mail address"), blank=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="people", verbose_name=_("organisation")
    )
    directory_guid = models.UUIDField(_("objectGUID"), null=True, blank=True, unique=True)
    # New passwords and new second factors, counted together: each ends the sessions from before.
    password_changes = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(_("active"), default=True)
    is_break_glass = models.BooleanField(_("break-glass account"), default=False)
    language = models.CharField(
        _("language"), max_length=2, default="ja", choices=[("ja", "日本語"), ("en", "English")]
    )

    objects = UserManager()

    # Set by the backend at login, never stored: the password was right, but a new one has to be chosen first (ACC-10).
    must_change_password = False

    USERNAME_FIELD = "login_name"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["display_name"]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("login_name"), name="user_login_name_any_case")
        ]

    def __str__(self) -> str:
        return self.display_name or self.login_name

    def get_full_name(self) -> str:
        """The name that screens and mails show."""
        return self.display_name

    def get_session_auth_hash(self) -> str:
        """What a session keeps: the password lies in AD, so its changes count, and those of the second factor."""
        return f"{super().get_session_auth_hash()}{self.password_changes}"

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """The same while the secret key is being renewed."""
        for earlier in super().get_session_auth_fallback_hash():
            yield f"{earlier}{self.password_changes}"

    def has_usable_password(self) -> bool:
        """Whether a password exists to ask for again: the directory's counts, although it is not kept here."""
        return self.directory_guid is not None or super().has_usable_password()

    @cached_property
    def current_memberships(self) -> list[Membership]:
        """Today's memberships with their organisation; read once per request."""
        rows = Membership.system.select_related("organisation").filter(user=self)
        day = timezone.localdate()
        return [row for row in rows if row.is_valid_on(day)]

    @cached_property
    def scope(self) -> Scope:
        """Which organisations this person sees (ORG-02). Nobody without a valid membership sees anything."""
        if not self.is_active:
            return Scope(everything=False, organisation_ids=frozenset())
        everything = any(m.organisation.kind in SEES_EVERYTHING for m in self.current_memberships)
        return Scope(
            everything=everything,
            organisation_ids=frozenset(m.organisation_id for m in self.current_memberships),
        )

    def may(self, permission: Permission, organisation_id: int | None = None) -> bool:
        """Whether a current membership gives `permission`, in the given organisation when one is named."""
        return self.is_active and any(
            m.role in permission.roles
            and m.organisation.kind in permission.kinds
            and (organisation_id is None or m.organisation_id == organisation_id)
            for m in self.current_memberships
        )

    def organisations_where(self, permission: Permission) -> list[Organisation]:
        """The organisations in which a current membership gives `permission`, each once, in order."""
        found = {
            m.organisation_id: m.organisation
            for m in self.current_memberships
            if m.role in permission.roles and m.organisation.kind in permission.kinds
        }
        return sorted(found.values(), key=lambda o: (o.sort_order, o.code))

    def reads_everywhere(self, permission: Permission) -> bool:
        """Whether `permission` is held where it reaches all organisations (ORG-02); a mere user there has no such reach."""
        return any(o.kind in SEES_EVERYTHING for o in self.organisations_where(permission))

    def holds(self, role: str, organisation_id: int, on: dt.date | None = None) -> bool:
        """Whether the person holds `role` in that organisation on that day (today when not given)."""
        if on is None or on == timezone.localdate():
            return self.is_active and any(
                m.role == role and m.organisation_id == organisation_id for m in self.current_memberships
            )
        return (
            self.is_active
            and Membership.system.filter(user=self, role=role, organisation_id=organisation_id)
            .valid_on(on)
            .exists()  # type: ignore[attr-defined]
        )


class PeriodQuerySet(models.QuerySet[Any]):
    """Rows with valid_from and valid_until, both days included (no end means until further notice), and ended_at."""

    def valid_on(self, day: dt.date) -> PeriodQuerySet:
        """Rows valid on `day` (a date in Japan). What was ended at once counts no more on the day of its end."""
        return self.filter(
            Q(valid_until=None) | Q(valid_until__gte=day),
            Q(ended_at=None) | Q(ended_at__date__gt=day),
            valid_from__lte=day,
        )


class Membership(ScopedModel, TimestampedModel):
    """One role of one person in one organisation for a time (ORG-03). Ended, never deleted."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships", verbose_name=_("person"))
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="memberships", verbose_name=_("organisation")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)  # at once, whatever the dates say
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)

    system: ClassVar[Any] = models.Manager.from_queryset(PeriodQuerySet)()

    class Meta(ScopedModel.Meta):
        indexes: ClassVar = [models.Index(fields=["organisation", "role"]), models.Index(fields=["user"])]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="membership_period", condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from"))
            ),
            models.UniqueConstraint(
                fields=["user", "organisation", "role"],
                condition=Q(valid_until=None, ended_at=None),
                name="membership_once_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()} {self.organisation}"

    def is_valid_on(self, day: dt.date) -> bool:
        """As `PeriodQuerySet.valid_on` says it. A person has a few in all, and they are read with every request."""
        begun, over = self.valid_from <= day, self.valid_until is not None and self.valid_until < day
        return begun and not over and (self.ended_at is None or timezone.localdate(self.ended_at) > day)


class Deputy(ScopedModel, TimestampedModel):
    """`deputy` may decide for `principal` in one role and organisation for a time (代理承認). Never passed on further."""

    principal = models.ForeignKey(User, models.PROTECT, related_name="deputies", verbose_name=_("principal"))
    deputy = models.ForeignKey(User, models.PROTECT, related_name="deputises_for", verbose_name=_("deputy"))
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="deputies", verbose_name=_("organisation")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)  # at once, whatever the dates say
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)

    system: ClassVar[Any] = models.Manager.from_queryset(PeriodQuerySet)()

    class Meta(ScopedModel.Meta):
        indexes: ClassVar = [models.Index(fields=["deputy", "valid_until"])]
        constraints: ClassVar = [
            models.CheckConstraint(name="deputy_period", condition=Q(valid_until__gte=F("valid_from"))),
            models.CheckConstraint(name="deputy_not_oneself", condition=~Q(deputy=F("principal"))),
        ]


class PasswordRecipient(ScopedModel, TimestampedModel):
    """A registered person who may receive initial passwords for an organisation (ACC-08, ACC-09).

    The address counts only after it was confirmed through a mailed link that the person followed. One address belongs to
    one person in the whole portal (any case), so that two people never share a mailbox unnoticed.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="password_recipients", verbose_name=_("organisation")
    )
    name = models.CharField(_("name"), max_length=100)
    department = models.CharField(_("department"), max_length=64, blank=True)
    phone = models.CharField(_("telephone"), max_length=20, blank=True)
    email = models.EmailField(_("mail address"))
    is_active = models.BooleanField(_("active"), default=True)
    confirmation_digest = models.CharField(
        max_length=64, blank=True
    )  # SHA-256 of the mailed token, never the token
    confirmation_sent_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(_("address confirmed"), null=True, blank=True)
    registered_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)

    class Meta(ScopedModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"), condition=Q(is_active=True), name="recipient_address_of_one_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @property
    def confirmed_until(self) -> dt.datetime | None:
        """Until when the confirmation counts; None before the first one."""
        return self.confirmed_at and self.confirmed_at + confirmation_time()

    @property
    def is_outdated(self) -> bool:
        """Whether the address was confirmed once, but too long ago."""
        return self.confirmed_until is not None and self.confirmed_until <= timezone.now()

    @property
    def is_usable(self) -> bool:
        """Whether initial passwords may go to this person now (ACC-09)."""
        return self.is_active and self.confirmed_at is not None and not self.is_outdated


def confirmation_time() -> dt.timedelta:
    """How long a confirmed address counts before it has to be confirmed again (ACC-09)."""
    return dt.timedelta(days=int(settings.RECIPIENT_CONFIRMED_DAYS))


class TokenScope(models.TextChoices):
    """How much of its person's rights a token carries. Enforced by portal.orgs.authentication alone."""

    WHITELIST = "WHITELIST", _("Pull the whitelist only (for a guard)")
    READ = "READ", _("Read only: everything I may see, change nothing")
    EVERYTHING = "EVERYTHING", _("Everything I may do, also apply and decide")


class ApiToken(models.Model):
    """A personal token for the REST interface. Only its SHA-256 is kept; the token is shown once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("purpose"), max_length=60)
    scope = models.CharField(_("scope"), max_length=12, choices=TokenScope, default=TokenScope.READ)
    digest = models.CharField(max_length=64, unique=True)
    second_factor = models.BooleanField(default=False)  # proven in the session that made it
    hint = models.CharField(max_length=8)  # the first characters, so that a person recognises it in a list
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("valid until"))
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)


class ColumnChoice(models.Model):
    """The columns of one register that a person wants to see, by the names of portal.common.tables."""

    user = models.ForeignKey(User, models.CASCADE, related_name="column_choices")
    table = models.CharField(max_length=40)
    columns = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "table"], name="column_choice_once")]
