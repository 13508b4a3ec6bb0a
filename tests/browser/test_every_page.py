"""Every page, for every role, at 1280 and 390 px: no axe finding, no CSP violation, no sideways scrolling, all in Japanese."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import DirectoryAccount, Finding
from accounts.reconciliation import runs
from audit.cycles.models import AuditCycle
from audit.demo import story
from audit.imports.models import LogImport
from audit.ledgers.models import WorkEntry
from audit.reconciliation import reasons
from audit.reconciliation.models import Incident, Mismatch, ReasonCode, Side
from audit.reports.documents import files
from audit.reports.models import AuditReport, FileOrder
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
from portal.trail.models import TrailEntry
from requests.dns import rollback
from requests.enquiries import services as enquiries
from requests.outages import services as outages
from tests import factories, journeys
from tests.audit.imports import logs as log_files
from tests.browser.conftest import Office
from tests.browser.good import WIDTHS, expect_good, expect_good_here, findings
from tests.devices import world as devices
from tests.devices.inventory import stock
from tests.devices.whitelist import corpus
from tests.documents.openssl_tsa import with_authority
from tests.evidence import RunningSigner
from tests.fake_dns import FakeDns
from tests.requests import computers as objects
from tests.requests import pso_world as pso
from tests.requests import world as tickets

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MENU = "メニュー"


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

    found = findings(desk.page)

    assert "button-name" in {rule for rule, _places in found}


def test_what_was_good_on_another_page_is_not_taken_for_granted_once_it_differs(office: Office) -> None:
    """Head and menu are judged on the first page that has them so; what compares them with the rest, on each."""
    desk = office.desk_of(office.lab.cast.applicant)
    expect_good(desk, "/notices/")
    defects = [
        ("landmark-unique", "main", f'<nav aria-label="{MENU}"><a href="/">1</a></nav>'),
        ("button-name", "header", "<button></button>"),
    ]
    for rule, place, part in defects:
        desk.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        desk.open("/profile/")
        desk.page.evaluate(
            "([place, part]) => document.querySelector(place).insertAdjacentHTML('beforeend', part)",
            [place, part],
        )

        assert rule in {found[0] for found in findings(desk.page)}


# What is found, a part of the page, its style at every width, what the narrow one changes.
_NARROW_DEFECTS = [
    ("color-contrast", "", "", "h1 { color: #ddd }"),
    ("color-contrast", "", "", "main { opacity: .3 }"),
    (
        "target-size",
        '<button class="x">a</button><button class="x">b</button>',
        "",
        ".x { all: unset; font-size: 6px }",
    ),
    ("button-name", '<button class="x"></button>', ".x { display: none }", ".x { display: inline }"),
    ("heading-order", '<h2 class="x">1</h2><h3>2</h3>', "", ".x { display: none }"),
    ("scrolls sideways", '<p class="x">1</p>', "", ".x { width: 40rem }"),
]


def test_a_defect_of_the_narrow_width_alone_is_found(office: Office) -> None:
    """Of what was good at the wide one, only what depends on the room is asked again."""
    desk = office.new_desk()
    for finding, part, style, narrow in _NARROW_DEFECTS:
        desk.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        desk.open("/auth/login/")
        desk.page.evaluate(
            """([part, style]) => {
                document.querySelector("main").insertAdjacentHTML("beforeend", part);
                document.adoptedStyleSheets.push(new CSSStyleSheet());
                document.adoptedStyleSheets[0].replaceSync(style);
            }""",
            [part, f"{style} @media (max-width: 400px) {{ {narrow} }}"],
        )

        assert findings(desk.page) == [], narrow
        desk.page.set_viewport_size({"width": WIDTHS[1], "height": 900})
        assert finding in {rule if isinstance(rule, str) else rule[0] for rule in findings(desk.page)}, narrow


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


def test_pages_of_the_desk_and_the_calendar_are_good(office: Office) -> None:
    crew, now = tickets.Cast(), timezone.now()
    asked = enquiries.ask(
        organisation=crew.applicant.organisation,
        desk="OPERATIONS",
        category="PORTAL",
        subject="CSVの文字化け",
        text="一覧のCSVが文字化けします。",
        files=[("log.txt", b"log")],
        actor=crew.applicant,
        now=now,
    )
    wanted = outages.Plan(
        title="仮想化基盤の計画停止",
        systems=["VIRTUAL"],
        detail="仮想サーバが停止します。",
        stops_at=now + timedelta(hours=3),
        starts_at=now + timedelta(hours=7),
        organisations=[crew.applicant.organisation],
        confirmers=[crew.approver],
    )
    stop = outages.plan(wanted=wanted, actor=crew.operator, now=now)
    shared = [
        "/enquiries/",
        f"/enquiries/{asked.number}/",
        "/outages/",
        f"/outages/{stop.number}/",
        "/calendar/",
    ]
    for path in [
        *shared,
        "/calendar/?view=week",
        "/faq/",
        "/applications/new/",
        "/unlocks/",
        "/enquiries/new/",
    ]:
        expect_good(office.desk_of(crew.applicant), path)
    for path in [
        *shared,
        "/outages/new/",
        f"/outages/{stop.number}/change/",
        "/unlocks/waiting/",
        "/calendar/freezes/",
    ]:
        expect_good(office.desk_of(crew.operator), path)


def test_pages_of_the_audit_are_good(
    office: Office,
    signer: RunningSigner,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The demonstration's month: 13 has its report, 14's is with 中央会, 27's goes back; logs, works, machines."""
    with_authority(settings, tmp_path)
    monkeypatch.setattr(files, "signed_pdf", lambda content, checkpoint: b"%PDF")
    operator, manager = office.lab.cast.operator, factories.user(Role.SECURITY_MANAGER)
    reviewer = factories.user(Role.AUDIT_REVIEWER, code="central")
    factories.approver("central")
    for code in ("14", "27"):
        factories.user(Role.SECURITY_MANAGER, code=code)
    assert story.tell() == 3
    month = AuditCycle.objects.latest("month").key
    own, other = (f"/audit/reports/{month}/{code}/1/" for code in ("13", "14"))
    takeout = Mismatch.system.filter(log_kind="TAKEOUT").exclude(code__in=("OK", "TOL")).earliest("pk")
    accessed = Mismatch.system.filter(organisation__code="14", code="U_TIME").latest("pk")
    reasons.give_reason(
        report_id=AuditReport.system.get(organisation__code="14").pk,
        mismatches=[accessed],
        side=Side.CENTRAL,
        code=ReasonCode.MISUSE,
        text="申請のない更新。" * 20,
        actor=reviewer,
        now=timezone.now(),
    )
    incident = Incident.system.get()
    FileOrder.objects.create(
        report=AuditReport.system.get(organisation__code="14"),
        stage="PROVIDED",
        ordered_at=timezone.now(),
        attempts=9,
        problem="SigningUnavailable: " + "x" * 200,  # no space: it must not push a page sideways
    )
    upload = log_files.upload(log_files.text(log_files.line(), "1,2"), actor=operator, name="n" * 60 + ".csv")
    work = WorkEntry.system.latest("pk")

    for path in [
        "/",
        "/audit/",
        "/audit/?open",
        "/audit/reports/",
        "/audit/reports/?whose=late",
        other,
        f"{other}sessions/database/",
        f"{other}sessions/database/?by=code",
        f"{other}sessions/database/{accessed.pk}/",
        "/audit/incidents/",
        f"/audit/incidents/{incident.number}/",
        "/audit/ledgers/central/",
        "/audit/ledgers/central/new/",
        "/audit/ledgers/central/file/",
        "/audit/ledgers/types/",
        f"/audit/works/{work.pk}/",
        f"/audit/works/{work.pk}/change/",
        "/help/audit/",
    ]:
        expect_good(office.desk_of(reviewer), path)
    for path in [
        "/audit/logs/",
        f"/audit/logs/{upload.pk}/",
        f"/audit/logs/{LogImport.objects.earliest('pk').pk}/",
        "/audit/logs/machines/",
        "/audit/logs/coverage/",
        "/audit/logs/mapping/takeout/",
        "/audit/logs/application/",
        "/audit/retention/",
        "/audit/reports/files/",
        "/audit/reports/many/create/",
        f"/trail/evidence/?source=trail.entry&key={TrailEntry.objects.earliest('pk').pk}",
    ]:
        expect_good(office.desk_of(operator), path)
    for path in [
        "/audit/",
        own,
        f"{own}ask/",
        f"{own}sessions/takeout/",
        f"{own}sessions/takeout/{takeout.pk}/",
        "/audit/ledgers/federation/",
    ]:
        expect_good(office.desk_of(manager), path)


