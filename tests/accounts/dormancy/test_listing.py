"""The monthly lists: candidates by lastLogonTimestamp, exact times from every domain controller (ACC-14)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from accounts.dormancy import listing
from accounts.dormancy.models import DormantLine, DormantReview, DormantRun
from portal.common.time import JST
from portal.gateways.directory import DirectoryUnavailable
from portal.jobs import services as jobs
from portal.jobs.models import JobRun
from portal.jobs.table import all_jobs
from portal.notices.models import Notice
from portal.orgs.models import Organisation
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.models import Status
from tests import factories
from tests.accounts.dormancy.conftest import CUT, LONG_AGO, NOW, Office, line_of
from tests.fakes import administrators_ou, users_ou

DC1, DC2, DC3 = (f"ldaps://dc{n}.kokuho.pr:636" for n in (1, 2, 3))
DAY = dt.timedelta(days=1)


def names(review: DormantReview) -> list[str]:
    return [line.login_name for line in review.lines.order_by("-pk")]


def test_the_list_holds_who_was_away_and_who_never_came(office: Office) -> None:
    office.account("away", last_logon=CUT - 40 * DAY)
    office.account("longer-away", last_logon=CUT - 90 * DAY)
    office.account("never")
    office.account("busy", last_logon=CUT + DAY)
    office.account("new", created_at=CUT + DAY)
    office.account("disabled", enabled=False)
    office.account("privileged", privileged=True)

    review = office.list()

    assert names(review) == ["never", "longer-away", "away"]
    assert line_of(review, "never").never_logged_on
    assert review.status == DormantReview.Status.OPEN
    assert review.due_on == dt.date(2026, 12, 15)  # ten business days


def test_the_newest_answer_of_all_controllers_counts(office: Office) -> None:
    at_branch, away = (office.account(name, last_logon=CUT - 10 * DAY) for name in ("at-branch", "away"))
    office.directory.controllers = {
        DC1: {at_branch.guid: CUT - 10 * DAY, away.guid: CUT - 9 * DAY},
        DC2: {at_branch.guid: CUT + 5 * DAY, away.guid: CUT - 30 * DAY},
    }

    review = office.list()

    # lastLogonTimestamp is up to 14 days late: the controller of the branch knows better.
    assert names(review) == ["away"]
    line = line_of(review, "away")
    assert (line.last_logon, line.last_logon_from) == (CUT - 9 * DAY, "dc1.kokuho.pr")
    assert (review.run.candidates, review.run.dropped) == (2, 1)


def test_the_replicated_time_counts_where_it_is_newer(office: Office) -> None:
    account = office.account("away", last_logon=CUT - DAY)
    office.directory.controllers = {DC1: {account.guid: CUT - 200 * DAY}}

    line = line_of(office.list(), "away")

    assert (line.last_logon, line.last_logon_from) == (CUT - DAY, "lastLogonTimestamp")


def test_only_the_candidates_are_asked_about(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    away = office.account("away")
    office.account("busy", last_logon=CUT + DAY)
    asked: list[object] = []
    real = office.directory.last_logons
    monkeypatch.setattr(
        office.directory, "last_logons", lambda url, guids: asked.extend(guids) or real(url, guids)
    )

    office.list()

    assert asked == [away.guid]


def test_a_controller_that_did_not_answer_is_named_and_the_others_count(office: Office) -> None:
    came, away = (office.account(name) for name in ("came", "away"))
    office.directory.controllers = {
        DC1: {},
        DC2: DirectoryUnavailable("no answer"),
        DC3: {came.guid: CUT + DAY},
    }

    review = office.list()

    assert names(review) == ["away"]
    assert review.missing == ["dc2.kokuho.pr"]
    assert review.run.controllers == ["dc1.kokuho.pr", "dc2.kokuho.pr", "dc3.kokuho.pr"]
    assert review.run.answered_controllers == ["dc1.kokuho.pr", "dc3.kokuho.pr"]
    others = DormantReview.system.exclude(pk=review.pk)
    assert {tuple(other.missing) for other in others} == {("dc2.kokuho.pr",)}
    assert line_of(review, "away").object_guid == away.guid


def test_without_any_exact_answer_there_is_no_list_yet(office: Office) -> None:
    office.account("away")
    office.directory.controllers = {DC1: DirectoryUnavailable("no answer")}

    with pytest.raises(DirectoryUnavailable):
        office.list()

    assert not DormantReview.system.exists()
    office.directory.controllers = {DC1: {}}
    assert listing.finish_lists(now=NOW + DAY) == 1
    assert DormantRun.objects.get().status == DormantRun.Status.DONE
    assert listing.finish_lists(now=NOW + DAY) == 0


@pytest.mark.usefixtures("every_organisation")
def test_each_organisation_gets_its_own_and_only_its_own(office: Office) -> None:
    office.account("tk-away")
    office.account("os-away", code="27")
    office.account("kanri", container_dn=administrators_ou("13"))
    office.account("nobodys", container_dn="OU=Users,OU=99,OU=Federations,DC=kokuho,DC=pr")

    review = office.list()

    assert sorted(names(review)) == ["kanri", "tk-away"]
    assert line_of(review, "kanri").is_administrator
    assert not line_of(review, "tk-away").is_administrator
    other = DormantReview.system.get(organisation__code="27")
    assert names(other) == ["os-away"]
    assert {line.organisation_id for line in other.lines.all()} == {other.organisation_id}
    assert review.run.elsewhere == 1
    # Who has nothing to answer is in the report all the same, and gets no mail.
    empty = DormantReview.system.get(organisation__code="01")
    assert empty.status == DormantReview.Status.ANSWERED
    assert DormantReview.system.count() == Organisation.objects.count()
    assert DormantReview.system.count() == review.run.organisations == review.run.organisations_done


def test_an_initial_password_that_was_never_used_is_marked(office: Office) -> None:
    office.account("unused", must_change_password=True, password_last_set=None)

    assert line_of(office.list(), "unused").must_change


def test_security_managers_and_applicants_are_told_once(office: Office) -> None:
    office.account("away")
    factories.user(Role.APPROVER)
    factories.user(Role.APPLICANT, code="27")

    office.list()
    office.list()

    told = Notice.system.filter(template="dormant_list")
    assert {notice.to_user_id for notice in told} == {office.applicant.pk, office.manager.pk}
    assert told.count() == 2
    assert told[0].context["count"] == 1


def test_a_second_run_in_a_month_changes_nothing(office: Office) -> None:
    office.account("away")
    review = office.list()
    line = line_of(review, "away")
    DormantLine.system.filter(pk=line.pk).update(
        answer="KEEP", reason="休職中", answered_by=office.applicant, answered_at=NOW
    )
    office.account("later")

    again = office.list(NOW + 3 * DAY)

    assert again.pk == review.pk
    assert names(again) == ["away"]
    assert line_of(again, "away").reason == "休職中"
    assert DormantRun.objects.count() == 1


@pytest.mark.usefixtures("every_organisation")
def test_what_was_interrupted_goes_on_where_it_stopped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code in ("13", "27"):
        office.account(f"away-{code}", code=code)
    real, calls = listing._list, []

    def dies_at_the_tenth(*args: object) -> None:
        calls.append(args)
        if len(calls) == 10:
            raise KeyboardInterrupt
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(listing, "_list", dies_at_the_tenth)
    with pytest.raises(KeyboardInterrupt):
        office.list()
    monkeypatch.setattr(listing, "_list", real)
    run = DormantRun.objects.get()
    assert (run.status, run.organisations_done) == (DormantRun.Status.RUNNING, 9)

    review = office.list()

    assert names(review) == ["away-13"]
    assert DormantReview.system.count() == run.organisations
    assert DormantLine.system.count() == 2


def test_the_next_list_replaces_what_was_not_answered_and_shows_the_answer_before(office: Office) -> None:
    office.account("kept")
    office.account("silent")
    first = office.list()
    kept = line_of(first, "kept")
    DormantLine.system.filter(pk=kept.pk).update(
        answer="KEEP", reason="休職中", answered_by=office.applicant, answered_at=NOW
    )

    second = office.list(dt.datetime(2027, 1, 1, 3, 30, tzinfo=JST))

    first.refresh_from_db()
    assert first.status == DormantReview.Status.SUPERSEDED
    assert first.lines.filter(answer="").count() == 1
    # ACC-14: kept last month and still away: asked again, with last month's answer beside it.
    again = line_of(second, "kept")
    assert again.is_open
    assert again.previous == kept
    assert line_of(second, "silent").previous == line_of(first, "silent")


@pytest.mark.parametrize(
    ("status", "carried"),
    [
        (Status.IN_REVIEW, True),
        (Status.FULFILLING, True),
        (Status.RETURNED, True),
        (Status.DRAFT, False),
        (Status.REJECTED, False),
    ],
)
def test_what_is_being_deleted_is_not_asked_again(office: Office, status: str, carried: bool) -> None:
    office.account("going")
    line = line_of(office.list(), "going")
    paper = factories.application(applicant=office.applicant, status=status)
    DormantLine.system.filter(pk=line.pk).update(
        answer="DELETE", application=paper, answered_by=office.applicant, answered_at=NOW
    )

    again = line_of(office.list(dt.datetime(2027, 1, 1, 3, 30, tzinfo=JST)), "going")

    assert again.is_open is not carried
    assert (again.application_id == paper.pk) is carried


def test_months_are_caught_up_in_order_and_only_the_newest_is_asked(office: Office) -> None:
    office.account("away")
    job = next(job for job in all_jobs() if job.name == "list_dormant_accounts")
    JobRun.objects.create(
        job=job.name, period="2026-10-01T03:30", status="DONE", started_at=NOW, lease_until=NOW
    )

    # The portal was down from the end of October to 5 December.
    late = dt.datetime(2026, 12, 5, 10, 0, tzinfo=JST)
    jobs.run_due(late, [job])

    runs = DormantRun.objects.order_by("started_at", "pk")
    assert [str(run) for run in runs] == ["2026-11", "2026-12"]
    assert [timezone.localdate(run.cut_off).isoformat() for run in runs] == ["2026-05-01", "2026-06-01"]
    first, second = (DormantReview.system.get(run=run, organisation__code="13") for run in runs)
    assert (first.status, second.status) == ("SUPERSEDED", "OPEN")
    told = Notice.system.filter(template="dormant_list")
    assert {notice.context["review"] for notice in told} == {second.pk}
    jobs.run_due(late + DAY, [job])
    assert DormantRun.objects.count() == 2


def test_a_month_that_is_made_after_the_next_one_is_not_asked(office: Office) -> None:
    office.account("away")
    newest = office.list()
    before = office.list(dt.datetime(2026, 11, 1, 3, 30, tzinfo=JST))

    newest.refresh_from_db()
    assert (before.status, newest.status) == ("SUPERSEDED", "OPEN")


def test_the_length_of_half_a_year_is_a_setting(office: Office, settings: object) -> None:
    settings.DORMANT_MONTHS = 3  # type: ignore[attr-defined]
    office.account("four-months", last_logon=dt.datetime(2026, 8, 1, tzinfo=JST))

    assert names(office.list()) == ["four-months"]


def test_making_a_list_is_in_the_trail(office: Office) -> None:
    office.account("away")

    review = office.list()

    entry = TrailEntry.objects.get(action="dormant.list", object_id=review.pk)
    assert entry.detail == {"accounts": 1, "missing": []}


def test_an_account_below_users_in_a_deeper_ou_is_found(office: Office) -> None:
    office.account("deep", container_dn=f"OU=Branch,{users_ou('13')}", created_at=LONG_AGO)

    assert names(office.list()) == ["deep"]
