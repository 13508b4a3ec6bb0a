"""From the application to the entry: what was free at entry is looked at again when it is written (MAC-01, MAC-06)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from devices.computers.kinds import CHANGE, RETIRE
from devices.computers.models import Computer, Segment
from devices.reference import ComputerKind
from devices.segments.services import SegmentRefused, add_segment
from devices.whitelist import register, selectors
from devices.whitelist.checks import plan_line
from devices.whitelist.models import LocalAddress, WhitelistEntry
from devices.whitelist.payloads import WhitelistLine
from devices.whitelist.placement import Misplaced, Segments, place
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.workflow import kinds
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from tests import factories, journeys
from tests.devices import world
from tests.devices.whitelist import corpus
from tests.devices.whitelist.corpus import KIND, Country
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(country: Country) -> Cast:
    return country.cast


@pytest.fixture(autouse=True)
def japanese() -> Any:
    with translation.override("ja"):
        yield


def context_of(cast: Cast) -> LineContext:
    organisation = factories.organisation(cast.code)
    return LineContext(organisation=organisation, actor=None, application=None, today=timezone.localdate())


def test_mac01_a_pc_comes_one_is_exchanged_and_one_goes_in_one_application(country: Country) -> None:
    new = corpus.row()
    exchanged = {"action": "REPLACE", "mac": "00:1b:a9:88:00:01", "old_mac": corpus.REPLACED}

    application = corpus.applied(country.cast, new, exchanged, {"action": "REMOVE", "mac": corpus.TAKEN})

    assert application.status == Status.COMPLETED
    assert corpus.entry_of(str(new["mac"])).is_live
    old, fresh = corpus.entry_of(corpus.REPLACED), corpus.entry_of("00:1b:a9:88:00:01")
    assert (old.end_reason, old.replaced_by, fresh.ip, fresh.computer) == (
        "REPLACED",
        fresh,
        old.ip,
        old.computer,
    )
    assert corpus.entry_of(corpus.TAKEN).end_reason == "REMOVED"
    assert fresh.approved_by == country.cast.operator


def test_mac07_a_removal_frees_its_addresses_for_a_line_that_stands_before_it(country: Country) -> None:
    new = corpus.row(ip=corpus.TAKEN_IP)

    application = corpus.applied(country.cast, new, {"action": "REMOVE", "mac": corpus.TAKEN})

    assert application.status == Status.COMPLETED
    assert corpus.entry_of(str(new["mac"])).ip == corpus.TAKEN_IP


def test_mac06_an_entry_is_renewed_by_replacing_it_with_itself(country: Country) -> None:
    line = {
        "action": "REPLACE",
        "mac": corpus.REPLACED,
        "old_mac": corpus.REPLACED,
        "valid_until": "2099-03-31",
    }

    application = corpus.applied(country.cast, line)

    assert application.status == Status.COMPLETED
    assert corpus.entry_of(corpus.REPLACED).valid_until.isoformat() == "2099-03-31"  # type: ignore[union-attr]
    assert WhitelistEntry.system.filter(mac=corpus.REPLACED).count() == 2


def test_mac06_two_machines_swap_their_addresses_in_one_application(country: Country) -> None:
    before = {mac: corpus.entry_of(mac).ip for mac in (corpus.TAKEN, corpus.REPLACED)}

    application = corpus.applied(country.cast, *corpus.swapped())

    assert application.status == Status.COMPLETED
    first, second = corpus.entry_of(corpus.TAKEN), corpus.entry_of(corpus.REPLACED)
    assert (first.ip, second.ip) == (before[corpus.REPLACED], before[corpus.TAKEN])
    assert first.is_live
    assert second.is_live
    assert first.approved_at == second.approved_at  # there was no moment with one of them only
    assert WhitelistEntry.system.filter(mac__in=before).count() == 4  # the history stays


def test_mac06_network_cards_go_round_three_machines_in_one_application(country: Country) -> None:
    third = corpus.entry(world.computer("KK13-PC77"), country.segment, "00:1b:a9:88:77:01", "10.13.20.77")
    macs = [corpus.TAKEN, corpus.REPLACED, third.mac]
    machines = [corpus.entry_of(mac).computer.name for mac in macs]
    rows = [
        {"action": "REPLACE", "mac": mac, "old_mac": old}
        for mac, old in zip(macs[1:] + macs[:1], macs, strict=True)
    ]

    application = corpus.applied(country.cast, *rows)

    assert application.status == Status.COMPLETED
    assert [corpus.entry_of(mac).computer.name for mac in macs] == machines[2:] + machines[:2]


def test_mac06_of_a_swap_nothing_is_written_when_one_half_cannot_be(country: Country) -> None:
    application = world.submitted(country.cast, KIND, *corpus.swapped())
    journeys.approve(application, factories.user("APPROVER"))
    journeys.approve(application, country.cast.operator)
    Computer.system.filter(pk=corpus.entry_of(corpus.REPLACED).computer_id).update(state="RETIRED")

    fulfilment.drain("device_register", now_fn=timezone.now)

    codes = set(
        Operation.system.filter(application_number=application.number).values_list("error_code", flat=True)
    )
    assert codes == {"other_line", "machine_missing"}
    assert WhitelistEntry.system.filter(mac__in=[corpus.TAKEN, corpus.REPLACED]).count() == 2


@pytest.mark.parametrize("ip", [corpus.TAKEN_IP, "10.13.20.98"])
def test_mac06_an_address_that_nobody_in_the_application_gives_up_stays_taken(
    country: Country, ip: str
) -> None:
    corpus.entry(world.computer("KK13-PC77"), country.segment, "00:1b:a9:88:77:01", "10.13.20.98")

    with pytest.raises(InvalidApplication) as refused:
        world.submitted(
            country.cast,
            KIND,
            {"action": "REPLACE", "mac": corpus.REPLACED, "old_mac": corpus.REPLACED, "ip": ip},
        )

    assert set(refused.value.errors) == {"lines.0.ip"}


def _takes_mac(country: Country, row: dict[str, Any]) -> None:
    corpus.entry(world.computer(), country.segment, row["mac"], "10.13.20.99")


def _takes_ip(country: Country, row: dict[str, Any]) -> None:
    corpus.entry(world.computer(), country.segment, "00:1b:a9:88:88:88", row["ip"])


def _machine_goes(country: Country, row: dict[str, Any]) -> None:
    Computer.system.filter(name=row["computer"]).update(state="RETIRED")


def _becomes_server(country: Country, row: dict[str, Any]) -> None:
    server = ComputerKind.objects.get(code="server")
    Computer.system.filter(name=row["computer"]).update(kind=server)


def _segment_ends(country: Country, row: dict[str, Any]) -> None:
    network = ".".join(row["ip"].split(".")[:3]) + ".0/24"
    Segment.system.filter(network=network).update(valid_until=factories.LONG_AGO)


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (_takes_mac, "mac_taken"),
        (_takes_ip, "ip_taken"),
        (_machine_goes, "machine_missing"),
        (_becomes_server, "machine_uncovered"),
        (_segment_ends, "misplaced"),
    ],
)
def test_mac06_what_happened_since_the_approval_stops_the_writing(
    country: Country, happens: Any, code: str
) -> None:
    row = corpus.row()
    application = world.submitted(country.cast, KIND, row)
    journeys.approve(application, factories.user("APPROVER"))
    journeys.approve(application, country.cast.operator)
    happens(country, row)

    fulfilment.drain("device_register", now_fn=timezone.now)

    operation = Operation.system.get(application_number=application.number)
    assert (operation.status, operation.error_code) == ("ATTENTION", code)
    assert not WhitelistEntry.system.filter(line__application=application).exists()


def test_mac06_two_applications_never_hold_one_address(country: Country) -> None:
    row = corpus.row()
    world.submitted(country.cast, KIND, row)

    with pytest.raises(InvalidApplication) as refused:
        world.submitted(country.cast, KIND, corpus.row(mac=row["mac"], ip=row["ip"]))

    assert set(refused.value.errors) == {"lines.0.mac", "lines.0.ip"}


def test_mac06_a_local_address_passes_only_while_operations_accept_it(country: Country) -> None:
    row = corpus.row(mac="02:00:5e:10:00:01")
    with pytest.raises(InvalidApplication):
        world.submitted(country.cast, KIND, row)
    LocalAddress.system.create(
        organisation=factories.organisation("13"),
        mac=row["mac"],
        reason="専用端末で固有のアドレスがないため。",
        accepted_by=country.cast.operator,
        accepted_at=timezone.now(),
    )

    corpus.applied(country.cast, row)

    assert corpus.entry_of(row["mac"]).local_reason == "専用端末で固有のアドレスがないため。"


def test_an_accepted_local_address_is_accepted_for_its_organisation_only(country: Country) -> None:
    LocalAddress.system.create(
        organisation=factories.organisation("27"),
        mac="02:00:5e:10:00:01",
        reason="専用端末",
        accepted_by=country.cast.operator,
        accepted_at=timezone.now(),
    )

    with pytest.raises(InvalidApplication):
        world.submitted(country.cast, KIND, corpus.row(mac="02:00:5e:10:00:01"))


@pytest.mark.parametrize(
    ("mac", "code", "level"),
    [
        ("00:1b:a9:12:34:56", "vendor", "passed"),
        ("00:ff:fe:12:34:56", "vendor_unknown", "warning"),
        ("00:50:56:12:34:56", "virtual", "warning"),
    ],
)
def test_mac06_the_maker_is_shown_and_never_a_reason_to_refuse(
    country: Country, mac: str, code: str, level: str
) -> None:
    plan = plan_line(context_of(country.cast), WhitelistLine(**corpus.row(mac=mac)))

    found = {check.code: check for check in plan.checks}
    assert found[code].level == level
    assert not plan.is_blocked


def test_mac03_a_pc_without_the_quarantine_agent_is_told_before_it_is_permitted(country: Country) -> None:
    world.computer("KK13-BARE", agents=[])
    context = context_of(country.cast)

    bare = plan_line(context, WhitelistLine(**corpus.row(computer="KK13-BARE")))
    printer = plan_line(context, WhitelistLine(**corpus.row(computer="KK13-PR01")))

    assert "no_agent" in {check.code for check in bare.checks}
    assert "no_agent" not in {check.code for check in printer.checks}


def test_a_machine_with_a_live_entry_is_not_taken_away(country: Country) -> None:
    with pytest.raises(InvalidApplication) as refused:
        world.submitted(country.cast, "devices.computer_retire", {"name": "KK13-PC90"})

    assert "ホワイトリスト" in refused.value.errors["lines.0.name"][0]


def statements_of(cast: Cast, count: int) -> int:
    rows = [
        corpus.row(mac=f"00:1b:a9:70:{n // 256:02x}:{n % 256:02x}", ip=f"10.13.22.{n + 1}")
        for n in range(count)
    ]
    with CaptureQueriesContext(
        connection,
    ) as found:
        _checked, errors = check_lines(kinds.get(KIND), context_of(cast), rows)
    assert not errors
    return len(found)


def test_a_hundred_lines_cost_the_statements_of_one(country: Country) -> None:
    assert statements_of(country.cast, 100) == statements_of(country.cast, 1)


def test_the_expiry_job_ends_what_is_over(country: Country) -> None:
    row = corpus.row(valid_until=timezone.localdate().isoformat())
    corpus.applied(country.cast, row)

    ended = register.expire_entries(timezone.now() + dt.timedelta(days=1))

    assert ended == 1
    assert corpus.entry_of(str(row["mac"])).end_reason == "EXPIRED"


# --- What becomes of the machine ------------------------------------------------------------------------------------------
def change(name: str, **values: Any) -> dict[str, Any]:
    return world.computer_line(name=name, agents=[], department="審査第一課") | values


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "server", "operating_system": "winserver_2016"},
        {"business_system": "own"},
        {"segment": "10.13.84.0/25"},
        {"kind": "server", "operating_system": "winserver_2016", "new_name": "KK13-SV90"},
    ],
)
def test_mac05_a_machine_with_a_live_entry_does_not_become_one_that_the_guard_does_not_cover(
    country: Country, values: dict[str, str]
) -> None:
    with pytest.raises(InvalidApplication) as refused:
        world.submitted(country.cast, CHANGE, change("KK13-PC90", **values))

    assert "ホワイトリスト" in refused.value.errors["lines.0.name"][1]


def test_a_machine_with_a_live_entry_may_move_and_its_entry_is_found_by_the_new_name(
    country: Country,
) -> None:
    application = world.carried_out(
        country.cast, CHANGE, change("KK13-PC90", new_name="KK13-NEW90", segment="10.13.22.0/24")
    )

    assert application.status == Status.COMPLETED
    assert "kk13-new90" in corpus.entry_of(corpus.TAKEN).search_text


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (CHANGE, change("KK13-PC05", kind="server", operating_system="winserver_2016")),
        (RETIRE, {"name": "KK13-PC05"}),
    ],
)
def test_mac05_an_entry_that_came_meanwhile_stops_the_change_when_it_is_carried_out(
    country: Country, kind: str, values: dict[str, Any]
) -> None:
    computer = Computer.system.get(name="KK13-PC05")
    application = world.submitted(country.cast, kind, values)
    journeys.approve(application, country.cast.officer)
    corpus.entry(computer, country.segment, "00:1b:a9:88:88:01", "10.13.20.98")

    fulfilment.drain("device_register", now_fn=timezone.now)

    operation = Operation.system.get(application_number=application.number)
    computer.refresh_from_db()
    assert (operation.status, operation.error_code) == ("ATTENTION", "computer_needed")
    assert (computer.kind.code, computer.state) == ("client", "IN_USE")


def test_the_live_entries_of_a_machine_stand_first(country: Country) -> None:
    corpus.applied(country.cast, {"action": "REPLACE", "mac": "00:1b:a9:88:00:02", "old_mac": corpus.TAKEN})
    computer = Computer.system.get(name="KK13-PC90")

    found = selectors.entries_of(country.cast.officer, computer)

    assert [entry.is_live for entry in found] == [True, False]


def test_org02_nobody_hears_of_the_own_systems_of_another_federation(country: Country) -> None:
    world.segment(code="27", network="10.27.33.0/24", purpose=Segment.Purpose.OWN_SYSTEM)
    world.segment(code="27", network="10.27.84.0/25", purpose=Segment.Purpose.OWN_SYSTEM)
    segments, own = Segments.read(timezone.localdate()), factories.organisation("13")

    def told(ip: str) -> str:
        with pytest.raises(Misplaced) as refused:
            place(ip, organisation_id=own.pk, segments=segments)
        return refused.value.code

    assert told("10.27.33.5") == "other_organisation"
    assert told("10.27.84.200") == "own_system"  # as 図2-33 has it, whatever was assigned


@pytest.mark.parametrize(
    ("code", "purpose"), [("13", Segment.Purpose.OWN_SYSTEM), ("27", Segment.Purpose.CLIENT)]
)
def test_mac05_a_network_with_live_entries_is_not_given_to_what_the_guard_does_not_cover(
    country: Country, code: str, purpose: str
) -> None:
    country.segment.valid_until = country.segment.valid_from
    country.segment.save()
    values: dict[str, Any] = {"network": "10.13.20.0/24", "vlan": None, "note": "", "now": timezone.now()}
    values["actor"] = country.cast.operator

    with pytest.raises(SegmentRefused):
        add_segment(organisation=factories.organisation(code), purpose=purpose, **values)

    add_segment(organisation=factories.organisation("13"), purpose=Segment.Purpose.CLIENT, **values)
    with connection.cursor() as cursor:  # two at once wait for each other
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7207051"
            " AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone() == (1,)
