"""Quarantine results by file: through a mapping, newest counts, what does not fit is told by its row (MAC-03, MAC-08)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from devices.computers.models import Computer
from devices.quarantine import mappings, services
from devices.quarantine.layout import Layout
from devices.quarantine.models import QuarantineEvent, QuarantineImport, QuarantineStatus
from devices.quarantine.services import AlreadyImported, NotAllowed
from portal.common.api.views import ApiView
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow.bulk.errors import FileRefused
from tests import factories
from tests.api.client import Api
from tests.bulk.books import book
from tests.devices import world
from tests.devices.whitelist import corpus
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db

HEADER = (
    "コンピュータ名,MACアドレス,検査結果,最終検査日時,OS,検疫エージェント,セキュリティパッチ,パターンファイル,"
    "SKYSEAエージェント,Splunkエージェント,パッチ配信日,パターン配信日"
)
NOW = dt.datetime(2026, 12, 3, 10, 0, tzinfo=JST)


@pytest.fixture(autouse=True)
def japanese() -> Any:
    with translation.override("ja"):
        yield


@pytest.fixture
def operator() -> User:
    return factories.user(Role.OPERATOR, code="operations")


@pytest.fixture
def computer() -> Computer:
    return world.computer("KK13-PC01", agents=["QUARANTINE"])


def file(*rows: str, header: str = HEADER, encoding: str = "cp932") -> bytes:
    return "\r\n".join([header, *rows, ""]).encode(encoding)


def run(operator: User, *rows: str, now: dt.datetime = NOW, **more: Any) -> QuarantineImport:
    return services.import_file(name="kensa.csv", data=file(*rows, **more), actor=operator, now=now)


UNFIT = "KK13-PC01,,不適合,2026/12/3 9:00,○,○,×,○,○,○,2026/11/29,"


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig", "utf-16"])
def test_mac08_a_result_stands_at_its_machine(operator: User, computer: Computer, encoding: str) -> None:
    made = run(operator, UNFIT, encoding=encoding)

    status = QuarantineStatus.system.get(computer=computer)
    assert (made.row_count, made.taken_count, made.problems) == (1, 1, [])
    assert (status.result, status.has_agent, status.failed) == ("UNFIT", True, ["PATCHES"])
    assert status.checked_at == dt.datetime(2026, 12, 3, 9, 0, tzinfo=JST)
    assert status.organisation_id == computer.organisation_id


def test_a_workbook_is_read_too(operator: User, computer: Computer) -> None:
    row = ["ｋｋ１３ーｐｃ０１", None, "適合", dt.datetime(2026, 12, 3, 9, 0), None, "○"]  # noqa: DTZ001

    services.import_file(
        name="kensa.xlsx", data=book([row], header=HEADER.split(",")[:6]), actor=operator, now=NOW
    )

    assert QuarantineStatus.system.get(computer=computer).result == "FIT"


def test_a_machine_is_found_by_the_address_of_its_entry(operator: User, computer: Computer) -> None:
    corpus.entry(computer, world.segment(network="10.13.20.0/24"), "00:1b:a9:00:00:01", "10.13.20.5")

    run(operator, ",００ー１ＢーＡ９ー００ー００ー０１,適合,2026-12-03 09:00,,,,,,,,", encoding="utf-8")

    assert QuarantineStatus.system.get().computer == computer


WRONG = [
    ("KK13-NONE,,適合,2026/12/3 9:00,,,,,,,,", "機器台帳にありません：KK13-NONE"),
    (",,適合,2026/12/3 9:00,,,,,,,,", "コンピュータ名もMACアドレスもありません"),
    (",00:1b:a9,適合,2026/12/3 9:00,,,,,,,,", "12桁"),
    (",00:1b:a9:00:00:77,適合,2026/12/3 9:00,,,,,,,,", "機器台帳にありません：00:1B:A9:00:00:77"),
    (
        "KK13-PC01,,たぶん,2026/12/3 9:00,,,,,,,,",
        "検査結果が「適合」「不適合」のどちらでもありません：たぶん",
    ),
    ("KK13-PC01,,,2026/12/3 9:00,,,,,,,,", "のどちらでもありません"),
    ("KK13-PC01,,適合,きのう,,,,,,,,", "最終検査日時を読み取れません"),
    ("KK13-PC01,,適合,,,,,,,,,", "最終検査日時を読み取れません"),
    ("KK13-PC01,,適合,2027/12/3 9:00,,,,,,,,", "未来"),
    ("KK13-PC01,,不適合,2026/12/3 9:00,○,○,○,○,○,○,,", "不適合ですが"),
    ("KK13-PC01,,不適合,2026/12/3 9:00,○,○,微妙,○,○,○,,", "項目対応にない言葉です：微妙"),
    ("KK13-PC01,,不適合,2026/12/3 9:00,○,○,×,○,○,○,先週,", "配信日を読み取れません：先週"),
    ("KK13-PC01,00:1b:a9:00:00:02,適合,2026/12/3 9:00,,,,,,,,", "別々の機器"),
]


def test_rows_that_do_not_fit_are_told_and_the_others_count(operator: User, computer: Computer) -> None:
    segment = world.segment(network="10.13.20.0/24")
    corpus.entry(world.computer("KK13-PC02"), segment, "00:1b:a9:00:00:02", "10.13.20.6")

    made = run(
        operator, *(row for row, _said in WRONG), "KK13-PC02,,適合,2026/12/3 9:00,,,,,,,,", encoding="utf-8"
    )

    assert made.taken_count == 1
    assert [problem["row"] for problem in made.problems] == list(range(2, len(WRONG) + 2))
    for problem, (_row, said) in zip(made.problems, WRONG, strict=True):
        assert said in problem["text"], problem


def test_an_older_check_never_overwrites_a_newer_one(operator: User, computer: Computer) -> None:
    run(operator, UNFIT)

    made = run(operator, "KK13-PC01,,適合,2026/12/3 8:59,,,,,,,,")

    assert made.taken_count == 0
    assert QuarantineStatus.system.get().result == "UNFIT"


def test_only_a_result_that_differs_is_history(operator: User, computer: Computer) -> None:
    run(operator, UNFIT)
    run(operator, UNFIT.replace("9:00", "9:30"))
    run(operator, "KK13-PC01,,適合,2026/12/3 9:45,○,○,○,○,○,○,,")

    assert [event.result for event in QuarantineEvent.system.filter(computer=computer)] == ["UNFIT", "FIT"]
    assert QuarantineStatus.system.get().failed == []


def test_the_same_file_counts_once_and_only_from_operations(operator: User, computer: Computer) -> None:
    run(operator, UNFIT)

    with pytest.raises(AlreadyImported):
        run(operator, UNFIT)
    with pytest.raises(NotAllowed):
        run(factories.user(Role.SECURITY_OFFICER), UNFIT)


@pytest.mark.parametrize("data", [b"", b"\x00\xff\x00", "氏名,住所\n鈴木,東京\n".encode()])
def test_a_file_that_is_none_is_refused_whole(operator: User, data: bytes) -> None:
    with pytest.raises(FileRefused):
        services.import_file(name="x.csv", data=data, actor=operator, now=NOW)

    assert not QuarantineImport.objects.exists()


def test_mac08_the_vendors_headings_and_words_are_data(operator: User, computer: Computer) -> None:
    headings = {**Layout().headings, "name": "端末", "result": "判定", "checked_at": "時刻"}
    layout = Layout(headings=headings, fit=("PASS",), unfit=("FAIL",))
    mappings.save_mapping(actor=operator, layout=layout, seen=None, now=NOW)

    made = run(operator, "KK13-PC01,PASS,2026/12/3 9:00", header="端末,判定,時刻")

    assert made.mapping == mappings.current_mapping()
    assert QuarantineStatus.system.get().result == "FIT"


def test_a_mapping_that_could_not_be_read_with_is_refused(operator: User) -> None:
    headings = {**Layout().headings, "name": "", "mac": "", "result": ""}

    with pytest.raises(mappings.InvalidMapping) as refused:
        mappings.save_mapping(
            actor=operator, layout=Layout(headings=headings, unfit=("適合",)), seen=None, now=NOW
        )

    assert set(refused.value.problems) == {"name", "result", "unfit"}


@pytest.mark.parametrize(
    ("now", "patches", "patterns"),
    [
        (dt.datetime(2026, 12, 1, 0, 0, tzinfo=JST), (3, False), (2, False)),
        (dt.datetime(2026, 12, 3, 23, 59, tzinfo=JST), (1, False), (0, False)),
        (dt.datetime(2026, 12, 4, 0, 0, tzinfo=JST), (0, False), (-1, True)),
        (dt.datetime(2026, 12, 5, 0, 0, tzinfo=JST), (-1, True), (-2, True)),
    ],
)
def test_mac08_three_days_for_patches_and_two_for_patterns(
    operator: User,
    computer: Computer,
    now: dt.datetime,
    patches: tuple[int, bool],
    patterns: tuple[int, bool],
) -> None:
    run(operator, "KK13-PC01,,適合,2026/12/1 9:00,○,○,×,×,○,○,2026/12/1,2026/12/1")

    graces = QuarantineStatus.system.get().graces(now)

    assert [(grace.days_left, grace.is_over) for grace in graces] == [patches, patterns]


# --- Screens and REST ---------------------------------------------------------------------------------------------------
def today(days: int = 0) -> str:
    return f"{timezone.localdate() + dt.timedelta(days=days):%Y/%m/%d}"


def test_mac08_the_list_shows_entry_agent_check_reason_and_grace(operator: User, computer: Computer) -> None:
    corpus.entry(computer, world.segment(network="10.13.20.0/24"), "00:1b:a9:00:00:01", "10.13.20.5")
    row = f"KK13-PC01,,不適合,{today()} 0:00,○,×,×,○,○,○,{today(-1)},"
    run(operator, row, now=timezone.now())

    page = client_for(Role.APPLICANT).get(reverse("quarantine_list")).content.decode()

    for shown in (
        "00:1B:A9:00:00:01",
        "×",
        "不適合",
        "検疫エージェント、Windowsセキュリティパッチ",
        "あと2日",
    ):
        assert shown in page, shown


@pytest.mark.parametrize(
    ("result", "names"),
    [
        ("FIT", ["KK13-PC02"]),
        ("UNFIT", ["KK13-PC01", "KK13-PC03"]),
        ("NEVER", ["KK13-PC04"]),
        ("GRACE", ["KK13-PC02"]),
        ("OVER", ["KK13-PC03"]),
        ("NO_AGENT", ["KK13-PC01", "KK13-PC04"]),
    ],
)
def test_the_filters_leave_what_they_say(
    operator: User, computer: Computer, result: str, names: list[str]
) -> None:
    for number in (2, 3):
        world.computer(f"KK13-PC{number:02}", agents=["QUARANTINE"])
    world.computer("KK13-PC04", agents=[])
    Computer.system.filter(name="KK13-PC02").update(agents=[])  # what the quarantine server found counts
    world.computer("KK13-PR01", kind="printer", system="")
    run(
        operator,
        f"KK13-PC01,,不適合,{today()} 0:00,○,×,○,○,○,○,,",
        f"KK13-PC02,,適合,{today()} 0:00,○,○,×,○,○,○,{today(-3)},",
        f"KK13-PC03,,不適合,{today()} 0:00,○,○,○,×,○,○,,{today(-3)}",
        now=timezone.now(),
    )

    found = Api(factories.user(Role.AUDITOR)).get(f"quarantine/?result={result}")

    assert sorted(item["computer"] for item in found["results"]) == names


def test_operations_import_on_the_screen_and_see_what_did_not_fit(operator: User, computer: Computer) -> None:
    client = client_of(operator)
    upload = SimpleUploadedFile("kensa.csv", file(UNFIT, "KK13-NONE,,適合,2026/11/3 9:00,,,,,,,,"))

    answer = client.post(reverse("quarantine_imports"), {"file": upload}, follow=True)

    page = answer.content.decode()
    assert "機器台帳にありません" in page
    upload.seek(0)
    again = client.post(reverse("quarantine_imports"), {"file": upload})
    assert again.status_code == 422
    assert "取り込み済み" in again.content.decode()


def test_mac08_a_file_is_read_anew_after_its_mapping_was_corrected(
    operator: User, computer: Computer
) -> None:
    other = world.computer("KK13-PC02", agents=["QUARANTINE"])
    rows = (UNFIT, UNFIT.replace("PC01", "PC02"))
    run(operator, *rows)
    words = Layout().to_json() | {"fit": ["不適合"], "unfit": ["適合"]}
    mappings.save_mapping(actor=operator, layout=Layout.from_json(words), seen=None, now=NOW)
    run(operator, "KK13-PC02,,適合,2026/12/3 9:30,○,○,×,○,○,○,2026/11/29,")

    made = run(operator, *rows)

    assert made.taken_count == 1  # the newer check of the other machine stays
    assert QuarantineStatus.system.get(computer=computer).result == "FIT"
    assert QuarantineStatus.system.get(computer=other).checked_at.minute == 30
    assert list(QuarantineEvent.system.filter(computer=computer).values_list("result", flat=True)) == [
        "UNFIT",
        "FIT",
    ]
    with pytest.raises(AlreadyImported):
        run(operator, *rows)


def test_operations_change_the_mapping_on_the_screen(operator: User) -> None:
    client, address = client_of(operator), reverse("quarantine_mapping")
    page = client.get(address)
    values = {name: page.context["form"][name].value() or "" for name in page.context["form"].fields}

    assert client.post(address, {**values, "result": "判定", "seen": ""}).status_code == 302
    wrong = client.post(address, {**values, "result": "", "seen": ""})
    assert (wrong.status_code, wrong.context["seen"]) == (422, "")  # it stays told that somebody was faster
    assert client.post(address, {**values, "seen": ""}).status_code == 409
    assert mappings.layout_of(mappings.current_mapping()).headings["result"] == "判定"


def test_the_page_of_a_machine_shows_its_result(operator: User, computer: Computer) -> None:
    run(operator, UNFIT)

    page = client_for(Role.APPLICANT).get(reverse("computer_detail", args=[computer.uid])).content.decode()

    assert "猶予切れ" in page or "あと" in page
    assert "不適合" in page


def test_statements_do_not_grow_with_the_rows(operator: User, computer: Computer) -> None:
    client = client_for(Role.APPLICANT)

    def statements() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(reverse("quarantine_list"))
        return len(found)

    run(operator, UNFIT)
    corpus.entry(computer, world.segment(network="10.13.20.0/24"), "00:1b:a9:00:00:01", "10.13.20.5")
    statements()
    one = statements()
    for number in range(10, 39):
        world.computer(f"KK13-PC{number}")
    run(operator, *(UNFIT.replace("PC01", f"PC{n}") for n in range(10, 39)))

    assert statements() == one


def test_mac08_a_file_is_brought_over_rest_as_on_the_screen(
    operator: User, computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ApiView, "largest", 10)  # a file may be larger than what JSON may have
    unknown = "KK13-NONE,,適合,2026/11/3 9:00,,,,,,,,"
    content = file(UNFIT.replace("2026/12/3 9:00", "2026/11/3 9:00"), unknown)

    def send(user: User, data: bytes = content) -> Any:
        body = {"file": SimpleUploadedFile("kensa.csv", data)}
        return client_of(user).post("/api/v1/quarantine/files/", body)

    made = send(operator)

    assert (made.status_code, made.json()["rows"], made.json()["taken"]) == (201, 2, 1)
    assert made.json()["problems"][0]["row"] == 3
    assert QuarantineStatus.system.get(computer=computer).result == "UNFIT"
    assert send(operator).json()["code"] == "already-imported"
    assert send(operator, b"x").status_code == 422
    assert send(factories.user(Role.SECURITY_OFFICER)).status_code == 403
