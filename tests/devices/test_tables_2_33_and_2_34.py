"""Every cell of table 2-33 × 2-34, through the service, the form, REST and the Excel upload (DEV-04, DEV-05)."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from devices.permits import source
from devices.permits.checks import check_permit
from devices.permits.forms import PermitForm
from devices.permits.kinds import PERMIT
from devices.permits.models import Device, DevicePermit
from devices.permits.payloads import PermitDevice
from portal.workflow import kinds
from portal.workflow.bulk import checking
from portal.workflow.bulk.cells import Cell
from portal.workflow.bulk.columns import columns_of, typed
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from tests import factories
from tests.api.client import Api
from tests.devices import world
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db

# Written out from the source, not from the code: kind, default, the one grant. No other combination exists.
TABLE_2_33 = {
    "USB_STORAGE": ("FORBIDDEN", "READ_WRITE"),
    "OPTICAL_DRIVE": ("READ_ONLY", "WRITE"),
    "FLOPPY_DRIVE": ("READ_ONLY", "WRITE"),
    "CARD_READER": ("FORBIDDEN", "READ_WRITE"),
    "CARD_MEDIA": ("FORBIDDEN", "READ_WRITE"),
    "IMAGE_SCANNER": ("FORBIDDEN", "USE"),
}
TABLE_2_34 = {
    "BLUETOOTH": (1, "Bluetooth デバイス"),
    "WIRELESS_LAN": (2, "無線 LAN デバイス"),
    "DIGITAL_CAMERA": (3, "デジタルカメラ等"),
    "ESATA_DISK": (4, "eSATA 接続ハードディスク"),
    "TAPE_OR_SMART_CARD": (5, "テープドライブ、スマートカードリーダー"),
    "MOBILE": (6, "モバイル端末"),
}
GRANTS = ("FORBIDDEN", "READ_ONLY", "READ_WRITE", "WRITE", "USE")
CELLS = list(itertools.product([*TABLE_2_33, *TABLE_2_34], GRANTS))
WAYS = ("service", "form", "api", "excel")


def context_of(cast: Cast) -> LineContext:
    return LineContext(
        organisation=factories.organisation("13"),
        actor=cast.applicant,
        application=None,
        today=timezone.localdate(),
    )


def by_service(cast: Cast, line: dict[str, Any]) -> dict[str, list[str]]:
    """A payload that never saw the form: the check of the kind alone."""
    found = check_permit(context_of(cast), PermitDevice(**line))
    return {field: list(texts) for field, texts in found.items()}


def by_form(cast: Cast, line: dict[str, Any]) -> dict[str, list[str]]:
    form = PermitForm(data=line, context=context_of(cast))
    return {name: [str(text) for text in texts] for name, texts in form.errors.items()}


def by_excel(cast: Cast, line: dict[str, Any]) -> dict[str, list[str]]:
    """The cells of a row as the upload reads and checks them."""
    columns = columns_of(kinds.get(PERMIT), context_of(cast))
    texts = {**line, "computers": "、".join(line["computers"])}
    row = {
        column.name: typed(column, Cell(1, texts.get(column.name, "")))[0]
        for column in columns
        if texts.get(column.name)
    }
    values = checking.line_values(columns, {"v": row})
    _checked, errors = check_lines(kinds.get(PERMIT), context_of(cast), [values])
    return {path.rpartition(".")[2]: list(texts) for path, texts in errors.items()}


def by_api(cast: Cast, line: dict[str, Any]) -> dict[str, list[str]]:
    api = Api(cast.applicant)
    body = {"kind": PERMIT, "organisation": "13", "reason": "業務のため", "lines": [line]}
    made = api.post("applications/", body, check=201)
    address = f"/api/v1/applications/{made['number']}/submit/"
    answer = api.browser.post(
        address, headers={"If-Match": api.last["ETag"]}, content_type="application/json"
    ).json()
    return {e["path"].rpartition("/")[2]: [e["message"]] for e in answer.get("errors", ())}


@pytest.mark.parametrize(("kind", "grant"), CELLS)
def test_a_cell_is_allowed_or_refused_exactly_as_the_tables_say(cast: Cast, kind: str, grant: str) -> None:
    line = world.permit_line(world.computer("KK13-PC01"), device_kind=kind, grant=grant)
    ways = {"service": by_service, "form": by_form, "excel": by_excel}

    found = {name: way(cast, line) for name, way in ways.items()}

    for name, errors in found.items():
        if kind in TABLE_2_34:
            number, words = TABLE_2_34[kind]
            assert errors["device_kind"] == [
                f"表2-34 No.{number}：「{words}」は利用禁止デバイスです。申請による利用もできません。"
            ], name
        elif TABLE_2_33[kind][1] == grant:
            assert errors == {}, name
        else:
            assert list(errors) == ["grant"], name
            assert "表2-33 No." in errors["grant"][0]


@pytest.mark.parametrize("kind", [*TABLE_2_33, *TABLE_2_34])
def test_rest_decides_as_the_tables_say(cast: Cast, kind: str) -> None:
    line = world.permit_line(world.computer("KK13-PC01"), device_kind=kind)
    line["grant"] = TABLE_2_33[kind][1] if kind in TABLE_2_33 else "READ_WRITE"

    errors = by_api(cast, line)

    if kind in TABLE_2_33:
        assert errors == {}
        wrong = next(grant for grant in GRANTS if grant != line["grant"])
        again = {**world.permit_line("KK13-PC01", device_kind=kind), "grant": wrong}
        assert list(by_api(cast, again)) == ["grant"]
    else:
        assert list(errors) == ["device_kind"]
        assert f"2-34 No.{TABLE_2_34[kind][0]}" in errors["device_kind"][0]


@pytest.mark.parametrize(
    ("word", "row"),
    [
        ("ブルートゥース", 1),
        ("Ｂｌｕｅｔｏｏｔｈデバイス", 1),
        ("無線ＬＡＮ", 2),
        ("Wi-Fi アダプタ", 2),
        ("デジカメ", 3),
        ("Webカメラ", 3),
        ("ｅＳＡＴＡ接続ハードディスク", 4),
        ("テープドライブ", 5),
        ("スマートカードリーダー", 5),
        ("ICカードリーダライタ", 5),
        ("スマートフォン", 6),
        ("iPad", 6),
    ],
)
@pytest.mark.parametrize("field", ["device_kind", "model", "maker"])
def test_a_forbidden_device_written_as_a_permitted_one_is_refused(
    cast: Cast, word: str, row: int, field: str
) -> None:
    errors = by_form(cast, world.permit_line(world.computer(), **{field: word}))

    assert f"表2-34 No.{row}" in errors[field][0]


@pytest.mark.parametrize("word", ["ドローン", "プリンタ", "RS-232C"])
def test_what_no_table_has_is_refused(cast: Cast, word: str) -> None:
    assert "device_kind" in by_form(cast, world.permit_line(world.computer(), device_kind=word))


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("USBメモリ", "USB_STORAGE"),
        ("USBメモリ/USBハードディスク", "USB_STORAGE"),
        ("ＣＤ／ＤＶＤドライブ", "OPTICAL_DRIVE"),
        ("フロッピー ディスクドライブ", "FLOPPY_DRIVE"),
        ("カードリーダー/ライター", "CARD_READER"),
        ("ＳＤカード", "CARD_MEDIA"),
        ("イメージスキャナ", "IMAGE_SCANNER"),
    ],
)
def test_the_words_of_the_table_name_the_kind_and_no_grant_means_its_only_one(
    cast: Cast, word: str, kind: str
) -> None:
    line = world.permit_line(world.computer(), device_kind=word, grant="")
    form = PermitForm(data=line, context=context_of(cast))

    assert form.is_valid(), form.errors
    payload = form.to_payload()
    assert (payload.device_kind, payload.grant) == (kind, TABLE_2_33[kind][1])


def test_the_database_holds_no_other_combination_whoever_writes() -> None:
    line, person, other = factories.line(), factories.user(), factories.user()

    def write(kind: str, grant: str) -> None:
        device = Device.system.create(
            number="DV-2026-000001",
            organisation=line.organisation,
            kind=kind if kind in TABLE_2_33 else "USB_STORAGE",
            maker="A",
            model="B",
            serial="1",
        )
        DevicePermit.system.create(
            organisation=line.organisation,
            device=device,
            device_kind=kind,
            grant=grant,
            end_user="A",
            valid_until=timezone.localdate(),
            applicant=person,
            approved_by=other,
            approved_at=timezone.now(),
            line=line,
            last_line=line,
        )

    held = []
    for kind, grant in CELLS:
        with contextlib.suppress(IntegrityError), transaction.atomic():
            write(kind, grant)
            held.append((kind, grant))
            transaction.set_rollback(True)

    assert held == [(kind, grant) for kind, (_default, grant) in TABLE_2_33.items()]


@given(
    st.sampled_from([*TABLE_2_33, *TABLE_2_34]) | st.text(max_size=30),
    st.text(max_size=20) | st.sampled_from(GRANTS),
)
def test_whatever_is_written_nothing_outside_table_2_33_gets_through(kind: str, grant: str) -> None:
    organisation = factories.organisation("13")
    context = LineContext(organisation=organisation, actor=None, application=None, today=timezone.localdate())
    form = PermitForm(
        data=world.permit_line("KK13-PC01", device_kind=kind, grant=grant, serial="SN1"), context=context
    )

    if form.is_valid():
        payload = form.to_payload()
        assert TABLE_2_33[payload.device_kind][1] == payload.grant


def test_the_code_has_the_rows_of_the_source() -> None:
    assert {k: (r.default, r.grant) for k, r in source.TABLE_2_33.items()} == TABLE_2_33
    assert {r.code: (r.number, r.name) for r in source.TABLE_2_34} == TABLE_2_34


def test_a_submission_is_refused_with_the_row(cast: Cast) -> None:
    line = world.permit_line(world.computer(), device_kind="MOBILE")

    with pytest.raises(InvalidApplication) as refused:
        world.submitted(cast, PERMIT, line)

    assert refused.value.errors.keys() == {"lines.0.device_kind"}
