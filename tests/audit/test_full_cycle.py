"""Whole months over 47 federations, the clock moved day by day, each step by its party (AUD-02 … AUD-08, SEC-04).

The month with the five-day holiday of September 2026 is walked by all 47, with the next one beside it; then February. Nobody
helps the clock: months are opened by the job, reminders go out by the job, the parties do what the calendar says. Federation 13
is whole: its work stands in the ledger, its logs are imported and reconciled, both parties give reasons, and a worker draws
and signs its files. The others have a run that found nothing, and files that nobody reads.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from audit.cycles import reminding, selectors
from audit.cycles import services as months
from audit.cycles.models import AuditCycle, CycleStep, Step, StepMail
from audit.cycles.working_days import WorkingDays
from audit.imports import loading
from audit.imports.models import Host
from audit.ledgers import services as ledgers
from audit.ledgers.models import Ledger
from audit.reconciliation import services as reconciliation
from audit.reconciliation.models import ReasonCode, Side
from audit.reconciliation.reasons import give_reason
from audit.reports import guards
from audit.reports import services as reports
from audit.reports.documents import making
from audit.reports.models import OWED, AuditReport, FileOrder, ReportEvent, ReportFile, ReportStatus
from portal.common.time import JST, today
from portal.documents.signing import seal_of
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind, Role
from tests import factories
from tests.audit.imports import logs
from tests.audit.ledgers import world as works
from tests.audit.reports import world as rows
from tests.audit.world import jst
from tests.documents.openssl_tsa import with_authority

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
WHOLE = "13"
SLOW, LATE = "20", "33"  # federations: one that needs until the last day, one that forgets for a week
FEW = frozenset({WHOLE, SLOW, LATE})  # of months that only have to show their days: each step costs its time
DO = {
    Step.CREATE: "create",
    Step.CENTRAL_CHECK: "central_confirm",
    Step.PROVIDE: "provide",
    Step.FEDERATION_CHECK: "federation_confirm",
    Step.RETURN: "send_back",
    Step.STORE_COPY: "store_copy",
}
GIVES = {
    Step.CENTRAL_CHECK: (Side.CENTRAL, "障害対応が予定の時間を超えた。"),
    Step.FEDERATION_CHECK: (Side.FEDERATION, "連合会で立ち会い、確認した。"),
}
MADE = {Step.CENTRAL_CHECK: ReportFile.Stage.PROVIDED, Step.FEDERATION_CHECK: ReportFile.Stage.ORIGINAL}


@dataclass
class Country:
    """Everybody who does the steps."""

    is_whole: bool = False  # logs, ledger and files of federation 13 are real ones
    operator: User = field(default_factory=factories.operator)
    reviewer: User = field(default_factory=lambda: factories.user(Role.AUDIT_REVIEWER, code="central"))
    confirmer: User = field(default_factory=lambda: factories.user(Role.APPROVER, code="central"))
    officers: dict[str, User] = field(default_factory=dict)
    managers: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place in Organisation.objects.filter(kind=OrganisationKind.FEDERATION):
            self.officers[place.code] = factories.user(Role.SECURITY_OFFICER, code=place.code)
            self.managers[place.code] = factories.user(Role.SECURITY_MANAGER, code=place.code)

    def who(self, step: Step, code: str) -> User:
        """Who does this step for this federation."""
        central = {
            Step.CREATE: self.operator,
            Step.CENTRAL_CHECK: self.confirmer,
            Step.PROVIDE: self.confirmer,
            Step.STORE_COPY: self.reviewer,
        }
        return central.get(step) or self.managers[code]


@pytest.fixture(scope="module")
def everybody(built_once: None) -> Country:
    return Country()


@pytest.fixture
def country(everybody: Country) -> Country:
    """A hundred people, made once for the three tests."""
    return copy.deepcopy(everybody)


def working_days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """The days on which somebody works."""
    day, usual = first, WorkingDays()
    while day <= last:
        if usual.is_working(day):
            yield day
        day += DAY


def wants_to(step: CycleStep, code: str, day: dt.date) -> bool:
    """When a party gets to a step: on its first working day, the slow one on its last, the late one a week later."""
    if step.owner != OrganisationKind.FEDERATION or code not in (SLOW, LATE):
        return day >= step.starts_on
    if code == SLOW:
        return day >= step.due_on
    return WorkingDays().between(step.due_on, day) >= 6


def work(country: Country, day: dt.date, whole: str) -> None:
    """What the parties do on one day: of every month that runs, what each report owes.

    The month `whole` is worked on for all 47 federations, the others for a few.
    """
    now = jst(day.year, day.month, day.day, 11)
    for cycle in selectors.current_cycles(day):
        steps = {step.step: step for step in cycle.steps.all()}
        owing = AuditReport.system.filter(cycle=cycle, is_current=True, status__in=list(OWED))
        if cycle.key != whole:
            owing = owing.filter(organisation__code__in=FEW)
        for report in owing.select_related("cycle", "organisation"):
            do_what_is_owed(country, report, steps, day, now)


def do_what_is_owed(
    country: Country, report: AuditReport, steps: dict[int, CycleStep], day: dt.date, now: dt.datetime
) -> None:
    """Every step of the report whose time has come, one after the other."""
    code = report.organisation.code
    while (step := OWED.get(ReportStatus(report.status))) is not None:
        if day < steps[step].starts_on or not wants_to(steps[step], code, day):
            return
        prepare(country, report, step, now)
        report = getattr(reports, DO[step])(
            report_id=report.pk, version=report.version, actor=country.who(step, code), now=now
        )
        if step in MADE:
            make_files(country, report, MADE[step], now)


def prepare(country: Country, report: AuditReport, step: Step, now: dt.datetime) -> None:
    """What a step rests on: the reconciliation, and the reasons of the party that checks."""
    code, cycle = report.organisation.code, report.cycle
    if step == Step.CREATE and not cycle.reconciliations.filter(organisation__code=code).exists():
        if code == WHOLE and country.is_whole:
            bring_logs_and_works(country, report, now)
            reconciliation.reconcile(cycle=cycle, organisation=report.organisation, now=now)
        else:
            rows.run(cycle, code)
    if code == WHOLE and step in GIVES:
        side, text = GIVES[step]
        actor = country.reviewer if side == Side.CENTRAL else country.officers[WHOLE]
        found = list(guards.unexplained(side).filter(reconciliation=report.reconciliation))
        if found:
            give_reason(
                report_id=report.pk,
                mismatches=found,
                side=side,
                code=ReasonCode.OVERRUN,
                text=text,
                actor=actor,
                now=now,
            )


def bring_logs_and_works(country: Country, report: AuditReport, now: dt.datetime) -> None:
    """A work as it was planned, its accesses, and one of the night that nobody planned."""
    begin = dt.datetime.combine(report.cycle.covers_from, dt.time(10), JST) + 3 * DAY
    ledgers.enter(
        ledger=Ledger.CENTRAL,
        organisation=report.organisation,
        work_number="",
        values=works.values(
            planned_from=begin,
            planned_until=begin + dt.timedelta(hours=2),
            accounts=["hoshu01"],
            hosts=["KK13-DB01"],
        ),
        actor=country.reviewer,
        now=now,
    )
    if not Host.system.exists():
        logs.host("KK13-DB01", WHOLE)
    moments = [begin + dt.timedelta(minutes=minute) for minute in (5, 25, 45)] + [
        begin + dt.timedelta(hours=13)
    ]
    data = logs.text(
        *(logs.line(f"{at:%Y-%m-%d %H:%M:%S}", host="KK13-DB01", user="hoshu01") for at in moments)
    )
    brought = logs.upload(data, actor=country.operator, month=report.cycle.month, now=now)
    loading.start(import_id=brought.pk, actor=country.operator, now=now)
    loading.run(import_id=brought.pk, now_fn=lambda: now)


def make_files(country: Country, report: AuditReport, stage: str, now: dt.datetime) -> None:
    """The files of one federation by a worker; those of the others as somebody made them."""
    if report.organisation.code == WHOLE and country.is_whole:
        assert making.make_owed_files(now=now) == 1
        return
    rows.files(report, stage)
    FileOrder.objects.filter(report=report, stage=stage).update(done_at=now)


def live(country: Country, first: dt.date, last: dt.date, whole: str = "") -> None:
    """The days from first to last: the jobs of the night and the morning, then the work of the day."""
    day, usual = first, WorkingDays()
    while day <= last:
        months.open_due_cycles(jst(day.year, day.month, day.day, 0, 4))
        reminding.remind(now=jst(day.year, day.month, day.day, 8, 45))
        if usual.is_working(day):
            work(country, day, whole)
        day += DAY


def done_on(cycle: AuditCycle) -> dict[tuple[str, str], dt.date]:
    """On which day each step of each federation was done."""
    events = ReportEvent.objects.filter(report__cycle=cycle).select_related("report__organisation")
    return {(event.report.organisation.code, event.verb): today(event.at) for event in events}


def check_finished(cycle: AuditCycle, count: int) -> None:
    """So many are over; each step was done by its due day, but for the federation that forgot."""
    states = Counter(AuditReport.system.filter(cycle=cycle).values_list("status", flat=True))
    assert states[ReportStatus.COPY_STORED] == count
    verbs = {
        "created": Step.CREATE,
        "central_confirmed": Step.CENTRAL_CHECK,
        "provided": Step.PROVIDE,
        "federation_confirmed": Step.FEDERATION_CHECK,
        "returned": Step.RETURN,
        "copy_stored": Step.STORE_COPY,
    }
    days = done_on(cycle)
    assert len(days) == count * 6
    for (code, verb), day in days.items():
        step = selectors.step(cycle, verbs[verb])
        assert day >= step.starts_on, (code, verb)
        if code != LATE:
            assert day <= step.due_on, (code, verb)
    assert days[LATE, "federation_confirmed"] > selectors.step(cycle, Step.FEDERATION_CHECK).due_on


def check_whole(cycle: AuditCycle) -> None:
    """What came out of logs and ledger stands in signed files, and the copy is the original."""
    report = AuditReport.system.get(cycle=cycle, organisation__code=WHOLE)
    assert report.reconciliation is not None
    assert report.reconciliation.counts["DATABASE"] == {"OK": 3, "U_TIME": 1}
    kept = ReportFile.system.filter(report=report)
    pdf = bytes(kept.get(stage="ORIGINAL", format="PDF", log_kind="DATABASE").content)
    assert seal_of(pdf).fits
    said = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    for _side, text in GIVES.values():
        assert text[:8] in said.replace("\n", "")
    hashes = {
        stage: set(kept.filter(stage=stage).values_list("sha256", flat=True))
        for stage in ("ORIGINAL", "COPY")
    }
    assert hashes["ORIGINAL"] == hashes["COPY"]
    assert len(hashes["COPY"]) == 6


def mails(cycle: AuditCycle) -> Counter[tuple[str, str, int]]:
    """Party, level and step of each mail."""
    found = StepMail.system.filter(step__cycle=cycle)
    return Counter(found.values_list("organisation__code", "level", "step__step"))


# Longer than other tests: 47 federations, 50 days with two months beside each other, 300 steps by their services.
@pytest.mark.slow
@pytest.mark.once
def test_the_month_of_the_five_day_holiday_and_the_next_one_beside_it(
    country: Country, settings: Any, tmp_path: Path
) -> None:
    with_authority(settings, tmp_path)
    country.is_whole = True

    live(country, dt.date(2026, 8, 21), dt.date(2026, 9, 30), "2026-08")

    august, september = AuditCycle.objects.order_by("month")
    assert (august.key, september.key) == ("2026-08", "2026-09")
    assert selectors.step(august, Step.FEDERATION_CHECK).due_on == dt.date(2026, 9, 29)
    assert {s.due_on for s in august.steps.filter(step__gte=5)} == {dt.date(2026, 9, 30)}
    days = done_on(august)
    assert days["13", "provided"] == dt.date(2026, 9, 24)  # the first working day after the holidays
    assert days[SLOW, "federation_confirmed"] == dt.date(2026, 9, 29)
    # The next month was opened in the middle of the holidays and made after them, beside the steps of this one.
    assert today(september.opened_at) == dt.date(2026, 9, 21)
    assert done_on(september)["13", "created"] == dt.date(2026, 9, 24)
    live(country, dt.date(2026, 10, 1), dt.date(2026, 10, 9), "2026-08")
    check_finished(august, 47)
    found = mails(august)
    assert found[LATE, "OWNER", 4] == 1
    assert found[LATE, "SUPERVISOR", 4] == 1
    assert not [key for key in found if key[1] != "BEFORE" and key[0] != LATE]
    assert max(found.values()) <= 3  # 3, 1 and 0 working days before
    late = selectors.late_count(country.reviewer, dt.date(2026, 10, 9))
    assert late == 47 - len(FEW)  # September, left alone in this test
    check_whole(august)


def test_february_ends_on_the_first_of_march_and_its_second_step_begins_the_day_after(
    country: Country,
) -> None:
    months.open_cycle(month=dt.date(2027, 1, 1), now=jst(2027, 1, 21, 0, 4))
    AuditReport.system.update(status=ReportStatus.COPY_STORED)

    live(country, dt.date(2027, 2, 20), dt.date(2027, 3, 20))

    february = AuditCycle.objects.get(month=dt.date(2027, 2, 1))
    first, second = (selectors.step(february, step) for step in (Step.CREATE, Step.CENTRAL_CHECK))
    assert (first.due_on, second.starts_on) == (
        dt.date(2027, 3, 1),
        dt.date(2027, 3, 2),
    )  # the 28th is a Sunday
    assert second.due_on == dt.date(2027, 3, 19)
    assert done_on(february)["13", "central_confirmed"] == dt.date(2027, 3, 2)
    live(country, dt.date(2027, 3, 21), dt.date(2027, 4, 9))
    check_finished(february, len(FEW))


def test_the_scheduler_slept_through_the_beginning_of_a_month_and_the_country_catches_up(
    country: Country,
) -> None:
    live(country, dt.date(2026, 8, 21), dt.date(2026, 8, 24))

    for day in working_days(dt.date(2026, 9, 18), dt.date(2026, 9, 28)):  # people work, no job runs
        work(country, day, "")
    assert AuditCycle.objects.count() == 1
    live(country, dt.date(2026, 9, 29), dt.date(2026, 10, 1))

    september = AuditCycle.objects.get(month=dt.date(2026, 9, 1))
    assert today(september.opened_at) == dt.date(2026, 9, 29)
    assert selectors.step(september, Step.CREATE).due_on == dt.date(2026, 9, 28)  # no day moved
    assert done_on(september)["13", "created"] == dt.date(2026, 9, 29)
    assert AuditReport.system.filter(cycle=september).count() == 47
