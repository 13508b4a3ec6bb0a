"""The attack matrix: who holds which rights on the database, what they do to the evidence, and what verify_trail says (SEC-02).

The role that serves the portal is refused. The owner of the tables switches the triggers off, a superuser walks past them: both
succeed, and the record is named. On PostgreSQL of this run, with the roles of deploy/postgresql/roles.sql.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from audit.imports.models import LogBatch, LogImport
from audit.reconciliation.models import MismatchReason
from audit.reports.documents import files, making
from audit.reports.models import ReportFile
from portal.embedded import throwaway
from portal.trail import sealing, services, verifying
from portal.trail.errors import LogRewound
from portal.trail.findings import Finding, Kind, Result
from portal.trail.models import Checkpoint, Leaf, TrailEntry
from tests import factories
from tests.audit.documents import world
from tests.audit.retention.test_disposal import _row as row
from tests.evidence import RunningSigner, signing_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
NOW = timezone.now()
WEB, OWNER, SUPERUSER = "web role", "owner", "superuser"


@dataclass
class Log:
    """Eight entries, sealed two by two, two minutes apart: the oldest are closed, the newest are not."""

    keys: list[int]
    gap: int  # a number that no row took
    now: dt.datetime


@pytest.fixture
def real_signer(tmp_path: Path, settings: Any) -> Iterator[RunningSigner]:
    """A signing process of its own."""
    with signing_process(tmp_path / "signer") as running:
        settings.EVIDENCE = running.settings
        yield running


@pytest.fixture
def log(signer: RunningSigner) -> Log:
    return written()


def written() -> Log:
    keys, now, gap = [], NOW, 0
    for step in range(4):
        now = NOW + dt.timedelta(minutes=2 * step)
        keys += [
            services.record(action="login", now=now, actor=None, object_label=f"{step}").pk for _n in range(2)
        ]
        if not step:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nextval('trail_trailentry_id_seq')")
                gap = cursor.fetchone()[0]
        sealing.seal(now=now)
    return Log(keys, gap, now)


@pytest.fixture(scope="module")
def web_role(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """portal_web with the rights that deploy/postgresql/roles.sql and the migrations give it."""
    if not throwaway.are_ours():
        pytest.skip("needs a superuser of the cluster")
    revoke = import_module("portal.trail.migrations.0005_evidence_guards")._REVOKE
    with superuser() as holder:
        holder.execute("CREATE ROLE portal_web LOGIN PASSWORD 'secret'")
        holder.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO portal_web")
        holder.execute("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO portal_web")
        holder.execute(revoke)
    yield
    with superuser() as holder:
        holder.execute("DROP OWNED BY portal_web; DROP ROLE portal_web")


def superuser() -> psycopg.Connection[Any]:
    return _connect("postgres", (throwaway.postgres().directory / "postgres.password").read_text())


def _connect(user: str, password: str) -> psycopg.Connection[Any]:
    values = connection.settings_dict
    return psycopg.connect(
        host=values["HOST"], dbname=values["NAME"], user=user, password=password, autocommit=True
    )


def attack(who: str, table: str, *statements: str) -> None:
    """Run the statements with the rights of that role, and its way past the triggers."""
    if who == WEB:
        with _connect("portal_web", "secret") as attacker:
            for statement in statements:
                attacker.execute(statement)
    elif who == OWNER:
        with _connect(connection.settings_dict["USER"], connection.settings_dict["PASSWORD"]) as attacker:
            tables = {*table.split(), "trail_leaf", "trail_checkpoint", "trail_sealbatch"}
            for name in tables:
                attacker.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
            for statement in statements:
                attacker.execute(statement)
            for name in tables:
                attacker.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
    else:
        with superuser() as attacker:
            attacker.execute("SET session_replication_role = replica")
            for statement in statements:
                attacker.execute(statement)


def first() -> Finding:
    return verified().findings[0]


def verified() -> Result:
    return verifying.verify()


def statements_of(name: str, log: Log) -> list[str]:
    """What the attacker does."""
    victim, third = log.keys[2], log.keys[3]
    columns = "at, actor_name, action, object_type, object_id, object_label, error_number, detail"
    forged = f"'{NOW}'::timestamptz, 'forged', 'login', '', '', '', '', '{{}}'"
    return {
        "change": [f"UPDATE trail_trailentry SET object_label = 'nothing' WHERE id = {victim}"],
        "delete": [f"DELETE FROM trail_trailentry WHERE id = {victim}"],
        "truncate": ["TRUNCATE trail_trailentry CASCADE"],
        "insert between": [f"INSERT INTO trail_trailentry (id, {columns}) VALUES ({log.gap}, {forged})"],
        "swap checkpoint": [
            "UPDATE trail_checkpoint SET root = decode(repeat('07', 32), 'hex') WHERE id = (SELECT max(id) FROM trail_checkpoint)"
        ],
        "swap leaf": [
            f"UPDATE trail_leaf SET row_key = -row_key WHERE row_key = {third} AND source = 'trail.entry'"
        ],
        "delete leaf": [f"DELETE FROM trail_leaf WHERE row_key = {victim} AND source = 'trail.entry'"],
    }[name]


EXPECTED = {
    "change": (Kind.CHANGED, 2),
    "delete": (Kind.DELETED, 2),
    "truncate": (Kind.DELETED, 0),
    "swap leaf": (Kind.DELETED, None),
    "delete leaf": (Kind.LEAF_MISSING, None),
}


@pytest.mark.usefixtures("web_role")
@pytest.mark.parametrize("who", [WEB, OWNER, SUPERUSER])
@pytest.mark.parametrize(
    "name", ["change", "delete", "truncate", "swap leaf", "delete leaf", "swap checkpoint"]
)
def test_what_was_sealed_is_not_changed_unnoticed(log: Log, who: str, name: str) -> None:
    table, victim = "trail_trailentry", Leaf.objects.get(source="trail.entry", row_key=log.keys[2]).number
    assert verified().fits

    if who == WEB:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            attack(who, table, *statements_of(name, log))
        assert verified().fits
        return
    attack(who, table, *statements_of(name, log))

    kinds = {finding.kind for finding in verified().findings}
    if name == "swap checkpoint":
        assert {Kind.CHECKPOINT, Kind.SWAPPED} <= kinds
        return
    kind, place = EXPECTED[name]
    assert kind in kinds
    if place is not None:
        assert (first().kind, first().key) == (kind, log.keys[place])
    if kind == Kind.LEAF_MISSING:
        assert victim in {finding.leaf for finding in verified().findings if finding.kind == kind}


@pytest.mark.usefixtures("web_role")
def test_a_leaf_that_swallowed_the_next_one_does_not_hide_that_it_is_missing(log: Log) -> None:
    """Together they have the bytes of both, in their order."""
    next_one = Leaf.objects.get(source="trail.entry", row_key=log.keys[3])
    attack(
        SUPERUSER,
        "trail_trailentry",
        f"UPDATE trail_leaf SET hash = hash || '\\x{bytes(next_one.hash).hex()}' WHERE number = {next_one.number - 1}",
        f"DELETE FROM trail_leaf WHERE number = {next_one.number}",
    )

    found = {(finding.kind, finding.leaf) for finding in verified().findings}

    assert (Kind.LEAF_MISSING, next_one.number - 1) in found
    assert (Kind.CHANGED, next_one.number - 1) in found


@pytest.mark.usefixtures("web_role")
@pytest.mark.parametrize("who", [OWNER, SUPERUSER])
def test_a_record_exchanged_with_its_hash_does_not_fit_the_signed_root(log: Log, who: str) -> None:
    """The attacker computes the leaf anew, so that record and leaf agree."""
    victim = log.keys[2]
    attack(
        who, "trail_trailentry", f"UPDATE trail_trailentry SET object_label = 'nothing' WHERE id = {victim}"
    )
    recomputed = next(taken.hash for taken in _as_the_sealer_would("trail.entry", victim))
    attack(
        who,
        "trail_trailentry",
        f"UPDATE trail_leaf SET hash = '\\x{recomputed.hex()}' WHERE source = 'trail.entry' AND row_key = {victim}",
    )

    found = verified().findings

    leaf = Leaf.objects.get(source="trail.entry", row_key=victim)
    assert found[0].kind == Kind.SWAPPED
    low, high = map(int, found[0].detail.split("-"))
    assert low <= leaf.number + 1 <= high
    assert high - low == 2  # the two entries of its minute and the batch itself


def _as_the_sealer_would(source: str, key: int) -> Any:
    from django.db import transaction

    from portal.trail.reading import set_session
    from portal.trail.sources import find_source

    with transaction.atomic():
        set_session()
        return sealing._rows(find_source(source), "t.id = %s", [key])


@pytest.mark.usefixtures("web_role")
@pytest.mark.parametrize("who", [WEB, OWNER, SUPERUSER])
def test_a_record_put_in_among_older_ones_is_never_sealed_and_named(log: Log, who: str) -> None:
    """A number that is free among closed ones. The web role may insert: it is the portal's own right, and yet it shows."""
    attack(who, "trail_trailentry", *statements_of("insert between", log))

    assert (first().kind, first().key) == (Kind.INSERTED, log.gap)
    sealing.seal(now=log.now + dt.timedelta(minutes=2))
    assert not Leaf.objects.filter(source="trail.entry", row_key=log.gap).exists()
    assert (first().kind, first().key) == (Kind.INSERTED, log.gap)


