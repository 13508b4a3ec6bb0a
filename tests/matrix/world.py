"""The people and the objects of the matrix: one person for each role of each kind of organisation, and federation 13's things.

Everything here belongs to federation 13. For a person of 13 it is the own federation, for one of 27 the other one.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.dormancy import listing
from accounts.dormancy.models import DormantLine
from accounts.models import DirectoryAccount, Finding, ReconciliationRun
from accounts.reconciliation.models import FindingKind
from audit.imports.models import Host, LogImport
from audit.ledgers.models import WorkEntry, WorkImport
from audit.reconciliation import incidents
from audit.reconciliation.models import Incident, Mismatch
from audit.reports.models import AuditReport, ReportFile
from devices.alerts.imports import import_alerts
from devices.alerts.models import DeviceAlert
from devices.computers.models import Computer, Segment
from devices.exchange import imports, orders
from devices.exchange.models import OrderFile, SkyseaFinding
from devices.inventory import asking, opening
from devices.inventory.models import InventoryLine
from devices.permits.models import DevicePermit
from devices.quarantine import services as quarantine
from devices.quarantine.models import QuarantineImport
from devices.stations.models import ConsoleStation
from devices.stations.services import designate
from devices.whitelist import register as whitelist
from devices.whitelist.models import LocalAddress, WhitelistEntry
from devices.whitelist.payloads import WhitelistLine
from portal.fulfilment.freezes import services as freezes
from portal.fulfilment.freezes.models import FreezePeriod
from portal.fulfilment.freezes.services import NewFreeze
from portal.fulfilment.models import Operation, OperationFile
from portal.notices.models import Notice, NoticeStatus
from portal.orgs.models import ApiToken, Deputy, Membership, PasswordRecipient, User
from portal.orgs.permissions import ROLES_OF_KIND, OrganisationKind, Role
from portal.two_factor.models import AnswerFile, ExchangeBatch
from portal.workflow import services
from portal.workflow.bulk import checking
from portal.workflow.bulk.models import Upload, UploadState
from portal.workflow.models import Application, ApplicationLine, Attachment, SavedFilter
from requests.bundles import services as bundles
from requests.bundles.models import Bundle
from requests.computers.models import ComputerObject
from requests.enquiries import services as enquiries
from requests.enquiries.models import Enquiry, EnquiryFile
from requests.faq import services as faq
from requests.faq.models import FaqVersion
from requests.managed.models import ManagedMachine
from requests.networks import services as services_of_networks
from requests.outages import services as outages
from requests.outages.models import Outage
from requests.own_changes.models import OwnChange
from requests.password_settings.models import PasswordLifetime
from requests.zones.models import DnsZone
from tests import factories, journeys
from tests.audit.imports import logs
from tests.audit.ledgers import world as ledgers
from tests.audit.reports import world as audit_reports
from tests.devices import world as devices
from tests.devices.inventory import stock
from tests.fakes import FakeDirectory, users_ou
from tests.requests import computers, managed, networks, own_changes
from tests.requests import pso_world as pso
from tests.requests import world as requests
from tests.requests.unlock import world as locks
from tests.roles import client_of

ANONYMOUS, DEACTIVATED, NOBODY = "anonymous", "13:deactivated", "13:nobody"

KINDS = {
    "13": OrganisationKind.FEDERATION,
    "27": OrganisationKind.FEDERATION,
    "central": OrganisationKind.CENTRAL,
    "operations": OrganisationKind.OPERATIONS,
    "maintenance": OrganisationKind.MAINTENANCE,
}
EVERYBODY = [f"{code}:{role}" for code, kind in KINDS.items() for role in Role if role in ROLES_OF_KIND[kind]]
PERSONAS = [*EVERYBODY, NOBODY, DEACTIVATED, ANONYMOUS]

# Text that only those may ever read who see federation 13.
CANARY_LOGIN, CANARY_NAME = "tk13-himitsu", "秘密"
CANARY_ZONE = "himitsu13.kokuho.pr"
CANARY_RECIPIENT = "uketori.himitsu@kokuho13.example.jp"


@dataclass
class World:
    """Federation 13's objects, and a browser for each persona."""

    directory: FakeDirectory
    people: dict[str, User] = field(default_factory=dict)
    browsers: dict[str, Client] = field(default_factory=dict)
    # For each organisation one more person, who gets several roles for one request (tests.matrix.asking).
    of_several: dict[str, User] = field(default_factory=dict)
    browsers_of_several: dict[str, Client] = field(default_factory=dict)
    recipient: PasswordRecipient = field(init=False)
    draft: Application = field(init=False)
    attachment: Attachment = field(init=False)
    upload: Upload = field(init=False)
    waiting: Application = field(init=False)
    carried_out: Application = field(init=False)
    ended: Application = field(init=False)
    shown: OperationFile = field(init=False)
    freeze: FreezePeriod = field(init=False)
    operation: Operation = field(init=False)
    account: DirectoryAccount = field(init=False)
    computer: Computer = field(init=False)
    segment: Segment = field(init=False)
    permit: DevicePermit = field(init=False)
    orders: OrderFile = field(init=False)
    skysea: SkyseaFinding = field(init=False)
    whitelist_entry: WhitelistEntry = field(init=False)
    local_address: LocalAddress = field(init=False)
    quarantine_import: QuarantineImport = field(init=False)
    computer_object: ComputerObject = field(init=False)
    zone: DnsZone = field(init=False)
    dns_ticket: Application = field(init=False)
    network_line: ApplicationLine = field(init=False)
    bundle: Bundle = field(init=False)
    bundle_draft: Bundle = field(init=False)
    outage: Outage = field(init=False)
    enquiry: Enquiry = field(init=False)
    enquiry_file: EnquiryFile = field(init=False)
    faq_version: FaqVersion = field(init=False)
    pso_ticket: Application = field(init=False)
    lifetime: PasswordLifetime = field(init=False)
    unlock: Application = field(init=False)
    managed: ManagedMachine = field(init=False)
    own_change: OwnChange = field(init=False)
    alert: DeviceAlert = field(init=False)
    station: ConsoleStation = field(init=False)
    dormant_line: DormantLine = field(init=False)
    inventory_line: InventoryLine = field(init=False)
    finding: Finding = field(init=False)
    deputy: Deputy = field(init=False)
    audit_report: AuditReport = field(init=False)
    audit_file: ReportFile = field(init=False)
    audit_session: Mismatch = field(init=False)
    incident: Incident = field(init=False)
    membership: Membership = field(init=False)
    log_import: LogImport = field(init=False)
    log_host: Host = field(init=False)
    token: ApiToken = field(init=False)
    saved_filter: SavedFilter = field(init=False)
    notice: Notice = field(init=False)
    batch: ExchangeBatch = field(init=False)
    answer: AnswerFile = field(init=False)
    work: WorkEntry = field(init=False)
    work_file: WorkImport = field(init=False)
    confirmation_token: str = "a-mailed-token"

    def person(self, role: str, code: str = "13") -> User:
        """The persona of a role."""
        return self.people[f"{code}:{role}"]

    def line(self, **values: Any) -> dict[str, Any]:
        """One new person of federation 13."""
        return journeys.registration_line(self.recipient, **values)


