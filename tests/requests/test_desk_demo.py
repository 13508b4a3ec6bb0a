"""What the demonstration shows of enquiries, segments and outages, made by the portal's own services."""

from __future__ import annotations

import pytest

from portal.orgs.permissions import Role
from requests.demo import enquiries, networks, outages
from requests.enquiries.models import Enquiry
from requests.faq.models import FaqEntry
from requests.networks.models import Allotment
from requests.outages.models import Outage
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_story_is_told_once() -> None:
    factories.operator()
    factories.operator()
    factories.applicant("13")
    factories.approver("13")
    factories.user(Role.APPROVER, code="central")

    told = [(enquiries.tell(), networks.tell(), outages.tell()) for _n in range(2)]

    assert told == [(3, 2, 3), (0, 0, 0)]
    assert set(Enquiry.system.values_list("state", flat=True)) == {"OPEN", "ANSWERED", "WAITING"}
    assert FaqEntry.objects.filter(is_published=True).count() == 3
    assert Allotment.system.count() == 1
    assert sorted(Outage.objects.values_list("state", flat=True)) == ["CONFIRMED", "PLANNED", "PLANNED"]
