"""Open tickets on one name, account or PC know of each other: told or refused as the kind says, and never whose (ORG-02)."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.workflow import content, kinds, selectors, services, upkeep
from portal.workflow.errors import InvalidApplication, WorkflowError
from portal.workflow.models import Application, ApplicationLine
from portal.workflow.plans import WARNING
from portal.workflow.subjects import Subject
from tests import threads
from tests.workflow import cards

pytestmark = pytest.mark.django_db(transaction=True)


def name_subjects(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    """The colour of a card stands for the thing that it is about; it reserves nothing."""

    def subjects(card: cards.Card) -> list[Subject]:
        return (
            [Subject(space="pc", key=card.colour, label=card.colour.upper(), **values)] if card.colour else []
        )

    monkeypatch.setitem(kinds._kinds, cards.CODE, dataclasses.replace(cards.KIND, subjects=subjects))


def draft(office: cards.Office, name: str, *colours: str) -> Application:
    lines = tuple({"name": f"{name}{n}", "colour": colour} for n, colour in enumerate(colours))
    return services.create_draft(
        kind=cards.CODE,
        organisation_id=office.applicant.organisation_id,
        actor=office.applicant,
        content=content.Content(reason="着任のため", lines=lines),
        now=timezone.now(),
    )


def told(application: Application, office: cards.Office) -> list[tuple[str, str, dict[str, str]]]:
    """What the confirmation says beside the kind's own check."""
    lines = [line.payload for line in application.lines.all()]
    checked = content.check_for_submission(
        kinds.get(cards.CODE), application, lines, actor=office.applicant, today=timezone.localdate()
    )
    return [(c.code, c.level, c.values) for line in checked for c in line.plan.checks if c.code != "free"]


def test_an_open_ticket_of_the_own_federation_is_told_with_its_number(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_subjects(monkeypatch)
    first = cards.submit(draft(office, "a", "pc13-1"))
    second = draft(office, "b", "PC13-1", "pc13-2")

    values = {"name": "PC13-1", "numbers": first.number}
    assert told(second, office) == [("open_ticket", WARNING, values)]
    submitted = cards.submit(second)
    frozen = submitted.lines.get(position=0).plan
    assert [check["values"] for check in frozen["checks"]][-1] == values
    view = selectors.decision_view(office.approver, Application.system.get(pk=first.pk), timezone.now())
    assert view.plans[0].checks[-1].values["numbers"] == second.number
    services.withdraw(application_id=first.pk, actor=office.applicant, comment="", now=timezone.now())
    assert told(draft(office, "c", "pc13-2"), office) == [
        ("open_ticket", WARNING, {"name": "PC13-2", "numbers": second.number})
    ]


@pytest.mark.parametrize("shared", [True, False])
def test_another_federations_ticket_is_told_only_where_it_is_shared_and_never_whose(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    name_subjects(monkeypatch, shared=shared)
    other = cards.Office("27")
    theirs = cards.submit(draft(other, "a", "pc-1"))

    found = told(draft(office, "b", "pc-1"), office)

    assert found == ([("open_ticket_elsewhere", WARNING, {"name": "PC-1"})] if shared else [])
    assert theirs.number not in str(found)
    assert other.applicant.organisation.name not in str(found)


def test_a_subject_that_refuses_is_refused_at_its_line_and_the_one_that_was_there_goes_on(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_subjects(monkeypatch, refuses=True)
    first = cards.submit(draft(office, "a", "pc-1"))
    second = draft(office, "b", "pc-2", "pc-1")

    with pytest.raises(InvalidApplication) as refused:
        cards.submit(second)

    assert list(refused.value.errors) == ["lines.1"]
    assert first.number in refused.value.errors["lines.1"][0]
    assert cards.approve(first, office.approver).status == "IN_REVIEW"


def test_of_two_submissions_at_once_on_one_subject_one_is_refused_under_the_lock(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_subjects(monkeypatch, refuses=True)
    drafts = [draft(office, "a", "pc-1", "pc-2"), draft(cards.Office("27"), "b", "pc-2", "pc-1")]
    checks = content.check_lines

    both_looked = threading.Barrier(2)

    def looked(*args: Any, **kwargs: Any) -> Any:
        found = checks(*args, **kwargs)
        both_looked.wait(10)  # neither has seen the other
        return found

    monkeypatch.setattr(content, "check_lines", looked)
    results = threads.at_once(*(lambda d=d: cards.submit(d) for d in drafts), refusals=(WorkflowError,))

    assert sorted(type(result).__name__ for result in results) == ["Application", "InvalidApplication"]
    assert ApplicationLine.system.filter(is_open=True).count() == 2


def test_subjects_cost_one_statement_for_one_line_and_for_five(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_subjects(monkeypatch)
    counts = []
    for colours in (("a",), ("b", "c", "d", "e", "f")):
        made = draft(office, colours[0], *colours)
        with CaptureQueriesContext(connection) as captured:
            cards.submit(made)
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_what_was_open_before_the_upgrade_is_named_by_the_command(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cards.submit(draft(office, "a", "pc-1"))
    name_subjects(monkeypatch)
    assert told(draft(office, "b", "pc-1"), office) == []

    upkeep.name_open_subjects()

    assert told(draft(office, "c", "pc-1"), office)[0][2]["numbers"] == first.number
