"""Who forgot the password."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.reminder.models import ConfirmedAddress
from portal.orgs.models import User
from tests import factories
from tests.accounts.reminder.support import LONG_AGO
from tests.fakes import FakeDirectory
from tests.orgs.conftest import with_account
from tests.orgs.test_second_factor import give_app


@pytest.fixture
def person(directory: FakeDirectory) -> User:
    """Somebody who can help themselves: confirmed address, account of their own, password of last month."""
    user = factories.approver(login_name="kanri-0412", email="kanri@kokuho13.example.jp")
    with_account(directory, user, password_last_set=timezone.now() - LONG_AGO)
    ConfirmedAddress.objects.create(user=user, address=user.email, confirmed_at=timezone.now())
    return user


@pytest.fixture
def secret(person: User) -> str:
    """Of the person's second factor."""
    return give_app(person)
