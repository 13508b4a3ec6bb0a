"""Break-glass accounts: they work while the directory is away, and every use is told."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from portal.gateways.directory import DirectoryUnavailable
from portal.notices.models import Notice
from portal.orgs import break_glass
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail.models import TrailEntry
from tests import factories
from tests.fakes import FakeDirectory
from tests.orgs.test_login import is_in, try_login

pytestmark = pytest.mark.django_db
PASSWORD = "in-a-sealed-envelope-77"


def make() -> User:
    return break_glass.create(
        login_name="emergency-1", display_name="緊急用", password=PASSWORD, now=timezone.now()
    )


def test_account_works_while_the_directory_is_away_and_operations_are_told(
    client: Client, directory: FakeDirectory
) -> None:
    operator = factories.operator()
    user = make()
    directory.faults["find_by_login_name"] = [DirectoryUnavailable()] * 5

    try_login(client, "EMERGENCY-1", PASSWORD)

    assert is_in(client)
    assert user.may(RUN_OPERATIONS)
    assert directory.calls == []
    assert Notice.system.get(template="break_glass_used").to_user == operator
    assert TrailEntry.objects.filter(action="login", actor=user).exists()


def test_wrong_password_is_refused_and_recorded(client: Client, directory: FakeDirectory) -> None:
    user = make()

    try_login(client, user.login_name, "guess")

    assert not is_in(client)
    assert TrailEntry.objects.filter(action="login.refused", actor=user).exists()


def test_local_password_of_somebody_else_opens_nothing(client: Client, directory: FakeDirectory) -> None:
    person = factories.operator()
    person.set_password(PASSWORD)
    person.save()

    try_login(client, person.login_name, PASSWORD)

    assert not is_in(client)


def test_deactivated_account_is_dead(client: Client, directory: FakeDirectory) -> None:
    user = make()
    User.objects.filter(pk=user.pk).update(is_active=False)

    try_login(client, user.login_name, PASSWORD)

    assert not is_in(client)


def test_short_password_is_refused(db: Any) -> None:
    with pytest.raises(ValidationError):
        break_glass.create(login_name="e", display_name="緊急用", password="short", now=timezone.now())


def test_command_reads_the_password_from_standard_input(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    call_command("create_break_glass", "emergency-2", stdout=io.StringIO())

    assert User.objects.get(login_name="emergency-2").check_password(PASSWORD)
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    with pytest.raises(CommandError, match="taken"):
        call_command("create_break_glass", "EMERGENCY-2", stdout=io.StringIO())
