"""A computer object from the application to its last trace, in a real directory (REQ-02, REQ-12)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from secrets import token_hex

import pytest
from django.utils import timezone, translation

from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways import clock, directory_factory
from portal.gateways.directory import Directory
from requests.computers import refresh, removing
from tests.contract.conftest import Server
from tests.requests import computers
from tests.requests.computers import ADD, REMOVE_KIND, RESTORE, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    """The portal's directory is the one under contract."""
    made = server.connect()
    monkeypatch.setattr(directory_factory, "get_directory", lambda: made)
    with translation.override("ja"):
        yield made


def test_req_02_an_object_comes_goes_comes_back_and_leaves_no_trace(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew, name = Cast(), f"KK13-{token_hex(4)}".upper()

    made = computers.done(crew, ADD, name, description="審査課")
    assert made.status == OperationStatus.DONE, made.error_message
    (found,) = directory.find_computers([name])
    assert (found.enabled, found.description, found.marker) == (True, "審査課", str(made.marker))
    gone = computers.done(crew, REMOVE_KIND, name)
    assert gone.status == OperationStatus.DONE, gone.error_message
    (found,) = directory.find_computers([name])
    assert (found.enabled, found.container_dn.partition(",")[0]) == (False, "OU=Deleted")
    back = computers.done(crew, RESTORE, name)
    assert back.status == OperationStatus.DONE, back.error_message
    (found,) = directory.find_computers([name])
    assert (found.enabled, found.container_dn.partition(",")[0]) == (True, "OU=Computers")
    assert refresh.refresh_all(now=timezone.now()).isdigit()
    application = computers.approved(crew, REMOVE_KIND, name)
    computers.carry_out(application)
    later = timezone.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert removing.enqueue_removals(now=later) == 1
    computers.carry_out(application, later)

    removal = Operation.system.get(application_number=application.number, step=removing.REMOVE)
    assert removal.status == OperationStatus.DONE, removal.error_message
    assert directory.find_computers([name]) == []
    assert directory.computer_names_in_use([name]) == set()
    assert computers.row(name).state == "REMOVED"
    assert [event.verb for event in computers.row(name).events.all()] == [
        "MADE",
        "DELETED",
        "RESTORED",
        "DELETED",
        "REMOVED",
    ]
