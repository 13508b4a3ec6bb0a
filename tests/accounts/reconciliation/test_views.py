"""The screens and the list over REST: what each person sees, and what a click does."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import Finding, ReconciliationRun
from accounts.reconciliation.models import FindingState
from portal.gateways.directory import DirectoryUnavailable
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.accounts.reconciliation.conftest import Land
from tests.api.client import Api
from tests.roles import client_for


@pytest.fixture
def changed(land: Land) -> Finding:
    """Somebody wrote another department by hand."""
    land.by_hand(land.account("tk1"), department="会計課")
    land.full()
    return Finding.system.get()


def test_a_federation_sees_its_own_findings_and_no_others(land: Land) -> None:
    for code in ("13", "27"):
        land.by_hand(land.account(f"tk{code}", code=code), department="会計課")
    land.full()
    own, operator = client_for(Role.SECURITY_MANAGER), client_for(Role.OPERATOR, code="operations")
    other = Finding.system.get(login_name="tk27")

    pages = [client.get("/findings/").text for client in (own, operator)]
    exported = own.get("/findings/export/").getvalue().decode()

    assert ["tk13" in page for page in pages] == [True, True]
    assert ["tk27" in page for page in pages] == [False, True]
    assert "tk13" in exported
    assert "tk27" not in exported
    assert own.get(f"/findings/{other.pk}/").status_code == 404
    assert own.get("/findings/?organisation=27&state=ALL").text.count("tk27") == 0


def test_the_list_filters_by_kind_state_organisation_and_name(land: Land) -> None:
    land.by_hand(land.account("tk1"), department="会計課")
    land.by_hand(land.account("tk2", code="27"), enabled=False)
    land.stranger("tk3")
    land.full()
    Finding.system.filter(login_name="tk3").update(state=FindingState.GONE)
    client = client_for(Role.OPERATOR, code="operations")

    def shown(query: str) -> set[str]:
        page = client.get(f"/findings/?{query}").text
        return {name for name in ("tk1", "tk2", "tk3") if f">{name}<" in page}

    assert shown("") == {"tk1", "tk2"}
    assert shown("state=ALL") == {"tk1", "tk2", "tk3"}
    assert shown("state=GONE") == {"tk3"}
    assert shown("kind=DISABLED") == {"tk2"}
    assert shown("organisation=13") == {"tk1"}
    assert shown("q=TK2") == {"tk2"}
    assert shown("kind=nonsense&state=nonsense") == {"tk1", "tk2"}


def test_the_page_of_a_finding_shows_the_three_states_and_marks_what_differs(
    land: Land, changed: Finding
) -> None:
    page = client_for(Role.OPERATOR, code="operations").get(f"/findings/{changed.pk}/")

    row = next(part for part in page.text.split("<tr") if "department" in part)
    assert "data-differs" in row
    assert row.count("情報管理課") == 2
    assert "会計課" in row
    assert page.text.count("data-differs") == 1
    assert TrailEntry.objects.filter(action="finding.view", object_label="tk1").exists()


def test_the_page_of_a_missing_account_says_that_it_is_gone(land: Land) -> None:
    account = land.account("tk1")
    land.directory.delete(account.object_guid)
    land.full()
    [gone] = Finding.system.all()

    page = client_for(Role.OPERATOR, code="operations").get(f"/findings/{gone.pk}/")

    assert page.status_code == 200
    assert not page.context["comparison"].exists
    assert page.text.count("data-differs") == 0


def test_the_list_is_taken_along_in_the_persons_columns(land: Land, changed: Finding) -> None:
    client = client_for(Role.OPERATOR, code="operations")
    client.post("/columns/findings/", {"columns": ["kind", "differences", "number"]})

    text = client.get("/findings/export/?format=csv&kind=CHANGED").getvalue().decode("utf-8-sig")
    book = load_workbook(BytesIO(client.get("/findings/export/?format=xlsx").getvalue()))
    printed = client.get("/findings/print/").text

    header = ["ログイン名", "相違", "相違のある項目", "番号"]
    assert text.splitlines()[0].split(",") == header
    assert [cell.value for cell in book.active[1]] == header
    assert book.active["A2"].value == "tk1"
    assert "所属" in text.splitlines()[1]
    assert "tk1" in printed
    taken = TrailEntry.objects.filter(action__in=("finding.export", "finding.print"))
    assert [entry.detail.get("format") for entry in taken.order_by("pk")] == ["csv", "xlsx", None]


def test_the_page_says_when_ad_cannot_be_asked_or_was_changed_again(land: Land, changed: Finding) -> None:
    client = client_for(Role.OPERATOR, code="operations")
    assert changed.account is not None
    land.by_hand(changed.account, department="総務課")

    again = client.get(f"/findings/{changed.pk}/").text
    land.directory.faults["find_by_guid"] = [DirectoryUnavailable("down", code="down")]
    down = client.get(f"/findings/{changed.pk}/").text

    assert "総務課" in again
    assert "照合した後に" in again
    assert "会計課" in down


def test_a_federation_reads_and_does_not_answer(land: Land, changed: Finding) -> None:
    client = client_for(Role.SECURITY_MANAGER)

    page = client.get(f"/findings/{changed.pk}/").text
    refused = client.post(f"/findings/{changed.pk}/answer/", {"answer": "ACCEPT", "reason": "x"})

    assert f"/findings/{changed.pk}/answer/" not in page
    assert refused.status_code == 403


def test_two_operators_restore_an_account_on_the_screen(land: Land, changed: Finding) -> None:
    first, second = (client_for(Role.OPERATOR, code="operations") for _ in range(2))
    address = f"/findings/{changed.pk}/"
    given = {"answer": "RESTORE", "reason": "誤操作と確認", "digest": changed.digest}

    proposed = first.post(f"{address}answer/", given, follow=True)
    own = first.post(f"{address}confirm/", {"digest": changed.digest})
    confirmed = second.post(f"{address}confirm/", {"digest": changed.digest}, follow=True)

    assert f"{address}confirm/" not in proposed.text, "the first cannot confirm"
    assert own.status_code == 403
    assert confirmed.status_code == 200
    changed.refresh_from_db()
    assert changed.state == FindingState.RESTORING


def test_a_late_answer_gets_the_page_of_now(land: Land, changed: Finding) -> None:
    client = client_for(Role.OPERATOR, code="operations")
    given = {"answer": "ACCEPT", "reason": "確認済み", "digest": changed.digest}
    client.post(f"/findings/{changed.pk}/answer/", given)

    late = client.post(f"/findings/{changed.pk}/answer/", given)
    nothing_to_take_back = client.post(f"/findings/{changed.pk}/take-back/")

    assert (late.status_code, nothing_to_take_back.status_code) == (409, 409)


def test_an_answer_without_a_reason_keeps_what_was_chosen(land: Land, changed: Finding) -> None:
    client = client_for(Role.OPERATOR, code="operations")

    page = client.post(
        f"/findings/{changed.pk}/answer/", {"answer": "ACCEPT", "reason": "", "digest": changed.digest}
    )

    assert page.status_code == 422
    assert re.search(r'value="ACCEPT"[^>]* checked', page.text)


def test_an_answer_on_what_ad_does_not_hold_any_more_is_409(land: Land, changed: Finding) -> None:
    assert changed.account is not None
    land.by_hand(changed.account, department="総務課")

    page = client_for(Role.OPERATOR, code="operations").post(
        f"/findings/{changed.pk}/answer/", {"answer": "ACCEPT", "reason": "確認", "digest": changed.digest}
    )

    assert page.status_code == 409
    assert "総務課" in page.text


def test_a_run_is_started_and_its_progress_is_shown(land: Land) -> None:
    client = client_for(Role.OPERATOR, code="operations")

    client.post("/reconciliation/start/", {"organisation": "13"})
    run = ReconciliationRun.objects.get()
    waiting = client.get("/reconciliation/").text
    run.status, run.expected_count, run.read_count = "RUNNING", 200, 50
    run.started_at = run.heartbeat_at = timezone.now()
    run.save()
    part = client.get("/reconciliation/", headers={"HX-Request": "true"}).text

    assert run.organisation is not None
    assert run.organisation.code == "13"
    assert "every 2s" in waiting
    assert 'value="25"' in part
    assert "<html" not in part


def test_a_run_for_an_organisation_that_does_not_exist_is_not_started(land: Land) -> None:
    operator = client_for(Role.OPERATOR, code="operations")
    response = operator.post("/reconciliation/start/", {"organisation": "99"})

    assert response.status_code in (302, 404)
    assert not ReconciliationRun.objects.exists()


@pytest.mark.parametrize("address", ["/findings/", "/api/v1/findings/", "/reconciliation/"])
def test_a_list_costs_the_same_at_1_and_at_30_rows(land: Land, address: str) -> None:
    def statements() -> int:
        client = client_for(Role.OPERATOR, code="operations")
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    land.by_hand(land.account("a0"), department="会計課")
    land.full()
    one = statements()
    for n in range(1, 30):
        land.by_hand(land.account(f"a{n}"), department="会計課")
        land.full()

    assert statements() == one


def test_findings_over_rest_are_scoped_and_strict(land: Land) -> None:
    for code in ("13", "27"):
        land.by_hand(land.account(f"tk{code}", code=code), department="会計課")
    land.full()
    api = Api(factories.user(Role.SECURITY_MANAGER))

    rows = api.get("findings/")["results"]

    assert [(row["login_name"], row["kind"], row["state"]) for row in rows] == [("tk13", "CHANGED", "OPEN")]
    assert rows[0]["differences"] == [{"field": "department", "written": "情報管理課", "found": "会計課"}]
    assert api.get("findings/?kind=NONSENSE", check=400)
    assert api.get("findings/?state=GONE")["results"] == []
