"""Each step seals first, and none is done while nothing is sealed (SEC-02)."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from audit.reports import many
from audit.reports.errors import NotAllowed, Refused
from audit.reports.models import AuditReport
from portal.trail.models import Checkpoint, Leaf
from portal.trail.notes import verifier_of
from tests.audit.reports import world
from tests.audit.reports.steps import People, do
from tests.evidence import RunningSigner

pytestmark = pytest.mark.django_db(transaction=True)


def test_sec_02_each_step_seals_what_was_written_before_it(signer: RunningSigner) -> None:
    report, people, now = world.report(world.cycle()), People(), timezone.now()
    world.run(report.cycle)

    do("create", report, people.operator, now)
    first = Checkpoint.objects.order_by("size")[0]
    do("central_confirm", report, people.confirmer, now + dt.timedelta(seconds=1))

    last = Checkpoint.objects.order_by("-size")[0]
    assert last.size > first.size
    event = report.events.get(verb="created")
    assert Leaf.objects.filter(source="audit.report_event", row_key=event.pk, number__lt=last.size).exists()


def test_sec_02_no_step_while_the_seal_is_stale(signer: RunningSigner, settings: object) -> None:
    report, people, now = world.report(world.cycle()), People(), timezone.now()
    walk_now(report, people, now)
    settings.EVIDENCE = signer.settings | {"socket": "/nonexistent"}  # type: ignore[attr-defined]

    do("central_confirm", report, people.confirmer, now + dt.timedelta(minutes=10))  # sealed ten minutes ago
    late = now + dt.timedelta(minutes=16)
    with pytest.raises(Refused, match="15分間封印されていない"):
        do("provide", report, people.confirmer, late)
    (told,) = many.take("provide", [report], {report.pk: report.version}, actor=people.confirmer, now=late)
    assert "15分間封印されていない" in told.why_not

    report.refresh_from_db()
    assert report.status == "CENTRAL_CONFIRMED"
    settings.EVIDENCE = signer.settings  # type: ignore[attr-defined]
    do("provide", report, people.confirmer, late)
    assert report.status == "PROVIDED"


def test_sec_02_whoever_may_not_do_the_step_hears_that_and_nothing_of_the_seal(
    signer: RunningSigner, settings: object
) -> None:
    settings.EVIDENCE = signer.settings | {"socket": "/nonexistent"}  # type: ignore[attr-defined]
    report, people, now = world.report(world.cycle()), People(), timezone.now()
    world.run(report.cycle)

    with pytest.raises(NotAllowed):
        do("create", report, people.confirmer, now)
    with pytest.raises(Refused, match="封印されていない"):
        do("create", report, people.operator, now)


def test_sec_02_a_seal_with_a_key_that_nobody_knows_hinders_the_step_in_words_and_breaks_no_page(
    signer: RunningSigner, settings: object
) -> None:
    other = str(verifier_of("another", Ed25519PrivateKey.generate()))
    settings.EVIDENCE = signer.settings | {"public_keys": [other]}  # type: ignore[attr-defined]
    report, people, now = world.report(world.cycle()), People(), timezone.now()
    world.run(report.cycle)

    with pytest.raises(Refused, match="封印されていない"):
        do("create", report, people.operator, now)


def walk_now(report: AuditReport, people: People, now: dt.datetime) -> None:
    world.run(report.cycle)
    do("create", report, people.operator, now)
