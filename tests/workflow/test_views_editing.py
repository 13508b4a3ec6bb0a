"""Writing an application: nothing that was typed is lost, every error stands at its field, an old tab is told."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.orgs.permissions import Role
from portal.workflow import services
from portal.workflow.models import Application, Attachment, Status
from tests import factories, roles
from tests.fakes import FakeDirectory, use_directory
from tests.workflow.pages import REGISTER, Desk, browser, form_data

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def directory(monkeypatch: Any) -> FakeDirectory:
    return use_directory(monkeypatch)


@pytest.fixture
def desk(directory: FakeDirectory) -> Desk:
    return Desk()


def url(application: Application, step: str = "edit/") -> str:
    return f"/applications/{application.number}/{step}"


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def stored(application: Application) -> list[dict[str, Any]]:
    return [line.payload for line in Application.system.get(pk=application.pk).lines.all()]


# --- beginning ---------------------------------------------------------------------------------------------------------


def test_an_applicant_is_offered_the_kinds_of_each_organisation(desk: Desk) -> None:
    factories.membership(desk.applicant, Role.APPLICANT, code="27")

    page = text(browser(desk.applicant).get("/applications/new/"))

    assert page.count(f'action="/applications/new/{REGISTER}/"') == 2


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.USER])
def test_only_applicants_can_begin(desk: Desk, role: str) -> None:
    client = roles.client_for(role)

    assert 'action="/applications/new/' not in text(client.get("/applications/new/"))
    assert client.post(f"/applications/new/{REGISTER}/", {"organisation": "13"}).status_code == 403
    assert not Application.system.exists()


def test_nobody_begins_for_an_organisation_where_they_do_not_apply(desk: Desk) -> None:
    response = browser(desk.applicant).post(f"/applications/new/{REGISTER}/", {"organisation": "27"})

    assert response.status_code == 404


@pytest.mark.parametrize("organisation", ["", "nowhere", "13\x00", "１３"])
def test_a_strange_organisation_is_not_found(desk: Desk, organisation: str) -> None:
    response = browser(desk.applicant).post(f"/applications/new/{REGISTER}/", {"organisation": organisation})

    assert response.status_code == 404


def test_an_unknown_kind_is_not_found(desk: Desk) -> None:
    client = browser(desk.applicant)

    assert client.get("/applications/new/accounts.nothing/").status_code == 404
    assert client.post("/applications/new/accounts.nothing/", {"organisation": "13"}).status_code == 404


def test_a_double_click_leaves_one_draft(desk: Desk) -> None:
    client = browser(desk.applicant)

    first = client.post(f"/applications/new/{REGISTER}/", {"organisation": "13"})
    second = client.post(f"/applications/new/{REGISTER}/", {"organisation": "13"})

    assert first["Location"] == second["Location"]
    assert Application.system.count() == 1


def test_a_link_can_bring_a_value_for_the_first_line(desk: Desk) -> None:
    client = browser(desk.applicant)

    page = text(client.get("/applications/new/accounts.password_reset/?login_name=tk0412-suzuki&unknown=1"))
    client.post(
        "/applications/new/accounts.password_reset/",
        {"organisation": "13", "line-login_name": "tk0412-suzuki"},
    )

    assert 'name="line-login_name" value="tk0412-suzuki"' in page
    assert "line-unknown" not in page
    assert stored(Application.system.get())[0]["login_name"] == "tk0412-suzuki"


# --- saving ------------------------------------------------------------------------------------------------------------


def test_a_draft_keeps_what_is_wrong_as_it_was_typed(desk: Desk) -> None:
    draft = desk.draft()
    wrong = desk.line("鈴木", family_kana="鈴木", recipient_id="")

    response = browser(desk.applicant).post(url(draft), form_data(draft, wrong))

    assert response.status_code == 302
    page = text(browser(desk.applicant).get(url(draft)))
    assert 'name="lines-0-login_name" value="鈴木"' in page
    assert 'name="lines-0-family_kana" value="鈴木"' in page
    assert "data-error-summary" not in page


def test_what_was_corrected_is_said(desk: Desk) -> None:
    draft = desk.draft()

    response = browser(desk.applicant).post(
        url(draft), form_data(draft, desk.line("ＴＫ０４１２")), follow=True
    )

    assert stored(draft)[0]["login_name"] == "TK0412"
    assert "ＴＫ０４１２" in text(response)


def test_a_line_is_added_and_taken_away_without_losing_the_others(desk: Desk) -> None:
    draft = desk.draft()
    client = browser(desk.applicant)

    added = client.post(url(draft), form_data(draft, desk.line("a1"), action="add_line"))
    draft.refresh_from_db()
    data = form_data(draft, desk.line("a1"), desk.line("b2"), desk.line("c3"), remove_line="1")
    data.pop("action")
    removed = client.post(url(draft), data)

    assert added["Location"].endswith("#line-2")
    assert removed.status_code == 302
    assert [line["login_name"] for line in stored(draft)] == ["a1", "c3"]


def test_more_lines_than_fit_are_refused_and_kept_on_the_page(desk: Desk) -> None:
    draft = desk.draft()
    lines = [desk.line(f"n{n}") for n in range(51)]

    response = browser(desk.applicant).post(url(draft), form_data(draft, *lines))

    assert response.status_code == 422
    assert 'value="n50"' in text(response)


@pytest.mark.parametrize("count", ["", "x", "-1", "٣", "999999999999", "0"])
def test_a_strange_number_of_lines_does_no_harm(desk: Desk, count: str) -> None:
    draft = desk.draft()

    response = browser(desk.applicant).post(
        url(draft), form_data(draft, desk.line()) | {"lines-count": count}
    )

    assert response.status_code in (302, 422)


def test_a_date_that_does_not_exist_is_refused_and_everything_else_is_saved(desk: Desk) -> None:
    draft = desk.draft()
    data = form_data(draft, desk.line("b2"), desired_on="2026/2/30", reason="異動のため")

    response = browser(desk.applicant).post(url(draft), data)

    assert response.status_code == 422
    assert 'value="2026/2/30"' in text(response)
    assert stored(draft)[0]["login_name"] == "b2"


def test_the_autosave_answers_with_the_time_and_the_next_version(desk: Desk) -> None:
    draft = desk.draft()

    response = browser(desk.applicant).post(
        url(draft), form_data(draft, desk.line("b2"), action="autosave"), headers={"HX-Request": "true"}
    )

    draft.refresh_from_db()
    assert stored(draft)[0]["login_name"] == "b2"
    assert f'name="version" value="{draft.version}"' in text(response)
    assert "<html" not in text(response)


def test_an_old_tab_does_not_overwrite_and_keeps_what_was_typed(desk: Desk) -> None:
    draft = desk.draft()
    client = browser(desk.applicant)
    old_tab = form_data(draft, desk.line("old-tab"))
    client.post(url(draft), form_data(draft, desk.line("new-tab")))

    response = client.post(url(draft), old_tab)
    quiet = client.post(url(draft), old_tab | {"action": "autosave"})

    assert response.status_code == 409
    assert 'value="old-tab"' in text(response)
    assert stored(draft)[0]["login_name"] == "new-tab"
    assert 'name="version"' not in text(quiet)


def test_after_the_warning_the_old_tab_can_be_saved(desk: Desk) -> None:
    draft = desk.draft()
    client = browser(desk.applicant)
    old_tab = form_data(draft, desk.line("old-tab"))
    client.post(url(draft), form_data(draft, desk.line("new-tab")))
    draft.refresh_from_db()

    response = client.post(url(draft), old_tab | {"version": draft.version})

    assert response.status_code == 302
    assert stored(draft)[0]["login_name"] == "old-tab"


def test_a_colleague_sees_no_draft_and_cannot_write_it(desk: Desk) -> None:
    draft = desk.draft()
    colleague = browser(factories.applicant(desk.code))

    assert colleague.get(url(draft)).status_code == 404
    assert colleague.post(url(draft), form_data(draft, desk.line("x9"))).status_code == 404
    assert stored(draft)[0]["login_name"] == "tk0412-suzuki"


def test_a_submitted_application_cannot_be_edited_any_more(desk: Desk) -> None:
    application = desk.submitted()

    response = browser(desk.applicant).post(url(application), form_data(application, desk.line("x9")))

    assert response.status_code == 409


# --- confirming and submitting -------------------------------------------------------------------------------------------


def test_going_on_with_a_good_form_leads_to_the_confirmation_with_plan_and_checks(desk: Desk) -> None:
    draft = desk.draft()

    response = browser(desk.applicant).post(
        url(draft), form_data(draft, desk.line(), action="next"), follow=True
    )

    page = text(response)
    assert response.status_code == 200
    for shown in ("tk0412-suzuki", "sAMAccountName", "着任のため", url(draft, "submit/")):
        assert shown in page


def test_going_on_with_a_wrong_form_names_every_error_at_its_field(desk: Desk) -> None:
    draft = desk.draft()
    data = form_data(draft, desk.line("鈴"), desk.line(family_kana="鈴木", given_name=""), action="next")

    response = browser(desk.applicant).post(url(draft), data)

    page = text(response)
    assert response.status_code == 422
    for target in ("id_lines-0-login_name", "id_lines-1-family_kana", "id_lines-1-given_name"):
        assert f'href="#{target}"' in page
        assert f'id="{target}_error"' in page
    assert page.index("data-error-summary") < page.index("<h1>")


def test_a_missing_reason_is_named_together_with_the_errors_of_the_lines(desk: Desk) -> None:
    draft = desk.draft()
    data = form_data(draft, desk.line("鈴"), reason=" ", action="next")

    response = browser(desk.applicant).post(url(draft), data)

    assert response.status_code == 422
    assert "2件の入力を直してください" in text(response)
    assert "申請の理由を入力してください" in text(response)


def test_what_only_the_directory_knows_is_said_at_the_field_too(desk: Desk, directory: FakeDirectory) -> None:
    directory.add("tk0412-suzuki")
    draft = desk.draft()

    response = browser(desk.applicant).get(url(draft, "confirm/"))

    assert response.status_code == 422
    assert 'id="id_lines-0-login_name_error"' in text(response)


def test_a_missing_reason_is_asked_for(desk: Desk) -> None:
    draft = desk.draft(reason="")

    response = browser(desk.applicant).get(url(draft, "confirm/"))

    assert response.status_code == 422
    assert 'href="#id_reason"' in text(response)


def test_submitting_leads_to_the_application(desk: Desk) -> None:
    draft = desk.draft()

    response = browser(desk.applicant).post(url(draft, "submit/"), {"version": draft.version}, follow=True)

    draft.refresh_from_db()
    assert draft.status == Status.IN_REVIEW
    assert draft.number in text(response)


def test_a_second_click_on_submit_is_told_and_submits_nothing_twice(desk: Desk) -> None:
    draft = desk.draft()
    client = browser(desk.applicant)

    answers = [client.post(url(draft, "submit/"), {"version": draft.version}).status_code for _ in range(2)]

    draft.refresh_from_db()
    assert answers == [302, 409]
    assert draft.revision == 1


def test_a_draft_that_changed_since_the_confirmation_is_not_submitted(desk: Desk) -> None:
    draft = desk.draft()
    client = browser(desk.applicant)
    client.post(url(draft), form_data(draft, desk.line("new-tab")))

    response = client.post(url(draft, "submit/"), {"version": draft.version})

    draft.refresh_from_db()
    assert response.status_code == 409
    assert draft.status == Status.DRAFT


def test_a_name_in_another_open_application_is_refused_at_its_field(desk: Desk) -> None:
    desk.submitted()
    draft = desk.draft(desk.line("TK0412-Suzuki"))

    response = browser(desk.applicant).post(url(draft, "submit/"), {"version": draft.version})

    assert response.status_code == 422  # ACC-06
    assert 'id="id_lines-0-login_name_error"' in text(response)


def test_without_an_approver_it_says_so_and_whom_to_ask(desk: Desk, monkeypatch: Any) -> None:
    draft = desk.draft()
    monkeypatch.setattr(services, "submit", _nobody)

    response = browser(desk.applicant).post(url(draft, "submit/"), {"version": draft.version})

    assert response.status_code == 403
    assert "Acceptance" in text(response) or "受付" in text(response)


def _nobody(**kwargs: Any) -> Any:
    from portal.workflow.errors import NobodyCanDecide

    raise NobodyCanDecide("Acceptance")


# --- attachments ---------------------------------------------------------------------------------------------------------


def attach(desk: Desk, draft: Application, name: str = "写し.pdf", data: bytes = PDF) -> Any:
    draft.refresh_from_db()
    sent = form_data(draft, desk.line("typed")) | {"attachment": SimpleUploadedFile(name, data)}
    return browser(desk.applicant).post(url(draft, "attachments/"), sent)


def test_attaching_saves_what_was_typed_as_well(desk: Desk) -> None:
    draft = desk.draft()

    response = attach(desk, draft)

    assert response["Location"].endswith("#attachments")
    assert Attachment.system.get().name == "写し.pdf"
    assert stored(draft)[0]["login_name"] == "typed"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("写し.pdf", b"no pdf"),
        ("program.exe", b"MZ"),
        ("empty.pdf", b""),
        ("big.pdf", PDF + b"0" * 10_500_000),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_and_nothing_is_lost(
    desk: Desk, name: str, data: bytes
) -> None:
    draft = desk.draft()

    response = attach(desk, draft, name, data)

    assert response.status_code == 422
    assert 'href="#id_attachment"' in text(response)
    assert 'id="id_attachment_error"' in text(response)
    assert 'value="typed"' in text(response)
    assert not Attachment.system.exists()


def test_no_file_is_said(desk: Desk) -> None:
    draft = desk.draft()

    response = browser(desk.applicant).post(url(draft, "attachments/"), form_data(draft, desk.line()))

    assert response.status_code == 302
    assert not Attachment.system.exists()


def test_a_download_is_a_download_under_its_japanese_name(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft)
    services.submit(application_id=draft.pk, actor=desk.applicant, version=None, now=draft.created_at)
    attachment = Attachment.system.get()

    response = browser(desk.approver).get(url(draft, f"attachments/{attachment.pk}/"))

    assert response.content == PDF
    assert response["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E5%86%99")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]


def test_a_file_is_reached_through_its_own_application_only(desk: Desk) -> None:
    draft, other = desk.draft(), desk.draft(desk.line("other"))
    attach(desk, draft)
    attachment = Attachment.system.get()
    client = browser(desk.applicant)

    assert client.get(url(other, f"attachments/{attachment.pk}/")).status_code == 404
    assert (
        client.post(
            url(other, f"attachments/{attachment.pk}/remove/"), form_data(other, desk.line())
        ).status_code
        == 404
    )
    assert (
        roles.client_for(Role.APPLICANT, code="27")
        .get(url(draft, f"attachments/{attachment.pk}/"))
        .status_code
        == 404
    )


def test_a_file_is_taken_off_again(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft)
    draft.refresh_from_db()

    browser(desk.applicant).post(
        url(draft, f"attachments/{Attachment.system.get().pk}/remove/"), form_data(draft, desk.line("typed"))
    )

    assert not Attachment.system.exists()
