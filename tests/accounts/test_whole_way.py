"""From the draft to the logon: real LDAP over TLS, real SMTP, the real engine; and no password anywhere else (ACC-10)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import asking
from accounts.kinds import PASSWORD_RESET, REGISTER, TARGET
from accounts.models import DirectoryAccount
from portal.embedded.directory.faults import Fault
from portal.embedded.directory.server import DemoDirectory
from portal.embedded.mailcatcher import MailCatcher
from portal.embedded.valkey import EmbeddedValkey
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation, OperationStatus, TargetState
from portal.gateways import directory_factory
from portal.gateways.directory import BindResult, Directory
from portal.orgs.models import User
from portal.workflow import selectors, services
from portal.workflow.models import Application, StageStatus, Status
from portal.workflow.services import Content
from tests import factories
from tests.accounts.world import LINE
from tests.lab import use_directory

pytestmark = pytest.mark.django_db

PASSWORD_LINE = re.compile(r"^\s*([A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4})\s*$", re.MULTILINE)
OWN_CHOICE = "Own.Choice-77"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoDirectory]:
    with DemoDirectory(tmp_path_factory.mktemp("directory")) as running:
        yield running


@pytest.fixture
def domain(server: DemoDirectory, settings: Any) -> Iterator[Directory]:
    """The portal's own directory, over LDAPS."""
    use_directory(settings, server.env)
    asking.forget()
    yield directory_factory.get_directory()
    server.faults.clear()
    for entry in list(directory_factory.get_directory().search_accounts(server.env["AD_ROOT_OU"])):
        directory_factory.get_directory().delete(entry.guid)
    directory_factory.reset_directory()


class Office:
    """The people of one federation, and what they do in the portal."""

    def __init__(self) -> None:
        self.applicant, self.approver, self.operator = (
            factories.applicant(),
            factories.approver(),
            factories.operator(),
        )
        self.recipient = factories.recipient()

    def register(self, **changes: Any) -> Application:
        line = {**LINE, "recipient_id": self.recipient.pk, **changes}
        return self.decided(REGISTER, line, [self.approver, self.operator])

    def reset(self, login_name: str) -> Application:
        line = {"login_name": login_name, "recipient_id": self.recipient.pk}
        return self.decided(PASSWORD_RESET, line, [self.approver])

    def decided(self, kind: str, line: dict[str, Any], deciders: list[User]) -> Application:
        draft = services.create_draft(
            kind=kind,
            organisation_id=self.applicant.organisation_id,
            actor=self.applicant,
            content=Content(reason="着任のため", lines=(line,)),
            now=timezone.now(),
        )
        application = services.submit(
            application_id=draft.pk, actor=self.applicant, version=None, now=timezone.now()
        )
        for decider in deciders:
            application = self.approve(application, decider)
        return application

    def approve(self, application: Application, decider: User) -> Application:
        view = selectors.decision_view(decider, application, timezone.now())
        return services.approve(
            application_id=application.pk,
            stage_id=application.stages.get(status=StageStatus.OPEN).pk,
            actor=decider,
            content_hash=application.content_hash,
            plan_digest=view.plan_digest,
            comment="",
            now=timezone.now(),
        )


def carry_out() -> None:
    """What the workers do, whatever was put off until later."""
    Operation.system.filter(status__in=[OperationStatus.WAITING, OperationStatus.OUTCOME_UNKNOWN]).update(
        not_before=timezone.now()
    )
    TargetState.objects.all().delete()
    fulfilment.drain(TARGET, limit=20, now_fn=timezone.now)


def passwords_mailed_to(catcher: MailCatcher, address: str) -> list[str]:
    """Newest first."""
    return [
        found.group(1)
        for mail in catcher.messages(address)
        if (found := PASSWORD_LINE.search(mail.text)) is not None
    ]


def test_the_person_logs_on_with_the_mailed_password_once_and_chooses_their_own(
    domain: Directory, mail_catcher: MailCatcher
) -> None:
    office = Office()
    application = office.register()

    carry_out()

    application.refresh_from_db()
    entry = domain.find_by_login_name(LINE["login_name"])
    assert entry is not None
    assert application.status == Status.COMPLETED
    assert (entry.display_name, entry.kana, entry.department) == ("鈴木 美咲", "スズキ ミサキ", "審査第二課")
    assert entry.company == factories.organisation("13").name
    assert DirectoryAccount.system.get().object_guid == entry.guid
    (password,) = passwords_mailed_to(mail_catcher, office.recipient.email)
    assert domain.authenticate(entry.login_name, password) == BindResult.MUST_CHANGE
    domain.change_password(entry.guid, old_password=password, new_password=OWN_CHOICE)
    assert domain.authenticate(entry.login_name, OWN_CHOICE) == BindResult.OK


