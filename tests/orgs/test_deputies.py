"""Deputies (代理承認): who names whom, for how long."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.orgs import deputies, errors
from portal.orgs.models import Deputy, User
from portal.orgs.permissions import Role
from tests import factories
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def name(actor: User, principal: User, stand_in: User, **values: Any) -> Deputy:
    today = timezone.localdate()
    values = {
        "role": Role.APPROVER,
        "valid_from": today,
        "valid_until": today + dt.timedelta(days=7),
        "now": timezone.now(),
    } | values
    return deputies.add_deputy(
        actor=actor,
        principal_id=principal.pk,
        deputy_id=stand_in.pk,
        organisation_id=principal.organisation_id,
        **values,
    )


def test_person_names_a_colleague_for_themself() -> None:
    away, colleague = factories.approver(), factories.applicant()

    made = name(away, away, colleague)

    assert made.role == Role.APPROVER
    assert made.changed_by == away


def test_manager_names_a_deputy_for_somebody_else_but_not_themself() -> None:
    manager, away, colleague = (
        factories.user(Role.SECURITY_MANAGER),
        factories.approver(),
        factories.applicant(),
    )

    assert name(manager, away, colleague).pk
    with pytest.raises(errors.NotAllowed):
        name(manager, away, manager)


def test_colleague_names_nobody_for_somebody_else() -> None:
    away, colleague = factories.approver(), factories.approver()

    with pytest.raises(errors.NotAllowed):
        name(colleague, away, colleague)


@pytest.mark.parametrize(
    ("first", "last", "field"), [(-1, 3, "valid_from"), (3, 1, "valid_until"), (0, 93, "valid_until")]
)
def test_period_lies_ahead_and_is_not_endless(first: int, last: int, field: str) -> None:
    away, today = factories.approver(), timezone.localdate()
    period = {"valid_from": today + dt.timedelta(days=first), "valid_until": today + dt.timedelta(days=last)}

    with pytest.raises(errors.Refused) as caught:
        name(away, away, factories.applicant(), **period)

    assert caught.value.field == field


def test_deputy_is_another_working_person_of_the_same_organisation() -> None:
    away = factories.approver()
    unfit = [
        away,
        factories.applicant(code="27"),
        factories.user(Role.AUDITOR),
        factories.applicant(is_active=False),
    ]

    for stand_in in unfit:
        with pytest.raises(errors.Refused) as caught:
            name(away, away, stand_in)
        assert caught.value.field == "deputy"


def test_only_a_held_deciding_role_can_be_deputised() -> None:
    away = factories.user(Role.APPROVER, Role.APPLICANT)

    for role in (Role.APPLICANT, Role.SECURITY_MANAGER):
        with pytest.raises(errors.Refused):
            name(away, away, factories.applicant(), role=role)


def test_same_deputy_twice_at_one_time_is_refused() -> None:
    away, colleague = factories.approver(), factories.applicant()
    name(away, away, colleague)

    with pytest.raises(errors.Refused):
        name(away, away, colleague)


def test_ended_deputy_counts_no_more_at_once() -> None:
    away, colleague = factories.approver(), factories.applicant()
    made, today = name(away, away, colleague), timezone.localdate()

    client_of(colleague).post(reverse("deputy_end", kwargs={"pk": made.pk}))

    assert not Deputy.system.valid_on(today).filter(pk=made.pk).exists()
    assert Deputy.system.filter(pk=made.pk).exists()


def test_stranger_ends_nothing() -> None:
    away, colleague = factories.approver(), factories.applicant()
    made = name(away, away, colleague)

    assert (
        client_of(factories.approver()).post(reverse("deputy_end", kwargs={"pk": made.pk})).status_code == 403
    )
    other = client_of(factories.approver(code="27"))
    assert other.post(reverse("deputy_end", kwargs={"pk": made.pk})).status_code == 404


def test_form_offers_only_oneself_and_colleagues() -> None:
    away, colleague, other = factories.approver(), factories.applicant(), factories.approver(code="27")
    url = reverse("deputy_add", kwargs={"code": "13"})
    today = timezone.localdate()
    data = {"principal": away.pk, "role": Role.APPROVER, "valid_from": str(today), "valid_until": str(today)}

    form = client_of(away).get(url).context["form"]

    assert list(form.fields["principal"].queryset) == [away]
    assert colleague in form.fields["deputy"].queryset
    assert client_of(away).post(url, data | {"deputy": other.pk}).status_code == 422
    assert client_of(away).post(url, data | {"deputy": colleague.pk}).status_code == 302
    assert client_of(colleague).get(url).status_code == 403
    assert client_of(away).get(reverse("deputy_list")).status_code == 200


def test_a_manager_is_led_only_to_organisations_where_somebody_decides() -> None:
    person = factories.user(Role.OPERATOR, code="operations")
    factories.user(Role.APPROVER, code="27")
    client = client_of(person)

    page = client.get(reverse("deputy_list")).content.decode()

    assert reverse("deputy_add", kwargs={"code": "27"}) in page
    assert reverse("deputy_add", kwargs={"code": "01"}) not in page
