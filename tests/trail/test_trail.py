"""The trail: complete, unchangeable, and read within one's own organisations (SEC-02, SEC-03)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail import services
from portal.trail.models import TrailEntry
from portal.trail.origin import Origin, coming_from
from tests import factories
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
WHY = {"purpose": "CHECK", "text": "月次の点検のため"}


def record(actor: User | None, code: str | None, **values: Any) -> TrailEntry:
    organisation = factories.organisation(code) if code else None
    values = {"action": "application.view", "now": timezone.now(), "object_label": "A-2026-000001"} | values
    return services.record(actor=actor, object_organisation=organisation, **values)


def shown(client: Any, **query: str) -> set[int]:
    rows = client.get(reverse("trail_list"), query).context["page"].rows
    return {entry.pk for entry in rows if entry.action != "trail.view"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trail_trailentry SET actor_name = 'nobody'",
        "DELETE FROM trail_trailentry",
    ],
)
def test_database_refuses_to_change_or_remove_entries(statement: str) -> None:
    record(factories.approver(), "13")

    with (
        pytest.raises(DatabaseError, match="insert-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_database_refuses_to_empty_the_trail() -> None:
    with (
        pytest.raises(DatabaseError, match="insert-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("TRUNCATE trail_trailentry CASCADE")


def test_entry_takes_address_and_number_from_the_request_at_hand() -> None:
    with coming_from(Origin(ip="192.0.2.7", error_number="ABCD-2345")):
        entry = record(None, "13")

    assert (entry.ip, entry.error_number) == ("192.0.2.7", "ABCD-2345")
    assert record(None, "13").ip is None


def test_reader_sees_the_own_federation_and_the_logins_of_its_people_only() -> None:
    own, other = factories.applicant("13"), factories.applicant("27")
    mine = record(own, "13")
    of_operations = record(factories.operator(), "13")
    login = record(own, None, action="login")
    record(own, "27")
    record(other, "27")
    record(other, None, action="login")
    record(None, None)

    assert shown(client_for(Role.AUDITOR)) == {mine.pk, of_operations.pk, login.pk}


def test_aud_04_internal_actions_of_others_are_told_to_nobody_but_their_own_and_those_who_see_everything() -> (
    None
):
    central, colleague = factories.user(Role.AUDIT_REVIEWER, code="central"), factories.applicant("13")
    detail = {"side": "CENTRAL", "code": "OVERRUN"}
    hidden = [
        record(central, "13", action="mismatch.reason", detail=detail, object_label="2026-09 r2"),
        record(factories.operator(), "13", action="audit_report.created", object_label="2026-09 r2"),
        record(factories.operator(), "13", action="enquiry.note"),
        record(None, "13", action="audit_report.superseded"),
        record(central, "13", action="some.action_that_nobody_named"),
    ]
    own = record(colleague, "13", action="mismatch.reason", detail={"side": "FEDERATION"})
    told = record(central, "13", action="audit_report.provided", object_label="2026-09 r1")
    reader = client_for(Role.AUDITOR)

    assert shown(reader) == {own.pk, told.pk}
    assert shown(reader, action="mismatch.reason") == {own.pk}
    assert shown(reader, subject="r2") == set()
    file = b"".join(reader.post(reverse("trail_export"), WHY)).decode("utf-8-sig")  # type: ignore[arg-type]
    assert "FEDERATION" in file
    assert "CENTRAL" not in file
    assert "2026-09 r2" not in file
    for entry in hidden:
        proof = reader.get(reverse("evidence"), {"source": "trail.entry", "key": entry.pk}).context["leaf"]
        assert proof is None
    assert shown(client_for(Role.AUDITOR, code="central")) >= {entry.pk for entry in hidden}


def test_role_in_another_organisation_does_not_widen_the_view() -> None:
    reader = factories.user(Role.AUDITOR)
    factories.membership(reader, Role.APPLICANT, code="27")
    hidden, seen = record(None, "27"), record(None, "13")

    assert shown(client_of(reader)) == {seen.pk}
    assert hidden.pk not in shown(client_of(reader))


def test_operations_and_central_auditors_see_everything() -> None:
    every = {record(None, "13").pk, record(None, "27").pk, record(None, None).pk}

    assert shown(client_for(Role.OPERATOR, code="operations")) >= every
    assert shown(client_for(Role.AUDITOR, code="central")) >= every


@pytest.mark.parametrize("role", [Role.USER, Role.APPLICANT, Role.APPROVER, Role.SECURITY_OFFICER])
def test_others_do_not_read_the_trail(role: str) -> None:
    client = client_for(role)

    assert client.get(reverse("trail_list")).status_code == 403
    assert client.get(reverse("trail_export")).status_code == 403


def test_filters_narrow_by_action_person_subject_and_day() -> None:
    client, now = client_for(Role.AUDITOR), timezone.now()
    wanted = record(
        factories.applicant(display_name="髙橋 﨑子"), "13", action="account.view", object_label="tk0412"
    )
    old = record(None, "13", now=now - dt.timedelta(days=40))
    day = str(timezone.localdate())

    assert shown(client, action="account.view") == {wanted.pk}
    assert shown(client, person="髙橋") == {wanted.pk}
    assert shown(client, subject="0412") == {wanted.pk}
    assert shown(client, since=day) == {wanted.pk}
    assert old.pk in shown(client, until=str(timezone.localdate() - dt.timedelta(days=30)))


@pytest.mark.parametrize(
    "query",
    [{"since": "someday"}, {"action": "x"}, {"cursor": "zzz"}, {"person": "x" * 500}]
    + [{name: day} for name in ("since", "until") for day in ("0001-01-01", "9999-12-31")],
)
def test_strange_filters_are_answered_without_an_error(query: dict[str, str]) -> None:
    assert client_for(Role.AUDITOR).get(reverse("trail_list"), query).status_code == 200


def test_reading_and_exporting_the_trail_is_recorded() -> None:
    client = client_for(Role.AUDITOR)

    client.get(reverse("trail_list"))
    client.post(reverse("trail_export"), WHY)

    actions = TrailEntry.objects.filter(actor=client.user).order_by("id").values_list("action", flat=True)  # type: ignore[attr-defined]
    assert list(actions) == ["trail.view", "trail.export"]


def test_exported_cells_are_no_formulas() -> None:
    client = client_for(Role.AUDITOR)
    record(None, "13", object_label="=cmd|' /C calc'!A0")

    body = b"".join(client.post(reverse("trail_export"), WHY)).decode("utf-8-sig")  # type: ignore[arg-type]

    assert "'=cmd" in body
    assert ",=cmd" not in body


def test_page_costs_the_same_for_thirty_entries_as_for_one(django_assert_max_num_queries: Any) -> None:
    client = client_for(Role.AUDITOR)
    actor = factories.applicant()

    def statements() -> int:
        with django_assert_max_num_queries(40) as captured:
            client.get(reverse("trail_list"))
        return len(captured)

    record(actor, "13")
    statements()
    few = statements()
    for _n in range(30):
        record(factories.applicant(), "13")
    assert statements() == few