def build(directory: FakeDirectory) -> World:
    """Make everybody and everything."""
    world = World(directory)
    _people(world)
    _applications(world)
    _account(world)
    _devices(world)
    _dns(world)
    _bundles(world)
    _enquiries(world)
    _unlocks(world)
    _networks(world)
    _outages(world)
    _audit_reports(world)
    _skysea(world)
    _dormant(world)
    _inventory(world)
    _password_settings(world)
    _logs(world)
    _ledgers(world)
    _belongings(world)
    return world


def _people(world: World) -> None:
    for name in EVERYBODY:
        code, _, role = name.partition(":")
        world.people[name] = factories.user(role, code=code)
    world.people[NOBODY] = factories.user()
    world.people[DEACTIVATED] = factories.user(*ROLES_OF_KIND[OrganisationKind.FEDERATION])
    for name, person in world.people.items():
        world.browsers[name] = client_of(person, raise_request_exception=False)
    world.browsers[ANONYMOUS] = Client(raise_request_exception=False)
    for code in KINDS:
        world.of_several[code] = factories.user(code=code)
        world.browsers_of_several[code] = client_of(world.of_several[code], raise_request_exception=False)
    User.objects.filter(pk=world.people[DEACTIVATED].pk).update(is_active=False)
    world.recipient = factories.recipient("13", email=CANARY_RECIPIENT, name="秘密 受信")
    world.membership = Membership.system.get(user=world.person(Role.USER))
    world.deputy = factories.deputy(
        world.person(Role.APPROVER), world.person(Role.SECURITY_OFFICER), Role.APPROVER
    )
    Deputy.system.filter(pk=world.deputy.pk).update(
        valid_from=factories.LONG_AGO, valid_until=factories.LONG_AGO
    )


