"""Applications in every state, made by the portal's own services, so that each has its true plan and history."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import F

from accounts import recipients
from accounts.demo.names import DEPARTMENTS, REASONS, RESET_REASONS, RETURN_COMMENTS, draw_name
from accounts.demo.people import FIRST_FEDERATIONS, Post, login_name
from accounts.kinds import PASSWORD_RESET, REGISTER, TARGET
from accounts.models import DirectoryAccount
from portal.common.time import JST, add_business_days, is_business_day
from portal.fulfilment import services as fulfilment
from portal.notices.models import Notice, NoticeStatus
from portal.orgs.models import Organisation, PasswordRecipient, User
from portal.orgs.permissions import FEDERATIONS, Role
from portal.workflow import selectors, services
from portal.workflow.models import Application, StageStatus
from portal.workflow.reports.models import Reached, ResultReport
from portal.workflow.services import Content

_OPENING, _CLOSING = 9, 18  # office hours
_DAYS_EACH = 1.0  # about what one application of the story takes, with weekends


@dataclass
class Teller:
    """Tells the story of one organisation; the clock runs from application to application."""

    organisation: Organisation
    dice: random.Random
    clock: datetime
    until: datetime  # the story never runs ahead of its reader
    reachable: bool  # whether the directory answers, so that approved applications can be carried out
    applicant: User = field(init=False)
    approver: User = field(init=False)
    operator: User = field(init=False)

    def __post_init__(self) -> None:
        operations = Organisation.objects.get(code="operations")
        self.applicant = _person("shinsei", Role.APPLICANT, self.organisation)
        self.approver = _person("shonin", Role.APPROVER, self.organisation)
        self.operator = _person("unyo", Role.OPERATOR, operations)

    def later(self, hours: float) -> datetime:
        """Let time pass within office hours, but never beyond the present."""
        local = (self.clock + timedelta(hours=hours, minutes=self.dice.randrange(50))).astimezone(JST)
        if local.hour >= _CLOSING or local.hour < _OPENING or not is_business_day(local.date()):
            day = local.date() if local.hour < _OPENING else local.date() + timedelta(days=1)
            opening = time(_OPENING, self.dice.randrange(60))
            local = datetime.combine(add_business_days(day, 0), opening, tzinfo=JST)
        self.clock = min(local, self.until)
        return self.clock

    # --- single steps ----------------------------------------------------------------------------------------------
    def draft(self, people: int = 1) -> Application:
        """A draft for some new people."""
        recipient = self.dice.choice(recipients.usable(self.organisation))
        lines = tuple(self.line(recipient) for _ in range(people))
        return self._create(REGISTER, Content(reason=self.dice.choice(REASONS), lines=lines))

    def line(self, recipient: PasswordRecipient) -> dict[str, Any]:
        """One new person."""
        name = draw_name(self.dice)
        return {
            "family_name": name.family,
            "given_name": name.given,
            "family_kana": name.family_kana,
            "given_kana": name.given_kana,
            "login_name": f"{name.romaji[:11]}-{name.initial}{self.dice.randrange(10**6):06}",
            "department": self.dice.choice(DEPARTMENTS),
            "recipient_id": recipient.pk,
        }

    def _create(self, kind: str, content: Content) -> Application:
        return services.create_draft(
            kind=kind,
            organisation_id=self.organisation.pk,
            actor=self.applicant,
            content=content,
            now=self.later(2),
        )

    def submit(self, application: Application) -> Application:
        return services.submit(
            application_id=application.pk, actor=self.applicant, version=None, now=self.later(0)
        )

    def decide(
        self, application: Application, actor: User, how: Callable[..., Application], comment: str = ""
    ) -> Application:
        """A decision on what the person's screen showed."""
        now = self.later(3)
        view = selectors.decision_view(actor, application, now)
        stage = application.stages.get(status=StageStatus.OPEN)
        return how(
            application_id=application.pk,
            stage_id=stage.pk,
            actor=actor,
            content_hash=application.content_hash,
            plan_digest=view.plan_digest,
            comment=comment,
            now=now,
        )

    # --- whole lives -----------------------------------------------------------------------------------------------
    def submitted(self, people: int = 1) -> Application:
        return self.submit(self.draft(people))

    def approved(self, people: int = 1) -> Application:
        return self.decide(self.submitted(people), self.approver, services.approve, "確認しました。")

    def accepted(self, people: int = 1) -> Application:
        application = self.decide(self.approved(people), self.operator, services.approve)
        self.carry_out()
        return application

    def carry_out(self) -> None:
        """What a worker does; without a directory the work waits, as it would in an outage."""
        if self.reachable:
            moment = self.later(0)
            fulfilment.drain(TARGET, limit=50, now_fn=lambda: moment)

    def returned(self) -> Application:
        return self.decide(
            self.submitted(), self.approver, services.return_, self.dice.choice(RETURN_COMMENTS)
        )

    def resubmitted(self) -> Application:
        application = self.returned()
        lines = [dict(line.payload) for line in application.lines.all()]
        lines[0]["department"] = self.dice.choice(DEPARTMENTS)
        services.save_draft(
            application_id=application.pk,
            actor=self.applicant,
            content=Content(reason=application.reason, lines=tuple(lines)),
            version=None,
            now=self.later(4),
        )
        return self.submit(application)

    def rejected(self) -> Application:
        return self.decide(self.submitted(), self.approver, services.reject, "同じ方の登録が済んでいます。")

    def pulled_back(self) -> Application:
        application = self.submitted()
        return services.pull_back(application_id=application.pk, actor=self.applicant, now=self.later(1))

    def withdrawn(self) -> Application:
        application = self.submitted()
        return services.withdraw(
            application_id=application.pk,
            actor=self.applicant,
            comment="着任が取りやめになったため。",
            now=self.later(1),
        )

    def stuck(self) -> Application:
        """Approved, but its recipient has left since: a person of operations must choose another one."""
        leaver = PasswordRecipient.system.create(
            organisation=self.organisation,
            name=draw_name(self.dice).full,
            email=f"leaver.{self.dice.randrange(10**9)}@{self.organisation.code}.kokuho.example.jp",
            confirmed_at=self.clock,
        )
        content = Content(reason=self.dice.choice(REASONS), lines=(self.line(leaver),))
        application = self.submit(self._create(REGISTER, content))
        application = self.decide(application, self.approver, services.approve)
        application = self.decide(application, self.operator, services.approve)
        leaver.is_active = False
        leaver.save(update_fields=["is_active", "updated_at"])
        self.carry_out()
        return application

    def reset(self, decided: bool) -> Application | None:
        """A forgotten password of an account that the story made before."""
        accounts = self.organisation.directory_accounts.filter(state=DirectoryAccount.State.ENABLED)
        found = accounts.order_by("?" if not self.reachable else "-pk").first()
        if found is None:
            return None
        line = {
            "login_name": found.login_name,
            "recipient_id": self.dice.choice(recipients.usable(self.organisation)).pk,
        }
        content = Content(reason=self.dice.choice(RESET_REASONS), lines=(line,))
        application = self.submit(self._create(PASSWORD_RESET, content))
        if decided:
            application = self.decide(application, self.approver, services.approve)
            self.carry_out()
        return application


