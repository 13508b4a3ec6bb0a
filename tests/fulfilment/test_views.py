"""The screens of network operations: who sees what, what each step answers, how much they ask the database."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.fulfilment import registry, services
from portal.fulfilment.models import Operation, TargetState
from portal.fulfilment.registry import NeedsPerson
from portal.fulfilment.steps import STEPS
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.fulfilment.support import KIND, TARGET, FakeHandler, operation
from tests.roles import client_for

pytestmark = pytest.mark.django_db

STEP_PAGES = [step.name.replace("_", "-") for step in STEPS]


@pytest.fixture
def operator_client() -> Client:
    return client_for(Role.OPERATOR, code="operations")


@pytest.fixture
def auditor_client() -> Client:
    return client_for(Role.AUDITOR, code="operations")


def pages(pk: int) -> list[str]:
    return ["/operations/", "/operations/export/", f"/operations/{pk}/", f"/operations/{pk}/sheet/"]


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()


def test_nobody_outside_operations_sees_anything(handler: FakeHandler) -> None:
    pk = operation(status="MANUAL").pk
    people = [
        client_for(Role.APPLICANT),
        client_for(Role.SECURITY_MANAGER),
        client_for(Role.AUDITOR, code="13"),
        client_for(Role.APPROVER, code="central"),
        client_for(Role.AUDITOR, code="central"),
        client_for(Role.USER, code="operations"),
    ]

    for client in people:
        for page in pages(pk) + [f"/operations/{pk}/{step}/" for step in STEP_PAGES]:
            assert client.get(page).status_code == 403, page
    assert not TrailEntry.objects.filter(action__startswith="operation").exists()


def test_without_login_nothing_is_shown(client: Client, handler: FakeHandler) -> None:
    for page in pages(operation().pk):
        assert client.get(page).status_code == 302


def test_an_auditor_reads_and_never_acts(auditor_client: Client, handler: FakeHandler) -> None:
    target = operation(status="MANUAL")

    for page in pages(target.pk):
        assert auditor_client.get(page).status_code == 200
    for step in STEP_PAGES:
        assert auditor_client.get(f"/operations/{target.pk}/{step}/").status_code == 403
        assert auditor_client.post(f"/operations/{target.pk}/{step}/").status_code == 403
    assert auditor_client.post(f"/operations/targets/{TARGET}/pause/").status_code == 403
    assert f"/operations/{target.pk}/close/" not in body(auditor_client.get(f"/operations/{target.pk}/"))


def test_an_unknown_operation_is_404(operator_client: Client) -> None:
    for page in pages(999)[2:] + [f"/operations/999/{step}/" for step in STEP_PAGES]:
        assert operator_client.get(page).status_code == 404


def test_the_list_shows_age_reason_attempts_and_counts(operator_client: Client, handler: FakeHandler) -> None:
    operation(
        status="ATTENTION",
        error_message="同じ名前があります。",
        attempts=7,
        created_at=timezone.now() - dt.timedelta(hours=3),
    )
    operation(status="DONE")

    shown = body(operator_client.get("/operations/"))

    assert "同じ名前があります。" in shown
    assert '<span class="n">1</span>' in shown
    assert ">7<" in shown
    assert shown.count('role="rowheader"') == 1


@pytest.mark.parametrize(
    ("tab", "status"),
    [
        ("attention", "ATTENTION"),
        ("manual", "MANUAL"),
        ("unknown", "OUTCOME_UNKNOWN"),
        ("waiting", "WAITING"),
        ("waiting", "RUNNING"),
        ("done", "DONE"),
        ("done", "CLOSED"),
    ],
)
def test_each_tab_holds_its_states(
    operator_client: Client, handler: FakeHandler, tab: str, status: str
) -> None:
    wanted = operation(status=status)
    for other in (
        {"ATTENTION", "MANUAL", "OUTCOME_UNKNOWN", "DONE"} - {status} - ({"DONE"} if tab == "done" else set())
    ):
        operation(status=other)

    shown = body(operator_client.get(f"/operations/?tab={tab}"))

    assert shown.count('role="rowheader"') == 1
    assert wanted.subject in shown


def test_the_link_of_an_application_shows_all_its_operations(
    operator_client: Client, handler: FakeHandler
) -> None:
    done, other = operation(status="DONE"), operation()

    shown = body(operator_client.get(f"/operations/?application={done.application_number}"))

    assert done.subject in shown
    assert other.subject not in shown


@pytest.mark.parametrize("query", ["tab=nonsense", "cursor=zzz", "q=" + "x" * 5000, "application=%25"])
def test_strange_parameters_are_no_error(operator_client: Client, query: str) -> None:
    assert operator_client.get(f"/operations/?{query}").status_code == 200


def test_the_list_asks_the_database_as_often_for_one_row_as_for_thirty(
    operator_client: Client, handler: FakeHandler
) -> None:
    operator = factories.operator()
    counts = []
    for rows in (1, 29):
        for _ in range(rows):
            operation(status="MANUAL", taken_by=operator, taken_at=timezone.now())
        operator_client.get("/operations/")
        with CaptureQueriesContext(connection) as queries:
            operator_client.get("/operations/")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_opening_an_operation_or_its_sheet_leaves_a_trace(
    operator_client: Client, handler: FakeHandler
) -> None:
    target = operation()

    operator_client.get(f"/operations/{target.pk}/")
    operator_client.get(f"/operations/{target.pk}/sheet/")
    operator_client.get("/operations/export/")

    actions = list(TrailEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["operation.view", "operation.sheet", "operation.export"]


def test_reading_the_list_of_names_leaves_a_trace(operator_client: Client, handler: FakeHandler) -> None:
    operation()  # SEC-02

    operator_client.get("/operations/", {"q": "鈴木"})
    operator_client.get("/api/v1/operations/", {"status": "WAITING"})

    screen, rest = TrailEntry.objects.filter(action="operation.list").order_by("pk")
    assert screen.detail["filters"]["q"] == "鈴木"
    assert rest.detail == {"query": {"status": "WAITING"}}


def test_the_page_looks_again_by_itself_only_while_a_worker_is_at_it(
    operator_client: Client, handler: FakeHandler
) -> None:
    running, waiting = operation(status="RUNNING"), operation()

    assert "every 2s" in body(operator_client.get(f"/operations/{running.pk}/"))
    assert "every 2s" not in body(operator_client.get(f"/operations/{waiting.pk}/"))
    part = body(operator_client.get(f"/operations/{running.pk}/", headers={"HX-Request": "true"}))
    assert part.lstrip().startswith('<div class="l-stack" id="operation-state"')
    assert TrailEntry.objects.filter(action="operation.view").count() == 2


def test_only_the_steps_that_are_possible_are_offered(operator_client: Client, handler: FakeHandler) -> None:
    offered = {
        "WAITING": {"retry", "take", "close"},
        "RUNNING": {"take"},
        "OUTCOME_UNKNOWN": {"retry", "take", "close"},
        "ATTENTION": {"retry", "take", "close"},
        "MANUAL": {"record", "give-back", "close"},
        "DONE": set(),
        "CLOSED": set(),
    }
    for status, steps in offered.items():
        target = operation(status=status)
        shown = body(operator_client.get(f"/operations/{target.pk}/"))
        assert {step for step in STEP_PAGES if f"/operations/{target.pk}/{step}/" in shown} == steps, status


def test_a_step_asks_first_and_then_acts(operator_client: Client, handler: FakeHandler) -> None:
    target = operation()

    assert operator_client.get(f"/operations/{target.pk}/take/").status_code == 200
    target.refresh_from_db()
    assert target.status == "WAITING"
    response = operator_client.post(f"/operations/{target.pk}/take/", follow=True)

    target.refresh_from_db()
    assert (target.status, target.taken_by) == ("MANUAL", operator_client.user)  # type: ignore[attr-defined]
    assert response.redirect_chain == [(f"/operations/{target.pk}/", 302)]


def test_a_second_click_is_told_what_happened(operator_client: Client, handler: FakeHandler) -> None:
    target = operation()
    operator_client.post(f"/operations/{target.pk}/take/")

    again = operator_client.post(f"/operations/{target.pk}/take/")
    old_tab = operator_client.get(f"/operations/{target.pk}/retry/")

    assert (again.status_code, old_tab.status_code) == (409, 409)
    assert operator_client.user.display_name in body(again)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("step", "field"), [("record", "note"), ("close", "reason")])
def test_a_missing_text_is_said_at_its_field(
    operator_client: Client, handler: FakeHandler, step: str, field: str
) -> None:
    target = operation(status="MANUAL")

    response = operator_client.post(f"/operations/{target.pk}/{step}/", {field: "  "})

    assert response.status_code == 422
    assert f'id="id_{field}_error"' in body(response)


def test_recorded_work_that_differs_shows_the_difference(
    operator_client: Client, handler: FakeHandler
) -> None:
    target = operation(status="MANUAL")
    handler.verified = NeedsPerson(code="differs", message="所属：総務課 → 監査課")

    response = operator_client.post(
        f"/operations/{target.pk}/record/", {"note": "登録しました。"}, follow=True
    )

    assert "所属：総務課 → 監査課" in body(response)
    target.refresh_from_db()
    assert target.status == "MANUAL"


def test_the_sheet_prints_what_to_write_and_warns_while_the_portal_is_at_it(
    operator_client: Client, handler: FakeHandler
) -> None:
    target = operation()

    shown = body(operator_client.get(f"/operations/{target.pk}/sheet/"))
    taken = services.take_by_hand(operation_id=target.pk, actor=factories.operator(), now=timezone.now())
    again = body(operator_client.get(f"/operations/{target.pk}/sheet/"))

    assert "ログイン名" in shown
    assert str(taken.marker) in shown
    assert 'data-s="warn"' in shown
    assert 'data-s="warn"' not in again


def test_a_remedy_is_offered_for_its_code(
    operator_client: Client, handler: FakeHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_remedies", {})
    registry.register_remedy(
        KIND, "refused", registry.Remedy(label="送り先を変える", url_name="operation_sheet")
    )
    stopped, other = operation(status="ATTENTION", error_code="refused"), operation(status="ATTENTION")

    assert "送り先を変える" in body(operator_client.get(f"/operations/{stopped.pk}/"))
    assert "送り先を変える" not in body(operator_client.get(f"/operations/{other.pk}/"))


def test_a_target_is_paused_and_resumed(operator_client: Client, handler: FakeHandler) -> None:
    operator_client.post(f"/operations/targets/{TARGET}/pause/")
    assert TargetState.objects.get().paused_at is not None

    operator_client.post(f"/operations/targets/{TARGET}/resume/")
    assert TargetState.objects.get().paused_at is None
    assert operator_client.post("/operations/targets/nonsense/pause/").status_code == 404
    assert operator_client.get(f"/operations/targets/{TARGET}/pause/").status_code == 405


def test_an_open_breaker_is_shown_with_its_next_probe(operator_client: Client, handler: FakeHandler) -> None:
    now = timezone.now()
    TargetState.objects.create(
        target=TARGET, failures=3, opened_at=now, next_probe_at=now, reason="unreachable 応答がありません。"
    )

    assert "応答がありません。" in body(operator_client.get("/operations/"))


def test_the_file_cannot_run_a_formula(operator_client: Client, handler: FakeHandler) -> None:
    made = operation()
    Operation.system.filter(pk=made.pk).update(subject="=1+1")

    rows = body(operator_client.get("/operations/export/"))

    assert "'=1+1" in rows
    assert made.application_number in rows
