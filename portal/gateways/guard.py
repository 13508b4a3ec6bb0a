"""The port to whatever keeps unknown machines out of the network: it is given the whitelist and says whether it obeys (MAC-07).

A list goes through four moments: staged and checked where the guard does not look, swapped in by one rename, activated, and
proven by asking the guard itself. Each that fails raises GuardError and names its step; what was in force before stays so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

_DETAIL_LENGTH = 300


class Step(StrEnum):
    """Where on its way a list is."""

    HOLD = "HOLD"  # not even begun: a person is asked first
    WRITE = "WRITE"
    CHECK = "CHECK"
    SWAP = "SWAP"
    RELOAD = "RELOAD"
    PROBE = "PROBE"


class Form(StrEnum):
    """How the list is written."""

    CSV = "csv"
    JSON = "json"
    RADIUS = "radius"
    NFTABLES = "nftables"


class GuardError(Exception):
    """The list is not in force. `step` says how far it came, `detail` what the guard said (no person is named there)."""

    def __init__(self, step: Step, detail: str) -> None:
        super().__init__(f"{step}: {detail}")
        self.step, self.detail = step, " ".join(detail.split())[-_DETAIL_LENGTH:]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A machine's addresses: MAC as twelve lower hex digits with colons, and its IPv4 address."""

    mac: str
    ip: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the guard must answer when a version of the list is in force."""

    version: int
    must_pass: Sequence[Pair] = ()
    must_fail: Sequence[Pair] = ()


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A list that lies complete where the guard does not look."""

    path: Path
    size: int
    sha256: str


class Guard(Protocol):
    """One guard of this installation."""

    name: str
    form: Form
    can_prove: bool  # False: it takes a file and says nothing

    def stage(self, chunks: Iterable[bytes]) -> Staged:
        """Write the list. Raises GuardError."""

    def check(self, staged: Staged) -> None:
        """Have the consumer's own checker read it. Raises GuardError."""

    def swap(self, staged: Staged) -> None:
        """Put it in the place of the old one, at once and whole. Raises GuardError."""

    def activate(self, proof: Proof) -> None:
        """Have it read the list, and ask it until it answers as it must. Raises GuardError."""

    def verify(self, proof: Proof) -> None:
        """Only ask. Raises GuardError when it does not answer as it must."""

    def holds(self, sha256: str) -> bool:
        """Whether the list that lies there is this one, to the byte."""


@dataclass
class FileGuard:
    """What guards have in common that read a file."""

    path: Path
    staged_path: Path = field(default=Path())
    check_command: str = ""
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if self.staged_path == Path():
            self.staged_path = self.path.with_name(f".{self.path.name}.new")

    def stage(self, chunks: Iterable[bytes]) -> Staged:
        """On the disk, whole, readable by the owner only (or as the list in force is)."""
        digest, size = hashlib.sha256(), 0
        try:
            self.staged_path.unlink(missing_ok=True)
            handle = os.open(self.staged_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "wb") as out:
                self._as_before(out.fileno())
                for chunk in chunks:
                    digest.update(chunk)
                    size += out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise GuardError(Step.WRITE, error.strerror or type(error).__name__) from error
        return Staged(path=self.staged_path, size=size, sha256=digest.hexdigest())

    def check(self, staged: Staged) -> None:
        """Run the command; {file} in it is the staged list."""
        if self.check_command:
            run(self.check_command.replace("{file}", str(staged.path)), Step.CHECK, self.timeout)

    def swap(self, staged: Staged) -> None:
        """One rename."""
        try:
            os.rename(staged.path, self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise GuardError(Step.SWAP, error.strerror or type(error).__name__) from error

    def holds(self, sha256: str) -> bool:
        """Whether the list that lies there is this one, to the byte."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            return False

    def _as_before(self, handle: int) -> None:
        """Owner and rights of the list in force: the guard reads under an account of its own."""
        with contextlib.suppress(OSError):
            seen = self.path.stat()
            os.fchmod(handle, seen.st_mode & 0o777)
            if os.geteuid() == 0:
                os.fchown(handle, seen.st_uid, seen.st_gid)


class FolderGuard(FileGuard):
    """A file for a product with an import of its own: handed over whole, and nothing is heard of it."""

    name = "folder"
    form = Form.CSV
    can_prove = False

    def activate(self, proof: Proof) -> None:
        """The product reads the file when it likes."""

    def verify(self, proof: Proof) -> None:
        """The file must still lie there. Raises GuardError."""
        if not self.path.is_file():
            raise GuardError(Step.SWAP, "the file is not there")


def run(
    command: str | Sequence[str], step: Step, timeout: float, *, telling: re.Pattern[str] | None = None
) -> str:
    """Run a command of the settings without a shell and give what it said.

    Raises GuardError with the first line that `telling` finds in what it said, else with the end of it.
    """
    words = shlex.split(command) if isinstance(command, str) else list(command)
    try:
        done = subprocess.run(  # noqa: S603 (a command of the settings, never of a request)
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",  # whatever it prints, its failure must be told
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GuardError(step, f"{words[0]}: no answer after {timeout:.0f} s") from error
    except OSError as error:
        raise GuardError(step, f"{words[0]}: {error.strerror or type(error).__name__}") from error
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}"
        found = telling.search(said) if telling else None
        raise GuardError(step, f"{Path(words[0]).name}: {found.group() if found else said[-_DETAIL_LENGTH:]}")
    return done.stdout


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
