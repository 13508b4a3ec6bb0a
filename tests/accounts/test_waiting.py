"""The home page says what else waits for a person: dormant accounts, findings, initial passwords; notices lead there."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from accounts.delivery.models import InitialPassword
from accounts.reconciliation.models import Finding, ReconciliationRun
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from tests import factories
from tests.roles import client_for

pytestmark = pytest.mark.django_db


def test_each_person_sees_what_only_they_can_do() -> None:  # ORG-02
    month = factories.dormant_line().review.run
    factories.dormant_line(code="27")
    account = factories.directory_account()
    run = ReconciliationRun.objects.create(asked_at=timezone.now(), status="DONE")
    Finding.system.create(
        organisation=account.organisation,
        account=account,
        object_guid=account.object_guid,
        kind="MISSING",
        digest="0" * 64,
        first_seen_at=timezone.now(),
        last_seen_at=timezone.now(),
        first_run=run,
        last_run=run,
    )
    applicant, auditor = client_for(Role.APPLICANT), client_for(Role.AUDITOR)
    operator = client_for(Role.OPERATOR, code="operations")

    own, none, all_findings = (
        {card.url: card.count for card in client.get("/").context["waiting"]}
        for client in (applicant, auditor, operator)
    )

    assert own == {f"/dormant/{month.period:%Y-%m}/13/?answer=open": 1}
    assert none == {}
    assert all_findings == {"/findings/": 1}
    assert applicant.get(next(iter(own))).status_code == 200


def test_a_code_that_waits_for_its_recipient_is_on_the_home_page() -> None:  # ACC-09
    client = client_for(Role.USER, email="jutaku@example.jp")
    recipient = factories.recipient(email="Jutaku@example.jp")
    operation = factories.operation(factories.line())
    InitialPassword.system.create(
        operation=operation,
        organisation=operation.organisation,
        account_guid=uuid.uuid4(),
        login_name="tk1",
        recipient=recipient,
        mode="PICKUP",
        made_at=timezone.now(),
    )

    [card] = client.get("/").context["waiting"]

    assert (card.count, card.url) == (1, "/initial-passwords/")


def test_notices_about_no_application_lead_to_their_room() -> None:
    client = client_for(Role.APPLICANT)
    now = timezone.now()
    for template, context in (
        ("dormant_list", {"month_on": "2026-11-01", "review": 1}),
        ("dormant_reminder", {}),  # of an older version
        ("reconciliation_own", {"count": 1}),
        ("password_changed", {}),
    ):
        Notice.system.create(
            template=template,
            context=context,
            to_user=client.user,
            to_address="a@example.jp",
            organisation=client.user.organisation,
            created_at=now,
            not_before=now - dt.timedelta(days=1),
        )

    assert [notice.url for notice in Notice.system.order_by("pk")] == [
        "/dormant/2026-11/",
        "",
        "/findings/",
        "",
    ]
    assert 'href="/dormant/2026-11/"' in client.get("/notices/").content.decode()
