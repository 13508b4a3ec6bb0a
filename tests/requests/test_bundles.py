"""設置, 交換 and 撤去 of PCs: one form, linked applications, one board, done when all are (REQ-13)."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from devices.computers.models import Computer
from devices.whitelist.models import WhitelistEntry
from portal.notices.models import Notice
from portal.workflow import services as workflow
from portal.workflow.models import Application
from requests.bundles import reminding, services, states
from requests.bundles.models import Action, Bundle, BundlePart
from requests.bundles.states import PartState
from requests.managed.kinds import MONITORING
from requests.managed.models import ManagedMachine
from tests import factories, journeys
from tests.devices import world as devices
from tests.fake_dns import FakeDns
from tests.fakes import FakeDirectory
from tests.requests import world
from tests.requests.bundles import (
    DNS,
    NETWORK,
    PERMIT_REMOVE,
    REGISTER,
    RETIRE,
    REVERSE,
    WHITELIST,
    Cast,
    application_of,
    carry_out,
    country,
    decide_all,
    done,
    draft,
    opened,
    row,
    states_of,
    submit,
)
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> Cast:
    """The people of federation 13, zones of names and addresses, a segment of clients."""
    return country()


@pytest.fixture(autouse=True)
def servers(dns: FakeDns, directory: FakeDirectory) -> None:
    """The zone of the clients' addresses as well."""
    dns.zone_names = (*dns.zone_names, REVERSE)
    dns.serials[REVERSE] = 1


def test_req_13_a_pc_comes_by_one_form_and_its_applications_wait_for_each_other(
    cast: Cast, dns: FakeDns
) -> None:
    bundle = opened(cast, Action.INSTALL, row())

    assert set(states_of(bundle)) == {REGISTER, WHITELIST, DNS}
    assert set(states_of(bundle).values()) == {PartState.DECIDING}
    for kind in (WHITELIST, DNS):  # decided before the machine is in the register
        application = application_of(bundle, kind)
        journeys.approve(application, cast.approver)
        journeys.approve(application, cast.operator)
    carry_out(bundle)
    assert states_of(bundle)[WHITELIST] == PartState.WAITING
    assert not WhitelistEntry.system.exists()
    decide_all(cast, bundle)
    carry_out(bundle)

    assert set(states_of(bundle).values()) == {PartState.DONE}
    assert bundle.state == Bundle.State.DONE
    assert WhitelistEntry.system.get().computer.name == "KK13-PC01"
    found = dns.read("kokuho.pr", "kk13-pc01.kokuho.pr")
    assert [(s.type, s.values) for s in found] == [("A", ("10.13.20.5",))]


def test_req_13_a_removal_finds_everything_and_ends_when_all_of_it_is_done(cast: Cast, dns: FakeDns) -> None:
    done(cast, Action.INSTALL, row())
    permit = devices.registered(devices.Cast(), Computer.system.get())

    removal = opened(cast, Action.REMOVE, {"name": "KK13-PC01"})

    assert set(states_of(removal)) == {RETIRE, WHITELIST, DNS, PERMIT_REMOVE}
    decide_all(cast, removal)
    carry_out(removal)
    assert removal.state == Bundle.State.OPEN  # the officer has not taken the device out of SKYSEA yet
    assert states_of(removal)[RETIRE] == PartState.WAITING
    assert Computer.system.get().state == Computer.State.IN_USE
    devices.permits.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    carry_out(removal)
    assert Computer.system.get().state == Computer.State.RETIRED
    assert removal.state == Bundle.State.DONE
    assert not WhitelistEntry.system.filter(state="APPROVED").exists()
    assert dns.read("kokuho.pr", "kk13-pc01.kokuho.pr") == []
    assert dns.read(REVERSE, "5.20.13.10.in-addr.arpa") == []


