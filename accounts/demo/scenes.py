"""What a year of use leaves behind beside single applications: each screen of the portal has something true to show.

Changes by other hands in AD, accounts that nobody uses, lists of many rows, temporary accounts, rules of names. Everything is
made by the portal's own services; what only time can make is dated back.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from accounts import recipients
from accounts.administrators import kinds as administrators
from accounts.attributes import organisation_ou
from accounts.delivery import modes
from accounts.delivery.models import DeliveryMode
from accounts.demo.names import DEPARTMENTS, draw_name
from accounts.demo.people import SINCE, Post, login_name
from accounts.demo.story import Teller
from accounts.dormancy import answering, listing
from accounts.dormancy.finding import Dormant, Found
from accounts.dormancy.logons import Answers, Logon
from accounts.dormancy.models import DormantLine, DormantReview
from accounts.kinds import CHANGE, DELETE, REGISTER
from accounts.models import DirectoryAccount
from accounts.naming import rules
from accounts.passwords import generate_initial_password
from accounts.reconciliation import runs
from portal.common.time import JST, today
from portal.gateways.directory import Directory, NewAccount
from portal.orgs.models import Membership, Organisation, User
from portal.orgs.permissions import Role
from portal.workflow import kinds, services
from portal.workflow.bulk import checking
from portal.workflow.bulk import services as bulk
from portal.workflow.bulk.columns import columns_of
from portal.workflow.kinds import LineContext
from portal.workflow.models import Application, Status
from portal.workflow.rounds.answers import Answer
from portal.workflow.services import Content

_TOKYO, _OSAKA = "13", "27"
_BULK_ROWS = 52  # more than fit on the form: the application shows its table
_KEEP_REASONS = (
    "育児休業中のため。来年4月に復帰します。",
    "繁忙期だけ使う端末のアカウントのため。",
    "長期研修中のため。",
)


def play(directory: Directory, *, dice: random.Random, now: datetime) -> None:
    """Every scene, in the first two federations. Needs a directory that answers."""
    start = now - timedelta(days=9)
    organisations = {o.code: o for o in Organisation.objects.filter(code__in=(_TOKYO, _OSAKA))}
    tellers = {
        code: Teller(organisation=o, dice=dice, clock=start, until=now, reachable=True)
        for code, o in organisations.items()
    }
    tokyo = tellers.get(_TOKYO)
    if tokyo is None:
        return
    for teller, people in zip(tellers.values(), (10, 5), strict=False):
        teller.accepted(people)
    _name_accounts(tokyo, now)
    _change_and_delete(tokyo)
    _plan_ahead(tokyo)
    _hand_in_tables(tokyo, now)
    if osaka := tellers.get(_OSAKA):
        _deliver_by_code(osaka, now)
    _list_unused(directory, tuple(tellers.values()), now)
    _work_past_the_portal(directory, tokyo)


# --- applications ------------------------------------------------------------------------------------------------------
def _name_accounts(teller: Teller, now: datetime) -> None:
    """A rule of its own for login names: tk13-sato-m."""
    rules.change_rule(
        organisation_id=teller.organisation.pk,
        actor=_person("kanri", Role.SECURITY_MANAGER, teller.organisation),
        pattern="{prefix}{prefecture}{-}{family}{-}{given1}",
        prefix="tk",
        suffix="{n}",
        short_vowels=True,
        version=0,
        now=now - timedelta(days=40),
    )


def _change_and_delete(teller: Teller) -> None:
    """One account moved to another department, one waiting for that, one deleted that can still be restored."""
    moved, waiting, leaver = _accounts(teller, 3)
    _carry_through(
        teller, _apply(teller, CHANGE, "4月の組織改編に伴い、所属が変わったため。", _changed(teller, moved))
    )
    teller.submit(_apply(teller, CHANGE, "担当業務が変わるため。", _changed(teller, waiting)))
    line = {"login_name": leaver.login_name}
    _carry_through(teller, _apply(teller, DELETE, "11月末で退職するため。", line))


def _plan_ahead(teller: Teller) -> None:
    """A temporary account, one that begins next month, and an administrator account that waits for its approval."""
    recipient = teller.dice.choice(recipients.usable(teller.organisation))
    last_day = today(teller.until) + timedelta(days=20)
    temporary = teller.line(recipient) | {"expires_on": last_day.isoformat(), "description": "年末の短期任用"}
    _carry_through(teller, _apply(teller, REGISTER, "短期任用の職員が着任するため。", temporary))
    later = (today(teller.until).replace(day=1) + timedelta(days=32)).replace(day=1)
    reason = "来月1日付けの人事異動で着任するため。"
    _carry_through(teller, _apply(teller, REGISTER, reason, teller.line(recipient), on=later))
    administrator = teller.line(recipient) | {
        "roles": "APPLICANT",
        "email": "new.applicant@kokuho.example.jp",
    }
    teller.submit(_apply(teller, administrators.REGISTER, "申請担当者を1名増やすため。", administrator))


def _apply(teller: Teller, kind: str, reason: str, line: dict[str, Any], on: Any = None) -> Application:
    return services.create_draft(
        kind=kind,
        organisation_id=teller.organisation.pk,
        actor=teller.applicant,
        content=Content(reason=reason, desired_on=on, lines=(line,)),
        now=teller.later(1),
    )


def _changed(teller: Teller, account: DirectoryAccount) -> dict[str, Any]:
    """The whole state after the change, as the form sends it."""
    kept = ("login_name", "family_name", "given_name", "family_kana", "given_kana", "staff_number")
    values = {name: getattr(account, name) for name in kept}
    others = [name for name in DEPARTMENTS if name != account.department]
    return values | {
        "new_login_name": "",
        "department": teller.dice.choice(others),
        "description": account.description,
        "expires_on": "",
        "container": "Users",
        "groups": list(account.groups),
    }


def _carry_through(teller: Teller, application: Application) -> None:
    """Submit, decide at every stage, carry out."""
    application = teller.submit(application)
    for actor in (teller.approver, teller.operator):
        if application.status == Status.IN_REVIEW:
            application = teller.decide(application, actor, services.approve)
    teller.carry_out()


def _accounts(teller: Teller, count: int, *, skip: int = 0) -> list[DirectoryAccount]:
    """Accounts in use about which nothing is applied for, the oldest first."""
    busy = Application.system.filter(organisation=teller.organisation, lines__is_open=True)
    # What waits for the two-factor system alone is done as far as the account is concerned.
    busy = busy.exclude(status__in=(Status.FULFILLING, Status.PARTLY_COMPLETED))
    rows = teller.organisation.directory_accounts.filter(state=DirectoryAccount.State.ENABLED)
    free = [
        a for a in rows.order_by("pk") if not busy.filter(lines__subject_key=a.login_name.lower()).exists()
    ]
    return free[skip : skip + count]


# --- tables ------------------------------------------------------------------------------------------------------------
def _hand_in_tables(teller: Teller, now: datetime) -> None:
    """A table that waits for the approval, and one that its author has to correct."""
    good = [_row(teller) for _ in range(_BULK_ROWS)]
    upload = _hand_in(teller, "新規採用者名簿.csv", good, now)
    draft = bulk.take_over(
        upload_id=upload,
        actor=teller.applicant,
        version=None,
        reason="来年度の新規採用者を登録するため。",
        now=now,
    )
    teller.decide(teller.submit(draft), teller.approver, services.approve, "名簿と照合しました。")
    bad = [_row(teller) for _ in range(9)]
    bad[1]["family_kana"] = "佐藤"
    bad[2]["login_name"] = "鈴木-01"
    bad[4]["department"] = ""
    bad[6]["login_name"] = bad[5]["login_name"]
    bad[7]["expires_on"] = "2026/13/1"
    _hand_in(teller, "異動者名簿_修正前.csv", bad, now)


def _row(teller: Teller) -> dict[str, str]:
    line = teller.line(recipients.usable(teller.organisation)[0])
    return {name: str(value) for name, value in line.items()}


def _hand_in(teller: Teller, name: str, rows: list[dict[str, str]], now: datetime) -> int:
    kind = kinds.get(REGISTER)
    context = LineContext(
        organisation=teller.organisation, actor=teller.applicant, application=None, today=today(now)
    )
    columns = columns_of(kind, context)
    table = [[row.get(column.name, "") for column in columns] for row in rows]
    text = io.StringIO()
    csv.writer(text).writerows([[column.heading for column in columns], *table])
    upload = bulk.upload_file(
        kind=REGISTER,
        organisation_id=teller.organisation.pk,
        actor=teller.applicant,
        name=name,
        data=text.getvalue().encode("utf-8-sig"),
        now=now,
    )
    checking.check(upload_id=upload.pk, now=now)
    return upload.pk


# --- initial passwords -------------------------------------------------------------------------------------------------
def _deliver_by_code(teller: Teller, now: datetime) -> None:
    """This federation chose pickup codes: a code waits for its recipient, who logs in as riyo27."""
    organisation = teller.organisation
    posts = (Post("riyo", Role.USER), Post("kanri", Role.SECURITY_MANAGER))
    for recipient, post in zip(recipients.usable(organisation), posts, strict=False):
        person = _person(post.word, post.role, organisation)
        recipient.name, recipient.email = person.display_name, person.email
        recipient.save(update_fields=["name", "email", "updated_at"])
        Membership.system.get_or_create(
            user=person,
            organisation=organisation,
            role=Role.PASSWORD_RECIPIENT,
            defaults={"valid_from": SINCE},
        )
    manager = _person("kanri", Role.SECURITY_MANAGER, organisation)
    modes.choose(organisation_id=organisation.pk, mode=DeliveryMode.PICKUP, actor=manager, now=now)
    line = teller.line(next(r for r in recipients.usable(organisation) if r.email != manager.email))
    _carry_through(teller, _apply(teller, REGISTER, "欠員補充で着任するため。", line))


# --- dormant accounts --------------------------------------------------------------------------------------------------
def _list_unused(directory: Directory, tellers: tuple[Teller, ...], now: datetime) -> None:
    """Last month's list, answered, and this month's, partly answered. AD itself knows of no logon so old."""
    this_month = today(now).replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    for number, month in enumerate((last_month, this_month)):
        period = datetime(month.year, month.month, 1, tzinfo=JST)
        begun = now - timedelta(days=34 if number == 0 else 4)
        listing.list_dormant_accounts(
            now=begun,
            period=period,
            search=lambda since, count=5 + 2 * number: _unused(directory, tellers, since, count),  # type: ignore[misc]
        )
        for teller in tellers:
            _answer(teller, period, begun + timedelta(days=1), everything=number == 0)


def _unused(directory: Directory, tellers: tuple[Teller, ...], since: datetime, count: int) -> Found:
    """Some accounts as if they were old; every third was never used."""
    controllers = (directory.domain_controller().name,)
    found: dict[int, list[Dormant]] = {}
    for teller in tellers:
        for number, account in enumerate(_accounts(teller, count, skip=3)):
            entry = directory.find_by_guid(account.object_guid)
            if entry is None:
                continue
            at = since - timedelta(days=11 * (number + 1), hours=number)
            logon = None if number % 3 == 0 else Logon(at=at, source=controllers[0])
            old = replace(entry, created_at=since - timedelta(days=400 + number))
            found.setdefault(teller.organisation.pk, []).append(
                Dormant(entry=old, logon=logon, is_administrator=False)
            )
    listed = sum(map(len, found.values()))
    return Found(
        answers=Answers(controllers=controllers, missing=()),
        candidates=listed + 2,
        dropped=2,
        elsewhere=0,
        accounts=found,
    )


def _answer(teller: Teller, period: datetime, now: datetime, *, everything: bool) -> None:
    """Keep most, ask for the deletion of one; the newest list keeps open lines for the reader."""
    review = DormantReview.system.filter(run__period=period.date(), organisation=teller.organisation).first()
    if review is None:
        return
    lines = list(review.lines.order_by("pk"))
    for number, line in enumerate(lines if everything else lines[:2]):
        keep = everything or number == 0
        decision = Answer(
            line_id=line.pk,
            version=line.version,
            answer=DormantLine.Answer.KEEP if keep else DormantLine.Answer.DELETE,
            reason=_KEEP_REASONS[number % len(_KEEP_REASONS)] if keep else "",
        )
        answering.answer(review_id=review.pk, decisions=[decision], actor=teller.applicant, now=now)


# --- other hands -------------------------------------------------------------------------------------------------------
def _work_past_the_portal(directory: Directory, teller: Teller) -> None:
    """What people did in AD by hand, found by the reconciliation of last night."""
    ours = organisation_ou(teller.organisation)
    disabled, changed, moved, gone = _accounts(teller, 99)[-4:]
    directory.disable(disabled.object_guid)
    directory.update_account(
        changed.object_guid, {"department": "総務課（手入力）", "description": "電話依頼により変更"}
    )
    directory.move(moved.object_guid, f"OU=Deleted,{ours}")
    directory.delete(gone.object_guid)
    name = draw_name(teller.dice)
    login = f"tmp-{name.romaji[:10]}"
    directory.create_account(
        NewAccount(
            login_name=login,
            display_name=name.full,
            family_name=name.family,
            given_name=name.given,
            kana=name.kana,
            department="",
            company=teller.organisation.name,
            mail=None,
            container_dn=f"OU=Users,{ours}",
            marker=f"by-hand-{login}",
        ),
        initial_password=generate_initial_password(login_name=login),
    )
    with _everything_replicated():
        runs.reconcile_weekly(now=timezone.now())


@contextmanager
def _everything_replicated() -> Iterator[None]:
    """What was written a moment ago may be judged: the demonstration has one domain controller."""
    DirectoryAccount.system.update(verified_at=F("verified_at") - timedelta(minutes=1))
    minutes = settings.RECONCILIATION["replication_minutes"]
    settings.RECONCILIATION["replication_minutes"] = -1
    try:
        yield
    finally:
        settings.RECONCILIATION["replication_minutes"] = minutes


def _person(word: str, role: str, organisation: Organisation) -> User:
    return User.objects.get(login_name=login_name(Post(word, role), organisation))
