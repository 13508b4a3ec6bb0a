"""DEV-09, DEV-10: each federation has a 管理機(SC), the last one cannot go, and no password of it is anywhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from devices.stations import selectors, services
from devices.stations.models import ConsoleStation
from devices.stations.services import NotAllowed, StationRefused
from devices.stations.views import EndForm, StationForm
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from portal.workflow.errors import InvalidApplication
from tests.api.client import Api
from tests.devices import world
from tests.devices.world import Cast
from tests.roles import client_of
from tests.threads import at_once


def designate(cast: Cast, computer: Any = None, **more: Any) -> ConsoleStation:
    """A console of the federation."""
    computer = computer or world.computer(code=cast.code, agents=["DEVICE_CONTROL"])
    values = {"note": "", "actor": cast.officer, "now": timezone.now()} | more
    return services.designate(computer_id=computer.pk, **values)


def end(station: ConsoleStation, actor: User, reason: str = "機器の入替のため。") -> ConsoleStation:
    """Its end."""
    return services.end(station_id=station.pk, reason=reason, actor=actor, now=timezone.now())


@pytest.mark.django_db
def test_dev_09_the_last_one_cannot_go(cast: Cast) -> None:
    first = designate(cast)
    designate(Cast("27"))  # another federation's does not count
    with pytest.raises(StationRefused):
        end(first, cast.officer)
    second = designate(cast)

    ended = end(first, cast.officer)

    assert (ended.valid_until, ended.ended_by) == (timezone.localdate(), cast.officer)
    with pytest.raises(StationRefused):
        end(second, cast.officer)
    with pytest.raises(StationRefused):
        end(first, cast.officer)
    assert TrailEntry.objects.filter(action="station.end").count() == 1


@pytest.mark.django_db(transaction=True)
def test_dev_09_two_at_once_do_not_take_the_last_two(cast: Cast) -> None:
    stations = [designate(cast), designate(cast)]

    outcomes = at_once(
        *(partial(end, station, cast.officer) for station in stations), refusals=(StationRefused,)
    )

    assert sorted(isinstance(outcome, StationRefused) for outcome in outcomes) == [False, True]
    assert ConsoleStation.system.filter(valid_until=None).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"agents": []}, "SKYSEAエージェント"),
        ({"kind": "server", "system": "winserver_2016"}, "クライアントPC"),
        ({"system": "other"}, "デバイス制御の対象ではありません"),
        ({"state": "RETIRED"}, "ありません"),
    ],
)
def test_dev_09_only_a_client_that_device_control_covers_is_a_console(
    cast: Cast, fields: dict[str, Any], says: str
) -> None:
    computer = world.computer(**{"agents": ["DEVICE_CONTROL"]} | fields)

    with pytest.raises(StationRefused) as refused:
        designate(cast, computer)

    assert says in refused.value.reason


@pytest.mark.django_db
def test_dev_09_once_by_the_officer_of_the_federation_alone(cast: Cast) -> None:
    station = designate(cast)
    with pytest.raises(StationRefused):
        designate(cast, station.computer)
    with pytest.raises(IntegrityError), transaction.atomic():
        ConsoleStation.system.create(
            organisation=station.organisation,
            computer=station.computer,
            valid_from=timezone.localdate(),
            designated_by=cast.officer,
            designated_at=timezone.now(),
        )
    for actor in (cast.manager, cast.applicant, cast.operator, Cast("27").officer):
        with pytest.raises(NotAllowed):
            designate(cast, actor=actor)
        with pytest.raises(NotAllowed):
            end(station, actor)


@pytest.mark.django_db
def test_dev_09_a_console_is_not_taken_away_by_an_application(cast: Cast) -> None:
    station = designate(cast)

    with pytest.raises(InvalidApplication):
        world.submitted(cast, "devices.computer_retire", {"name": station.computer.name})


@pytest.mark.django_db
def test_dev_09_a_console_stays_a_client_with_the_skysea_agent(cast: Cast) -> None:
    computer = world.computer("KK13-SC1", agents=["DEVICE_CONTROL", "QUARANTINE"])
    designate(cast, computer)

    def change(**values: Any) -> Any:
        line = world.computer_line(name="KK13-SC1", place="3階", **values)
        return world.submitted(cast, "devices.computer_change", line)

    with pytest.raises(InvalidApplication) as refused:
        change(agents=["QUARANTINE"])
    assert refused.value.errors.keys() == {"lines.0.name"}
    with pytest.raises(InvalidApplication):
        change(kind="server", operating_system="winserver_2016")
    assert change().status == "IN_REVIEW"


@pytest.mark.django_db
def test_dev_09_who_has_none_is_said(cast: Cast) -> None:
    assert "13" in [org.code for org in selectors.without(cast.officer)]

    designate(cast)

    assert not selectors.without(cast.officer)


def test_dev_10_no_table_and_no_form_has_a_place_for_its_password() -> None:
    models = apps.get_app_config("devices").get_models()
    names = {field.name for model in models for field in model._meta.get_fields()}
    names |= {*StationForm.base_fields, *EndForm.base_fields}

    assert not [name for name in names if "pass" in name or "secret" in name or "pin" in name.split("_")]


@pytest.mark.django_db
def test_the_officer_designates_and_ends_on_the_screen(cast: Cast) -> None:  # ORG-02
    first = designate(cast)
    computer = world.computer("KK13-SC2", agents=["DEVICE_CONTROL"])
    client, address = client_of(cast.officer), reverse("station_end", args=[first.pk])
    assert client.post(address, {"reason": "入替"}).status_code == 422

    assert client.post(reverse("station_list"), {"computer": computer.pk, "note": ""}).status_code == 302
    assert client.post(address, {"reason": "入替"}).status_code == 302

    page = client_of(cast.applicant).get(reverse("station_list") + "?ended=1").content.decode()
    assert "KK13-SC2" in page
    assert "入替" in page
    other = client_of(Cast("27").officer)
    assert other.get(address).status_code == 404
    assert "KK13-SC2" not in other.get(reverse("station_list")).content.decode()
    assert client_of(cast.manager).get(address).status_code == 403
    listed = Api(cast.applicant).get("stations/")
    assert next(found["computer"] for found in listed["results"]) == "KK13-SC2"
    machine = client.get(reverse("computer_detail", args=[computer.uid])).content.decode()
    assert "管理機(SC)" in machine


@pytest.mark.django_db
def test_the_list_is_taken_along_and_printed_within_the_scope(cast: Cast) -> None:  # ORG-02, SEC-02
    first, second = designate(cast), designate(cast)
    end(first, cast.officer)
    theirs = designate(Cast("27"))
    reader = client_of(cast.applicant)

    file = reader.get(reverse("station_export"), {"format": "csv", "ended": "1"})
    in_use = reader.get(reverse("station_export"), {"format": "csv"})
    book = reader.get(reverse("station_export"), {"format": "xlsx"})
    page = reader.get(reverse("station_print"), {"ended": "1"}).content.decode()

    text = b"".join(file.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    for name in (first.computer.name, second.computer.name, "機器の入替のため。"):
        assert name in text
        assert name in page
    assert theirs.computer.name not in text + page
    assert first.computer.name not in b"".join(in_use.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert book.status_code == 200
    assert TrailEntry.objects.filter(action="station.export").count() == 3
    assert TrailEntry.objects.filter(action="station.print").count() == 1