@pytest.mark.usefixtures("web_role")
@pytest.mark.parametrize("who", [OWNER, SUPERUSER])
def test_a_record_put_in_among_older_ones_with_a_leaf_of_its_own_is_named(log: Log, who: str) -> None:
    """Should a seal be made to take it: its leaf comes after leaves that had closed its number."""
    attack(who, "trail_trailentry", *statements_of("insert between", log))
    taken = next(iter(_as_the_sealer_would("trail.entry", log.gap)))
    number = Leaf.objects.count()
    attack(
        who,
        "trail_trailentry",
        "INSERT INTO trail_leaf (number, source, version, row_key, hash)"
        f" VALUES ({number}, 'trail.entry', 1, {log.gap}, '\\x{taken.hash.hex()}')",
    )
    services.record(action="login", now=log.now, actor=None)
    sealing.seal(now=log.now + dt.timedelta(minutes=2))

    assert (first().kind, first().key) == (Kind.INSERTED, log.gap)


def test_a_record_that_claims_to_be_of_last_week_is_named(log: Log) -> None:
    forged = services.record(action="login", now=NOW - dt.timedelta(days=7), actor=None)
    sealing.seal(now=log.now + dt.timedelta(minutes=2))

    assert (first().kind, first().key) == (Kind.BACK_DATED, forged.pk)


