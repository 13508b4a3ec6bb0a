"""Machines come, change and go by application; one name exists once in the country; every change is history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import InternalError, ProgrammingError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devices.computers import register
from devices.computers.kinds import CHANGE, REGISTER, RETIRE
from devices.computers.models import Computer, ComputerEvent
from devices.computers.payloads import RegisterComputer
from devices.reference import OperatingSystem
from devices.stations import services as stations
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.workflow import kinds, services
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication, NotAllowed
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from tests import factories, journeys
from tests.devices import world
from tests.devices.whitelist import corpus
from tests.devices.world import Cast
from tests.threads import at_once

pytestmark = pytest.mark.django_db


def errors_of(cast: Cast, kind: str, *lines: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(InvalidApplication) as refused:
        world.submitted(cast, kind, *lines)
    return refused.value.errors


def test_a_machine_comes_into_the_register_as_approved(cast: Cast) -> None:
    segment = world.segment()
    line = world.computer_line(name="kk13-pc01", segment=segment.network, place="2階")

    application = world.carried_out(cast, REGISTER, line)

    computer = Computer.system.get()
    assert application.status == Status.COMPLETED
    assert (computer.name, computer.segment, computer.place) == ("KK13-PC01", segment, "2階")
    assert computer.operating_system is not None
    assert computer.agents == ["DEVICE_CONTROL", "QUARANTINE"]
    event = computer.events.get()
    assert (event.verb, event.application_number) == ("REGISTERED", application.number)
    assert {change["label"]: change["after"] for change in event.changes}["Computer name"] == ["KK13-PC01"]


def test_a_change_shows_before_and_after_and_keeps_the_history(cast: Cast) -> None:
    computer = world.computer("KK13-PC01")
    line = world.computer_line(name="KK13-PC01", new_name="KK13-PC99", agents=[], department="審査第一課")

    application = world.carried_out(cast, CHANGE, line)

    computer.refresh_from_db()
    assert application.status == Status.COMPLETED
    assert computer.name == "KK13-PC99"
    assert computer.events.get().changes == [
        {"label": "Computer name", "before": ["KK13-PC01"], "after": ["KK13-PC99"]}
    ]


def test_a_change_that_changes_nothing_is_refused(cast: Cast) -> None:
    world.computer("KK13-PC01")

    line = world.computer_line(name="KK13-PC01", agents=[], department="審査第一課")

    assert "lines.0.name" in errors_of(cast, CHANGE, line)


def test_only_the_name_of_a_machine_fills_in_its_values(cast: Cast) -> None:
    world.computer("KK13-PC01", place="3階")
    context = context_of(cast)

    form = kinds.get(CHANGE).form_class(initial={"name": "kk13-pc01"}, context=context)  # type: ignore[call-arg]

    assert form["place"].value() == "3階"
    assert form["kind"].value() == "client"


def test_a_machine_that_is_taken_away_frees_its_name(cast: Cast) -> None:
    computer = world.computer("KK13-PC01")

    world.carried_out(cast, RETIRE, {"name": "KK13-PC01"})
    again = world.carried_out(cast, REGISTER, world.computer_line(name="KK13-PC01"))

    computer.refresh_from_db()
    assert computer.state == Computer.State.RETIRED
    assert computer.retired_at is not None
    assert again.status == Status.COMPLETED
    assert Computer.system.filter(name="KK13-PC01").count() == 2


@pytest.mark.parametrize("code", ["13", "27"])
def test_a_name_exists_once_in_the_country_and_nothing_is_said_about_whose(cast: Cast, code: str) -> None:
    world.computer("KK-PC01", code=code)

    found = errors_of(cast, REGISTER, world.computer_line(name="kk-pc01"))

    assert found.keys() == {"lines.0.name"}  # ORG-02: one sentence for both
    assert "大阪" not in str(found)


def test_a_name_in_an_open_application_is_told_at_entry(cast: Cast) -> None:
    world.submitted(Cast("27"), REGISTER, world.computer_line(name="KK-PC01"))

    assert "lines.0.name" in errors_of(cast, REGISTER, world.computer_line(name="KK-PC01"))


def test_a_machine_of_another_federation_is_unknown(cast: Cast) -> None:  # ORG-02
    world.computer("KK27-PC01", code="27")

    for kind, line in ((CHANGE, world.computer_line(name="KK27-PC01")), (RETIRE, {"name": "KK27-PC01"})):
        assert "lines.0.name" in errors_of(cast, kind, line)


@pytest.mark.parametrize("kind", ["伝送クライアント", "伝送 クライアント", "transmission_client", "ﾃﾞﾝｿｳ"])
def test_a_transmission_client_is_refused_with_the_source(cast: Cast, kind: str) -> None:  # DEV-11, ORG-06
    found = errors_of(cast, REGISTER, world.computer_line(kind=kind))

    assert found.keys() == {"lines.0.kind"}
    if "伝送" in kind:
        assert "CNS ③(e)" in str(found)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "printer", "operating_system": "", "agents": ["QUARANTINE"]}, "agents"),  # MAC-03
        ({"kind": "printer"}, "operating_system"),
        ({"operating_system": ""}, "operating_system"),
        ({"operating_system": "win98"}, "operating_system"),
        ({"has_own_skysea": True}, "has_own_skysea"),
        ({"segment": "10.27.1.0/24"}, "segment"),
        ({"agents": ["VIRUS"]}, "agents"),
        ({"business_system": ""}, "business_system"),
        ({"name": "ABCDEFGHIJKLMNOP"}, "name"),
        ({"name": "123"}, "name"),
    ],
)
def test_what_does_not_go_together_is_told_at_its_field(
    cast: Cast, values: dict[str, Any], field: str
) -> None:
    world.segment("27", network="10.27.1.0/24")

    assert f"lines.0.{field}" in errors_of(cast, REGISTER, world.computer_line(**values))


def test_a_system_is_offered_only_in_its_days(cast: Cast) -> None:  # DEV-11: data, with dates
    yesterday = timezone.localdate() - timedelta(days=1)
    OperatingSystem.objects.filter(code="win10_2016_ltsb").update(valid_until=yesterday)
    world.computer("KK13-PC01", place="2階")

    assert "lines.0.operating_system" in errors_of(cast, REGISTER, world.computer_line())
    kept = world.carried_out(cast, CHANGE, world.computer_line(name="KK13-PC01", place="3階"))
    assert kept.status == Status.COMPLETED  # what has it keeps it


def test_only_federations_have_machines() -> None:  # ORG-06
    person = factories.applicant("central")

    with pytest.raises(NotAllowed):
        services.create_draft(
            kind=REGISTER, organisation_id=person.organisation_id, actor=person, now=timezone.now()
        )


def test_a_name_taken_before_the_writing_goes_to_a_person(cast: Cast) -> None:
    application = world.submitted(cast, REGISTER, world.computer_line(name="KK13-PC01"))
    journeys.approve(application, cast.officer)
    world.computer("KK13-PC01", code="27")

    fulfilment.drain("device_register", now_fn=timezone.now)

    operation = Operation.system.get(line__application=application)
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "name_taken")


def approved_only(cast: Cast, kind: str, line: dict[str, Any]) -> Operation:
    """An application that was approved and waits to be carried out."""
    application = world.submitted(cast, kind, line)
    journeys.approve(application, cast.officer)
    return Operation.system.get(line__application=application)


def becomes_a_console(cast: Cast, computer: Computer) -> None:
    stations.designate(computer_id=computer.pk, note="", actor=cast.officer, now=timezone.now())


def gets_a_permit(cast: Cast, computer: Computer) -> None:
    world.approved(cast, world.permit_line(computer))


def gets_an_entry(cast: Cast, computer: Computer) -> None:
    corpus.entry(computer, world.segment(network="10.13.20.0/24"), "00:1b:a9:00:00:01", "10.13.20.5")


@pytest.mark.parametrize("happens", [becomes_a_console, gets_a_permit, gets_an_entry])
def test_a_machine_that_is_needed_since_the_approval_is_not_taken_away(
    cast: Cast, happens: Callable[[Cast, Computer], None]
) -> None:  # DEV-09, DEV-11, MAC-06
    computer = world.computer("KK13-PC01", agents=["DEVICE_CONTROL", "QUARANTINE"])
    operation = approved_only(cast, RETIRE, {"name": "KK13-PC01"})
    happens(cast, computer)

    fulfilment.drain("device_register", now_fn=timezone.now)

    operation.refresh_from_db()
    computer.refresh_from_db()
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "computer_needed")
    assert (computer.state, computer.events.count()) == (Computer.State.IN_USE, 0)


@pytest.mark.parametrize(
    ("happens", "values"),
    [
        (becomes_a_console, {"agents": []}),
        (gets_a_permit, {"kind": "virtual_server", "operating_system": "winserver_2016", "agents": []}),
    ],
)
def test_a_machine_that_is_needed_since_the_approval_is_not_made_unfit(
    cast: Cast, happens: Callable[[Cast, Computer], None], values: dict[str, Any]
) -> None:  # DEV-09, DEV-11
    computer = world.computer("KK13-PC01", agents=["DEVICE_CONTROL"])
    operation = approved_only(cast, CHANGE, world.computer_line(name="KK13-PC01", **values))
    happens(cast, computer)

    fulfilment.drain("device_register", now_fn=timezone.now)

    operation.refresh_from_db()
    computer.refresh_from_db()
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "computer_needed")
    assert (computer.kind.code, computer.agents) == ("client", ["DEVICE_CONTROL"])


def test_writing_twice_writes_once(cast: Cast) -> None:
    application = world.carried_out(cast, REGISTER, world.computer_line(name="KK13-PC01"))
    line = application.lines.get()
    payload = kinds.get(REGISTER).load(line.payload, line.payload_version)

    register.enter_computer(line=line, payload=payload, now=timezone.now())

    assert (Computer.system.count(), ComputerEvent.system.count()) == (1, 1)


def test_nobody_changes_the_history() -> None:  # SEC-02
    computer = world.computer()
    ComputerEvent.system.create(
        computer=computer, organisation=computer.organisation, at=timezone.now(), verb="CHANGED"
    )

    for statement in ("UPDATE devices_computerevent SET verb = 'X'", "DELETE FROM devices_computerevent"):
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
            connection.cursor().execute(statement)


def context_of(cast: Cast) -> LineContext:
    return LineContext(
        organisation=factories.organisation(cast.code),
        actor=cast.applicant,
        application=None,
        today=timezone.localdate(),
    )


def statements(cast: Cast, kind: str, lines: list[dict[str, Any]]) -> int:
    with CaptureQueriesContext(connection) as captured:
        checked, errors = check_lines(kinds.get(kind), context_of(cast), lines)
    assert errors == {}
    assert all(line is not None and line.plan.changes for line in checked)
    return len(captured)


@pytest.mark.parametrize("kind", [REGISTER, CHANGE, RETIRE])
def test_many_machines_cost_the_statements_of_one(cast: Cast, kind: str) -> None:  # ACC-13
    def lines(count: int) -> list[dict[str, Any]]:
        made = [world.computer_line() for _ in range(count)]
        for line in made if kind != REGISTER else ():
            world.computer(line["name"])
        return [{"name": line["name"]} for line in made] if kind == RETIRE else made

    one, many = lines(1), lines(100)

    assert statements(cast, kind, one) == statements(cast, kind, many)


@pytest.mark.django_db(transaction=True)
def test_of_two_machines_with_one_name_written_at_once_one_is_entered() -> None:
    lines = [factories.line(code=code) for code in ("13", "27")]
    payload = RegisterComputer(
        name="KK-PC01",
        kind="client",
        business_system="common",
        operating_system="win10_2016_ltsb",
        agents=[],
    )

    def write(line: Any) -> str:
        try:
            register.enter_computer(line=line, payload=payload, now=timezone.now())
        except register.ComputerNameTaken:
            return "taken"
        return "entered"

    outcomes = at_once(*(partial(write, line) for line in lines))

    assert sorted(outcomes) == ["entered", "taken"]
    assert Computer.system.count() == 1
