"""The FAQ: what names somebody is removed, a second person confirms, everybody reads (REQ-11)."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from portal.orgs.models import User
from portal.orgs.permissions import Role
from requests.enquiries import services as enquiries
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused
from requests.enquiries.models import Enquiry
from requests.faq import cleaning, selectors, services
from requests.faq.models import FaqEntry, FaqVersion
from tests import factories
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer() -> User:
    return factories.operator()


@pytest.fixture
def second() -> User:
    return factories.operator()


def proposed(writer: User, question: str = "パスワードの有効期限は何日ですか", **more: object) -> FaqVersion:
    values = {
        "entry_id": None,
        "enquiry": None,
        "category": "ACCOUNTS",
        "question": question,
        "answer": "90日です。延長は申請してください。",
    } | more
    return services.propose(**values, actor=writer, now=timezone.now())  # type: ignore[arg-type]


def answered(writer: User) -> Enquiry:
    asker = factories.applicant("13", display_name="山田 太郎")
    enquiry = enquiries.ask(
        organisation=asker.organisation,
        desk="OPERATIONS",
        category="ACCOUNTS",
        subject="山田のパスワードの期限",
        text="いつまでですか。",
        actor=asker,
        now=timezone.now(),
    )
    text = f"東京都国保連合会の山田 太郎さん（{asker.email}）は90日です。電話03-1234-5678、10.13.20.5。"
    return enquiries.answer(
        enquiry_id=enquiry.pk, version=enquiry.version, text=text, actor=writer, now=timezone.now()
    )


def test_req_11_nobody_reads_a_text_before_a_second_person_confirmed_it(writer: User, second: User) -> None:
    reader = factories.user(Role.USER)
    version = proposed(writer)

    assert not selectors.entries(reader).exists()
    with pytest.raises(NotAllowed):
        services.publish(version_id=version.pk, actor=writer, now=timezone.now())
    with pytest.raises(NotAllowed):
        services.publish(version_id=version.pk, actor=factories.applicant(), now=timezone.now())
    services.publish(version_id=version.pk, actor=second, now=timezone.now())
    with pytest.raises(ChangedMeanwhile):
        services.publish(version_id=version.pk, actor=factories.operator(), now=timezone.now())

    assert [entry.question for entry in selectors.entries(reader, "ﾊﾟｽﾜｰﾄﾞ 90日")] == [version.question]
    with pytest.raises(IntegrityError), transaction.atomic():  # also in the database
        FaqVersion.objects.filter(pk=version.pk).update(decided_by=writer)


def test_req_11_versions_are_kept_and_the_published_one_stands_until_the_next_is_confirmed(
    writer: User, second: User
) -> None:
    first = services.publish(version_id=proposed(writer).pk, actor=second, now=timezone.now())
    entry = first.entry
    newer = proposed(second, "期限は", entry_id=entry.pk, answer="180日です。")

    with pytest.raises(Refused):
        proposed(writer, entry_id=entry.pk)  # one waits already
    entry.refresh_from_db()
    assert entry.question == first.question
    services.send_back(version_id=newer.pk, reason="誤り", actor=writer, now=timezone.now())
    last = proposed(writer, "期限の延長", entry_id=entry.pk)
    services.publish(version_id=last.pk, actor=second, now=timezone.now())

    entry.refresh_from_db()
    assert (entry.question, last.number) == ("期限の延長", 3)
    reader = factories.user(Role.USER)
    assert [v.number for v in selectors.versions(reader, entry)] == [3, 1]
    services.withdraw(entry_id=entry.pk, actor=writer, now=timezone.now())
    assert not selectors.entries(reader).exists()
    assert client_of(reader).get(reverse("faq_entry", args=[entry.number])).status_code == 404


def test_req_11_what_names_persons_is_blanked_refused_and_pointed_out(writer: User) -> None:
    enquiry = answered(writer)
    browser, page = client_of(writer), reverse("enquiry_faq", args=[enquiry.number])

    shown = browser.get(page).content.decode()
    form = shown[shown.index("<form method") :]
    for name in ("山田", "太郎", "東京都国保連合会", enquiry.asker.email):
        assert name not in form
    refused = browser.post(
        page, {"category": "ACCOUNTS", "question": "期限", "answer": "山田は90日。a@example.jpへ"}
    )
    assert refused.status_code == 422
    assert "山田" in refused.content.decode()
    assert not FaqEntry.objects.exists()

    made = browser.post(
        page,
        {"category": "ACCOUNTS", "question": "期限", "answer": "90日。電話03-1234-5678、10.13.20.5、鈴木様"},
    )
    preview = client_of(factories.operator()).get(made["Location"]).content.decode()
    assert made.status_code == 302
    found = cleaning.look_into("電話03-1234-5678、10.13.20.5、鈴木様 kk13-tanaka", ())
    assert found.suspicious == ("03-1234-5678", "10.13.20.5", "kk13-tanaka", "鈴木様")
    assert "03-1234-5678" in preview
    entry = FaqEntry.objects.get()
    assert entry.enquiry_id == enquiry.pk


def test_req_11_suggestions_while_one_types_and_without_javascript(writer: User, second: User) -> None:
    for question in ("パスワードの有効期限を延ばすには", "プリンタの登録方法", "DNSの追加"):
        services.publish(
            version_id=proposed(writer, question, answer="画面から申請してください。").pk,
            actor=second,
            now=timezone.now(),
        )
    browser = client_of(factories.applicant())
    typed = "パスワード期限の延長"

    assert [e.question for e in selectors.suggestions(typed)] == ["パスワードの有効期限を延ばすには"]
    fragment = browser.get(reverse("faq_suggestions"), {"subject": typed}).content.decode()
    page = browser.post(
        reverse("enquiry_new"), {"subject": typed, "text": "本文", "look": ""}
    ).content.decode()
    nothing = browser.post(reverse("enquiry_new"), {"subject": "出張旅費精算", "look": ""}).content.decode()

    assert "有効期限を延ばすには" in fragment
    assert "プリンタ" not in fragment
    assert "有効期限を延ばすには" in page
    assert "本文" in page
    assert "有効期限を延ばすには" not in nothing
    assert selectors.suggestions("パ") == []
    assert [r["question"] for r in browser.get("/api/v1/faq/?q=DNS").json()["results"]] == ["DNSの追加"]


def test_req_11_only_operations_write_and_the_second_person_decides_on_the_preview(
    writer: User, second: User
) -> None:
    values = {"category": "PORTAL", "question": "画面が開かない", "answer": "再読込してください。"}
    made = client_of(writer).post(reverse("faq_new"), values)
    preview = made["Location"]

    assert client_of(factories.applicant()).get(reverse("faq_new")).status_code == 403
    assert client_of(writer).post(preview, {"step": "publish"}).status_code == 403
    assert client_of(second).post(preview, {"step": "send_back", "reason": ""}).status_code == 422
    assert client_of(second).post(preview, {"step": "publish"}).status_code == 302
    assert client_of(second).post(preview, {"step": "publish"}).status_code == 422
    entry = FaqEntry.objects.get()
    for name, args in (("faq_list", []), ("faq_entry", [entry.number])):
        assert (
            "再読込してください"
            in client_of(factories.user(Role.USER)).get(reverse(name, args=args)).content.decode()
        )
    for name in ("faq_edit", "faq_withdraw"):
        answer = client_of(second).post(reverse(name, args=[entry.number]), values | {"answer": "別の方法"})
        assert answer.status_code == 302