@dataclass(frozen=True)
class Target:
    """A table that somebody attacks: its records as evidence, the first of them, and what one can do to it."""

    source: str
    table: str
    victim: int
    change: str
    deleted: Kind
    triggers: str  # the tables whose triggers the owner switches off

    def statements(self) -> dict[str, tuple[str, Kind]]:
        """What is done, and as what it is named."""
        row = f"id = (SELECT min(id) FROM {self.table})"
        return {
            "change": (f"UPDATE {self.table} SET {self.change} WHERE {row}", Kind.CHANGED),
            "delete": (f"DELETE FROM {self.table} WHERE {row}", self.deleted),
            "truncate": (f"TRUNCATE {self.table} CASCADE", self.deleted),
        }


@pytest.fixture
def targets(signer: RunningSigner, monkeypatch: pytest.MonkeyPatch) -> list[Target]:
    """A report with reasons and files, a batch of log rows, all of them sealed."""
    monkeypatch.setattr(files, "signed_pdf", lambda content, checkpoint: b"%PDF " + checkpoint.encode())
    report = world.report(sessions=1)
    making.order(report=report, stage="PROVIDED", now=NOW)
    making.make_owed_files(now=NOW)
    brought = LogImport.objects.create(
        log_kind="DATABASE",
        month=report.cycle.month,
        file_name="a.csv",
        sha256="0" * 64,
        size=1,
        encoding="utf-8",
        line_count=2,
        chunk_count=1,
        uploaded_by=factories.operator(),
        uploaded_at=NOW,
    )
    batch = LogBatch.objects.create(log_import=brought, row_count=2, made_at=NOW)
    for number in (1, 2):
        row(number, report.cycle.month, numbers=True, batch=batch.pk)
    for minutes in range(0, 6, 2):
        sealing.seal(now=NOW + dt.timedelta(minutes=minutes))
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(relid::text, ' ') FROM pg_partition_tree('audit_logrow')")
        partitions = cursor.fetchone()[0]
    reason, file = MismatchReason.system.order_by("pk")[0].pk, ReportFile.system.order_by("pk")[0].pk
    reasons = "audit_mismatchreason"
    return [
        Target("audit.mismatch_reason", reasons, reason, "text = 'x'", Kind.DELETED, reasons),
        Target(
            "audit.report_file",
            "audit_reportfile",
            file,
            "content = '%PDF'",
            Kind.DELETED,
            "audit_reportfile",
        ),
        Target("audit.log_batch", "audit_logrow", batch.pk, "host = 'x'", Kind.CHANGED, partitions),
    ]


