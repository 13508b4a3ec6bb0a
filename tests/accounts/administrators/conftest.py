"""The directory and the post office of the account tests, and an office with one registered administrator."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import pytest

from portal.orgs.models import User
from tests.accounts import conftest
from tests.accounts.administrators.world import LINE, Office
from tests.accounts.world import PostOffice
from tests.fakes import ROOT_OU, FakeDirectory, administrators_ou, use_directory

directory = conftest.directory
post = conftest.post


@dataclass
class Registered:
    """An office after one registration, and what AD and the post office hold since."""

    office: Office
    directory: FakeDirectory
    post: PostOffice


@pytest.fixture(scope="module")
def registered(built_once: None) -> Registered:
    """Made once for a module whose tests nearly all begin with a registered administrator."""
    with pytest.MonkeyPatch.context() as patched:
        directory, post = use_directory(patched), conftest.use_post(patched)
        made = Registered(_office(directory), directory, post)
        made.office.carried_out(made.office.line())
    return made


@pytest.fixture
def office(request: pytest.FixtureRequest, directory: FakeDirectory, post: PostOffice) -> Office:
    """The people of federation 13, and its units in AD."""
    if "registered" not in request.fixturenames:
        return _office(directory)
    made: Registered = copy.deepcopy(request.getfixturevalue("registered"))
    vars(directory).update(vars(made.directory))
    vars(post).update(vars(made.post))
    return made.office


@pytest.fixture
def person(office: Office) -> User:
    """An approver whose account was registered by application."""
    return User.objects.get(login_name=LINE["login_name"])


def _office(directory: FakeDirectory) -> Office:
    directory.containers += [administrators_ou("13"), f"OU=Deleted,OU=13,{ROOT_OU}"]
    return Office()
