"""Antivirus and monitoring: what is refused at entry, done by hand with proof, and kept in a register (REQ-07, REQ-08)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.utils import DatabaseError
from django.urls import reverse
from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationFile, OperationStatus
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import content, kinds
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, Status
from requests.demo import managed as demo
from requests.managed.kinds import ANTIVIRUS, MONITORING
from requests.managed.models import ManagedMachine, ManagedMachineEvent
from tests import factories, journeys
from tests.devices import world as devices
from tests.requests.managed import av, done, machine, mon, record, submitted, switch, taken
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def crew() -> journeys.Crew:
    return journeys.Crew()


def refusal(crew: journeys.Crew, kind: str, line: dict[str, Any]) -> dict[str, str]:
    """The errors of one line, each field with its first sentence."""
    with pytest.raises(InvalidApplication) as refused:
        submitted(crew, kind, line)
    return {path.rpartition(".")[2]: str(texts[0]) for path, texts in refused.value.errors.items()}


def test_req_07_a_machine_of_the_register_needs_only_its_name(crew: journeys.Crew) -> None:
    devices.computer("KK13-PC01", place="3階")

    application = done(crew, ANTIVIRUS, {"action": "ADD", "name": "ｋｋ13－pc01"})

    entered = ManagedMachine.system.get()
    assert application.status == Status.COMPLETED
    assert (entered.name, entered.category, entered.place, entered.state) == (
        "KK13-PC01",
        "CLIENT",
        "3階",
        "MANAGED",
    )
    assert "Windows 10" in entered.operating_system


def test_req_07_only_a_record_with_its_proof_changes_the_register(crew: journeys.Crew) -> None:
    (operation,) = taken(crew, ANTIVIRUS, av())
    assert operation.line.application.status == Status.NEEDS_ATTENTION

    unproven = record(operation, crew.operator, seen="")
    assert (unproven.status, unproven.error_code) == (OperationStatus.MANUAL, "no_proof")
    assert not ManagedMachine.system.exists()
    settled = record(operation, crew.operator)

    event = ManagedMachineEvent.system.get()
    assert settled.evidence == {
        "done": "管理対象に追加した。",
        "done_at": "2026-11-27T10:00:00+09:00",
        "done_by": "運用センター 佐藤",
        "seen": "管理画面の一覧に表示された。",
    }
    assert (event.verb, event.done_by, event.recorded_by) == ("ADDED", "運用センター 佐藤", crew.operator)
    assert {change["label"] for change in event.changes} >= {"Kind of machine", "Operating system"}
    with pytest.raises(DatabaseError), transaction.atomic():
        ManagedMachineEvent.system.update(note="changed")


def test_req_07_closed_without_result_leaves_the_register_alone(crew: journeys.Crew) -> None:
    (operation,) = taken(crew, ANTIVIRUS, av())

    fulfilment.close(operation_id=operation.pk, actor=crew.operator, reason="取りやめ", now=timezone.now())

    assert not ManagedMachine.system.exists()
    submitted(crew, ANTIVIRUS, av())  # the name is free again


def test_req_07_a_machine_goes_and_comes_back_with_one_history(crew: journeys.Crew) -> None:
    done(crew, ANTIVIRUS, av())
    done(crew, ANTIVIRUS, {"action": "REMOVE", "name": "KK13-SV01"})
    gone = ManagedMachine.system.get()
    assert gone.state == "REMOVED"
    done(crew, ANTIVIRUS, av())

    back = ManagedMachine.system.get()
    assert (back.pk, back.state, back.removed_at) == (gone.pk, "MANAGED", None)
    assert list(back.events.values_list("verb", flat=True)) == ["ADDED", "REMOVED", "ADDED"]


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        (av(name="KK13-MANAGED"), "name", "登録されています"),
        ({"action": "REMOVE", "name": "KK13-NONE"}, "name", "登録されていません"),
        ({"action": "REMOVE", "name": "KK27-MANAGED"}, "name", "登録されていません"),
        (av(name="KK27-PC01"), "name", "自組織にありません"),
        (av(name="KK13-PRINTER"), "name", "OS"),
        (av(name="KK13-OTHER"), "name", "表2-49"),
        (av(name="サーバ１"), "name", "使えない文字"),
        (av(category=""), "category", "選んで"),
        (av(operating_system=""), "operating_system", "選んで"),
        (av(operating_system="Windows 7"), "operating_system", "表2-49"),
        (av(operating_system="Microsoft Windows 8.1 Pro Update（64ビット）"), "operating_system", "伝送"),
        (av(category="OWN_SYSTEM"), "has_no_other", "表2-49"),
        (av(category="TRANSMISSION", has_no_other=True), "has_license", "ライセンス"),
        (av(action="CHANGE"), "action", ""),
    ],
)
def test_org_06_antivirus_refuses_with_the_reason_at_its_field(
    crew: journeys.Crew, line: dict[str, Any], field: str, words: str
) -> None:
    machine("KK13-MANAGED")
    machine("KK27-MANAGED", "27")
    devices.computer("KK27-PC01", "27")
    devices.computer("KK13-PRINTER", kind="printer", system="")
    devices.computer("KK13-OTHER", system="other")

    errors = refusal(crew, ANTIVIRUS, line)

    assert list(errors) == [field]
    assert words in errors[field]


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        (mon(category="伝送クライアント"), "category", "表2-21"),
        (mon(category="分散配置用スイッチ"), "category", "表2-21"),
        (mon(name="KK13-OWN", category="SERVER"), "name", "表2-21"),
        (mon(address="10.13.82.9"), "address", "表2-21"),
        (mon(address="10.27.20.9"), "address", "セグメント"),
        (mon(address="10.13.250.999"), "address", "IPアドレス"),
        (mon(items=["ALIVE", "PROCESS"]), "items", "プロセス"),
        (mon(items=[]), "items", "選んで"),
        (mon(address=""), "address", "入力"),
        (mon(name="連合会サーバ L2SW＃1"), "name", "登録されています"),
        ({"action": "CHANGE", "name": "連合会サーバL2SW#1"}, "name", "変わる項目がありません"),
        ({"action": "CHANGE", "name": "連合会サーバL2SW#3"}, "name", "登録されていません"),
    ],
)
def test_org_06_monitoring_refuses_with_the_reason_at_its_field(
    crew: journeys.Crew, line: dict[str, Any], field: str, words: str
) -> None:
    switch()
    devices.computer("KK13-OWN", business="own", kind="server")
    devices.segment("13", network="10.13.82.0/24", purpose="OWN_SYSTEM")
    devices.segment("27", network="10.27.20.0/24")

    errors = refusal(crew, MONITORING, line)

    assert list(errors) == [field]
    assert words in errors[field]


def test_req_08_a_change_keeps_what_was_left_empty(crew: journeys.Crew) -> None:
    held = switch()

    done(crew, MONITORING, {"action": "CHANGE", "name": held.name, "settings": "閾値90%"})

    held.refresh_from_db()
    event = held.events.get()
    assert (held.settings, held.items, held.address) == ("閾値90%", ["ALIVE", "TRAP"], "10.13.250.1")
    assert [(c["before"], c["after"]) for c in event.changes] == [(["既定のとおり"], ["閾値90%"])]


def test_acc_06_two_applications_do_not_name_one_machine(crew: journeys.Crew) -> None:
    submitted(crew, ANTIVIRUS, av())

    assert "別の申請" in refusal(crew, ANTIVIRUS, av())["name"]
    other = journeys.Crew("27")
    submitted(
        other, ANTIVIRUS, av(name="KK27-SV01", category="TRANSMISSION", has_no_other=True, has_license=True)
    )
    shared = av(name="PC001", category="TRANSMISSION", has_no_other=True, has_license=True)
    submitted(crew, ANTIVIRUS, shared)
    submitted(other, ANTIVIRUS, shared)  # municipalities name theirs as they like


def test_req_12_the_record_is_looked_at_again_before_it_counts(crew: journeys.Crew) -> None:
    (operation,) = taken(crew, ANTIVIRUS, av())
    machine("KK13-SV01", category="SERVER")  # entered by something that the reservation does not know

    found = record(operation, crew.operator)

    assert (found.status, found.error_code) == (OperationStatus.MANUAL, "changed_meanwhile")


def test_req_12_operations_take_print_and_record_on_their_screens(crew: journeys.Crew) -> None:
    application = submitted(crew, MONITORING, mon())
    journeys.approve(application, crew.approver)
    fulfilment.drain("monitoring", now_fn=timezone.now)
    (operation,) = journeys.operations(application)
    browser = client_of(crew.operator)
    page = {name: reverse(f"operation_{name}", args=[operation.pk]) for name in ("take", "sheet", "record")}

    browser.post(page["take"])
    sheet = browser.get(page["sheet"]).content.decode()
    form = browser.get(page["record"]).content.decode()
    values = {"note": "登録した。", "done_by": "保守 田中", "seen": "状態が緑になった。"}
    early = browser.post(page["record"], values | {"done_on": "2999/1/1", "done_at": "10:00"})
    empty = browser.post(page["record"], {"note": "登録した。"})
    made = browser.post(page["record"], values | {"done_on": "2026/11/1", "done_at": "10:00"})

    assert "連合会監視サーバ#1" in sheet
    assert "10.13.250.2" in sheet
    assert "直接確認できません" in form
    assert crew.operator.display_name in form
    assert (early.status_code, empty.status_code, made.status_code) == (422, 422, 302)
    assert Operation.system.get(pk=operation.pk).evidence["done_at"] == "2026-11-01T10:00:00+09:00"
    assert ManagedMachine.system.get(service="MONITORING").name == "連合会サーバL2SW#2"


def test_req_12_a_file_that_shows_the_work_is_part_of_the_result_report(crew: journeys.Crew) -> None:
    (operation,) = taken(crew, ANTIVIRUS, av())
    page = reverse("operation_record", args=[operation.pk])
    values = {"note": "追加した。", "done_by": "運用 佐藤", "seen": "一覧に出た。", "done_on": "2026/11/1"}
    picture = b"\x89PNG\r\n\x1a\n..."

    def sent(name: str, data: bytes) -> Any:
        file = SimpleUploadedFile(name, data, "text/html")  # what the browser says does not count
        return client_of(crew.operator).post(page, values | {"done_at": "10:00", "attachments": file})

    refused = sent("画面.png", b"<script>alert(1)</script>")
    assert refused.status_code == 422
    assert "画面.png" in refused.content.decode()
    assert not OperationFile.system.exists()
    assert sent("画面.png", picture).status_code == 302

    application = Application.system.get(pk=operation.line.application_id)
    file, own = OperationFile.system.get(), client_of(crew.applicant)
    address = reverse("application_report_file", args=[application.number, file.pk])
    assert application.report is not None
    (work,) = application.report.content["lines"][0]["operations"]
    assert work["evidence"]["files"] == [{"name": "画面.png", "sha256": hashlib.sha256(picture).hexdigest()}]
    assert address in own.get(reverse("application_detail", args=[application.number])).content.decode()
    taken_along = own.get(address)
    assert taken_along.content == picture
    assert taken_along["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in taken_along["Content-Security-Policy"]
    assert TrailEntry.objects.filter(action="application.report_file").count() == 1
    assert client_of(factories.user(Role.APPLICANT, code="27")).get(address).status_code == 404
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        OperationFile.system.update(data=b"forged")


def test_the_register_as_list_file_print_page_and_over_rest(crew: journeys.Crew) -> None:
    done(crew, ANTIVIRUS, av())
    machine("KK27-SECRET", "27")
    machine("KK13-GONE", state="REMOVED", removed_at=timezone.now())
    browser, found = client_of(crew.applicant), ManagedMachine.system.get(key="kk13-sv01")

    for name, query in (
        ("list", ""),
        ("print", ""),
        ("export", "?format=csv"),
        ("list", "?q=sv01&category=SERVER"),
    ):
        answer = browser.get(reverse(f"antivirus_{name}") + query)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode("utf-8-sig")
        assert "KK13-SV01" in text
        assert "KK27-SECRET" not in text
        assert "KK13-GONE" not in text
    assert "KK13-GONE" in browser.get(reverse("antivirus_list") + "?state=all").content.decode()
    assert browser.get(reverse("antivirus_export") + "?format=xlsx").status_code == 200
    detail = browser.get(reverse("managed_detail", args=[found.pk])).content.decode()
    assert "管理画面の一覧に表示された。" in detail
    assert "action=REMOVE" in detail
    listed = browser.get("/api/v1/antivirus/machines/?q=sv01").json()["results"]
    assert [row["name"] for row in listed] == ["KK13-SV01"]
    assert browser.get("/api/v1/monitoring/machines/").json()["results"] == []
    assert browser.get("/api/v1/antivirus/machines/?state=x").status_code == 400
    page = browser.get(reverse("application_detail", args=[found.last_line.application.number]))
    assert reverse("managed_detail", args=[found.pk]) in page.content.decode()


def test_org_02_the_page_of_another_federation_is_unknown(crew: journeys.Crew) -> None:
    foreign = machine(code="27")
    address = reverse("managed_detail", args=[foreign.pk])

    assert client_of(crew.applicant).get(address).status_code == 404
    assert client_of(factories.user(Role.USER)).get(address).status_code == 403
    assert client_of(crew.operator).get(address).status_code == 200


def test_a_list_costs_the_same_for_many_rows(
    crew: journeys.Crew, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    browser, address = client_of(crew.applicant), reverse("monitored_list")
    switch("SW-0")
    browser.get(address)
    with django_assert_max_num_queries(24) as first:
        browser.get(address)
    for n in range(1, 30):
        switch(f"SW-{n}")
    with django_assert_num_queries(len(first)):
        browser.get(address)


def test_acc_13_many_lines_cost_the_questions_of_one(
    crew: journeys.Crew, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    draft = submitted(crew, ANTIVIRUS, av(name="KK13-FIRST"))

    def check(count: int) -> None:
        lines = [av(name=f"KK13-SV{n:03}") for n in range(count)]
        checked = content.check_for_submission(
            kinds.get(ANTIVIRUS), draft, lines, actor=crew.applicant, today=timezone.localdate()
        )
        assert len(checked) == count

    check(1)
    with django_assert_max_num_queries(20) as first:
        check(1)
    with django_assert_num_queries(len(first)):
        check(60)


def test_the_demonstration_tells_of_both_services() -> None:
    crew = journeys.Crew()
    factories.user("SECURITY_MANAGER")

    assert demo.tell(federations=1) == 1
    assert demo.tell(federations=1) == 0

    assert set(ManagedMachine.system.values_list("service", flat=True)) == {"ANTIVIRUS", "MONITORING"}
    statuses = {o.status for o in Operation.system.filter(organisation=crew.applicant.organisation)}
    assert statuses == {OperationStatus.DONE, OperationStatus.ATTENTION}
