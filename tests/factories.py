"""Plain functions that make rows for tests. Each makes what it needs and takes what matters as keywords.

Rows that are only there so that a test can begin leave no entry in the trail: most of their time would go into it.
"""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import itertools
import uuid
from typing import Any

from auditlog.context import disable_auditlog
from django.utils import timezone

from accounts.dormancy.models import DormantLine, DormantReview, DormantRun
from accounts.models import DirectoryAccount
from accounts.register import account_search_text
from portal.fulfilment.models import Operation, OperationFile
from portal.gateways.two_factor import Person
from portal.notices.models import Notice
from portal.orgs.models import ApiToken, Deputy, Membership, Organisation, PasswordRecipient, TokenScope, User
from portal.orgs.permissions import Role
from portal.two_factor.models import AnswerFile, ExchangeBatch, ExchangeRow
from portal.workflow.models import REPORTED, Application, ApplicationLine, Status
from portal.workflow.reports import making

_numbers = itertools.count(1)
_organisations: dict[str, Organisation] = {}
LONG_AGO = dt.date(2020, 4, 1)


def organisation(code: str = "13") -> Organisation:
    """One of the organisations of the reference data, as the migrations made it."""
    if code not in _organisations:
        _organisations[code] = Organisation.objects.get(code=code)
    return copy.copy(_organisations[code])


def user(*roles: str, code: str = "13", **fields: Any) -> User:
    """A person of an organisation with the given roles since long ago."""
    n = next(_numbers)
    values = {
        "login_name": f"person{n:04}",
        "display_name": f"試験 {n}号",
        "email": f"person{n:04}@kokuho{code}.example.jp",
        "organisation": organisation(code),
    } | fields
    person = User(**values)
    person.set_unusable_password()
    with disable_auditlog():
        person.save()
    for role in roles:
        membership(person, role, code=code)
    return person


def membership(person: User, role: str, code: str = "13", **fields: Any) -> Membership:
    """A role of a person in an organisation."""
    values = {"valid_from": LONG_AGO, "organisation": organisation(code)} | fields
    with disable_auditlog():
        made = Membership.system.create(user=person, role=role, **values)
    person.__dict__.pop("current_memberships", None)
    person.__dict__.pop("scope", None)
    return made


def deputy(principal: User, stand_in: User, role: str, code: str = "13", **fields: Any) -> Deputy:
    """`stand_in` may decide for `principal`."""
    today = timezone.localdate()
    values = {
        "valid_from": today,
        "valid_until": today + dt.timedelta(days=7),
        "organisation": organisation(code),
    } | fields
    return Deputy.system.create(principal=principal, deputy=stand_in, role=role, **values)


def recipient(code: str = "13", **fields: Any) -> PasswordRecipient:
    """A registered person with a confirmed address who may receive initial passwords."""
    n = next(_numbers)
    values = {
        "name": f"受信 {n}号",
        "email": f"uketori{n:04}.jushin@kokuho{code}.example.jp",
        "organisation": organisation(code),
        "confirmed_at": timezone.now(),
    } | fields
    return PasswordRecipient.system.create(**values)


def applicant(code: str = "13", **fields: Any) -> User:
    """Somebody who applies."""
    return user(Role.APPLICANT, code=code, **fields)


def approver(code: str = "13", **fields: Any) -> User:
    """Somebody who approves."""
    return user(Role.APPROVER, code=code, **fields)


def operator(**fields: Any) -> User:
    """Somebody of operations."""
    return user(Role.OPERATOR, code="operations", **fields)


def token(person: User, **fields: Any) -> tuple[ApiToken, str]:
    """A personal token for the REST interface and its value."""
    value = f"kp_{next(_numbers):032}"
    values = {
        "name": "試験",
        "scope": TokenScope.EVERYTHING,
        "digest": hashlib.sha256(value.encode()).hexdigest(),
        "hint": value[:8],
        "expires_at": timezone.now() + dt.timedelta(days=30),
    } | fields
    return ApiToken.objects.create(user=person, **values), value


def _earlier_applicant(code: str) -> User:
    """Who applied for what is there already: one person for all of it."""
    name = f"earlier.{code}"
    return User.objects.filter(login_name=name).first() or applicant(code, login_name=name)


def application(code: str = "13", kind: str = "accounts.register", **fields: Any) -> Application:
    """An application row as it stands, for tests that are not about how it came there."""
    n = next(_numbers)
    values = {
        "number": f"T-2026-{n:06}",
        "kind": kind,
        "organisation": organisation(code),
        "applicant": fields.pop("applicant", None) or _earlier_applicant(code),
        "reason": "着任のため",
        "before_reports": fields.get("status") in REPORTED,  # it came to its end without the engine
    } | fields
    return Application.system.create(**values)


