"""While no worker is there an import is said to wait, with since when; never that it runs (ACC-12, AUD-10)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.imports import loading
from audit.imports.models import LogImport
from portal.orgs.permissions import Role
from tests.audit.imports import logs
from tests.roles import client_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    return client_for(Role.OPERATOR, code="operations")


@pytest.fixture
def started() -> LogImport:
    """A file whose import was asked for some seconds ago, and that no worker has taken."""
    logs.host()
    actor = logs.operator()
    made = logs.upload(logs.text(logs.line(), logs.line("2026-09-01 10:00:01")), actor=actor)
    loading.start(import_id=made.pk, actor=actor, now=timezone.now() - dt.timedelta(seconds=30))
    made.refresh_from_db()
    return made


def _pages(browser: Client, made: LogImport) -> tuple[str, str]:
    one = browser.get(reverse("log_import", args=[made.pk])).content.decode()
    return one, browser.get(reverse("log_imports")).content.decode()


def test_acc_12_an_import_that_no_worker_took_waits_and_says_since_when(
    operator: Client, started: LogImport
) -> None:
    assert started.started_at is not None
    since = timezone.localtime(started.started_at)

    page, listed = _pages(operator, started)

    assert started.stand == "QUEUED"
    assert "取込みの順番を待っています" in page
    assert f"{since:%H:%M}" in page
    for text in (page, listed):
        assert "取込み待ち" in text
        assert "取込み中" not in text
    assert "停止している可能性" not in page  # the job of the minute has not had its turn


def test_acc_12_an_import_that_nobody_takes_for_minutes_says_that_the_process_may_be_stopped_and_goes_on_by_itself(
    operator: Client, started: LogImport
) -> None:
    LogImport.objects.update(started_at=timezone.now() - dt.timedelta(minutes=10))

    page, _listed = _pages(operator, started)

    assert "停止している可能性" in page
    assert loading.missed(timezone.now()) == [started.pk]
    loading.run(import_id=started.pk, now_fn=timezone.now)
    done, _listed = _pages(operator, started)
    assert "取込み済み" in done
    assert "停止している可能性" not in done


def test_acc_12_an_import_whose_worker_ended_is_interrupted_not_running(
    operator: Client, started: LogImport
) -> None:
    now = timezone.now()
    LogImport.objects.update(attempts=1, lease_until=now + dt.timedelta(minutes=2))
    assert "取込み中" in _pages(operator, started)[1]
    LogImport.objects.update(lease_until=now - dt.timedelta(seconds=20))

    page, listed = _pages(operator, started)

    assert "取込みが中断しています" in page
    assert "停止している可能性" not in page
    assert "中断（自動で再開します）" in listed
    assert "取込み中" not in listed
    LogImport.objects.update(lease_until=now - dt.timedelta(minutes=9))
    assert "停止している可能性" in _pages(operator, started)[0]
    assert loading.run(import_id=started.pk, now_fn=timezone.now) is not None


def test_acc_12_over_rest_an_import_that_waits_is_not_running_either(
    operator: Client, started: LogImport
) -> None:
    told = operator.get(f"/api/v1/audit/logs/{started.pk}/").json()

    assert (told["state"], told["stand"]) == ("RUNNING", "QUEUED")
