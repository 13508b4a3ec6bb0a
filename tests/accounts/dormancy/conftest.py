"""A directory in memory with dormant accounts, and a small kind of application that deletes them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.dormancy import deletions, links, listing
from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.time import JST
from portal.gateways.directory import DirectoryEntry
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import Role
from portal.workflow import related
from tests import factories
from tests.fakes import FakeDirectory, use_directory, users_ou

NOW = dt.datetime(2026, 12, 1, 3, 30, tzinfo=JST)
LONG_AGO = dt.datetime(2025, 4, 1, 9, 0, tzinfo=JST)
CUT = dt.datetime(2026, 6, 1, 0, 0, tzinfo=JST)


@pytest.fixture
def every_organisation() -> None:
    """Asked for by tests of what becomes of all organisations: they get their lists from all of them."""


@pytest.fixture(autouse=True)
def few_organisations(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are made for three organisations: all fifty make each of them with the same statements."""
    if "every_organisation" not in request.fixturenames:
        few = SimpleNamespace(all=lambda: Organisation.objects.filter(code__in=("13", "27", "central")))
        monkeypatch.setattr(listing, "Organisation", SimpleNamespace(objects=few))


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    """The directory that the portal talks to in this test."""
    return use_directory(monkeypatch)


@dataclass
class Office:
    """Federation 13 with its people, and what a tester does there."""

    directory: FakeDirectory
    applicant: User = field(init=False)
    manager: User = field(init=False)

    def __post_init__(self) -> None:
        self.applicant = factories.user(Role.APPLICANT)
        self.manager = factories.user(Role.SECURITY_MANAGER)

    def account(self, login_name: str, code: str = "13", **values: Any) -> DirectoryEntry:
        """An account that is older than half a year; nobody logged on with it unless `last_logon` says so."""
        values = {"created_at": LONG_AGO, "container_dn": users_ou(code)} | values
        return self.directory.add(login_name, **values)

    def list(self, now: dt.datetime = NOW) -> DormantReview:
        """The monthly lists; that of federation 13."""
        listing.list_dormant_accounts(now=now, period=now)
        return DormantReview.system.select_related("run", "organisation").get(
            organisation__code="13", run__period=timezone.localdate(now).replace(day=1)
        )


@pytest.fixture
def office(db: Any, directory: FakeDirectory) -> Office:
    """Federation 13 with an applicant and a security manager."""
    return Office(directory)


def line_of(review: DormantReview, login_name: str) -> DormantLine:
    """The line of one account."""
    return review.lines.get(login_name=login_name)


@pytest.fixture
def deletable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleting is offered, whatever kinds this portal has."""
    monkeypatch.setitem(related._providers, "accounts.password_reset", [links._lists_of])
    monkeypatch.setattr(
        deletions, "KINDS", {False: "accounts.password_reset", True: "accounts.password_reset"}
    )
