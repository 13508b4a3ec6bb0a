"""Devices and machines as files: rows with every kind of mistake, each with its message, and nothing half taken (ACC-13)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.utils import timezone, translation

from devices.computers.kinds import REGISTER
from devices.permits.kinds import PERMIT
from devices.permits.models import DevicePermit
from portal.workflow import kinds
from portal.workflow.bulk import checking, services
from portal.workflow.bulk.columns import columns_of
from portal.workflow.bulk.models import Upload
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from tests import factories, journeys
from tests.bulk.books import book
from tests.devices import world
from tests.devices.world import Cast, drain_devices

pytestmark = pytest.mark.django_db


def upload(cast: Cast, kind: str, rows: list[dict[str, Any]]) -> Upload:
    """The rows as a workbook with the headings of the template, uploaded and checked."""
    context = LineContext(
        organisation=factories.organisation("13"),
        actor=cast.applicant,
        application=None,
        today=timezone.localdate(),
    )
    with translation.override("ja"):
        columns = columns_of(kinds.get(kind), context)
    cells = [[row.get(column.name, "") for column in columns] for row in rows]
    data = book(cells, header=[column.label for column in columns])
    made = services.upload_file(
        kind=kind,
        organisation_id=context.organisation.pk,
        actor=cast.applicant,
        name="申請.xlsx",
        data=data,
        now=timezone.now(),
    )
    with translation.override("ja"):
        checking.check(upload_id=made.pk, now=timezone.now())
    return Upload.system.get(pk=made.pk)


def excel_row(**values: Any) -> dict[str, Any]:
    """A right row in the words of the office."""
    line = world.permit_line("KK13-PC01") | {
        "device_kind": "USBメモリ/USBハードディスク",
        "grant": "読み書き可能",
        "computers": "KK13-PC01",
    }
    return line | values


# Field, what stands in the cell, and the sentence that it gets.
WRONG: list[tuple[str, Any, str]] = [
    ("device_kind", "Bluetoothデバイス", r"表2-34 No\.1"),
    ("device_kind", "無線ＬＡＮデバイス", r"表2-34 No\.2"),
    ("device_kind", "デジタルカメラ等", r"表2-34 No\.3"),
    ("device_kind", "eSATA接続ハードディスク", r"表2-34 No\.4"),
    ("device_kind", "テープドライブ、スマートカードリーダー", r"表2-34 No\.5"),
    ("device_kind", "モバイル端末", r"表2-34 No\.6"),
    ("device_kind", "ドローン", "表2-33のデバイス種別だけ"),
    ("device_kind", "", "デバイス種別"),
    ("grant", "読み取り専用", r"表2-33 No\.1"),
    ("grant", "利用可能", r"表2-33 No\.1"),
    ("grant", "なんでも", r"表2-33 No\.1"),
    ("maker", "", "メーカー"),
    ("model", "", "型番"),
    ("model", "iPhone 17", r"表2-34 No\.6"),
    ("model", "Wi-Fi ドングル", r"表2-34 No\.2"),
    ("serial", "", "シリアル番号を入力"),
    ("serial", "なし", "シリアル番号ではありません"),
    ("serial", "0000", "シリアル番号ではありません"),
    ("serial", "AB１２ー３あ", "使えない文字：あ"),
    ("serial", dt.date(2026, 12, 1), "文字列"),
    ("computers", "", "接続するPC"),
    ("computers", "KK27-PC01", "KK27-PC01: "),
    ("computers", "KK13-PC99", "KK13-PC99: "),
    ("computers", "KK13-VS01", "仮想サーバ"),
    ("computers", "KK13-PR01", "プリンタ"),
    ("computers", "KK13-OLD1", "その他"),
    ("computers", "KK13-OWN1", "独自のSKYSEA"),
    ("computers", "KK13-ABCDEFGHIJK", "15文字まで"),
    ("computers", "伝送クライアント", "使えない文字"),
    ("end_user", "", "利用者"),
    ("end_user_mail", "suzuki", "メールアドレス"),
    ("write_reason", "", "書き込みが必要な理由"),
    ("valid_until", "2026/2/30", "日付"),
    ("valid_until", "2020/1/1", "過ぎた日付"),
    ("valid_until", "R99.1.1", "まで"),
    ("valid_until", "", "利用期限|有効期限|終了日"),
    ("serial", "TAKEN-1", "すでに許可されています"),
    ("serial", "ｔａｋｅｎ１", "すでに許可されています"),
    ("serial", "OTHER-1", "すでに許可されています"),
    ("serial", "OPEN-1", "処理中の別の申請"),
]


@pytest.fixture
def country(cast: Cast) -> Cast:
    """Machines of all kinds, a device of the own and one of another federation, one in an open application."""
    world.computer("KK13-PC01")
    world.computer("KK13-VS01", kind="virtual_server", system="winserver_2016")
    world.computer("KK13-PR01", kind="printer", system="")
    world.computer("KK13-OLD1", system="other")
    world.computer("KK13-OWN1", business="own", has_own_skysea=True)
    other = Cast("27")
    machine = world.computer("KK27-PC01", code="27")
    world.registered(cast, serial="TAKEN1")
    world.registered(other, machine, serial="OTHER1")
    world.submitted(other, PERMIT, world.permit_line(machine, serial="OPEN1"))
    return cast


def test_every_mistake_of_a_file_stands_at_its_cell_with_what_to_do(country: Cast) -> None:
    rows = [excel_row(**{field: value}) for field, value, _said in WRONG]

    made = upload(country, PERMIT, rows)

    assert made.error_count == len(WRONG)
    for row, (field, value, said) in zip(made.rows, WRONG, strict=True):
        assert field in row["e"], (field, value, row["e"])
        assert re.search(said, " ".join(row["e"][field])), (field, value, row["e"][field])


def test_a_device_twice_in_one_file_names_the_other_row(country: Cast) -> None:
    made = upload(country, PERMIT, [excel_row(serial="X1Y2"), excel_row(serial="x1-y2")])

    assert "2行目" in made.rows[1]["e"]["serial"][0]


def test_the_dry_run_and_the_writing_agree(country: Cast) -> None:
    rows = [
        excel_row(device_kind=word, grant="") for word in ("USBメモリ", "ＣＤ/ＤＶＤドライブ", "スキャナ")
    ]
    rows += [excel_row(serial="", no_serial_reason="刻印がない"), excel_row(valid_until=in_days(90))]

    made = upload(country, PERMIT, rows)
    assert (made.error_count, made.row_count) == (0, 5), [row["e"] for row in made.rows]
    application = services.take_over(
        upload_id=made.pk, actor=country.applicant, version=made.version, now=timezone.now()
    )
    application = world.submit(country, application)
    journeys.approve(application, country.officer)
    journeys.approve(application, country.manager)
    drain_devices()

    application.refresh_from_db()
    permits = DevicePermit.system.filter(line__application=application)
    assert application.status == Status.FULFILLING
    assert [p.grant for p in permits.order_by("line__position")] == [
        "READ_WRITE",
        "WRITE",
        "USE",
        "READ_WRITE",
        "READ_WRITE",
    ]


def in_days(days: int) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=days)


def test_machines_come_by_file_with_a_message_for_each_mistake(country: Cast) -> None:
    right = {
        "kind": "業務クライアント",
        "business_system": "共通ネットワークシステム",
        "agents": "検疫エージェント、SKYSEAエージェント",
    }
    system = {"operating_system": "Microsoft Windows 10 Enterprise 2016 LTSB（64ビット）"}
    rows = [
        {"name": "kk13-ｎｅｗ１", **right, **system},
        {"name": "KK13-PC01", **right, **system},
        {"name": "KK27-PC01", **right, **system},
        {"name": "ABCDEFGHIJKLMNOP", **right, **system},
        {"name": 20261201, **right, **system},
        {"name": "KK13-N2", **right, **system, "kind": "伝送クライアント"},
        {"name": "KK13-N3", **right, "operating_system": "Windows 98"},
        {"name": "KK13-NEW1", **right, **system},
    ]

    made = upload(country, REGISTER, rows)

    found = [sorted(row["e"]) for row in made.rows]
    assert found == [[], ["name"], ["name"], ["name"], ["name"], ["kind"], ["operating_system"], ["name"]]
    assert made.rows[0]["d"]["agents"] == ["DEVICE_CONTROL", "QUARANTINE"]
    assert "CNS" in made.rows[5]["e"]["kind"][0]
