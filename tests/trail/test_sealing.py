"""The sealer: nothing committed is left out, nothing is taken twice, and only what extends the log is signed (SEC-02)."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from portal.trail import notes, sealing, services, verifying
from portal.trail.errors import LogForked, LogRewound, SealNotFresh, SignerRefused, SignerUnavailable
from portal.trail.merkle import BLOCK, leaf_hash, root_of
from portal.trail.models import Checkpoint, Leaf, SealBatch, TrailEntry, TreeNode
from portal.trail.notes import VerifierKey
from portal.trail.signer import state
from portal.trail.signer.client import SignerClient
from tests.evidence import RunningSigner, signing_process

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def entry(**values: Any) -> TrailEntry:
    return services.record(action="login", now=NOW, actor=None, **values)


def sealed(source: str = "trail.entry") -> list[int]:
    return list(Leaf.objects.filter(source=source).order_by("number").values_list("row_key", flat=True))


def test_every_record_becomes_a_leaf_and_the_head_over_them_is_signed(signer: RunningSigner) -> None:
    keys = [entry().pk, entry(object_label="tab\tline\nback\\slash", detail={"氏名": None}).pk]

    checkpoint = sealing.seal(now=NOW)

    leaves = list(Leaf.objects.order_by("number"))
    assert sealed()[-2:] == keys
    assert [leaf.number for leaf in leaves] == list(range(len(leaves)))
    assert leaves[-1].source == "trail.batch"
    assert (checkpoint.size, bytes(checkpoint.root)) == (
        len(leaves),
        root_of(bytes(leaf.hash) for leaf in leaves),
    )
    notes.verify(checkpoint.note, [VerifierKey.parse(signer.verifier)])


def test_the_bytes_of_a_record_are_those_that_the_documentation_names(signer: RunningSigner) -> None:
    row = services.record(action="login", now=dt.datetime(2026, 11, 20, 8, 30, tzinfo=dt.UTC), actor=None, ip="192.0.2.7", object_label="a\tb", detail={"b": 1, "a": [None]})  # fmt: skip

    sealing.seal(now=NOW)

    line = rf'{row.pk}	2026-11-20 08:30:00+00	\N		\N	192.0.2.7	login			a\tb	\N		{{"a": [null], "b": 1}}'
    data = f"evidence/1 trail.entry/1 {row.pk}\n{line}".encode()
    assert bytes(Leaf.objects.get(source="trail.entry", row_key=row.pk).hash) == leaf_hash(data)


def test_a_second_seal_takes_only_what_is_new(signer: RunningSigner) -> None:
    entry()
    first = sealing.seal(now=NOW)
    assert sealing.seal(now=NOW + dt.timedelta(minutes=1)) == first

    new = entry()
    second = sealing.seal(now=NOW + dt.timedelta(minutes=2))

    assert sealed().count(new.pk) == 1
    assert second.size == first.size + 2


def test_a_quiet_portal_is_signed_anew_so_that_its_seal_stays_fresh(signer: RunningSigner) -> None:
    entry()
    first = sealing.seal(now=NOW)

    later = sealing.seal(now=NOW + dt.timedelta(minutes=6))

    assert (later.size, later.pk) == (first.size, first.pk + 1)


def test_more_rows_than_one_transaction_takes(signer: RunningSigner, monkeypatch: Any) -> None:
    monkeypatch.setattr(sealing, "_AT_ONCE", 3)
    monkeypatch.setattr(sealing, "PIECE", 4)
    keys = [entry().pk for _n in range(8)]

    sealing.seal(now=NOW)

    assert sealed()[-8:] == keys
    assert SealBatch.objects.count() >= 3


def test_records_that_waited_for_days_and_take_several_batches_are_not_back_dated(
    signer: RunningSigner, monkeypatch: Any
) -> None:
    """The signing process was away, or the evidence log began on a portal that had worked for years."""
    monkeypatch.setattr(sealing, "_AT_ONCE", 3)
    entry()
    sealing.seal(now=NOW)
    for hour in range(8):
        services.record(action="login", now=NOW + dt.timedelta(hours=hour), actor=None)

    sealing.seal(now=NOW + dt.timedelta(days=2))

    assert verifying.verify().fits


def test_nodes_over_256_leaves_are_kept_for_proofs(signer: RunningSigner) -> None:
    for _n in range(BLOCK + 10):
        entry()

    sealing.seal(now=NOW)

    hashes = [bytes(leaf.hash) for leaf in Leaf.objects.order_by("number")]
    assert bytes(TreeNode.objects.get(number=0).hash) == root_of(hashes[:BLOCK])


@pytest.mark.parametrize("table", ["trail_leaf", "trail_sealbatch", "trail_checkpoint", "trail_treenode"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_database_refuses_to_change_the_log(signer: RunningSigner, table: str, statement: str) -> None:
    for _n in range(BLOCK):
        entry()
    sealing.seal(now=NOW)
    column = "id" if table in ("trail_sealbatch", "trail_checkpoint") else "number"

    with (
        pytest.raises(DatabaseError, match="insert-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table, column, column))


def test_nothing_is_taken_while_nobody_signs(settings: Any) -> None:
    settings.EVIDENCE = {"socket": "/nonexistent", "public_keys": [], "fresh_minutes": 15}
    entry()

    with pytest.raises(SignerUnavailable):
        sealing.seal(now=NOW)

    assert not Leaf.objects.exists()


def test_a_checkpoint_whose_answer_was_lost_is_taken_up_again(
    signer: RunningSigner, monkeypatch: Any
) -> None:
    entry()
    monkeypatch.setattr(sealing, "_keep", lambda note, now: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sealing.seal(now=NOW)
    monkeypatch.undo()
    signed = SignerClient(signer.socket).status()
    entry()

    last = sealing.seal(now=NOW + dt.timedelta(minutes=1))

    assert Checkpoint.objects.filter(size=signed.size, root=signed.root).exists()
    assert last.size == signed.size + 2


def test_the_signer_refuses_a_shorter_log_and_a_leaf_put_in_before_its_end(signer: RunningSigner) -> None:
    client = SignerClient(signer.socket)
    client.sign(start=0, leaves=[b"\x01" * 32, b"\x02" * 32], time=NOW)

    for start in (0, 1, 3):
        with pytest.raises(SignerRefused, match="rewound"):
            client.sign(start=start, leaves=[b"\x03" * 32], time=NOW)

    assert client.status().size == 2


def test_a_log_that_was_signed_longer_is_never_sealed_shorter(signer: RunningSigner) -> None:
    entry()
    sealing.seal(now=NOW)
    SignerClient(signer.socket).sign(start=sealing.newest().size, leaves=[b"\x01" * 32], time=NOW)  # type: ignore[union-attr]

    with pytest.raises(LogRewound):
        sealing.seal(now=NOW)


def test_another_log_of_the_same_length_is_noticed(signer: RunningSigner) -> None:
    entry()
    SignerClient(signer.socket).sign(start=0, leaves=[b"\x01" * 32], time=NOW)
    Leaf.objects.create(number=0, source="trail.entry", version=1, row_key=1, hash=b"\x02" * 32)

    with pytest.raises(LogForked):
        sealing.seal(now=NOW)


def test_a_seal_is_fresh_for_the_minutes_of_the_settings(signer: RunningSigner) -> None:
    assert not sealing.seal_is_fresh(NOW)
    with pytest.raises(SealNotFresh):
        sealing.require_fresh_seal(NOW)
    entry()
    sealing.seal(now=NOW)

    sealing.require_fresh_seal(NOW + dt.timedelta(minutes=14))
    with pytest.raises(SealNotFresh):
        sealing.require_fresh_seal(NOW + dt.timedelta(minutes=15))


class TestSigningProcess:
    """The signer as it runs in production: a process of its own that survives being killed."""

    def test_it_goes_on_where_it_was_killed(self, tmp_path: Path) -> None:
        with signing_process(tmp_path) as running:
            SignerClient(running.socket).sign(start=0, leaves=[b"\x01" * 32], time=NOW)
        with signing_process(tmp_path) as again:
            client = SignerClient(again.socket)

            assert client.status().size == 1
            with pytest.raises(SignerRefused, match="rewound"):
                client.sign(start=0, leaves=[b"\x02" * 32], time=NOW)

    def test_it_believes_its_own_clock(self, tmp_path: Path) -> None:
        with (
            signing_process(tmp_path, any_clock=False) as running,
            pytest.raises(SignerRefused, match="clock"),
        ):
            SignerClient(running.socket).sign(start=0, leaves=[], time=NOW - dt.timedelta(hours=1))

    def test_it_starts_neither_django_nor_a_connection_to_the_database(self) -> None:
        loaded = (
            "import portal.trail.signer.__main__, sys; from django.apps import apps;"
            " print(apps.ready, 'portal.trail.models' in sys.modules, 'django.db.backends.postgresql.base' in sys.modules)"
        )
        told = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)

        assert told.stdout.split() == ["False", "False", "False"]

    def test_its_key_is_readable_for_its_own_account_only_and_never_overwritten(self, tmp_path: Path) -> None:
        state.create(tmp_path / "key", "kokuho/evidence")

        assert (tmp_path / "key" / "key.pem").stat().st_mode & 0o777 == 0o600
        with pytest.raises(FileExistsError):
            state.create(tmp_path / "key", "kokuho/evidence")

    def test_after_a_restore_it_goes_on_from_an_earlier_checkpoint_and_says_so_ever_after(
        self, tmp_path: Path
    ) -> None:
        state.create(tmp_path, "kokuho/evidence")
        signer = state.Signer(tmp_path, any_clock=True)
        leaves = [bytes([n]) * 32 for n in range(5)]
        signer.sign(start=0, leaves=leaves[:3], time=NOW)
        signer.sign(start=3, leaves=leaves[3:], time=NOW)

        with pytest.raises(state.Refused, match="no checkpoint"):
            signer.rewind(size=3, leaves=[b"\x09" * 32] * 3, reason="forged", time=NOW)
        with pytest.raises(state.Refused, match="no checkpoint"):
            signer.rewind(size=4, leaves=leaves[:4], reason="never signed", time=NOW)
        signer.rewind(size=3, leaves=leaves[:3], reason="restored after a disk died", time=NOW)

        note = state.Signer(tmp_path, any_clock=True).sign(start=3, leaves=[b"\x08" * 32], time=NOW)
        assert notes.parse(note).extra[0].startswith("restored 5 ")
        assert "restored after a disk died" in (tmp_path / "signed.log").read_text()