def test_req_13_an_exchange_takes_over_place_address_and_name(cast: Cast, dns: FakeDns) -> None:
    done(cast, Action.INSTALL, row())

    exchange = opened(
        cast,
        Action.REPLACE,
        {"old_name": "KK13-PC01", "name": "KK13-PC02", "mac": "00:1b:a9:3c:4d:60", "dns": True},
    )
    decide_all(cast, exchange)
    carry_out(exchange)

    assert exchange.state == Bundle.State.DONE, [
        (v.part.label, v.state, v.detail) for v in states.board(exchange).parts
    ]
    old, new = Computer.system.get(name="KK13-PC01"), Computer.system.get(name="KK13-PC02")
    assert (old.state, old.replaced_by, new.segment.network) == ("RETIRED", new, NETWORK)
    entry = WhitelistEntry.system.get(state="APPROVED")
    assert (entry.computer, entry.ip, entry.mac) == (new, "10.13.20.5", "00:1b:a9:3c:4d:60")
    assert dns.read("kokuho.pr", "kk13-pc01.kokuho.pr") == []
    assert dns.read("kokuho.pr", "kk13-pc02.kokuho.pr")[0].values == ("10.13.20.5",)
    assert dns.read(REVERSE, "5.20.13.10.in-addr.arpa")[0].values == ("kk13-pc02.kokuho.pr",)


def _texts(review: services.Review) -> list[str]:
    return [text for part in review.parts for text in part.errors]


def test_req_13_one_refusal_creates_nothing_and_stands_at_its_row_and_field(cast: Cast) -> None:
    devices.computer("KK13-OLD")
    bundle, review = submit(
        cast,
        draft(cast, Action.INSTALL, row(), row(name="KK13-OLD", mac="01:00:00:00:00:01", ip="10.14.1.1")),
    )

    assert bundle.state == Bundle.State.DRAFT
    assert not Application.system.filter(kind__in=(REGISTER, WHITELIST, DNS)).exists()
    assert set(review.by_row) == {1}
    assert set(review.by_row[1]) == {"name", "mac", "ip"}
    client = client_of(cast.applicant)
    page = client.get(reverse("bundle_edit", args=[bundle.number]) + "?check=1").content.decode()
    assert 'name="rows-1-mac" value="01:00:00:00:00:01"' in page  # nothing typed is lost
    assert page.count("c-err") >= 3


def test_req_13_nothing_is_left_out_of_a_removal_without_a_reason(cast: Cast) -> None:
    done(cast, Action.INSTALL, row())
    bundle = draft(cast, Action.REMOVE, {"name": "kk13-pc01"})
    bundle.machines.update(name="KK13-PC01")
    review = services.review(bundle=bundle, actor=cast.applicant, left_out={}, now=timezone.now())
    choices = {part.part.kind: part.part.choice for part in review.parts}
    client = client_of(cast.applicant)
    address = reverse("bundle_review", args=[bundle.number])

    refused = client.post(
        address, {"version": bundle.version, f"leave-{choices[DNS]}": "on", f"why-{choices[DNS]}": " "}
    )
    assert refused.status_code == 422
    assert not bundle.parts.exists()

    reasons = {choices[DNS]: "別の機器で使い続けるため。", choices[RETIRE]: "残す。"}
    bundle, _review = submit(cast, bundle, reasons)
    assert states_of(bundle)[DNS] == PartState.LEFT_OUT
    assert states_of(bundle)[RETIRE] == PartState.DECIDING  # what it is about cannot be left out
    with pytest.raises(services.BundleRefused):
        services.leave_out(
            bundle_id=bundle.pk,
            part_ids=bundle.parts.filter(kind=RETIRE).values_list("pk", flat=True),
            actor=cast.applicant,
            reason="残す。",
            now=timezone.now(),
        )
    decide_all(cast, bundle)
    carry_out(bundle)
    assert bundle.state == Bundle.State.DONE


def _reject(application: Application, by: Any, how: str = "reject") -> None:
    stage = application.stages.get(status="OPEN")
    step = {"reject": workflow.reject, "return": workflow.return_}[how]
    step(
        application_id=application.pk,
        stage_id=stage.pk,
        actor=by,
        content_hash=application.content_hash,
        plan_digest="",
        comment="確認してください。",
        now=timezone.now(),
    )


