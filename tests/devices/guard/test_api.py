"""MAC-07 over REST: pull with ETag, changes since a version, one exact address; nothing that ended, nothing of others (ORG-02)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.http import StreamingHttpResponse
from django.test import Client
from django.utils import timezone

from devices.guard import modes, publishing, selectors, versions
from devices.guard.models import Mode, ModeDecision, WhitelistVersion
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.devices.guard import world
from tests.roles import client_for

pytestmark = pytest.mark.django_db

PULL, CHECK = "/api/v1/whitelist/", "/api/v1/whitelist/check/"


@pytest.fixture
def operations() -> Client:
    """A program of network operations."""
    return client_for(Role.OPERATOR, code="operations")


def pull(client: Client, query: str = "", **headers: str) -> Any:
    """The answer, with `json_body` when it has one."""
    answer = client.get(PULL + query, headers=headers)
    if isinstance(answer, StreamingHttpResponse):
        answer.json_body = json.loads(answer.getvalue())  # type: ignore[attr-defined]
    return answer


def publish() -> int:
    """A version."""
    return versions.bring_up_to_date(now=timezone.now(), at_once=True).number


def test_mac_07_an_unchanged_list_is_answered_with_304_and_a_changed_one_is_not(operations: Client) -> None:
    entry = world.entry()
    publish()
    first = pull(operations)
    assert [row["mac"] for row in first.json_body["entries"]] == [entry.mac]
    trails = TrailEntry.objects.count()

    again = pull(operations, **{"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert TrailEntry.objects.count() == trails  # who only asks whether something changed reads nothing
    world.entry()
    publish()
    assert pull(operations, **{"If-None-Match": first["ETag"]}).status_code == 200


def test_mac_07_what_ended_is_in_no_pull_even_before_a_publisher_came(operations: Client) -> None:
    kept, ending = world.entry(), world.entry()
    publish()
    etag = pull(operations)["ETag"]

    world.end(ending)
    answer = pull(operations, **{"If-None-Match": etag})

    assert [row["mac"] for row in answer.json_body["entries"]] == [kept.mac]


def test_mac_07_changes_since_a_version(operations: Client) -> None:
    first, second = world.entry(), world.entry()
    publish()
    mark = pull(operations).json_body["mark"]
    world.end(first)
    publish()
    third = world.entry()
    publish()

    changes = pull(operations, f"?since={mark}").json_body

    assert [row["mac"] for row in changes["removed"]] == [first.mac]
    assert [row["mac"] for row in changes["added"]] == [third.mac]
    assert second.mac not in json.dumps(changes)
    assert pull(operations, "?since=99").status_code == 410
    assert pull(operations, "?since=x").status_code == 400


def test_mac_07_one_federation_changes_its_own_etag_only(operations: Client) -> None:
    thirteen, _fourteen = world.entry("13"), world.entry("14")
    publish()
    mine, other = pull(operations, "?organisation=13"), pull(operations, "?organisation=14")
    assert [row["organisation"] for row in mine.json_body["entries"]] == ["13"]

    world.end(thirteen)
    publish()

    assert pull(operations, "?organisation=13", **{"If-None-Match": mine["ETag"]}).status_code == 200
    assert pull(operations, "?organisation=14", **{"If-None-Match": other["ETag"]}).status_code == 304


def test_mac_04_the_mode_is_data_of_the_list(operations: Client) -> None:
    world.entry("13")
    publish()
    before = pull(operations, "?organisation=13")
    assert before.json_body["modes"] == {"13": "MONITOR"}

    answer = operations.post(
        "/api/v1/guards/modes/",
        {
            "organisation": "13",
            "mode": "BLOCK",
            "valid_from": timezone.localdate().isoformat(),
            "reason": "本移行完了",
        },
        content_type="application/json",
    )
    publish()

    assert answer.status_code == 201, answer.content
    assert ModeDecision.system.get().reason == "本移行完了"
    after = pull(operations, "?organisation=13", **{"If-None-Match": before["ETag"]})
    assert after.json_body["modes"] == {"13": "BLOCK"}
    assert modes.codes_on(timezone.localdate())["13"] == Mode.BLOCK


def test_org_02_a_federation_pulls_and_checks_its_own_part_only() -> None:
    mine, other = world.entry("13"), world.entry("14")
    publish()
    client = client_for(Role.SECURITY_OFFICER, code="13")

    body = pull(client).json_body

    assert [row["mac"] for row in body["entries"]] == [mine.mac]
    assert set(body["modes"]) == {"13"}
    assert pull(client, "?organisation=14").status_code == 400
    assert client.get(CHECK, {"mac": mine.mac}).json()["permitted"] is True
    assert client.get(CHECK, {"mac": other.mac}).json()["permitted"] is False


def test_org_02_what_happens_to_other_federations_moves_neither_version_nor_etag_of_the_own_part() -> None:
    mine, other = world.entry("13"), world.entry("14")
    publish()
    client = client_for(Role.SECURITY_OFFICER, code="13")

    def seen() -> list[Any]:
        whole, part = pull(client), pull(client, "?organisation=13")
        told = [client.get(CHECK, {"mac": row.mac}).json()["version"] for row in (mine, other)]
        bodies = [(answer["ETag"], answer.json_body) for answer in (whole, part)]
        return [bodies, told]

    before = seen()
    world.end(other)
    publish()
    world.entry("14")
    publish()

    assert seen() == before
    mark = pull(client).json_body["mark"]
    world.end(mine)
    assert [row["mac"] for row in pull(client, f"?since={mark}").json_body["removed"]] == [mine.mac]


def test_mac_07_an_address_is_checked_in_any_spelling_and_with_its_ip(operations: Client) -> None:
    entry = world.entry()
    publish()
    asked = {"mac": entry.mac.replace(":", "").upper(), "ip": entry.ip}

    assert operations.get(CHECK, asked).json() == {
        "mac": entry.mac,
        "ip": entry.ip,
        "permitted": True,
        "name": entry.computer.name,
        "organisation": "13",
        "mode": "MONITOR",
        "version": 1,
    }
    assert operations.get(CHECK, asked | {"ip": "10.13.1.250"}).json()["permitted"] is False
    world.end(entry)
    assert operations.get(CHECK, asked).json()["permitted"] is False
    answer = operations.get(CHECK, {"mac": "12345", "ip": "10.1"})
    assert [error["path"] for error in answer.json()["errors"]] == ["mac", "ip"]


def test_the_guards_and_their_modes_are_for_operations() -> None:
    world.entry()
    operator = client_for(Role.OPERATOR, code="operations")
    officer = client_for(Role.SECURITY_OFFICER, code="13")

    for address in ("/api/v1/guards/", "/api/v1/guards/modes/"):
        assert operator.get(address).status_code == 200
        assert officer.get(address).status_code == 403
    body = {
        "organisation": "13",
        "mode": "BLOCK",
        "valid_from": timezone.localdate().isoformat(),
        "reason": "x",
    }
    refused = officer.post("/api/v1/guards/modes/", body, content_type="application/json")
    assert refused.status_code == 403
    assert factories.organisation("13").guard_modes.model.system.count() == 0


def test_mac_07_a_version_made_again_after_a_restore_is_not_answered_with_304(
    operations: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    thirteen = world.entry("13")
    publish()
    before = {query: pull(operations, query)["ETag"] for query in ("", "?organisation=13")}
    newest = WhitelistVersion.objects.get()
    later = newest.made_at + timedelta(seconds=1)  # the database of yesterday made this number anew

    monkeypatch.setattr(
        versions,
        "standing",
        lambda now: versions.Standing(number=newest.number, modes=newest.modes, made_at=later),
    )
    monkeypatch.setattr(
        versions, "part_of", lambda code, number: (thirteen.organisation_id, newest.number, later)
    )

    for query, etag in before.items():
        answer = pull(operations, query, **{"If-None-Match": etag})
        assert [row["mac"] for row in answer.json_body["entries"]] == [thirteen.mac]


def test_mac_07_a_mass_removal_is_not_pulled_before_a_person_let_it_go(
    operations: Client, settings: Any
) -> None:
    settings.GUARD = settings.GUARD | {"mass_entries": 3}
    rows = [world.entry() for _n in range(4)]
    publishing.publish(now_fn=world.now)
    etag = pull(operations)["ETag"]
    for row in rows[:3]:
        world.end(row)

    answers = [pull(operations), pull(operations, "?since=0.0"), operations.get(CHECK, {"mac": rows[0].mac})]

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert operations.get(CHECK, {"mac": rows[3].mac}).json()["permitted"]
    assert pull(operations, **{"If-None-Match": etag}).status_code == 503
    publishing.publish(now_fn=world.now)
    [held] = selectors.held_lists()
    answer = operations.post(
        "/operations/guard/release/", {"guard": "pull", "seen": held.loss.seen, "reason": "撤去"}
    )
    assert answer.status_code == 302
    publishing.publish(now_fn=world.now)
    assert len(pull(operations).json_body["entries"]) == 1


def test_mac_07_after_a_restore_of_the_database_nobody_gets_a_difference_from_what_is_not_there(
    operations: Client,
) -> None:
    kept, lost = world.entry(), world.entry()
    publish()
    early = pull(operations).json_body["mark"]
    with transaction.atomic():
        ended = world.entry()
        publish()
        late = pull(operations).json_body["mark"]
        world.end(ended)
        publish()
        newest = pull(operations).json_body["mark"]
        transaction.set_rollback(True)  # the database as it was restored
    world.end(lost)
    publish()

    answers = [pull(operations, f"?since={mark}") for mark in (newest, late, "2")]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (410, "version-unknown")
    ] * 3
    removed = pull(operations, f"?since={early}").json_body["removed"]
    assert [row["mac"] for row in removed] == [lost.mac]
    everything = pull(operations, "?since=0.0").json_body["added"]
    assert [row["mac"] for row in everything] == [kept.mac]
