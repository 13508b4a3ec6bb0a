"""DEV-13: the register exchanged with SKYSEA by file, and what does not fit. DEV-01 … DEV-05 hold on this way too."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from devices.exchange import answers, imports, mappings, orders
from devices.exchange.errors import AlreadyImported, AnswerRefused, ImportRefused, NotAllowed, NothingToDo
from devices.exchange.layout import ORDERS, REGISTER, Column, Layout
from devices.exchange.models import OrderFile, SkyseaFinding, SkyseaImport, SkyseaMapping
from devices.permits.models import Device, DevicePermit
from portal.common.time import JST
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.bulk.errors import FileRefused
from tests import factories
from tests.api.client import Api
from tests.devices import world
from tests.devices.world import Cast
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
Kind, State = SkyseaFinding.Kind, DevicePermit.State
_HEADER = (
    "管理番号,デバイス種別,メーカー,型番,シリアル番号,利用権限,利用可能コンピューター,最終利用日時,資産ID"
)


def row(permit: DevicePermit | None = None, **values: str) -> str:
    """A row of SKYSEA, by default as the permit says."""
    cells = {"number": "", "kind": "USBメモリ", "maker": "他社", "model": "X-1", "serial": "ZZ99"}
    cells |= {"grant": "読み書き可能", "computers": "", "used": ""}
    if permit is not None:
        layout, device = Layout(), permit.device
        cells |= {"number": device.number, "kind": layout.word("kind", device.kind), "maker": device.maker}
        cells |= {"model": device.model, "serial": device.serial, "grant": layout.word("grant", permit.grant)}
        cells["computers"] = ";".join(computer.name for computer in permit.computers.all())
    return ",".join((cells | values).values()) + ",A-1"


def read(cast: Cast, *rows: str, header: str = _HEADER, **more: Any) -> SkyseaImport:
    """A list of SKYSEA, read by the officer."""
    now = more.pop("now", timezone.now())
    return imports.import_register(
        organisation=factories.organisation(cast.code),
        name=more.pop("name", "list.csv"),
        data="\r\n".join((header, *rows)).encode(more.pop("encoding", "cp932")),
        **{"as_of": now, "complete": True, "actor": cast.officer, "now": now} | more,
    )


def kinds() -> dict[str, str]:
    """The open findings: their device or serial number, and their kind."""
    rows = SkyseaFinding.system.filter(state="OPEN").select_related("device")
    return {f.kind: f.device.serial if f.device else f.seen["serial"] for f in rows}


def answer(finding: SkyseaFinding, actor: Any, **values: Any) -> SkyseaFinding:
    """The answer to what is seen now."""
    return answers.answer_finding(
        finding_id=finding.pk,
        actor=actor,
        **{"digest": finding.digest, "answer": "CORRECTED", "now": timezone.now()} | values,
    )


def put(permit: DevicePermit, **values: Any) -> None:
    """A permit in another state, as its own steps would leave it."""
    DevicePermit.system.filter(pk=permit.pk).update(**values)


# --- Reading --------------------------------------------------------------------------------------------------------------
def test_dev_13_a_list_that_fits_tells_when_a_device_was_used_and_nothing_else(cast: Cast) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit, used="2026/11/20 09:30"))

    device = Device.system.get(pk=permit.device_id)
    assert device.last_used_at is not None
    assert device.last_used_at.isoformat() == "2026-11-20T00:30:00+00:00"
    assert device.usage_as_of == made.as_of
    assert (made.matched_count, made.usage_count, made.new_count, made.problems) == (1, 1, 0, [])
    assert not kinds()


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig", "utf-16"])
def test_dev_13_every_encoding_of_an_office_is_read(cast: Cast, encoding: str) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit, used="20261120"), encoding=encoding)

    assert made.matched_count == 1
    assert not made.problems


def test_dev_13_each_way_not_to_fit_is_its_own_finding(cast: Cast) -> None:
    pc = world.computer(code="13")
    waiting, plain, ending, removed, grant, machine, detail = world.approved(
        cast, *(world.permit_line(pc, serial=f"S{n}00{n}") for n in range(7))
    ) and DevicePermit.system.select_related("device").order_by("pk")
    before = timezone.now() - timedelta(days=2)
    third = {"registered_by": cast.officer, "registered_at": before}
    for permit in (plain, grant, machine, detail):
        put(permit, state=State.REGISTERED, **third)
    put(ending, state=State.ENDING, ended_at=before, **third)
    put(removed, state=State.REMOVED, removed_at=before, **third)
    other = world.registered(Cast("27"), serial="ELSE1")

    made = read(
        cast,
        row(waiting),
        row(removed),
        row(grant, grant="読み取り専用"),
        row(machine, computers="KK13-OTHER"),
        row(detail, model="RUF9", number=""),
        row(model=other.device.model, serial="ELSE1"),
        row(kind="Bluetoothアダプタ", serial="BT1"),
        row(serial="NEW1"),
    )

    assert kinds() == {
        Kind.NOT_RECORDED: waiting.device.serial,
        Kind.MISSING: plain.device.serial,
        Kind.REMOVAL_NOT_RECORDED: ending.device.serial,
        Kind.STILL_THERE: removed.device.serial,
        Kind.GRANT: grant.device.serial,
        Kind.COMPUTERS: machine.device.serial,
        Kind.DETAILS: detail.device.serial,
        Kind.ELSEWHERE: "ELSE1",
        Kind.FORBIDDEN: "BT1",
        Kind.UNKNOWN: "NEW1",
    }
    assert made.new_count == 10
    found = SkyseaFinding.system.get(kind=Kind.GRANT)
    assert [(d["field"], d["there"]) for d in found.differences] == [("grant", "読み取り専用")]
    assert "27" not in str(SkyseaFinding.system.get(kind=Kind.ELSEWHERE).seen)  # ORG-02


def test_dev_13_a_device_whose_permit_ended_before_it_was_registered_must_not_be_there(cast: Cast) -> None:
    world.approved(cast, world.permit_line(world.computer(), serial="S1"))
    permit = DevicePermit.system.get()
    put(permit, state=State.REMOVED, ended_at=timezone.now())

    read(cast, row(permit))

    assert kinds() == {Kind.NOT_PERMITTED: "S1"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"serial": "なし"}, "どのデバイスか分かりません"),
        ({"used": "きのう"}, "日付ではありません"),
        ({"used": "2099/01/01"}, "一覧の取得日時"),
        ({"serial": "=1+1"}, "数式"),
        ({"serial": "x" * 201}, "200文字"),
    ],
)
def test_dev_13_a_row_that_cannot_be_used_is_reported_with_its_number(
    cast: Cast, values: dict[str, str], says: str
) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit), row(**values))

    assert [problem["row"] for problem in made.problems] == [3]
    assert says in made.problems[0]["reasons"][0]
    assert not SkyseaFinding.system.exists()


def test_dev_13_of_a_device_whose_row_cannot_be_used_nothing_is_said(cast: Cast) -> None:
    now, before = timezone.now(), timezone.now() - timedelta(days=2)
    missing, ending = world.registered(cast, serial="S1"), world.registered(cast, serial="S2")
    put(missing, registered_at=before)
    put(ending, state=State.ENDING, registered_at=before, ended_at=before)
    read(cast, row(missing), row(ending), row(serial="NEW1"), now=now)
    assert kinds() == {Kind.UNKNOWN: "NEW1"}

    made = read(
        cast,
        *(row(permit, used="きのう") for permit in (missing, ending)),
        row(serial="NEW1", used="きのう"),
        now=now + timedelta(hours=1),
    )

    assert (len(made.problems), made.new_count, made.gone_count) == (3, 0, 0)
    assert kinds() == {Kind.UNKNOWN: "NEW1"}


@pytest.mark.parametrize(
    ("used", "problems"), [("0001/01/01 0:00:00", 0), ("0001-01-01", 0), ("1899/12/30", 1)]
)
def test_dev_13_the_zero_of_a_program_is_no_moment(cast: Cast, used: str, problems: int) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit, used=used))

    device = Device.system.get(pk=permit.device_id)  # a moment before the year 1 cannot be read back
    assert (device.last_used_at, len(made.problems)) == (None, problems)
    with pytest.raises(ImportRefused):
        read(cast, row(permit), as_of=datetime(1, 1, 1, tzinfo=JST))


def test_dev_13_a_double_row_and_unknown_words_are_reported_and_the_rest_counts(cast: Cast) -> None:
    permit = world.registered(cast)

    made = read(cast, row(permit, grant="なんでも可", used="2026/11/20"), row(permit))

    assert [problem["row"] for problem in made.problems] == [2, 3]
    assert "なんでも可" in made.problems[0]["reasons"][0]
    assert made.usage_count == 1
    assert not kinds()


def test_dev_13_rows_of_another_federation_are_not_taken(cast: Cast) -> None:
    made = read(cast, "27,S1", header="連合会コード,シリアル番号")

    assert "別の団体" in made.problems[0]["reasons"][0]
    assert not SkyseaFinding.system.exists()


@pytest.mark.parametrize(
    ("text", "says"), [("", "空"), ("a,b\r\n1,2", "見出し"), ("型番\r\nX", "シリアル番号")]
)
def test_dev_13_a_file_that_is_no_list_is_refused_whole(cast: Cast, text: str, says: str) -> None:
    with pytest.raises(FileRefused) as refused:
        imports.import_register(
            organisation=factories.organisation("13"),
            name="x.csv",
            data=text.encode("cp932"),
            as_of=timezone.now(),
            complete=True,
            actor=cast.officer,
            now=timezone.now(),
        )

    assert says in " ".join(refused.value.reasons)


def test_dev_13_the_same_file_is_read_once(cast: Cast) -> None:
    now = timezone.now()
    made = read(cast, row(serial="NEW1"), now=now)

    with pytest.raises(AlreadyImported) as refused:
        read(cast, row(serial="NEW1"), now=now)

    assert refused.value.earlier == made
    assert SkyseaFinding.system.count() == 1


def test_dev_13_only_officers_and_operations_read_and_no_list_is_of_tomorrow(cast: Cast) -> None:
    for actor in (cast.applicant, cast.manager, Cast("27").officer):
        with pytest.raises(NotAllowed):
            read(cast, row(), actor=actor)
    with pytest.raises(ImportRefused):
        read(cast, row(), as_of=timezone.now() + timedelta(days=1))

    assert read(cast, row(), actor=cast.operator).new_count == 1
    assert Notice.system.filter(template="skysea_findings", to_user=cast.officer).count() == 1


# --- From list to list ------------------------------------------------------------------------------------------------------
def test_dev_13_what_is_gone_in_the_next_list_closes_itself_and_a_part_closes_nothing_else(
    cast: Cast,
) -> None:
    now = timezone.now()
    read(cast, row(serial="NEW1"), row(serial="NEW2"), now=now)

    part = read(cast, row(serial="NEW1"), complete=False, now=now + timedelta(hours=1))
    whole = read(cast, row(serial="NEW2"), now=now + timedelta(hours=2))

    assert (part.same_count, part.gone_count) == (1, 0)
    assert (whole.same_count, whole.gone_count) == (1, 1)
    assert SkyseaFinding.system.get(state="GONE").seen["serial"] == "NEW1"


def test_dev_13_what_was_said_to_be_corrected_opens_again_when_it_is_still_there(cast: Cast) -> None:
    now = timezone.now()
    read(cast, row(serial="NEW1"), now=now)
    answer(SkyseaFinding.system.get(), cast.officer, now=now + timedelta(hours=2))

    read(cast, row(serial="NEW1"), row(serial="N2"), as_of=now, now=now + timedelta(hours=3))
    assert SkyseaFinding.system.filter(seen__serial="NEW1").count() == 1  # taken before the correction
    read(cast, row(serial="NEW1"), now=now + timedelta(hours=4))

    assert SkyseaFinding.system.get(state="OPEN", seen__serial="NEW1").again


def test_dev_13_what_may_stay_is_not_asked_again_until_it_changes(cast: Cast) -> None:
    permit, now = world.registered(cast), timezone.now()
    read(cast, row(permit, model="RUF9"), now=now)
    finding = SkyseaFinding.system.get()
    with pytest.raises(AnswerRefused):
        answer(finding, cast.officer, answer="KEPT")
    answer(finding, cast.officer, answer="KEPT", reason="SKYSEAの型番表記が異なるため。")

    again = read(cast, row(permit, model="RUF9"), now=now + timedelta(hours=1))
    other = read(cast, row(permit, model="RUF10"), now=now + timedelta(hours=2))

    assert (again.new_count, again.same_count, other.new_count) == (0, 1, 1)


def test_dev_13_an_older_list_tells_uses_only(cast: Cast) -> None:
    permit, now = world.registered(cast), timezone.now()
    read(cast, row(permit), now=now)

    late = read(
        cast, row(serial="NEW1"), row(permit, used="2026/01/05"), as_of=now - timedelta(days=1), now=now
    )

    assert late.outdated
    assert not kinds()
    assert Device.system.get(pk=permit.device_id).last_used_at is not None


# --- Answers --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [kind for kind in Kind.values if kind not in {Kind.MISSING, Kind.DETAILS}])
def test_dev_04_what_nobody_permitted_never_stays_whoever_writes(cast: Cast, kind: str) -> None:
    read(cast, row(serial="NEW1"))
    SkyseaFinding.system.update(kind=kind)
    finding = SkyseaFinding.system.get()

    assert "KEPT" not in answers.answers_to(finding)
    with pytest.raises(AnswerRefused):
        answer(finding, cast.officer, answer="KEPT", reason="x")
    with pytest.raises(DatabaseError), transaction.atomic():
        SkyseaFinding.system.update(answer="KEPT")


def test_dev_01_recording_from_a_finding_is_the_permits_own_step(cast: Cast) -> None:
    world.approved(cast, world.permit_line(world.computer(), serial="S1"))
    permit = DevicePermit.system.get()
    read(cast, row(permit))
    finding = SkyseaFinding.system.get()
    DevicePermit.system.update(applicant=cast.officer)
    with pytest.raises(NotAllowed):
        answer(finding, cast.officer, answer="RECORDED")
    DevicePermit.system.update(applicant=cast.applicant)

    answer(finding, cast.officer, answer="RECORDED")

    permit.refresh_from_db()
    assert (permit.state, permit.registered_by) == (State.REGISTERED, cast.officer)
    assert TrailEntry.objects.filter(action__in=["device.registered", "skysea.answer"]).count() == 2


def test_dev_13_only_the_officer_answers_once_and_what_was_seen(cast: Cast) -> None:
    read(cast, row(serial="NEW1"))
    finding = SkyseaFinding.system.get()
    for actor in (cast.manager, cast.operator, Cast("27").officer):
        with pytest.raises(NotAllowed):
            answer(finding, actor)
    with pytest.raises(AnswerRefused):
        answer(finding, cast.officer, digest="older")

    answer(finding, cast.officer)

    with pytest.raises(AnswerRefused):
        answer(finding, cast.officer)


# --- The file for SKYSEA ------------------------------------------------------------------------------------------------------
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


# --- The mapping ----------------------------------------------------------------------------------------------------------
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
    with pytest.raises(mappings.MappingChanged):
        _save(cast, Layout())
    assert _save(cast, Layout(), seen=made.pk).pk != made.pk


# --- Screens and REST -------------------------------------------------------------------------------------------------------
def test_the_officer_goes_both_ways_on_the_screen(cast: Cast) -> None:
    world.approved(cast, world.permit_line(world.computer(), serial="S1"))
    permit, client, now = DevicePermit.system.get(), client_of(cast.officer), timezone.localtime()
    assert client.post(reverse("skysea_orders")).status_code == 302
    file = client.get(reverse("skysea_order_file", args=[OrderFile.system.get().pk]))
    assert "S1" in file.content.decode("cp932")

    upload = io.BytesIO("\r\n".join((_HEADER, row(permit))).encode("cp932"))
    upload.name = "一覧.csv"
    sent = {"file": upload, "taken_on": f"{now:%Y/%m/%d}", "taken_at": f"{now:%H:%M}", "complete": "on"}
    answered = client.post(reverse("skysea_import"), sent)

    finding = SkyseaFinding.system.get()
    assert answered.status_code == 302
    assert "記録されていません" in client.get(answered["Location"]).content.decode()
    address = reverse("skysea_finding", args=[finding.pk])
    assert permit.device.number in client.get(address).content.decode()
    assert client.post(address, {"digest": finding.digest, "answer": "KEPT"}).status_code == 422
    assert client.post(address, {"digest": finding.digest, "answer": "RECORDED"}).status_code == 302
    permit.refresh_from_db()
    assert permit.state == State.REGISTERED


def test_operations_change_the_mapping_on_the_screen(cast: Cast) -> None:
    client = client_of(cast.operator)
    form = client.get(reverse("skysea_mapping")).context["form"]
    sent = dict(form.initial.items()) | {"register-serial": "製造番号", "seen": ""}

    assert client.post(reverse("skysea_mapping"), sent | {"register-serial": ""}).status_code == 422
    assert client.post(reverse("skysea_mapping"), sent).status_code == 302
    assert client.post(reverse("skysea_mapping"), sent).status_code == 409

    assert mappings.current_layout().heading(REGISTER, "serial") == "製造番号"
    assert mappings.current_layout().columns[ORDERS] == Layout().columns[ORDERS]


def test_a_federation_sees_its_own_findings_only_and_rest_answers(cast: Cast) -> None:  # ORG-02
    other = Cast("27")
    read(cast, row(serial="OWN1"))
    read(other, row(serial="OTHER1"))
    finding = SkyseaFinding.system.get(seen__serial="OWN1")
    body = {"digest": finding.digest, "answer": "CORRECTED"}

    for name in ("skysea_findings", "skysea_findings_print"):
        page = client_of(cast.applicant).get(reverse(name)).content.decode()
        assert "OWN1" in page
        assert "OTHER1" not in page
    assert client_for(Role.USER).get(reverse("skysea_findings")).status_code == 403
    assert client_of(other.officer).get(reverse("skysea_finding", args=[finding.pk])).status_code == 404
    listed = Api(cast.officer).get("skysea/findings/?state=OPEN")
    assert [found["seen"]["serial"] for found in listed["results"]] == ["OWN1"]
    path = f"skysea/findings/{finding.pk}/answer/"
    Api(other.officer).post(path, body, check=404)
    Api(cast.manager).post(path, body, check=403)
    Api(cast.officer).post(path, body | {"answer": "KEPT"}, check=422)
    assert Api(cast.officer).post(path, body)["state"] == "ANSWERED"
    assert Api(cast.officer).post(path, body, check=409)["code"] == "changed-meanwhile"


def test_the_list_costs_the_same_with_thirty_findings(cast: Cast, django_assert_max_num_queries: Any) -> None:
    read(cast, *(row(serial=f"N{n}0{n}") for n in range(30)))

    with django_assert_max_num_queries(30):
        client_of(cast.applicant).get(reverse("skysea_findings"))
