"""django-auditlog keeps old and new values of people and roles, and never a password (SEC-02)."""

from __future__ import annotations

import datetime as dt

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from portal.orgs import people
from portal.orgs.models import Membership
from portal.orgs.permissions import Role
from tests import factories

pytestmark = pytest.mark.django_db


def test_change_of_a_role_keeps_old_and_new_value() -> None:
    person, manager = factories.approver(), factories.user(Role.SECURITY_MANAGER)
    last_day = timezone.localdate() + dt.timedelta(days=3)

    people.end_membership(
        membership_id=person.memberships.get().pk, actor=manager, last_day=last_day, now=timezone.now()
    )

    entry = LogEntry.objects.get_for_model(Membership).filter(action=LogEntry.Action.UPDATE).get()
    assert entry.changes_dict["valid_until"] == ["None", str(last_day)]


def test_passwords_and_digests_are_in_no_record() -> None:
    person, recipient = factories.operator(), factories.recipient()
    person.display_name, recipient.name = "改名 花子", "改名 次郎"
    person.set_password("in-a-sealed-envelope-77")
    recipient.confirmation_digest = "f" * 64
    person.save()
    recipient.save()

    kept = str(list(LogEntry.objects.values()))
    assert "改名 花子" in kept
    assert "改名 次郎" in kept
    assert person.password not in kept
    assert "f" * 64 not in kept
