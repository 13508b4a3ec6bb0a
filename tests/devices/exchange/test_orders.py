"""DEV-13: the file for SKYSEA, and the mapping by which files are written and read."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from devices.exchange import mappings, orders
from devices.exchange.errors import NotAllowed, NothingToDo
from devices.exchange.layout import ORDERS, REGISTER, Column, Layout
from devices.exchange.models import OrderFile, SkyseaMapping
from devices.permits.models import Device, DevicePermit
from portal.fulfilment.mappings import MappingChanged
from tests import factories
from tests.devices import world
from tests.devices.exchange.support import State, put, read
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


def test_dev_13_the_file_names_what_to_register_and_what_to_remove(cast: Cast) -> None:
    world.approved(cast, world.permit_line(world.computer("KK13-A"), serial="S1"))
    ending = world.registered(cast, serial="S2")
    put(ending, state=State.ENDING, ended_at=timezone.now())
    now = timezone.now()

    made = orders.make_orders(organisation=factories.organisation("13"), actor=cast.officer, now=now)

    rows = list(csv.DictReader(io.StringIO(bytes(made.content).decode("cp932"))))
    assert [(r["処理区分"], r["シリアル番号"], r["利用権限"]) for r in rows] == [
        ("登録", "S1", "読み書き可能"),
        ("削除", "S2", "読み書き可能"),
    ]
    assert rows[0]["利用可能コンピューター"] == "KK13-A"
    assert rows[0]["連合会コード"] == "13"
    assert DevicePermit.system.filter(state=State.APPROVED).count() == 1  # a file records nothing (DEV-01)


def test_dev_13_what_a_file_cannot_hold_is_left_to_a_person_and_never_changed(cast: Cast) -> None:
    pc = world.computer()
    world.approved(
        cast, world.permit_line(pc, serial="S1", end_user="吉田 𠮷"), world.permit_line(pc, serial="S2")
    )
    Device.system.filter(serial="S2").update(maker="=HYPERLINK(1)")

    made = orders.make_orders(
        organisation=factories.organisation("13"), actor=cast.officer, now=timezone.now()
    )

    assert (made.row_count, len(made.left_out)) == (0, 2)
    assert b"HYPERLINK" not in bytes(made.content)


def test_dev_13_nobody_else_makes_a_file_and_none_is_empty(cast: Cast) -> None:
    organisation, now = factories.organisation("13"), timezone.now()
    for actor in (cast.applicant, Cast("27").officer):
        with pytest.raises(NotAllowed):
            orders.make_orders(organisation=organisation, actor=actor, now=now)
    with pytest.raises(NothingToDo):
        orders.make_orders(organisation=organisation, actor=cast.officer, now=now)
    assert not OrderFile.system.exists()


def _save(cast: Cast, layout: Layout, seen: int | None = None, **more: Any) -> SkyseaMapping:
    values = {"actor": cast.operator, "now": timezone.now()} | more
    return mappings.save_mapping(layout=layout, seen=seen, **values)


def test_dev_13_another_layout_of_the_vendor_is_data(cast: Cast) -> None:
    columns = {**Layout().columns, REGISTER: (Column("serial", "S/N"), Column("used", "Last"))}
    columns[ORDERS] = tuple(reversed(Layout().columns[ORDERS]))
    _save(cast, Layout(columns=columns, delimiter="\t", encoding="utf-8-sig"))
    permit = world.registered(cast)
    world.approved(cast, world.permit_line(world.computer(), serial="S1"))

    made = read(cast, f"{permit.device.serial};2026-11-20T10:00:00", header="S/N;Last", complete=False)
    file = orders.make_orders(
        organisation=factories.organisation("13"), actor=cast.officer, now=timezone.now()
    )

    assert (made.matched_count, made.usage_count) == (1, 1)
    assert bytes(file.content).decode("utf-8-sig").startswith("申請番号\t")
    with pytest.raises(DatabaseError), transaction.atomic():
        SkyseaMapping.objects.update(definition={})


def test_dev_13_a_mapping_that_cannot_work_is_refused_and_only_operations_save(cast: Cast) -> None:
    columns = {**Layout().columns, REGISTER: (Column("number", "A"), Column("kind", "Ａ"))}
    words = {**Layout().words, "grant": {**Layout().words["grant"], "USE": ("書き込み許可",)}}
    with pytest.raises(mappings.InvalidMapping) as refused:
        _save(cast, Layout(columns=columns, words=words))
    assert set(refused.value.columns) == {(REGISTER, "number"), (REGISTER, "kind"), (REGISTER, "serial")}
    assert set(refused.value.words) == {("grant", "USE"), ("grant", "WRITE")}

    with pytest.raises(NotAllowed):
        _save(cast, Layout(), actor=cast.officer)
    made = _save(cast, Layout())
    with pytest.raises(MappingChanged):
        _save(cast, Layout())
    assert _save(cast, Layout(), seen=made.pk).pk != made.pk
