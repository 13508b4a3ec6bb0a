"""An exchange folder with somebody at its other end, and operations that go there."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.kinds import REGISTER
from accounts.models import DirectoryAccount
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.recording import change_status
from portal.gateways.two_factor import TARGET
from portal.two_factor import services
from portal.workflow.models import Application, Status
from tests import factories


@dataclass
class Counterpart:
    """The two-factor system's side of the folder."""

    folder: Path

    def files(self) -> list[str]:
        """What lies there for us."""
        return sorted(file.name for file in (self.folder / "out").iterdir())

    def rows(self, name: str) -> list[dict[str, str]]:
        """A batch file as a table."""
        text = (self.folder / "out" / name).read_bytes().decode("cp932")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def references(self) -> list[str]:
        """Every reference in every file, in order; a row that was written twice is there twice."""
        return [row["照合番号"] for name in self.files() for row in self.rows(name)]

    def answer(
        self,
        lines: Iterable[tuple[str, ...]],
        *,
        name: str = "ack-1.csv",
        header: tuple[str, ...] = ("照合番号", "結果", "理由"),
        age: timedelta = timedelta(minutes=1),
    ) -> Path:
        """Put an acknowledgement file into the folder."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\r\n").writerows([header, *lines])
        return self.put(name, out.getvalue().encode("cp932"), age)

    def put(self, name: str, data: bytes, age: timedelta = timedelta(minutes=1)) -> Path:
        """Put any bytes there, as if they had been written a while ago."""
        path = self.folder / "in" / name
        path.write_bytes(data)
        moment = (timezone.now() - age).timestamp()
        os.utime(path, (moment, moment))
        return path

    def acknowledge(self, result: str = "OK", reason: str = "", *, name: str = "ack-1.csv") -> None:
        """Answer every row of every file."""
        self.answer([(reference, result, reason) for reference in self.references()], name=name)


def use_exchange(settings: Any, folder: Path, **changes: Any) -> Counterpart:
    """The portal's settings name an empty exchange folder; a batch closes at once."""
    folder.mkdir(exist_ok=True)
    values = {"adapter": "exchange", "folder": str(folder), "batch_seconds": 0}
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, **values, **changes}
    from portal.two_factor import factory

    factory.exchange_folder().ping()
    return Counterpart(folder)


def registered(n: int = 1, *, code: str = "13", directory: str = OperationStatus.DONE) -> list[Operation]:
    """`n` lines of one registration, done in Active Directory; gives their operations at the two-factor system."""
    paper = factories.application(code, kind=REGISTER, status=Status.FULFILLING)
    made = []
    for _ in range(n):
        account = factories.directory_account(code)
        line = factories.line(
            {"login_name": account.login_name}, application=paper, subject=account.login_name
        )
        DirectoryAccount.system.filter(pk=account.pk).update(last_line=line)
        evidence = {"object_guid": str(account.object_guid)}
        settled = timezone.now() if directory in ("DONE", "CLOSED") else None
        factories.operation(line, status=directory, evidence=evidence, settled_at=settled)
        made.append(factories.operation(line, target=TARGET))
    return made


def drain(now: datetime | None = None) -> int:
    """What a worker does at this moment."""
    return fulfilment.drain(TARGET, now_fn=timezone.now if now is None else lambda: now)


def beat(now: datetime | None = None) -> services.Round:
    """What happens each minute, and what the woken worker does then."""
    round_ = services.exchange(now or timezone.now())
    drain(now)
    return round_


def fresh(operation: Operation) -> Operation:
    """The operation as it stands now."""
    return Operation.system.get(pk=operation.pk)


def state(operation: Operation) -> tuple[str, str]:
    """Status and code of an operation as they stand now."""
    found = fresh(operation)
    return found.status, found.error_code


def application_of(operation: Operation) -> Application:
    """Its application as it stands now."""
    return Application.system.get(lines__operations=operation)


def settle_directory(operation: Operation, status: str) -> None:
    """Active Directory's operation of the same line is settled, with everybody told."""
    with transaction.atomic():
        first = Operation.system.get(line_id=operation.line_id, target="directory", step=operation.step)
        change_status(first, status, timezone.now(), settled_at=timezone.now())
