"""New staff by workbook, 110 or 300: from upload to as many accounts in Samba AD and rows for the two-factor system (ACC-05, ACC-13)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from openpyxl import Workbook

from accounts.demo.names import FAMILY, GIVEN
from accounts.kinds import REGISTER
from accounts.models import DirectoryAccount
from portal.embedded.mailcatcher import MailCatcher
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import NewAccount
from portal.gateways.directory_factory import get_directory
from portal.gateways.two_factor import TARGET as TWO_FACTOR
from portal.two_factor import services as two_factor
from portal.workflow import services as workflow
from portal.workflow.bulk import checking
from portal.workflow.bulk import services as bulk
from portal.workflow.bulk.models import Upload
from portal.workflow.models import Application, Status
from tests import journeys
from tests.bulk.books import HEADER, saved
from tests.sizes import FULL_SIZE
from tests.two_factor.world import use_exchange

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# 110 are more than AD is asked for in one search.
STAFF = 300 if FULL_SIZE else 110
# What is wrong with a row, in which column it must be said.
WRONG: dict[str, tuple[int, Any]] = {
    "no family name": (0, None),
    "a kanji that only one machine knows": (0, "\ue000田"),
    "a reading in kanji": (2, "鈴木"),
    "no reading": (3, None),
    "a login name that is taken in AD": (4, "taken-in-ad"),
    "a login name twice in the file": (4, "n0001-first"),
    "a login name longer than AD takes": (4, "a-login-name-of-twenty-two"),
    "a login name with a sign that AD refuses": (4, "suzuki/hanako"),
    "no department": (5, None),
    "a department longer than AD takes": (5, "課" * 65),
    "a formula instead of a number": (6, "=1+1"),
    "a recipient who is not registered": (7, "nobody@example.jp"),
}


def staff(recipient: str) -> list[list[Any]]:
    """The right rows: full-width letters, half-width kana and leading zeros as people write them."""
    dice = random.Random(20260401)
    rows = []
    for number in range(STAFF):
        family, given = dice.choice(FAMILY), dice.choice(GIVEN)
        name = "n0001-first" if number == 0 else f"ｎ{number:04}-{family[2]}"[:20]
        rows.append([family[0], given[0], family[1], given[1], name, "審査第一課", f"{number:05}", recipient])
    return rows


def workbook(rows: list[list[Any]]) -> bytes:
    """The file that the federation fills in."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(HEADER))
    for row in rows:
        sheet.append(row)
    return saved(book)


def upload(cast: journeys.Cast, data: bytes) -> Upload:
    made = bulk.upload_file(
        kind=REGISTER,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        name="新規採用者.xlsx",
        data=data,
        now=timezone.now(),
    )
    checking.check(upload_id=made.pk, now=timezone.now())
    return Upload.system.get(pk=made.pk)


def broken(rows: list[list[Any]], recipient: str) -> list[list[Any]]:
    """Twelve more rows, each wrong for a reason of its own."""
    more = []
    for number, (column, value) in enumerate(WRONG.values()):
        row: list[Any] = [
            "佐藤",
            "直子",
            "サトウ",
            "ナオコ",
            f"w{number:04}-sato",
            "総務課",
            f"9{number:04}",
            recipient,
        ]
        row[column] = value
        more.append(row)
    return [*rows, *more]


