"""Effective dates come from the database: nothing before its day in Japan, everything once from then on (fault case 10)."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.kinds import CHANGE
from accounts.models import DirectoryAccount
from portal.common.time import JST
from portal.fulfilment import gate, services
from portal.fulfilment.models import Operation, OperationStatus
from portal.workflow import fulfilling
from portal.workflow.models import Application, ApplicationLine, Status
from tests import factories
from tests.fakes import FakeDirectory, use_directory, users_ou

# 2,000 take a minute and a half of honest work: FAULTS_TRANSFERS=2000 before a release, see the README here.
EVERYBODY = int(os.environ.get("FAULTS_TRANSFERS", "200"))
FIRST_OF_APRIL = date(2099, 4, 1)
MIDNIGHT = datetime(2099, 4, 1, tzinfo=JST)


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    return use_directory(monkeypatch)


def transfers(directory: FakeDirectory, count: int) -> Application:
    """One approved application: so many people change their department on the first of April."""
    application = factories.application(
        kind=CHANGE, status=Status.FULFILLING, desired_on=FIRST_OF_APRIL, line_count=count
    )
    before = factories.line(application=factories.application())
    lines, accounts = [], []
    for number in range(count):
        entry = directory.add(
            f"p{number:05}",
            container_dn=users_ou("13"),
            department="審査第一課",
            guid=uuid.UUID(int=number + 1),
        )
        payload = {
            "login_name": entry.login_name,
            "family_name": "表示",
            "given_name": entry.login_name,
            "family_kana": "",
            "given_kana": "",
            "department": "審査第二課",
            "container": "Users",
            "groups": [],
            "account_guid": str(entry.guid),
        }
        change = {
            "action": "change",
            "label": "Department",
            "attribute": "department",
            "before": ["審査第一課"],
            "after": ["審査第二課"],
        }
        lines.append(
            ApplicationLine(
                application=application,
                organisation=application.organisation,
                position=number,
                payload=payload,
                plan={"changes": [change], "checks": [], "unavailable": ""},
                subject_key=entry.login_name,
                subject=entry.login_name,
                is_open=True,
                reservation_key=f"account:{entry.guid}",
            )
        )
        accounts.append(
            DirectoryAccount(
                organisation=application.organisation,
                object_guid=entry.guid,
                distinguished_name=entry.dn,
                login_name=entry.login_name,
                family_name="表示",
                given_name=entry.login_name,
                last_line=before,
                verified_at=datetime.now(UTC),
            )
        )
    ApplicationLine.system.bulk_create(lines)
    DirectoryAccount.system.bulk_create(accounts)
    return application


# fault case 10
@pytest.mark.slow
@pytest.mark.once
@pytest.mark.django_db(transaction=True)  # in one transaction its dead rows would make it slower and slower
@pytest.mark.parametrize(
    ("start", "lines"),
    [(MIDNIGHT, EVERYBODY), (MIDNIGHT + timedelta(days=3), 20)],
    ids=["on time", "beat was down"],
)
def test_everybodys_transfer_begins_on_the_first_of_april_and_happens_once(
    directory: FakeDirectory, start: datetime, lines: int
) -> None:
    application = transfers(directory, lines)
    fulfilling.start(application, datetime(2099, 3, 1, 9, 0, tzinfo=JST))
    just_before = MIDNIGHT - timedelta(seconds=1)

    rung = services.sweep(just_before).rung
    early = services.drain("directory", limit=lines, now_fn=lambda: just_before)
    rung_then = services.sweep(start).rung
    if (
        start > MIDNIGHT
    ):  # after a long stop the queue waits until a person or the comparison lets it go on (ACC-12)
        assert (rung_then, gate.is_closed()) == ((), True)
        gate.open_by_hand(actor=factories.operator(), note="停止中の手作業なし", now=start)
        rung_then = services.sweep(start).rung
    done = services.drain("directory", limit=2 * lines, now_fn=lambda: start)
    again = services.drain("directory", limit=lines, now_fn=lambda: start + timedelta(hours=1))

    assert (rung, early, rung_then, done, again) == ((), 0, ("directory",), lines, 0)
    assert directory.calls.count("update_account") == lines
    assert {entry.department for entry in directory.entries.values()} == {"審査第二課"}
    statuses = Operation.system.filter(line__application=application).values_list("status", flat=True)
    assert set(statuses) == {OperationStatus.DONE}
    started = Operation.system.filter(line__application=application).order_by("started_at").first()
    assert started is not None
    assert started.started_at == start
    application.refresh_from_db()
    assert application.status == Status.COMPLETED


# fault case 10
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("effective", "begins"),
    [
        (date(2027, 4, 1), datetime(2027, 3, 31, 15, 0, tzinfo=UTC)),
        (date(2028, 2, 29), datetime(2028, 2, 28, 15, 0, tzinfo=UTC)),
        (date(2028, 3, 1), datetime(2028, 2, 29, 15, 0, tzinfo=UTC)),
        (date(2027, 1, 1), datetime(2026, 12, 31, 15, 0, tzinfo=UTC)),
    ],
    ids=str,
)
def test_a_day_begins_at_midnight_in_japan_also_around_a_leap_day(effective: date, begins: datetime) -> None:
    application = factories.application(kind=CHANGE, desired_on=effective)
    long_before = datetime(2026, 12, 1, tzinfo=UTC)

    assert fulfilling.effective_from(application, long_before) == begins
    assert fulfilling.effective_from(application, begins + timedelta(days=9)) == begins + timedelta(days=9)


# fault case 10
@pytest.mark.django_db
def test_a_clock_that_runs_ten_minutes_behind_only_starts_later(directory: FakeDirectory) -> None:
    application = transfers(directory, 3)
    fulfilling.start(application, datetime(2099, 3, 1, 9, 0, tzinfo=JST))

    behind = services.drain("directory", now_fn=lambda: MIDNIGHT - timedelta(minutes=10))
    right = services.drain("directory", now_fn=lambda: MIDNIGHT)

    assert (behind, right) == (0, 3)


@pytest.mark.django_db
def test_operations_that_wait_for_their_date_are_not_among_those_that_wait(directory: FakeDirectory) -> None:
    from portal.fulfilment import selectors

    operator = factories.operator()
    application = transfers(directory, 2)
    fulfilling.start(application, datetime.now(UTC))

    counts = {tab.key: tab.count for tab in selectors.tabs(operator, "open")}

    assert (counts["open"], counts["waiting"], counts["scheduled"]) == (2, 0, 2)
    assert selectors.operations(operator, selectors.Filters(tab="scheduled")).count() == 2
    assert selectors.operations(operator, selectors.Filters(tab="waiting")).count() == 0
    assert {target.name: target.waiting for target in selectors.targets(operator)}["directory"] == 0
