"""Attachments: the content decides what a file is."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from portal.common.files import clean_name
from portal.workflow import services
from portal.workflow.errors import InvalidApplication, MoveNotAllowed, NotAllowed
from portal.workflow.models import Application, Attachment, RemovedAttachment
from tests import factories
from tests.workflow import cards

pytestmark = pytest.mark.django_db
PDF, PNG, JPEG = b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n...", b"\xff\xd8\xff\xe0..."


def office_file(*members: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return file.getvalue()


XLSX = office_file("[Content_Types].xml", "xl/workbook.xml")
DOCX = office_file("[Content_Types].xml", "word/document.xml")


def attach(application: Application, name: str, data: bytes, actor: Any = None) -> Attachment:
    return services.add_attachment(
        application_id=application.pk,
        actor=actor or application.applicant,
        name=name,
        data=data,
        now=timezone.now(),
    )


def refusal(application: Application, name: str, data: bytes) -> str:
    with pytest.raises(InvalidApplication) as caught:
        attach(application, name, data)
    assert set(caught.value.errors) == {"attachments"}
    return caught.value.errors["attachments"][0]


@pytest.mark.parametrize(
    ("name", "data", "content_type"),
    [
        ("許可書.PDF", PDF, "application/pdf"),
        ("a.png", PNG, "image/png"),
        ("a.jpeg", JPEG, "image/jpeg"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("名簿.xlsx", XLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.docx", DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.csv", "氏名,ログイン名\n髙橋,tk\n".encode("cp932"), "text/csv"),
        ("a.txt", "\ufeff氏名".encode(), "text/plain"),
    ],
)
def test_a_file_of_an_accepted_type_is_kept(
    name: str, data: bytes, content_type: str, office: cards.Office
) -> None:
    application = cards.draft(office.applicant)

    kept = attach(application, name, data)

    assert (kept.name, kept.content_type, kept.size) == (name, content_type, len(data))
    assert bytes(kept.content.data) == data
    assert kept.application.version == application.version + 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", PNG),
        ("a.png", PDF),
        ("a.jpg", b"<script>"),
        ("a.xlsx", DOCX),
        ("a.docx", office_file("word/document.xml")),
        ("a.xlsx", office_file("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin")),
        ("a.xlsx", b"PK\x03\x04 broken"),
        ("a.txt", b"MZ\x00\x01"),
        ("a.csv", b"\xff\xfe\xfd\xfc\x81"),
        ("a.exe", b"MZ"),
        ("a.html", b"<html>"),
        ("a.svg", b"<svg/>"),
        ("noending", PDF),
        ("a.pdf.exe", PDF),
        ("a.pdf", b""),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(name: str, data: bytes, office: cards.Office) -> None:
    application = cards.draft(office.applicant)

    assert refusal(application, name, data)
    assert not Attachment.system.exists()


def test_size_and_number_are_limited(office: cards.Office, settings: Any) -> None:
    settings.ATTACHMENT_MAX_BYTES, settings.ATTACHMENTS_PER_APPLICATION = 1024 * 1024, 2
    application = cards.draft(office.applicant)

    assert refusal(application, "a.txt", b"x" * (1024 * 1024 + 1))
    attach(application, "a.txt", b"x" * 1024 * 1024)
    attach(application, "b.txt", b"b")
    assert refusal(application, "c.txt", b"c")


def test_the_same_file_is_attached_once(office: cards.Office) -> None:
    application = cards.draft(office.applicant)
    attach(application, "a.txt", b"x")

    assert refusal(application, "b.txt", b"x")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\x\\名簿.xlsx", "名簿.xlsx"),
        ("a\r\nb\x00.txt", "a b .txt"),
        ("\u202etxt.pdf", "txt.pdf"),
        ('<b>"x"?.pdf', "_b__x__.pdf"),
        ("\ud800.pdf", "_.pdf"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("﨑塚.pdf", "﨑塚.pdf"),
    ],
)
def test_names_lose_folders_and_hidden_characters_and_keep_their_kanji(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_files_change_only_while_the_application_is_editable(office: cards.Office) -> None:
    application = cards.draft(office.applicant)
    file = attach(application, "a.txt", b"x")
    cards.submit(application)

    with pytest.raises(MoveNotAllowed):
        attach(application, "b.txt", b"b")
    with pytest.raises(MoveNotAllowed):
        remove(application, file)


def test_a_file_that_was_submitted_once_stays_provable_after_it_is_taken_off(
    office: cards.Office,
) -> None:  # SEC-03
    application = cards.draft(office.applicant)
    never_submitted = attach(application, "draft.txt", b"draft")
    remove(application, never_submitted)
    file = attach(application, "seen.txt", b"seen by the approver")
    cards.submit(application)
    services.pull_back(application_id=application.pk, actor=office.applicant, now=timezone.now())

    remove(application, file)

    kept = RemovedAttachment.system.get(application=application)
    assert (kept.name, bytes(kept.data), kept.sha256) == ("seen.txt", b"seen by the approver", file.sha256)
    assert not application.attachments.exists()
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        kept.delete()


def test_only_the_applicant_changes_files(office: cards.Office) -> None:
    application = cards.draft(office.applicant)
    file = attach(application, "a.txt", b"x")

    with pytest.raises(NotAllowed):
        attach(application, "b.txt", b"b", factories.applicant())
    with pytest.raises(NotAllowed):
        remove(application, file, factories.applicant())


def test_a_file_of_another_application_is_not_found(office: cards.Office) -> None:
    file = attach(cards.draft(office.applicant), "a.txt", b"x")

    with pytest.raises(Attachment.DoesNotExist):
        remove(cards.draft(office.applicant), file)


def remove(application: Application, file: Attachment, actor: Any = None) -> Application:
    return services.remove_attachment(
        application_id=application.pk,
        attachment_id=file.pk,
        actor=actor or application.applicant,
        now=timezone.now(),
    )