def _person(word: str, role: str, organisation: Organisation) -> User:
    return User.objects.get(login_name=login_name(Post(word, role), organisation))


def _chapters(teller: Teller) -> Iterator[Callable[[], Application | None]]:
    """One federation's twenty applications, without end. What is open comes last, so that it is recent."""
    while True:
        yield from [lambda: teller.accepted(1)] * 4
        yield lambda: teller.accepted(3)
        yield lambda: teller.reset(decided=True)
        yield from (teller.rejected, teller.withdrawn, teller.stuck, teller.returned, teller.pulled_back)
        yield from (teller.approved, teller.approved, lambda: teller.approved(2), teller.resubmitted)
        yield lambda: teller.reset(decided=False)
        yield from (teller.submitted, teller.submitted, lambda: teller.submitted(4), teller.draft)


def tell(applications: int, *, dice: random.Random, now: datetime, reachable: bool) -> int:
    """Make so many applications in the first federations; how many were made.

    Mails of the past are not sent; those of the last day stay queued, as they would be.
    """
    organisations = [
        o for o in Organisation.objects.filter(code__in=FIRST_FEDERATIONS) if o.kind in FEDERATIONS
    ]
    start = now - timedelta(days=_DAYS_EACH * applications / max(len(organisations), 1))
    tellers = [
        Teller(organisation=o, dice=dice, clock=start, until=now, reachable=reachable)
        for o in organisations
        if User.objects.filter(organisation=o).exists()
    ]
    books = [_chapters(teller) for teller in tellers]
    made = 0
    while made < applications and books:
        made += next(books[made % len(books)])() is not None or 1
    past = Notice.system.filter(status=NoticeStatus.QUEUED, created_at__lt=now - timedelta(days=1))
    reported = past.filter(
        result_report__isnull=False
    )  # these arrived in their time: nothing ends without (REQ-12)
    ResultReport.system.filter(notice__in=reported).update(
        reached_at=F("issued_at"), reached_how=Reached.MAIL
    )
    reported.update(status=NoticeStatus.SENT, sent_at=F("created_at"))
    past.delete()
    return made
