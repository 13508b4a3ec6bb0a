"""The catalogue holds every row of tables 2-1 and 2-2, and every kind of application is reached from it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.urls import reverse

from portal.orgs.permissions import Role
from portal.workflow import kinds
from portal.workflow.catalogue.reading import services
from tests import factories
from tests.roles import client_for, client_of

TABLE_2_1 = (
    ("L3SW", "a"),
    ("L2SW", "a"),
    ("ルータ制御", "a"),
    ("UTM/ファイアウォール", "b"),
    ("自動アクセス遮断", "b"),
    ("Windows OS", "a"),
    ("Active Directory（AD）", "a"),
    ("アカウント管理", "a"),
    ("DNS", "a"),
    ("NTP", "a"),
    ("死活・エラー監視", "a"),
    ("Syslog", "c"),
    ("構成管理", "a"),
    ("デバイス制御", "b"),
    ("リモート接続", "c"),
    ("不正接続防止", "b"),
    ("PC検疫", "b"),
    ("Windowsセキュリティパッチ配信", "b"),
    ("ウイルス対策", "b"),
    ("ログ収集・分析", "b"),
    ("操作ログ収集", "b"),
    ("バックアップ/リストア", "c"),
    ("メール", "－"),
    ("仮想サーバ", "c"),
)
TABLE_2_2 = (  # row, the rows of table 2-1 that it is about, how many lines of conditions it has
    ("L3SW/L2SW/ルータ制御", (1, 2, 3), 1),
    ("UTM/ファイアウォール", (4,), 3),
    ("自動アクセス遮断", (5,), 4),
    ("Windows OS", (6,), 1),
    ("AD/DNS/NTP", (7, 9, 10), 2),
    ("アカウント管理", (8,), 2),
    ("死活・エラー監視", (11,), 6),
    ("Syslog", (12,), 2),
    ("構成管理/デバイス制御/リモート接続/操作ログ収集", (13, 14, 15, 21), 5),
    ("不正接続防止", (16,), 2),
    ("PC検疫", (17,), 3),
    ("Windowsセキュリティパッチ配信", (18,), 11),
    ("ウイルス対策", (19,), 8),
    ("ログ収集・分析", (20,), 5),
    ("バックアップ/リストア", (22,), 5),
    ("仮想サーバ", (24,), 1),
)


def test_every_row_of_table_2_1_is_there_in_its_order() -> None:
    assert [(s.number, s.name, s.group) for s in services()] == [
        (number, name, group) for number, (name, group) in enumerate(TABLE_2_1, start=1)
    ]
    assert all(s.summary and s.asked and s.asked_source for s in services())


def test_every_row_of_table_2_2_is_there_at_its_services() -> None:
    found = {c.number: c for s in services() for c in s.conditions}

    assert [(c.name, tuple(c.services), len(c.lines)) for _n, c in sorted(found.items())] == list(TABLE_2_2)
    assert [s.name for s in services() if not s.conditions] == ["メール"]  # table 2-2 has no row for it


def test_org_06_what_a_service_does_not_cover_is_said_with_its_source() -> None:
    assert {
        s.number for s in services() if any("独自処理システムには提供しない" in t for t in s.excluded)
    } >= {
        5,
        8,
        12,
        16,
        17,
        20,
        21,
        22,
        23,
        24,
    }
    assert all(s.excluded_source for s in services() if s.excluded)


def page_of(client: Any, query: str = "") -> str:
    return html.unescape(client.get(reverse("application_new") + query).content.decode())


@pytest.mark.django_db
def test_every_kind_that_is_offered_is_reached_from_the_catalogue() -> None:
    offered = [kind for kind in kinds.all_kinds() if kind.is_offered and kind.organisation_kinds]

    page = page_of(client_for(Role.APPLICANT)) + page_of(client_for(Role.APPLICANT, code="operations"))

    reached = set(re.findall(r'action="/applications/new/([^"/]+)/"', page))
    assert reached == {kind.code for kind in offered}
    numbers = {service.number for service in services()}
    assert not [kind.code for kind in offered if not set(kind.services) <= numbers]


@pytest.mark.django_db
def test_everybody_reads_it_and_only_applicants_get_buttons() -> None:
    reader, nobody = client_for(Role.AUDITOR), client_of(factories.user())

    for client in (reader, nobody):
        page = page_of(client)
        assert "不正接続防止" in page
        assert 'action="/applications/new/' not in page
    assert reader.get(reverse("catalogue_print")).status_code == 200


@pytest.mark.django_db
def test_it_is_searched_by_words_of_the_service_and_of_its_applications() -> None:
    client = client_for(Role.APPLICANT)

    by_condition, by_kind, none = (
        page_of(client, f"?q={q}") for q in ("検疫 エージェント", "ホワイトリスト", "そのような言葉はない")
    )

    assert re.findall(r'<h2 id="s-(\d+)"', by_condition) == ["17"]
    assert re.findall(r'<h2 id="s-(\d+)"', by_kind) == ["16"]
    assert "c-empty" in none


@pytest.mark.django_db
def test_the_catalogue_over_rest() -> None:
    rows = client_for(Role.APPLICANT).get("/api/v1/catalogue/?q=管理対象機器 ウイルス").json()

    row = next(row for row in rows if row["number"] == 19)
    assert row["kinds"] == [
        {
            "code": "requests.antivirus",
            "label": "ウイルス対策：管理対象機器の追加・削除",
            "organisations": ["13"],
        }
    ]
    assert row["conditions"][0]["number"] == 13
