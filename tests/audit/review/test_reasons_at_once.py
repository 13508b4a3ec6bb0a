"""Two people at one report at the same moment: nothing is lost, nothing comes after the end of the step (AUD-03)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from audit.reconciliation import reasons, selectors
from audit.reconciliation.models import Incident, MismatchReason, Side
from audit.reports.models import AuditReport
from requests.enquiries.errors import ChangedMeanwhile
from tests.audit.review.test_reasons import NOW, made, reviewer
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_aud_03_reasons_that_two_people_give_at_once_are_both_kept_and_one_incident_is_opened() -> None:
    report, sessions = made()
    people = [reviewer() for _n in range(4)]

    def speak(person: Any) -> Any:
        return lambda: reasons.give_reason(
            report_id=report.pk,
            mismatches=sessions,
            side=Side.CENTRAL,
            code="MISUSE",
            text=person.login_name,
            actor=person,
            now=NOW,
        )

    at_once(*map(speak, people))

    assert MismatchReason.system.count() == 8
    assert Incident.system.count() == 1
    last = MismatchReason.system.order_by("-id").first()
    rows = selectors.with_reasons(selectors.sessions(people[0], report, "DATABASE"))
    assert {row.central_reason.text for row in rows} == {last.text if last else ""}  # type: ignore[attr-defined]


def test_aud_03_a_reason_comes_before_the_end_of_the_step_or_not_at_all() -> None:
    report, sessions = made()
    person = reviewer()

    def end() -> str:
        with transaction.atomic():
            found = AuditReport.system.select_for_update().get(pk=report.pk)
            before = MismatchReason.system.count()
            found.status = "CENTRAL_CONFIRMED"
            found.save()
        return f"{before}"

    def speak() -> Any:
        return reasons.give_reason(
            report_id=report.pk,
            mismatches=sessions,
            side=Side.CENTRAL,
            code="OTHER",
            text="x",
            actor=person,
            now=NOW,
        )

    seen, given = at_once(end, speak, refusals=(ChangedMeanwhile,))

    refused = isinstance(given, ChangedMeanwhile)
    assert seen == ("0" if refused else "2")
    assert MismatchReason.system.count() == (0 if refused else 2)
