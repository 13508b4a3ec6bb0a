"""The country of the corpus, built once for each module that asks for it."""

from __future__ import annotations

import copy

import pytest
from django.utils import translation

from tests.devices.whitelist import corpus
from tests.devices.whitelist.corpus import Country
from tests.devices.world import Cast


@pytest.fixture(scope="module")
def standing_country(built_once: None) -> Country:
    with translation.override("ja"):
        return corpus.country(Cast())


@pytest.fixture
def country(standing_country: Country) -> Country:
    """Two federations with machines, entries and applications on their way."""
    return copy.deepcopy(standing_country)
