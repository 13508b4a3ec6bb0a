"""One world for the whole matrix: built and committed once, every request rolled back, all gone at the end."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.template.loader import render_to_string

from devices.inventory import reporting
from devices.inventory import views as inventory
from portal.common.api.throttling import PersonThrottle
from portal.gateways import directory_factory, dns_factory
from portal.orgs.backends import PersonBackend
from portal.orgs.models import Membership, User
from portal.workflow import context
from portal.workflow.counts import WorkCounts
from portal.workflow.reports import views as reports
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
        for module in (reporting, inventory, reports):
            patched.setattr(
                module, "render_pdf", lambda name, values: render_to_string(name, values).encode()
            )
        # Each request is rolled back, and with it that the session was renewed: once is enough.
        patched.setattr(settings, "SESSION_RENEWED_EVERY", 3600)
        with django_db_blocker.unblock():
            made = build(directory)
            for browser in (*made.browsers.values(), *made.browsers_of_several.values()):
                browser.get("/help/")
        yield made
        with django_db_blocker.unblock():
            empty_tables()


@pytest.fixture(scope="module")
def asked_again_and_again(world: World) -> Iterator[None]:
    """For tests of thousands of requests: what all of them read of who asks is read once.

    Every request is rolled back, so the next one would find the same session, person, roles and numbers of the menu. Only
    those who get several roles for one request are read each time. Tests that change somebody do without this.
    """
    read_anew = {person.pk for person in world.of_several.values()}

    def once(key: Callable[..., Any], read: Callable[..., Any]) -> Callable[..., Any]:
        kept: dict[Any, Any] = {}

        def remembering(*args: Any) -> Any:
            name = key(*args)
            if name is None:
                return read(*args)
            if name not in kept:
                kept[name] = read(*args)
            return copy.copy(kept[name])

        return remembering

    def memberships(person: User) -> list[Membership]:
        return [copy.copy(row) for row in read_memberships(person)]

    real = User.__dict__["current_memberships"].func
    read_memberships = once(lambda person: None if person.pk in read_anew else person.pk, real)
    of_person = cached_property(memberships)
    of_person.__set_name__(User, "current_memberships")

    def counted_for(person: User, now: Any) -> int | None:
        return None if person.pk in read_anew else person.pk

    counts: Callable[..., WorkCounts] = once(counted_for, context.work_counts)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SessionStore, "load", once(lambda session: session.session_key, SessionStore.load))
        patched.setattr(PersonBackend, "get_user", once(lambda backend, pk: str(pk), PersonBackend.get_user))
        patched.setattr(User, "current_memberships", of_person)
        patched.setattr(context, "work_counts", counts)
        yield
