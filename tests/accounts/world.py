"""A line that was approved and waits to be carried out, and a post office that remembers what it delivered."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from accounts.kinds import PASSWORD_RESET, REGISTER
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from portal.notices.models import Notice, NoticeStatus
from portal.orgs.models import Organisation, PasswordRecipient
from portal.workflow.models import Status
from tests import factories
from tests.fakes import FakeDirectory

LINE = {
    "family_name": "鈴木",
    "given_name": "美咲",
    "family_kana": "スズキ",
    "given_kana": "ミサキ",
    "login_name": "tk0412-suzuki",
    "department": "審査第二課",
    "description": "",
}


@dataclass
class PostOffice:
    """Stands in for portal.notices.secrets.deliver_initial_password."""

    delivered: list[tuple[str, str]] = field(default_factory=list)  # address, password
    codes: list[tuple[str, str]] = field(default_factory=list)  # address, pickup code
    errors: list[Exception] = field(default_factory=list)  # raised by the next deliveries
    errors_after: list[Exception] = field(default_factory=list)  # raised although the mail arrived
    meanwhile: Any = None  # called once, just before the mail goes out

    def deliver(self, *, to_address: str, password: str, organisation: Organisation, **rest: Any) -> Notice:
        if self.meanwhile is not None:
            action, self.meanwhile = self.meanwhile, None
            action()
        if self.errors:
            raise self.errors.pop(0)
        self.delivered.append((to_address, password))
        if self.errors_after:
            raise self.errors_after.pop(0)
        return Notice.system.create(
            template="initial_password",
            to_address=to_address,
            organisation=organisation,
            application_number=rest["application_number"],
            created_at=rest["now"],
            not_before=rest["now"],
            status=NoticeStatus.SENT,
        )

    def deliver_code(self, *, to_address: str, code: str, **rest: Any) -> Notice:
        rest.pop("ends_on")
        self.codes.append((to_address, code))
        try:
            notice = self.deliver(to_address=to_address, password="", **rest)
        except Exception:
            self.codes.pop()
            raise
        self.delivered.pop()
        return notice

    @property
    def last_password(self) -> str:
        return self.delivered[-1][1]


def registration(recipient: PasswordRecipient | None = None, **changes: Any) -> Operation:
    """An approved registration whose operation waits."""
    recipient = recipient or factories.recipient()
    paper = factories.application(kind=REGISTER, status=Status.FULFILLING)
    payload = {**LINE, "recipient_id": recipient.pk, **changes}
    return factories.operation(factories.line(payload, application=paper, subject_key=payload["login_name"]))


def reset(guid: uuid.UUID, login_name: str, recipient: PasswordRecipient | None = None) -> Operation:
    """An approved password reset whose operation waits."""
    recipient = recipient or factories.recipient()
    paper = factories.application(kind=PASSWORD_RESET, status=Status.FULFILLING)
    payload = {
        "login_name": login_name,
        "recipient_id": recipient.pk,
        "account_guid": str(guid),
        "display_name": "鈴木 美咲",
    }
    return factories.operation(factories.line(payload, application=paper))


def attempt(operation: Operation) -> Operation:
    """One attempt of a worker, whatever was planned for when; the operation as it stands afterwards."""
    Operation.system.filter(pk=operation.pk).update(not_before=timezone.now())
    services.run_next(target=operation.target, now_fn=timezone.now)
    return Operation.system.get(pk=operation.pk)


def the_account(directory: FakeDirectory) -> Any:
    """The only one."""
    (entry,) = directory.entries.values()
    return entry


class Killed(BaseException):
    """As SIGKILL: nothing of ours runs any more."""


def killed(*args: Any, **kwargs: Any) -> Any:
    """In the place of what a worker was doing."""
    raise Killed


def restart(operation: Operation) -> None:
    """What the sweeper does once the lease of a dead worker has run out."""
    Operation.system.filter(pk=operation.pk).update(status=OperationStatus.OUTCOME_UNKNOWN, lease_until=None)
