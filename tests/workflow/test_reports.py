"""REQ-12: an application ends with a result report that reached the applicant, or not at all."""

from __future__ import annotations

import dataclasses
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.embedded.mailcatcher import MailCatcher
from portal.fulfilment.models import Operation
from portal.notices import delivery
from portal.notices.errors import AddressRefused
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import fulfilling, kinds, services
from portal.workflow.errors import MoveNotAllowed, NotAllowed
from portal.workflow.models import TRANSITIONS, Application, Status
from portal.workflow.reports import arriving, facts, making, selectors
from portal.workflow.reports.models import ResultReport
from tests import factories
from tests.roles import client_of
from tests.workflow import cards

pytestmark = pytest.mark.django_db

EVIDENCE = {"object_guid": "0f3c", "initial_password": "Kx7-geheim", "values": {"department": "審査課"}}


@pytest.fixture(autouse=True)
def _shown_on_pages(office: cards.Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card kind has no template of its own."""
    shown = dataclasses.replace(cards.KIND, line_template="components/empty.html")
    monkeypatch.setitem(kinds._kinds, cards.CODE, shown)


@pytest.fixture
def application(office: cards.Office) -> Application:
    return cards.approved(office.applicant, office.approver, office.operator, names=("sato", "ito"))


def settle(application: Application, position: int, status: str = "DONE", **fields: Any) -> Application:
    operation = Operation.system.get(line__application=application, line__position=position)
    values = {"settled_at": timezone.now(), "evidence": EVIDENCE} | fields
    Operation.system.filter(pk=operation.pk).update(status=status, **values)
    operation.refresh_from_db()
    fulfilling.operations_settled([operation], timezone.now())
    return Application.system.select_related("report").get(pk=application.pk)


def ended(application: Application) -> Application:
    settle(application, 0)
    return settle(application, 1)


def send() -> delivery.Result:
    return delivery.send_due(now_fn=timezone.now)


def refuse_mail(application: Application) -> None:
    assert application.report is not None
    assert application.report.notice is not None
    delivery.refuse(application.report.notice, AddressRefused("550", "no such user"), timezone.now())


def test_req_12_the_report_says_what_was_done_when_by_whom_and_what_was_read_back(
    application: Application, office: cards.Office
) -> None:
    settle(application, 0)
    done = settle(
        application, 1, "CLOSED", manual_note="すでに存在します", taken_by=office.operator, evidence={}
    )

    report = done.report
    assert report is not None
    first, second = report.content["lines"]
    assert (report.content["outcome"], report.recipient) == (Status.COMPLETED, office.applicant)
    assert (first["subject"], first["operations"][0]["status"], first["operations"][0]["by"]) == (
        "sato",
        "DONE",
        "",
    )
    assert first["operations"][0]["evidence"] == {"object_guid": "0f3c", "values": {"department": "審査課"}}
    assert second["operations"][0]["note"] == "すでに存在します"
    assert second["operations"][0]["by"] == office.operator.display_name
    assert making.digest_of(ResultReport.system.get().content) == report.digest


def test_no_secret_enters_a_report_at_any_depth() -> None:
    kept: dict[str, Any] = {"login_name": "tk13", "mail": {"address": "a@b"}, "groups": [{"name": "g"}]}
    hidden = {
        "unicodePwd": "x",
        "initial_password": "x",
        "client-secret": "x",
        "ACCESS_TOKEN": "x",
        "pass_word": "x",
    }

    assert (
        making.without_secrets(
            {**kept, **hidden, "mail": {**kept["mail"], **hidden}, "groups": [{"name": "g"} | hidden]}
        )
        == kept
    )


def test_a_rejection_is_reported_with_who_when_and_why(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    services.reject(**cards.seen(application, office.approver), comment="名簿にありません")

    report = ResultReport.system.get()
    assert report.content["outcome"] == Status.REJECTED
    assert report.content["decision"]["by"] == office.approver.display_name
    assert report.content["decision"]["comment"] == "名簿にありません"
    assert report.notice == Notice.system.get(template="application_rejected")


def test_what_the_applicant_took_back_needs_no_report(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)
    services.withdraw(application_id=application.pk, actor=office.applicant, comment="", now=timezone.now())

    assert not ResultReport.system.exists()


@pytest.mark.parametrize("status", ["COMPLETED", "NOT_DONE", "REJECTED"])
def test_the_database_lets_nothing_end_without_a_report(application: Application, status: str) -> None:
    rows = Application.system.filter(pk=application.pk)
    for values in ({"status": status}, {"status": status, "before_reports": True}, {"before_reports": True}):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**values)

    assert rows.get().status == Status.FULFILLING


def test_the_database_keeps_the_report_and_how_it_arrived(application: Application) -> None:
    done = ended(application)
    reports = ResultReport.system.filter(application=done)
    with pytest.raises(DatabaseError), transaction.atomic():
        Application.system.filter(pk=done.pk).update(report=None)
    changes: tuple[dict[str, Any], ...] = (
        {"content": {}},
        {"digest": ""},
        {"notice": None},
        {"issued_at": timezone.now()},
    )
    for values in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            reports.update(**values)
    with pytest.raises(DatabaseError), transaction.atomic():
        reports.delete()
    reports.update(reached_at=timezone.now(), reached_how="MAIL")
    with pytest.raises(DatabaseError), transaction.atomic():
        reports.update(reached_at=None, reached_how="")


def test_no_end_leads_anywhere() -> None:
    assert not {Status.COMPLETED, Status.NOT_DONE, Status.REJECTED} & set(TRANSITIONS)


def test_what_breaks_while_the_report_is_written_leaves_the_application_open(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(application, 0)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(making, "issue", broken)
    with pytest.raises(ConnectionError), transaction.atomic():
        settle(application, 1)
    monkeypatch.undo()

    application.refresh_from_db()
    assert application.status == Status.PARTLY_COMPLETED
    assert not Notice.system.filter(template="application_completed").exists()
    assert settle(application, 1).report is not None


def test_it_is_completed_in_words_once_the_mail_went(
    application: Application, mail_catcher: MailCatcher
) -> None:
    done = ended(application)
    assert (done.status, done.awaits_report) == (Status.COMPLETED, True)
    assert "結果報告中" in done.status_label

    send()
    assert send().sent == 0

    done = Application.system.select_related("report").get(pk=done.pk)
    assert done.report is not None
    assert (done.report.reached_how, done.status_label) == ("MAIL", "完了")
    files = [mail_catcher.store.directory / f"{mail.key}.eml" for mail in mail_catcher.messages()]
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    (mail,) = [mail for mail in mails if "結果報告" in mail["Subject"]]
    text = mail.get_content()  # type: ignore[attr-defined]
    assert "反映 2件" in text
    assert "ポータルによる自動反映" in text
    assert "geheim" not in text
    assert "sato" not in text


def test_a_worker_that_dies_between_the_mail_and_its_record_does_not_lose_the_arrival(
    application: Application, mail_catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = ended(application)
    monkeypatch.setattr(
        "portal.notices.sent._callbacks", {"application_completed": lambda notice, now: 1 / 0}
    )
    with pytest.raises(ZeroDivisionError):
        send()
    monkeypatch.undo()

    notice = Notice.system.get(result_report__application=done)
    assert notice.status == "QUEUED"
    Notice.system.filter(pk=notice.pk).update(not_before=timezone.now())  # the lease ran out
    send()
    assert ResultReport.system.get().reached_how == "MAIL"


def test_the_applicant_who_reads_it_has_received_it(application: Application, office: cards.Office) -> None:
    done = ended(application)
    refuse_mail(done)
    page = f"/applications/{done.number}/"

    client_of(office.approver).get(page)
    assert ResultReport.system.get().reached_at is None
    client_of(office.applicant).get(page)

    report = ResultReport.system.get()
    assert (report.reached_how, report.reached_by) == ("READ", office.applicant)
    assert TrailEntry.objects.filter(action="application.report_read").count() == 1


def test_a_colleague_tells_the_applicant_whom_no_mail_reached(
    application: Application, office: cards.Office
) -> None:
    done = ended(application)
    with pytest.raises(MoveNotAllowed):  # the mail is on its way
        tell(done, office.approver)
    refuse_mail(done)
    for person in (office.applicant, office.operator, factories.approver("27"), factories.user(Role.AUDITOR)):
        with pytest.raises(NotAllowed):
            tell(done, person)
    client = client_of(office.approver)
    address = f"/applications/{done.number}/report/told/"

    page = client.post(address, {"told-note": " "})
    assert page.status_code == 422
    assert "どのように伝えたか" in page.content.decode()
    assert client.post(address, {"told-note": "11月20日に内線で"}).status_code == 302
    assert client.post(address, {"told-note": "もう一度"}).status_code == 409

    report = ResultReport.system.get()
    assert (report.reached_how, report.reached_by) == ("TOLD", office.approver)
    assert report.reached_note == "11月20日に内線で"
    assert done.events.last().verb == "RESULT_TOLD"  # type: ignore[union-attr]


def tell(application: Application, actor: User) -> Application:
    return arriving.told(application_id=application.pk, actor=actor, note="電話で", now=timezone.now())


def test_undelivered_reports_are_open_work_of_operations_and_of_colleagues(
    application: Application, office: cards.Office
) -> None:
    done = ended(application)
    assert not selectors.undelivered(office.operator).exists()
    refuse_mail(done)
    nobody = factories.reported("13")  # no address at all

    assert selectors.undelivered(office.operator).count() == 2
    assert selectors.undelivered(office.approver).count() == 2
    assert not selectors.undelivered(factories.approver("27")).exists()
    assert not selectors.undelivered(factories.user(Role.USER)).exists()
    assert "届いていない結果報告" in client_of(office.operator).get("/").content.decode()
    listed = client_of(office.operator).get("/reports/").content.decode()
    assert done.number in listed
    assert nobody.number in listed
    assert "メールアドレスがありません" in listed
    assert done.number not in client_of(factories.approver("27")).get("/reports/?state=all").content.decode()


def test_the_list_of_reports_costs_the_same_for_one_and_for_thirty(office: cards.Office) -> None:
    browser, counts = client_of(office.operator), []
    browser.get("/reports/")
    for more in (1, 29):
        for _ in range(more):
            factories.reported("13")
        with CaptureQueriesContext(connection) as captured:
            assert browser.get("/reports/").status_code == 200
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_the_page_and_the_pdf_tell_the_result(application: Application, office: cards.Office) -> None:
    settle(application, 0)
    done = settle(application, 1, "CLOSED", manual_note="すでに存在します", taken_by=office.operator)
    browser = client_of(office.applicant)

    page = browser.get(f"/applications/{done.number}/").content.decode()
    pdf = browser.get(f"/applications/{done.number}/report/")

    for text in (
        "結果報告",
        "反映 1件",
        "反映なし 1件",
        "すでに存在します",
        "審査課",
        office.operator.display_name,
    ):
        assert text in page
    assert "geheim" not in page
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF")
    assert client_of(factories.applicant("27")).get(f"/applications/{done.number}/report/").status_code == 404


def test_the_end_costs_one_insert_more_and_nothing_for_each_line(office: cards.Office) -> None:
    counts = []
    for names in (("sato",), ("kato", "mori", "ueda", "oda", "abe")):
        made = cards.approved(office.applicant, office.approver, office.operator, names=names)
        for position in range(len(names) - 1):
            settle(made, position)
        with CaptureQueriesContext(connection) as captured:
            settle(made, len(names) - 1)
        counts.append(
            [q["sql"] for q in captured if "workflow_resultreport" in q["sql"] and "INSERT" in q["sql"]]
        )

    assert [len(found) for found in counts] == [1, 1]


def test_rest_shows_the_report_and_that_it_arrived(application: Application, office: cards.Office) -> None:
    done = ended(application)
    refuse_mail(done)
    reader, address = client_of(office.approver), f"/api/v1/applications/{done.number}/"

    assert reader.get(address).json()["report"]["reached_at"] is None
    told = reader.post(
        f"{address}told/",
        {"note": "電話で"},
        content_type="application/json",
        headers={"If-Match": f'"{done.version}"'},
    )

    assert told.status_code == 200, told.content
    assert told.json()["report"]["reached_how"] == "TOLD"
    report = reader.get(f"{address}report/").json()
    assert report["content"]["lines"][0]["operations"][0]["evidence"]["object_guid"] == "0f3c"
    assert report["reached_by"] == office.approver.display_name
    assert reader.get("/api/v1/reports/").json()["results"] == []
    assert client_of(factories.applicant("27")).get(f"{address}report/").status_code == 404


def test_req_12_a_moment_that_a_handler_recorded_is_read_as_the_clock_on_the_wall() -> None:
    evidence = {"acknowledged_at": "2026-11-28T23:06:23.456867+00:00", "reference": "2026-11-28T23"}

    assert [text for _label, text in facts.facts(evidence)] == ["2026-11-29 08:06", "2026-11-28T23"]
