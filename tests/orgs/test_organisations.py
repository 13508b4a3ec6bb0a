"""The parties of the network are reference data (ORG-01)."""

import pytest

from portal.orgs.models import Organisation

pytestmark = pytest.mark.django_db


def test_forty_seven_federations_and_four_other_parties_exist() -> None:
    assert Organisation.objects.filter(kind="FEDERATION").count() == 47
    assert set(Organisation.objects.exclude(kind="FEDERATION").values_list("code", flat=True)) == {
        "staging",
        "central",
        "operations",
        "maintenance",
    }
