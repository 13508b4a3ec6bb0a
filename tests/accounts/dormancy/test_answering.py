"""Keep with a reason, or delete by an application; AD is asked again at that moment (ACC-14)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from accounts.dormancy import answering, deletions
from accounts.dormancy.errors import ListClosed
from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.time import JST
from portal.gateways.directory import DirectoryUnavailable
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import services
from portal.workflow.errors import NotAllowed
from portal.workflow.models import Application, Status
from portal.workflow.rounds.answers import Answer, InvalidAnswer, Outcome, What
from tests import factories
from tests.accounts.dormancy.conftest import CUT, NOW, Office, line_of

LATER = NOW + dt.timedelta(days=2)
DC2 = "ldaps://dc2.kokuho.pr:636"


def answer(
    review: DormantReview,
    names: list[str],
    what: str,
    actor: User,
    reason: str = "",
    now: dt.datetime = LATER,
) -> list[Outcome[DormantLine]]:
    """Answer lines as they are now."""
    decisions = [
        Answer(line_id=line.pk, version=line.version, answer=what, reason=reason)
        for line in review.lines.filter(login_name__in=names).order_by("pk")
    ]
    return answering.answer(review_id=review.pk, decisions=decisions, actor=actor, now=now)


def keep(review: DormantReview, name: str, actor: User, reason: str = "休職中のため") -> Outcome[DormantLine]:
    return answer(review, [name], "KEEP", actor, reason)[0]


# --- keep ----------------------------------------------------------------------------------------------------------------
def test_keep_is_stored_with_reason_person_and_what_ad_said(office: Office) -> None:
    account = office.account("away", last_logon=CUT - dt.timedelta(days=30))
    office.account("other")
    review = office.list()
    office.directory.controllers[DC2] = DirectoryUnavailable("no answer")

    outcome = keep(review, "away", office.manager)

    line = line_of(review, "away")
    assert outcome.what is What.TAKEN
    assert (line.answer, line.reason) == ("KEEP", "休職中のため")
    assert (line.answered_by, line.answered_at) == (office.manager, LATER)
    assert line.evidence == {
        "asked": True,
        "missing": ["dc2.kokuho.pr"],
        "last_logon": account.last_logon and account.last_logon.isoformat(),
        "from": "lastLogonTimestamp",
    }
    review.refresh_from_db()
    assert review.status == DormantReview.Status.OPEN
    entry = TrailEntry.objects.get(action="dormant.answer")
    assert (entry.actor, entry.object_label, entry.detail["answer"]) == (office.manager, "away", "KEEP")


@pytest.mark.parametrize("reason", ["", "  ", "長" * 201, "a\x00b"])
def test_keep_needs_a_reason_that_can_be_kept(office: Office, reason: str) -> None:
    office.account("away")
    review = office.list()

    with pytest.raises(InvalidAnswer) as refused:
        keep(review, "away", office.applicant, reason)

    assert list(refused.value.errors) == ["reason"]
    assert line_of(review, "away").is_open


def test_the_database_refuses_keep_without_a_reason_and_an_answer_of_nobody(office: Office) -> None:
    office.account("away")
    line = line_of(office.list(), "away")
    rows = DormantLine.system.filter(pk=line.pk)

    for values in (
        {"answer": "KEEP", "answered_by": office.applicant, "answered_at": NOW},
        {"answer": "DELETE"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**values)


def test_the_last_answer_closes_the_list_and_it_can_still_be_changed(office: Office) -> None:
    office.account("away")
    review = office.list()

    keep(review, "away", office.applicant)

    review.refresh_from_db()
    assert (review.status, review.closed_at) == (DormantReview.Status.ANSWERED, LATER)
    assert keep(review, "away", office.manager, "4月に復職予定").what is What.TAKEN
    assert line_of(review, "away").reason == "4月に復職予定"


# --- what AD says at that moment -------------------------------------------------------------------------------------------
def test_who_has_logged_on_since_is_off_the_list(office: Office) -> None:
    account = office.account("back")
    review = office.list()
    office.directory.controllers[DC2] = {account.guid: CUT + dt.timedelta(days=185)}

    outcome = answer(review, ["back"], "KEEP", office.applicant, "使う予定")[0]

    line = line_of(review, "back")
    assert outcome.what is What.OVER
    assert (line.left, line.answer) == (DormantLine.Left.LOGGED_ON, "")
    assert line.evidence["from"] == "dc2.kokuho.pr"
    review.refresh_from_db()
    assert review.status == DormantReview.Status.ANSWERED
    assert keep(review, "back", office.applicant).what is What.CHANGED


def test_who_was_disabled_or_deleted_meanwhile_needs_no_answer(office: Office) -> None:
    disabled, gone = (office.account(name) for name in ("disabled", "gone"))
    review = office.list()
    office.directory.disable(disabled.guid)
    office.directory.delete(gone.guid)

    answer(review, ["disabled", "gone"], "KEEP", office.applicant, "使う予定")

    assert line_of(review, "disabled").left == DormantLine.Left.DISABLED
    assert line_of(review, "gone").left == DormantLine.Left.GONE


def test_an_answer_counts_while_ad_cannot_be_asked_and_says_so(office: Office) -> None:
    office.account("away")
    review = office.list()
    office.directory.faults["find_by_guid"] = [DirectoryUnavailable("down")]

    assert keep(review, "away", office.applicant).what is What.TAKEN  # ACC-12

    assert line_of(review, "away").evidence == {"asked": False}


def test_ad_is_asked_without_a_lock(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.account("away")
    review = office.list()
    inside: list[bool] = []
    real = office.directory.find_by_guid
    depth = len(transaction.get_connection().savepoint_ids)
    monkeypatch.setattr(
        office.directory,
        "find_by_guid",
        lambda guid: (inside.append(len(transaction.get_connection().savepoint_ids) > depth), real(guid))[1],
    )

    keep(review, "away", office.applicant)

    assert inside == [False]


# --- who ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.USER, Role.APPROVER, Role.SECURITY_OFFICER, Role.AUDITOR])
def test_other_roles_do_not_answer(office: Office, role: str) -> None:
    office.account("away")
    review = office.list()

    with pytest.raises(NotAllowed):
        keep(review, "away", factories.user(role))


def test_another_federation_and_operations_do_not_answer(office: Office) -> None:
    office.account("away")
    review = office.list()

    for person in (factories.applicant("27"), factories.operator()):
        with pytest.raises(NotAllowed):
            keep(review, "away", person)


def test_a_line_of_another_list_is_not_reached(office: Office) -> None:
    office.account("away")
    office.account("other", code="27")
    review = office.list()
    other = DormantLine.system.get(login_name="other")

    decision = Answer(line_id=other.pk, version=other.version, answer="KEEP", reason="使う")
    found = answering.answer(review_id=review.pk, decisions=[decision], actor=office.applicant, now=LATER)

    assert found == []
    other.refresh_from_db()
    assert other.is_open


def test_a_replaced_list_takes_no_answers(office: Office) -> None:
    office.account("away")
    review = office.list()
    office.list(dt.datetime(2027, 1, 1, 3, 30, tzinfo=JST))

    with pytest.raises(ListClosed):
        keep(review, "away", office.applicant)


# --- changed meanwhile -----------------------------------------------------------------------------------------------------
def test_an_answer_to_what_somebody_answered_meanwhile_does_not_count(office: Office) -> None:
    office.account("away")
    review = office.list()
    seen = line_of(review, "away")
    keep(review, "away", office.manager)

    late = Answer(line_id=seen.pk, version=seen.version, answer="KEEP", reason="別の理由")
    outcome = answering.answer(review_id=review.pk, decisions=[late], actor=office.applicant, now=LATER)[0]

    assert outcome.what is What.CHANGED
    assert line_of(review, "away").answered_by == office.manager
    again = Answer(line_id=seen.pk, version=seen.version, answer="KEEP", reason="休職中のため")
    twice = answering.answer(review_id=review.pk, decisions=[again], actor=office.manager, now=LATER)[0]
    assert twice.what is What.SAME


# --- delete ----------------------------------------------------------------------------------------------------------------
def lines_of(application: Application) -> list[str]:
    return [line.payload["login_name"] for line in application.lines.all()]


@pytest.mark.usefixtures("deletable")
def test_delete_opens_one_draft_of_the_person_and_links_it(office: Office) -> None:
    for name in ("one", "two", "three"):
        office.account(name)
    review = office.list()

    answer(review, ["one", "two"], "DELETE", office.applicant)
    answer(review, ["three"], "DELETE", office.applicant)

    application = Application.system.get()
    assert application.status == Status.DRAFT  # ACC-14: nothing is deleted before somebody submits it
    assert application.applicant == office.applicant
    assert application.organisation == review.organisation
    assert lines_of(application) == ["one", "two", "three"]
    assert "2026-12" in application.reason
    assert {line.application for line in review.lines.all()} == {application}
    assert all(entry.enabled for entry in office.directory.entries.values())
    review.refresh_from_db()
    assert review.status == DormantReview.Status.ANSWERED


@pytest.mark.usefixtures("deletable")
def test_only_an_applicant_answers_delete(office: Office) -> None:
    office.account("away")
    review = office.list()

    with pytest.raises(NotAllowed):
        answer(review, ["away"], "DELETE", office.manager)

    assert not Application.system.exists()


def test_delete_is_refused_where_no_kind_deletes(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "KINDS", {False: "no.such", True: "no.such"})
    office.account("away")
    review = office.list()

    with pytest.raises(InvalidAnswer):
        answer(review, ["away"], "DELETE", office.applicant)

    assert line_of(review, "away").is_open


@pytest.mark.usefixtures("deletable")
def test_more_accounts_than_fit_into_one_application_make_several(office: Office) -> None:
    names = [f"account{n:03}" for n in range(53)]
    for name in names:
        office.account(name)
    review = office.list()

    answer(review, names[:30], "DELETE", office.applicant)
    answer(review, names[30:], "DELETE", office.applicant)

    first, second = Application.system.order_by("pk")
    assert (first.line_count, second.line_count) == (50, 3)
    assert sorted(lines_of(first) + lines_of(second)) == names


@pytest.mark.usefixtures("deletable")
def test_a_second_person_gets_a_draft_of_their_own(office: Office) -> None:
    office.account("one")
    office.account("two")
    review = office.list()
    other = factories.applicant()

    answer(review, ["one"], "DELETE", office.applicant)
    answer(review, ["two"], "DELETE", other)

    assert {paper.applicant for paper in Application.system.all()} == {office.applicant, other}


@pytest.mark.usefixtures("deletable")
def test_a_submitted_application_is_not_touched_any_more(office: Office) -> None:
    office.account("one")
    office.account("two")
    review = office.list()
    answer(review, ["one"], "DELETE", office.applicant)
    first = Application.system.get()
    Application.system.filter(pk=first.pk).update(status=Status.IN_REVIEW)

    answer(review, ["two"], "DELETE", office.applicant)
    refused = keep(review, "one", office.applicant)

    assert lines_of(first) == ["one"]
    assert lines_of(Application.system.exclude(pk=first.pk).get()) == ["two"]
    assert refused.what is What.REFUSED
    assert first.number in refused.text
    assert line_of(review, "one").answer == "DELETE"


@pytest.mark.usefixtures("deletable")
def test_who_changes_delete_to_keep_takes_the_account_out_of_the_draft(office: Office) -> None:
    office.account("one")
    office.account("two")
    review = office.list()
    answer(review, ["one", "two"], "DELETE", office.applicant)
    application = Application.system.get()

    keep(review, "one", office.applicant)

    application.refresh_from_db()
    assert lines_of(application) == ["two"]
    assert line_of(review, "one").application is None
    keep(review, "two", office.applicant)
    application.refresh_from_db()
    assert application.status == Status.WITHDRAWN


@pytest.mark.usefixtures("deletable")
def test_the_draft_of_another_person_is_theirs(office: Office) -> None:
    office.account("one")
    review = office.list()
    answer(review, ["one"], "DELETE", office.applicant)

    refused = keep(review, "one", factories.applicant())

    assert refused.what is What.REFUSED
    assert office.applicant.display_name in refused.text


@pytest.mark.usefixtures("deletable")
def test_delete_can_be_taken_back_also_when_the_person_logged_on(office: Office) -> None:
    account = office.account("back")
    review = office.list()
    answer(review, ["back"], "DELETE", office.applicant)
    office.directory.controllers[DC2] = {account.guid: LATER}

    assert keep(review, "back", office.applicant).what is What.TAKEN

    assert Application.system.get().status == Status.WITHDRAWN


@pytest.mark.usefixtures("deletable")
def test_the_page_of_the_application_links_to_the_list(office: Office) -> None:
    from accounts.dormancy.links import _lists_of

    office.account("one")
    review = office.list()
    answer(review, ["one"], "DELETE", office.applicant)
    application = Application.system.get()

    assert [link.url for link in _lists_of(office.applicant, application)] == ["/dormant/2026-12/13/"]
    assert list(_lists_of(factories.applicant("27"), application)) == []  # ORG-02


@pytest.mark.usefixtures("deletable")
def test_a_draft_that_somebody_changed_by_hand_keeps_those_changes(office: Office) -> None:
    office.account("one")
    office.account("two")
    review = office.list()
    answer(review, ["one"], "DELETE", office.applicant)
    application = Application.system.get()
    from portal.workflow.content import Content

    services.save_draft(
        application_id=application.pk,
        actor=office.applicant,
        content=Content(reason="退職のため", lines=({"login_name": "one"},)),
        version=None,
        now=LATER,
    )

    answer(review, ["two"], "DELETE", office.applicant)

    application.refresh_from_db()
    assert application.reason == "退職のため"
    assert lines_of(application) == ["one", "two"]
