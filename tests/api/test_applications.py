"""Applications over REST: the same rules as on the screens, said in status codes and paths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.models import Application, ApplicationEvent, Status
from tests import factories
from tests.api.client import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("locker")]


@dataclass
class Office:
    """One federation with an applicant and an approver who use the interface."""

    code: str = "13"
    applicant: User = field(init=False)
    approver: User = field(init=False)

    def __post_init__(self) -> None:
        self.applicant = factories.applicant(self.code)
        self.approver = factories.approver(self.code)
        self.applying, self.deciding = Api(self.applicant), Api(self.approver)

    def draft(self, **values: Any) -> Any:
        body = {"kind": "test.locker", "organisation": self.code, "reason": "Needed", "lines": [line()]}
        return self.applying.post("applications/", body | values, check=201)

    def submitted(self, **values: Any) -> Any:
        made = self.draft(**values)
        return self.applying.post(step(made, "submit"), check=200, If_Match=tag(made))

    def seen(self, made: Any) -> Any:
        """The application as the approver reads it."""
        return self.deciding.get(f"applications/{made['number']}/")


_names = iter(range(10_000))


def line(**values: Any) -> dict[str, Any]:
    return {"name": f"locker {next(_names)}", "places": 2} | values


def tag(application: Any) -> str:
    return f'"{application["version"]}"'


def step(application: Any, name: str) -> str:
    return f"applications/{application['number']}/{name}/"


def decision(seen: Any, **values: Any) -> dict[str, Any]:
    shown = seen["decision"]
    named = {name: shown[name] for name in ("stage_id", "content_hash", "plan_digest")}
    return named | values


def paths(problem: Any) -> set[str]:
    return {error["path"] for error in problem["errors"]}


@pytest.fixture
def office() -> Office:
    return Office()


# --- Drafts -----------------------------------------------------------------------------------------------------------
def test_a_new_draft_is_201_with_its_address_and_version(office: Office) -> None:
    made = office.draft(desired_on="2027-01-05")

    assert office.applying.last["ETag"] == tag(made)
    assert office.applying.last["Location"].endswith(f"/api/v1/applications/{made['number']}/")
    assert (made["status"], made["reason"], made["desired_on"]) == ("DRAFT", "Needed", "2027-01-05")
    assert made["lines"][0]["payload"]["places"] == 2


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kind": "no.such"}, "kind"),
        ({"kind": 7}, "kind"),
        ({"organisation": "99"}, "organisation"),
        ({"organisation": "27"}, "organisation"),
        ({"reason": ["x"]}, "reason"),
        ({"reason": "x" * 2001}, "reason"),
        ({"desired_on": "tomorrow"}, "desired_on"),
        ({"desired_on": "2026-02-30"}, "desired_on"),
        ({"desired_on": 20261120}, "desired_on"),
        ({"lines": "x"}, "lines"),
        ({"lines": ["x"]}, "lines/0"),
        ({"lines": [{"name": "a"}, {"nmae": "b"}]}, "lines/1/nmae"),
        ({"status": "COMPLETED"}, "status"),
        ({"applicant": 1, "number": "A-1"}, "applicant"),
    ],
)
def test_a_wrong_value_is_400_and_named_by_its_path(
    office: Office, change: dict[str, Any], path: str
) -> None:
    body = {"kind": "test.locker", "organisation": "13", "lines": [line()]} | change

    problem = office.applying.post("applications/", body, check=400)

    assert path in paths(problem)
    assert not Application.system.exists()


def test_another_federation_is_as_unknown_as_one_that_does_not_exist(office: Office) -> None:
    body = {"kind": "test.locker", "organisation": "27"}

    foreign = office.applying.post("applications/", body, check=400)
    nonexistent = office.applying.post("applications/", body | {"organisation": "99"}, check=400)

    assert foreign["errors"] == nonexistent["errors"]  # hole class 6


@pytest.mark.parametrize("name", [f.name for f in Application._meta.get_fields() if f.concrete])
def test_no_field_of_the_model_can_be_written_unless_it_is_offered(office: Office, name: str) -> None:
    made = office.draft()
    if name in ("kind", "organisation", "reason", "desired_on"):
        return

    problem = office.applying.patch(f"applications/{made['number']}/", {name: 1}, 400, If_Match=tag(made))

    assert paths(problem) == {name}  # hole class 11


def test_a_draft_is_changed_in_part(office: Office) -> None:
    made = office.draft()

    changed = office.applying.patch(
        f"applications/{made['number']}/", {"reason": "New reason"}, 200, If_Match=tag(made)
    )

    assert (changed["reason"], changed["lines"][0]["payload"]) == ("New reason", made["lines"][0]["payload"])
    assert changed["version"] == made["version"] + 1


def test_what_was_read_can_be_sent_back(office: Office) -> None:
    made = office.draft()
    lines = [shown["payload"] for shown in made["lines"]]

    office.applying.patch(f"applications/{made['number']}/", {"lines": lines}, 200, If_Match=tag(made))


def test_a_change_without_the_version_is_428_and_on_an_old_one_412(office: Office) -> None:
    made = office.draft()
    address = f"applications/{made['number']}/"

    office.applying.patch(address, {"reason": "a"}, 428)
    office.applying.patch(address, {"reason": "a"}, 428, If_Match="*")
    office.applying.patch(address, {"reason": "a"}, 200, If_Match=tag(made))
    office.applying.patch(address, {"reason": "b"}, 412, If_Match=tag(made))

    assert office.applying.last["ETag"] == f'"{made["version"] + 1}"'
    assert Application.system.get().reason == "a"


# --- Submission and decisions -----------------------------------------------------------------------------------------
def test_submission_names_every_wrong_line_and_field(office: Office) -> None:
    made = office.draft(lines=[line(), {"name": "x" * 21}, line(name="taken")])

    problem = office.applying.post(step(made, "submit"), check=422, If_Match=tag(made))

    assert {"lines/1/name", "lines/1/places", "lines/2/name"} <= paths(problem)


def test_two_of_the_same_name_in_open_applications_are_refused(office: Office) -> None:
    office.submitted(lines=[line(name="one")])
    made = office.draft(lines=[line(name="ONE")])

    problem = office.applying.post(step(made, "submit"), check=422, If_Match=tag(made))

    assert paths(problem) == {"lines/0/name"}


def test_the_approver_sees_what_to_name_and_approves_with_it(office: Office) -> None:
    seen = office.seen(office.submitted())

    done = office.deciding.post(step(seen, "approve"), decision(seen), 200, If_Match=tag(seen))

    assert seen["decision"]["plans"][0]["changes"][0]["attribute"] == "name"
    assert done["status"] == Status.FULFILLING
    assert done["stages"][0]["decided_by"]["name"] == office.approver.display_name


@pytest.mark.parametrize("missing", ["stage_id", "content_hash", "plan_digest"])
def test_a_decision_has_to_name_what_was_seen(office: Office, missing: str) -> None:
    seen = office.seen(office.submitted())
    body = decision(seen)
    del body[missing]

    problem = office.deciding.post(step(seen, "approve"), body, 400, If_Match=tag(seen))

    assert paths(problem) == {missing}


@pytest.mark.parametrize("wrong", [{"content_hash": "0" * 64}, {"plan_digest": "0" * 64}])
def test_a_decision_on_something_else_than_what_is_there_is_409(
    office: Office, wrong: dict[str, str]
) -> None:
    seen = office.seen(office.submitted())

    problem = office.deciding.post(step(seen, "approve"), decision(seen, **wrong), 409, If_Match=tag(seen))

    assert problem["code"] == "content-changed"
    assert Application.system.get().status == Status.IN_REVIEW


def test_a_decision_needs_the_version_that_was_seen(office: Office) -> None:
    seen = office.seen(office.submitted())

    office.deciding.post(step(seen, "approve"), decision(seen), 428)
    office.deciding.post(step(seen, "approve"), decision(seen), 412, If_Match='"1000"')


@pytest.mark.parametrize("name", ["return", "reject"])
def test_returning_and_rejecting_need_a_comment(office: Office, name: str) -> None:
    seen = office.seen(office.submitted())

    problem = office.deciding.post(step(seen, name), decision(seen), 422, If_Match=tag(seen))
    office.deciding.post(step(seen, name), decision(seen, comment="Wrong door"), 200, If_Match=tag(seen))

    assert paths(problem) == {"comment"}


def test_the_second_of_two_approvers_is_told_who_was_first(office: Office) -> None:
    other = Api(factories.approver())
    seen = office.seen(office.submitted())
    office.deciding.post(step(seen, "return"), decision(seen, comment="No"), 200, If_Match=tag(seen))
    now = other.get(f"applications/{seen['number']}/")

    problem = other.post(step(seen, "approve"), decision(seen), 409, If_Match=tag(now))

    assert problem["code"] == "already-decided"
    assert problem["decision"]["decided_by"] == office.approver.display_name


def test_nobody_decides_on_their_own_application(office: Office) -> None:
    factories.membership(office.applicant, Role.APPROVER)
    made = office.submitted()
    body = {"stage_id": made["stages"][0]["id"], "content_hash": made["content_hash"], "plan_digest": ""}

    problem = office.applying.post(step(made, "approve"), body, 403, If_Match=tag(made))

    assert made["decision"] is None
    assert problem["code"] == "not-allowed"  # ORG-04


@pytest.mark.parametrize("name", ["submit", "approve", "reject", "return", "pull-back", "withdraw"])
def test_steps_of_another_federations_application_are_404_like_those_of_none(
    office: Office, name: str
) -> None:
    made = office.submitted()
    stranger = Api(factories.user(Role.APPLICANT, Role.APPROVER, code="27"))

    foreign = stranger.post(step(made, name), check=404)
    nonexistent = stranger.post(f"applications/TL-2026-999999/{name}/", check=404)

    for answer in (foreign, nonexistent):
        del answer["error_number"]
    assert foreign == nonexistent  # hole class 8


def test_the_applicant_takes_back_withdraws_and_is_told_what_is_not_possible(office: Office) -> None:
    made = office.submitted()

    back = office.applying.post(step(made, "pull-back"), check=200, If_Match=tag(made))
    problem = office.applying.post(step(back, "pull-back"), check=409, If_Match=tag(back))
    gone = office.applying.post(step(back, "withdraw"), {"comment": "Moved"}, 200, If_Match=tag(back))

    assert problem["code"] == "move-not-allowed"
    assert (back["status"], gone["status"]) == (Status.PULLED_BACK, Status.WITHDRAWN)


def test_a_repeated_step_with_its_key_is_answered_though_the_version_has_moved_on(office: Office) -> None:
    made = office.draft()
    sent = {"If_Match": tag(made), "Idempotency_Key": "abc"}

    first = office.applying.post(step(made, "submit"), check=200, **sent)
    second = office.applying.post(step(made, "submit"), check=200, **sent)

    assert first == second
    assert office.applying.last["Idempotency-Replayed"] == "true"
    assert ApplicationEvent.system.filter(verb="SUBMITTED").count() == 1


def test_a_repeated_creation_with_its_key_makes_one_draft(office: Office) -> None:
    body = {"kind": "test.locker", "organisation": "13", "lines": [line()]}

    first = office.applying.post("applications/", body, 201, Idempotency_Key="abc")
    second = office.applying.post("applications/", body, 201, Idempotency_Key="abc")
    office.applying.post("applications/", body | {"reason": "other"}, 422, Idempotency_Key="abc")

    assert first == second
    assert Application.system.count() == 1


def test_an_error_is_not_remembered_so_that_the_key_can_be_tried_again(office: Office) -> None:
    made = office.draft(reason="")
    office.applying.post(step(made, "submit"), check=422, If_Match=tag(made), Idempotency_Key="k")
    fixed = office.applying.patch(f"applications/{made['number']}/", {"reason": "x"}, 200, If_Match=tag(made))

    office.applying.post(step(made, "submit"), check=200, If_Match=tag(fixed), Idempotency_Key="k")


# --- Reading ----------------------------------------------------------------------------------------------------------
def test_the_list_shows_the_own_federation_only_whatever_is_asked(office: Office) -> None:
    office.submitted(lines=[line(name="himitsu")])
    stranger = Api(factories.applicant("27"))

    for query in ("", "?q=himitsu", "?status=IN_REVIEW", "?kind=test.locker"):
        assert office.applying.get(f"applications/{query}")["results"]
        assert stranger.get(f"applications/{query}") == {
            "results": [],
            "next": None,
            "previous": None,
        }  # hole class 1


def test_own_rows_are_complete_when_those_of_others_are_many(office: Office) -> None:
    other = Office("27")
    mine = [office.submitted()["number"] for _ in range(2)]
    for _ in range(4):
        other.submitted()

    shown = office.applying.get("applications/?limit=2")

    assert [row["number"] for row in shown["results"]] == mine[::-1]  # hole class 2


@pytest.mark.parametrize(
    "query",
    [
        "status=NO",
        "since=yesterday",
        "kind=no.such",
        "organisation=27",
        "organisation=99",
        "cursor=x",
        "cursor=a99999999999999999999",
        "limit=0",
        "limit=201",
        "limit=１",
        "applicant__email__startswith=a",
        "order_by=reason",
    ],
)
def test_an_unknown_filter_or_value_is_400_and_named(office: Office, query: str) -> None:
    problem = office.applying.get(f"applications/?{query}", check=400)

    assert paths(problem) == {query.partition("=")[0]}  # hole class 7


def test_filters_narrow_the_list(office: Office) -> None:
    draft, waiting = office.draft(), office.submitted(lines=[line(name="blue door")])

    def numbers(query: str) -> list[str]:
        return [row["number"] for row in office.applying.get(f"applications/?{query}")["results"]]

    assert numbers("status=DRAFT") == [draft["number"]]
    assert numbers("q=BLUE") == [waiting["number"]]
    assert numbers("since=2000-01-01") == [waiting["number"]]
    assert numbers("until=2000-01-01") == []
    assert numbers("organisation=13&kind=test.locker") == [waiting["number"], draft["number"]]


def test_pages_lead_through_all_rows_once_and_back(office: Office) -> None:
    made = [office.draft()["number"] for _ in range(5)]
    found, address = [], "applications/?limit=2&status=DRAFT"
    while address:
        shown = office.applying.get(address)
        found += [row["number"] for row in shown["results"]]
        last, address = shown, (shown["next"] or "").partition("/api/v1/")[2]

    assert found == made[::-1]
    before = office.applying.get(last["previous"].partition("/api/v1/")[2])
    assert [row["number"] for row in before["results"]] == made[2:0:-1]


def test_the_list_costs_the_same_for_one_row_and_for_thirty(office: Office) -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            office.applying.get("applications/")
        return len(caught)

    office.submitted()
    one = statements()
    for _ in range(29):
        office.submitted()

    assert statements() == one


def test_reading_leaves_a_trace(office: Office) -> None:
    made = office.submitted()

    office.seen(made)
    office.deciding.get("applications/?q=locker")

    entry = TrailEntry.objects.get(action="application.view", actor=office.approver)
    assert (entry.object_label, entry.object_organisation.code) == (made["number"], "13")  # SEC-02
    assert TrailEntry.objects.get(action="application.list").detail == {"query": {"q": "locker"}}


def test_no_secret_and_no_internal_key_is_ever_in_an_answer(office: Office) -> None:
    seen = office.seen(office.submitted())
    listed = office.deciding.get("applications/")
    wanted = {
        "password",
        "digest",
        "search_text",
        "reservation_key",
        "email",
        "is_superuser",
        "token",
        "data",
    }

    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    assert not wanted & (keys(seen) | keys(listed))  # hole classes 3 and 4


def test_somebody_elses_draft_is_nobodys_business(office: Office) -> None:
    made = office.draft()

    office.deciding.get(f"applications/{made['number']}/", check=404)
    assert office.deciding.get("applications/")["results"] == []


@pytest.mark.parametrize("number", ["1", "TL-2026-999999", "A-2026-00000'", "TL-2026-000001%0a", "x" * 3000])
def test_a_number_that_is_none_is_404(office: Office, number: str) -> None:
    office.applying.get(f"applications/{number}/", check=404)