def test_req_13_a_refused_part_keeps_a_removal_open_until_it_is_applied_for_again(cast: Cast) -> None:
    done(cast, Action.INSTALL, row())
    bundle = opened(cast, Action.REMOVE, {"name": "KK13-PC01"})
    journeys.approve(application_of(bundle, RETIRE), cast.officer)
    _reject(application_of(bundle, WHITELIST), cast.approver)
    decide_all(cast, bundle)
    carry_out(bundle)

    assert states_of(bundle) == {WHITELIST: PartState.REFUSED, DNS: PartState.DONE, RETIRE: PartState.WAITING}
    with pytest.raises(services.BundleRefused):  # something was done: there is no way back but to the end
        services.call_off(bundle_id=bundle.pk, actor=cast.applicant, reason="やめる。", now=timezone.now())
    client = client_of(cast.applicant)
    part = bundle.parts.get(kind=WHITELIST)
    again = client.post(reverse("bundle_parts", args=[bundle.number]), {"step": "again", "parts": [part.pk]})
    assert again.status_code == 302
    assert again.url == reverse("application_edit", args=[application_of(bundle, WHITELIST).number])
    assert states_of(bundle)[WHITELIST] == PartState.TO_CORRECT
    fresh = application_of(bundle, WHITELIST)
    workflow.submit(application_id=fresh.pk, actor=cast.applicant, version=None, now=timezone.now())
    decide_all(cast, bundle)
    carry_out(bundle)
    assert bundle.state == Bundle.State.DONE
    assert Computer.system.get().state == Computer.State.RETIRED


def test_req_13_what_comes_up_before_the_end_of_a_removal_becomes_a_part(cast: Cast, dns: FakeDns) -> None:
    done(cast, Action.INSTALL, row())
    bundle = opened(cast, Action.REMOVE, {"name": "KK13-PC01"})
    dns.put(*world.records("kk13-pc01", "TXT", "printer room"))
    decide_all(cast, bundle)
    carry_out(bundle)

    assert bundle.state == Bundle.State.OPEN
    (found,) = [view for view in states.board(bundle).parts if view.state == PartState.NOT_APPLIED]
    assert "TXT" in found.part.label
    assert Computer.system.get().state == Computer.State.IN_USE
    (made,) = services.apply_again(
        bundle_id=bundle.pk, part_ids=[found.part.pk], actor=cast.applicant, now=timezone.now()
    )
    workflow.submit(application_id=made.pk, actor=cast.applicant, version=None, now=timezone.now())
    decide_all(cast, bundle)
    carry_out(bundle)
    assert bundle.state == Bundle.State.DONE
    assert dns.read("kokuho.pr", "kk13-pc01.kokuho.pr") == []


def test_req_13_a_server_is_watched_when_its_name_stands_and_leaves_monitoring_before_the_register(
    cast: Cast,
) -> None:
    server = row(name="KK13-SV01", kind="server", operating_system="winserver_2016", agents=[], mac="")
    bundle = opened(cast, Action.INSTALL, server | {"monitoring": True})
    journeys.approve(application_of(bundle, MONITORING), cast.approver)
    carry_out(bundle, cast.operator)
    assert states_of(bundle)[MONITORING] == PartState.WAITING  # neither register nor name yet
    decide_all(cast, bundle)
    carry_out(bundle, cast.operator)

    assert bundle.state == Bundle.State.DONE
    assert ManagedMachine.system.get(state="MANAGED").address == "10.13.20.5"
    removal = opened(cast, Action.REMOVE, {"name": "KK13-SV01"})
    assert set(states_of(removal)) == {RETIRE, DNS, MONITORING}
    decide_all(cast, removal)
    carry_out(removal)
    assert states_of(removal)[RETIRE] == PartState.WAITING
    carry_out(removal, cast.operator)
    assert removal.state == Bundle.State.DONE
    assert not ManagedMachine.system.filter(state="MANAGED").exists()


