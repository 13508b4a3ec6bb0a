"""The demonstration is what the portal would have made itself, at any size."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from accounts.delivery.models import DeliveryMode, InitialPassword
from accounts.demo import bulk, people
from accounts.dormancy.models import DormantReview
from accounts.management.commands import demo_data
from accounts.models import DirectoryAccount
from accounts.naming.models import NamingRule
from accounts.reconciliation.models import Finding, FindingKind
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import BindResult, DirectoryUnavailable
from portal.orgs.models import Membership, User
from portal.workflow import kinds
from portal.workflow.bulk.models import Upload
from portal.workflow.content import content_hash, snapshot
from portal.workflow.models import Application, ApplicationEvent, ApprovalStage, StageStatus, Status
from tests.accounts.world import PostOffice
from tests.fakes import FakeDirectory, deleted_ou, users_ou

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rooms(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands of the other rooms that were called; each has tests of its own, and tests/embedded/test_run runs them all."""
    called: list[str] = []
    monkeypatch.setattr(demo_data, "call_command", lambda name, **options: called.append(name))
    return called


@pytest.fixture(autouse=True)
def units(directory: FakeDirectory) -> None:
    directory.containers += [unit for code in ("13", "27") for unit in (users_ou(code), deleted_ou(code))]


def fill(**options: Any) -> None:
    call_command("demo_data", verbosity=0, **options)


def test_small_demonstration_has_every_state_true_accounts_and_logins_that_work(
    directory: FakeDirectory, post: PostOffice, rooms: list[str]
) -> None:
    fill()  # takes seconds: all that is to be said of one demonstration is said here

    assert rooms == ["demo_devices", "demo_dns", "demo_managed", "demo_bundles", "demo_audit"]
    statuses = set(Application.system.values_list("status", flat=True))
    assert Application.system.count() >= 60
    assert statuses >= {
        Status.DRAFT,
        Status.IN_REVIEW,
        Status.RETURNED,
        Status.PULLED_BACK,
        Status.WITHDRAWN,
        Status.REJECTED,
        Status.NEEDS_ATTENTION,
        Status.COMPLETED,
    }
    gone = {finding.object_guid for finding in Finding.system.filter(kind=FindingKind.MISSING)}
    for account in DirectoryAccount.system.all():
        assert (account.object_guid in directory.entries) != (account.object_guid in gone)
    assert DirectoryAccount.system.count() >= 15
    assert len(post.delivered) > DirectoryAccount.system.count()  # resets as well
    expect_something_on_every_screen(post)
    expect_logins_that_work(directory)
    expect_nobody_twice()


def expect_something_on_every_screen(post: PostOffice) -> None:
    assert set(Finding.system.values_list("kind", flat=True)) >= {
        FindingKind.MISSING,
        FindingKind.CHANGED,
        FindingKind.MOVED,
        FindingKind.UNKNOWN,
        FindingKind.DISABLED,
    }
    months = DormantReview.system.filter(organisation__code="13").order_by("run__period")
    assert [review.status for review in months] == ["ANSWERED", "OPEN"]
    assert set(months[1].lines.values_list("answer", flat=True)) == {"", "KEEP", "DELETE"}
    assert DirectoryAccount.system.filter(state="DELETED", remove_on__isnull=False).exists()
    assert DirectoryAccount.system.filter(expires_on__isnull=False).exists()
    assert NamingRule.system.filter(organisation__code="13").exists()
    assert InitialPassword.system.filter(mode=DeliveryMode.PICKUP, taken_at=None).exists()
    assert post.codes
    tables = Upload.system.order_by("pk")
    assert [table.error_count > 0 for table in tables] == [False, True]
    assert Application.system.filter(line_count=52, status=Status.IN_REVIEW).exists()
    assert Application.system.filter(kind="accounts.admin_register", status=Status.IN_REVIEW).exists()


def expect_logins_that_work(directory: FakeDirectory) -> None:
    shown = StringIO()
    call_command("demo_logins", stdout=shown)

    rows = list(people.logins(every=True))
    assert len(rows) == 3 * 7 + 4 + 5 + 2
    for login, _, _ in rows:
        assert directory.authenticate(login, people.PASSWORD) == BindResult.OK
        person = User.objects.get(login_name=login)
        assert Membership.system.filter(user=person).exists()
        assert directory.entries[person.directory_guid].login_name == login  # type: ignore[index]
    assert "shonin13" in shown.getvalue()
    assert "shonin27" not in shown.getvalue()


def expect_nobody_twice() -> None:
    staff, applications = (
        User.objects.count(),
        Application.system.filter(kind__startswith="accounts.").count(),
    )

    fill(applications=5)

    assert User.objects.count() == staff
    assert Application.system.filter(kind__startswith="accounts.").count() == applications + 5


def test_nobody_gets_a_known_password_outside_a_demonstration(
    directory: FakeDirectory, settings: Any
) -> None:
    settings.EMBEDDED_INBOX = False

    with pytest.raises(CommandError):
        fill()

    assert not User.objects.exists()
    assert not directory.entries


def test_bulk_written_twice_adds_other_rows(directory: FakeDirectory, post: PostOffice) -> None:
    fill(applications=100)
    fill(applications=100)

    assert Application.system.count() == 200
    assert Operation.system.count() == Operation.system.values("marker").distinct().count() > 0


def test_without_a_directory_approved_work_waits(directory: FakeDirectory, post: PostOffice) -> None:
    directory.faults["ping"] = [DirectoryUnavailable(code="down")] * 20  # every part of the story asks

    fill(applications=20)

    assert not DirectoryAccount.system.exists()
    assert Operation.system.filter(status=OperationStatus.WAITING).exists()


def search_indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize("many", [100, 10**6], ids=["index built anew", "index added to"])
def test_bulk_is_as_consistent_as_what_the_services_make(
    directory: FakeDirectory, post: PostOffice, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(bulk, "_MANY", many)
    indexes = search_indexes()
    assert {"application_search", "directoryaccount_search"} <= indexes

    fill(applications=300, accounts=90)

    assert search_indexes() == indexes
    assert Application.system.count() == 300
    assert DirectoryAccount.system.count() == 90
    for application in Application.system.prefetch_related("lines", "stages", "events"):
        lines, stages = list(application.lines.all()), list(application.stages.all())
        kind = kinds.get(application.kind)
        payload = kind.load(lines[0].payload, lines[0].payload_version)
        assert application.line_count == len(lines) == 1
        assert application.subject == lines[0].subject == kind.subject(payload)
        assert lines[0].is_open == (
            application.status in {Status.IN_REVIEW, Status.RETURNED, Status.PULLED_BACK}
        )
        assert [event.to_status for event in application.events.all()][-1] == application.status
        open_stages = [stage for stage in stages if stage.status == StageStatus.OPEN]
        assert len(open_stages) == (application.status == Status.IN_REVIEW)
        assert (application.due_on is not None) == bool(open_stages)
        if application.status != Status.DRAFT:
            content = snapshot(
                kind=application.kind,
                organisation_code=application.organisation.code,
                reason=application.reason,
                desired_on=application.desired_on,
                lines=[line.payload for line in lines],
                attachments=(),
            )
            assert application.content_hash == content_hash(content)
    assert not ApprovalStage.system.filter(application__status=Status.COMPLETED, decided_by=None).exists()
    assert ApplicationEvent.system.filter(verb="SUBMITTED").exclude(data={}).count() == (
        Application.system.exclude(status=Status.DRAFT).count()
    )
