"""Every page, for every role, at 1280 and 390 px: no axe finding, no CSP violation, no sideways scrolling, all in Japanese."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import DirectoryAccount, Finding
from accounts.reconciliation import runs
from devices.alerts.imports import import_alerts
from devices.alerts.models import DeviceAlert
from devices.computers.models import Computer
from devices.exchange import imports
from devices.exchange.models import SkyseaFinding
from devices.inventory import asking, opening
from devices.inventory.models import InventoryCampaign, InventoryLine
from devices.permits.models import DevicePermit
from devices.stations.services import designate
from portal.fulfilment import services
from portal.gateways import dns_factory
from portal.orgs.permissions import Role
from requests.dns import rollback
from tests import factories, journeys
from tests.browser.conftest import Office
from tests.browser.good import axe_findings, expect_good, expect_good_here
from tests.devices import world as devices
from tests.devices.inventory import stock
from tests.devices.whitelist import corpus
from tests.fake_dns import FakeDns
from tests.requests import computers as objects
from tests.requests import pso_world as pso
from tests.requests import world as tickets

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_pages_of_the_applicant_are_good(office: Office) -> None:
    cast = office.lab.cast
    returned = journeys.submitted(cast)
    draft = journeys.draft(cast)
    desk = office.desk_of(cast.applicant)
    paths = [
        "/",
        "/applications/",
        "/applications/?q=suzuki&status=IN_REVIEW",
        "/applications/?q=nothing-at-all",
        "/applications/drafts/",
        "/applications/new/",
        "/applications/new/accounts.register/",
        "/applications/new/accounts.password_reset/",
        f"/applications/{draft.number}/edit/",
        f"/applications/{draft.number}/confirm/",
        f"/applications/{returned.number}/",
        "/accounts/",
        "/accounts/print/",
        "/applications/print/",
        "/notices/",
        "/profile/",
        "/profile/password/",
        "/profile/tokens/",
        "/auth/2fa/",
        "/help/",
        "/help/applicant/",
    ]

    for path in paths:
        expect_good(desk, path)


def test_pages_of_the_approver_are_good(office: Office) -> None:
    cast = office.lab.cast
    waiting = journeys.submitted(cast)
    desk = office.desk_of(cast.approver)

    for path in [
        "/",
        "/applications/inbox/",
        f"/applications/{waiting.number}/",
        "/deputies/",
        "/help/approver/",
    ]:
        expect_good(desk, path)


def test_pages_of_operations_are_good(office: Office) -> None:
    cast = office.lab.cast
    done, stuck = journeys.approved(cast), journeys.approved(cast)
    services.drain("directory", limit=1, now_fn=timezone.now)
    operation = journeys.operations(stuck)[0]
    batch, answer = factories.exchange_batch(operation)
    guid = office.lab.entry(done.lines.get().payload["login_name"])
    assert guid is not None
    office.lab.directory.disable(guid.guid)
    runs.reconcile_nightly(now=timezone.now() + timedelta(hours=2))
    finding = Finding.system.get(object_guid=guid.guid)
    desk = office.desk_of(cast.operator)
    paths = [
        "/",
        "/operations/",
        "/operations/print/",
        "/operations/gate/close/",
        "/continuity/",
        "/operations/gate/open/",
        f"/operations/{operation.pk}/",
        f"/operations/{operation.pk}/sheet/",
        f"/applications/{done.number}/",
        f"/accounts/{guid.guid}/",
        "/operations/two-factor/",
        "/operations/two-factor/mapping/",
        "/operations/guard/",
        "/operations/guard/modes/",
        "/operations/guard/mapping/",
        f"/operations/two-factor/batches/{batch.number}/",
        f"/operations/two-factor/answers/{answer.pk}/",
        "/findings/",
        f"/findings/{finding.pk}/",
        "/reconciliation/",
        "/organisations/",
        "/organisations/13/",
        "/organisations/13/members/add/",
        "/organisations/13/naming/",
        "/organisations/13/delivery/",
        "/initial-passwords/",
        "/recipients/",
        "/routes/",
        "/trail/",
        "/jobs/",
        "/jobs/purge_sessions/",
        "/jobs/purge_sessions/run/",
        "/help/operator/",
    ]

    for path in paths:
        expect_good(desk, path)


def test_pages_of_manager_and_auditor_are_good(office: Office) -> None:
    manager = factories.user(Role.SECURITY_MANAGER)
    auditor = factories.user(Role.AUDITOR)

    for path in ["/", "/organisations/", "/organisations/13/", "/recipients/", "/help/manager/"]:
        expect_good(office.desk_of(manager), path)
    for path in ["/", "/applications/", "/accounts/", "/trail/", "/help/auditor/"]:
        expect_good(office.desk_of(auditor), path)


def test_the_login_page_and_the_error_pages_are_good(office: Office) -> None:
    desk = office.new_desk()
    expect_good(desk, "/auth/login/")
    inside = office.desk_of(office.lab.cast.applicant)
    for path, status in [("/no-such-page/", 404), ("/operations/", 403)]:
        answer = inside.page.goto(inside.address + path)
        assert answer is not None
        assert answer.status == status
        expect_good_here(inside)
    assert desk.csp_hits == []


def test_axe_would_find_a_defect(office: Office) -> None:
    desk = office.new_desk()
    desk.open("/auth/login/")
    desk.page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")

    found = axe_findings(desk.page)

    assert "button-name" in {rule for rule, _places in found}


def test_pages_of_the_dormant_accounts_are_good(office: Office) -> None:
    applicant = office.lab.cast.applicant
    seen = timezone.now() - timedelta(days=200)
    open_one = factories.dormant_line(last_logon=seen, last_logon_from="dc1.kokuho.pr", must_change=True)
    answered = {"answered_by": applicant, "answered_at": timezone.now()}
    factories.dormant_line(answer="KEEP", reason="休職中のため", **answered)
    factories.dormant_line(code="27", left="LOGGED_ON")
    month = str(open_one.review.run)
    desk = office.desk_of(applicant)

    for path in ["/dormant/", f"/dormant/{month}/", f"/dormant/{month}/13/", f"/dormant/{month}/13/?q=none"]:
        expect_good(desk, path)
    auditor = office.desk_of(factories.user(Role.AUDITOR, code="central"))
    expect_good(auditor, f"/dormant/{month}/")


def test_pages_about_the_life_of_an_account_are_good(office: Office) -> None:
    cast = office.lab.cast
    registered = journeys.approved(cast)
    services.drain("directory", now_fn=timezone.now)
    name = registered.lines.get().payload["login_name"]
    account = DirectoryAccount.system.get(login_name=name)
    change = journeys.draft(cast, {"login_name": name}, kind="accounts.change")
    deletion = journeys.submitted(cast, {"login_name": name}, kind="accounts.delete")
    desk = office.desk_of(cast.applicant)
    paths = [
        *(f"/applications/new/accounts.{kind}/" for kind in ("change", "delete", "restore")),
        f"/applications/{change.number}/edit/",
        f"/applications/{deletion.number}/",
        f"/accounts/{account.object_guid}/",
    ]

    for path in paths:
        expect_good(desk, path)


def test_pages_about_machines_are_good(office: Office) -> None:
    cast = devices.Cast()
    segment = devices.segment()
    line = devices.computer_line(segment=segment.network, place="2階")
    registered = devices.carried_out(cast, "devices.computer_register", line)
    computer = Computer.system.get(name=line["name"])
    entry = corpus.entry(computer, segment, "00:1b:a9:00:00:01", f"{segment.network[:-4]}5")
    waiting = devices.submitted(cast, "devices.computer_register", devices.computer_line())
    change = devices.draft(cast, "devices.computer_change", {"name": line["name"]})
    applicant = [
        "/computers/",
        "/computers/?q=nothing-at-all",
        "/computers/print/",
        f"/computers/{computer.uid}/",
        "/segments/",
        "/quarantine/",
        "/whitelist/",
        "/whitelist/print/",
        f"/whitelist/{entry.uid}/",
        f"/whitelist/holders/?address={entry.ip}&day=2026/12/1",
        "/applications/new/devices.whitelist/",
        "/applications/new/devices.computer_register/",
        f"/applications/{change.number}/edit/",
        f"/applications/{registered.number}/",
    ]

    for path in applicant:
        expect_good(office.desk_of(cast.applicant), path)
    expect_good(office.desk_of(cast.officer), f"/applications/{waiting.number}/")
    for path in [
        "/segments/",
        f"/segments/{segment.pk}/change/",
        f"/segments/{segment.pk}/end/",
        "/quarantine/imports/",
        "/quarantine/mapping/",
        "/whitelist/local/",
        "/computers/choices/",
        "/computers/choices/systems/other/",
    ]:
        expect_good(office.desk_of(cast.operator), path)


def test_pages_about_dns_are_good(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    dns = FakeDns()
    monkeypatch.setattr(dns_factory, "get_dns", lambda: dns)
    tickets.country()
    cast = tickets.Cast()
    done = tickets.approved(cast, tickets.line(with_ptr=True))
    tickets.carry_out(done)
    waiting = tickets.submitted(cast, tickets.line("CHANGE", value="10.13.82.6", old_value="10.13.82.5"))
    draft = rollback.draft_rollback(application=done, actor=cast.applicant, now=timezone.now())
    broken = tickets.zone("broken.example", problem="ゾーンを最後まで読み込めませんでした（timeout）。")
    for path in [
        "/dns/records/",
        "/dns/records/?q=nothing-at-all",
        "/dns/records/print/",
        "/dns/zones/",
        "/applications/new/requests.dns/",
        f"/applications/{done.number}/",
        f"/applications/{draft.number}/edit/",
        f"/dns/tickets/{done.number}/rollback/",
    ]:
        expect_good(office.desk_of(cast.applicant), path)
    expect_good(office.desk_of(cast.approver), f"/applications/{waiting.number}/")
    operation = journeys.operations(done)[0]
    for path in [
        "/dns/zones/?ended=1",
        f"/dns/zones/{broken.pk}/",
        f"/operations/{operation.pk}/",
    ]:
        expect_good(office.desk_of(cast.operator), path)


def test_pages_about_password_settings_are_good(office: Office) -> None:
    cast = office.lab.cast
    names = [f"tk13-n{number}" for number in range(3)]
    lines = [journeys.registration_line(cast.recipient, login_name=name) for name in names]
    journeys.approved(cast, *lines)
    office.carry_out()
    row = pso.in_force(cast, pso.line("tk13-n0", "tk13-n1"))
    row.until = pso.day(5)
    row.save()
    waiting = pso.submitted(cast, pso.line("tk13-n2", name="second"))
    for path in [
        "/password-lifetimes/",
        "/password-lifetimes/?q=nothing-at-all",
        "/password-lifetimes/print/",
        f"/password-lifetimes/{row.pk}/",
        f"/password-lifetimes/applications/{waiting.number}/accounts/",
        "/applications/new/requests.pso/",
        f"/applications/{row.line.application.number}/",
    ]:
        expect_good(office.desk_of(cast.applicant), path)
    expect_good(office.desk_of(cast.approver), f"/applications/{waiting.number}/")
    expect_good(office.desk_of(cast.operator), "/password-lifetimes/in-directory/")


def test_pages_about_computer_objects_are_good(office: Office) -> None:
    cast, machine = tickets.Cast(), devices.computer("KK13-PC01")
    made = objects.approved(cast, objects.ADD, "KK13-PC01", "KK13-PC02", description="審査課 執務室")
    objects.carry_out(made)
    gone = objects.approved(cast, objects.REMOVE_KIND, "KK13-PC02")
    waiting = objects.submitted(cast, objects.REMOVE_KIND, "KK13-PC01")
    objects.carry_out(gone)
    for path in [
        "/computers/objects/",
        "/computers/objects/?q=nothing-at-all",
        "/computers/objects/print/",
        f"/computers/objects/{objects.row('KK13-PC02').object_guid}/",
        f"/computers/{machine.uid}/",
        "/applications/new/requests.computer_add/",
        "/applications/new/requests.computer_remove/",
        f"/applications/{gone.number}/",
    ]:
        expect_good(office.desk_of(cast.applicant), path)
    expect_good(office.desk_of(cast.approver), f"/applications/{waiting.number}/")
    expect_good(office.desk_of(cast.operator), f"/operations/{journeys.operations(gone)[0].pk}/")


def test_pages_about_devices_are_good(office: Office) -> None:
    cast = devices.Cast()
    machine = devices.computer("KK13-PC01")
    used = devices.registered(cast, machine)
    used.device.model, used.device.serial = "M" * 80, "S" * 64  # no space: it must not push a page sideways
    used.device.save()
    waiting = devices.approved(cast, devices.permit_line(machine, serial="", no_serial_reason="刻印がない"))
    filed = devices.submitted(cast, "devices.permit", devices.permit_line(machine))
    number = DevicePermit.system.get(line__application=waiting).device.number
    rows = (
        f"デバイス種別,型番,シリアル番号\nUSBメモリ,X,S1\nUSBメモリ,{used.device.model},{used.device.serial}"
    )
    listed = imports.import_register(
        organisation=used.organisation,
        name="skysea.csv",
        data=rows.encode(),
        as_of=timezone.now(),
        complete=True,
        actor=cast.officer,
        now=timezone.now(),
    )
    finding = SkyseaFinding.system.get(kind="UNKNOWN")
    rows = "発生日時,アラート種別,コンピューター名,型番\n2026/11/01,禁止デバイス利用,KK13-PC01,X"
    import_alerts(
        organisation=used.organisation,
        name="alerts.csv",
        data=rows.encode(),
        actor=cast.officer,
        now=timezone.now(),
    )
    console = devices.computer("KK13-SC1", agents=["DEVICE_CONTROL"])
    station = designate(computer_id=console.pk, note="", actor=cast.officer, now=timezone.now())
    expect_good(office.desk_of(cast.operator), "/skysea/mapping/")
    applicant = [
        "/devices/",
        "/devices/?q=nothing-at-all",
        "/devices/print/",
        f"/devices/{used.device.number}/",
        f"/computers/{machine.uid}/",
        "/applications/new/devices.permit/",
        f"/applications/{waiting.number}/",
    ]
    officer = [
        "/skysea/",
        f"/skysea/imports/{listed.pk}/",
        "/skysea/findings/",
        f"/skysea/findings/{finding.pk}/",
        "/alerts/",
        "/alerts/import/",
        "/alerts/open/",
        "/alerts/figures/",
        f"/alerts/{DeviceAlert.system.get().pk}/",
        "/stations/",
        "/stations/print/",
        f"/stations/{station.pk}/end/",
        "/devices/registration/",
        f"/devices/registration/{number}/",
        f"/applications/{filed.number}/",
        "/help/officer/",
    ]

    for path in applicant:
        expect_good(office.desk_of(cast.applicant), path)
    for path in officer:
        expect_good(office.desk_of(cast.officer), path)


def test_pages_about_the_inventory_are_good(office: Office) -> None:
    cast = devices.Cast()
    stock.fill(factories.organisation("13"), 10)
    now = timezone.now()
    opening.open_campaign(now=now, period=now)
    campaign = InventoryCampaign.objects.get()
    sheet = f"/inventory/{campaign}/13/"
    line = InventoryLine.system.first()
    assert line is not None
    line.asked_at = now
    line.question_digest = asking.digest_of(asking.token_of(line))
    line.save()

    for path in ("/inventory/", f"/inventory/{campaign}/", sheet, f"{sheet}scan/"):
        expect_good(office.desk_of(cast.officer), path)
    expect_good(office.desk_of(cast.operator), f"/inventory/{campaign}/")
    expect_good(office.desk_of(cast.officer), f"/inventory/question/{asking.token_of(line)}/")
