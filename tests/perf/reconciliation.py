"""The nightly comparison of 20,000 accounts beside a bare paged ldap3 read of the same attributes in the same run."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from statistics import median
from typing import Any

from django.utils import timezone

from accounts.models import DirectoryAccount, ReconciliationRun, WrittenState
from accounts.reconciliation import runs
from accounts.reconciliation.snapshot import snapshot_of
from portal.gateways import _ldap3_values as values
from portal.gateways.directory_factory import get_directory
from tests import factories
from tests.perf.provisioning import connect
from tests.perf.report import Report

ROUNDS = 3


def measure(report: Report, directory: str, size: int) -> None:
    """In turn (bare, portal, bare, …), so that a machine that gets slower does so for both."""
    connection = connect()
    start = time.perf_counter()
    _fill(connection, size)
    print(f"{size:,} accounts made in {time.perf_counter() - start:.0f} s", flush=True)
    bare, portal = [], []
    _bare_read(connection, size)
    for _round in range(ROUNDS):
        bare.append(_bare_read(connection, size))
        portal.append(_compare(size))
    connection.unbind()
    report.add(
        f"nightly comparison, everything, {size:,} accounts",
        median(portal),
        "s",
        reference=f"bare paged ldap3 read of the same attributes on the same {directory}",
        reference_value=median(bare),
    )


def _fill(connection: Any, size: int) -> None:
    """Accounts without a password (making one takes a domain controller ten times as long), and their register rows."""
    container = f"OU=Users,OU=47,{os.environ['AD_ROOT_OU']}"
    for n in range(size):
        name = f"bench{n:06}"
        ok, result, _, _ = connection.add(
            f"CN={name},{container}",
            ["top", "person", "organizationalPerson", "user"],
            {
                "sAMAccountName": name,
                "displayName": "鈴木 美咲",
                "sn": "鈴木",
                "givenName": "美咲",
                "msDS-PhoneticDisplayName": "スズキ ミサキ",
                "department": "審査第二課",
                "company": "試験国民健康保険団体連合会",
                "employeeNumber": f"bench-{n}",
                "userAccountControl": 514,
            },
        )
        assert ok, result
    long_ago = timezone.now() - timedelta(days=3)
    organisation, line = factories.organisation("47"), factories.line(code="47")
    for page in get_directory().scan_accounts(container):
        made = DirectoryAccount.system.bulk_create(
            DirectoryAccount(
                organisation=organisation,
                object_guid=entry.guid,
                distinguished_name=entry.dn,
                login_name=entry.login_name,
                family_name=entry.family_name,
                given_name=entry.given_name,
                department=entry.department,
                state="DISABLED",
                last_line=line,
                verified_at=long_ago,
            )
            for entry in page
        )
        WrittenState.system.bulk_create(
            WrittenState(
                account=account, organisation=organisation, values=snapshot_of(entry), usn=0, at=long_ago
            )
            for account, entry in zip(made, page, strict=True)
        )


def _bare_read(connection: Any, size: int) -> float:
    start, count = time.perf_counter(), 0
    cookie: bytes | None = None
    attributes = values.scan_attributes("employeeNumber")
    while cookie != b"":
        _found, result, response, _ = connection.search(
            f"OU=47,{os.environ['AD_ROOT_OU']}",
            values.account_filter(),
            attributes=attributes,
            paged_size=1000,
            paged_cookie=cookie,
        )
        assert result["result"] == 0, result  # the last page may be an empty one
        count += len(response or [])
        cookie = result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
    seconds = time.perf_counter() - start
    assert count == size, f"only {count} of {size} were read"
    return seconds


def _compare(size: int) -> float:
    run = ReconciliationRun.objects.create(asked_at=timezone.now(), organisation=factories.organisation("47"))
    start = time.perf_counter()
    runs.carry_out(run, timezone.now())
    seconds = time.perf_counter() - start
    assert (run.status, run.read_count, run.new_count) == ("DONE", size, 0), run.error_message
    return seconds