def _applications(world: World) -> None:
    cast = journeys.Cast.__new__(journeys.Cast)
    cast.code, cast.recipient = "13", world.recipient
    cast.applicant, cast.approver = world.person(Role.APPLICANT), world.person(Role.APPROVER)
    cast.operator = world.person(Role.OPERATOR, "operations")
    named = {"family_name": CANARY_NAME}
    world.draft = journeys.draft(cast, world.line(login_name=CANARY_LOGIN, **named))
    world.attachment = services.add_attachment(
        application_id=world.draft.pk,
        actor=cast.applicant,
        name="himitsu.txt",
        data="秘密の添付".encode(),
        now=timezone.now(),
    )
    line = world.line(login_name=f"{CANARY_LOGIN}7", **named)
    world.upload = Upload.system.create(
        organisation=factories.organisation("13"),
        kind=world.draft.kind,
        name="himitsu.xlsx",
        uploaded_by=cast.applicant,
        uploaded_at=timezone.now(),
        rows=[{"n": 2, "v": {name: value for name, value in line.items() if value}, "p": {}}],
        row_count=1,
    )
    checking.check(upload_id=world.upload.pk, now=timezone.now())
    world.upload = Upload.system.get(pk=world.upload.pk, state=UploadState.CHECKED, error_count=0)
    world.waiting = journeys.submitted(cast, world.line(login_name=f"{CANARY_LOGIN}2", **named))
    world.carried_out = journeys.approved(cast, world.line(login_name=f"{CANARY_LOGIN}3", **named))
    world.operation = journeys.operations(world.carried_out)[0]
    for application in (world.draft, world.waiting, world.carried_out):
        application.refresh_from_db()


def _account(world: World) -> None:
    entry = world.directory.add(f"{CANARY_LOGIN}9", container_dn=users_ou("13"))
    world.account = DirectoryAccount.system.create(
        organisation=factories.organisation("13"),
        object_guid=entry.guid,
        distinguished_name=entry.dn,
        login_name=entry.login_name,
        family_name=CANARY_NAME,
        given_name="花子",
        search_text=f"{entry.login_name} {CANARY_NAME}",
        last_line=world.carried_out.lines.get(),
        verified_at=timezone.now(),
    )
    run = ReconciliationRun.objects.create(asked_at=timezone.now(), status="DONE")
    world.finding = Finding.system.create(
        organisation=world.account.organisation,
        account=world.account,
        object_guid=entry.guid,
        kind=FindingKind.CHANGED,
        login_name=entry.login_name,
        name=CANARY_NAME,
        differences=[{"field": "department", "written": "総務課", "found": CANARY_NAME}],
        digest="0" * 64,
        first_seen_at=timezone.now(),
        last_seen_at=timezone.now(),
        first_run=run,
        last_run=run,
    )


def _devices(world: World) -> None:
    world.segment = devices.segment("13", network="10.213.99.0/24", note=CANARY_NAME)
    world.computer = devices.computer(
        "KK13-HIMITSU", segment=world.segment, place=CANARY_NAME, last_line=world.carried_out.lines.get()
    )
    # Applied for and approved by people who are no personas, so that every persona may try to record it.
    line = devices.permit_line(world.computer, model=CANARY_NAME, end_user=CANARY_NAME)
    application = devices.approved(devices.Cast(), line)
    world.permit = DevicePermit.system.select_related("device").get(line__application=application)
    mac = "02:00:5e:13:00:01"
    world.local_address = LocalAddress.system.create(
        organisation=world.segment.organisation,
        mac=mac,
        reason=CANARY_NAME,
        accepted_by=factories.user(Role.OPERATOR, code="operations"),
        accepted_at=timezone.now(),
    )
    world.quarantine_import = quarantine.import_file(
        name="kensa.csv",
        data=f"コンピュータ名,検査結果,最終検査日時\n{world.computer.name},適合,2026/11/1 9:00\n".encode(),
        actor=factories.user(Role.OPERATOR, code="operations"),
        now=timezone.now(),
    )
    payload = WhitelistLine(action="ADD", computer=world.computer.name, mac=mac, ip="10.213.99.7")
    world.whitelist_entry = whitelist.write_line(
        line=application.lines.get(), payload=payload, segment_id=world.segment.pk, now=timezone.now()
    )


