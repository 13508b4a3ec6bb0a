"""From a file to one application, its approval and its results (ACC-13)."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from accounts.kinds import REGISTER
from portal.fulfilment.models import OperationStatus
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from portal.workflow import kinds, tasks
from portal.workflow.bulk import checking, files, services, views
from portal.workflow.bulk.errors import AlreadyUploaded
from portal.workflow.bulk.models import Upload, UploadState
from portal.workflow.errors import ContentChanged, InvalidApplication, NotAllowed
from portal.workflow.models import Application, Status
from tests import factories, journeys
from tests.bulk.books import book, person, saved
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(directory: FakeDirectory) -> journeys.Cast:
    return journeys.Cast()


def rows(cast: journeys.Cast, count: int, start: int = 1) -> list[list[Any]]:
    return [person(n, cast.recipient.email) for n in range(start, start + count)]


def upload(cast: journeys.Cast, data: bytes, actor: User | None = None, **values: Any) -> Upload:
    made = services.upload_file(
        kind=REGISTER,
        organisation_id=cast.applicant.organisation_id,
        actor=actor or cast.applicant,
        name="職員.xlsx",
        data=data,
        now=timezone.now(),
        **values,
    )
    checking.check(upload_id=made.pk, now=timezone.now())
    return Upload.system.get(pk=made.pk)


def test_a_row_without_a_login_name_gets_one_by_the_rule(
    cast: journeys.Cast, directory: FakeDirectory
) -> None:  # ACC-06, ACC-13
    directory.add("k13-suzuki-m2")
    table = rows(cast, 3)
    table[0][4] = table[2][4] = None
    table[1][4] = "k13-suzuki-m"

    made = upload(cast, book(table))

    names = [row["v"]["login_name"] for row in made.rows]
    assert names == ["k13-suzuki-m3", "k13-suzuki-m", "k13-suzuki-m4"]
    assert made.error_count == 0
    assert made.rows[0]["c"] == [["ログイン名", "（空欄）", "k13-suzuki-m3"]]
    application = services.take_over(
        upload_id=made.pk, actor=cast.applicant, version=made.version, reason="採用", now=timezone.now()
    )
    assert [line.payload["login_name"] for line in application.lines.all()] == names


def test_a_proposal_that_somebody_took_is_proposed_anew_and_what_was_typed_stays(
    cast: journeys.Cast, directory: FakeDirectory
) -> None:
    table = rows(cast, 2)
    table[0][4] = table[1][4] = ""
    made = upload(cast, book(table))
    directory.add("k13-suzuki-m")

    values = {made.rows[1]["n"]: {"login_name": "my-own-name"}}
    services.correct(
        upload_id=made.pk, actor=cast.applicant, values=values, version=made.version, now=timezone.now()
    )
    checking.check(upload_id=made.pk, now=timezone.now())

    made.refresh_from_db()
    assert [row["v"]["login_name"] for row in made.rows] == ["k13-suzuki-m2", "my-own-name"]
    assert made.error_count == 0


def test_without_a_reading_no_name_is_proposed_and_the_row_says_so(cast: journeys.Cast) -> None:
    table = rows(cast, 1)
    table[0][2] = table[0][3] = table[0][4] = None

    made = upload(cast, book(table))

    assert set(made.rows[0]["e"]) == {"family_kana", "given_kana", "login_name"}


def test_all_rows_become_one_draft(cast: journeys.Cast) -> None:
    made = upload(cast, book(rows(cast, 3)))

    application = services.take_over(
        upload_id=made.pk, actor=cast.applicant, version=made.version, now=timezone.now()
    )

    assert (made.state, made.error_count, made.row_count) == (UploadState.CHECKED, 0, 3)
    names = [line.payload["login_name"] for line in application.lines.all()]
    assert names == ["tk00001-suzuki", "tk00002-suzuki", "tk00003-suzuki"]
    assert TrailEntry.objects.filter(action="application.upload_taken").exists()


def test_errors_stand_at_their_rows_and_nothing_is_taken_over(
    cast: journeys.Cast, directory: FakeDirectory
) -> None:
    directory.add("tk00002-suzuki", container_dn=users_ou("27"))
    wrong = rows(cast, 4)
    wrong[2][2] = "suzuki"
    wrong[3][4] = wrong[0][4]
    made = upload(cast, book(wrong))

    found = {row["n"]: sorted(row["e"]) for row in made.rows if row["e"]}
    assert found == {3: ["login_name"], 4: ["family_kana"], 5: ["login_name"]}
    assert "2行目" in made.rows[3]["e"]["login_name"][0]
    with pytest.raises(InvalidApplication):
        services.take_over(upload_id=made.pk, actor=cast.applicant, version=None, now=timezone.now())
    assert not Application.system.exists()


def test_what_is_corrected_on_the_screen_is_checked_again(cast: journeys.Cast) -> None:
    wrong = rows(cast, 3)
    wrong[1][2], wrong[2][5] = "suzuki", ""
    made = upload(cast, book(wrong))

    services.correct(
        upload_id=made.pk,
        actor=cast.applicant,
        values={3: {"family_kana": "ｽｽﾞｷ"}},
        removed={4},
        version=made.version,
        now=timezone.now(),
    )
    checking.check(upload_id=made.pk, now=timezone.now())

    made.refresh_from_db()
    assert (made.row_count, made.error_count) == (2, 0)
    assert made.rows[1]["c"] == [["フリガナ（セイ）", "ｽｽﾞｷ", "スズキ"]]
    with pytest.raises(ContentChanged):
        services.correct(
            upload_id=made.pk,
            actor=cast.applicant,
            values={},
            version=made.version - 1,
            now=timezone.now(),
        )


def test_the_same_file_twice_is_told_with_its_application(cast: journeys.Cast) -> None:
    data = book(rows(cast, 2))
    first = upload(cast, data)
    application = services.take_over(
        upload_id=first.pk, actor=cast.applicant, version=None, now=timezone.now()
    )
    saved_again = book(rows(cast, 2), change=lambda sheet: setattr(sheet, "title", "別名"))
    colleague = factories.applicant()

    for again in (data, saved_again):
        with pytest.raises(AlreadyUploaded) as caught:
            upload(cast, again, colleague)
        assert caught.value.earlier.application == application

    assert upload(cast, data, colleague, again_reason="差し戻しのため").again_reason == "差し戻しのため"


def test_another_federation_may_hand_in_the_same_rows(cast: journeys.Cast) -> None:  # ORG-02
    data = book([r[:-1] for r in rows(cast, 1)], [*book.__defaults__[0][:-1]])  # type: ignore[index]
    upload(cast, data)
    other = journeys.Cast("27")

    assert upload(other, data).pk


def test_only_the_person_who_handed_it_in_changes_the_rows(cast: journeys.Cast) -> None:
    made = upload(cast, book(rows(cast, 1)))

    with pytest.raises(NotAllowed):
        services.discard(upload_id=made.pk, actor=factories.applicant(), now=timezone.now())
    with pytest.raises(NotAllowed):
        upload(cast, book(rows(cast, 2)), cast.approver)


def test_a_check_that_died_is_done_again_after_its_lease(cast: journeys.Cast) -> None:
    made = upload(cast, book(rows(cast, 1)))
    dead = timezone.now() - checking._LEASE * 2
    Upload.system.filter(pk=made.pk).update(state=UploadState.CHECKING, lease_until=dead)

    assert checking.check_missed(timezone.now()) == 1
    checking.check(upload_id=made.pk, now=timezone.now())

    made.refresh_from_db()
    assert made.state == UploadState.CHECKED


def test_a_check_of_rows_that_were_changed_meanwhile_is_dropped(
    cast: journeys.Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = upload(cast, book(rows(cast, 1)))
    Upload.system.filter(pk=made.pk).update(state=UploadState.WAITING)
    real = checking.check_lines

    def meanwhile(*args: Any) -> Any:
        services.correct(
            upload_id=made.pk,
            actor=cast.applicant,
            values={2: {"department": "総務課"}},
            version=None,
            now=timezone.now(),
        )
        return real(*args)

    monkeypatch.setattr(checking, "check_lines", meanwhile)
    assert checking.check(upload_id=made.pk, now=timezone.now()) is None

    made.refresh_from_db()
    assert (made.state, made.rows[0]["v"]["department"]) == (UploadState.WAITING, "総務課")


def statements(cast: journeys.Cast, count: int, start: int) -> int:
    with CaptureQueriesContext(connection) as captured:
        made = upload(cast, book(rows(cast, count, start)))
    assert made.error_count == 0
    return len(captured)


def test_a_file_costs_the_same_statements_whatever_its_rows(cast: journeys.Cast) -> None:
    assert statements(cast, 1, 1) == statements(cast, 300, 1000)


def signed_in(client: Client, person_: User) -> Client:
    client.force_login(person_)
    return client


def test_from_the_page_of_the_file_to_the_results(
    cast: journeys.Cast, client: Client, post: Any, settings: Any
) -> None:
    """Sixty rows: more than fit on the screen, so that every page shows them in its short form."""
    signed_in(client, cast.applicant)
    wrong = rows(cast, 60)
    wrong[7][2] = "suzuki"
    file = io.BytesIO(book(wrong))
    file.name = "職員.xlsx"

    page = client.post("/applications/new/accounts.register/file/", {"organisation": "13", "file": file})
    assert page.status_code == 302, page.content.decode()
    shown = client.get(page["Location"])
    assert "C9" in shown.content.decode()
    again = io.BytesIO(b"".join(client.get(page["Location"] + "errors/").streaming_content))  # type: ignore[attr-defined]
    sheet = load_workbook(again).worksheets[0]
    assert sheet["A2"].value == 9
    assert sheet["E2"].fill.fgColor.rgb.endswith("FFD9D9")
    made = Upload.system.get()
    fixed = client.post(page["Location"], {"version": made.version, "r9-family_kana": "スズキ"}, follow=True)
    assert "60" in fixed.content.decode()
    made.refresh_from_db()
    taken = client.post(f"/uploads/{made.pk}/take-over/", {"version": made.version})
    application = Application.system.get()
    assert taken["Location"] == f"/applications/{application.number}/edit/"
    edit = client.get(taken["Location"])
    assert "60件" in edit.content.decode()
    client.post(
        taken["Location"],
        {"version": application.version, "reason": "4月の採用", "action": "next", "lines-count": 0},
    )
    preview = client.get(f"/applications/{application.number}/lines/?q=tk00042").content.decode()
    assert "tk00042-suzuki@kokuho.pr" in preview
    confirm = client.get(f"/applications/{application.number}/confirm/")
    assert confirm.status_code == 200, confirm.content.decode()
    application.refresh_from_db()
    client.post(f"/applications/{application.number}/submit/", {"version": application.version})
    application.refresh_from_db()
    assert application.status == Status.IN_REVIEW
    assert application.lines.count() == 60

    other = signed_in(Client(), cast.approver)
    detail = other.get(f"/applications/{application.number}/")
    assert detail.status_code == 200
    assert f"/applications/{application.number}/lines/" in detail.content.decode()
    found = other.get(f"/applications/{application.number}/lines/?q=tk00042")
    assert "tk00042-suzuki" in found.content.decode()
    assert "tk00041-suzuki" not in found.content.decode()
    journeys.approve(application, cast.approver)
    journeys.approve(application, cast.operator)
    operation = journeys.operations(application)[0]
    operation.status = OperationStatus.DONE
    operation.save()

    bar = client.get(f"/applications/{application.number}/progress/", headers={"HX-Request": "true"})
    assert "1 / " in bar.content.decode()
    answer = client.get(f"/applications/{application.number}/results/")
    results = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).worksheets[0]  # type: ignore[attr-defined]
    assert results["C2"].value == "tk00001-suzuki"
    assert TrailEntry.objects.filter(action="application.export", actor=cast.applicant).exists()


def test_errors_that_appear_at_the_confirmation_lead_back_to_the_table(
    cast: journeys.Cast, client: Client, directory: FakeDirectory
) -> None:
    made = upload(cast, book(rows(cast, 60)))
    application = services.take_over(
        upload_id=made.pk, actor=cast.applicant, version=None, reason="採用", now=timezone.now()
    )
    directory.add("tk00007-suzuki", container_dn=users_ou("27"))
    signed_in(client, cast.applicant)

    answer = client.get(f"/applications/{application.number}/confirm/")

    assert answer["Location"] == f"/uploads/{made.pk}/"
    made.refresh_from_db()
    assert [row["n"] for row in made.rows if row["e"]] == [8]


def test_a_file_over_rest_becomes_a_draft_or_says_every_error(cast: journeys.Cast) -> None:
    _token, value = factories.token(cast.applicant, second_factor=True)
    program = Client(headers={"Authorization": f"Token {value}"})

    def send(data: bytes, key: str = "") -> Any:
        file = io.BytesIO(data)
        file.name = "職員.xlsx"
        body = {"kind": REGISTER, "organisation": "13", "file": file}
        headers = {"Idempotency-Key": key} if key else {}
        return program.post("/api/v1/applications/files/", body, headers=headers)

    wrong = rows(cast, 3)
    wrong[1][2] = "suzuki"
    refused, refused_again = send(book(wrong)), send(book(wrong))
    right = book(rows(cast, 3, 50))
    made, repeated = send(right, key="a"), send(right, key="a")
    again = send(right, key="b")

    assert refused.status_code == 422, refused.content
    assert [problem["path"] for problem in refused.json()["errors"]] == ["C3"]
    assert refused_again.json()["errors"] == refused.json()["errors"]
    assert made.status_code == 201, made.content
    assert (repeated.json(), repeated["Idempotency-Replayed"]) == (made.json(), "true")
    assert Application.system.get().number == made.json()["number"]
    assert (again.status_code, again.json()["application"]) == (409, made.json()["number"])


def test_the_file_with_the_errors_is_handed_in_again_as_it_is(cast: journeys.Cast) -> None:
    wrong = rows(cast, 5)
    wrong[2][2] = "suzuki"
    made = upload(cast, book(wrong))
    context = checking.context_of(made, timezone.now())
    errors = files.errors_book(made, kinds.get(REGISTER), context)
    sheet = errors.worksheets[0]
    assert (sheet["A2"].value, "カタカナ" in str(sheet["B2"].value)) == (4, True)
    column = [cell.value for cell in sheet[1]].index("フリガナ（セイ）※必須") + 1

    with pytest.raises(AlreadyUploaded):  # nothing was corrected
        upload(cast, saved(errors), factories.applicant())
    sheet.cell(2, column).value = "スズキ"
    again = upload(cast, saved(errors))

    assert (again.row_count, again.error_count) == (5, 0)


def test_a_large_file_is_checked_by_a_worker_while_the_page_asks(
    cast: journeys.Cast, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "CHECKED_AT_ONCE", 2)
    signed_in(client, cast.applicant)
    file = io.BytesIO(book(rows(cast, 3)))
    file.name = "職員.xlsx"

    page = client.post("/applications/new/accounts.register/file/", {"organisation": "13", "file": file})
    waiting = client.get(page["Location"]).content.decode()
    tasks.check_upload(str(Upload.system.get().pk))
    part = client.get(page["Location"], headers={"HX-Request": "true"}).content.decode()

    assert 'hx-trigger="every 2s"' in waiting
    assert "hx-trigger" not in part
    assert "<html" not in part


def test_rows_that_nobody_goes_on_with_are_removed(cast: journeys.Cast) -> None:
    kept, old = upload(cast, book(rows(cast, 1))), upload(cast, book(rows(cast, 2, 10)))
    taken = upload(cast, book(rows(cast, 1, 20)))
    services.take_over(upload_id=taken.pk, actor=cast.applicant, version=None, now=timezone.now())
    long_ago = timezone.now() - timedelta(days=120)
    Upload.system.exclude(pk=kept.pk).update(uploaded_at=long_ago)

    assert services.purge(now=timezone.now()) == 1

    assert set(Upload.system.values_list("pk", flat=True)) == {kept.pk, taken.pk}
    assert not Upload.system.filter(pk=old.pk).exists()
