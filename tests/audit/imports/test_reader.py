"""The process that reads for an import: it says the same as reading here, knows no secret, and no import hangs on it (ADR 0044)."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
import zlib
from datetime import timedelta
from pathlib import Path

import pytest

from audit.imports import loading, readers
from audit.imports.allowed import Allowed, AllowList
from audit.imports.layout import Layout
from audit.imports.models import LogImport, LogRow
from audit.imports.parsing import Known, KnownHost, Parsed, Parser
from audit.imports.pieces import Piece
from audit.imports.readers import ReaderApart, ReaderHere, ReadingFailed
from audit.reconciliation.engine import micros
from tests.audit.imports import logs

ROOT = Path(__file__).resolve().parents[3]
LINES = 200


def parser() -> Parser:
    known = Known(
        {"dbsv13": KnownHost(1, "dbsv13", 13, True)},
        AllowList([Allowed("kojin_app", "w3wp.exe", "apsv*")]),
        micros(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        micros(dt.datetime(2027, 1, 1, tzinfo=dt.UTC)),
    )
    layout = Layout.brought("DATABASE")
    return Parser(layout=layout, header=logs.HEADER, encoding="utf-8", import_id=7, known=known)


def pieces() -> list[Piece]:
    """Everything that a line can be: rows, one twice, several lines, breaks that are none, other encodings, unknown machines."""
    line = logs.line("2026-09-01 10:00:00", event="e1")
    first = [
        line,
        line,
        logs.line("2026-09-01 10:00:01", event="e2", object_name='"SELECT\n1"'),
        logs.line("2026-09-01 10:00:02", event="e3", object_name="a\u2028b\x0bc\x85"),
        logs.line("2026-09-01 10:00:03", event="e4", host="somewhere"),
        "1,2",
        logs.line("yesterday", event="e5"),
    ]
    other = logs.line("2026-09-02 10:00:00", event="e6", object_name="個人番号").encode("cp932")
    held = logs.line("2026-09-02 10:00:01", event="e7", host="何処か").encode("cp932")
    second = b"\n".join([other, held, b"\xff\xfe\x00", line.encode(), line[:20].encode()])
    made = [(logs.HEADER + "\n" + "\n".join(first) + "\n").encode(), second]
    return [
        Piece(packed=zlib.compress(made[0]), first_line=1, batch_id=1, has_headings=True),
        Piece(packed=zlib.compress(made[1]), first_line=made[0].count(b"\n") + 1, batch_id=2, cut=99),
    ]


def read(reader: ReaderHere | ReaderApart) -> list[Parsed]:
    found = []
    with reader:
        for piece in pieces():
            reader.ask(piece)
            found.append(reader.take())
    return found


def test_it_says_the_same_as_reading_here() -> None:
    here, apart = read(ReaderHere(parser())), read(ReaderApart(parser()))

    assert apart == here
    whole = [len(parsed.rows) for parsed in here], [len(parsed.held) for parsed in here]
    assert whole == ([4, 2], [1, 1])
    assert [parsed.again for parsed in here] == [[1], []]
    assert here[1].maybe == [1]
    codes = {code for parsed in here for _line, code, _detail in parsed.problems}
    assert codes == {"CONTINUED", "COLUMNS", "NO_TIME", "OTHER_ENCODING", "UNREADABLE", "CUT"}


def test_it_goes_on_where_an_import_was_interrupted() -> None:
    """What came before is not known to it: each number of the source is looked for (maybe)."""
    resumed = parser()
    resumed.forget_numbers()

    found = read(ReaderApart(resumed))

    assert [parsed.maybe for parsed in found] == [[0, 1, 2, 3], [0, 1]]


def test_it_knows_no_secret() -> None:
    with ReaderApart(parser()) as reader:
        reader.ask(pieces()[0])
        reader.take()
        place = Path(f"/proc/{reader._process.pid}")

        assert (place / "environ").read_bytes() == b""
        # Its own three, and nothing that the import had open.
        assert {file.name for file in (place / "fd").iterdir()} == {"0", "1", "2"}


def test_it_knows_neither_django_nor_the_database() -> None:
    code = "import sys, audit.imports.reader; print(sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "'audit'" in done.stdout
    assert not any(f"'{name}'" in done.stdout for name in ("django", "portal", "psycopg"))


def test_what_nobody_expected_is_told_by_its_class_alone(capfd: pytest.CaptureFixture[str]) -> None:
    secret = b"name of a person"
    with ReaderApart(parser()) as reader:
        reader.ask(Piece(packed=secret, first_line=1, batch_id=1))
        with pytest.raises(ReadingFailed) as failed:
            reader.take()

    assert failed.value.kind == "error"  # zlib.error
    said = capfd.readouterr().err
    assert "pieces.py" in said
    assert secret.decode() not in said


def test_one_that_died_is_told_and_not_waited_for() -> None:
    with ReaderApart(parser()) as reader:
        reader._process.kill()
        reader._process.wait()
        with pytest.raises(ReadingFailed):
            reader.take()
        with pytest.raises(ReadingFailed) as failed:
            reader.ask(pieces()[0])

    assert failed.value.kind == "ReaderEnded"


def test_a_signal_to_all_processes_of_the_worker_lets_it_finish_the_piece() -> None:
    """A worker that is asked to end finishes what it has in hand, and so does what reads for it."""
    with ReaderApart(parser()) as reader:
        reader.ask(pieces()[0])
        reader.take()
        os.kill(reader._process.pid, signal.SIGTERM)
        reader.ask(pieces()[1])

        assert len(reader.take().rows) == 2


def test_it_ends_with_the_import() -> None:
    code = (
        "import django; django.setup()\n"
        "import os, signal\n"
        "from audit.imports.readers import ReaderApart\n"
        "from tests.audit.imports import test_reader\n"
        "reader = ReaderApart(test_reader.parser())\n"
        "print(reader._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr

    until = time.monotonic() + 10
    while Path(f"/proc/{int(done.stdout)}").exists() and time.monotonic() < until:
        time.sleep(0.05)

    assert not Path(f"/proc/{int(done.stdout)}").exists()


@pytest.mark.django_db(transaction=True)
def test_an_import_whose_reader_died_goes_on_at_its_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    made = logs.many_pieces(monkeypatch, LINES)
    true, stored = loading._store, list[int]()

    def dying(*args: object) -> None:
        stored.append(1)
        if len(stored) == 5:
            os.kill(processes[-1], signal.SIGKILL)
        true(*args)  # type: ignore[arg-type]

    processes = list[int]()
    begin = readers.ReaderApart.__init__

    def noted(self: ReaderApart, parser: Parser) -> None:
        begin(self, parser)
        processes.append(self._process.pid)

    monkeypatch.setattr(readers.ReaderApart, "__init__", noted)
    monkeypatch.setattr(loading, "_store", dying)
    with pytest.raises(ReadingFailed):
        loading.run(import_id=made.pk, now_fn=lambda: logs.NOW)
    made.refresh_from_db()
    assert (made.state, made.findings["fault"]) == ("RUNNING", {"error": "ReaderEnded", "times": 1})
    assert 0 < made.chunks_done < made.chunk_count

    loading.run(import_id=made.pk, now_fn=lambda: logs.NOW + timedelta(minutes=10))

    made = LogImport.objects.get()
    assert (made.state, made.kept_count, made.duplicate_count) == ("DONE", LINES, 0)
    assert sorted(row.line_number for row in LogRow.system.all()) == list(range(2, LINES + 2))
