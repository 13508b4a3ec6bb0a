"""Sensitive pages: a reason before an export, masked values on request with a logged reason (docs/adr/0041)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import reverse

from portal.orgs.permissions import Role
from portal.trail import sensitive
from portal.trail.models import TrailEntry
from tests import factories
from tests.roles import client_for

pytestmark = pytest.mark.django_db
WHY = {"purpose": "INCIDENT", "text": "9月の問い合わせの調査"}


def entries(action: str) -> list[TrailEntry]:
    return list(TrailEntry.objects.filter(action=action))


def test_an_export_asks_for_its_reason_and_gives_no_data_without_one() -> None:
    client = client_for(Role.AUDITOR)

    for answer in (client.get(reverse("trail_export")), client.post(reverse("trail_export"), {"text": "  "})):
        assert answer.headers["Content-Type"].startswith("text/html")

    assert answer.status_code == 422
    assert [problem.target for problem in answer.context["problems"]] == ["id_purpose", "id_text"]
    assert entries("trail.export") == []


def test_the_reason_is_recorded_with_the_export_and_its_filters() -> None:
    client = client_for(Role.AUDITOR)

    answer = client.post(f"{reverse('trail_export')}?action=login", WHY)

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert entries("trail.export")[0].detail["reason"] == WHY
    assert entries("trail.export")[0].detail["filters"] == {"action": "login"}


def test_whoever_may_not_export_is_not_even_asked() -> None:
    client = client_for(Role.APPLICANT)

    assert client.get(reverse("trail_export")).status_code == 403
    assert client.post(reverse("trail_export"), WHY).status_code == 403


def shown(method: str, data: dict[str, str] | None = None) -> Any:
    request: Any = getattr(RequestFactory(), method)("/ledger/7/", data)
    request.user, request.session = factories.user(Role.AUDITOR), {}
    subject = sensitive.Subject(object_type="ledger", object_id=7, label="R-7")
    return sensitive.reveal(
        request,
        action="ledger.reveal",
        title="氏名",
        back="/ledger/",
        subject=subject,
        value=lambda: "髙橋 﨑子",
    )


def test_a_masked_value_is_shown_after_a_reason_that_is_on_record() -> None:
    assert "髙橋" not in shown("get").content.decode()
    assert shown("post", {"purpose": "CHECK"}).status_code == 422
    assert entries("ledger.reveal") == []

    answer = shown("post", WHY)

    assert "髙橋 﨑子" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert [(entry.object_label, entry.detail["reason"]) for entry in entries("ledger.reveal")] == [
        ("R-7", WHY)
    ]


@pytest.mark.parametrize(
    ("value", "shown", "expected"),
    [("", 0, ""), ("髙橋", 0, "••••••"), ("123456789012", 4, "••••••9012"), ("1234", 4, "••••••4")],
)
def test_masking_never_shows_more_than_a_third(value: str, shown: int, expected: str) -> None:
    assert sensitive.masked(value, shown=shown) == expected