def _dns(world: World) -> None:
    world.computer_object = computers.entered("KK13-HIMITSU", description=CANARY_NAME)
    world.zone = requests.zone(CANARY_ZONE, factories.organisation("13"))
    line = requests.line(name=f"web.{CANARY_ZONE}", value="10.213.99.9")
    world.dns_ticket = requests.approved(requests.Cast(), line)
    requests.carry_out(world.dns_ticket)
    world.managed = managed.machine(name=CANARY_NAME, place=CANARY_NAME)
    world.own_change = own_changes.change(world.person(Role.APPLICANT), changed_by=CANARY_NAME)


def _enquiries(world: World) -> None:
    asker, now = world.person(Role.APPLICANT), timezone.now()
    world.enquiry = enquiries.ask(
        organisation=factories.organisation("13"),
        desk="OPERATIONS",
        category="OTHER",
        subject=CANARY_NAME,
        text=CANARY_NAME,
        files=[("himitsu.txt", b"himitsu")],
        actor=asker,
        now=now,
    )
    world.enquiry_file = EnquiryFile.system.get()
    proposed = faq.propose(
        entry_id=None,
        enquiry=world.enquiry,
        category="OTHER",
        question="画面の見方",
        answer="使い方の頁を見てください。",
        actor=factories.operator(),
        now=now,
    )
    world.faq_version = faq.publish(version_id=proposed.pk, actor=factories.operator(), now=now)


def _password_settings(world: World) -> None:
    entry = pso.account(world.directory, f"{CANARY_LOGIN}6", display_name=CANARY_NAME)
    world.pso_ticket = pso.approved(requests.Cast(), pso.line(entry.login_name, name="himitsu"))
    line = world.pso_ticket.lines.get()
    world.lifetime = PasswordLifetime.system.create(
        organisation=factories.organisation("13"),
        name="PSO-13-himitsu",
        object_guid=uuid.uuid4(),
        distinguished_name="CN=PSO-13-himitsu",
        lifetime_days=180,
        lifetime_before=90,
        precedence=1000,
        accounts=[{"guid": str(entry.guid), "login_name": entry.login_name, "name": CANARY_NAME}],
        until=pso.day(),
        started_at=timezone.now(),
        search_text=entry.login_name,
        line=line,
        last_line=line,
    )


def _unlocks(world: World) -> None:
    crew = journeys.Crew()
    done, waits = (
        locks.account(world.directory, name, display_name=CANARY_NAME)
        for name in (f"{CANARY_LOGIN}u1", f"{CANARY_LOGIN}u2")
    )
    locks.carry_out(locks.accepted(crew, done.login_name))
    world.unlock = locks.vouched(crew, waits.login_name)


def _logs(world: World) -> None:
    world.log_host = logs.host("himitsu13", note=CANARY_NAME)
    world.log_import = logs.load(logs.text(logs.line(host="himitsu13", object_name=CANARY_NAME)))


def _outages(world: World) -> None:
    now = timezone.now()
    wanted = outages.Plan(
        title=CANARY_NAME,
        systems=["VIRTUAL"],
        detail=CANARY_NAME,
        stops_at=now + timedelta(days=3),
        starts_at=now + timedelta(days=4),
        organisations=[factories.organisation("13")],
        confirmers=[world.person(Role.APPROVER)],
    )
    world.outage = outages.plan(wanted=wanted, actor=factories.operator(), now=now)


def _audit_reports(world: World) -> None:
    month = audit_reports.cycle()
    run = audit_reports.run(month, coverage=[{"host": CANARY_NAME, "days_missing": []}])
    world.audit_session = audit_reports.mismatch(run, host=CANARY_NAME)
    world.audit_report = audit_reports.report(
        month, status="PROVIDED", reconciliation=run, reason=CANARY_NAME, provided_at=timezone.now()
    )
    world.audit_file = audit_reports.files(world.audit_report, "PROVIDED")[0]
    with transaction.atomic():
        found = incidents.open_incident(
            report=world.audit_report,
            mismatches=[world.audit_session],
            text=CANARY_NAME,
            actor=factories.user(Role.SECURITY_OFFICER),
            now=timezone.now(),
        )
    assert found is not None
    world.incident = found


def _networks(world: World) -> None:
    waiting, used = (
        networks.approved(networks.Cast(), networks.take(purpose=CANARY_NAME)) for _n in range(2)
    )
    world.network_line = waiting.lines.get()
    services_of_networks.allot(
        line_id=used.lines.get().pk,
        network="10.13.84.0/25",
        actor=factories.user(Role.APPROVER, code="central"),
        now=timezone.now(),
    )


