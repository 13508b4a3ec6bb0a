"""DEV-08: alerts of table 2-35, imported, tied to permit and machine, followed up until the federation answered."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from devices.alerts import answers, imports, selectors, telling
from devices.alerts.models import AlertEvent, AlertImport, DeviceAlert
from devices.exchange.errors import AlreadyImported, AnswerRefused, NotAllowed
from devices.exchange.layout import Layout
from devices.exchange.mappings import save_mapping
from devices.permits.models import DevicePermit
from portal.common.time import JST
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.api.client import Api
from tests.devices import world
from tests.devices.world import Cast
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
_HEADER = "発生日時,アラート種別,コンピューター名,デバイス種別,型番,シリアル番号,ログオンユーザー"
UNREGISTERED, FORBIDDEN, WRITE = "台帳登録外デバイス接続", "禁止デバイス利用", "記憶媒体/メディア書き込み"


def row(
    alert: str = UNREGISTERED, computer: str = "KK13-A", at: str = "2026/11/20 09:30:00", **values: str
) -> str:
    """A row of SKYSEA."""
    cells = {"kind": "USBメモリ", "model": "X-1", "serial": "ZZ99", "person": "tk13-sato"} | values
    return ",".join((at, alert, computer, *cells.values()))


def read(cast: Cast, *rows: str, header: str = _HEADER, **more: Any) -> AlertImport:
    """A file of alerts, read by the officer."""
    values = {"actor": cast.officer, "now": timezone.now(), "name": "alerts.csv"} | more
    data = "\r\n".join((header, *rows)).encode("cp932")
    return imports.import_alerts(organisation=factories.organisation(cast.code), data=data, **values)


def answer(*alerts: DeviceAlert, actor: Any, **values: Any) -> list[DeviceAlert]:
    """One answer to all."""
    told = {"answer": "INSTRUCTED", "reason": "本人に注意した。", "now": timezone.now()} | values
    seen = {alert.pk: alert.version for alert in alerts}
    return answers.answer_alerts(seen=seen, actor=actor, **told)


# --- Reading --------------------------------------------------------------------------------------------------------------
def test_dev_08_an_alert_is_tied_to_machine_device_and_permit(cast: Cast) -> None:
    pc = world.computer("KK13-A")
    permit = world.registered(cast, pc)
    DevicePermit.system.update(registered_at="2026-01-01T00:00:00Z", approved_at="2026-01-01T00:00:00Z")
    device = permit.device
    known = {"model": device.model, "serial": device.serial}

    read(
        cast,
        row(WRITE, **known),
        row(WRITE, "KK13-B", **known),
        row(WRITE, at="2025/11/20 09:30", **known),
        row(FORBIDDEN, kind="スマートフォン", serial=""),
        row(UNREGISTERED, "kk13-a", serial="NEW1"),
    )

    found = list(DeviceAlert.system.order_by("pk"))
    assert [a.kind for a in found] == ["WRITE", "WRITE", "WRITE", "FORBIDDEN", "UNREGISTERED"]
    assert [a.computer for a in found] == [pc, None, pc, pc, pc]
    assert [a.permit for a in found] == [permit, permit, permit, None, None]
    assert [a.covered for a in found] == [
        True,
        False,
        False,
        False,
        False,
    ]  # other machine; before the permit


def test_dev_08_the_same_file_and_overlapping_files_bring_each_alert_once(cast: Cast) -> None:
    first = read(cast, row(serial="A1"), row(serial="B2"), row(serial="B2"))
    with pytest.raises(AlreadyImported):
        read(cast, row(serial="A1"), row(serial="B2"), row(serial="B2"))

    second = read(cast, row(serial="B2"), row(serial="B2"), row(serial="C3"))

    assert (first.new_count, second.new_count, second.known_count) == (3, 1, 2)
    assert DeviceAlert.system.count() == 4  # two alike in one second are two


def test_dev_08_the_vendors_number_tells_alerts_apart(cast: Cast) -> None:
    header = f"アラート番号,{_HEADER}"
    read(cast, f"1,{row()}", f"2,{row()}", header=header)

    again = read(cast, f"２,{row()}", f"3,{row()}", header=header)

    assert (again.new_count, again.known_count) == (1, 1)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (row("なにか"), "項目対応にない言葉"),
        (row(at="きのう"), "日付ではありません"),
        (row(at=""), "発生日時がありません"),
        (row(at="2099/01/01"), "未来"),
        (row(computer=""), "コンピュータ名がありません"),
        (row(computer="KK27-X"), "別の組織の機器"),
    ],
)
def test_dev_08_a_row_that_cannot_be_used_is_reported_and_the_others_count(
    cast: Cast, line: str, says: str
) -> None:
    world.computer("KK27-X", code="27")

    made = read(cast, line, row())

    assert [problem["row"] for problem in made.problems] == [2]
    assert says in made.problems[0]["reasons"][0]
    assert made.new_count == 1


def test_dev_08_a_file_is_read_again_for_the_rows_that_could_not_be_used(cast: Cast) -> None:
    words = Layout().words["alert"]
    first = read(cast, row(serial="A1"), row("未登録USB", serial="B2"))
    assert (first.new_count, len(first.problems)) == (1, 1)
    learned = {**Layout().words, "alert": {**words, "UNREGISTERED": (*words["UNREGISTERED"], "未登録USB")}}
    save_mapping(actor=cast.operator, layout=Layout(words=learned), seen=None, now=timezone.now())

    again = read(cast, row(serial="A1"), row("未登録USB", serial="B2"), actor=cast.operator)

    assert (again.pk, again.new_count, again.known_count, again.problems) == (first.pk, 2, 0, [])
    assert DeviceAlert.system.count() == 2
    with pytest.raises(AlreadyImported):
        read(cast, row(serial="A1"), row("未登録USB", serial="B2"))


def test_dev_08_what_happens_after_the_last_day_is_not_covered(cast: Cast) -> None:
    pc = world.computer("KK13-A")
    permit = world.registered(cast, pc)
    DevicePermit.system.update(
        registered_at="2026-01-01T00:00:00Z", approved_at="2026-01-01T00:00:00Z", valid_until="2026-11-19"
    )
    known = {"model": permit.device.model, "serial": permit.device.serial}

    read(cast, row(WRITE, at="2026/11/19 23:59", **known), row(WRITE, at="2026/11/20 00:01", **known))

    assert [alert.covered for alert in DeviceAlert.system.order_by("pk")] == [True, False]


def test_dev_08_only_officers_and_operations_read_and_the_officer_is_told(cast: Cast) -> None:
    for actor in (cast.applicant, cast.manager, Cast("27").officer):
        with pytest.raises(NotAllowed):
            read(cast, row(), actor=actor)

    read(cast, row(), actor=cast.operator)

    told = Notice.system.get(template="alerts_new")
    assert (told.to_user, told.context) == (cast.officer, {"count": 1})


# --- Answers --------------------------------------------------------------------------------------------------------------
def test_dev_08_an_answer_says_what_was_found_out_and_stays_in_the_history(cast: Cast) -> None:
    read(cast, row())
    alert = DeviceAlert.system.get()
    with pytest.raises(AnswerRefused):
        answer(alert, actor=cast.officer, reason=" ")

    (answered,) = answer(alert, actor=cast.officer)
    answer(answered, actor=cast.manager, answer="INCIDENT", reason="調査の結果")

    alert.refresh_from_db()
    assert (alert.state, alert.answer, alert.answered_by) == ("ANSWERED", "INCIDENT", cast.manager)
    assert list(AlertEvent.system.values_list("answer", flat=True)) == ["INSTRUCTED", "INCIDENT"]
    assert TrailEntry.objects.filter(action="alert.answer").count() == 2
    with pytest.raises(DatabaseError), transaction.atomic():
        AlertEvent.system.update(reason="anders")


def test_dev_08_nobody_overwrites_an_answer_that_they_did_not_see(cast: Cast) -> None:
    read(cast, row(), row(serial="B2"))
    seen, other = DeviceAlert.system.order_by("pk")
    detail, client = reverse("alert_detail", args=[seen.pk]), client_of(cast.officer)
    assert f'name="alert" value="{seen.choice}"' in client.get(detail).content.decode()
    answer(seen, actor=cast.manager, answer="INCIDENT")
    sent = {"answer": "INSTRUCTED", "reason": "注意した"}

    both = [seen.choice, other.choice]
    assert client.post(detail, sent | {"alert": seen.choice}).status_code == 422
    assert client.post(detail, sent).status_code == 422  # says nothing of what was seen
    assert client.post(reverse("alert_open"), sent | {"alert": both}).status_code == 422
    seen.refresh_from_db()
    assert seen.answer == "INCIDENT"
    assert client.post(detail, sent | {"alert": seen.choice}).status_code == 302  # corrected knowingly


def test_dev_08_nobody_overwrites_a_corrected_answer_over_rest(cast: Cast) -> None:
    read(cast, row())
    alert = DeviceAlert.system.get()
    path, body = f"alerts/{alert.pk}/answer/", {"answer": "INSTRUCTED", "reason": "注意した"}
    (answered,) = answer(alert, actor=cast.manager, answer="APPLIED")
    answer(answered, actor=cast.manager, answer="INCIDENT")

    for version in (alert.version, answered.version):
        refused = Api(cast.officer).post(path, body | {"version": version}, check=409)
        assert refused["code"] == "changed-meanwhile"
    Api(cast.officer).post(path, body, check=400)
    alert.refresh_from_db()

    assert (alert.answer, alert.answered_by, AlertEvent.system.count()) == ("INCIDENT", cast.manager, 2)
    (listed,) = Api(cast.officer).get("alerts/")["results"]
    assert Api(cast.officer).post(path, body | {"version": listed["version"]})["answer"] == "INSTRUCTED"


def test_dev_08_an_incident_is_told_to_the_manager(cast: Cast) -> None:
    read(cast, row())

    answer(DeviceAlert.system.get(), actor=cast.officer, answer="INCIDENT")

    assert Notice.system.get(template="alerts_incident").to_user == cast.manager


def test_dev_08_nobody_else_answers_and_many_are_answered_together_or_not_at_all(cast: Cast) -> None:
    read(cast, row(WRITE, serial="A1"), row(FORBIDDEN, serial="B1"))
    write, forbidden = DeviceAlert.system.order_by("pk")
    for actor in (cast.applicant, cast.operator, Cast("27").officer):
        with pytest.raises(NotAllowed):
            answer(write, actor=actor)

    with pytest.raises(AnswerRefused):
        answer(write, forbidden, actor=cast.officer, answer="PROPER")
    assert not AlertEvent.system.exists()
    answer(write, forbidden, actor=cast.officer)

    assert DeviceAlert.system.filter(state="ANSWERED").count() == 2


@pytest.mark.parametrize(
    ("kind", "possible"),
    [
        (WRITE, {"PROPER", "INSTRUCTED", "INCIDENT", "APPLIED"}),
        (UNREGISTERED, {"INSTRUCTED", "INCIDENT", "APPLIED"}),
        (FORBIDDEN, {"INSTRUCTED", "INCIDENT"}),  # DEV-05: nothing can be applied for
    ],
)
def test_dev_05_what_is_forbidden_is_never_proper_use(cast: Cast, kind: str, possible: set[str]) -> None:
    read(cast, row(kind))
    alert = DeviceAlert.system.get()

    assert set(answers.answers_to(alert)) == possible
    if kind != WRITE:
        with pytest.raises(DatabaseError), transaction.atomic():
            DeviceAlert.system.update(answer="PROPER")


def test_dev_08_reminders_come_until_it_is_answered_and_reach_the_manager(cast: Cast, settings: Any) -> None:
    settings.DEVICES = settings.DEVICES | {"alert_remind_days": 3, "alert_escalate_days": 6}
    monday = datetime(2026, 11, 2, 9, tzinfo=JST)
    read(cast, row(at="2026/10/30 10:00"), now=monday)

    def sent(day: int) -> tuple[int, int]:
        telling.remind(now=datetime(2026, 11, day, 9, tzinfo=JST))
        told = Notice.system.filter(template="alerts_open")
        return told.filter(to_user=cast.officer).count(), told.filter(to_user=cast.manager).count()

    # 3 November is a holiday: the third business day after the 2nd is the 6th, the sixth one the 11th.
    assert [sent(day) for day in (4, 5, 6, 6, 7, 9, 11, 11)] == [
        (0, 0),
        (0, 0),
        (1, 0),
        (1, 0),
        (1, 0),
        (1, 0),
        (2, 1),
        (2, 1),
    ]
    answer(DeviceAlert.system.get(), actor=cast.officer)
    assert sent(30) == (2, 1)


def test_dev_08_the_month_is_a_month_in_japan(cast: Cast) -> None:
    read(
        cast,
        row(at="2026/10/31 23:59:59"),
        row(WRITE, at="2026/11/01 00:00:00"),
        row(FORBIDDEN, at="2026/11/20"),
    )

    rows = selectors.monthly(cast.officer)

    assert [(f"{r['month']:%Y-%m}", r["total"], r["WRITE"], r["FORBIDDEN"], r["open"]) for r in rows] == [
        ("2026-11", 2, 1, 1, 2),
        ("2026-10", 1, 0, 0, 1),
    ]
    for written in ("2026-10", "2026/10", "２０２６－１０", "2026年10月"):
        assert selectors.alerts(cast.officer, month=written).count() == 1
    assert not selectors.alerts(cast.officer, month="10月").exists()  # never the whole list instead


# --- Screens and REST -------------------------------------------------------------------------------------------------------
def test_the_officer_reads_answers_and_counts_on_the_screen(cast: Cast) -> None:
    world.computer("KK13-A")
    client = client_of(cast.officer)
    upload = io.BytesIO("\r\n".join((_HEADER, row(), row(WRITE))).encode("cp932"))
    upload.name = "アラート.csv"
    assert client.post(reverse("alert_import"), {"file": upload}).status_code == 302
    assert "アラート.csv" in client.get(reverse("alert_import")).content.decode()
    first, second = DeviceAlert.system.order_by("-pk")

    sent = {"alert": [first.choice, second.choice], "answer": "INSTRUCTED", "reason": "注意した"}
    assert "3件の入力" in client.post(reverse("alert_open"), {}).content.decode()
    assert client.post(reverse("alert_open"), sent | {"answer": "PROPER"}).status_code == 422
    assert client.post(reverse("alert_open"), sent).status_code == 302
    first.refresh_from_db()
    detail = reverse("alert_detail", args=[first.pk])
    corrected = {"alert": first.choice, "answer": "APPLIED", "reason": "申請する"}
    assert client.post(detail, corrected).status_code == 302

    shown = client.get(detail).content.decode()
    assert "申請する" in shown
    assert "注意した" in shown
    assert "2026-11" in client.get(reverse("alert_figures")).content.decode()
    figures = b"".join(client.get(reverse("alert_figures") + "?format=csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "2026-11" in figures
    machine = client.get(reverse("computer_detail", args=[DeviceAlert.system.first().computer.uid]))  # type: ignore[union-attr]
    assert detail in machine.content.decode()


def test_a_federation_sees_its_own_alerts_only_and_rest_answers(cast: Cast) -> None:  # ORG-02
    other = Cast("27")
    read(cast, row(serial="OWN1"))
    read(other, row(computer="KK27-A", serial="OTHER1"))
    alert = DeviceAlert.system.get(seen__serial="OWN1")
    body = {"version": alert.version, "answer": "INSTRUCTED", "reason": "注意した"}

    page = client_of(cast.applicant).get(reverse("alert_list")).content.decode()
    assert "KK13-A" in page
    assert "KK27-A" not in page
    assert client_for(Role.USER).get(reverse("alert_list")).status_code == 403
    assert client_of(other.officer).get(reverse("alert_detail", args=[alert.pk])).status_code == 404
    assert client_of(cast.applicant).get(reverse("alert_open")).status_code == 403
    listed = Api(cast.officer).get("alerts/?month=2026-11")
    assert [found["seen"]["serial"] for found in listed["results"]] == ["OWN1"]
    Api(other.officer).post(f"alerts/{alert.pk}/answer/", body, check=404)
    Api(cast.applicant).post(f"alerts/{alert.pk}/answer/", body, check=403)
    Api(cast.officer).post(f"alerts/{alert.pk}/answer/", body | {"answer": "PROPER"}, check=422)
    assert Api(cast.officer).post(f"alerts/{alert.pk}/answer/", body)["state"] == "ANSWERED"


def test_the_list_leads_nobody_to_a_page_that_refuses_them(cast: Cast) -> None:
    for person, pages in [
        (cast.applicant, []),
        (cast.manager, ["alert_open"]),
        (cast.officer, ["alert_open", "alert_import"]),
        (cast.operator, ["alert_import"]),
    ]:
        client = client_of(person)
        page = client.get(reverse("alert_list")).content.decode()
        led = [name for name in ("alert_open", "alert_import") if f'href="{reverse(name)}"' in page]

        assert led == pages
        assert all(client.get(reverse(name)).status_code == 200 for name in led)


def test_the_list_costs_the_same_with_thirty_alerts(cast: Cast, django_assert_max_num_queries: Any) -> None:
    read(cast, *(row(serial=f"N{n}0{n}", at=f"2026/11/01 09:{n:02}") for n in range(30)))

    with django_assert_max_num_queries(30):
        client_of(cast.applicant).get(reverse("alert_list"))


def test_reading_costs_the_same_for_thirty_alerts(cast: Cast, django_assert_max_num_queries: Any) -> None:
    rows = [row(serial=f"N{n}0{n}", at=f"2026/11/01 09:{n:02}") for n in range(30)]

    with django_assert_max_num_queries(30):
        read(cast, *rows, now=timezone.now() + timedelta(seconds=1))


def test_dev_08_a_file_is_brought_over_rest_as_on_the_screen(cast: Cast) -> None:
    world.computer("KK13-A")
    data = "\r\n".join((_HEADER, row(), row(alert="なにか"))).encode("cp932")
    again = "\r\n".join((_HEADER, row())).encode("cp932")

    def send(user: User, content: bytes, organisation: str = cast.code) -> Any:
        body = {"organisation": organisation, "file": SimpleUploadedFile("alerts.csv", content)}
        return client_of(user).post("/api/v1/alerts/files/", body)

    made = send(cast.officer, data)

    assert (made.status_code, made.json()["rows"], made.json()["new"]) == (201, 2, 1)
    assert [problem["row"] for problem in made.json()["problems"]] == [3]
    assert DeviceAlert.system.count() == 1
    assert send(cast.officer, again).json()["known"] == 1
    assert send(cast.officer, again).json()["code"] == "already-imported"
    assert send(cast.officer, b"x").status_code == 422
    assert send(cast.officer, data, "27").status_code == 403  # ORG-02
    assert send(cast.applicant, data).status_code == 403
