"""Reading a file beside the import that writes it: in a process of its own, which knows neither Django nor the database.

The import waits for PostgreSQL most of the time; what it is given meanwhile is read by this process on another core. It has no
settings, no password and no connection but the two pipes to the import, and ends with it. A question and an answer are a line of
JSON and the bytes that it announces.
"""

from __future__ import annotations

import base64
import gc
import json
import signal
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice
from typing import IO, Any

from audit.imports.allowed import AllowList
from audit.imports.layout import Layout
from audit.imports.parsing import Covered, Known, KnownHost, Parsed, Parser
from audit.imports.pieces import Piece, parse

AT_ONCE = 64 * 1024  # bytes: about as much as a pipe takes


def main() -> None:
    """The process: says what each piece holds, until nobody asks any more."""
    gc.disable()  # nothing here refers to itself, and to look for what does takes its time
    # It ends when the import does, which may still want this piece.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(BrokenPipeError), open(1, "wb", buffering=AT_ONCE, closefd=False) as answers:
        try:
            _answer_all(sys.stdin.buffer, answers)
        except BrokenPipeError:
            raise
        except Exception as error:
            traceback.print_tb(error.__traceback__)  # where, not what: that may hold values of rows
            send(answers, {"error": type(error).__name__})


def _answer_all(asked: IO[bytes], answers: IO[bytes]) -> None:
    how = receive(asked)
    if how is None:
        return
    parser = _parser(how)
    while (said := receive(asked)) is not None:
        packed = asked.read(said.pop("bytes"))
        _answer(answers, parse(parser, Piece(packed=packed, **said)))


def send(to: IO[bytes], said: Mapping[str, Any], lines: Iterable[bytes] = ()) -> None:
    """A line of JSON, and what it announces."""
    to.write(json.dumps(said).encode() + b"\n")
    to.writelines(lines)
    to.flush()


def receive(source: IO[bytes]) -> dict[str, Any] | None:
    """A line of JSON; None when the other side has ended."""
    line = source.readline()
    if not line.endswith(b"\n"):
        return None
    said: dict[str, Any] = json.loads(line)
    return said


def answer_of(source: IO[bytes], said: dict[str, Any]) -> Parsed:
    """What the process told of a piece. Raises EOFError when it ended in the middle."""
    held = [(line, host, at, base64.b64decode(raw)) for line, host, at, raw in said.pop("held")]
    coverage = [Covered(*each) for each in said.pop("coverage")]
    problems = [(line, code, detail) for line, code, detail in said.pop("problems")]
    count = said.pop("rows")
    rows = list(islice(source, count))
    if len(rows) < count or (rows and not rows[-1].endswith(b"\n")):
        raise EOFError
    return Parsed(rows=rows, held=held, coverage=coverage, problems=problems, **said)


def _answer(to: IO[bytes], parsed: Parsed) -> None:
    held = [(line, host, at, base64.b64encode(raw).decode()) for line, host, at, raw in parsed.held]
    send(to, vars(parsed) | {"held": held, "rows": len(parsed.rows)}, parsed.rows)


def _parser(how: dict[str, Any]) -> Parser:
    known = how.pop("known")
    hosts = {key: KnownHost(*values) for key, values in known["hosts"].items()}
    layout = Layout.from_json(how.pop("log_kind"), how.pop("layout"))
    is_resumed = how.pop("is_resumed")
    allowed = AllowList(known["allowed"])
    parser = Parser(layout=layout, known=Known(hosts, allowed, known["earliest"], known["latest"]), **how)
    if is_resumed:
        parser.forget_numbers()
    return parser


if __name__ == "__main__":
    main()
