"""Reading organisations, people, deputies and recipients, within the scope of whoever asks (ORG-02)."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.common.time import today
from portal.orgs.models import Deputy, Membership, Organisation, PasswordRecipient, User, confirmation_time
from portal.orgs.permissions import (
    DECIDE,
    MANAGE_ALL_MEMBERS,
    MANAGE_OWN_MEMBERS,
    READ_APPLICATIONS,
    OrganisationKind,
    Role,
)


def organisations(user: User) -> QuerySet[Organisation]:
    """The organisations this person sees, in order."""
    rows = Organisation.objects.all()
    return rows if user.scope.everything else rows.filter(pk__in=user.scope.organisation_ids)


def operators(now: datetime) -> QuerySet[User]:
    """The people of network operations who are mailed when something needs one of them; no break-glass account."""
    held = Membership.system.filter(role=Role.OPERATOR, organisation__kind=OrganisationKind.OPERATIONS)
    return User.objects.filter(
        pk__in=held.valid_on(today(now)).values("user_id"),  # type: ignore[attr-defined]
        is_active=True,
        is_break_glass=False,
    ).order_by("pk")


def organisation(user: User, code: str) -> Organisation:
    """One of them by its code. Raises Organisation.DoesNotExist for what the person does not see."""
    return organisations(user).get(code=code)


def organisations_with_counts(user: User, day: date) -> QuerySet[Organisation]:
    """With `member_count` people of today and `recipient_count` usable recipients, in one statement."""
    valid = (
        Q(memberships__valid_from__lte=day)
        & (Q(memberships__valid_until=None) | Q(memberships__valid_until__gte=day))
        & Q(memberships__ended_at=None, memberships__user__is_active=True)
    )
    usable = Q(
        password_recipients__is_active=True,
        password_recipients__confirmed_at__gt=timezone.now() - confirmation_time(),
    )
    return organisations(user).annotate(
        member_count=Count("memberships__user", filter=valid, distinct=True),
        recipient_count=Count("password_recipients", filter=usable, distinct=True),
    )


def managed_organisations(user: User) -> QuerySet[Organisation]:
    """Where this person may change people, roles, deputies and recipients."""
    if user.may(MANAGE_ALL_MEMBERS):
        return Organisation.objects.all()
    own = [organisation.pk for organisation in user.organisations_where(MANAGE_OWN_MEMBERS)]
    return Organisation.objects.filter(pk__in=own)


def may_read_people(user: User, organisation_id: int) -> bool:
    """Whether the person may read who holds which role there: whoever reads applications there, or everywhere."""
    return user.reads_everywhere(READ_APPLICATIONS) or user.may(READ_APPLICATIONS, organisation_id)


def memberships(user: User, organisation: Organisation, *, ended: bool, day: date) -> QuerySet[Membership]:
    """Roles in an organisation: those of today and to come, or those that ended."""
    rows = Membership.objects.visible_to(user).filter(organisation=organisation)
    over = Q(valid_until__lt=day) | Q(ended_at__isnull=False)
    rows = rows.filter(over) if ended else rows.exclude(over)
    return rows.select_related("user", "organisation").order_by(
        "user__kana", "user__login_name", "role", "pk"
    )


def person(user: User, uid: str) -> User:
    """A person whose organisation is in the scope of `user`. Raises User.DoesNotExist."""
    rows = User.objects.select_related("organisation")
    if not user.scope.everything:
        rows = rows.filter(organisation_id__in=user.scope.organisation_ids)
    return rows.get(uid=uid)


def deputies(user: User, day: date) -> QuerySet[Deputy]:
    """Present and coming deputies in the organisations this person manages or decides in."""
    rows = Deputy.objects.visible_to(user).filter(valid_until__gte=day, ended_at=None)
    managed = Q(organisation__in=managed_organisations(user))
    return (
        rows.filter(managed | Q(principal=user) | Q(deputy=user))
        .select_related("principal", "deputy", "organisation")
        .order_by("valid_from", "pk")
    )


def deputy_organisations(user: User) -> list[Organisation]:
    """Where this person may name a deputy: for themself, or as a manager."""
    own = {organisation.pk for organisation in user.organisations_where(DECIDE)}
    # A manager names none where nobody decides.
    deciders = Membership.system.filter(
        organisation=OuterRef("pk"), role__in=DECIDE.roles, user__is_active=True
    )
    managed = Q(Exists(deciders.valid_on(timezone.localdate())), pk__in=managed_organisations(user))  # type: ignore[attr-defined]
    return list(Organisation.objects.filter(Q(pk__in=own) | managed))


def principals(user: User, organisation: Organisation, day: date) -> QuerySet[User]:
    """For whom this person may name a deputy: for everybody who decides there, as a manager; else for themself."""
    rows = _members(organisation, day, Q(role__in=DECIDE.roles))
    return (
        rows if managed_organisations(user).filter(pk=organisation.pk).exists() else rows.filter(pk=user.pk)
    )


def possible_deputies(organisation: Organisation, day: date) -> QuerySet[User]:
    """Who may stand in there: whoever works with a role, auditors aside."""
    return _members(organisation, day, ~Q(role=Role.AUDITOR))


def recipients(user: User, organisation_code: str = "") -> QuerySet[PasswordRecipient]:
    """Registered recipients of the organisations whose people this person may read, active ones first."""
    rows = PasswordRecipient.objects.visible_to(user).select_related("organisation")
    if not user.reads_everywhere(READ_APPLICATIONS):
        rows = rows.filter(organisation__in=user.organisations_where(READ_APPLICATIONS))
    if organisation_code:
        rows = rows.filter(organisation__code=organisation_code)
    return rows.order_by("-is_active", "organisation__sort_order", "name", "pk")


def _members(organisation: Organisation, day: date, condition: Q) -> QuerySet[User]:
    held = organisation.memberships.valid_on(day).filter(condition, user=OuterRef("pk"))  # type: ignore[attr-defined]
    return User.objects.filter(Exists(held), is_active=True).order_by("kana", "login_name")
