"""One world for the whole matrix: built and committed once, every request rolled back, all gone at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import render_to_string

from devices.inventory import reporting
from devices.inventory import views as inventory
from portal.common.api.throttling import PersonThrottle
from portal.gateways import directory_factory, dns_factory
from tests.fake_dns import FakeDns
from tests.fakes import FakeDirectory
from tests.flush import empty_tables
from tests.matrix.world import CANARY_ZONE, World, build


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Everybody and federation 13's objects; the directory is one in memory and nobody is throttled."""
    directory = FakeDirectory()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(directory_factory, "get_directory", lambda: directory)
        dns = FakeDns(zone_names=(CANARY_ZONE,))
        patched.setattr(dns_factory, "get_dns", lambda: dns)
        patched.setattr(PersonThrottle, "allow_request", lambda self, request, view: True)
        # The text of a PDF, quickly, so that it can be searched for what nobody else may read.
        for module in (reporting, inventory):
            patched.setattr(
                module, "render_pdf", lambda name, values: render_to_string(name, values).encode()
            )
        # Each request is rolled back, and with it that the session was renewed: once is enough.
        patched.setattr(settings, "SESSION_RENEWED_EVERY", 3600)
        with django_db_blocker.unblock():
            made = build(directory)
            for browser in made.browsers.values():
                browser.get("/help/")
        yield made
        with django_db_blocker.unblock():
            empty_tables()
