"""Around the log: chunks, files, disposals and versions; mail, the page 証跡の検証, and what operations read (SEC-02)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from portal.notices import messages
from portal.notices import services as notices
from portal.notices.models import Notice, NoticeStatus
from portal.orgs.permissions import Role
from portal.trail import checkpoints, mailing, sealing, services, sources, verifying
from portal.trail.errors import SealNotFresh
from portal.trail.findings import Kind
from portal.trail.merkle import BLOCK
from portal.trail.models import Checkpoint, Leaf, TrailEntry
from portal.trail.sources import Decision, Going, Rows, register_source
from tests import factories
from tests.evidence import RunningSigner
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DECIDED: list[Decision] = []  # what the records of disposals say


def entry(**values: Any) -> TrailEntry:
    return services.record(action="login", now=NOW, actor=None, **values)


def sealed(source: str = "trail.entry") -> list[int]:
    return list(Leaf.objects.filter(source=source).order_by("number").values_list("row_key", flat=True))


@pytest.fixture
def chunked() -> Iterator[None]:
    """A register of chunks and their rows, as an import of logs has them, with disposals."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_chunk (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, file text);"
            "CREATE TABLE bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, chunk_id bigint, line text)"
        )
    register_source(
        name="bench.chunk",
        label="chunks",
        table="bench_chunk",
        columns="id file",
        rows=Rows(table="bench_row", chunk="chunk_id", columns=("id", "line")),
        check=lambda keys: [],
        going=Going(decided="trail.entry", read=lambda: iter(DECIDED)),
    )
    DECIDED.clear()
    with connection.cursor() as cursor:
        for file in ("a", "b"):
            cursor.execute("INSERT INTO bench_chunk (file) VALUES (%s) RETURNING id", [file])
            key = cursor.fetchone()[0]
            cursor.execute(
                "INSERT INTO bench_row (chunk_id, line) SELECT %s, 'line ' || n FROM generate_series(1, 50) n",
                [key],
            )
    yield
    sources._sources.pop("bench.chunk")