def named() -> tuple[str, str, int | None]:
    found = first()
    return found.kind, found.source, found.key


def _copy_of_first(table: str, **values: Any) -> str:
    """A record like the first one with other values, as nobody writes it who wants it to look true."""
    said = ", ".join(f"'{name}', {value}" for name, value in values.items())
    return (
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object({said}))).*"
        f" FROM {table} t ORDER BY id LIMIT 1"
    )


@pytest.mark.usefixtures("web_role")
def test_reasons_files_and_log_rows_stand_the_same_attacks(targets: list[Target]) -> None:
    assert verified().fits
    for target in targets:
        kept = f"CREATE TABLE kept AS TABLE {target.table}"
        back = f"DELETE FROM {target.table}; INSERT INTO {target.table} SELECT * FROM kept"
        for name, (statement, kind) in target.statements().items():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                attack(WEB, target.triggers, statement)
            for who in (OWNER, SUPERUSER):
                with superuser() as holder:
                    holder.execute(kept)
                attack(who, target.triggers, statement)
                assert named() == (kind, target.source, target.victim), (who, target.table, name)
                attack(SUPERUSER, target.triggers, back, "DROP TABLE kept")
    assert verified().fits


@pytest.mark.usefixtures("web_role")
def test_reasons_files_and_log_rows_that_somebody_put_in_are_named(targets: list[Target]) -> None:
    """By raw SQL. The web role may insert; what it puts in shows as that of the others does."""
    batch = targets[-1]
    everyone = [WEB, OWNER, SUPERUSER]
    for who in everyone:
        for values, expected in (
            ({"id": 10}, (Kind.CHANGED, batch.source, batch.victim)),
            ({"id": 10, "batch_id": 900}, (Kind.INSERTED, batch.source, 900)),  # that of no batch
        ):
            attack(who, batch.triggers, _copy_of_first("audit_logrow", **values))
            assert named() == expected, who
            attack(SUPERUSER, "", "DELETE FROM audit_logrow WHERE id = 10")

    month_ago = f"'{NOW - dt.timedelta(days=30)}'"
    for key, who, stage in zip((501, 502, 503), everyone, ("COPY", "ORIGINAL", "OTHER"), strict=True):
        attack(
            who,
            " ".join(target.triggers for target in targets),
            _copy_of_first("audit_mismatchreason", id=key, given_at=month_ago),
            _copy_of_first("audit_reportfile", id=key, stage=f"'{stage}'", made_at=month_ago),
            _copy_of_first("audit_logbatch", id=key, chunk=key, made_at=month_ago),
            _copy_of_first("audit_logrow", id=key, batch_id=key),
        )
        sealing.seal(now=NOW + dt.timedelta(minutes=key))
        found = {(each.kind, each.source, each.key) for each in verified().findings}
        for target in targets:
            assert (Kind.BACK_DATED, target.source, key) in found, (who, target.table)


