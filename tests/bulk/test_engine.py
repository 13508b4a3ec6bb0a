"""Many lines cost the statements and the questions of one (ACC-13)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.kinds import CHANGE, DELETE, PASSWORD_RESET, REGISTER, RESTORE
from portal.fulfilment.models import OperationEvent
from portal.gateways.directory import DirectoryUnavailable
from portal.workflow import kinds, services
from portal.workflow.content import check_lines
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine
from tests import factories, journeys
from tests.fakes import FakeDirectory, deleted_ou, users_ou

pytestmark = pytest.mark.django_db

MANY = 300


@pytest.fixture
def cast() -> journeys.Cast:
    return journeys.Cast()


def lines(cast: journeys.Cast, count: int) -> list[dict[str, Any]]:
    recipients = [cast.recipient, *(factories.recipient() for _ in range(min(count, 5) - 1))]
    return [journeys.registration_line(recipients[n % len(recipients)]) for n in range(count)]


def resets(cast: journeys.Cast, directory: FakeDirectory, count: int) -> list[dict[str, Any]]:
    """Accounts of the register, of the portal's people and of AD alone, a third each."""
    made = []
    for number in range(count):
        account = journeys.registration_line(cast.recipient)["login_name"]
        entry = directory.add(account, container_dn=users_ou("13"))
        if number % 3 == 1:
            factories.directory_account(login_name=account.upper(), object_guid=entry.guid)
        if number % 3 == 2:
            factories.user(login_name=account, directory_guid=entry.guid)
        made.append({"login_name": account, "recipient_id": cast.recipient.pk})
    return made


def check(cast: journeys.Cast, code: str, rows: list[dict[str, Any]]) -> int:
    """Check and plan the rows; the number of statements."""
    context = LineContext(
        organisation=factories.organisation("13"),
        actor=cast.applicant,
        application=None,
        today=timezone.localdate(),
    )
    with CaptureQueriesContext(
        connection,
    ) as captured:
        checked, errors = check_lines(kinds.get(code), context, rows)
    assert errors == {}
    assert all(line is not None and line.plan.changes and not line.plan.unavailable for line in checked)
    return len(captured)


def test_registrations_cost_the_same_whatever_their_number(
    directory: FakeDirectory, cast: journeys.Cast
) -> None:
    one = check(cast, REGISTER, lines(cast, 1))
    asked_for_one, directory.calls = Counter(directory.calls), []

    many = check(cast, REGISTER, lines(cast, MANY))

    assert (one, Counter(directory.calls)) == (many, asked_for_one)
    assert asked_for_one.total() == 4, asked_for_one


def test_resets_cost_the_same_whatever_their_number(directory: FakeDirectory, cast: journeys.Cast) -> None:
    few = check(cast, PASSWORD_RESET, resets(cast, directory, 3))
    directory.calls = []

    many = check(cast, PASSWORD_RESET, resets(cast, directory, MANY))

    assert few == many
    assert Counter(directory.calls) == {"find_by_login_names": 1, "find_by_guids": 1, "group_addresses": 1}


def existing(cast: journeys.Cast, directory: FakeDirectory, count: int, **values: Any) -> list[str]:
    names = []
    for _number in range(count):
        name = journeys.registration_line(cast.recipient)["login_name"]
        deleted = bool(values)
        place = deleted_ou("13") if deleted else users_ou("13")
        entry = directory.add(name, container_dn=place, enabled=not deleted)
        factories.directory_account(
            login_name=name, object_guid=entry.guid, distinguished_name=entry.dn, **values
        )
        names.append(name)
    return names


@pytest.mark.parametrize("code", [CHANGE, DELETE, RESTORE])
def test_changes_deletions_and_restorations_cost_the_same_whatever_their_number(
    directory: FakeDirectory, cast: journeys.Cast, code: str
) -> None:
    state: dict[str, Any] = {}
    if code == RESTORE:
        state = {"state": "DELETED", "before_deletion": {"container": "Users", "groups": []}}
    changes = {
        "family_name": "佐藤",
        "given_name": "花子",
        "family_kana": "サトウ",
        "given_kana": "ハナコ",
        "department": "総務課",
        "container": "Users",
    }
    directory.containers += [users_ou("13"), deleted_ou("13")]

    def rows(count: int) -> list[dict[str, Any]]:
        names = existing(cast, directory, count, **state)
        return [{"login_name": name, **(changes if code == CHANGE else {})} for name in names]

    counts = []
    for count in (1, MANY):
        made = rows(count)
        directory.calls = []
        counts.append((check(cast, code, made), Counter(directory.calls)))

    assert counts[0] == counts[1]


