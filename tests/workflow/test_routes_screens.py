"""Approval routes are data that operations look after (ACC-03)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import kinds, route_changes, routes
from portal.workflow.errors import ContentChanged, NotAllowed
from portal.workflow.kinds import OPERATIONS, OWN, StageSpec
from portal.workflow.models import RouteStage
from tests import factories
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
TWO = [
    StageSpec(label="課長承認", role=Role.APPROVER, decided_in=OWN, business_days=2),
    StageSpec(label="受付", role=Role.OPERATOR, decided_in=OPERATIONS, business_days=1),
]


def kind() -> kinds.ApplicationKind[Any]:
    return kinds.get("accounts.register")


def set_route(code: str | None = None, stages: Any = TWO, seen: Any = (), actor: Any = None) -> None:
    route_changes.set_route(
        actor=actor or factories.operator(),
        kind=kind(),
        organisation=factories.organisation(code) if code else None,
        stages=stages,
        seen=seen,
        now=timezone.now(),
    )


def form_data(stages: Any, seen: str = "[]") -> dict[str, Any]:
    data: dict[str, Any] = {"seen": seen}
    for n in range(route_changes.MAX_STAGES):
        stage = stages[n] if n < len(stages) else None
        data |= {
            f"{n}-label": stage.label if stage else "",
            f"{n}-role": stage.role if stage else "",
            f"{n}-decided_in": stage.decided_in if stage else OWN,
            f"{n}-business_days": stage.business_days if stage else 3,
        }
    return data


def test_route_of_one_organisation_comes_before_the_general_one() -> None:
    set_route(stages=TWO[:1])
    set_route("13", stages=TWO)

    assert list(routes.route_of(kind(), factories.organisation("13"))) == TWO
    assert list(routes.route_of(kind(), factories.organisation("27"))) == TWO[:1]


def test_route_without_rows_is_the_one_that_the_kind_brings() -> None:
    set_route("13")
    set_route("13", stages=[], seen=TWO)

    assert routes.route_of(kind(), factories.organisation("13")) == kind().default_route


def test_change_is_recorded_with_before_and_after() -> None:
    set_route("13")

    entry = TrailEntry.objects.get(action="route.change")
    assert entry.detail["before"] == []
    assert [stage["label"] for stage in entry.detail["after"]] == ["課長承認", "受付"]


def test_second_of_two_editors_is_told_that_the_route_changed() -> None:
    set_route("13")

    with pytest.raises(ContentChanged):
        set_route("13", stages=TWO[:1], seen=[])
    assert RouteStage.objects.count() == 2


@pytest.mark.parametrize(
    "stage",
    [
        StageSpec(label="x", role=Role.OPERATOR, decided_in=OWN),
        StageSpec(label="x", role=Role.SECURITY_MANAGER, decided_in=OPERATIONS),
        StageSpec(label="x", role=Role.APPLICANT),
        StageSpec(label=" ", role=Role.APPROVER),
        StageSpec(label="x", role=Role.APPROVER, business_days=0),
    ],
)
def test_stage_that_nobody_could_decide_is_refused(stage: StageSpec) -> None:
    with pytest.raises(route_changes.InvalidRoute):
        set_route("13", stages=[stage])
    assert not RouteStage.objects.exists()


@pytest.mark.parametrize("role", [Role.SECURITY_MANAGER, Role.APPROVER, Role.AUDITOR])
def test_only_operations_change_routes(role: str) -> None:
    with pytest.raises(NotAllowed):
        set_route(actor=factories.user(role))
    assert client_for(role).get(reverse("route_list")).status_code == 403
    assert client_for(role).get(reverse("route_edit", kwargs={"kind": kind().code})).status_code == 403


def operator_client() -> Client:
    return client_of(factories.operator())


def test_screen_saves_a_route_and_shows_it() -> None:
    client, url = operator_client(), reverse("route_edit_own", kwargs={"kind": kind().code, "code": "13"})
    assert client.get(url).status_code == 200

    response = client.post(url, form_data(TWO))

    assert response.status_code == 302
    assert list(routes.route_of(kind(), factories.organisation("13"))) == TWO
    assert "東京都国保連合会" in client.get(reverse("route_list")).content.decode()


def test_screen_says_at_the_stage_what_is_wrong() -> None:
    url = reverse("route_edit_own", kwargs={"kind": kind().code, "code": "13"})
    bad = [TWO[0], StageSpec(label="受付", role=Role.OPERATOR, decided_in=OWN)]

    response = operator_client().post(url, form_data(bad))

    assert response.status_code == 422
    assert response.context["forms"][1].errors["role"]
    assert 'value="受付"' in response.content.decode()


@pytest.mark.parametrize("seen", ["", "null", '{"a": 1}', "[1]", '[{"x": 1}]', "x", "[" * 100_000])
def test_hostile_note_of_what_was_seen_is_no_error(seen: str) -> None:
    url = reverse("route_edit", kwargs={"kind": kind().code})

    assert operator_client().post(url, form_data(TWO, seen)).status_code == 422


@pytest.mark.parametrize(
    "path", ["routes/none/", "routes/accounts.register/99/", "routes/accounts.register/?organisation=x"]
)
def test_unknown_kinds_and_organisations_are_404(path: str) -> None:
    assert operator_client().get(f"/{path}").status_code == 404
