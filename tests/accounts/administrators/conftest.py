"""The directory and the post office of the account tests, and an office with one registered administrator."""

from __future__ import annotations

import pytest

from portal.orgs.models import User
from tests.accounts import conftest
from tests.accounts.administrators.world import LINE, Office
from tests.accounts.world import PostOffice
from tests.fakes import ROOT_OU, FakeDirectory, administrators_ou

directory = conftest.directory
post = conftest.post


@pytest.fixture
def office(directory: FakeDirectory, post: PostOffice) -> Office:
    """The people of federation 13, and its units in AD."""
    directory.containers += [administrators_ou("13"), f"OU=Deleted,OU=13,{ROOT_OU}"]
    return Office()


@pytest.fixture
def person(office: Office) -> User:
    """An approver whose account was registered by application."""
    office.carried_out(office.line())
    return User.objects.get(login_name=LINE["login_name"])
