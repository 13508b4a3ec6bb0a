"""A canary password is found nowhere but in the LDAP request and the delivered mail (ACC-10)."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.delivery import codes
from accounts.delivery.models import DeliveryChoice, DeliveryMode, InitialPassword
from portal.embedded.directory.faults import Fault
from portal.embedded.valkey import EmbeddedValkey
from portal.fulfilment import services
from portal.gateways.directory import BindResult
from portal.notices import secrets
from portal.orgs.permissions import Role
from tests import factories, journeys
from tests.fakes import FakeDirectory, administrators_ou
from tests.lab import Lab
from tests.roles import client_of

CANARY = "KnRy-4747-XqTh"
CODE = "KQXR-7497"


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    for name in ("ldap3", "django", "celery", "portal", "accounts", "mail.log"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def whole_database() -> str:
    """Every row of every table as text, events and trail and sessions too."""
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')
            texts.append(f"{table}: {cursor.fetchone()[0]}")
    return "\n".join(texts)


def whole_broker() -> str:
    """Every key of the broker and the cache, as the server would write it to disk."""
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    texts = []
    for number in range(16):
        client.select(number) if hasattr(client, "select") else client.execute_command("SELECT", number)
        texts += [f"{key!r} {client.dump(key)!r}" for key in client.keys("*")]
    return "\n".join(texts)


@pytest.mark.slow
@pytest.mark.parametrize("mishap", ["none", "unexpected error", "mail server down", "address refused"])
def test_the_canary_lives_in_the_mail_and_in_the_directory_only(
    lab: Lab,
    valkey: EmbeddedValkey,
    everything_logged: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mishap: str,
) -> None:
    monkeypatch.setattr("accounts.provisioning.generate_initial_password", lambda **_: CANARY)
    application = journeys.approved(lab.cast)
    name = application.lines.get().payload["login_name"]
    if mishap == "mail server down":
        lab.mail.stop()
    if mishap == "unexpected error":

        def explode(**values: object) -> None:
            raise RuntimeError(f"holding {values}")  # as careless as a library can be

        monkeypatch.setattr(secrets, "deliver_initial_password", explode)
    refused = [lab.cast.recipient.email] if mishap == "address refused" else ["nobody@kokuho13.example.jp"]

    with lab.mail.refusing(*refused):
        services.drain("directory", now_fn=timezone.now)

    assert lab.directory.authenticate(name, CANARY) == BindResult.MUST_CHANGE, "the canary was never written"
    mails = [mail.text for mail in lab.mail.messages()]
    assert [CANARY in text for text in mails].count(True) == (1 if mishap == "none" else 0)
    logged = everything_logged.text + "".join(str(record.__dict__) for record in everything_logged.records)
    assert "operation" in whole_database()
    assert CANARY not in whole_database()
    assert CANARY not in whole_broker()
    assert CANARY not in logged
    state = Path(os.environ["PORTAL_STATE_DIR"])
    files = [path for path in state.rglob("*") if path.is_file()] if state.exists() else []
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


@pytest.mark.slow
@pytest.mark.parametrize("mishap", ["none", "no answer"])
def test_the_canary_of_a_pickup_is_in_that_one_answer_and_in_the_directory_only(
    lab: Lab,
    valkey: EmbeddedValkey,
    everything_logged: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    mishap: str,
) -> None:
    person = factories.user(Role.PASSWORD_RECIPIENT, email=lab.cast.recipient.email)
    DeliveryChoice.system.create(
        organisation=lab.cast.recipient.organisation,
        mode=DeliveryMode.PICKUP,
        made_at=timezone.now(),
        made_by=person,
    )
    monkeypatch.setattr(codes, "draw_code", _known(codes.draw_code))
    application = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)
    name = application.lines.get().payload["login_name"]
    monkeypatch.setattr("accounts.delivery.pickup.generate_initial_password", lambda **_: CANARY)
    client = client_of(person)
    address = f"/initial-passwords/{InitialPassword.system.get().pk}/"
    if mishap == "no answer":
        lab.directory_server.faults.add(Fault(operation="modify", action="lose_reply"))

    answer = client.post(address, {"code": CODE, "draw": 0})

    assert lab.directory.authenticate(name, CANARY) == BindResult.MUST_CHANGE, "the canary was never written"
    assert (CANARY in answer.content.decode()) == (mishap == "none")
    assert CANARY not in str(answer.headers) + client.get(address).content.decode()
    logged = everything_logged.text + "".join(str(record.__dict__) for record in everything_logged.records)
    everywhere = whole_database() + whole_broker() + logged
    everywhere += "".join(mail.text for mail in lab.mail.messages() if "受取コード" not in mail.subject)
    assert CANARY not in everywhere
    assert CODE.replace("-", "") not in everywhere, "the code was kept"
    assert CODE in lab.mail.messages()[0].text or any(CODE in mail.text for mail in lab.mail.messages())


def _known(draw: Any) -> Any:
    """Draws as always, from glyphs that make the known code."""

    def known(*args: Any) -> str:
        with pytest.MonkeyPatch.context() as patch:
            glyphs = iter(CODE.replace("-", ""))
            patch.setattr("accounts.delivery.codes.secrets.choice", lambda _glyphs: next(glyphs))
            return str(draw(*args))

    return known


def test_the_canary_typed_at_the_login_is_on_no_error_page_and_in_no_log(
    db: None, everything_logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(FakeDirectory):
        def authenticate(self, login_name: str, password: str) -> BindResult:
            held = f"also here: {password}"
            raise RuntimeError(f"something nobody foresaw, {len(held)} characters long")

    directory = Broken()
    monkeypatch.setattr("portal.gateways.directory_factory.get_directory", lambda: directory)
    entry = directory.add("shinsei13", container_dn=administrators_ou("13"))
    factories.user(Role.APPLICANT, login_name="shinsei13", directory_guid=entry.guid)
    client = Client(raise_request_exception=False)

    answer = client.post("/auth/login/", {"login": "shinsei13", "password": CANARY})

    assert answer.status_code == 500
    logged = everything_logged.text
    assert "something nobody foresaw" in logged, "the error was not logged at all"
    assert CANARY not in answer.content.decode()
    assert CANARY not in logged
    assert CANARY not in whole_database()