@pytest.mark.usefixtures("web_role")
@pytest.mark.parametrize("who", [OWNER, SUPERUSER])
def test_a_cut_end_is_noticed_by_the_signer_and_by_any_checkpoint_that_somebody_kept(
    log: Log, who: str, settings: Any
) -> None:
    kept = sealing.newest()
    assert kept is not None
    size = Checkpoint.objects.order_by("size")[1].size
    cut = [
        f"DELETE FROM trail_checkpoint WHERE size > {size}",
        f"DELETE FROM trail_leaf WHERE number >= {size}",
        f"DELETE FROM trail_sealbatch WHERE first_leaf >= {size}",
        f"DELETE FROM trail_trailentry WHERE id > {log.keys[3]}",
    ]
    attack(who, "trail_trailentry", *cut)

    assert [finding.kind for finding in verified().findings] == [Kind.OLDER]
    with pytest.raises(LogRewound):
        sealing.seal(now=log.now)
    settings.EVIDENCE = settings.EVIDENCE | {"socket": ""}
    assert verified().fits, "without signer and outside checkpoint nobody can know"
    found = verifying.verify(shown=[kept.note]).findings
    assert [(finding.kind, finding.detail) for finding in found] == [(Kind.OLDER, f"{size + 1}-{kept.size}")]


@pytest.mark.usefixtures("web_role")
def test_a_forged_signature_and_a_foreign_key_are_wrong(log: Log, tmp_path: Path) -> None:
    last = sealing.newest()
    assert last is not None
    note = last.note.replace("time 20", "time 21")
    attack(SUPERUSER, "trail_checkpoint", f"UPDATE trail_checkpoint SET note = '{note}' WHERE id = {last.pk}")

    assert Kind.SIGNATURE in {finding.kind for finding in verified().findings}


@pytest.mark.usefixtures("web_role")
def test_a_view_in_the_place_of_a_table_is_not_read(log: Log) -> None:
    with superuser() as attacker:
        attacker.execute(
            "ALTER TABLE trail_trailentry RENAME TO hidden; CREATE VIEW trail_trailentry AS TABLE hidden"
        )
    try:
        found = verified().findings
    finally:
        with superuser() as attacker:
            attacker.execute("DROP VIEW trail_trailentry; ALTER TABLE hidden RENAME TO trail_trailentry")

    assert [(finding.kind, finding.source) for finding in found] == [(Kind.NO_TABLE, "trail_trailentry")]


def test_yesterdays_database_is_refused_by_the_signing_process_and_named(real_signer: RunningSigner) -> None:
    """A real copy of the database, put back while the signing process goes on. It runs as a process of its own here."""
    written()
    name = connection.settings_dict["NAME"]
    backup = f"{name}_yesterday"
    _copy(name, backup)
    later = NOW + dt.timedelta(days=1)
    services.record(action="login", now=later, actor=None)
    today = sealing.seal(now=later)
    try:
        connection.close()
        connection.settings_dict["NAME"] = backup
        found = verified().findings
        with pytest.raises(LogRewound):
            sealing.seal(now=later)
        assert not sealing.seal_is_fresh(later)
        shown = verifying.verify(shown=[today.note]).findings
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
        with superuser() as holder:
            holder.execute(f"DROP DATABASE {backup} WITH (FORCE)")

    assert [finding.kind for finding in found] == [finding.kind for finding in shown] == [Kind.OLDER]
    assert verified().fits


