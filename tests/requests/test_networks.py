"""Segments of 独自処理システム: the figures, the choice of the central association, giving back, the map (REQ-09)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from unittest import mock

import pytest
from django.urls import reverse
from django.utils import timezone

from devices.computers.models import Segment
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Status
from requests.networks import pool, selectors, services
from requests.networks.models import Allotment, SegmentPool
from requests.networks.payloads import KIND
from requests.networks.services import AllotmentRefused, NotAllowed
from tests import factories, journeys, threads
from tests.devices import world as devices
from tests.requests.networks import Cast, allotted, approved, back, carry_out, day, submitted, take
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


def test_req_09_the_tables_of_the_figures_are_data() -> None:
    held = {(p.figure, p.vlan, p.octet, p.may_be_half) for p in SegmentPool.objects.all()}

    assert held == {
        ("2-32", 1828, 82, False),
        ("2-32", 1868, 86, False),
        ("2-32", 1888, 88, False),
        ("2-32", 128, 182, False),
        ("2-33", 48, 84, True),
        ("2-33", 148, 184, True),
        ("2-33", 168, 186, False),
    }


def test_req_09_what_is_free_is_proposed_by_size_and_never_overlaps() -> None:
    tokyo, today = factories.organisation("13"), timezone.localdate()

    def free(use: str, prefix: int) -> list[str]:
        return [each.network for each in pool.candidates(tokyo, use, prefix, today)]

    assert free("FEDERATION", 24) == ["10.13.82.0/24", "10.13.86.0/24", "10.13.88.0/24", "10.13.182.0/24"]
    assert free("FEDERATION", 25) == []
    assert free("INSURER", 25)[:2] == ["10.13.84.0/25", "10.13.84.128/25"]
    devices.segment("13", network="10.13.184.0/25", purpose="OWN_SYSTEM")
    devices.segment("13", network="10.13.86.0/25", purpose="CLIENT")  # whatever stands there
    devices.segment("14", network="10.14.82.0/24", purpose="OWN_SYSTEM")

    assert free("INSURER", 24) == ["10.13.84.0/24", "10.13.186.0/24"]
    assert free("INSURER", 25) == ["10.13.184.128/25", "10.13.84.0/25", "10.13.84.128/25"]  # the rest first
    assert "10.13.86.0/24" not in free("FEDERATION", 24)
    assert pool.candidates(factories.organisation("central"), "INSURER", 24, today) == []


def test_req_09_the_central_association_allots_and_the_register_holds_it_with_its_dates(cast: Cast) -> None:
    application = approved(cast, take(on=day(10)))
    line = application.lines.get()
    assert application.status == Status.FULFILLING
    assert list(Notice.system.filter(template="network_to_allot").values_list("to_user_id", flat=True)) == [
        cast.central.pk
    ]
    browser, page = client_of(cast.central), reverse("network_allot", args=[line.pk])

    shown = browser.get(page).content.decode()
    wrong = browser.post(page, {"network": "10.13.82.0/24"})
    nothing = browser.post(page, {})
    made = browser.post(page, {"network": "10.13.84.0/25"})
    again = browser.post(page, {"network": "10.13.84.0/25"})
    carry_out(application)

    assert "10.13.84.0/25" in shown
    assert (wrong.status_code, nothing.status_code, made.status_code, again.status_code) == (
        422,
        422,
        302,
        404,
    )
    segment = Segment.system.get(network="10.13.84.0/25")
    assert (segment.vlan, segment.purpose, segment.organisation.code) == (48, "OWN_SYSTEM", "13")
    assert segment.valid_from == timezone.localdate() + dt.timedelta(days=10)
    assert application.number in segment.note
    operation = journeys.operations(application)[0]
    assert (operation.status, operation.evidence["network"]) == ("DONE", "10.13.84.0/25")
    assert (
        "10.13.84.0/25"
        in client_of(cast.applicant)
        .get(reverse("application_detail", args=[application.number]))
        .content.decode()
    )


def test_req_09_only_the_central_association_allots(cast: Cast) -> None:
    application = approved(cast, take())
    line = application.lines.get()

    for person in (cast.applicant, cast.approver, factories.operator()):
        with pytest.raises(NotAllowed):
            services.allot(line_id=line.pk, network="10.13.84.0/25", actor=person, now=timezone.now())
        assert client_of(person).get(reverse("network_allot", args=[line.pk])).status_code == 403
    assert not Allotment.system.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"use": "FEDERATION"}, "size"),  # 図2-32: all /24
        ({"purpose": ""}, "purpose"),
        ({"on": "2020/1/1"}, "on"),
        ({"on": "3020/1/1"}, "on"),
        ({"action": "GIVE_BACK", "network": "10.14.82.0/24"}, "network"),  # another federation's
        ({"action": "GIVE_BACK", "network": "どこか"}, "network"),
        ({"action": "GIVE_BACK", "network": ""}, "network"),
    ],
)
def test_req_09_what_cannot_be_applied_for_is_told_at_its_field(
    values: dict[str, Any], field: str, cast: Cast
) -> None:
    devices.segment("14", network="10.14.82.0/24", purpose="OWN_SYSTEM")

    with pytest.raises(InvalidApplication) as refused:
        submitted(cast, take(**values))

    assert set(refused.value.errors) == {f"lines.0.{field}"}


def test_req_09_when_nothing_is_free_the_form_says_so(cast: Cast) -> None:
    for octet in (84, 184, 186):
        devices.segment("13", network=f"10.13.{octet}.0/24", purpose="OWN_SYSTEM")

    with pytest.raises(InvalidApplication) as refused:
        submitted(cast, take())

    assert "空いているセグメント" in refused.value.errors["lines.0.size"][0]


def test_req_09_a_segment_is_given_back_after_its_last_day_and_free_again(cast: Cast) -> None:
    allotted(cast, "10.13.84.0/25")
    application = approved(cast, back("10.13.84.0/25", on=day(2)))
    operation = journeys.operations(application)[0]
    assert operation.waits_for
    with pytest.raises(InvalidApplication):  # a second one meanwhile
        submitted(cast, back("10.13.84.0/25"))

    later = timezone.now() + dt.timedelta(days=3)
    with mock.patch("portal.gateways.clock.now", return_value=later):
        carry_out(application, later)

    segment, allotment = Segment.system.get(network="10.13.84.0/25"), Allotment.system.get()
    last = timezone.localdate() + dt.timedelta(days=2)
    assert (segment.valid_until, allotment.valid_until) == (last, last)
    assert journeys.operations(application)[0].evidence["free"] is True
    free = pool.candidates(factories.organisation("13"), "INSURER", 25, last + dt.timedelta(days=1))
    assert free[0].network == "10.13.84.0/25"


def test_org_02_a_federation_sees_its_own_by_name_and_others_only_as_used(cast: Cast) -> None:
    devices.segment("13", network="10.13.82.0/24", purpose="OWN_SYSTEM", note="自分のシステム", vlan=1828)
    devices.segment("14", network="10.14.84.0/25", purpose="OWN_SYSTEM", note="他のシステム", vlan=48)

    rows = {row.organisation.code: row for row in selectors.map_rows(cast.applicant, timezone.localdate())}
    page = client_of(cast.applicant).get(reverse("network_map")).content.decode()
    central = client_of(cast.central).get(reverse("network_map")).content.decode()
    api = client_of(cast.applicant).get("/api/v1/networks/map/").json()

    assert len(rows) == 47
    assert next(iter(rows)) == "13"  # the own one first
    assert [cell.place.state for cell in rows["13"].cells] == ["USED", *["FREE"] * 6]
    assert rows["14"].cells[4].place.state == "HALF"
    assert rows["14"].cells[4].shown == ()
    assert "自分のシステム" in page
    assert "他のシステム" not in page
    assert "10.14.84.0/25" not in page
    assert "他のシステム" in central
    apply = reverse("application_create", args=[KIND])
    assert (apply in page, apply in central) == (True, False)
    assert {
        "organisation": "14",
        "network": "10.14.84.0/24",
        "vlan": 48,
        "use": "INSURER",
        "usage": "HALF",
    } in api
    assert 'style="' not in page
    assert client_of(factories.user(Role.USER)).get(reverse("network_map")).status_code == 403


def test_req_09_the_register_of_allotments_as_list_file_print_and_over_rest(cast: Cast) -> None:
    allotted(cast, "10.13.84.0/25")
    own, other = client_of(cast.applicant), client_of(factories.applicant("14"))

    for name, query in (
        ("list", "?q=照会"),
        ("print", ""),
        ("export", "?format=csv"),
        ("export", "?format=xlsx"),
    ):
        answers = [browser.get(reverse(f"network_{name}") + query) for browser in (own, other)]
        assert [answer.status_code for answer in answers] == [200, 200]
        if "xlsx" not in query:
            texts = [
                (b"".join(a.streaming_content) if a.streaming else a.content).decode("utf-8-sig")
                for a in answers
            ]
            assert ["10.13.84.0/25" in text for text in texts] == [True, False]
    assert [r["network"] for r in own.get("/api/v1/networks/").json()["results"]] == ["10.13.84.0/25"]
    assert other.get("/api/v1/networks/").json()["results"] == []


@pytest.mark.django_db(transaction=True)
def test_req_09_of_two_people_at_once_one_gets_the_segment() -> None:
    cast = Cast()
    other = factories.user(Role.APPROVER, code="central")
    lines = [approved(cast, take(purpose=text)).lines.get() for text in ("一つ目", "二つ目")]

    def choose(line: Any, actor: User) -> Allotment:
        person = User.objects.get(pk=actor.pk)
        return services.allot(line_id=line.pk, network="10.13.84.0/25", actor=person, now=timezone.now())

    results = threads.at_once(
        lambda: choose(lines[0], cast.central), lambda: choose(lines[1], other), refusals=(AllotmentRefused,)
    )

    assert sorted(type(result).__name__ for result in results) == ["Allotment", "AllotmentRefused"]
    assert Segment.system.filter(network="10.13.84.0/25", valid_until=None).count() == 1
    waiting = next(line for line in lines if not Allotment.system.filter(line=line).exists())
    same = threads.at_once(
        lambda: services.allot(
            line_id=waiting.pk,
            network="10.13.84.128/25",
            actor=User.objects.get(pk=cast.central.pk),
            now=timezone.now(),
        ),
        lambda: services.allot(
            line_id=waiting.pk,
            network="10.13.184.0/25",
            actor=User.objects.get(pk=other.pk),
            now=timezone.now(),
        ),
        refusals=(AllotmentRefused,),
    )
    assert sorted(type(result).__name__ for result in same) == ["Allotment", "AllotmentRefused"]
    assert Allotment.system.filter(line=waiting).count() == 1
