"""A line for an administrator account, and the people of one federation who take it all the way."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.administrators.kinds import REGISTER
from accounts.kinds import PASSWORD_RESET
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.orgs.models import User
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.models import Application
from tests import factories, journeys
from tests.journeys import Cast

LINE = {
    "family_name": "鈴木",
    "given_name": "美咲",
    "family_kana": "スズキ",
    "given_kana": "ミサキ",
    "login_name": "kanri-0412",
    "department": "情報管理課",
    "email": "suzuki.misaki@kokuho13.example.jp",
    "roles": "承認者",
}


class Office(Cast):
    """Everybody who is needed for a registration in one federation."""

    def line(self, **changes: Any) -> dict[str, Any]:
        """One new administrator."""
        return {**LINE, "recipient_id": self.recipient.pk, **changes}

    def draft(
        self, line: dict[str, Any], kind: str = REGISTER, by: User | None = None, **content: Any
    ) -> Application:
        """What the applicant wrote."""
        actor = by or self.applicant
        return services.create_draft(
            kind=kind,
            organisation_id=factories.organisation(self.code).pk,
            actor=actor,
            content=Content(reason="人事異動のため", lines=(line,), **content),
            now=timezone.now(),
        )

    def submit(
        self, line: dict[str, Any], kind: str = REGISTER, by: User | None = None, **content: Any
    ) -> Application:
        """Submitted, waiting for the approver. Raises InvalidApplication."""
        paper = self.draft(line, kind, by, **content)
        return services.submit(
            application_id=paper.pk, actor=paper.applicant, version=None, now=timezone.now()
        )

    def approve(self, paper: Application) -> Application:
        """By everybody who has to."""
        journeys.approve(paper, self.approver)
        return paper if paper.kind == PASSWORD_RESET else journeys.approve(paper, self.operator)

    def approved(
        self, line: dict[str, Any], kind: str = REGISTER, by: User | None = None, **content: Any
    ) -> Application:
        """An application whose operation waits."""
        return self.approve(self.submit(line, kind, by, **content))

    def carried_out(self, line: dict[str, Any], kind: str = REGISTER, **content: Any) -> Application:
        """All the way."""
        paper = self.approved(line, kind, **content)
        attempt(paper)
        paper.refresh_from_db()
        return paper


def attempt(paper: Application) -> Operation:
    """One attempt of a worker at an application's only line; its operation afterwards."""
    (operation,) = Operation.system.filter(line__application=paper, target="directory", step="")
    Operation.system.filter(pk=operation.pk).update(not_before=timezone.now())
    fulfilment.run_next(target="directory", now_fn=timezone.now)
    operation.refresh_from_db()
    return operation


def roles_of(person: User, code: str = "13") -> set[str]:
    """What a person holds today, read afresh."""
    fresh = User.objects.get(pk=person.pk)
    return {m.role for m in fresh.current_memberships if m.organisation.code == code}


def change_line(**changes: Any) -> dict[str, Any]:
    """The registered administrator of LINE as the form sends it, with changes; roles stay unless they are named."""
    same = {name: value for name, value in LINE.items() if name != "roles"}
    return {**same, "container": "Administrators", "groups": [], **changes}