def _copy(name: str, backup: str) -> None:
    connection.close()
    values = connection.settings_dict
    with psycopg.connect(
        host=values["HOST"],
        dbname="postgres",
        user=values["USER"],
        password=values["PASSWORD"],
        autocommit=True,
    ) as holder:
        # Whoever still looks at it (a connection another test's thread left, autovacuum) would forbid the copy.
        holder.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        holder.execute(f"CREATE DATABASE {backup} TEMPLATE {name}")


def test_the_command_names_the_first_record_and_exits_with_1(log: Log, tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("verify_trail", stdout=out)
    assert "すべて一致" in out.getvalue()

    attack(
        OWNER, "trail_trailentry", f"DELETE FROM trail_trailentry WHERE id IN ({log.keys[1]}, {log.keys[5]})"
    )
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_trail", stdout=out)

    assert left.value.code == 1
    lines = out.getvalue().splitlines()
    assert f"trail.entry {log.keys[1]}" in lines[1]
    assert "削除" in lines[1]
    assert f"trail.entry {log.keys[5]}" in lines[2]


def test_a_checkpoint_file_of_an_auditor_is_compared(log: Log, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint.txt"
    note = Checkpoint.objects.order_by("size")[1].note
    kept.write_text(note)

    call_command("verify_trail", checkpoint=[kept], stdout=io.StringIO())

    kept.write_text(note.replace("time 20", "time 21"))
    with pytest.raises(SystemExit):
        call_command("verify_trail", checkpoint=[kept], stdout=io.StringIO())


def test_only_the_chosen_records_are_read_anew(log: Log) -> None:
    attack(OWNER, "trail_trailentry", f"DELETE FROM trail_trailentry WHERE id = {log.keys[0]}")

    gone = Leaf.objects.get(source="trail.entry", row_key=log.keys[0]).number
    assert verifying.verify(since=gone + 1).fits
    assert not verifying.verify(since=gone).fits
    assert verifying.verify(source="workflow.decision").fits
    assert not verifying.verify(source="trail.entry").fits


def test_a_transaction_that_commits_late_is_sealed_and_not_taken_for_forged(signer: RunningSigner) -> None:
    """It took its number before others that were sealed meanwhile, two seals and five minutes ago."""
    values = connection.settings_dict
    columns = "at, actor_name, action, object_type, object_id, object_label, error_number, detail"
    with psycopg.connect(
        host=values["HOST"], dbname=values["NAME"], user=values["USER"], password=values["PASSWORD"]
    ) as slow:
        row = slow.execute(
            f"INSERT INTO trail_trailentry ({columns}) VALUES (now(), '', 'login', '', '', '', '', '{{}}') RETURNING id"
        ).fetchone()
        assert row is not None
        for minute in range(0, 10, 2):
            services.record(action="login", now=NOW + dt.timedelta(minutes=minute), actor=None)
            sealing.seal(now=NOW + dt.timedelta(minutes=minute))
        assert not Leaf.objects.filter(source="trail.entry", row_key=row[0]).exists()

    for minute in range(10, 16, 2):
        services.record(action="login", now=NOW + dt.timedelta(minutes=minute), actor=None)
        sealing.seal(now=NOW + dt.timedelta(minutes=minute))

    assert Leaf.objects.filter(source="trail.entry", row_key=row[0]).exists()
    assert TrailEntry.objects.count() == Leaf.objects.filter(source="trail.entry").count()
    assert verified().fits


def test_sealers_that_meet_take_each_record_once(signer: RunningSigner) -> None:
    from tests.threads import at_once

    for _n in range(20):
        services.record(action="login", now=NOW, actor=None)

    at_once(*[lambda: sealing.seal(now=NOW)] * 4)

    assert Leaf.objects.filter(source="trail.entry").count() == 20
    assert verified().fits