def test_a_forgotten_password_is_reset_with_one_mail(domain: Directory, mail_catcher: MailCatcher) -> None:
    office = Office()
    office.register()
    carry_out()
    entry = domain.find_by_login_name(LINE["login_name"])
    assert entry is not None
    first = passwords_mailed_to(mail_catcher, office.recipient.email)[0]
    domain.change_password(entry.guid, old_password=first, new_password=OWN_CHOICE)

    office.reset(LINE["login_name"].upper())
    carry_out()

    newest, *_ = passwords_mailed_to(mail_catcher, office.recipient.email)
    assert newest != first
    assert domain.authenticate(entry.login_name, newest) == BindResult.MUST_CHANGE
    assert not Operation.system.exclude(status=OperationStatus.DONE).exists()


@pytest.mark.parametrize("action", ["lose_request", "lose_reply", "hang"])
def test_a_broken_connection_in_the_middle_of_the_add_leaves_one_account_and_one_valid_password(
    server: DemoDirectory, domain: Directory, mail_catcher: MailCatcher, action: Any
) -> None:
    office = Office()
    office.register()
    server.faults.add(Fault("add", action))
    carry_out()
    assert Operation.system.get().status == OperationStatus.OUTCOME_UNKNOWN

    carry_out()

    assert Operation.system.get().status == OperationStatus.DONE
    (password,) = passwords_mailed_to(mail_catcher, office.recipient.email)
    assert domain.authenticate(LINE["login_name"], password) == BindResult.MUST_CHANGE
    assert len(list(domain.search_accounts(server.env["AD_ROOT_OU"]))) == 1


@pytest.mark.parametrize("action", ["lose_request", "lose_reply"])
def test_a_broken_connection_in_the_middle_of_a_reset_leaves_one_valid_password(
    server: DemoDirectory, domain: Directory, mail_catcher: MailCatcher, action: Any
) -> None:
    office = Office()
    office.register()
    carry_out()
    office.reset(LINE["login_name"])
    server.faults.add(Fault("modify", action))
    carry_out()

    carry_out()

    newest, *_ = passwords_mailed_to(mail_catcher, office.recipient.email)
    assert domain.authenticate(LINE["login_name"], newest) == BindResult.MUST_CHANGE
    assert not Operation.system.exclude(status=OperationStatus.DONE).exists()


def test_a_refused_address_and_a_mail_server_that_is_away_lose_nothing(
    domain: Directory, mail_catcher: MailCatcher
) -> None:
    office = Office()
    office.register()
    mail_catcher.stop()
    carry_out()
    assert Operation.system.get().error_code == "mail_unavailable"
    mail_catcher.start()
    with mail_catcher.refusing(office.recipient.email):
        carry_out()
    operation = Operation.system.get()
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "recipient_refused")

    fulfilment.retry(operation_id=operation.pk, actor=office.operator, now=timezone.now())
    carry_out()

    (password,) = passwords_mailed_to(mail_catcher, office.recipient.email)
    assert domain.authenticate(LINE["login_name"], password) == BindResult.MUST_CHANGE


def test_applications_run_on_up_to_approval_while_the_directory_is_down(  # ACC-12
    server: DemoDirectory, domain: Directory, mail_catcher: MailCatcher
) -> None:
    office = Office()
    server.faults.refuse_connections = True
    domain.close()
    application = office.register()
    carry_out()
    assert Operation.system.get().status == OperationStatus.WAITING
    server.faults.clear()

    carry_out()

    application.refresh_from_db()
    assert application.status == Status.COMPLETED


def everything_stored() -> str:
    """Every row of every table as text."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            texts += [row for (row,) in cursor.fetchall()]
    return "\n".join(texts)


def test_no_password_is_found_anywhere_but_in_the_mail(  # ACC-10
    server: DemoDirectory,
    domain: Directory,
    mail_catcher: MailCatcher,
    valkey: EmbeddedValkey,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    office = Office()
    office.register()
    server.faults.add(Fault("add", "lose_reply"))
    carry_out()
    mail_catcher.stop()
    carry_out()
    mail_catcher.start()
    carry_out()
    office.reset(LINE["login_name"])
    with mail_catcher.refusing(office.recipient.email):
        carry_out()
    operation = Operation.system.get(kind=PASSWORD_RESET)
    fulfilment.retry(operation_id=operation.pk, actor=office.operator, now=timezone.now())

    carry_out()

    passwords = passwords_mailed_to(mail_catcher, office.recipient.email)
    assert len(passwords) == 2
    kept_in_redis = b"".join(
        path.read_bytes() for path in Path(valkey.directory).rglob("*") if path.is_file()
    )
    stored = everything_stored()
    assert LINE["login_name"] in stored  # the search finds what is there
    for password in passwords:
        assert password not in stored
        assert password not in caplog.text
        assert password.encode() not in kept_in_redis
    assert not PASSWORD_LINE.search(stored.replace(" ", "\n"))
