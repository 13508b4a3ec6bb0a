"""A register and a directory that agree, so that a test changes one thing by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import asking
from accounts.models import DirectoryAccount, Finding, ReconciliationRun
from accounts.reconciliation import runs
from accounts.reconciliation.expected import note_written
from portal.gateways import directory_factory
from portal.gateways.directory import DirectoryEntry
from tests import factories
from tests.fakes import FakeDirectory, users_ou

LONG_AGO = timedelta(days=3)


@dataclass
class Land:
    """The directory and the register of a few federations."""

    directory: FakeDirectory = field(default_factory=FakeDirectory)

    def account(self, login_name: str, *, code: str = "13", **fields: Any) -> DirectoryAccount:
        """An account that was written three days ago and that nobody touched since."""
        entry = self.directory.add(
            login_name,
            container_dn=users_ou(code),
            created_at=timezone.now() - LONG_AGO,
            **fields.pop("entry", {}),
        )
        values = {
            "login_name": login_name,
            "object_guid": entry.guid,
            "distinguished_name": entry.dn,
            "family_name": entry.family_name,
            "given_name": entry.given_name,
            "department": entry.department,
            "verified_at": timezone.now() - LONG_AGO,
            "state": "ENABLED" if entry.enabled else "DISABLED",
        } | fields
        account = factories.directory_account(code, **values)
        note_written(account, entry, values["verified_at"])
        return account

    def stranger(self, login_name: str, *, code: str = "13", **fields: Any) -> DirectoryEntry:
        """An object that no application made."""
        made = {"created_at": timezone.now() - LONG_AGO} | fields
        return self.directory.add(login_name, container_dn=made.pop("container_dn", users_ou(code)), **made)

    def entry(self, account: DirectoryAccount) -> DirectoryEntry:
        """The account as it stands in the directory."""
        return self.directory.entries[account.object_guid]

    def by_hand(self, account: DirectoryAccount, **values: Any) -> None:
        """Somebody changes the account in AD."""
        self.directory.put(self.entry(account), **values)

    def full(self, code: str = "", now: datetime | None = None) -> ReconciliationRun:
        """Compare everything, of one organisation or of all."""
        organisation_id = factories.organisation(code).pk if code else None
        moment = now or timezone.now()
        run = ReconciliationRun.objects.create(asked_at=moment, organisation_id=organisation_id)
        return runs.carry_out(run, moment)

    def nightly(self, now: datetime | None = None) -> ReconciliationRun:
        """The nightly job."""
        runs.reconcile_nightly(now=now or timezone.now())
        return ReconciliationRun.objects.latest("pk")


def findings(**filters: Any) -> list[tuple[str, str, str]]:
    """What is known: login name, kind and state, in order."""
    rows = Finding.system.filter(**filters).order_by("login_name", "kind", "pk")
    return list(rows.values_list("login_name", "kind", "state"))


@pytest.fixture
def land(db: None, monkeypatch: pytest.MonkeyPatch) -> Land:
    """An empty land; the portal uses its directory."""
    made = Land()
    monkeypatch.setattr(directory_factory, "get_directory", lambda: made.directory)
    asking.forget()
    return made