def test_req_13_on_the_desired_day_the_parts_still_wait_for_each_other(cast: Cast, dns: FakeDns) -> None:
    day = timezone.localdate() + timedelta(days=3)
    bundle, _review = submit(cast, draft(cast, Action.INSTALL, row(), desired_on=day))
    register = application_of(bundle, REGISTER)
    for kind in (WHITELIST, DNS):
        journeys.approve(application_of(bundle, kind), cast.approver)
        journeys.approve(application_of(bundle, kind), cast.operator)
    carry_out(bundle)
    assert not dns.sets
    morning = timezone.now() + timedelta(days=3)

    carry_out(bundle, now=morning)  # the day has come, the register's application is not decided

    assert not dns.sets
    assert not WhitelistEntry.system.exists()
    journeys.approve(register, cast.officer)
    carry_out(bundle, now=morning)
    assert set(states_of(bundle).values()) == {PartState.DONE}
    assert bundle.state == Bundle.State.DONE


def test_req_13_a_second_record_of_one_name_is_applied_for_when_the_first_is_gone(
    cast: Cast, dns: FakeDns
) -> None:
    done(cast, Action.INSTALL, row())
    dns.put(*world.records("kk13-pc01", "TXT", "printer room"))
    bundle = opened(cast, Action.REMOVE, {"name": "KK13-PC01"})
    names = {view.state for view in states.board(bundle).parts if view.part.kind == DNS}
    assert names == {PartState.DECIDING, PartState.NOT_APPLIED}
    assert services.follow(bundle_id=bundle.pk, now=timezone.now()) == []  # the first is not done yet

    decide_all(cast, bundle)
    carry_out(bundle)

    found = {view.state: view.part for view in states.board(bundle).parts if view.part.kind == DNS}
    assert set(found) == {PartState.DONE, PartState.DECIDING}
    second = found[PartState.DECIDING].application
    assert second is not None
    assert second.applicant == cast.applicant
    assert states_of(bundle)[RETIRE] == PartState.WAITING
    decide_all(cast, bundle)
    carry_out(bundle)
    assert bundle.state == Bundle.State.DONE
    assert not dns.sets


def test_req_13_a_bundle_of_which_nothing_was_done_can_be_called_off(cast: Cast) -> None:
    bundle = opened(cast, Action.INSTALL, row(dns=False, mac="", ip=""))
    now = timezone.now()
    with pytest.raises(services.BundleRefused):
        services.call_off(bundle_id=bundle.pk, actor=cast.applicant, reason="中止。", now=now)
    workflow.withdraw(
        application_id=application_of(bundle, REGISTER).pk, actor=cast.applicant, comment="", now=now
    )
    services.call_off(bundle_id=bundle.pk, actor=cast.applicant, reason="中止。", now=now)
    bundle.refresh_from_db()
    assert bundle.state == Bundle.State.CALLED_OFF


def test_req_13_all_plans_are_decided_on_one_page_by_the_engines_own_rules(cast: Cast) -> None:
    bundle = opened(cast, Action.INSTALL, row())
    approver, applicant = client_of(cast.approver), client_of(cast.applicant)
    address = reverse("bundle_decide", args=[bundle.number])

    assert "a" + str(application_of(bundle, DNS).pk) + "-how" not in applicant.get(address).content.decode()
    page = approver.get(address)
    asked = page.context["asked"]
    assert {each.application.kind for each in asked} == {WHITELIST, DNS}  # machines are the officer's
    assert "別の申請がまだ終わっていません" not in page.content.decode()  # they belong together
    data: dict[str, Any] = {"approve_all": "1"}
    for each in asked:
        data |= {
            f"{each.name}-stage_id": each.decision.stage.pk,
            f"{each.name}-content_hash": each.application.content_hash,
            f"{each.name}-plan_digest": each.decision.plan_digest,
        }
    dns = next(each for each in asked if each.application.kind == DNS)
    data |= {f"{dns.name}-how": "return"}  # without a comment

    answer = approver.post(address, data)

    assert answer.status_code == 409
    assert [each.application.kind for each in answer.context["asked"]] == [DNS]
    assert answer.context["asked"][0].errors
    stage = application_of(bundle, WHITELIST).stages.get(status="OPEN")
    assert stage.role == "OPERATOR"