def test_an_outage_is_planned_by_keyboard_alone(office: Office) -> None:
    desk = office.desk_of(office.lab.cast.operator)
    approver = factories.approver("13", display_name="薬袋 美咲")
    desk.open("/outages/new/")
    day = timezone.localdate() + timedelta(days=3)
    for name, value in {
        "title": "計画停止",
        "detail": "停止します。",
        "stops_on": f"{day:%Y/%m/%d}",
        "stops_clock": "22:00",
        "starts_on": f"{day:%Y/%m/%d}",
        "starts_clock": "23:00",
    }.items():
        desk.page.focus(f"[name={name}]")
        desk.page.keyboard.type(value)
    for box in ("systems", "everybody"):
        desk.page.locator(f"[name={box}]").first.focus()
        desk.page.keyboard.press("Space")
    boxes = desk.page.locator("[data-narrowed] label:visible")
    desk.page.focus("[data-narrows]")
    desk.page.keyboard.type(approver.display_name)
    assert boxes.all_inner_texts() == [f"東京都国保連合会　{approver.display_name}"]
    boxes.first.locator("input").focus()
    desk.page.keyboard.press("Space")
    desk.page.get_by_role("button", name="登録して通知する").focus()

    desk.enter()

    assert desk.page.locator("h1").inner_text().startswith("計画停止")


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
