"""A run of the reconciliation, kept (AUD-02…AUD-05): what differs, what people said, when it runs anew."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import Subquery
from django.utils import timezone

from audit.ledgers.models import Ledger, WorkEntry
from audit.reconciliation import said, services
from audit.reconciliation.models import Mismatch, MismatchReason, Reconciliation
from audit.reports import guards
from audit.reports.models import AuditReport, ReportStatus
from devices.permits.models import DevicePermit
from portal.common.time import JST
from tests import factories
from tests.audit import world
from tests.audit.imports import logs
from tests.devices import world as devices

pytestmark = pytest.mark.django_db


def work(number: str = "W-1", **fields: Any) -> WorkEntry:
    """An hour's work on the database of 13."""
    values = {
        "ledger": Ledger.CENTRAL,
        "work_type": "OTHER",
        "worker": "CENTRAL",
        "planned_from": dt.datetime(2026, 9, 1, 10, 0, tzinfo=JST),
        "planned_until": dt.datetime(2026, 9, 1, 11, 0, tzinfo=JST),
        "accounts": ["tanaka"],
        "hosts": ["dbsv13"],
        "text": "点検",
    } | fields
    return WorkEntry.system.create(organisation=factories.organisation("13"), work_number=number, **values)


def run(**fields: Any) -> Reconciliation:
    cycle = world.open_cycle()
    values = {"cycle": cycle, "organisation": factories.organisation("13"), "now": logs.NOW} | fields
    return services.reconcile(**values)


def test_a_run_keeps_counts_coverage_and_what_differs() -> None:
    logs.host()
    entry = work()
    logs.load(
        logs.text(
            logs.line("2026-09-01 10:30:00"),
            logs.line("2026-09-02 03:00:00", user="sato"),
            logs.line("2026-09-02 03:01:00", user="sato", rows="7"),
            logs.line("2026-08-20 23:59:59", user="sato"),
        )
    )

    made = run()

    assert (made.state, made.counts) == ("DONE", {"DATABASE": {"OK": 1, "U_NOPLAN": 2}})
    fitting = Mismatch.system.get(reconciliation=made, code="OK")
    assert (fitting.work_number, fitting.row_count) == (entry.work_number, 1)  # AUD-02
    session = Mismatch.system.exclude(code="OK").get(reconciliation=made)
    assert (session.code, session.row_count, session.volume, session.account) == ("U_NOPLAN", 2, 12, "sato")
    assert session.first_at == dt.datetime(2026, 9, 2, 3, 0, tzinfo=JST)
    assert made.coverage[0]["days_with_rows"] == 2
    assert len(made.coverage[0]["days_missing"]) == 29
    assert len(made.input_digest) == 64
    assert entry.pk


def test_access_through_the_application_is_kept_and_not_reported() -> None:
    from audit.imports import mappings
    from audit.imports.allowed import Allowed

    logs.host()
    mappings.save_access(
        entries=[Allowed("tanaka", "sqlplus", "PC-001")], seen=None, actor=logs.operator(), now=logs.NOW
    )
    made = logs.load(logs.text(logs.line()))

    assert (made.kept_count, run().counts) == (1, {})


def test_r6_a_medium_counts_as_permitted_from_its_registration_to_its_end_and_in_its_own_federation() -> None:
    """The permits of the device office, joined to what was taken out."""
    cast = devices.Cast()
    permitted, ended, foreign = (
        devices.registered(who, serial=serial)
        for who, serial in ((cast, "SN-0042"), (cast, "SN-END"), (devices.Cast("27"), "SN-27"))
    )
    devices.approved(cast, devices.permit_line(devices.computer(), serial="SN-APP"))
    since = world.jst(2026, 8, 1)
    for permit, values in (
        (permitted, {"registered_at": world.jst(2026, 9, 5, 9), "valid_until": dt.date(2026, 9, 10)}),
        (ended, {"registered_at": since, "ended_at": world.jst(2026, 9, 6, 12)}),
        (foreign, {"registered_at": since}),
    ):
        DevicePermit.system.filter(pk=permit.pk).update(**values)
    DevicePermit.system.filter(device__serial="SN-APP").update(approved_at=since)
    logs.host("k13-pc01", sends_database="", sends_takeout="DAILY")
    begin = dt.datetime(2026, 9, 1, tzinfo=JST)
    work(hosts=["k13-pc01"], planned_from=begin, planned_until=begin + dt.timedelta(days=18))
    taken = {
        "2026/09/05 08:59:59": ("SN-0042", "X_MEDIUM"),
        "2026/09/05 09:00:00": ("sn-0042", "OK"),
        "2026/09/10 23:59:59": ("SN-0042", "OK"),
        "2026/09/11 00:00:00": ("SN-0042", "X_MEDIUM"),
        "2026/09/06 11:59:59": ("SN-END", "OK"),
        "2026/09/06 12:00:00": ("SN-END", "X_MEDIUM"),
        "2026/09/07 10:00:00": ("SN-27", "X_MEDIUM"),
        "2026/09/07 10:00:01": ("SN-APP", "X_MEDIUM"),
    }
    head = "日時,端末名,ログオンユーザー名,操作,ファイル名,媒体種別,シリアル番号"
    lines = [
        f"{at},k13-pc01,tanaka,コピー,{n}.csv,USB,{serial}"
        for n, (at, (serial, _)) in enumerate(taken.items())
    ]
    logs.load("\n".join([head, *lines, ""]).encode(), log_kind="TAKEOUT")

    made = run()

    assert made.counts == {"TAKEOUT": {"OK": 3, "X_MEDIUM": 5}}
    wrong = Mismatch.system.filter(reconciliation=made, code="X_MEDIUM").order_by("first_at")
    assert [f"{timezone.localtime(each.first_at):%Y/%m/%d %H:%M:%S}" for each in wrong] == sorted(
        at for at, (_serial, code) in taken.items() if code == "X_MEDIUM"
    )
    assert {each.medium_permitted for each in wrong} == {False}


