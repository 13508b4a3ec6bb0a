"""Break-glass accounts: for the day on which the directory is out of reach. Every use is told to operations."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from portal.common import time
from portal.orgs import outbox, selectors
from portal.orgs.models import Membership, Organisation, User
from portal.orgs.permissions import OrganisationKind, Role
from portal.trail import services as trail


@transaction.atomic
def create(*, login_name: str, display_name: str, password: str, now: datetime) -> User:
    """Make a break-glass account with the role of an operator. Its name must not exist in AD.

    Raises django.core.exceptions.ValidationError for a weak password and IntegrityError for a taken name.
    """
    organisation = Organisation.objects.get(kind=OrganisationKind.OPERATIONS)
    user = User(
        login_name=login_name, display_name=display_name, organisation=organisation, is_break_glass=True
    )
    validate_password(password, user)
    user.set_password(password)
    user.save()
    Membership.system.create(
        user=user, organisation=organisation, role=Role.OPERATOR, valid_from=time.today(now)
    )
    trail.record(
        action="break_glass.create",
        now=now,
        actor=None,
        object_type="orgs.user",
        object_id=user.pk,
        object_label=login_name,
        object_organisation=organisation,
    )
    return user


def tell_operations(user: User, now: datetime) -> None:
    """Mail every operator that this account was used."""
    for operator in selectors.operators(now):
        outbox.queue(
            template="break_glass_used",
            now=now,
            organisation_id=user.organisation_id,
            to_user=operator,
            context={"user": user.pk},
        )
