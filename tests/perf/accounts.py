"""Accounts in numbers: 300 people of one application with two workers, and the search among 100,000 accounts."""

from __future__ import annotations

import multiprocessing
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkProcess
from statistics import median

from django.conf import settings
from django.db import connection
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import selectors
from accounts.attributes import users_container
from accounts.demo.copying import CopiedTable, analyse, without_search_indexes
from accounts.demo.names import DEPARTMENTS, draw_name
from accounts.models import DirectoryAccount
from accounts.register import account_search_text
from accounts.tables import ACCOUNTS
from portal.common.pagination import limited_count
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory_factory import reset_directory
from portal.gateways.dns_factory import reset_dns
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, Role
from tests import factories, journeys
from tests.perf.provisioning import connect, plain_adds
from tests.perf.report import Report, in_turn
from tests.roles import client_of

PEOPLE, WORKERS = 300, 2
RUNS = 41
FRAGMENTS = ("鈴木", "高橋", "審査", "美咲")


def measure_application(report: Report, directory: str) -> None:
    """From the last approval to the last verified account, beside a plain loop with as many connections, before and after."""
    cast = journeys.Cast()
    application = journeys.submitted(
        cast, *(journeys.registration_line(cast.recipient) for _ in range(PEOPLE))
    )
    journeys.approve(application, cast.approver)
    before = _plain(1)
    start = time.perf_counter()
    journeys.approve(application, cast.operator)
    together(_work, WORKERS)
    portal = PEOPLE / (time.perf_counter() - start)
    done = Operation.system.filter(
        line__application=application, target="directory", status=OperationStatus.DONE
    ).count()
    assert done == PEOPLE, f"only {done} of {PEOPLE} were done"
    report.add(
        f"{PEOPLE}-person application, approval to the last verified account, {WORKERS} workers",
        portal,
        "accounts/s",
        reference=f"plain ldap3 loop with {WORKERS} connections on the same {directory}",
        reference_value=median([before, _plain(2)]),
    )


def _work(_number: int) -> None:
    hands = int(settings.FULFILMENT["hands"])  # as the worker of the queue does
    while services.drain("directory", now_fn=timezone.now, hands=hands):
        pass


def _plain(round_: int) -> float:
    """Accounts a second of bare adds over two connections at once."""
    share = PEOPLE // WORKERS

    def add(number: int) -> None:
        plain_adds(connect(), [f"two{round_}{number}{n:04}" for n in range(share)])

    start = time.perf_counter()
    together(add, WORKERS)
    return share * WORKERS / (time.perf_counter() - start)


def together(act: Callable[[int], None], count: int) -> None:
    """In processes, as workers are: threads of one would share one interpreter, the plain loop's as well."""
    _finish(_processes(act, count))


@contextmanager
def warm(act: Callable[[], None], count: int) -> Iterator[Callable[[], None]]:
    """Workers that have acted once and so have their connections, as workers of a queue do; the function lets them act again."""
    gate = multiprocessing.get_context("fork").Barrier(count + 1)

    def act_twice(_number: int) -> None:
        act()
        gate.wait()  # all are warm
        gate.wait()  # there is more to do
        act()

    def act_again() -> None:
        gate.wait()
        _finish(workers)

    workers = _processes(act_twice, count)
    gate.wait()
    yield act_again


def _processes(act: Callable[[int], None], count: int) -> list[ForkProcess]:
    connection.close()
    reset_directory()
    reset_dns()
    workers = [multiprocessing.get_context("fork").Process(target=act, args=(n,)) for n in range(count)]
    for worker in workers:
        worker.start()
    return workers


def _finish(workers: list[ForkProcess]) -> None:
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0


def measure_search(report: Report, accounts: int) -> None:
    """A name fragment of two kanji beside an equality lookup over its index: the statements, and whole pages."""
    start = time.perf_counter()
    _fill(accounts - DirectoryAccount.system.count())
    print(f"{accounts:,} accounts after {time.perf_counter() - start:.0f} s", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    operator = factories.user(Role.OPERATOR, code="operations")
    clerk = factories.user(Role.APPLICANT, code="13")
    for who, person in (("operations", operator), ("federation", clerk)):
        _measure_person(report, User.objects.get(pk=person.pk), who, accounts)


def _fill(count: int) -> None:
    """Rows of the register with names as people have them, over all federations; the directory does not know them."""
    dice = random.Random(47)
    line = journeys.submitted(journeys.Cast()).lines.get()
    federations = list(Organisation.objects.filter(kind__in=FEDERATIONS))
    table, now = CopiedTable(DirectoryAccount), timezone.now()
    with without_search_indexes(DirectoryAccount):
        for number in range(count):
            organisation, name = federations[number % len(federations)], draw_name(dice)
            login = f"{name.romaji[:8]}-{name.initial}{number:x}"
            names = {
                "family_name": name.family,
                "given_name": name.given,
                "family_kana": name.family_kana,
                "given_kana": name.given_kana,
                "login_name": login,
                "department": dice.choice(DEPARTMENTS),
            }
            table.add(
                **names,
                created_at=now,
                updated_at=now,
                verified_at=now,
                organisation_id=organisation.pk,
                object_guid=uuid.UUID(int=dice.getrandbits(128), version=4),
                distinguished_name=f"CN={login},{users_container(organisation)}",
                search_text=account_search_text(**names),
                last_line_id=line.pk,
            )
        table.flush()
    analyse([DirectoryAccount])


def _measure_person(report: Report, person: User, who: str, accounts: int) -> None:
    """Each as the list asks for it, from the search to its rows: the fields of its columns, the newest first."""
    listed = ACCOUNTS.with_columns(None).prepared
    names = list(
        selectors.accounts(person).order_by("-pk").values_list("login_name", flat=True)[: len(FRAGMENTS)]
    )
    office = Organisation.objects.get(code="13").pk

    def equal(index: int) -> None:
        rows = selectors.accounts(person).alias(folded=Lower("login_name"))
        list(listed(rows.filter(folded=names[index % len(names)].lower())).order_by("-pk")[:51])

    def equal_page(_index: int) -> None:
        list(listed(selectors.accounts(person).filter(organisation_id=office)).order_by("-pk")[:51])

    def fragment(index: int) -> None:
        list(listed(selectors.accounts(person, q=FRAGMENTS[index % len(FRAGMENTS)])).order_by("-pk")[:51])

    def counted(index: int) -> None:
        limited_count(selectors.accounts(person, q=FRAGMENTS[index % len(FRAGMENTS)]))

    client = client_of(person, SERVER_NAME="127.0.0.1")
    one, page = ("an indexed equality lookup of one row", equal), ("one of as many rows", equal_page)
    for name, act, (reference, lookup) in (
        ("first page of a name fragment of two kanji", fragment, page),
        ("first page of a name fragment of two kanji, beside one row", fragment, one),
        ("its count up to 1,001", counted, one),
    ):
        times = in_turn(act, lookup, runs=RUNS)
        report.add(
            f"account search, {name}, {who}, {accounts:,} accounts",
            times[0],
            "ms",
            reference=reference,
            reference_value=times[1],
        )
    times = in_turn(
        lambda i: client.get("/accounts/", {"q": FRAGMENTS[i % len(FRAGMENTS)]}),
        lambda i: client.get("/accounts/", {"q": names[i % len(names)]}),
        runs=RUNS,
    )
    report.add(
        f"account search, whole page for a name fragment of two kanji, {who}, {accounts:,} accounts",
        times[0],
        "ms",
        reference="whole page for a whole login name",
        reference_value=times[1],
    )
