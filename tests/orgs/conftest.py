"""Login against a directory in memory."""

from __future__ import annotations

from typing import Any

import pytest

from portal.orgs.models import User
from tests import factories
from tests.fakes import FakeDirectory, administrators_ou, use_directory

PASSWORD = "Kaede-Ringo-77"


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    """The directory that the portal talks to in this test."""
    return use_directory(monkeypatch)


@pytest.fixture
def person(directory: FakeDirectory, db: Any) -> User:
    """An approver of federation 13 with an administrator account."""
    return with_account(directory, factories.approver(login_name="kanri-0412"))


def with_account(directory: FakeDirectory, user: User, code: str = "13", **values: Any) -> User:
    """Give a person an administrator account with PASSWORD."""
    values = {"password": PASSWORD, "container_dn": administrators_ou(code)} | values
    entry = directory.add(user.login_name, display_name=user.display_name, mail=user.email, **values)
    user.directory_guid = entry.guid
    user.save()
    return user
