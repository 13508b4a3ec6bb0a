"""Two workers at one application, with real threads (MAC-06)."""

from __future__ import annotations

from functools import partial

import pytest
from django.utils import timezone, translation

from devices.whitelist import together
from devices.whitelist.models import WhitelistEntry
from tests.devices import world
from tests.devices.whitelist import corpus
from tests.devices.whitelist.corpus import KIND, Country
from tests.devices.world import Cast
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def country() -> Country:
    """One that the threads see too."""
    with translation.override("ja"):
        return corpus.country(Cast())


def test_mac06_two_workers_at_the_halves_of_a_swap_write_it_once(country: Country) -> None:
    application = world.submitted(country.cast, KIND, *corpus.swapped())
    lines = list(application.lines.select_related("application").order_by("position"))

    written = at_once(*(partial(together.write, line, timezone.now()) for line in lines))

    assert [entry.pk for entry in written] == [
        corpus.entry_of(corpus.TAKEN).pk,
        corpus.entry_of(corpus.REPLACED).pk,
    ]
    assert WhitelistEntry.system.filter(mac__in=[corpus.TAKEN, corpus.REPLACED]).count() == 4
