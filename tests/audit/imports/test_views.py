"""The screens of the logs: bring, look, import; machines; coverage; mapping; the application."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audit.imports import loading, mappings
from audit.imports.models import Host, LogImport, LogRow
from portal.gateways import clock
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.audit import world
from tests.audit.imports import logs
from tests.audit.reports import world as reports
from tests.roles import client_for

pytestmark = pytest.mark.django_db
MONTH = "2026-09"


@pytest.fixture
def operator() -> Client:
    return client_for(Role.OPERATOR, code="operations")


def sent(data: bytes, **values: Any) -> dict[str, Any]:
    return {"log_kind": "DATABASE", "month": MONTH, "file": SimpleUploadedFile("splunk.csv", data)} | values


def test_a_file_is_shown_before_it_is_imported(operator: Client) -> None:
    logs.host()
    data = logs.text(logs.line(object_name="個人番号表"), logs.line(host="unbekannt"), logs.line("gestern"))

    page = operator.post(reverse("log_imports"), sent(data), follow=True)

    text = page.content.decode()
    assert "個人番号表" in text
    assert "unbekannt" in text
    assert "gestern" in text
    assert LogRow.system.count() == 0
    assert TrailEntry.objects.filter(action="logs.preview").exists()


def test_the_preview_shows_paths_and_times_as_people_write_them(operator: Client) -> None:
    logs.host()
    data = logs.text(logs.line("2026-09-01 10:00:00", object_name=r"D:\業務\new\table.csv"))

    text = operator.post(reverse("log_imports"), sent(data), follow=True).content.decode()

    assert r">D:\業務\new\table.csv</td>" in text
    assert ">2026-09-01 10:00:00</td>" in text


def test_sec_02_the_preview_masks_accounts_and_names_of_files_until_a_reason_is_recorded(
    operator: Client,
) -> None:
    logs.host("pc-13", sends_database="", sends_takeout="IRREGULAR")
    heads = "日時,端末名,ログオンユーザー名,プロセス名,操作,ファイル名,コピー先,サイズ,媒体種別,シリアル番号"
    line = (
        r"2026/09/01 10:00:00,pc-13,yamada-taro,explorer,コピー,C:\a\山田太郎.xlsx,E:\佐藤花子.xlsx,10,USB,S1"
    )
    made = logs.upload(f"{heads}\n{line}\n".encode(), log_kind="TAKEOUT")
    here = reverse("log_import", args=[made.pk])
    why = {"reveal-purpose": "CHECK", "reveal-text": "対応付けの確認"}

    hidden = operator.get(here).content.decode()
    refused = operator.post(here, why | {"reveal-text": ""})
    shown = operator.post(here, why).content.decode()

    names = ("yamada-taro", "山田太郎", "佐藤花子")
    assert not [name for name in names if name in hidden or name in refused.content.decode()]
    assert all(told in hidden for told in ("y●●●o", "山●●●.xlsx", "佐●●●.xlsx", "ファイル名"))
    assert refused.status_code == 422
    assert all(name in shown for name in names)
    kept = TrailEntry.objects.get(action="logs.reveal")
    assert kept.detail["reason"] == {"purpose": "CHECK", "text": "対応付けの確認"}


def test_the_import_is_started_from_the_page_and_its_progress_shown(operator: Client) -> None:
    logs.host()
    made = logs.upload(logs.text(logs.line(), logs.line("2026-09-01 10:00:01")))

    page = operator.post(reverse("log_import_start", args=[made.pk]), follow=True)
    fragment = operator.get(reverse("log_import", args=[made.pk]), headers={"HX-Request": "true"})

    assert 'hx-trigger="every 2s"' in page.content.decode()
    assert "<progress" in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    loading.run(import_id=made.pk, now_fn=clock.now)
    done = operator.get(reverse("log_import", args=[made.pk])).content.decode()
    assert "hx-trigger" not in done
    assert LogRow.system.count() == 2


def test_a_file_without_a_column_cannot_be_started(operator: Client) -> None:
    operator.post(reverse("log_imports"), sent(b"_time,host\n2026-09-01 10:00:00,a\n"))
    made = LogImport.objects.get()

    page = operator.post(reverse("log_import_start", args=[made.pk]))

    assert page.status_code == 422
    assert "db_user" in page.content.decode()


def test_the_same_file_leads_to_its_page(operator: Client) -> None:
    logs.host()
    made = logs.load(logs.text(logs.line()))

    page = operator.post(reverse("log_imports"), sent(logs.text(logs.line())))

    assert page.url == reverse("log_import", args=[made.pk])  # type: ignore[attr-defined]


def test_what_is_wrong_with_a_file_stands_at_its_field(operator: Client) -> None:
    page = operator.post(reverse("log_imports"), sent("a,b\n".encode("utf-16")))

    assert page.status_code == 422
    assert "UTF-16" in page.content.decode()


def test_rows_of_an_unknown_machine_wait_and_come_in_when_it_is_registered(operator: Client) -> None:
    from audit.imports import hosts

    made = logs.load(logs.text(logs.line(host="NEU-13"), logs.line(host="NEU-13")))
    assert (made.held_count, LogRow.system.count()) == (2, 0)
    assert "NEU-13" in operator.get(reverse("log_hosts")).content.decode()

    page = operator.post(
        reverse("log_hosts"),
        {
            "organisation": "13",
            "name": "neu-13",
            "sends_database": "DAILY",
            "involves_number": "on",
            "first_day": "2026/1/1",
        },
    )
    hosts.take_in_held(logs.NOW)

    assert page.status_code == 302
    made.refresh_from_db()
    assert (made.held_count, made.kept_count, LogRow.system.filter(host="neu-13").count()) == (0, 2, 2)
    assert sorted(row.line_number for row in LogRow.system.all()) == [2, 3]
    hosts.take_in_held(logs.NOW)
    assert LogRow.system.count() == 2


def test_a_machine_is_registered_once(operator: Client) -> None:
    logs.host("dbsv13")

    page = operator.post(
        reverse("log_hosts"), {"organisation": "27", "name": "DBSV13", "first_day": "2026/1/1"}
    )

    assert page.status_code == 422
    assert Host.system.count() == 1


def test_two_people_who_change_a_machine_do_not_overwrite_each_other(operator: Client) -> None:
    host = logs.host()
    values = {"version": 1, "sends_database": "DAILY", "first_day": "2026/1/1", "involves_number": "on"}

    first = operator.post(reverse("log_host", args=[host.pk]), values | {"note": "a"})
    second = operator.post(reverse("log_host", args=[host.pk]), values | {"note": "b"})

    assert (first.status_code, second.status_code) == (302, 409)
    host.refresh_from_db()
    assert host.note == "a"


def test_the_map_of_coverage_names_the_machines_that_sent_nothing(operator: Client) -> None:
    logs.cycle()
    logs.host("dbsv13")
    logs.host("stumm13")
    logs.host("dbsv27", code="27", first_day=dt.date(2026, 9, 20))
    logs.load(logs.text(logs.line("2026-09-19 10:00:00"), logs.line("2026-09-20 10:00:00", host="dbsv27")))

    text = operator.get(reverse("log_coverage"), {"month": MONTH}).content.decode()

    assert text.count('data-s="part"') == 1 + 1  # the 19th, and the legend
    assert text.count('data-s="whole"') == 1 + 1
    assert "stumm13" in text


def test_the_lists_ask_the_same_number_of_statements_however_long_they_are(
    operator: Client, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def counts() -> list[int]:
        found = []
        for address in ("log_imports", "log_hosts", "log_coverage"):
            with CaptureQueriesContext(connection) as queries:
                operator.get(reverse(address))
            found.append(len(queries))
        return found

    logs.cycle()
    logs.host("h0")
    logs.upload(logs.text(logs.line("2026-09-01 00:00:00")))
    counts()
    one = counts()
    for n in range(1, 30):
        logs.host(f"h{n}", code=f"{n % 47 + 1:02}")
        logs.upload(logs.text(logs.line(f"2026-09-01 00:00:{n:02}")))

    assert counts() == one


def mapping(**values: str) -> dict[str, str]:
    layout = mappings.layout_of(None, "DATABASE")
    form = {
        "encoding": "auto",
        "delimiter": "comma",
        "time_format": "ISO",
        "zone": "+09:00",
        "skew_minutes": "10",
        "seen": "",
    }
    form |= {f"heading-{name}": heading for name, heading in layout.headings.items()}
    for name, codes in layout.words.items():
        form |= {f"word-{name}-{code}": "、".join(words) for code, words in codes.items()}
    return form | values


def test_a_mapping_is_put_in_force_for_the_files_from_then_on(operator: Client) -> None:
    logs.host()
    address = reverse("log_mapping", args=["DATABASE"])

    page = operator.post(address, mapping(**{"heading-db_user": "利用者", "zone": "+00:00"}))
    stale = operator.post(address, mapping())

    assert (page.status_code, stale.status_code) == (302, 409)
    made = logs.load("_time,host,action,利用者\n2026-09-01 10:00:00,dbsv13,SELECT,sato\n".encode())
    row = LogRow.system.get()
    assert (row.db_user, row.event_at.hour) == ("sato", 10)
    assert made.mapping == mappings.current_mapping()


def test_a_mapping_that_no_file_could_be_read_with_is_refused_at_its_field(operator: Client) -> None:
    wrong = mapping(**{"heading-host": "", "heading-client": "program"})

    page = operator.post(reverse("log_mapping", args=["DATABASE"]), wrong)

    assert page.status_code == 422
    assert mappings.current_mapping() is None


def test_the_list_of_the_application_is_versioned_and_lets_nobody_pass_by_a_star(operator: Client) -> None:
    address = reverse("log_application")
    good = {"rows": "2", "seen": "", "account-0": "svc", "program-0": "app.exe", "client-0": "ap*"}

    refused = operator.post(address, good | {"account-1": "svc", "program-1": "*", "client-1": "ap1"})
    saved = operator.post(address, good)

    assert (refused.status_code, saved.status_code) == (422, 302)
    assert mappings.current_access().definition == [  # type: ignore[union-attr]
        {"account": "svc", "program": "app.exe", "client": "ap*", "note": ""}
    ]


def test_a_reviewer_reads_and_brings_nothing() -> None:
    reviewer = client_for(Role.AUDIT_REVIEWER, code="central")
    made = logs.upload(logs.text(logs.line()))

    page = reviewer.get(reverse("log_import", args=[made.pk]))

    assert page.status_code == 200
    assert "T_KOJIN" not in page.content.decode()
    assert reviewer.post(reverse("log_imports"), sent(b"x,y\n1,2\n")).status_code == 403


def test_a_file_over_rest(operator: Client) -> None:
    logs.host()
    person = factories.user(Role.OPERATOR, code="operations")
    _token, value = factories.token(person)
    rest = Client(headers={"Authorization": f"Token {value}"})
    body = {"log": "DATABASE", "month": MONTH, "start": "true"}

    made = rest.post(
        reverse("api_log_imports"), body | {"file": SimpleUploadedFile("a.csv", logs.text(logs.line()))}
    )
    again = rest.post(
        reverse("api_log_imports"), body | {"file": SimpleUploadedFile("a.csv", logs.text(logs.line()))}
    )

    assert (made.status_code, made.json()["state"]) == (201, "RUNNING"), made.content
    assert (again.status_code, again.json()["id"]) == (409, made.json()["id"])
    loading.run(import_id=made.json()["id"], now_fn=clock.now)
    assert rest.get(reverse("api_log_import", args=[made.json()["id"]])).json()["kept"] == 1
    assert rest.get(reverse("api_log_imports")).json()["results"][0]["state"] == "DONE"


def test_the_state_of_an_import_goes_with_its_progress_and_late_rows_lead_to_the_report(
    operator: Client,
) -> None:
    logs.host()
    cycle = world.open_cycle()
    world.report(cycle, status="CREATED", reconciliation=reports.run(cycle))
    made = logs.load(logs.text(logs.line("2026-09-03 03:00:00")))

    part = operator.get(reverse("log_import", args=[made.pk]), headers={"HX-Request": "true"})

    text = part.content.decode()
    assert "<h1" not in text
    assert "取込み済み" in text
    assert f'{reverse("audit_report_list")}?month=2026-09&amp;organisation=13">東京都国保連合会</a>' in text