def test_rows_of_another_federation_never_meet_a_work() -> None:
    logs.host("dbsv13")
    logs.host("dbsv27", code="27")
    work(hosts=["dbsv13", "dbsv27"])
    logs.load(logs.text(logs.line("2026-09-01 10:30:00", host="dbsv27")))

    made = run()

    assert [m.code for m in Mismatch.system.filter(reconciliation=made)] == ["L_NOLOG"]


def reason(session: Mismatch, text: str = "緊急対応") -> MismatchReason:
    person = factories.user(code="central")
    return MismatchReason.system.create(
        mismatch=session,
        organisation=session.organisation,
        side="CENTRAL",
        code="EMERGENCY",
        text=text,
        given_by=person,
        given_by_name=person.display_name,
        given_at=logs.NOW,
    )


def test_a_reason_given_once_stays_while_the_session_is_the_same() -> None:
    logs.host()
    logs.load(logs.text(logs.line("2026-09-02 03:00:00"), logs.line("2026-09-05 03:00:00")))
    one, other = Mismatch.system.filter(reconciliation=run()).order_by("first_at")
    reason(one, "一回目")
    reason(other, "変わる")

    logs.load(logs.text(logs.line("2026-09-05 03:05:00")))
    again = run()

    for later in (again, run()):
        sessions = Mismatch.system.filter(reconciliation=later)
        told = sessions.annotate(text=Subquery(said.of_outer().values("text")[:1]))
        assert dict(told.values_list("fingerprint", "text"))[one.fingerprint] == "一回目"
        assert not told.filter(text="変わる").exists()
        assert guards.unexplained("CENTRAL").filter(reconciliation=later).count() == 1
    assert MismatchReason.system.count() == 2  # nothing is copied


def test_it_runs_anew_only_where_rows_or_works_changed() -> None:
    during = logs.NOW - dt.timedelta(days=5)
    logs.host()
    world.open_cycle()
    logs.load(logs.text(logs.line("2026-09-02 03:00:00")))

    assert services.reconcile_again(now=during) == 1
    assert services.reconcile_again(now=during) == 0
    assert services.reconcile_again(now=during + dt.timedelta(days=1)) == 0
    logs.load(logs.text(logs.line("2026-09-02 04:00:00")))
    assert services.reconcile_again(now=during) == 1
    work()
    assert services.reconcile_again(now=during) == 1
    assert services.reconcile_again(now=during) == 0


def test_aud_10_a_month_that_is_over_without_rows_and_works_is_compared_once_so_that_it_gets_its_report() -> (
    None
):
    cycle = world.open_cycle()
    over = dt.datetime.combine(cycle.covers_until, dt.time(12), JST) + dt.timedelta(days=1)
    reports = AuditReport.system.filter(cycle=cycle).count()
    assert services.reconcile_again(now=over - dt.timedelta(days=1)) == 0

    assert services.reconcile_again(now=over) == reports > 0
    assert services.reconcile_again(now=over) == 0

    newest = services.newest_run(cycle, factories.organisation("01"))
    assert newest is not None
    assert newest.coverage == []


def test_rows_that_come_after_the_report_are_flagged_and_change_no_report() -> None:
    logs.host()
    cycle = world.open_cycle()
    logs.load(logs.text(logs.line("2026-09-02 03:00:00")))
    first = run()
    report = world.report(cycle, status=ReportStatus.CREATED, reconciliation=first)

    made = logs.load(logs.text(logs.line("2026-09-03 03:00:00")))
    services.reconcile_again(now=logs.NOW)

    assert made.findings["months"] == {"2026-09": {"rows": 1, "late": {"13": 1}}}
    assert AuditReport.system.get(pk=report.pk).reconciliation == first
    assert services.newest_run(cycle, report.organisation) != first
    from audit.imports.selectors import late_rows

    assert late_rows(cycle, report.organisation) == [made]


def test_a_row_of_another_month_is_kept_and_counted_apart() -> None:
    logs.host()
    world.open_cycle()

    made = logs.load(logs.text(logs.line("2026-09-02 03:00:00"), logs.line("2026-09-21 00:00:00")))

    assert made.kept_count == 2
    assert {key: values["rows"] for key, values in made.findings["months"].items()} == {"2026-09": 1, "": 1}


def test_a_run_that_breaks_says_so_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logs.host()
    logs.load(logs.text(logs.line("2026-09-02 03:00:00")))
    monkeypatch.setattr(services, "_keep", lambda *_args: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        run()

    assert Reconciliation.system.get().state == "FAILED"
    assert Mismatch.system.count() == 0
