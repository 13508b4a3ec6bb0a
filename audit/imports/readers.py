"""Where the pieces of a file are read: here, or beside (`reader`)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audit.imports import reader
from audit.imports.parsing import Parsed, Parser
from audit.imports.pieces import Piece, parse

_ROOT = Path(__file__).resolve().parents[2]


class ReadingFailed(Exception):
    """The process ended, or met what nobody expected. `kind`: the class of the error; its text may hold values of rows."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class ReaderHere:
    """Reads in this process: what is over before another one would have begun."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._asked: list[Piece] = []

    def ask(self, piece: Piece) -> None:
        """Have a piece read."""
        self._asked.append(piece)

    def take(self) -> Parsed:
        """What the piece holds that was asked for first."""
        return parse(self._parser, self._asked.pop(0))

    def __enter__(self) -> ReaderHere:
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.clear()


class ReaderApart:
    """Reads in a process of its own, one piece ahead. `parser` says how; it stays as it is."""

    def __init__(self, parser: Parser) -> None:
        command = [sys.executable, "-s", "-m", "audit.imports.reader"]
        # No environment: it would bring the passwords of the portal along.
        self._process = subprocess.Popen(  # noqa: S603
            command,
            cwd=_ROOT,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=reader.AT_ONCE,
        )
        self._send(parser.told())

    def ask(self, piece: Piece) -> None:
        """Have a piece read, when what was asked for before it was taken. Raises ReadingFailed."""
        told = asdict(piece)
        packed = told.pop("packed")
        self._send({**told, "bytes": len(packed)}, packed)

    def take(self) -> Parsed:
        """What the piece holds that was asked for. Raises ReadingFailed."""
        answers = self._process.stdout
        assert answers is not None
        said = reader.receive(answers)
        if said is None:
            raise ReadingFailed("ReaderEnded")
        if "error" in said:
            raise ReadingFailed(said["error"])
        try:
            return reader.answer_of(answers, said)
        except EOFError:
            raise ReadingFailed("ReaderEnded") from None

    def _send(self, said: Mapping[str, Any], data: bytes = b"") -> None:
        assert self._process.stdin is not None
        try:
            reader.send(self._process.stdin, said, [data])
        except BrokenPipeError:
            raise ReadingFailed("ReaderEnded") from None

    def __enter__(self) -> ReaderApart:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # it holds nothing that could be lost
        self._process.communicate()
