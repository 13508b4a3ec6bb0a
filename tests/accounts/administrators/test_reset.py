"""A reset of an administrator account's password never gives the applicant a second voice (ACC-02, ACC-08, ORG-04)."""

from __future__ import annotations

import pytest

from accounts.administrators.kinds import DELETE
from accounts.kinds import PASSWORD_RESET
from portal.fulfilment.models import OperationStatus
from portal.orgs.models import User
from portal.workflow.errors import InvalidApplication
from tests import factories
from tests.accounts.administrators.world import LINE, Office, attempt
from tests.accounts.world import PostOffice
from tests.fakes import FakeDirectory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("registered")]


def test_the_recipient_gets_a_new_password(
    office: Office, person: User, directory: FakeDirectory, post: PostOffice
) -> None:
    paper = office.approved({"login_name": "KANRI-0412", "recipient_id": office.recipient.pk}, PASSWORD_RESET)

    assert attempt(paper).status == OperationStatus.DONE

    (entry,) = directory.entries.values()
    assert post.delivered[-1] == (office.recipient.email, directory.passwords[entry.guid])
    assert entry.must_change_password


def test_the_applicant_does_not_get_it(office: Office, person: User, directory: FakeDirectory) -> None:
    own = factories.recipient(email=office.applicant.email)
    windows = directory.add("tk0412-user", container_dn="OU=Users,OU=13,OU=Federations,DC=kokuho,DC=pr")

    with pytest.raises(InvalidApplication) as error:
        office.submit({"login_name": LINE["login_name"], "recipient_id": own.pk}, PASSWORD_RESET)

    assert list(error.value.errors) == ["lines.0.recipient_id"]
    # The account of somebody who decides nothing here may be reset that way; the approver is told.
    office.submit({"login_name": windows.login_name, "recipient_id": own.pk}, PASSWORD_RESET)


def test_a_deleted_account_is_not_reset(office: Office, person: User) -> None:
    office.carried_out({"login_name": LINE["login_name"]}, DELETE)

    with pytest.raises(InvalidApplication) as error:
        office.submit({"login_name": LINE["login_name"], "recipient_id": office.recipient.pk}, PASSWORD_RESET)

    assert "lines.0.login_name" in error.value.errors
