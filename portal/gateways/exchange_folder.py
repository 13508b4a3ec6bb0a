"""The folder in which the portal and another system exchange files: no half-written file, none twice, none open to others.

    out/       what the portal has written, for the other system; it may take a file away
    in/        what the other system answers
    read/      answers that were read; rejected/ those that could not be. Both are emptied by age
    .staging/  the portal's own: a file is complete here before it appears in out/ by one rename
    .handed-over  the portal's own: which references went out in which file. It outlives a restore of the database

A rename is the moment of handing over: a file that is not in .staging/ any more was handed over, whoever died when.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from portal.gateways.two_factor import Unavailable

OUT, IN, READ, REJECTED, STAGING = "out", "in", "read", "rejected", ".staging"
JOURNAL = ".handed-over"
LARGEST_ANSWER = 20 * 1024 * 1024
_SAFE_NAME = re.compile(r"[^\w.\-]+")
_PROBE_BYTES = b"0" * 4096


class NameTakenByOthers(Exception):
    """A file of this name lies in out/ that the portal did not put there."""


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A file that the other system has put into in/."""

    name: str
    changed_at: datetime
    size: int


class ExchangeFolder:
    """The files of one exchange. Every method raises Unavailable when the folder is missing, full or read-only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ping(self) -> None:
        """Prove that a file can be written; makes the sub-folders that are missing."""
        with _unavailable():
            if not self.path.is_dir():
                raise FileNotFoundError
            for name in (OUT, IN, READ, REJECTED, STAGING):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            probe = self.path / STAGING / f"probe-{os.getpid()}"
            _write(probe, _PROBE_BYTES)
            probe.unlink(missing_ok=True)

    def require(self) -> None:
        """Raise Unavailable when the folder is not there; cheaper than `ping`."""
        with _unavailable():
            if not (self.path / OUT).is_dir():
                self.ping()

    def stage(self, staged: str, data: bytes) -> None:
        """Write a file completely, where the other system does not look."""
        with _unavailable():
            self.require()
            _write(self.path / STAGING / staged, data)

    def unstage(self, staged: str) -> None:
        """Throw a staged file away."""
        with _unavailable():
            (self.path / STAGING / staged).unlink(missing_ok=True)

    def unstage_others(self, name: str) -> None:
        """Throw away what workers that died have staged for a file that was handed over since."""
        with _unavailable():
            for path in (self.path / STAGING).glob(f"{name}.*"):
                path.unlink(missing_ok=True)

    def publish(self, staged: str, name: str) -> None:
        """Hand a staged file over, in one rename. Does nothing when that has happened already.

        Raises NameTakenByOthers.
        """
        source, target = self.path / STAGING / staged, self.path / OUT / name
        with _unavailable():
            self.require()
            if not source.exists():
                return
            if target.exists():
                raise NameTakenByOthers(name)
            with contextlib.suppress(FileNotFoundError):  # another worker was faster
                os.rename(source, target)
            _sync_folder(target.parent)

    def note_handed_over(self, batch: int, references: Iterable[str]) -> None:
        """Write down, before a file is handed over, what is in it: references only, which name nobody."""
        with _unavailable():
            line = " ".join([str(batch), *references]) + "\n"
            with open(
                os.open(self.path / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab"
            ) as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())

    def handed_over(self) -> dict[str, int]:
        """The batch in which each reference was handed over, whatever the database remembers."""
        with _unavailable():
            self.require()
            try:
                facts = os.stat(self.path / JOURNAL)
            except FileNotFoundError:
                return {}
            return _journal(self.path / JOURNAL, facts.st_ino, facts.st_size)

    def remove_published(self, name: str) -> None:
        """Remove a file that the other system has answered, if it left it there."""
        with _unavailable():
            (self.path / OUT / name).unlink(missing_ok=True)

    def incoming(self) -> list[Incoming]:
        """The answers that lie there, oldest first. Names that begin with a dot or end in .tmp or .part are still written."""
        with _unavailable():
            self.require()
            return sorted(_files(self.path / IN), key=lambda file: (file.changed_at, file.name))

    def read(self, file: Incoming) -> bytes:
        """The bytes of an answer, at most LARGEST_ANSWER and one more."""
        with _unavailable(), open(self.path / IN / file.name, "rb") as answer:
            return answer.read(LARGEST_ANSWER + 1)

    def put_away(self, name: str, *, rejected: bool, label: str) -> None:
        """Move an answer to where it is kept until it is old; `label` keeps equal names apart."""
        folder = self.path / (REJECTED if rejected else READ)
        with _unavailable(), contextlib.suppress(FileNotFoundError):
            target = folder / f"{label}-{name}"
            os.rename(self.path / IN / name, target)
            with contextlib.suppress(PermissionError):  # the other system's file, in our folder
                os.chmod(target, 0o600)
            os.utime(target)

    def remove_answers_before(self, moment: datetime) -> int:
        """Remove answers that were put away before then; how many."""
        count = 0
        with _unavailable():
            for name in (READ, REJECTED):
                for file in _files(self.path / name):
                    if file.changed_at < moment:
                        (self.path / name / file.name).unlink(missing_ok=True)
                        count += 1
        return count


def safe_name(name: str) -> str:
    """A name for a file that came from a browser: no path, nothing that a shell or a page would stumble over."""
    return _SAFE_NAME.sub("_", Path(name).name)[-100:].lstrip(".") or "file"


def _files(folder: Path) -> Iterator[Incoming]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower().endswith((".tmp", ".part")):
                continue
            with contextlib.suppress(FileNotFoundError):  # taken away while we look
                if entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    changed = datetime.fromtimestamp(facts.st_mtime, UTC)
                    yield Incoming(name=entry.name, changed_at=changed, size=facts.st_size)


@lru_cache(maxsize=2)
def _journal(path: Path, _inode: int, size: int) -> dict[str, int]:
    """Its lines; the file only ever grows, so its size says which state of it this is."""
    with open(path, "rb") as file:
        whole = file.read(size).decode("ascii", "replace").splitlines(keepends=True)
    lines = [line.split() for line in whole if line.endswith("\n")]  # a torn last line was never handed over
    return {reference: int(batch) for batch, *references in lines for reference in references}


def _write(path: Path, data: bytes) -> None:
    """The whole content on the disk before anybody can find it under its name; readable by the owner only."""
    part = path.with_name(f"{path.name}.part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The rename itself on the disk; network shares that cannot do it are left alone."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Paths and errno only: a file name holds a number, never a person.
        raise Unavailable(error.strerror or type(error).__name__, code="folder") from error
