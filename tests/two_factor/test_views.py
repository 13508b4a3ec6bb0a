"""The screens of the exchange: who sees what, what is recorded, what a wrong mapping is told, how much is asked."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.two_factor.layout import Layout
from portal.two_factor.mappings import current_mapping, layout_of
from portal.two_factor.models import ExchangeMapping
from tests import factories
from tests.roles import client_for, client_of
from tests.two_factor.world import Counterpart, application_of, beat, drain, registered

pytestmark = pytest.mark.django_db

LIST, MAPPING, UPLOAD = (
    "/operations/two-factor/",
    "/operations/two-factor/mapping/",
    "/operations/two-factor/upload/",
)


@pytest.fixture
def client() -> Client:
    return client_for(Role.OPERATOR, code="operations")


def form(layout: Layout | None = None, **changes: Any) -> dict[str, Any]:
    """What a browser sends for a layout."""
    layout = layout or Layout()
    answers = layout.answers
    data: dict[str, Any] = {
        "seen": "",
        "prefix_text": layout.prefix,
        "encoding": layout.encoding,
        "delimiter": layout.delimiter,
        "has_header": "on",
        **layout.actions,
        "answer_encoding": answers.encoding,
        "answer_delimiter": answers.delimiter,
        "answer_has_header": "on",
        "key": answers.key,
        "result": answers.result,
        "reason": answers.reason,
        "done": ", ".join(answers.done),
        "refused": ", ".join(answers.refused),
    }
    for n, column in enumerate(layout.columns):
        data |= {
            f"c{n}-position": n + 1,
            f"c{n}-heading": column.heading,
            f"c{n}-field": column.field,
            f"c{n}-format": column.format,
        }
    return data | changes


def text(response: Any) -> str:
    return response.content.decode()


def test_the_list_shows_files_and_what_came_back(client: Client, other_side: Counterpart) -> None:
    registered(2)
    drain()
    other_side.acknowledge("NG", "重複しています")
    beat()

    page = text(client.get(LIST))

    assert "kokuho-000001.csv" in page
    assert "ack-1.csv" in page


def test_a_batch_shows_its_rows_and_the_reading_is_recorded(client: Client, other_side: Counterpart) -> None:
    [operation] = registered()
    drain()

    page = text(client.get(f"{LIST}batches/1/"))

    assert operation.subject in page
    assert TrailEntry.objects.filter(action="exchange.view", object_id="1").count() == 1


def test_the_download_is_the_file_and_is_recorded(client: Client, other_side: Counterpart) -> None:
    registered()
    drain()
    written = (other_side.folder / "out" / "kokuho-000001.csv").read_bytes()

    answer = client.get(f"{LIST}batches/1/file/")

    assert answer.content == written
    assert answer["Content-Disposition"] == 'attachment; filename="kokuho-000001.csv"'
    assert TrailEntry.objects.filter(action="exchange.download").count() == 1


def test_an_uploaded_acknowledgement_is_read_once(client: Client, other_side: Counterpart) -> None:
    [operation] = registered()
    drain()
    data = f"照合番号,結果,理由\r\n{operation.marker},OK,\r\nx,OK,\r\n".encode("cp932")

    first = client.post(UPLOAD, {"file": SimpleUploadedFile("ack.csv", data)})
    again = client.post(UPLOAD, {"file": SimpleUploadedFile("ack2.csv", data)}, follow=True)

    assert first.status_code == 302
    assert text(again).count("ack.csv") > 0
    assert TrailEntry.objects.filter(action="exchange.upload").count() == 1
    assert client.post(UPLOAD, {}).status_code == 422


def test_an_auditor_reads_and_never_acts(other_side: Counterpart) -> None:
    auditor = client_for(Role.AUDITOR, code="operations")

    assert auditor.get(LIST).status_code == 200
    assert auditor.get(MAPPING).status_code == 403
    assert auditor.post(UPLOAD, {}).status_code == 403


def test_a_mapping_is_saved_as_a_version_with_who_and_when(client: Client, other_side: Counterpart) -> None:
    answer = client.post(MAPPING, form(encoding="utf-8-sig", prefix_text="neoface"))
    registered()
    drain()

    made = ExchangeMapping.objects.get()
    assert answer.status_code == 302
    assert made.made_by == client.user  # type: ignore[attr-defined]
    assert other_side.files() == ["neoface-000001.csv"]
    assert (other_side.folder / "out" / "neoface-000001.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert TrailEntry.objects.filter(action="exchange.mapping").count() == 1


def test_written_batches_keep_the_mapping_they_were_written_with(
    client: Client, other_side: Counterpart
) -> None:
    registered()
    drain()
    written = (other_side.folder / "out" / "kokuho-000001.csv").read_bytes()

    client.post(MAPPING, form(encoding="utf-8"))

    assert client.get(f"{LIST}batches/1/file/").content == written


def test_the_preview_shows_an_invented_person_and_saves_nothing(
    client: Client, other_side: Counterpart
) -> None:
    page = client.post(MAPPING, form(preview="1", **{"c0-heading": "照合キー"}))

    assert "照合キー" in text(page)
    assert "tk0412-suzuki" in text(page)
    assert not ExchangeMapping.objects.exists()


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"c0-field": ""}, ""),  # no reference
        ({"c1-field": "no-such-field"}, "c1-field"),
        ({"c1-heading": "照合番号"}, "c1-format"),
        ({"c1-heading": ""}, "c1-heading"),
        ({"c8-format": "yes"}, "c8-format"),
        ({"c3-format": "sideways"}, "c3-format"),
        ({"encoding": "klingon"}, "encoding"),
        ({"prefix_text": "../x"}, "prefix_text"),
        ({"key": ""}, "key"),
        ({"answer_has_header": ""}, "key"),
        ({"refused": "OK"}, "refused"),
        ({"change": "A"}, "add"),
    ],
)
def test_a_wrong_mapping_is_told_at_its_place(
    client: Client, other_side: Counterpart, changes: dict[str, str], place: str
) -> None:
    page = client.post(MAPPING, form(**changes))

    assert page.status_code == 422
    assert not ExchangeMapping.objects.exists()
    if place:
        assert f'id="id_{place}_error"' in text(page)
    else:
        assert 'class="c-err" role="alert"' in text(page)


def test_two_people_who_change_the_mapping_do_not_overwrite_each_other(
    client: Client, other_side: Counterpart
) -> None:
    client.post(MAPPING, form(prefix_text="first"))

    second = client.post(MAPPING, form(prefix_text="second"))  # still says that nobody had changed it

    assert second.status_code == 409
    assert layout_of(current_mapping()).prefix == "first"


def test_the_columns_stand_in_their_order(client: Client, other_side: Counterpart) -> None:
    client.post(MAPPING, form(**{"c0-position": "9", "c8-position": "1"}))

    headings = [column.heading for column in layout_of(current_mapping()).columns]
    assert headings[0] == "有効"


def test_the_menu_has_the_exchange_only_where_it_is_in_use(client: Client, settings: Any) -> None:
    without = text(client.get("/operations/"))
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, "adapter": "exchange"}
    with_it = text(client.get("/operations/"))

    assert (f'href="{LIST}"' in without, f'href="{LIST}"' in with_it) == (False, True)


def test_the_page_of_an_application_says_how_far_each_target_is(other_side: Counterpart) -> None:
    [operation] = registered()
    drain()
    application = application_of(operation)

    page = text(client_of(application.applicant).get(f"/applications/{application.number}/"))

    assert "Active Directory" in page
    assert "二要素認証システム" in page
    assert "結果の通知を待っています" in page


def statements(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("path", [LIST, f"{LIST}batches/1/"])
def test_a_list_asks_the_same_for_one_row_and_for_thirty(
    client: Client, other_side: Counterpart, path: str, settings: Any
) -> None:
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, "batch_seconds": 0}
    registered(1 if path == LIST else 2)
    drain()
    few = statements(client, path)

    for _ in range(30 if path == LIST else 0):
        factories.exchange_batch()
    if path != LIST:
        from portal.two_factor.models import ExchangeBatch, ExchangeRow

        for position, other in enumerate(registered(30), start=3):
            factories.exchange_batch(other)
            ExchangeRow.system.filter(operation=other).update(
                batch=ExchangeBatch.objects.get(number=1), position=position
            )
    many = statements(client, path)

    assert many == few
