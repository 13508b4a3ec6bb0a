"""MAC-07: the four forms. A form that a guard reads holds tokens only, whatever stands in the register."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from devices.guard import modes, publishing, selectors, versions
from devices.guard.layout import Layout
from devices.guard.mappings import InvalidMapping, check_layout, save_mapping
from devices.guard.models import ListedPair, Mode
from devices.guard.render import Extract, render
from portal.fulfilment.mappings import Column, MappingChanged
from portal.gateways.guard import Form, GuardError, Step, run
from portal.orgs.permissions import Role
from tests import factories
from tests.devices.guard import world

pytestmark = pytest.mark.django_db

_RADIUS_LINE = re.compile(
    r'#.*|[0-9A-F]{2}(-[0-9A-F]{2}){5}(\tNAS-Identifier == "portal-probe")?|\tTunnel-Type := VLAN,'
    r'|\tTunnel-Medium-Type := IEEE-802,|\tTunnel-Private-Group-Id := "\d+"|'
)


def text_of(form: Form) -> str:
    """The newest version in one form."""
    version = versions.bring_up_to_date(now=timezone.now(), at_once=True)
    extract = publishing.extract_for(form, version, timezone.now())
    return b"".join(render(form, extract)).decode(extract.layout.encoding if form == Form.CSV else "utf-8")


def test_the_radius_file_holds_keys_and_fixed_attributes_only() -> None:
    entry = world.entry()

    text = text_of(Form.RADIUS)

    assert all(_RADIUS_LINE.fullmatch(line) for line in text.split("\n")), text
    assert "DEFAULT" not in text
    key = entry.mac.upper().replace(":", "-")
    assert (
        f'{key}\n\tTunnel-Type := VLAN,\n\tTunnel-Medium-Type := IEEE-802,\n\tTunnel-Private-Group-Id := "300"\n'
        in text
    )


def test_the_database_lets_no_free_text_onto_the_list() -> None:
    entry = world.entry()
    version = versions.bring_up_to_date(now=timezone.now())
    values = {
        "organisation": entry.organisation,
        "entry": entry,
        "ip": "10.13.1.1",
        "approved_at": timezone.now(),
    }
    for fields in (
        {"mac": "DEFAULT", "name": "PC01", "kind": "client"},
        {"mac": "00:0d:5e:11:22:33", "name": "PC01\nDEFAULT", "kind": "client"},
        {"mac": "00:0d:5e:11:22:33", "name": "PC01", "kind": "x\n"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ListedPair.system.create(**values, **fields, listed_in=version, unlisted_in_id=version.number + 1)


def test_mac_04_nftables_counts_where_the_mode_is_monitor_and_cuts_where_it_is_not(settings: Any) -> None:
    operator = factories.user(Role.OPERATOR, code="operations")
    first, second = world.entry("13"), world.entry("14")
    assert "drop" not in text_of(Form.NFTABLES)  # before any decision nothing is cut

    modes.decide(
        organisation=first.organisation,
        mode=Mode.BLOCK,
        valid_from=timezone.localdate(),
        reason="本移行完了",
        actor=operator,
        now=timezone.now(),
    )
    text = text_of(Form.NFTABLES)

    assert f"{first.mac} . {first.ip},\n{second.mac} . {second.ip},\n" in text
    assert f"add element bridge kokuho_guard monitored {{ {second.segment.network} }}" in text
    assert 'counter name violations drop comment "whitelist version 2"' in text
    settings.GUARD = {**settings.GUARD, "nftables_organisations": ["14"]}
    assert first.mac not in text_of(Form.NFTABLES)
    assert "drop" not in text_of(Form.NFTABLES)


def test_mac_04_a_decision_counts_from_its_day_and_the_past_stays_as_it_was() -> None:
    operator = factories.user(Role.OPERATOR, code="operations")
    organisation, today = factories.organisation("13"), timezone.localdate()
    values: dict[str, Any] = {
        "organisation": organisation,
        "reason": "本移行完了",
        "actor": operator,
        "now": timezone.now(),
    }

    modes.decide(**values, mode=Mode.BLOCK, valid_from=today + timedelta(days=3))

    assert modes.codes_on(today + timedelta(days=2))["13"] == Mode.MONITOR
    assert modes.codes_on(today + timedelta(days=3))["13"] == Mode.BLOCK
    with pytest.raises(modes.ModeRefused):
        modes.decide(**values, mode=Mode.BLOCK, valid_from=today - timedelta(days=1))
    with pytest.raises(modes.NotAllowed):
        modes.decide(
            **{**values, "actor": factories.user(Role.SECURITY_MANAGER)}, mode=Mode.BLOCK, valid_from=today
        )


def test_mac_07_the_csv_file_follows_the_mapping_that_operations_keep() -> None:
    operator = factories.user(Role.OPERATOR, code="operations")
    entry = world.entry(mac="00:0d:5e:aa:bb:cc", valid_until=timezone.localdate())
    assert text_of(Form.CSV).splitlines()[1].startswith(f"00:0D:5E:AA:BB:CC,{entry.ip},")
    columns = (
        Column(heading="MAC", field="mac", format="xxxx.xxxx.xxxx"),
        Column(heading="IP", field="ip"),
        Column(heading="遮断", field="mode", format="する/しない"),
        Column(heading="区分", field="fixed", format="許可,A"),
        Column(heading="期限", field="valid_until", format="YYYYMMDD"),
    )

    save_mapping(actor=operator, layout=Layout(columns=columns), seen=None, now=timezone.now())

    day = f"{timezone.localdate():%Y%m%d}"
    assert (
        text_of(Form.CSV) == f'MAC,IP,遮断,区分,期限\r\n000d.5eaa.bbcc,{entry.ip},しない,"許可,A",{day}\r\n'
    )
    with pytest.raises(MappingChanged):
        save_mapping(actor=operator, layout=Layout(columns=columns), seen=None, now=timezone.now())


def test_a_mapping_without_both_addresses_is_refused() -> None:
    columns = (
        Column(heading="MAC", field="mac", format="no"),
        Column(heading="MAC", field="name"),
        Column(heading="", field="mode", format="1"),
    )

    with pytest.raises(InvalidMapping) as refused:
        check_layout(Layout(columns=columns))

    assert set(refused.value.columns) == {0, 1, 2}
    assert refused.value.whole


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig", "utf-16-le"])
def test_the_csv_file_is_written_in_every_encoding(encoding: str) -> None:
    world.entry()
    version = versions.bring_up_to_date(now=timezone.now())
    extract = Extract(
        version=version.number, day=timezone.localdate(), modes={}, layout=Layout(encoding=encoding)
    )

    text = b"".join(render(Form.CSV, extract)).decode("utf-16" if encoding == "utf-16-le" else encoding)

    assert text.startswith("MACアドレス,")
    assert text.count("\r\n") == 2


def test_the_json_list_is_json_with_and_without_entries() -> None:
    assert json.loads(text_of(Form.JSON))["entries"] == []
    entry = world.entry(valid_until=timezone.localdate())

    found = json.loads(text_of(Form.JSON))

    assert found["version"] == 2
    assert found["entries"] == [
        {
            "mac": entry.mac,
            "ip": entry.ip,
            "name": entry.computer.name,
            "kind": "client",
            "organisation": "13",
            "segment": entry.segment.network,
            "valid_until": timezone.localdate().isoformat(),
        }
    ]


def test_a_fixed_text_that_the_encoding_lacks_is_refused_before_it_stops_the_file() -> None:
    columns = (*Layout().columns, Column(heading="x", field="fixed", format="😀"))

    with pytest.raises(InvalidMapping) as refused:
        check_layout(Layout(columns=columns))

    assert set(refused.value.columns) == {len(columns) - 1}


def test_mac_04_of_two_decisions_for_one_day_the_newer_one_is_shown() -> None:
    operator = factories.user(Role.OPERATOR, code="operations")
    day = timezone.localdate() + timedelta(days=9)
    for mode in (Mode.BLOCK, Mode.MONITOR):
        modes.decide(
            organisation=factories.organisation("13"),
            mode=mode,
            valid_from=day,
            reason="本移行",
            actor=operator,
            now=timezone.now(),
        )

    shown = {row.organisation.code: row.next for row in selectors.mode_rows(timezone.now())}["13"]

    assert shown is not None
    assert shown.mode == modes.codes_on(day)["13"] == Mode.MONITOR


def test_what_a_command_prints_never_hides_that_it_failed() -> None:
    with pytest.raises(GuardError) as failed:
        run(["sh", "-c", "printf '\\377 no' >&2; exit 1"], Step.CHECK, 5)

    assert failed.value.detail.endswith("no")