def _bundles(world: World) -> None:
    """A PC that comes, on its way, and the draft of another one; the applicant is the one of the matrix."""
    applicant = world.person(Role.APPLICANT)

    def made(name: str) -> Bundle:
        row = {
            "name": name,
            "kind": "client",
            "operating_system": "win10_2016_ltsb",
            "business_system": "common",
        }
        return bundles.create(
            action="INSTALL",
            organisation_id=factories.organisation("13").pk,
            actor=applicant,
            draft=bundles.Draft(reason=CANARY_NAME, rows=[row]),
            now=timezone.now(),
        )

    world.bundle_draft = made("KK13-MATRIX1")
    world.bundle = made("KK13-MATRIX2")
    world.bundle, review = bundles.submit(
        bundle_id=world.bundle.pk, actor=applicant, left_out={}, version=None, now=timezone.now()
    )
    assert review.is_good


def _skysea(world: World) -> None:
    officer, now = devices.Cast().officer, timezone.now()
    organisation = factories.organisation("13")
    world.orders = orders.make_orders(organisation=organisation, actor=officer, now=now)
    imports.import_register(
        organisation=organisation,
        name="skysea.csv",
        data=f"型番,シリアル番号\n{CANARY_NAME},X1".encode(),
        as_of=now,
        complete=False,
        actor=officer,
        now=now,
    )
    world.skysea = SkyseaFinding.system.get()
    rows = (
        f"発生日時,アラート種別,コンピューター名,型番\n2026/11/01,禁止デバイス利用,KK13-HIMITSU,{CANARY_NAME}"
    )
    import_alerts(organisation=organisation, name="alerts.csv", data=rows.encode(), actor=officer, now=now)
    world.alert = DeviceAlert.system.get()
    world.station, _other = (
        designate(
            computer_id=devices.computer(name, agents=["DEVICE_CONTROL"]).pk, note="", actor=officer, now=now
        )
        for name in ("KK13-HIMITSU2", "KK13-HIMITSU3")
    )


def _dormant(world: World) -> None:
    world.directory.add(
        f"{CANARY_LOGIN}8",
        display_name=f"{CANARY_NAME} 次郎",
        container_dn=users_ou("13"),
        created_at=timezone.now() - timedelta(days=400),
    )
    listing.list_dormant_accounts(now=timezone.now(), period=timezone.now())
    world.dormant_line = DormantLine.system.select_related("review__run").get(organisation__code="13")


def _inventory(world: World) -> None:
    now = timezone.now()
    stock.fill(factories.organisation("13"), 1)
    opening.open_campaign(now=now, period=now)
    line = InventoryLine.system.select_related("sheet__campaign").get()
    line.name, line.end_user, line.asked_at = CANARY_NAME, CANARY_NAME, now
    line.question_digest = asking.digest_of(asking.token_of(line))
    line.save()
    world.inventory_line = line


def _ledgers(world: World) -> None:
    keeper = world.person(Role.SECURITY_OFFICER)
    world.work = ledgers.work(ledger="FEDERATION", actor=keeper, text=CANARY_NAME, persons=[CANARY_NAME])
    world.work_file = ledgers.file_of(keeper, text=CANARY_NAME)


def _belongings(world: World) -> None:
    owner = world.person(Role.APPLICANT)
    world.saved_filter = SavedFilter.objects.create(user=owner, name="himitsu", query="mine=1")
    world.token = ApiToken.objects.create(
        user=owner, name="himitsu", digest=uuid.uuid4().hex, hint="kp_", expires_at=timezone.now()
    )
    world.notice = Notice.system.create(
        template="application_completed",
        created_at=timezone.now(),
        not_before=timezone.now(),
        organisation_id=owner.organisation_id,
        to_user=owner,
        to_address=CANARY_RECIPIENT,
        application_number=world.waiting.number,
        status=NoticeStatus.FAILED,
    )
    world.freeze = freezes.enter(
        NewFreeze(
            starts_at=timezone.now(),
            ends_at=timezone.now() + timedelta(hours=1),
            effect="WARN",
            reason="himitsu",
            organisation=owner.organisation,
        ),
        actor=world.person(Role.OPERATOR, "operations"),
        now=timezone.now(),
    )
    world.shown = factories.file_of_work(world.operation)
    world.ended = factories.reported("13", applicant=owner, notice=world.notice)
    world.batch, world.answer = factories.exchange_batch(world.operation)
    factories.recipient(
        "13",
        confirmed_at=None,
        confirmation_sent_at=timezone.now(),
        confirmation_digest=hashlib.sha256(world.confirmation_token.encode()).hexdigest(),
    )
