"""From the application to the first decision of the new approver: real LDAP over TLS, real SMTP (ACC-01, ACC-08, ACC-10)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts import self_service
from accounts.administrators.kinds import DELETE
from portal.embedded.mailcatcher import MailCatcher
from portal.gateways.directory import Directory
from portal.orgs.backends import DirectoryBackend
from portal.orgs.permissions import Role
from portal.workflow.models import Status
from tests import factories, journeys
from tests.accounts import test_whole_way
from tests.accounts.administrators.world import LINE, Office, roles_of
from tests.accounts.test_whole_way import OWN_CHOICE, carry_out, passwords_mailed_to

pytestmark = pytest.mark.django_db

server = test_whole_way.server
domain = test_whole_way.domain


def test_the_new_approver_logs_in_chooses_a_password_approves_and_one_day_leaves(
    domain: Directory, mail_catcher: MailCatcher
) -> None:
    office = Office()
    factories.membership(office.approver, Role.SECURITY_MANAGER)
    office.approved(office.line(roles="承認者"))
    carry_out()
    (password,) = passwords_mailed_to(mail_catcher, office.recipient.email)
    login = LINE["login_name"]

    first = DirectoryBackend().authenticate(None, login, password)
    assert first is not None
    assert first.must_change_password
    self_service.change_password(
        actor=first, old_password=password, new_password=OWN_CHOICE, initial=True, now=timezone.now()
    )
    person = DirectoryBackend().authenticate(None, login, OWN_CHOICE)
    assert person is not None
    assert (person.must_change_password, person.email) == (False, LINE["email"])
    assert roles_of(person) == {Role.APPROVER}

    waiting = journeys.submitted(journeys.Cast())
    assert journeys.approve(waiting, person).status == Status.IN_REVIEW
    assert waiting.stages.get(position=1).decided_by == person

    office.approved({"login_name": login}, DELETE)
    carry_out()
    assert DirectoryBackend().authenticate(None, login, OWN_CHOICE) is None
    entry = domain.find_by_guid(person.directory_guid)  # type: ignore[arg-type]
    assert entry is not None
    assert (entry.enabled, "OU=Deleted," in entry.dn) == (False, True)