def test_req_13_rows_of_a_table_become_machines_and_its_cells_are_named(cast: Cast) -> None:
    bundle = draft(cast, Action.INSTALL)
    client = client_of(cast.applicant)
    book = load_workbook(io.BytesIO(client.get(reverse("bundle_template", args=[bundle.number])).getvalue()))
    sheet = book.worksheets[0]
    heading = {str(cell.value).partition("※")[0]: cell.column for cell in sheet[1]}
    for number in range(25):
        values = {
            "コンピュータ名": f"KK13-X{number:03}",
            "機器の種別": "クライアントPC",
            "OS": "",
        }
        line = 4 + number
        for label, value in values.items():
            if label in heading:
                sheet.cell(line, heading[label], value)
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    file.name = "x.xlsx"
    address = reverse("bundle_edit", args=[bundle.number])

    answer = client.post(
        address,
        {"action": "file", "version": bundle.version, "reason": "更改", "rows-count": "0", "file": file},
    )

    bundle.refresh_from_db()
    assert answer.status_code == 302, answer.content.decode()[:2000]
    assert bundle.machine_count == 25
    assert client.get(address).status_code == 200
    wrong = io.BytesIO("コンピュータ名,ない列\nKK13-Y,1".encode())
    wrong.name = "y.csv"
    answer = client.post(
        address, {"action": "file", "version": bundle.version, "reason": "更改", "file": wrong}
    )
    assert answer.status_code == 422
    assert "ない列" in answer.content.decode()
    bundle.refresh_from_db()
    assert bundle.machine_count == 25


def test_req_13_other_federations_see_nothing_and_the_board_costs_the_same_for_many(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    one = opened(cast, Action.INSTALL, row(dns=False, mac="", ip=""))
    many = opened(
        cast,
        Action.INSTALL,
        *(row(name=f"KK13-N{n}", mac=f"00:1b:a9:3c:4e:{n:02x}", ip=f"10.13.20.{n + 20}") for n in range(12)),
    )
    stranger, client = client_of(factories.applicant("14")), client_of(cast.applicant)
    for name in ("bundle", "bundle_decide"):
        assert stranger.get(reverse(name, args=[one.number])).status_code == 404
    assert one.number not in stranger.get(reverse("bundle_list")).content.decode()
    assert one.number in client.get(reverse("bundle_list") + "?q=kk13-pc01").content.decode()

    with django_assert_max_num_queries(6):
        states.board(one)
    with django_assert_max_num_queries(6):
        assert len(states.board(many).parts) == 36
    assert client.get(reverse("bundle", args=[many.number])).status_code == 200


def test_req_13_over_rest_all_or_nothing(cast: Cast) -> None:
    _token, secret = factories.token(cast.applicant)
    client, headers = client_of(cast.applicant), {"Authorization": f"Bearer {secret}"}
    body: dict[str, Any] = {
        "organisation": "13",
        "action": "INSTALL",
        "reason": "更改",
        "rows": [row(mac="zz")],
    }
    address = reverse("api_bundles")

    refused = client.post(address, body, content_type="application/json", headers=headers)
    assert refused.status_code == 422
    assert "rows/0/mac" in {error["path"] for error in refused.json()["errors"]}
    assert not BundlePart.system.exists()
    body["rows"] = [row()]
    made = client.post(address, body, content_type="application/json", headers=headers)
    assert made.status_code == 201, made.json()
    assert {part["kind"] for part in made.json()["machines"][0]["parts"]} == {REGISTER, WHITELIST, DNS}
    again = client.get(made["Location"], headers=headers)
    assert again.json()["machines"] == made.json()["machines"]


def test_req_13_the_applicant_of_an_old_bundle_is_reminded_once(cast: Cast, settings: Any) -> None:
    bundle = opened(cast, Action.INSTALL, row())
    settings.BUNDLES = settings.BUNDLES | {"remind_days": 1}
    Bundle.system.update(submitted_at=timezone.now().replace(year=2026, month=11, day=2))
    monday = timezone.now().replace(year=2026, month=11, day=30, hour=3)

    assert [reminding.remind(now=monday), reminding.remind(now=monday)] == [1, 0]
    notice = Notice.system.get(template=reminding.TEMPLATE)
    assert notice.to_user == bundle.applicant
    assert len(reminding.values_for_mail(notice)["parts"]) == 3
