"""What the tests of the application pages share: people at their browsers, and what a form sends."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from portal.orgs.models import User
from portal.workflow import selectors, services
from portal.workflow.content import Content
from portal.workflow.models import Application
from tests import roles
from tests.journeys import Cast

REGISTER = "accounts.register"


class Desk(Cast):
    """A federation with an applicant, an approver and a recipient, and operations."""

    def line(self, login_name: str = "tk0412-suzuki", **changes: Any) -> dict[str, Any]:
        """One person, as the form sends it."""
        return {
            "family_name": "鈴木",
            "given_name": "美咲",
            "family_kana": "スズキ",
            "given_kana": "ミサキ",
            "login_name": login_name,
            "department": "審査第二課",
            "description": "",
            "recipient_id": self.recipient.pk,
        } | changes

    def draft(self, *lines: dict[str, Any], reason: str = "着任のため") -> Application:
        """A stored draft; without lines, one that is filled in well."""
        return services.create_draft(
            kind=REGISTER,
            organisation_id=self.applicant.organisation_id,
            actor=self.applicant,
            content=Content(reason=reason, lines=lines or (self.line(),)),
            now=timezone.now(),
        )

    def submitted(self, *lines: dict[str, Any]) -> Application:
        """An application that waits for the approver."""
        draft = self.draft(*lines)
        return services.submit(
            application_id=draft.pk, actor=self.applicant, version=None, now=timezone.now()
        )

    def seen(self, application: Application, person: User | None = None, **more: Any) -> dict[str, Any]:
        """What the decision form of `person` holds for this application now."""
        shown = Application.system.get(pk=application.pk)
        view = selectors.decision_view(
            User.objects.get(pk=(person or self.approver).pk), shown, timezone.now()
        )
        assert view.stage is not None
        return {
            "stage_id": view.stage.pk,
            "content_hash": shown.content_hash,
            "plan_digest": view.plan_digest,
            "comment": "",
        } | more


def form_data(application: Application, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the browser sends from the editing page."""
    data: dict[str, Any] = {
        "version": application.version,
        "lines-count": len(lines),
        "reason": "着任のため",
        "desired_on": "",
        "action": "save",
    }
    for position, line in enumerate(lines):
        data |= {f"lines-{position}-{name}": value for name, value in line.items()}
    return data | more


def browser(person: User) -> Client:
    """The person's browser."""
    return roles.client_of(person)
