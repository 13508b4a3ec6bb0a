"""Why the files of a report wait is said where it is looked for, and operations need not wait for the next minute (AUD-07)."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.reports import order_views
from audit.reports.documents import making
from audit.reports.models import AuditReport, FileOrder, ReportFile
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.audit.reports import world
from tests.audit.reports.steps import central
from tests.roles import client_of

pytestmark = pytest.mark.django_db
PROBLEM = "SigningUnavailable: the time-stamp authority did not answer"


@pytest.fixture
def order() -> FileOrder:
    report = world.report(world.cycle(), status="PROVIDED", provided_at=timezone.now())
    return FileOrder.objects.create(
        report=report,
        stage=ReportFile.Stage.PROVIDED,
        ordered_at=timezone.now(),
        attempts=3,
        problem=PROBLEM,
        lease_until=timezone.now() + dt.timedelta(seconds=50),
    )


def page(person: User, address: str) -> str:
    return client_of(person).get(address).content.decode()


def test_the_page_of_the_report_says_why_its_files_wait_and_the_worker_s_words_to_operations_only(
    order: FileOrder,
) -> None:
    report: AuditReport = order.report
    here = reverse("audit_report", args=[report.cycle.key, "13", 1])
    waiting = reverse("audit_report_orders")

    told = page(factories.user(Role.SECURITY_MANAGER), here)
    operations = page(factories.operator(), here)

    for text in (told, operations):
        assert "電子署名またはタイムスタンプを付けられません" in text
        assert "3回試行" in text
    assert PROBLEM not in told
    assert waiting not in told
    assert PROBLEM in operations
    assert waiting in operations
    order.done_at = timezone.now()
    order.save()
    assert "電子署名またはタイムスタンプを付けられません" not in page(factories.operator(), here)


def test_operations_see_what_waits_and_try_again_at_once(order: FileOrder) -> None:
    browser, here = client_of(factories.operator()), reverse("audit_report_orders")
    assert PROBLEM in browser.get(here).content.decode()
    assert making.owed_orders().count() == making.stuck_orders(timezone.now()).count() == 1

    answer = browser.post(here)

    assert answer.status_code == 302
    order.refresh_from_db()
    assert order.lease_until is None
    assert TrailEntry.objects.filter(action="audit_report.files_again", detail__orders=1).exists()


def test_an_order_that_a_worker_makes_right_now_stays_with_it(order: FileOrder) -> None:
    lease = timezone.now() + dt.timedelta(minutes=9)
    FileOrder.objects.update(lease_until=lease)

    assert making.try_again(now=timezone.now()) == 0

    order.refresh_from_db()
    assert order.lease_until == lease


def test_who_confirms_sees_no_page_of_operations(order: FileOrder) -> None:
    assert client_of(central(Role.APPROVER)).get(reverse("audit_report_orders")).status_code == 403
    auditor = client_of(factories.user(Role.AUDITOR, code="operations"))
    assert "今すぐ再試行する" not in auditor.get(reverse("audit_report_orders")).content.decode()
    assert auditor.post(reverse("audit_report_orders")).status_code == 403
    assert order.pk


@pytest.mark.parametrize(
    ("problem", "attempts", "lease", "expected"),
    [
        ("PdfUnavailable: no Pango", 1, 5, "ライブラリ"),
        ("", 1, 5, "ファイルを作成しています"),
        ("", 2, 5, "やり直しています"),
        ("", 0, None, "作成の順番を待っています"),
        ("", 1, -5, "処理が再開すると"),
    ],
)
def test_acc_12_the_reason_is_a_sentence_and_says_made_only_while_a_worker_has_it(
    problem: str, attempts: int, lease: int | None, expected: str
) -> None:
    until = None if lease is None else timezone.now() + dt.timedelta(minutes=lease)

    order = FileOrder(problem=problem, attempts=attempts, lease_until=until, ordered_at=timezone.now())
    assert expected in order.why


def test_acc_12_a_report_whose_files_no_worker_makes_does_not_say_that_they_are_being_made(
    order: FileOrder,
) -> None:
    FileOrder.objects.update(problem="", attempts=0, lease_until=None)
    report: AuditReport = order.report
    here = reverse("audit_report", args=[report.cycle.key, "13", 1])

    waiting = page(factories.operator(), here)
    FileOrder.objects.update(attempts=1, lease_until=timezone.now() + dt.timedelta(minutes=5))
    making_now = page(factories.operator(), here)

    assert "ファイルの作成待ちです" in waiting
    assert "ファイルを作成しています" not in waiting
    assert "ファイルを作成しています" in making_now


def test_acc_12_orders_that_nobody_takes_up_say_that_the_process_may_be_stopped_and_not_that_something_failed(
    order: FileOrder,
) -> None:
    before = timezone.now() - dt.timedelta(minutes=11)
    FileOrder.objects.update(problem="", attempts=0, lease_until=None, ordered_at=before)
    report: AuditReport = order.report

    listed = page(factories.operator(), reverse("audit_report_orders"))
    told = page(
        factories.user(Role.SECURITY_MANAGER), reverse("audit_report", args=[report.cycle.key, "13", 1])
    )

    assert "作成処理が停止している可能性" in listed
    assert "ファイルを作成できていません" not in listed
    assert "作成処理が停止している可能性" in told
    assert f"{timezone.localtime(before):%H:%M}" in told


def test_every_order_is_reached_and_their_number_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_views, "_PAGE_SIZE", 2)
    month = world.cycle()
    for code in ("01", "02", "13", "27", "47"):
        FileOrder.objects.create(
            report=world.report(month, code, status="PROVIDED", provided_at=timezone.now()),
            stage=ReportFile.Stage.PROVIDED,
            ordered_at=timezone.now(),
        )
    browser, here = client_of(factories.operator()), reverse("audit_report_orders")
    seen: list[str] = []

    address = here
    for _page in range(3):
        text = browser.get(address).content.decode()
        assert "レポートが5件あります" in text
        seen += re.findall(rf"{month.key}/(\d\d)/1/", text)
        following = re.search(r'href="(\?cursor=a[^"]+)" rel="next"', text)
        address = here + following[1] if following else ""

    assert seen == ["01", "02", "13", "27", "47"]  # the longest first
    assert address == ""
