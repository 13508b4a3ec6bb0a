"""From the application to the entry: what was free at entry is looked at again when it is written (MAC-01, MAC-06)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from devices.computers.models import Computer, Segment
from devices.whitelist import register
from devices.whitelist.checks import plan_line
from devices.whitelist.models import LocalAddress, WhitelistEntry
from devices.whitelist.payloads import WhitelistLine
from portal.fulfilment.models import Operation
from portal.workflow import kinds
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from tests import factories
from tests.devices import world
from tests.devices.whitelist import corpus
from tests.devices.whitelist.corpus import KIND, Country
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def country(cast: Cast) -> Country:
    return corpus.country(cast)


@pytest.fixture(autouse=True)
def japanese() -> Any:
    with translation.override("ja"):
        yield


def entry_of(mac: str) -> WhitelistEntry:
    entry: WhitelistEntry = WhitelistEntry.system.filter(mac=mac).select_related("computer").latest("pk")
    return entry


def context_of(cast: Cast) -> LineContext:
    organisation = factories.organisation(cast.code)
    return LineContext(organisation=organisation, actor=None, application=None, today=timezone.localdate())


def test_mac01_a_pc_comes_one_is_exchanged_and_one_goes_in_one_application(country: Country) -> None:
    new = corpus.row()
    exchanged = {"action": "REPLACE", "mac": "00:1b:a9:88:00:01", "old_mac": corpus.REPLACED}

    application = corpus.applied(country.cast, new, exchanged, {"action": "REMOVE", "mac": corpus.TAKEN})

    assert application.status == Status.COMPLETED
    assert entry_of(str(new["mac"])).is_live
    old, fresh = entry_of(corpus.REPLACED), entry_of("00:1b:a9:88:00:01")
    assert (old.end_reason, old.replaced_by, fresh.ip, fresh.computer) == (
        "REPLACED",
        fresh,
        old.ip,
        old.computer,
    )
    assert entry_of(corpus.TAKEN).end_reason == "REMOVED"
    assert fresh.approved_by == country.cast.operator


def test_mac07_a_removal_frees_its_addresses_for_a_line_that_stands_before_it(country: Country) -> None:
    new = corpus.row(ip=corpus.TAKEN_IP)

    application = corpus.applied(country.cast, new, {"action": "REMOVE", "mac": corpus.TAKEN})

    assert application.status == Status.COMPLETED
    assert entry_of(str(new["mac"])).ip == corpus.TAKEN_IP


def test_mac06_an_entry_is_renewed_by_replacing_it_with_itself(country: Country) -> None:
    line = {
        "action": "REPLACE",
        "mac": corpus.REPLACED,
        "old_mac": corpus.REPLACED,
        "valid_until": "2099-03-31",
    }

    application = corpus.applied(country.cast, line)

    assert application.status == Status.COMPLETED
    assert entry_of(corpus.REPLACED).valid_until.isoformat() == "2099-03-31"  # type: ignore[union-attr]
    assert WhitelistEntry.system.filter(mac=corpus.REPLACED).count() == 2


def _takes_mac(country: Country, row: dict[str, Any]) -> None:
    corpus.entry(world.computer(), country.segment, row["mac"], "10.13.20.99")


def _takes_ip(country: Country, row: dict[str, Any]) -> None:
    corpus.entry(world.computer(), country.segment, "00:1b:a9:88:88:88", row["ip"])


def _machine_goes(country: Country, row: dict[str, Any]) -> None:
    Computer.system.filter(name=row["computer"]).update(state="RETIRED")


def _segment_ends(country: Country, row: dict[str, Any]) -> None:
    network = ".".join(row["ip"].split(".")[:3]) + ".0/24"
    Segment.system.filter(network=network).update(valid_until=factories.LONG_AGO)


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (_takes_mac, "mac_taken"),
        (_takes_ip, "ip_taken"),
        (_machine_goes, "machine_missing"),
        (_segment_ends, "misplaced"),
    ],
)
def test_mac06_what_happened_since_the_approval_stops_the_writing(
    country: Country, happens: Any, code: str
) -> None:
    from portal.fulfilment import services as fulfilment
    from tests import journeys

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

    assert entry_of(row["mac"]).local_reason == "専用端末で固有のアドレスがないため。"


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
    assert entry_of(str(row["mac"])).end_reason == "EXPIRED"