def statements_of_the_whole_way(cast: journeys.Cast, count: int) -> list[int]:
    """Draft, change, submission and the last approval; the statements of each."""
    counts = []
    rows = lines(cast, count)
    with CaptureQueriesContext(connection) as captured:
        application = journeys.draft(cast, *rows)
    counts.append(len(captured))
    rows[0]["department"] = "総務課"
    content = journeys.Content(reason="変更", lines=tuple(rows))
    with CaptureQueriesContext(connection) as captured:
        services.save_draft(
            application_id=application.pk,
            actor=cast.applicant,
            content=content,
            version=None,
            now=timezone.now(),
        )
    counts.append(len(captured))
    with CaptureQueriesContext(connection) as captured:
        services.submit(application_id=application.pk, actor=cast.applicant, version=None, now=timezone.now())
    counts.append(len(captured))
    journeys.approve(application, cast.approver)
    with CaptureQueriesContext(connection) as captured:
        journeys.approve(application, cast.operator)
    counts.append(len(captured))
    operations = journeys.operations(application)
    assert len(operations) == count
    assert OperationEvent.system.filter(operation__in=operations).count() == count
    return counts


def test_the_whole_way_to_the_queue_costs_the_same_whatever_the_number(
    directory: FakeDirectory, cast: journeys.Cast
) -> None:
    one = statements_of_the_whole_way(cast, 1)

    many = statements_of_the_whole_way(cast, MANY)

    assert one == many


def test_what_is_wrong_is_found_in_its_line_among_many(directory: FakeDirectory, cast: journeys.Cast) -> None:
    rows = lines(cast, 30)
    directory.add(rows[3]["login_name"].upper(), container_dn=users_ou("27"))
    factories.directory_account("27", login_name=rows[7]["login_name"].title())
    held = journeys.submitted(cast)
    rows[11]["login_name"] = held.lines.get().payload["login_name"]
    rows[13]["login_name"] = rows[12]["login_name"]
    rows[17]["recipient_id"] = factories.recipient("27").pk
    mailing_list = factories.recipient()
    directory.group_mails.add(mailing_list.email)
    rows[19]["recipient_id"] = mailing_list.pk
    application = journeys.draft(cast, *rows)

    with pytest.raises(InvalidApplication) as caught:
        services.submit(application_id=application.pk, actor=cast.applicant, version=None, now=timezone.now())

    assert set(caught.value.errors) == {
        "lines.3.login_name",
        "lines.7.login_name",
        "lines.11.login_name",
        "lines.13.login_name",
        "lines.17.recipient_id",
        "lines.19.recipient_id",
    }
    assert held.number in caught.value.errors["lines.11.login_name"][0]


def test_all_names_that_others_took_in_the_meantime_are_told_at_once(  # ACC-06
    directory: FakeDirectory, cast: journeys.Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = lines(cast, 5)
    application = journeys.draft(cast, *rows)

    def somebody_is_faster(context: Any, payload: Any) -> Any:
        for row in (rows[1], rows[4]):
            name = row["login_name"]
            if not ApplicationLine.system.filter(reservation_key=f"login:{name}").exists():
                factories.line(row, is_open=True, reservation_key=f"login:{name}")
        return {}

    kind = kinds.get(REGISTER)
    object.__setattr__(kind, "check", somebody_is_faster)
    try:
        with pytest.raises(InvalidApplication) as caught:
            services.submit(
                application_id=application.pk, actor=cast.applicant, version=None, now=timezone.now()
            )
    finally:
        from accounts import checks

        object.__setattr__(kind, "check", checks.check_register)

    assert set(caught.value.errors) == {"lines.1.login_name", "lines.4.login_name"}


def test_a_directory_that_is_down_is_asked_once_for_a_thousand_lines(  # ACC-12
    directory: FakeDirectory, cast: journeys.Cast
) -> None:
    directory.faults["login_names_in_use"] = [DirectoryUnavailable(code="down")]
    context = LineContext(
        organisation=factories.organisation("13"),
        actor=cast.applicant,
        application=None,
        today=timezone.localdate(),
    )

    checked, errors = check_lines(kinds.get(REGISTER), context, lines(cast, 1000))

    assert errors == {}
    assert all(line is not None and line.plan.unavailable for line in checked)
    assert directory.calls == ["login_names_in_use"]


def test_a_screen_takes_fewer_lines_than_a_file(directory: FakeDirectory, cast: journeys.Cast) -> None:
    kind = kinds.get(REGISTER)

    assert (kind.max_lines, kind.max_bulk_lines) == (50, 2000)
    with pytest.raises(InvalidApplication, match=r"2,?000"):
        journeys.draft(cast, *[{"department": "x"}] * 2001)


def test_one_form_for_all_rows_keeps_nothing_of_the_row_before(
    directory: FakeDirectory, cast: journeys.Cast
) -> None:
    good, bad = journeys.registration_line(cast.recipient), {"family_name": "鈴木", "family_kana": "suzuki"}
    context = LineContext(
        organisation=factories.organisation("13"), actor=None, application=None, today=timezone.localdate()
    )
    form_class = kinds.get(REGISTER).form_class

    one = form_class(context=context)  # type: ignore[call-arg]
    twins = [one.with_data(data) for data in (bad, good, {}, good)]  # type: ignore[attr-defined]
    fresh = [form_class(data=data, context=context) for data in (bad, good, {}, good)]  # type: ignore[call-arg]

    assert [twin.errors for twin in twins] == [form.errors for form in fresh]
    assert [twin.is_valid() for twin in twins] == [False, True, False, True]
    assert twins[1].to_payload() == fresh[1].to_payload()
    assert [twin["family_kana"].value() for twin in twins[:2]] == ["suzuki", "スズキ"]