def reported(code: str = "13", *, notice: Notice | None = None, **fields: Any) -> Application:
    """An application that was completed, with its report; without a notice the report is stuck."""
    paper = application(code, status=Status.FULFILLING, completed_at=timezone.now(), **fields)
    paper.move_to(Status.COMPLETED)
    making.issue(paper, lines=making.carried_out_of(paper), notice=notice, now=timezone.now())
    paper.save()
    return paper


def line(payload: dict[str, Any] | None = None, code: str = "13", **fields: Any) -> ApplicationLine:
    """A line of an application that is being carried out."""
    paper = fields.pop("application", None) or application(code, status=Status.FULFILLING)
    values = {
        "application": paper,
        "organisation": paper.organisation,
        "position": paper.lines.count(),
        "payload": payload or {},
    } | fields
    return ApplicationLine.system.create(**values)


def operation(on: ApplicationLine, **fields: Any) -> Operation:
    """The operation of a line, waiting since now."""
    now = timezone.now()
    values = {
        "line": on,
        "organisation": on.organisation,
        "kind": on.application.kind,
        "target": "directory",
        "application_number": on.application.number,
        "subject": on.subject or "試験",
        "created_at": now,
        "not_before": now,
    } | fields
    return Operation.system.create(**values)


def file_of_work(on: Operation) -> OperationFile:
    """A file that shows what was done by hand."""
    return OperationFile.system.create(
        operation=on,
        organisation=on.organisation,
        name="画面.png",
        content_type="image/png",
        size=1,
        sha256=hashlib.sha256(b"x").hexdigest(),
        data=b"x",
        added_by=on.line.application.applicant,
        added_at=timezone.now(),
    )


def directory_account(code: str = "13", **fields: Any) -> DirectoryAccount:
    """A Windows account in the register, as an earlier application left it."""
    n = next(_numbers)
    login_name = fields.get("login_name", f"acct{n:04}")
    where = organisation(code)
    values = {
        "organisation": where,
        "object_guid": uuid.uuid4(),
        "distinguished_name": f"CN={login_name},OU=Users,OU={where.ou_name},OU=Federations,DC=kokuho,DC=pr",
        "login_name": login_name,
        "family_name": "登録",
        "given_name": f"{n}号",
        "family_kana": "トウロク",
        "given_kana": "ゴウ",
        "department": "審査第一課",
        "last_line": fields.pop("last_line", None) or line(code=code),
        "verified_at": timezone.now(),
    } | fields
    searched = ("family_name", "given_name", "family_kana", "given_kana", "login_name", "department")
    values.setdefault("search_text", account_search_text(**{name: values[name] for name in searched}))
    with disable_auditlog():
        return DirectoryAccount.system.create(**values)


def exchange_batch(*operations: Operation) -> tuple[ExchangeBatch, AnswerFile]:
    """A file for the two-factor system with these operations in it, acknowledged by another one."""
    n, now = next(_numbers), timezone.now()
    batch = ExchangeBatch.objects.create(
        number=n,
        file_name=f"kokuho-{n:06}.csv",
        state="ACKNOWLEDGED",
        row_count=len(operations),
        created_at=now,
        written_at=now,
        acknowledged_at=now,
    )
    answer = AnswerFile.objects.create(
        name=f"ack-{n}.csv", sha256=uuid.uuid4().hex, read_at=now, problems=[[2, "試験"]]
    )
    for position, made in enumerate(operations, start=1):
        values = dict.fromkeys(Person.__dataclass_fields__, "") | {"login_name": made.subject}
        ExchangeRow.system.create(
            organisation_id=made.organisation_id,
            operation=made,
            reference=str(made.marker),
            action="add",
            values=values,
            state="DONE",
            batch=batch,
            position=position,
            answer=answer,
            created_at=now,
            answered_at=now,
        )
    return batch, answer


def dormant_line(code: str = "13", **fields: Any) -> DormantLine:
    """A dormant account on this month's list of an organisation, with a domain controller that did not answer."""
    n, now = next(_numbers), timezone.now()
    month = timezone.localdate().replace(day=1)
    run, _made = DormantRun.objects.get_or_create(
        period=month,
        defaults={
            "cut_off": now - dt.timedelta(days=183),
            "months": 6,
            "status": DormantRun.Status.DONE,
            "started_at": now,
            "controllers": ["dc1.kokuho.pr", "dc2.kokuho.pr"],
            "missing": ["dc2.kokuho.pr"],
        },
    )
    where = organisation(code)
    review, _made = DormantReview.system.get_or_create(
        run=run,
        organisation=where,
        defaults={"due_on": month, "created_at": now, "missing": ["dc2.kokuho.pr"]},
    )
    values = {
        "object_guid": uuid.uuid4(),
        "login_name": f"dormant{n:04}",
        "display_name": f"休眠 {n}号",
        "department": "審査第一課",
        "made_at": now - dt.timedelta(days=400),
    } | fields
    return DormantLine.system.create(review=review, organisation=where, **values)
