"""The screens of the guard: the truth about each guard, the list as a file, the modes, the mapping."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from devices.guard import publishing
from devices.guard.models import ExportMapping, Mode, ModeDecision
from portal.gateways.guard import Step
from portal.jobs.models import JobRun
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests.devices.guard import world
from tests.devices.guard.world import FakeGuard
from tests.roles import client_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    """A person of network operations."""
    return client_for(Role.OPERATOR, code="operations")


def test_mac_07_the_page_says_what_is_in_force_and_why_not_the_newest(
    guard: FakeGuard, operator: Client
) -> None:
    world.entry()
    publishing.publish(now_fn=world.now)
    assert "適用済み" in operator.get("/operations/guard/").content.decode()
    world.entry()
    guard.fails[Step.CHECK] = "Parse error at line 3"
    publishing.publish(now_fn=world.now)

    page = operator.get("/operations/guard/").content.decode()

    assert "適用できていません" in page
    assert "Parse error at line 3" in page


@pytest.mark.parametrize(
    ("form", "word"), [("csv", ","), ("json", '"entries"'), ("radius", "-"), ("nftables", "add set")]
)
def test_mac_07_the_list_can_be_taken_as_a_file_which_is_recorded(
    operator: Client, form: str, word: str
) -> None:
    world.entry()

    answer: Any = operator.get(f"/operations/guard/file/{form}/")

    assert word in answer.getvalue().decode("cp932")
    assert TrailEntry.objects.filter(action="guard.file").count() == 1
    assert operator.get("/operations/guard/file/exe/").status_code == 404


def test_publishing_anew_is_asked_of_the_job(operator: Client) -> None:
    assert operator.post("/operations/guard/publish/").status_code == 302
    assert operator.post("/operations/guard/publish/").status_code == 302

    assert JobRun.objects.filter(job="publish_whitelist").count() == 1


def test_mac_04_operations_decide_the_mode_with_day_and_reason(operator: Client) -> None:
    today = timezone.localdate()
    data = {"organisation": "13", "mode": "BLOCK", "valid_from": today.isoformat(), "reason": "本移行完了"}
    world.entry("13")
    assert operator.post("/operations/guard/modes/", data | {"reason": ""}).status_code == 422

    assert operator.post("/operations/guard/modes/", data).status_code == 302

    decision = ModeDecision.system.get()
    assert (decision.mode, decision.reason, decision.valid_from) == (Mode.BLOCK, "本移行完了", today)
    page = operator.get("/operations/guard/modes/").content.decode()
    assert "本移行完了" in page
    assert TrailEntry.objects.filter(action="guard.mode").count() == 1


def test_the_mapping_is_saved_as_it_was_typed_and_a_mistake_stays_on_the_page(operator: Client) -> None:
    page = operator.get("/operations/guard/mapping/")
    forms = page.context["forms"]
    data: dict[str, Any] = {"seen": "", **{k: v for k, v in forms.file.initial.items() if v is not False}}
    for form in forms.columns:
        data |= {f"{form.prefix}-{name}": value for name, value in form.initial.items()}
    wrong = data | {"c0-format": "no such form"}
    assert operator.post("/operations/guard/mapping/", wrong).status_code == 422

    assert operator.post("/operations/guard/mapping/", data | {"c0-format": "XX-XX"}).status_code == 302

    definition = ExportMapping.objects.get().definition
    assert definition["columns"][0] == {"heading": "MACアドレス", "field": "mac", "format": "XX-XX"}
    assert operator.post("/operations/guard/mapping/", data).status_code == 409


def test_mac_07_the_page_shows_a_mass_removal_and_the_way_on(
    guard: FakeGuard, operator: Client, settings: Any
) -> None:
    settings.GUARD = settings.GUARD | {"mass_entries": 2}
    rows = [world.entry() for _n in range(2)]
    publishing.publish(now_fn=world.now)
    for row in rows:
        world.end(row)
    publishing.publish(now_fn=world.now)

    page = operator.get("/operations/guard/").content.decode()

    assert "2-0-13" in page
    assert 'name="reason"' in page
    data = {"guard": "radius", "seen": "2-0-13", "reason": ""}
    text = operator.post("/operations/guard/release/", data, follow=True).content.decode()
    assert "2-0-13" in text  # without a reason nothing goes