def changed_by(statement: str) -> list[tuple[str, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    return [(finding.kind, finding.key) for finding in verifying.verify(source="bench.chunk").findings]


@pytest.mark.usefixtures("chunked")
def test_a_chunk_of_rows_has_one_leaf_that_covers_each_of_them(signer: RunningSigner) -> None:
    sealing.seal(now=NOW)
    assert len(sealed("bench.chunk")) == 2
    assert verifying.verify(source="bench.chunk").fits

    assert changed_by("UPDATE bench_row SET line = 'other' WHERE id = 77") == [(Kind.CHANGED, 2)]
    assert changed_by("UPDATE bench_row SET line = 'line 27' WHERE id = 77") == []
    assert changed_by("DELETE FROM bench_row WHERE id = 3") == [(Kind.CHANGED, 1)]


@pytest.mark.usefixtures("chunked")
def test_what_was_disposed_of_is_counted_and_not_missed(signer: RunningSigner) -> None:
    sealing.seal(now=NOW)
    gone = "DELETE FROM bench_row WHERE chunk_id = 1; DELETE FROM bench_chunk WHERE id = 1"
    assert changed_by(gone) == [(Kind.DELETED, 1)]
    long_ago = NOW - dt.timedelta(days=1)

    DECIDED.append(Decision(number=1, at=long_ago, kept_until=long_ago, years=0, gone={1: b""}))
    assert changed_by("SELECT 1") == [(Kind.DELETED, 1)], "sealed after it was decided"
    DECIDED[0] = Decision(number=1, at=NOW, kept_until=NOW + dt.timedelta(days=1), years=0, gone={1: b""})
    assert changed_by("SELECT 1") == [(Kind.DELETED, 1)], "decided before it could be"
    DECIDED[0] = Decision(number=1, at=NOW, kept_until=NOW, years=0, gone={1: b""})
    assert changed_by("SELECT 1") == []
    assert verifying.verify(source="bench.chunk").disposed == 1


@pytest.mark.usefixtures("chunked")
def test_a_row_of_no_chunk_is_named(signer: RunningSigner) -> None:
    """No seal would ever cover it, and every reader would take it for evidence."""
    sealing.seal(now=NOW)

    assert changed_by("INSERT INTO bench_row (chunk_id, line) VALUES (99, 'x')") == [(Kind.INSERTED, 99)]


@pytest.mark.usefixtures("chunked")
def test_a_file_that_is_another_is_named(signer: RunningSigner) -> None:
    sealing.seal(now=NOW)
    register_source(
        name="bench.chunk",
        label="chunks",
        table="bench_chunk",
        columns="id file",
        rows=Rows(table="bench_row", chunk="chunk_id", columns=("id", "line")),
        check=lambda keys: [(2, "b.pdf: other SHA-256")],
    )

    found = verifying.verify(source="bench.chunk").findings

    assert [(finding.kind, finding.key, finding.detail) for finding in found] == [
        (Kind.FILE, 2, "b.pdf: other SHA-256")
    ]


@pytest.mark.usefixtures("chunked")
def test_old_leaves_are_checked_with_the_columns_they_were_made_of(signer: RunningSigner) -> None:
    register_source(name="bench.row", label="rows", table="bench_row", columns="id line")
    try:
        sealing.seal(now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE bench_row ADD COLUMN more text DEFAULT 'x'")
        register_source(
            name="bench.row",
            label="rows",
            table="bench_row",
            columns="id line more",
            version=2,
            earlier={1: ["id", "line"]},
        )
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO bench_row (chunk_id, line, more) VALUES (1, 'new', 'y')")
        sealing.seal(now=NOW + dt.timedelta(minutes=1))

        assert set(Leaf.objects.filter(source="bench.row").values_list("version", flat=True)) == {1, 2}
        assert verifying.verify(source="bench.row").fits
        with connection.cursor() as cursor:
            cursor.execute("UPDATE bench_row SET more = 'z' WHERE line = 'new'")
        assert [finding.kind for finding in verifying.verify(source="bench.row").findings] == [Kind.CHANGED]
    finally:
        sources._sources.pop("bench.row")


def test_a_decision_is_sealed_when_it_is_made_and_a_mail_when_it_was_sent(signer: RunningSigner) -> None:
    person = factories.applicant()
    waiting = notices.queue(
        template="job_failed", now=NOW, organisation_id=person.organisation_id, to_user=person
    )
    assert waiting is not None
    sealing.seal(now=NOW)
    assert sealed("notices.sent") == []

    Notice.system.filter(pk=waiting.pk).update(status=NoticeStatus.SENT, sent_at=NOW)
    sealing.seal(now=NOW + dt.timedelta(minutes=1))
    Notice.system.filter(pk=waiting.pk).update(read_at=NOW)
    assert sealed("notices.sent") == [waiting.pk]
    assert verifying.verify(source="notices.sent").fits

    Notice.system.filter(pk=waiting.pk).update(to_address="other@example.jp")
    assert [finding.kind for finding in verifying.verify().findings] == [Kind.CHANGED]


def test_the_checkpoint_of_the_day_is_mailed_to_auditors_of_operations_and_central_only(
    signer: RunningSigner,
) -> None:
    mine = [factories.user(Role.AUDITOR, code="operations"), factories.user(Role.AUDITOR, code="central")]
    factories.user(Role.AUDITOR, code="13")
    factories.user(Role.OPERATOR, code="operations")
    with pytest.raises(SealNotFresh):
        mailing.mail_checkpoint(now=NOW)
    entry()
    last = sealing.seal(now=NOW)

    mailing.mail_checkpoint(now=NOW)

    queued = list(Notice.system.filter(template="evidence_checkpoint").order_by("pk"))
    assert [notice.to_user for notice in queued] == mine
    body = messages.build(queued[0], now=NOW).get_content()
    assert last.note in body
    assert checkpoints.short_root(last) in body


def test_operations_read_first_that_nothing_is_sealed(signer: RunningSigner) -> None:
    operator, applicant = factories.operator(), factories.applicant()
    assert "封印が止まっています" in client_of(operator).get("/").content.decode()
    assert "封印が止まっています" not in client_of(applicant).get("/").content.decode()
    entry()

    sealing.seal(now=timezone.now())

    assert "封印が止まっています" not in client_of(operator).get("/").content.decode()


class TestPage:
    """証跡の検証."""

    @pytest.mark.parametrize("count", [1, 40, BLOCK - 2, BLOCK + 30])
    def test_the_proof_of_a_record_leads_to_the_signed_root(self, signer: RunningSigner, count: int) -> None:
        keys = [entry().pk for _n in range(count)]
        sealing.seal(now=timezone.now())
        client = client_for(Role.AUDITOR, code="central")

        for key in (keys[0], keys[-1]):
            proof = client.get(reverse("evidence"), {"source": "trail.entry", "key": key}).context["proof"]
            assert proof.holds

    def test_a_federation_asks_for_records_of_its_own_trail_only(self, signer: RunningSigner) -> None:
        own = entry(object_organisation=factories.organisation("13"))
        other = entry(object_organisation=factories.organisation("27"))
        sealing.seal(now=timezone.now())
        client = client_for(Role.AUDITOR)

        def leaf(key: int, source: str = "trail.entry") -> Any:
            return client.get(reverse("evidence"), {"source": source, "key": key}).context["leaf"]

        assert leaf(own.pk).row_key == own.pk
        assert leaf(other.pk) is None
        assert leaf(1, "trail.batch") is None

    def test_a_checkpoint_is_downloaded_as_it_was_signed_and_that_is_recorded(
        self, signer: RunningSigner
    ) -> None:
        entry()
        last = sealing.seal(now=timezone.now())
        client = client_for(Role.AUDITOR)

        answer = client.get(reverse("evidence_checkpoint", args=[last.pk]))

        assert answer.content.decode() == last.note
        assert TrailEntry.objects.filter(action="evidence.checkpoint", object_id=str(last.pk)).exists()

    @pytest.mark.parametrize("query", [{"source": "x", "key": "1"}, {"source": "trail.entry", "key": "９九"}])
    def test_strange_questions_are_answered_with_a_message(
        self, signer: RunningSigner, query: dict[str, str]
    ) -> None:
        answer = client_for(Role.AUDITOR).get(reverse("evidence"), query)

        assert answer.status_code == 200
        assert answer.context["problems"]

    def test_page_costs_the_same_for_thirty_checkpoints_as_for_one(
        self, signer: RunningSigner, django_assert_max_num_queries: Any
    ) -> None:
        client = client_for(Role.AUDITOR)

        def statements() -> int:
            with django_assert_max_num_queries(40) as captured:
                client.get(reverse("evidence"))
            return len(captured)

        entry()
        sealing.seal(now=NOW)
        statements()
        few = statements()
        last = sealing.newest()
        assert last is not None
        same = {"at": last.at, "size": last.size, "root": last.root, "key_id": last.key_id, "note": last.note}
        Checkpoint.objects.bulk_create([Checkpoint(**same) for _n in range(30)])
        assert statements() == few
