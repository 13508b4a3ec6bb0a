"""Approved applications to verified accounts, beside a plain ldap3 loop that does the same single add on the same directory."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import ldap3
from django.utils import timezone

from accounts.passwords import generate_initial_password
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from tests import journeys
from tests.perf.report import Report

ROUNDS, BATCH = 5, 20


def measure(report: Report, directory: str) -> None:
    """Batches in turn (plain, portal, plain, …), so that a machine that gets slower does so for both."""
    cast = journeys.Cast()
    connection = connect()
    plain: list[float] = []
    portal: list[float] = []
    _plain_batch(connection, 0)
    for number in range(1, ROUNDS + 1):
        plain.append(BATCH / _plain_batch(connection, number))
        portal.append(BATCH / _portal_batch(cast))
    connection.unbind()
    report.add(
        "provisioning, one worker, approval to verified and mailed",
        median(portal),
        "accounts/s",
        reference=f"plain ldap3 add loop on the same {directory}",
        reference_value=median(plain),
    )


def _portal_batch(cast: journeys.Cast) -> float:
    lines = [journeys.registration_line(cast.recipient) for _ in range(BATCH)]
    application = journeys.approved(cast, *lines)
    start = time.perf_counter()
    services.drain("directory", now_fn=timezone.now, hands=2)
    seconds = time.perf_counter() - start
    done = Operation.system.filter(line__application=application, status=OperationStatus.DONE).count()
    assert done == BATCH, f"only {done} of {BATCH} were done"
    return seconds


def _plain_batch(connection: Any, number: int) -> float:
    return plain_adds(connection, [f"plain{number:02}{n:03}" for n in range(BATCH)])


def plain_adds(connection: Any, names: Sequence[str]) -> float:
    """Seconds of bare adds with password, one after the other."""
    people = [(name, generate_initial_password(login_name=name)) for name in names]
    start = time.perf_counter()
    for login_name, password in people:
        ok, result, _, _ = connection.add(
            f"CN={login_name},OU=Users,OU=13,{os.environ['AD_ROOT_OU']}",
            ["top", "person", "organizationalPerson", "user"],
            {
                "sAMAccountName": login_name,
                "userPrincipalName": f"{login_name}@{os.environ['AD_DOMAIN']}",
                "displayName": "鈴木 美咲",
                "sn": "鈴木",
                "givenName": "美咲",
                "department": "審査第二課",
                "employeeNumber": f"plain-{login_name}",
                "userAccountControl": 512,
                "pwdLastSet": 0,
                "unicodePwd": f'"{password}"'.encode("utf-16-le"),
            },
        )
        assert ok, result
    return time.perf_counter() - start


def connect() -> Any:
    """A connection of the service account, as the adapter makes it."""
    tls = ldap3.Tls(
        validate=ssl.CERT_REQUIRED,
        ca_certs_file=os.environ["AD_CA_FILE"],
        valid_names=[os.environ["AD_TLS_SERVER_NAME"]],
    )
    server = ldap3.Server(os.environ["AD_LDAP_URLS"], use_ssl=True, tls=tls, get_info=ldap3.NONE)
    return ldap3.Connection(
        server,
        os.environ["AD_BIND_DN"],
        os.environ["AD_BIND_PASSWORD"],
        client_strategy=ldap3.SAFE_SYNC,
        auto_bind=True,
    )