def test_from_the_workbook_to_active_directory_and_the_two_factor_system(
    samba_env: dict[str, str], mail_catcher: MailCatcher, tmp_path: Path, settings: Any
) -> None:
    other_side = use_exchange(settings, tmp_path / "exchange")
    cast = journeys.Cast()
    get_directory().create_account(a_stranger(samba_env), initial_password="Qx34-Ry79-Wt3f")
    recipient = cast.recipient.email

    # Upload: every row is read, every error is told at once, each at its cell and with its own words.
    found = upload(cast, workbook(broken(staff(recipient), recipient)))
    errors = {row["n"]: row["e"] for row in found.rows if row["e"]}
    assert found.error_count == len(WRONG)
    assert sorted(errors) == list(range(STAFF + 2, STAFF + 2 + len(WRONG)))
    said = [" ".join(text for texts in row.values() for text in texts) for row in errors.values()]
    assert len(set(said)) == len(WRONG), said

    # The twelve are taken out on the screen; the others become one application.
    corrected = bulk.correct(
        upload_id=found.pk,
        actor=cast.applicant,
        values={},
        removed=set(errors),
        version=found.version,
        now=timezone.now(),
    )
    checking.check(upload_id=corrected.pk, now=timezone.now())
    application = bulk.take_over(
        upload_id=found.pk,
        actor=cast.applicant,
        version=None,
        reason="4月1日付け採用のため。",
        now=timezone.now(),
    )
    workflow.submit(application_id=application.pk, actor=cast.applicant, version=None, now=timezone.now())
    journeys.approve(application, cast.approver)
    journeys.approve(application, cast.operator)

    # Each row is an operation of its own at each target.
    for _ in range(4):
        fulfilment.drain("directory", limit=1000, now_fn=timezone.now, hands=2)
    application.refresh_from_db()
    assert states(application, "directory") == {OperationStatus.DONE: STAFF}
    assert application.status == Status.PARTLY_COMPLETED  # the two-factor system was not asked yet
    wake(application)
    fulfilment.drain(TWO_FACTOR, limit=1000, now_fn=timezone.now)
    two_factor.exchange(timezone.now())
    references = other_side.references()
    assert len(references) == len(set(references)) == STAFF
    application.refresh_from_db()
    assert application.status == Status.PARTLY_COMPLETED

    other_side.acknowledge()
    two_factor.exchange(timezone.now())
    wake(application)
    fulfilment.drain(TWO_FACTOR, limit=1000, now_fn=timezone.now)
    application.refresh_from_db()
    assert states(application, TWO_FACTOR) == {OperationStatus.DONE: STAFF}
    assert application.status == Status.COMPLETED

    # What really is there: the accounts in AD, each once, each with its mail, none for a refused row.
    container = f"OU=Users,OU=13,{samba_env['AD_ROOT_OU']}"
    entries = [e for e in get_directory().search_accounts(container) if e.login_name.startswith(("n0", "w0"))]
    assert len(entries) == STAFF
    assert len({entry.marker for entry in entries}) == STAFF
    assert not [entry for entry in entries if entry.login_name.startswith("w0")]
    assert {entry.staff_number for entry in entries} == {f"{number:05}" for number in range(STAFF)}
    assert DirectoryAccount.system.filter(last_line__application=application).count() == STAFF
    assert len(mail_catcher.messages(recipient)) == STAFF


@pytest.fixture(autouse=True)
def _nobody_left(samba_env: dict[str, str]) -> Iterator[None]:
    """Samba keeps the accounts, also of a run that broke off."""
    take_away(samba_env)
    yield
    take_away(samba_env)


def take_away(env: dict[str, str]) -> None:
    directory = get_directory()
    for entry in directory.search_accounts(env["AD_ROOT_OU"]):
        if re.fullmatch(r"n\d{4}-.*|taken-in-ad", entry.login_name):
            directory.delete(entry.guid)


def a_stranger(env: dict[str, str]) -> NewAccount:
    """Somebody else's account, which has the name that one row asks for."""
    return NewAccount(
        login_name="taken-in-ad",
        display_name="先客",
        family_name="先",
        given_name="客",
        kana="センキャク",
        department="",
        company="",
        mail=None,
        container_dn=f"OU=Users,OU=14,{env['AD_ROOT_OU']}",
        marker="somebody-elses",
    )


def wake(application: Application) -> None:
    """The time for which an operation waits has come."""
    waiting = Operation.system.filter(line__application=application, target=TWO_FACTOR, status="WAITING")
    waiting.update(not_before=timezone.now())


def states(application: Application, target: str) -> dict[str, int]:
    """How many operations stand where."""
    found: dict[str, int] = {}
    for status in Operation.system.filter(line__application=application, target=target).values_list(
        "status", flat=True
    ):
        found[status] = found.get(status, 0) + 1
    return found
