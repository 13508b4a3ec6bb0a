"""From the answer "delete" to the real delete application (ACC-14, ACC-02)."""

from __future__ import annotations

from django.utils import timezone

from accounts.dormancy import answering, deletions
from accounts.models import DirectoryAccount
from portal.orgs.permissions import Role
from portal.workflow import kinds, services
from portal.workflow.models import Application, Status
from portal.workflow.rounds.answers import Answer
from tests import factories
from tests.accounts.dormancy.conftest import NOW, Office, line_of
from tests.fakes import deleted_ou


def test_the_kinds_that_delete_are_those_of_the_portal() -> None:
    assert {kinds.get(code).code for code in deletions.KINDS.values()} == {
        "accounts.delete",
        "accounts.admin_delete",
    }


def test_the_draft_can_be_submitted_and_approved_as_any_other(office: Office) -> None:
    factories.user(Role.APPROVER)
    factories.operator()
    office.directory.containers.append(deleted_ou("13"))
    for name in ("tk-one", "tk-two"):
        entry = office.account(name)
        factories.directory_account(
            object_guid=entry.guid, login_name=name, distinguished_name=entry.dn, family_name="表示"
        )
    review = office.list()
    decisions = [
        Answer(line_id=line.pk, version=line.version, answer="DELETE") for line in review.lines.all()
    ]

    answering.answer(review_id=review.pk, decisions=decisions, actor=office.applicant, now=NOW)
    draft = Application.system.get(kind="accounts.delete")
    submitted = services.submit(
        application_id=draft.pk, actor=office.applicant, version=None, now=timezone.now()
    )

    assert submitted.status == Status.IN_REVIEW
    assert {line.payload["login_name"] for line in submitted.lines.all()} == {"tk-one", "tk-two"}
    assert line_of(review, "tk-one").application == submitted
    # Nothing is deleted in silence: it waits for its approver.
    assert set(DirectoryAccount.system.values_list("state", flat=True)) == {"ENABLED"}
    assert all(entry.enabled for entry in office.directory.entries.values())
