"""Lists, the inbox and the decision page: within the scope, in few statements (ORG-02)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.notices.services import queue
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import selectors, services
from portal.workflow.counts import work_counts
from portal.workflow.models import Application, RouteStage, Status
from portal.workflow.selectors import Filters
from tests import factories
from tests.workflow import cards

pytestmark = pytest.mark.django_db
NOTHING = Filters()


def fresh(person: User) -> User:
    return User.objects.get(pk=person.pk)


def listed(person: User, **filters: Any) -> set[Application]:
    return set(selectors.applications(fresh(person), Filters(**filters)))


def waiting_for(person: User) -> set[Application]:
    found = set(selectors.inbox(fresh(person), timezone.now()))
    assert work_counts(fresh(person), timezone.now()).inbox == len(found)  # the menu says what the page lists
    return found


def statements(call: Any) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


def test_a_federation_sees_only_its_own(office: cards.Office) -> None:  # ORG-02
    other = cards.Office("27")
    own, foreign = cards.submitted(office.applicant, "a"), cards.submitted(other.applicant, "b")

    assert listed(office.approver) == {own}
    assert listed(other.approver) == {foreign}
    assert listed(office.operator) == {own, foreign}
    assert listed(factories.user(Role.AUDIT_REVIEWER, code="central")) == {own, foreign}
    for number in (foreign.number, "K-2026-999999", "\x00"):
        with pytest.raises(Application.DoesNotExist):
            selectors.application(office.approver, number)


def test_a_plain_user_sees_only_their_own_applications(office: cards.Office) -> None:
    person = factories.user(Role.USER)
    former = factories.application(applicant=person, status=Status.COMPLETED)
    cards.submitted(office.applicant)

    assert listed(person) == {former}


def test_a_deputy_reads_what_they_may_decide(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    stand_in = factories.user(Role.USER)
    assert listed(stand_in) == set()

    factories.deputy(office.approver, stand_in, Role.APPROVER)

    assert listed(stand_in) == {application}
    assert waiting_for(stand_in) == {application}


def test_a_deputy_who_was_ended_reads_and_finds_nothing_any_more(office: cards.Office) -> None:  # ORG-02
    application = cards.submitted(office.applicant)
    stand_in = factories.user(Role.USER)
    factories.deputy(office.approver, stand_in, Role.APPROVER, ended_at=timezone.now())

    stand_in = User.objects.get(pk=stand_in.pk)
    assert not selectors.inbox(stand_in, timezone.now()).exists()
    assert not selectors.applications(stand_in, Filters()).exists()
    with pytest.raises(Application.DoesNotExist):
        selectors.application(stand_in, application.number)


def test_a_person_without_membership_sees_nothing(office: cards.Office) -> None:
    cards.submitted(office.applicant)
    office.approver.memberships.update(valid_until=timezone.localdate() - dt.timedelta(days=1))

    assert listed(office.approver) == set()
    assert waiting_for(office.approver) == set()


def test_a_draft_is_seen_by_its_applicant_alone(office: cards.Office) -> None:
    application = cards.draft(office.applicant)

    assert listed(office.applicant) == {application}
    assert listed(office.operator) == set()
    with pytest.raises(Application.DoesNotExist):
        selectors.application(fresh(office.approver), application.number)


def test_drafts_are_the_persons_own_and_those_pulled_back(office: cards.Office) -> None:
    draft, pulled = cards.draft(office.applicant, "a"), cards.submitted(office.applicant, "b")
    cards.submitted(office.applicant, "c")
    services.pull_back(application_id=pulled.pk, actor=office.applicant, now=timezone.now())
    cards.draft(factories.applicant(), "d")

    assert set(selectors.drafts(fresh(office.applicant))) == {draft, pulled}


def test_the_inbox_follows_the_stages(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    assert (waiting_for(office.approver), waiting_for(office.operator)) == ({application}, set())

    cards.approve(application, office.approver)

    assert (waiting_for(office.approver), waiting_for(office.operator)) == (set(), {application})


def test_the_inbox_never_holds_the_persons_own_application(world: cards.World) -> None:  # ORG-04
    both = factories.user(Role.APPLICANT, Role.APPROVER)
    colleague = factories.approver()
    factories.operator()
    stand_in = factories.user(Role.USER)
    factories.deputy(both, stand_in, Role.APPROVER)
    application = cards.submitted(both)

    assert waiting_for(both) == set()
    assert waiting_for(stand_in) == set()  # nor is it decided for the applicant
    assert waiting_for(colleague) == {application}


def test_the_inbox_never_holds_a_second_stage_of_one_person(office: cards.Office) -> None:  # ORG-04
    for position in (1, 2):
        RouteStage.objects.create(
            kind=cards.CODE, position=position, label="Approval", role=Role.APPROVER, decided_in="OWN"
        )
    second, stand_in = factories.approver(), factories.user(Role.USER)
    factories.deputy(office.approver, stand_in, Role.APPROVER)
    application = cards.approve(cards.submitted(office.applicant), office.approver)

    assert waiting_for(office.approver) == set()
    assert waiting_for(stand_in) == set()
    assert waiting_for(second) == {application}


def test_the_inbox_and_the_decision_agree(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    people = [
        office.applicant,
        office.approver,
        office.operator,
        factories.user(Role.AUDITOR),
        factories.applicant(),
    ]

    for person in people:
        view = selectors.decision_view(fresh(person), application, timezone.now())
        buttons = selectors.actions(
            fresh(person), selectors.application(fresh(office.operator), application.number)
        )
        assert view.may_decide == buttons.decide == (application in waiting_for(person))
        assert bool(view.why_not) != view.may_decide


def test_filters_narrow_the_list(office: cards.Office) -> None:
    late = cards.submitted(office.applicant, "髙橋", now=timezone.now() - dt.timedelta(days=30))
    soon = cards.submitted(office.applicant, "サトウ")
    other = cards.submitted(cards.Office("27").applicant, "ito")
    operator = office.operator

    assert listed(operator, status=Status.IN_REVIEW) == {late, soon, other}
    assert listed(operator, status=Status.REJECTED) == set()
    assert listed(operator, kind="accounts.register") == set()
    assert listed(operator, organisation="27") == {other}
    assert listed(operator, q="髙橋") == {late}
    assert listed(operator, q="さとう") == {soon}
    assert listed(operator, q=soon.number.lower()) == {soon}
    assert listed(operator, q=soon.number.translate({ord("0"): "０"})) == {soon}
    assert listed(operator, q=f"{soon.number} さとう") == {soon}
    assert listed(operator, q="さとう 髙橋") == set()
    assert listed(operator, q="100%") == set()
    assert listed(operator, due=selectors.OVERDUE) == {late}
    assert listed(operator, due=selectors.NEXT_7_DAYS) == {soon, other}
    assert listed(office.applicant, mine=True) == {late, soon}
    assert listed(office.approver, mine=True) == set()


@pytest.mark.parametrize(
    "typed", ["K-{n}", "ｋ－{n}", "{y}-{n}", "K-{y}-{n}", "k‐{y}‐{n:06d}", "Kー{n}", "{n:06d}"]
)
def test_a_number_is_found_as_people_say_it(office: cards.Office, typed: str) -> None:  # REQ-03
    wanted = cards.submitted(office.applicant)
    cards.submitted(office.applicant, "sato")
    prefix, year, digits = wanted.number.split("-")
    assert prefix == "K"

    query = typed.format(y=year, n=int(digits))

    assert listed(office.operator, q=query) == {wanted}


def test_the_end_of_a_login_name_is_no_number(office: cards.Office) -> None:
    wanted = cards.submitted(office.applicant, "suzuki-1")

    assert listed(office.operator, q="suzuki-1") == {wanted}
    assert listed(office.operator, q="ki-1") == {wanted}


def test_the_period_of_submission_is_counted_in_days_of_japan(office: cards.Office) -> None:
    late = dt.datetime(2026, 3, 31, 14, 59, tzinfo=dt.UTC)  # 23:59 in Japan
    march = cards.submitted(office.applicant, "a", now=late)
    april = cards.submitted(office.applicant, "b", now=late + dt.timedelta(minutes=1))
    cards.draft(office.applicant, "c")

    assert listed(office.operator, until="2026-03-31") == {march}
    assert listed(office.operator, since="2026-04-01") == {april}
    assert listed(office.operator, since="2026-03-31", until="2026-04-01") == {march, april}
    assert Filters.from_query({"since": "R8.4.1", "until": "8/41"}) == Filters(since="2026-04-01")


def test_filters_survive_the_way_through_the_url(world: cards.World) -> None:
    filters = Filters(
        status="DRAFT",
        kind=cards.CODE,
        organisation="13",
        q="髙橋 %",
        due="overdue",
        since="2026-04-01",
        mine=True,
    )

    assert Filters.from_query(QueryDict(filters.to_query())) == filters  # type: ignore[arg-type]
    assert Filters().to_query() == ""


def test_unknown_filter_values_are_ignored(world: cards.World) -> None:
    query = {
        "status": "x",
        "kind": "no",
        "organisation": "1' OR",
        "due": "now",
        "mine": "maybe",
        "q": "a\x00",
    }

    assert Filters.from_query(query) == Filters(q="a")


def test_counts_of_the_home_page(office: cards.Office) -> None:
    cards.draft(office.applicant, "a")
    returned = cards.submitted(office.applicant, "b")
    services.return_(**cards.seen(returned, office.approver), comment="直して")
    cards.submitted(office.applicant, "c")
    cards.submitted(office.applicant, "d", now=timezone.now() - dt.timedelta(days=30))
    factories.application(applicant=office.applicant, status=Status.NEEDS_ATTENTION)

    mine = work_counts(fresh(office.applicant), timezone.now())
    approver = work_counts(fresh(office.approver), timezone.now())
    operator = work_counts(fresh(office.operator), timezone.now())

    assert (mine.drafts, mine.returned, mine.in_review, mine.attention) == (1, 1, 2, 1)
    assert (approver.inbox, approver.overdue, approver.attention) == (2, 1, 0)
    assert operator.attention == 1


def test_counts_stay_within_the_scope_and_with_the_person(office: cards.Office) -> None:  # ORG-02
    elsewhere = factories.organisation("27")
    stuck = {"status": Status.NEEDS_ATTENTION, "applicant": factories.applicant(code="27")}
    factories.application(code="27", **stuck)
    factories.application(
        code="27", applicant=office.applicant, status=Status.DRAFT
    )  # from before a transfer
    notices = {"template": "approval_request", "to_address": "a@example.jp", "now": timezone.now()}
    for person, organisation in (
        (office.applicant, office.applicant.organisation),
        (office.approver, elsewhere),
    ):
        queue(to_user=person, organisation_id=organisation.pk, **notices)

    mine = work_counts(fresh(office.applicant), timezone.now())
    approver = work_counts(fresh(office.approver), timezone.now())
    operator = work_counts(fresh(office.operator), timezone.now())

    assert (mine.drafts, mine.attention, mine.unread_notices) == (0, 0, 1)
    assert (approver.attention, approver.unread_notices) == (0, 0)
    assert (operator.attention, operator.unread_notices) == (1, 0)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.DRAFT, {"edit", "submit", "attach", "withdraw", "copy"}),
        (Status.RETURNED, {"edit", "submit", "attach", "withdraw", "copy"}),
        (Status.IN_REVIEW, {"pull_back", "withdraw", "copy"}),
        (Status.FULFILLING, {"copy"}),
        (Status.COMPLETED, {"copy"}),
    ],
)
def test_the_applicants_buttons(status: Status, expected: set[str], office: cards.Office) -> None:
    row = factories.application(applicant=office.applicant, status=status, kind=cards.CODE)
    shown = selectors.application(fresh(office.applicant), row.number)

    buttons = selectors.actions(fresh(office.applicant), shown)

    assert {name for name, offered in vars(buttons).items() if offered} == expected


def test_an_auditor_gets_no_button(office: cards.Office) -> None:  # ORG-03
    auditor = factories.user(Role.AUDITOR)
    application = selectors.application(auditor, cards.submitted(office.applicant).number)

    assert not any(vars(selectors.actions(auditor, application)).values())


def test_incomplete_lines_are_shown_without_payload(office: cards.Office) -> None:
    application = cards.draft(office.applicant, "sato")
    line = application.lines.get()
    line.payload = {"colour": "red"}
    line.save()

    assert [shown.payload for shown in selectors.shown_lines(application)] == [None]


def test_the_plan_is_asked_for_only_by_who_may_decide(office: cards.Office, world: cards.World) -> None:
    application = cards.submitted(office.applicant)
    asked = world.asked

    view = selectors.decision_view(office.applicant, application, timezone.now())

    assert world.asked == asked
    assert view.plans == view.frozen


def test_lists_cost_the_same_at_1_and_at_30_rows(office: cards.Office) -> None:
    people = [office.applicant, office.approver, office.operator]

    def costs() -> list[int]:
        return [
            statements(lambda call=call, person=person: call(person))
            for person in map(fresh, people)
            for call in (
                lambda user: [
                    (a.organisation.name, a.applicant.display_name)
                    for a in selectors.applications(user, NOTHING)
                ],
                lambda user: [
                    (a.organisation.name, a.applicant.display_name)
                    for a in selectors.inbox(user, timezone.now())
                ],
                lambda user: work_counts(user, timezone.now()),
            )
        ]

    cards.submitted(office.applicant, "n0")
    at_one = costs()
    for n in range(1, 30):
        cards.submitted(office.applicant, f"n{n}")

    assert costs() == at_one
    assert max(at_one) <= 5


def test_one_application_costs_the_same_with_1_and_with_5_lines(office: cards.Office) -> None:
    def cost(*names: str) -> int:
        application = cards.approve(cards.submitted(office.applicant, *names), office.approver)
        person = fresh(office.operator)

        def show() -> None:
            shown = selectors.application(person, application.number)
            selectors.decision_view(person, shown, timezone.now())
            selectors.shown_lines(shown)
            selectors.revision_changes(shown)
            selectors.actions(person, shown)
            [(e.actor, e.acted_for) for e in shown.events.all()]
            [(s.organisation.name, s.decided_by) for s in shown.stages.all()]

        return statements(show)

    assert cost("a") == cost("b", "c", "d", "e", "f") <= 12
