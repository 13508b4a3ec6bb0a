"""Nobody sees another federation (ORG-02): a query without a scope does not run, and no reading code goes around it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from portal.orgs.models import Membership, PasswordRecipient
from portal.orgs.permissions import Role
from portal.orgs.scoping import ScopedModel, UnscopedQuery
from tests import factories

ROOT = Path(__file__).resolve().parents[2]
READING = re.compile(r"(^|/)(views\w*|\w*_views|api|forms|selectors|context)(\.py|/)")


@pytest.mark.parametrize(
    "ask",
    [
        list,
        len,
        bool,
        lambda rows: rows.count(),
        lambda rows: rows.exists(),
        lambda rows: rows.first(),
        lambda rows: rows.get(pk=1),
        lambda rows: rows.in_bulk(),
        lambda rows: list(rows.values("pk")),
        lambda rows: list(rows.iterator()),
        lambda rows: rows.update(name="x"),
        lambda rows: rows.delete(),
        lambda rows: rows.filter(pk=1)[:5][0],
    ],
)
@pytest.mark.django_db
def test_query_without_a_scope_does_not_run(ask: Any) -> None:
    with pytest.raises(UnscopedQuery):
        ask(PasswordRecipient.objects.all())


@pytest.mark.django_db
def test_scope_holds_in_filters_counts_and_limits() -> None:
    own, other = factories.recipient("13"), factories.recipient("27")
    rows = PasswordRecipient.objects.visible_to(factories.applicant("13"))

    assert list(rows) == [own]
    assert rows.count() == 1
    assert not rows.filter(pk=other.pk).exists()


@pytest.mark.django_db
def test_scope_follows_the_memberships_of_today() -> None:
    assert Membership.objects.visible_to(factories.user()).count() == 0
    assert factories.operator().scope.everything
    assert factories.user(Role.AUDITOR, code="central").scope.everything
    assert not factories.user(Role.USER, code="maintenance").scope.everything
    person = factories.applicant("13")
    factories.membership(person, Role.APPLICANT, code="27")
    assert len(person.scope.organisation_ids) == 2


def test_every_scoped_model_names_its_organisation() -> None:
    scoped = [model for model in apps.get_models() if issubclass(model, ScopedModel)]

    assert len(scoped) >= 8
    for model in scoped:
        assert not model._meta.get_field("organisation").null, model


def test_views_forms_api_and_context_never_use_the_unscoped_manager() -> None:
    sources = [
        path
        for folder in ("portal", "accounts", "devices", "requests", "audit")
        for path in (ROOT / folder).rglob("*.py")
        if READING.search(str(path.relative_to(ROOT))) and path.name != "selectors.py"
    ]

    assert len(sources) > 8
    for path in sources:
        # The manager of a model, and not an attribute of this name.
        assert not re.search(r"\b[A-Z]\w*\.system\b|\.system\.", path.read_text()), path


@pytest.mark.django_db
def test_a_membership_is_valid_in_python_on_the_days_on_which_the_database_says_so() -> None:  # ORG-03
    today = timezone.localdate()
    days = [today + dt.timedelta(days=n) for n in (-1, 0, 1)]
    noon = timezone.now()
    midnight = timezone.make_aware(
        dt.datetime.combine(today, dt.time())
    )  # the first moment of today in Japan
    for begun in days:
        for over in (None, *days):
            for ended_at in (
                None,
                noon,
                midnight,
                midnight - dt.timedelta(seconds=1),
                noon + dt.timedelta(days=1),
            ):
                if over is None or over >= begun:
                    member = factories.user()
                    factories.membership(
                        member, Role.USER, valid_from=begun, valid_until=over, ended_at=ended_at
                    )
    rows = Membership.system.all()

    for day in days:
        assert {row.pk for row in rows if row.is_valid_on(day)} == {row.pk for row in rows.valid_on(day)}
